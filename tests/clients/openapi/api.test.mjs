// The API as it is described and as it answers: the description is valid OpenAPI by a validator that others wrote, each of its
// calls is made to a real process, and every answer fits the schema that stands there for its status.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv from "ajv";

import { startFake } from "./fake.mjs";

const TELEGRAM_TOKEN = "7000000001:AA-CANARY-of-the-fake-telegram-0000";
const WRITE = "CANARY-token-of-the-api-that-writes";
const READ = "CANARY-token-of-the-api-that-reads";
const SECRET = "CANARY-secret-of-the-payments";
const USER = 501;

const SCENARIO = `scenario: shop
language: en
start: order
branches:
  order:
    - ask: [drink, pin]
    - save: orders
      values: {drink: drink, pin: pin, code: pin}
    - say: "Thanks, {{ drink }}"
  paid:
    - set: {sum: "sum | default(0)"}
    - say: "{{ sum }} came"
  call_back:
    - say: "{{ event.json.payment }} by {{ event.name }}"
questions:
  drink: {text: What shall it be?}
  pin: {text: Your pin?, secret: true}
tables:
  orders: {drink: text, pin: text, code: text}
events:
  pay: {webhook: pay, secret: "\${PAY_SECRET}", sign: hmac-sha256, find_user: event.json.person, id: event.json.payment, branch: call_back}
`;

let fake, sufler, folder, root;
const called = new Set(); // `get /health 200`

async function freePort() {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

before(async () => {
  fake = await startFake(process.env.FAKE_TELEGRAM);
  await fake.control("users", { id: USER, first_name: "Anna", username: "anna" });
  folder = mkdtempSync(join(tmpdir(), "sufler-openapi-"));
  const port = await freePort();
  root = `http://127.0.0.1:${port}`;
  writeFileSync(join(folder, "shop.yaml"), SCENARIO);
  writeFileSync(join(folder, "sufler.yaml"), `database: "sqlite:data.db"
http: {listen: "127.0.0.1:${port}"}
api:
  tokens:
    writer: {token: "\${WRITE}", rights: write}
    reader: {token: "\${READ}", rights: read, bots: [shop]}
bots:
  shop:
    scenario: shop.yaml
    telegram: {token: "\${TELEGRAM_TOKEN}", api: "${fake.root}"}
`);
  sufler = spawn(process.env.SUFLER, ["run", "sufler.yaml"], {
    cwd: folder,
    env: { ...process.env, TELEGRAM_TOKEN, WRITE, READ, PAY_SECRET: SECRET, LC_ALL: "C.UTF-8" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [sufler.stdout, sufler.stderr]) stream.on("data", (bytes) => (said += bytes));
  for (;;) {
    assert.equal(sufler.exitCode, null, said);
    const ready = await fetch(`${root}/readyz`).catch(() => null);
    if (ready?.status === 200) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});
after(async () => {
  const ended = new Promise((resolve) => sufler.once("exit", resolve));
  sufler.kill("SIGTERM");
  await ended;
  fake.stop();
  rmSync(folder, { recursive: true });
});

const description = JSON.parse(readFileSync(process.env.SUFLER_OPENAPI));

/** A schema of the description with its references put in. */
function whole(schema) {
  if (Array.isArray(schema)) return schema.map(whole);
  if (schema === null || typeof schema !== "object") return schema;
  if (schema.$ref) return whole(schema.$ref.split("/").slice(1).reduce((at, name) => at[name], description));
  return Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, whole(value)]));
}

/** Makes the call of the path in the description, and holds the answer against it. */
async function call(method, path, { to = path, token = WRITE, query = "", body, headers = {}, raw } = {}) {
  const answer = await fetch(`${root}/api/v1${to}${query}`, {
    method: method.toUpperCase(),
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body !== undefined || raw !== undefined ? { "content-type": "application/json" } : {}),
      ...headers,
    },
    body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
  });
  const operation = description.paths[path][method];
  assert.ok(operation, `${method} ${path} is described`);
  const described = whole(operation.responses[answer.status] ?? null);
  assert.ok(described, `${method} ${to}: the status ${answer.status} is described: ${await answer.clone().text()}`);
  const text = await answer.text();
  const json = JSON.parse(text);
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const schema = described.content["application/json"].schema;
  assert.ok(ajv.validate(schema, json), `${method} ${to}: ${text}: ${ajv.errorsText()}`);
  called.add(`${method} ${path} ${answer.status}`);
  return { status: answer.status, json, headers: answer.headers };
}

const DIALOGS = "/bots/{bot}/dialogs", DIALOG = "/bots/{bot}/dialogs/{dialog}", ROWS = "/bots/{bot}/tables/{table}/rows";
const MESSAGES = "/bots/{bot}/messages", BRANCHES = "/bots/{bot}/branches/{branch}";

test("the description is valid, and the one that is served", async () => {
  const result = await new Validator().validate(structuredClone(description));
  assert.ok(result.valid, JSON.stringify(result.errors));
  const served = await call("get", "/openapi.json", { token: null });
  assert.deepEqual(served.json, description);
});

test("the examples of the description fit its schemas", () => {
  for (const [path, operations] of Object.entries(description.paths))
    for (const [method, operation] of Object.entries(operations))
      for (const place of [operation.requestBody, ...Object.values(operation.responses)].filter(Boolean).map(whole)) {
        const json = place.content?.["application/json"];
        if (!json?.example) continue;
        const ajv = new Ajv({ strict: false, validateFormats: false });
        assert.ok(ajv.validate(json.schema, json.example), `${method} ${path}: ${ajv.errorsText()}`);
      }
});

test("who has no token, a wrong one, or one of too few rights", async () => {
  assert.equal((await call("get", "/health", { token: null })).status, 401);
  assert.equal((await call("get", "/health", { token: `${WRITE}x` })).json.error.code, "no_token");
  assert.equal((await call("get", DIALOGS, { to: "/bots/shop/dialogs", token: "x" })).status, 401);
  assert.deepEqual((await call("get", "/health")).json, { status: "ok", bots: ["shop"] });
  assert.equal((await call("post", MESSAGES, { to: "/bots/shop/messages", token: READ, body: { user: `telegram:${USER}`, text: "x" } })).status, 403);
  assert.equal((await call("get", DIALOGS, { to: "/bots/other/dialogs", token: READ })).status, 403);
  assert.equal((await call("get", DIALOGS, { to: "/bots/other/dialogs" })).status, 404);
});

test("a person who never wrote cannot be written to", async () => {
  const nobody = await call("post", MESSAGES, { to: "/bots/shop/messages", body: { user: "telegram:999", text: "x" } });
  assert.equal(nobody.status, 404);
  assert.equal(nobody.json.error.code, "no_dialog");
});

let dialog;
test("a message is said beside the question, once for its key", async () => {
  await fake.control("say", { user: USER, text: "/start" });
  await fake.messages({ chat: USER }, 1);
  await fake.control("say", { user: USER, text: "Tea" });
  await fake.messages({ chat: USER }, 2);
  const send = { to: "/bots/shop/messages", body: { user: `telegram:${USER}`, text: "**Hello** {{ drink }}" }, headers: { "Idempotency-Key": "k1" } };
  assert.equal((await call("post", MESSAGES, send)).status, 202);
  const again = await call("post", MESSAGES, send);
  assert.equal(again.status, 200);
  assert.equal(again.json.repeated, true);
  const heard = await fake.messages({ chat: USER }, 3);
  assert.equal(heard[2].text, "**Hello** {{ drink }}");
});

test("a branch begins with its variables, and the question is asked again", async () => {
  const begun = await call("post", BRANCHES, { to: "/bots/shop/branches/paid", body: { user: `telegram:${USER}`, with: { sum: 1500.5 } } });
  assert.equal(begun.status, 202);
  const heard = await fake.messages({ chat: USER }, 5);
  assert.equal(heard[3].text, "1500.5 came");
  assert.equal(heard[4].text, "Your pin?");
});

test("a dialog is listed and read, and what is secret is not in it", async () => {
  const page = await call("get", DIALOGS, { to: "/bots/shop/dialogs", query: "?place=order&limit=1" });
  assert.equal(page.json.dialogs.length, 1);
  dialog = page.json.dialogs[0];
  assert.equal(dialog.place, "order/pin");
  assert.equal(dialog.user.first_name, "Anna");
  assert.equal(page.json.next, undefined);
  assert.equal((await call("get", DIALOGS, { to: "/bots/shop/dialogs", query: "?idle=1h" })).json.dialogs.length, 0);
  assert.equal((await call("get", DIALOGS, { to: "/bots/shop/dialogs", query: `?user=telegram:${USER}` })).json.dialogs.length, 1);
  assert.equal((await call("get", DIALOGS, { to: "/bots/shop/dialogs", query: "?sort=up" })).status, 400);
  const read = await call("get", DIALOG, { to: `/bots/shop/dialogs/${dialog.id}`, token: READ });
  assert.deepEqual(read.json.answers, { drink: "Tea" });
  assert.equal(read.json.reachable, true);
  await fake.control("say", { user: USER, text: "CANARY-7391" });
  await fake.messages({ chat: USER }, 6);
  const after = await call("get", DIALOG, { to: `/bots/shop/dialogs/${dialog.id}`, token: READ });
  assert.deepEqual(after.json.answers, { drink: "Tea" });
  assert.equal((await call("get", DIALOG, { to: "/bots/shop/dialogs/999999" })).status, 404);
});

test("rows are listed without what is secret", async () => {
  const page = await call("get", ROWS, { to: "/bots/shop/tables/orders/rows", query: "?drink=Tea", token: READ });
  assert.equal(page.json.rows.length, 1);
  assert.equal(page.json.rows[0].drink, "Tea");
  assert.equal("pin" in page.json.rows[0], false);
  assert.equal("code" in page.json.rows[0], false, "the same answer under another name");
  assert.equal((await call("get", ROWS, { to: "/bots/shop/tables/orders/rows", query: "?drink=Coffee" })).json.rows.length, 0);
  assert.equal((await call("get", ROWS, { to: "/bots/shop/tables/orders/rows", query: "?pin=CANARY-7391" })).status, 400);
  assert.equal((await call("get", ROWS, { to: "/bots/shop/tables/secrets/rows" })).status, 404);
});

test("what cannot be read is refused", async () => {
  const to = "/bots/shop/messages";
  assert.equal((await call("post", MESSAGES, { to, raw: "{" })).status, 400);
  assert.equal((await call("post", MESSAGES, { to, raw: "[".repeat(600) })).status, 400);
  assert.equal((await call("post", MESSAGES, { to, raw: `"${"x".repeat(70_000)}"` })).status, 413);
  assert.equal((await call("post", MESSAGES, { to, raw: "a=b", headers: { "content-type": "text/plain" } })).status, 415);
  assert.equal((await call("post", MESSAGES, { to, body: { text: "x" } })).status, 422);
  assert.equal((await call("post", MESSAGES, { to, body: { user: `telegram:${USER}`, text: "x", txt: 1 } })).status, 422);
  assert.equal((await call("post", BRANCHES, { to: "/bots/shop/branches/gone", body: { user: `telegram:${USER}` } })).status, 404);
});

test("every call of the description was made", () => {
  for (const [path, operations] of Object.entries(description.paths))
    for (const method of Object.keys(operations)) {
      const good = Object.keys(operations[method].responses).filter((status) => status < 300);
      for (const status of good.filter((one) => !(path === BRANCHES && one === "200")))
        assert.ok(called.has(`${method} ${path} ${status}`), `${method} ${path} ${status}`);
    }
});

test("an event is proven, stored once, and told of", async () => {
  const post = (body, headers = {}, name = "pay") =>
    fetch(`${root}/hooks/shop/${name}`, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });
  const signed = (body, to = "hex") => ({ "X-Signature": createHmac("sha256", SECRET).update(body).digest(to) });
  const body = JSON.stringify({ person: USER, payment: "p-1" });
  for (const headers of [{}, { "X-Signature": "" }, { "X-Signature": "0".repeat(64) }, signed(body + " "), { "X-Signature": SECRET }]) {
    const forged = await post(body, headers);
    assert.equal(forged.status, 401);
    assert.equal(await forged.text(), "");
  }
  assert.equal((await post(body, signed(body))).status, 200);
  const heard = await fake.messages({ chat: USER }, 7);
  assert.equal(heard[6].text, "p-1 by pay");
  const again = await post(body, signed(body, "base64"));
  assert.deepEqual(await again.json(), { ok: true, repeated: true });
  const renamed = await post(body, { ...signed(body), "Idempotency-Key": "a-fresh-one" });
  assert.deepEqual(await renamed.json(), { ok: true, repeated: true }, "no signature proves the header");
  const other = JSON.stringify({ person: 999, payment: "p-2" });
  assert.equal((await post(other, signed(other))).status, 404);
  assert.equal((await post(body, signed(body), "pain")).status, 404);
  assert.equal((await post(body, { ...signed(body), "content-type": "text/xml" })).status, 415);
  assert.equal((await post("{", signed("{"))).status, 400);
  const huge = "x".repeat(70_000);
  assert.equal((await post(huge, signed(huge))).status, 413);
  assert.equal((await fetch(`${root}/hooks/shop/pay`)).status, 405);
  const form = `person=${USER}&payment=p-3`;
  assert.equal((await post(form, { ...signed(form), "content-type": "application/x-www-form-urlencoded" })).status, 200);
  assert.equal((await fake.messages({ chat: USER }, 8))[7].text, "p-3 by pay");
  const metrics = await (await fetch(`${root}/metrics`)).text();
  assert.match(metrics, /sufler_events_total\{bot="shop",event="pay",outcome="stored"\} 2/);
  assert.match(metrics, /sufler_events_total\{bot="shop",event="pay",outcome="forged"\} 5/);
  assert.match(metrics, /sufler_events_total\{bot="shop",event="pay",outcome="nobody"\} 1/);
  assert.doesNotMatch(metrics, /CANARY/);
});
