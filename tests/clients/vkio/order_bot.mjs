// The order dialog of the load on vk-io: shows that `fake_vk --load` is played as VK is.
import { Agent } from "node:http";

import { Keyboard, VK } from "vk-io";

const agent = new Agent({ keepAlive: true });
const group = Number(process.env.VK_GROUP);
const vk = new VK({
  token: process.env.VK_TOKEN, apiBaseUrl: `${process.env.VK_API}/method`, apiLimit: 10000, agent,
  apiMode: process.env.API_MODE ?? "sequential",
});
const services = ["Стрижка", "Маникюр", "Массаж"];
const sessions = new Map();
let orders = 0;
let random = 1;

const send = (peer_id, message, keyboard) =>
  vk.api.messages.send({ peer_id, message, random_id: random++, ...(keyboard && { keyboard: String(keyboard) }) });
const fields = (o) => `\nИмя: ${o.name}\nТелефон: ${o.phone}\nУслуга: ${o.service}\nКомментарий: ${o.comment}`;
const menu = Keyboard.builder().textButton({ label: "Заказать" }).textButton({ label: "О нас" });
const buttons = (labels) => {
  const keyboard = Keyboard.builder().inline();
  for (const label of labels) keyboard.callbackButton({ label, payload: { choice: label } });
  return keyboard;
};

async function handle(peer, text) {
  const s = sessions.get(peer) ?? { step: "" };
  sessions.set(peer, s);
  if (text === "/start") {
    s.step = "";
    return send(peer, "Добро пожаловать в салон «Лотос»! Чем помочь?", menu);
  }
  if (text === "Заказать") {
    s.step = "name";
    return send(peer, "Как вас зовут?");
  }
  switch (s.step) {
    case "name":
      Object.assign(s, { name: text, step: "phone" });
      return send(peer, "Укажите телефон для связи.");
    case "phone":
      if (!/^\+79\d{9}$/.test(text)) return send(peer, "Неверный номер.");
      Object.assign(s, { phone: text, step: "service" });
      return send(peer, "Выберите услугу:", buttons(services));
    case "service":
      Object.assign(s, { service: text, step: "comment" });
      return send(peer, "Оставьте комментарий к заказу.");
    case "comment":
      Object.assign(s, { comment: text, step: "confirm" });
      return send(peer, `Проверьте заказ:${fields(s)}\nВсё верно?`, buttons(["Да", "Нет"]));
    case "confirm": {
      const id = ++orders;
      s.step = "";
      await send(peer, `Заказ №${id} принят. Спасибо!`);
      return send(Number(process.env.ADMIN_CHAT), `Новый заказ №${id}${fields(s)}`);
    }
  }
}

vk.updates.on("message_new", (context) => handle(context.peerId, context.text));
vk.updates.on("message_event", async (context) => {
  await vk.api.messages.sendMessageEventAnswer({
    event_id: context.eventId, user_id: context.userId, peer_id: context.peerId });
  await handle(context.peerId, context.eventPayload.choice);
});
await vk.api.groups.setLongPollSettings({
  group_id: group, enabled: 1, api_version: "5.199", message_new: 1, message_event: 1, message_reply: 1 });
await vk.updates.start();
process.on("SIGTERM", () => process.exit(0));
