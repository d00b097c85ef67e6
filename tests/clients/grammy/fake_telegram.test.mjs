// grammY plays with the project's fake Telegram: where the two disagree, the fake is wrong.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { autoRetry } from "@grammyjs/auto-retry";
import { Bot, GrammyError, HttpError, InlineKeyboard, InputFile, InputMediaBuilder, Keyboard } from "grammy";

import { startFake } from "./fake.mjs";

const TOKEN = "7000000001:AA-CANARY-of-the-fake-telegram-0000";
const USER = 501;
let fake;
let root;

const control = (path, body) => fake.control(path, body);
const messages = (chat, count) => fake.messages({ chat }, count);

function makeBot(token = TOKEN) {
  return new Bot(token, { client: { apiRoot: root } });
}

/** Starts polling, plays, stops; an error of a handler is an error of the test. */
async function play(bot, talk) {
  const errors = [];
  bot.catch((error) => errors.push(error));
  const running = bot.start({ timeout: 2 });
  try {
    await talk();
  } finally {
    await bot.stop();
    await running;
  }
  assert.deepEqual(errors.map(String), []);
}

async function refusal(promise) {
  const error = await promise.then(() => assert.fail("no error came"), (e) => e);
  assert.ok(error instanceof GrammyError, String(error));
  return error;
}

before(async () => {
  fake = await startFake(process.env.FAKE_TELEGRAM);
  root = fake.root;
});
after(() => fake.stop());
beforeEach(async () => {
  await control("reset");
  // grammY repeats its last offset when it stops, which the server's rule would hold for 3 s.
  await control("options", { repeated_offset_rules: false, download_limit_bytes: 20 << 20 });
  await control("users", { id: USER, first_name: "Анна", username: "anna" });
});

test("init reads who the bot is", async () => {
  const bot = makeBot();
  await bot.init();
  assert.equal(bot.botInfo.id, 7000000001);
  assert.equal(bot.botInfo.is_bot, true);
});

test("commands, deep links and texts reach their handlers once", async () => {
  const bot = makeBot();
  bot.command("start", (ctx) => ctx.reply(`Здравствуйте, ${ctx.from.first_name}: ${ctx.match}`));
  bot.on("message:text", (ctx) => ctx.reply(`вы сказали ${ctx.msg.text}`));
  await control("say", { user: USER, text: "/start promo-1" });
  const last = await control("say", { user: USER, text: "привет 😀" });
  await play(bot, async () => {
    const sent = await messages(USER, 2);
    assert.deepEqual(sent.map((m) => m.text), ["Здравствуйте, Анна: promo-1", "вы сказали привет 😀"]);
    assert.ok((await control("wait", { confirmed: last.update_id, timeout_ms: 5000 })).satisfied);
  });
  const updates = await control("updates");
  assert.ok(updates.every((u) => u.confirmed_ms > 0));
  assert.equal((await control("messages", { chat: USER })).length, 2);
});

test("markup comes back as entities", async () => {
  const { api } = makeBot();
  const html = await api.sendMessage(USER, "<b>важно</b> &amp; <a href='https://example.com/'>тут</a>", { parse_mode: "HTML" });
  assert.equal(html.text, "важно & тут");
  assert.deepEqual(html.entities, [
    { type: "bold", offset: 0, length: 5 },
    { type: "text_link", offset: 8, length: 3, url: "https://example.com/" },
  ]);
  const markdown = await api.sendMessage(USER, "*a* ||b||\\.", { parse_mode: "MarkdownV2" });
  assert.deepEqual(markdown.entities.map((e) => e.type), ["bold", "spoiler"]);
  const plain = await api.sendMessage(USER, "😀 код", { entities: [{ type: "code", offset: 3, length: 3 }] });
  assert.equal(plain.entities[0].type, "code");
});

test("reply keyboards are tapped, contacts and locations asked for", async () => {
  const bot = makeBot();
  bot.command("start", (ctx) =>
    ctx.reply("меню", {
      reply_markup: new Keyboard().text("Заказать").row().requestContact("Телефон").requestLocation("Где я").resized(),
    }));
  bot.hears("Заказать", (ctx) => ctx.reply("заказ", { reply_markup: { remove_keyboard: true } }));
  bot.on("message:contact", (ctx) => ctx.reply(`${ctx.msg.contact.phone_number} ${ctx.msg.contact.user_id === ctx.from.id}`));
  bot.on("message:location", (ctx) => ctx.reply(`${ctx.msg.location.latitude}`));
  await play(bot, async () => {
    await control("say", { user: USER, text: "/start" });
    await messages(USER, 1);
    await control("tap", { user: USER, label: "Телефон", phone: "+79990001122" });
    await messages(USER, 2);
    await control("tap", { user: USER, label: "Где я", latitude: 59.9 });
    await messages(USER, 3);
    await control("tap", { user: USER, label: "Заказать" });
    const sent = await messages(USER, 4);
    assert.deepEqual(sent.slice(1).map((m) => m.text), ["+79990001122 true", "59.9", "заказ"]);
    await assert.rejects(control("tap", { user: USER, label: "Заказать" }), /no button/);
  });
});

test("callback queries are pressed, answered once and edit their message", async () => {
  const bot = makeBot();
  bot.command("start", (ctx) => ctx.reply("?", { reply_markup: new InlineKeyboard().text("Да", "yes:1").url("Сайт", "https://example.com") }));
  let again;
  bot.callbackQuery(/^yes:(\d)$/, async (ctx) => {
    await ctx.editMessageText(`выбрано ${ctx.match[1]}`);
    await ctx.answerCallbackQuery({ text: "готово", show_alert: true });
    again = await refusal(ctx.answerCallbackQuery());
    await ctx.reply("всё");
  });
  await play(bot, async () => {
    await control("say", { user: USER, text: "/start" });
    await messages(USER, 1);
    assert.equal((await control("press", { user: USER, label: "Сайт" })).url, "https://example.com");
    await control("press", { user: USER, label: "Да" });
    const sent = await messages(USER, 2);
    assert.equal(sent[0].text, "выбрано 1");
    assert.equal(sent[0].reply_markup, null);
    assert.equal(sent[0].edits, 1);
  });
  assert.equal(again.error_code, 400);
  assert.match(again.description, /query is too old/);
  const [answer] = await control("answers");
  assert.deepEqual([answer.answered, answer.answer.text, answer.answer.show_alert], [true, "готово", true]);
  assert.match((await refusal(bot.api.answerCallbackQuery("12345"))).description, /query ID is invalid/);
});

test("files go up, come back by id and are downloaded", async () => {
  const { api } = makeBot();
  const bytes = Buffer.from("строка\r\n--boundary--\0\xff".repeat(5000), "latin1");
  const sent = await api.sendDocument(USER, new InputFile(bytes, "смета 1.bin"), { caption: "<i>файл</i>", parse_mode: "HTML" });
  assert.equal(sent.document.file_name, "смета 1.bin");
  assert.equal(sent.document.file_size, bytes.length);
  assert.equal(sent.caption, "файл");
  const file = await api.getFile(sent.document.file_id);
  const got = await fetch(`${root}/file/bot${TOKEN}/${file.file_path}`);
  assert.ok(Buffer.from(await got.arrayBuffer()).equals(bytes));
  const again = await api.sendDocument(USER, sent.document.file_id);
  assert.equal(again.document.file_unique_id, sent.document.file_unique_id);
  assert.match((await refusal(api.sendPhoto(USER, sent.document.file_id))).description, /can't use file of type Document as Photo/);
  assert.match((await refusal(api.sendPhoto(USER, new InputFile(Buffer.from("x"), "a.png")))).description, /IMAGE_PROCESS_FAILED/);
  await control("options", { download_limit_bytes: 1000 });
  assert.equal((await refusal(api.getFile(sent.document.file_id))).description, "Bad Request: file is too big");
});

test("a person's photo is downloaded at its full size", async () => {
  const bot = makeBot();
  bot.on("message:photo", async (ctx) => {
    const file = await ctx.getFile();
    const got = await fetch(`${root}/file/bot${TOKEN}/${file.file_path}`);
    await ctx.reply(`${ctx.msg.caption} ${(await got.arrayBuffer()).byteLength === file.file_size}`);
  });
  await play(bot, async () => {
    await control("photo", { user: USER, width: 200, height: 100, caption: "вот" });
    assert.equal((await messages(USER, 1))[0].text, "вот true");
  });
});

test("albums go both ways", async () => {
  const bot = makeBot();
  const groups = new Map();
  bot.on("message:photo", (ctx) => groups.set(ctx.msg.message_id, ctx.msg.media_group_id));
  bot.command("done", (ctx) => ctx.reply(`${groups.size} ${new Set(groups.values()).size}`));
  const png = Buffer.from(await (await fetch(`${root}/control/file?file_id=${(await control("photo", { user: USER })).file_id}`)).arrayBuffer());
  await control("album", { user: USER, items: [{ caption: "один" }, {}, {}] });
  await control("say", { user: USER, text: "/done" });
  await play(bot, async () => {
    assert.equal((await messages(USER, 1))[0].text, "4 2");
  });
  const sent = await bot.api.sendMediaGroup(USER, [
    InputMediaBuilder.photo(new InputFile(png, "1.png"), { caption: "<b>a</b>", parse_mode: "HTML" }),
    InputMediaBuilder.photo(new InputFile(png, "2.png")),
  ]);
  assert.equal(sent.length, 2);
  assert.equal(new Set(sent.map((m) => m.media_group_id)).size, 1);
  assert.equal(sent[0].caption_entities[0].type, "bold");
  const photo = () => InputMediaBuilder.photo(sent[0].photo.at(-1).file_id);
  assert.match((await refusal(bot.api.sendMediaGroup(USER, Array.from({ length: 11 }, photo)))).description, /too many messages to send as an album/);
  const document = InputMediaBuilder.document(new InputFile(Buffer.from("x"), "x.txt"));
  assert.match((await refusal(bot.api.sendMediaGroup(USER, [photo(), document]))).description, /can't be mixed/);
});

test("auto-retry waits out a 429", async () => {
  const { api } = makeBot();
  api.config.use(autoRetry());
  await control("faults", { method: "sendMessage", chat: USER, kind: "rate_limit", retry_after: 1 });
  const begin = Date.now();
  await api.sendMessage(USER, "дошло");
  assert.ok(Date.now() - begin >= 990);
  const calls = await control("calls", { method: "sendMessage" });
  assert.deepEqual(calls.map((c) => [c.ok, c.error_code]), [[false, 429], [true, 0]]);
  assert.equal((await control("messages", { chat: USER })).length, 1);
});

test("errors of the platform and of the network are told apart", async () => {
  const { api } = makeBot();
  const limited = control("faults", { kind: "rate_limit", retry_after: 7 }).then(() => refusal(api.sendMessage(USER, "x")));
  assert.equal((await limited).parameters.retry_after, 7);
  await control("faults", { kind: "migrated", migrate_to: -100777 });
  assert.equal((await refusal(api.sendMessage(USER, "x"))).parameters.migrate_to_chat_id, -100777);
  for (const kind of ["drop", "lost_answer"]) {
    await control("faults", { method: "sendMessage", kind });
    await assert.rejects(api.sendMessage(USER, kind), HttpError, kind);
  }
  for (const kind of ["bad_gateway", "garbage"]) {
    await control("faults", { method: "sendMessage", kind });
    await assert.rejects(api.sendMessage(USER, kind), /invalid json response body/, kind);
  }
  const applied = (await control("messages", { chat: USER })).map((m) => m.text);
  assert.deepEqual(applied, ["lost_answer", "garbage"], "applied, though nobody was told");
  await control("block", { user: USER });
  assert.equal((await refusal(api.sendMessage(USER, "x"))).description, "Forbidden: bot was blocked by the user");
  assert.equal((await refusal(api.sendMessage(999, "x"))).description, "Bad Request: chat not found");
  assert.equal((await refusal(makeBot("1:wrong").api.getMe())).error_code, 401);
});

test("broken requests are named", async () => {
  const { api } = makeBot();
  assert.match((await refusal(api.sendMessage(USER, "  "))).description, /message text is empty/);
  assert.match((await refusal(api.sendMessage(USER, "а".repeat(4097)))).description, /message is too long/);
  assert.match((await refusal(api.sendMessage(USER, "1.", { parse_mode: "MarkdownV2" }))).description, /Character '\.' is reserved/);
  assert.match((await refusal(api.sendMessage(USER, "x", { tekst: "y" }))).description, /unknown parameter "tekst"/);
  assert.match((await refusal(api.sendMessage(USER, "x", { reply_markup: new InlineKeyboard().text("a", "я".repeat(33)) }))).description, /BUTTON_DATA_INVALID/);
  assert.match((await refusal(api.setMyCommands([{ command: "Start", description: "x" }]))).description, /BOT_COMMAND_INVALID/);
  await api.setMyCommands([{ command: "start", description: "Начать" }]);
  assert.deepEqual(await api.getMyCommands(), [{ command: "start", description: "Начать" }]);
  await api.sendChatAction(USER, "upload_document");
  assert.match((await refusal(api.sendChatAction(USER, "dancing"))).description, /wrong parameter action/);
});

test("messages are copied, forwarded, edited and deleted", async () => {
  const { api } = makeBot();
  await control("groups", { id: -100500, title: "Операторы" });
  const one = await api.sendMessage(USER, "один");
  const copy = await api.copyMessage(-100500, USER, one.message_id);
  assert.deepEqual(Object.keys(copy), ["message_id"]);
  const forwarded = await api.forwardMessage(-100500, USER, one.message_id);
  assert.equal(forwarded.forward_origin.type, "user");
  const edited = await api.editMessageText(USER, one.message_id, "два");
  assert.equal(edited.text, "два");
  assert.match((await refusal(api.editMessageText(USER, one.message_id, "два"))).description, /message is not modified/);
  assert.equal(await api.deleteMessage(USER, one.message_id), true);
  assert.match((await refusal(api.deleteMessage(USER, one.message_id))).description, /message to delete not found/);
});

test("a second poller ends the first with 409", async () => {
  const first = makeBot();
  const ended = first.start({ timeout: 20 }).then(() => assert.fail("still polling"), (e) => e);
  assert.ok((await control("wait", { polling: true })).satisfied);
  const second = makeBot();
  second.on("message", (ctx) => ctx.reply("второй"));
  await play(second, async () => {
    const error = await ended;
    assert.equal(error.error_code, 409);
    assert.match(error.description, /terminated by other getUpdates request/);
    await control("say", { user: USER, text: "кто здесь?" });
    assert.equal((await messages(USER, 1))[0].text, "второй");
  });
});

test("polling survives a lost answer and gets again what was not confirmed", async () => {
  await control("say", { user: USER, text: "раз" });
  await control("faults", { method: "getUpdates", kind: "lost_answer" });
  const bot = makeBot();
  bot.on("message:text", (ctx) => ctx.reply(ctx.msg.text));
  await play(bot, async () => {
    assert.equal((await messages(USER, 1))[0].text, "раз");
  });
  assert.ok((await control("updates"))[0].deliveries >= 2);
});
