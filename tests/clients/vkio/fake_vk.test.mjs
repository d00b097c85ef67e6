// vk-io plays with the project's fake VK: where the two disagree, the fake is wrong.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { Agent, createServer } from "node:http";
import { after, before, beforeEach, test } from "node:test";

import { APIError, Keyboard, VK } from "vk-io";

import { startFake } from "./fake.mjs";

const TOKEN = "vk1.a.CANARY-token-of-the-fake-vk";
const GROUP = 123456;
const USER = 501;
const EVENTS = Object.fromEntries(
  ["new", "reply", "edit", "event", "allow", "deny", "typing_state"].map((name) => [`message_${name}`, 1]));
const agent = new Agent({ keepAlive: true });
let fake;
let root;

const control = (path, body) => fake.control(path, body);
const messages = (peer, count) => fake.messages({ peer }, count);

function makeVk(options = {}) {
  const vk = new VK({ token: TOKEN, apiBaseUrl: `${root}/method`, apiLimit: 1000, apiRetryLimit: 0, agent, ...options });
  // The first middleware: it sees what the handlers throw.
  vk.updates.use((context, next) => next().catch((error) => errors.push(error)));
  return vk;
}

const errors = [];

/** Polls, plays, stops. A handler's error is an error of the test. */
async function play(vk, talk) {
  await vk.api.groups.setLongPollSettings({ group_id: GROUP, enabled: 1, api_version: "5.199", ...EVENTS });
  await vk.updates.start();
  try {
    assert.ok((await control("wait", { polling: true })).satisfied);
    await talk();
  } finally {
    await vk.updates.stop();
    await control("longpoll/release"); // vk-io leaves its last poll hanging
  }
  assert.deepEqual(errors.map(String), []);
}

async function refusal(promise) {
  const error = await promise.then(() => assert.fail("no error came"), (e) => e);
  assert.ok(error instanceof APIError, String(error));
  return error;
}

function png() {
  return Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
}
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

before(async () => {
  fake = await startFake(process.env.FAKE_VK, ["--callback-time-scale", "0.001"]);
  root = fake.root;
});
after(() => {
  agent.destroy();
  fake.stop();
});
beforeEach(async () => {
  errors.length = 0;
  await control("reset");
  // vk-io draws its random_id from 53 bits.
  await control("options", { fold_random_ids: true, echo: "mixed" });
  await control("users", { id: USER, first_name: "Анна", last_name: "Иванова" });
});

test("the community and its token introduce themselves", async () => {
  const { api } = makeVk();
  const { groups } = await api.groups.getById({});
  assert.equal(groups[0].id, GROUP);
  const { permissions } = await api.groups.getTokenPermissions({});
  assert.deepEqual(permissions.map((p) => p.name).sort(), ["docs", "manage", "messages", "photos"]);
});

test("long poll brings messages once and send answers them", async () => {
  const vk = makeVk();
  vk.updates.on("message_new", async (context) => {
    assert.equal(context.senderId, USER);
    assert.equal(context.isUser, true);
    await context.send(`вы сказали ${context.text}`);
  });
  await play(vk, async () => {
    await control("say", { user: USER, text: "привет 😀 & <b>" });
    const last = await control("say", { user: USER, text: "ещё" });
    const sent = await messages(USER, 2);
    assert.deepEqual(sent.map((m) => m.text).sort(), ["вы сказали ещё", "вы сказали привет 😀 & <b>"]);
    assert.ok((await control("wait", { confirmed: last.event_id })).satisfied);
  });
  assert.equal((await control("messages", { peer: USER })).length, 2);
});

test("replies quote by cmid, and the echo comes as message_reply", async () => {
  const vk = makeVk();
  const echoes = [];
  vk.updates.on("message_reply", (context) => echoes.push(context.text));
  vk.updates.on("message_new", (context) => context.reply("в ответ"));
  await play(vk, async () => {
    const asked = await control("say", { user: USER, text: "вопрос" });
    const [sent] = await messages(USER, 1);
    assert.equal(sent.reply_to, asked.cmid);
    await control("staff", { admin: 77, peer: USER, text: "это человек" });
    const events = await control("events");
    for (const event of events.filter((e) => e.type === "message_reply")) {
      assert.ok((await control("wait", { confirmed: event.event_id })).satisfied);
    }
  });
  assert.deepEqual(echoes, ["в ответ", "это человек"]);
});

test("keyboards are pressed: text, location, link and callback buttons", async () => {
  const vk = makeVk();
  vk.updates.on("message_new", async (context) => {
    if (context.text === "меню") {
      await context.send("выберите", {
        keyboard: Keyboard.builder()
          .textButton({ label: "Заказать", payload: { c: "order" }, color: Keyboard.POSITIVE_COLOR })
          .row().locationRequestButton({ payload: { c: "where" } }).row().oneTime(),
      });
    } else if (context.hasGeo) {
      await context.send(`вы на ${context.geo.coordinates.latitude}`);
    } else if (context.messagePayload?.c === "order") {
      await context.send("услуга?", {
        keyboard: Keyboard.builder()
          .callbackButton({ label: "Маникюр", payload: { s: 1 }, color: Keyboard.PRIMARY_COLOR })
          .row().urlButton({ label: "Сайт", url: "https://example.com" }).inline(),
      });
    }
  });
  vk.updates.on("message_event", async (context) => {
    assert.deepEqual(context.eventPayload, { s: 1 });
    await context.answer({ type: "show_snackbar", text: "записали" });
    await context.send("готово");
  });
  await play(vk, async () => {
    await control("say", { user: USER, text: "меню" });
    await messages(USER, 1);
    await control("press", { user: USER, label: "Заказать" });
    await messages(USER, 2);
    const { link } = await control("press", { user: USER, label: "Сайт" });
    assert.equal(link, "https://example.com");
    const { callback_id } = await control("press", { user: USER, label: "Маникюр" });
    const sent = await messages(USER, 3);
    assert.equal(sent[2].text, "готово");
    assert.ok((await control("wait", { answered: callback_id })).satisfied);
    const [answer] = await control("answers");
    assert.deepEqual(answer.answer, { type: "show_snackbar", text: "записали" });
    // One-time: the keyboard has gone with the first press.
    await assert.rejects(control("press", { user: USER, label: "location" }), /no button/);
  });
});

test("a keyboard against the rules is error 911", async () => {
  const { api } = makeVk();
  await control("say", { user: USER, text: "привет" });
  const send = (keyboard) =>
    api.messages.send({ peer_id: USER, random_id: 0, message: "x", keyboard: JSON.stringify(keyboard) });
  const button = { action: { type: "text", label: "да" } };
  assert.ok((await send({ buttons: [[button]] })) > 0);
  for (const buttons of [Array(11).fill([button]), [Array(6).fill(button)],
    [[{ action: { type: "text", label: "я".repeat(41) } }]],
    [[{ action: { type: "text", label: "" } }]],
    [[{ action: { type: "text", label: "да", payload: "[1]" } }]]]) {
    assert.equal((await refusal(send({ buttons }))).code, 911);
  }
  await control("community", { bot_features: false });
  assert.equal((await refusal(send({ buttons: [[button]] }))).code, 912);
});

test("photos and documents are uploaded, saved and sent", async () => {
  const vk = makeVk();
  await control("say", { user: USER, text: "привет" });
  const photo = await vk.upload.messagePhoto({ peer_id: USER, source: { value: png(), filename: "a.png" } });
  const doc = await vk.upload.messageDocument({
    peer_id: USER, source: { value: Buffer.from("смета"), filename: "смета.txt" } });
  await vk.api.messages.send({
    peer_ids: USER, random_id: 0, message: "файлы", attachment: [String(photo), String(doc)].join(",") });
  const [sent] = await messages(USER, 1);
  assert.deepEqual(sent.attachments.map((a) => [a.kind, a.name, a.sha256]), [
    ["photo", "a.png", sha256(png())],
    ["doc", "смета.txt", sha256(Buffer.from("смета"))],
  ]);
  assert.equal((await refusal(vk.api.messages.send({
    peer_id: USER, random_id: 0, attachment: "photo-1_2" }))).code, 100);
});

test("people's albums arrive in one message, and the largest size has the bytes", async () => {
  const vk = makeVk();
  const seen = [];
  vk.updates.on("message_new", async (context) => {
    for (const attachment of context.attachments) {
      const url = attachment.type === "photo" ? attachment.largeSizeUrl
        : attachment.type === "audio_message" ? attachment.oggUrl : attachment.url;
      const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
      seen.push([attachment.type, sha256(bytes)]);
    }
    await context.send("получили");
  });
  await play(vk, async () => {
    await control("files", { user: USER, text: "вот", items: [
      { type: "photo", base64: png().toString("base64") },
      { type: "doc", name: "план.pdf", text_bytes: "pdf" },
      { type: "audio_message" },
    ] });
    await messages(USER, 1);
  });
  assert.deepEqual(seen.map(([type]) => type), ["photo", "doc", "audio_message"]);
  assert.equal(seen[0][1], sha256(png()));
  assert.equal(seen[1][1], sha256(Buffer.from("pdf")));
});

test("unknown attachments, stickers and places do not stop the client", async () => {
  const vk = makeVk();
  vk.updates.on("message_new", (context) => context.send(context.attachments.map((a) => a.type).join() || "пусто"));
  await play(vk, async () => {
    await control("attachment", { user: USER, type: "hologram", content: { id: 139 } });
    await control("sticker", { user: USER });
    await control("location", { user: USER });
    const sent = await messages(USER, 3);
    assert.deepEqual(sent.map((m) => m.text).sort(), ["sticker", "пусто", "пусто"]);
  });
});

test("the same random_id is sent once and gives the same id", async () => {
  const { api } = makeVk();
  await control("say", { user: USER, text: "привет" });
  const first = await api.messages.send({ peer_id: USER, random_id: 42, message: "раз" });
  const second = await api.messages.send({ peer_id: USER, random_id: 42, message: "раз" });
  assert.equal(second, first);
  const other = await api.messages.send({ peer_id: USER, random_id: 43, message: "раз" });
  assert.notEqual(other, first);
  assert.equal((await control("messages", { peer: USER })).length, 2);
});

test("a lost answer is repaired by the same random_id", async () => {
  const { api } = makeVk();
  await control("say", { user: USER, text: "привет" });
  await control("faults", { kind: "lost_answer", method: "messages.send" });
  await assert.rejects(api.messages.send({ peer_id: USER, random_id: 42, message: "раз" }));
  const id = await api.messages.send({ peer_id: USER, random_id: 42, message: "раз" });
  const sent = await control("messages", { peer: USER });
  assert.deepEqual(sent.map((m) => m.message_id), [id]);
});

test("errors have their codes", async () => {
  const { api } = makeVk();
  const send = (params) => api.messages.send({ peer_id: USER, random_id: 0, message: "x", ...params });
  assert.equal((await refusal(send({}))).code, 901);
  await control("say", { user: USER, text: "привет" });
  assert.equal((await refusal(send({ message: "я".repeat(4097) }))).code, 914);
  assert.equal((await refusal(send({ message: "" }))).code, 100);
  assert.equal((await refusal(send({ peer_id: 2000000001 }))).code, 917);
  await control("deny", { user: USER });
  assert.equal((await refusal(send({}))).code, 901);
  assert.equal((await refusal(makeVk({ token: "wrong" }).api.users.get({ user_ids: USER }))).code, 5);
  await control("faults", { kind: "captcha" });
  assert.equal((await refusal(api.users.get({ user_ids: USER }))).captchaSid !== undefined, true);
  await control("community", { revoked: true });
  assert.equal((await refusal(api.users.get({ user_ids: USER }))).code, 5);
});

test("execute batches calls and tells which of them failed", async () => {
  const vk = makeVk({ apiMode: "parallel" });
  await control("say", { user: USER, text: "привет" });
  const results = await Promise.allSettled([
    vk.api.messages.send({ peer_id: USER, random_id: 1, message: "а" }),
    vk.api.messages.send({ peer_id: 999, random_id: 2, message: "б" }),
    vk.api.messages.send({ peer_id: USER, random_id: 3, message: "в" }),
  ]);
  assert.deepEqual(results.map((r) => r.status), ["fulfilled", "rejected", "fulfilled"]);
  const sent = await messages(USER, 2);
  assert.deepEqual(sent.map((m) => m.text), ["а", "в"]);
  const calls = await control("calls", { method: "messages.send" });
  assert.ok(calls.every((call) => call.executed));
  const [both] = await vk.api.users.get({ user_ids: USER });
  assert.equal(both.first_name, "Анна");
});

test("a lost key and lost events: the client comes back", async () => {
  const vk = makeVk();
  vk.updates.on("message_new", (context) => context.send(`эхо ${context.text}`));
  await play(vk, async () => {
    await control("longpoll/lose", { next: 1 });
    await control("say", { user: USER, text: "потеряно" });
    await control("say", { user: USER, text: "после failed 1" });
    await messages(USER, 1);
    await control("longpoll/expire");
    assert.ok((await control("wait", { polling: true, timeout_ms: 10000 })).satisfied);
    await control("say", { user: USER, text: "после failed 2" });
    await messages(USER, 2);
    await control("longpoll/reset");
    assert.ok((await control("wait", { polling: true, timeout_ms: 10000 })).satisfied);
    await control("say", { user: USER, text: "после failed 3" });
    const sent = await messages(USER, 3);
    assert.deepEqual(sent.map((m) => m.text), ["эхо после failed 1", "эхо после failed 2", "эхо после failed 3"]);
  });
  const { items } = await vk.api.messages.getHistory({ peer_id: USER, count: 200, rev: 1 });
  assert.equal(items[0].text, "потеряно", "the history still has it");
});

test("the Callback API confirms, delivers with the secret, and a forger is turned away", async () => {
  const vk = makeVk({ webhookSecret: "тайна-1", webhookConfirmation: (await control("community")).confirmation });
  vk.updates.on("message_new", (context) => context.send(`вебхук ${context.text}`));
  const callback = vk.updates.getWebhookCallback("/vk");
  const listener = createServer((request, response) => callback(request, response, () => response.writeHead(404).end()));
  await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
  try {
    const url = `http://127.0.0.1:${listener.address().port}/vk`;
    const { server_id } = await vk.api.groups.addCallbackServer({
      group_id: GROUP, url, title: "бот", secret_key: "тайна-1" });
    assert.ok((await control("wait", { server: server_id, status: "ok" })).satisfied, JSON.stringify(await control("deliveries")));
    await vk.api.groups.setCallbackSettings({ group_id: GROUP, server_id, api_version: "5.199", ...EVENTS });
    const { event_id } = await control("say", { user: USER, text: "привет" });
    assert.ok((await control("wait", { delivery: event_id })).satisfied);
    const [sent] = await messages(USER, 1);
    assert.equal(sent.text, "вебхук привет");
    const forged = await control("forge", { server: server_id, body: JSON.stringify({
      type: "message_new", group_id: GROUP, secret: "не та", object: {} }) });
    assert.equal(forged.status, 403);
    await vk.api.groups.deleteCallbackServer({ group_id: GROUP, server_id });
  } finally {
    listener.closeAllConnections();
    await new Promise((resolve) => listener.close(resolve));
  }
});

test("the load plays the order dialog with a bot on vk-io", async () => {
  const load = spawn(process.env.FAKE_VK, ["--load", "--script", "order.txt", "--users", "5", "--dialogs", "2",
    "--settle", "0", "--exec", "exec node order_bot.mjs"], { stdio: ["ignore", "pipe", "ignore"] });
  let printed = "";
  load.stdout.on("data", (piece) => (printed += piece));
  const code = await new Promise((resolve) => load.once("close", resolve));
  const result = JSON.parse(printed);
  assert.equal(code, 0, printed);
  assert.deepEqual([result.valid, result.dialogs, result.admin_messages], [true, 10, 10]);
});
