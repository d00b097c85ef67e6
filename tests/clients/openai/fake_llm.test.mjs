// OpenAI's own client plays with the project's fake server: where the two disagree, the fake is wrong.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import OpenAI from "openai";

import { startFake } from "./fake.mjs";

const KEY = "sk-CANARY-of-the-fake-llm-0000";
const MODEL = "fake-model";
const TOOL = {
  type: "function",
  function: {
    name: "find_order",
    description: "Finds an order",
    parameters: { type: "object", properties: { number: { type: "string" } }, required: ["number"], additionalProperties: false },
    strict: true,
  },
};
let fake;

const client = (options = {}) => new OpenAI({ apiKey: KEY, baseURL: `${fake.root}/v1`, maxRetries: 0, ...options });
const chat = (body, options) => client(options).chat.completions.create({ model: MODEL, messages: [{ role: "user", content: "привет" }], ...body });
const refusal = (promise) => promise.then(() => assert.fail("no error came"), (error) => error);

before(async () => {
  fake = await startFake(process.env.FAKE_LLM);
});
after(() => fake.stop());
beforeEach(() => fake.control("reset"));

test("an answer with its usage", async () => {
  await fake.control("answer", { text: "Здравствуйте" });
  const answer = await chat();
  assert.equal(answer.choices[0].message.content, "Здравствуйте");
  assert.equal(answer.choices[0].finish_reason, "stop");
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
});

test("a tool is called and its result goes back", async () => {
  await fake.control("answer", { calls: [{ name: "find_order", arguments: { number: "15" } }, { name: "find_order", arguments: { number: "16" } }] });
  await fake.control("answer", { text: "Оплачен" });
  const messages = [{ role: "user", content: "где заказ?" }];
  const first = await chat({ messages, tools: [TOOL], tool_choice: "auto" });
  const { message, finish_reason } = first.choices[0];
  assert.equal(finish_reason, "tool_calls");
  assert.deepEqual(message.tool_calls.map((call) => JSON.parse(call.function.arguments).number), ["15", "16"]);
  messages.push(message, ...message.tool_calls.map((call) => ({ role: "tool", tool_call_id: call.id, content: '{"status":"paid"}' })));
  const second = await chat({ messages, tools: [TOOL] });
  assert.equal(second.choices[0].message.content, "Оплачен");
});

test("the client's own loop of tools comes to its end", async () => {
  await fake.control("answer", { calls: [{ name: "find_order", arguments: { number: "15" } }] });
  await fake.control("answer", { text: "Оплачен" });
  const seen = [];
  const runner = client().chat.completions.runTools({
    model: MODEL,
    messages: [{ role: "user", content: "где заказ 15?" }],
    tools: [{ type: "function", function: { ...TOOL.function, parse: JSON.parse, function: (given) => (seen.push(given.number), { status: "paid" }) } }],
  });
  assert.equal(await runner.finalContent(), "Оплачен");
  assert.deepEqual(seen, ["15"]);
});

test("a result without a call is refused, and a call without a result", async () => {
  const lone = await refusal(chat({ messages: [{ role: "user", content: "x" }, { role: "tool", tool_call_id: "a", content: "1" }] }));
  assert.ok(lone instanceof OpenAI.BadRequestError, String(lone));
  const call = { role: "assistant", content: null, tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }] };
  const open = await refusal(chat({ messages: [{ role: "user", content: "x" }, call] }));
  assert.match(open.message, /did not have response messages: a/);
});

for (const crlf of [false, true]) {
  test(`a stream, ${crlf ? "CRLF" : "LF"}, in pieces of a few bytes`, async () => {
    await fake.control("answer", { text: "Здравствуйте, Анна 😀", piece: 7, crlf });
    const stream = await chat({ stream: true, stream_options: { include_usage: true } });
    let text = "";
    let usage;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? "";
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, "Здравствуйте, Анна 😀");
    assert.ok(usage.total_tokens > 0);
  });
}

test("calls in a stream are put together by the client", async () => {
  await fake.control("answer", { calls: [{ name: "find_order", arguments: { number: "15" } }, { name: "find_order", arguments: { number: "16" } }] });
  const stream = client().chat.completions.stream({ model: MODEL, messages: [{ role: "user", content: "x" }], tools: [TOOL] });
  const message = await stream.finalMessage();
  assert.deepEqual(message.tool_calls.map((call) => JSON.parse(call.function.arguments).number), ["15", "16"]);
});

test("an error in the middle of a stream is an error for the client", async () => {
  await fake.control("faults", { kind: "stream_error" });
  const stream = await chat({ stream: true });
  const error = await refusal((async () => { for await (const chunk of stream) void chunk; })());
  assert.ok(error instanceof OpenAI.APIError, String(error));
});

test("a schema is kept to", async () => {
  const schema = { type: "object", properties: { intent: { type: "string", enum: ["да", "нет"] } }, required: ["intent"], additionalProperties: false };
  const answer = await chat({ response_format: { type: "json_schema", json_schema: { name: "answer", schema, strict: true } } });
  assert.deepEqual(JSON.parse(answer.choices[0].message.content), { intent: "да" });
  const loose = await refusal(chat({ response_format: { type: "json_schema", json_schema: { name: "answer", schema: { ...schema, required: [] }, strict: true } } }));
  assert.equal(loose.status, 400);
});

test("errors have the classes that the client gives them", async () => {
  assert.ok((await refusal(chat({}, { apiKey: "wrong" }))) instanceof OpenAI.AuthenticationError);
  assert.ok((await refusal(chat({ model: "other" }))) instanceof OpenAI.NotFoundError);
  assert.equal((await refusal(chat({ bogus: 1 }))).param, "bogus");
  await fake.control("faults", { kind: "quota" });
  const quota = await refusal(chat());
  assert.ok(quota instanceof OpenAI.RateLimitError);
  assert.equal(quota.code, "insufficient_quota");
  await fake.control("faults", { kind: "server_error" });
  assert.ok((await refusal(chat())) instanceof OpenAI.InternalServerError);
  await fake.control("faults", { kind: "drop" });
  assert.ok((await refusal(chat())) instanceof OpenAI.APIConnectionError);
});

test("the client tries again, and waits as it is told", async () => {
  await fake.control("faults", { kind: "rate_limit", retry_after: 1 });
  await fake.control("faults", { kind: "bad_gateway" });
  const begun = Date.now();
  const answer = await chat({}, { maxRetries: 2 });
  assert.match(answer.choices[0].message.content, /^echo: /);
  assert.ok(Date.now() - begun >= 1000);
});

test("vectors and the list of models", async () => {
  const { data } = await client().embeddings.create({ model: MODEL, input: ["цена", "доставка"], encoding_format: "float" });
  assert.deepEqual(data.map((one) => one.index).sort(), [0, 1]);
  const models = [];
  for await (const model of client().models.list()) models.push(model.id);
  assert.deepEqual(models, [MODEL]);
});
