#include "interpreter/transports/telegram/renderer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "interpreter/core/text.h"

namespace sufler::telegram {
namespace {

using nlohmann::json;

RichText plain(std::string text) { return {std::move(text), {}}; }

Attachment scenario(AttachmentKind kind, std::string reference, std::string caption = {}) {
  Attachment file;
  file.kind = kind;
  file.origin = "scenario";
  file.reference = std::move(reference);
  file.caption = std::move(caption);
  return file;
}

Keyboard inline_keyboard(std::vector<Button> row) { return {Keyboard::Kind::Inline, {std::move(row)}}; }
Button press(std::string label, std::string payload) {
  Button button;
  button.label = std::move(label);
  button.action = ButtonAction::Payload;
  button.payload = std::move(payload);
  return button;
}

json body(const ApiCall& call) { return json::parse(call.body); }

TEST(TelegramRendererTest, SendsATextAsItStands) {
  Message message;
  message.text = plain("Скидка <b>5%</b> & \"цены\"\n*_[");
  const auto calls = render("42", message);
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].method, "sendMessage");
  EXPECT_EQ(body(calls[0]), (json{{"chat_id", 42}, {"text", "Скидка <b>5%</b> & \"цены\"\n*_["}}));
  EXPECT_TRUE(calls[0].ordered);
  EXPECT_FALSE(calls[0].expendable);
}

TEST(TelegramRendererTest, ChannelsGoByName) {
  Message message;
  message.text = plain("a");
  EXPECT_EQ(body(render("@news", message)[0])["chat_id"], "@news");
  EXPECT_EQ(body(render("-1001234567890", message)[0])["chat_id"], -1001234567890);
}

TEST(TelegramRendererTest, CountsEntitiesInUtf16Units) {
  Message message;
  message.text = parse_markup("😀 **жирный** и [сайт](https://example.com/?a=1&b=\"2\") и _к_ и `код`");
  const json sent = body(render("1", message)[0]);
  EXPECT_EQ(sent["text"], "😀 жирный и сайт и к и код");
  // The smile takes two units.
  EXPECT_EQ(sent["entities"][0], (json{{"type", "bold"}, {"offset", 3}, {"length", 6}}));
  EXPECT_EQ(sent["entities"][1]["type"], "text_link");
  EXPECT_EQ(sent["entities"][1]["offset"], 12);
  EXPECT_EQ(sent["entities"][1]["length"], 4);
  EXPECT_EQ(sent["entities"][1]["url"], "https://example.com/?a=1&b=\"2\"");
  EXPECT_EQ(sent["entities"][2]["type"], "italic");
  EXPECT_EQ(sent["entities"][3]["type"], "code");
  EXPECT_FALSE(sent.contains("parse_mode"));
}

TEST(TelegramRendererTest, CountsNestedEntities) {
  Message message;
  message.text = parse_markup("**жирный _и наклонный_**");
  const json sent = body(render("1", message)[0]);
  EXPECT_EQ(sent["entities"], (json{{{"type", "bold"}, {"offset", 0}, {"length", 18}},
                                    {{"type", "italic"}, {"offset", 7}, {"length", 11}}}));
}

TEST(TelegramRendererTest, SplitsALongTextAndPutsTheButtonsUnderTheLastPart) {
  Message message;
  for (int i = 0; i < 1500; ++i) message.text.append("слово ");
  message.keyboard = inline_keyboard({press("Да", "1")});
  const auto calls = render("1", message);
  ASSERT_EQ(calls.size(), 3U);
  std::size_t words = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const json sent = body(calls[i]);
    EXPECT_LE(count_utf16_units(sent["text"].get<std::string>()), 4096U);
    EXPECT_EQ(sent.contains("reply_markup"), i == 2) << i;
    const std::string text = sent["text"];
    for (std::size_t at = 0; (at = text.find("слово", at)) != std::string::npos; ++at) ++words;
  }
  EXPECT_EQ(words, 1500U);
}

TEST(TelegramRendererTest, FourThousandAndNinetySixUnitsAreOneMessage) {
  Message message;
  std::string text;
  for (int i = 0; i < 2048; ++i) text += "😀";
  message.text = plain(text);
  EXPECT_EQ(render("1", message).size(), 1U);
  message.text = plain(text + "!");
  EXPECT_EQ(render("1", message).size(), 2U);
}

TEST(TelegramRendererTest, AReplyKeyboardAsksForContactAndPlace) {
  Message message;
  message.text = plain("Телефон?");
  Button phone{"Отправить номер", ButtonAction::Contact, {}, {}, ButtonColor::Default};
  Button place{"Где я", ButtonAction::Location, {}, {}, ButtonColor::Default};
  Button skip{"Пропустить", ButtonAction::Text, {}, {}, ButtonColor::Default};
  message.keyboard = {Keyboard::Kind::Reply, {{phone, place}, {skip}}};
  EXPECT_EQ(body(render("1", message)[0])["reply_markup"],
            (json{{"keyboard", {{{{"text", "Отправить номер"}, {"request_contact", true}},
                                 {{"text", "Где я"}, {"request_location", true}}},
                                {{{"text", "Пропустить"}}}}},
                  {"resize_keyboard", true}}));
  // A group may not be asked: the labels stay.
  EXPECT_EQ(body(render("-1001", message)[0])["reply_markup"]["keyboard"][0][0], (json{{"text", "Отправить номер"}}));
}

TEST(TelegramRendererTest, AnInlineButtonHasOneAction) {
  Message message;
  message.text = plain("?");
  Button site;
  site.label = "Сайт";
  site.action = ButtonAction::Url;
  site.url = "https://example.com";
  Button red = press("Нет", "n");
  red.color = ButtonColor::Red;
  message.keyboard = inline_keyboard({press("Да", "y"), site, red});
  EXPECT_EQ(body(render("1", message)[0])["reply_markup"]["inline_keyboard"][0],
            (json{{{"text", "Да"}, {"callback_data", "y"}},
                  {{"text", "Сайт"}, {"url", "https://example.com"}},
                  {{"text", "Нет"}, {"callback_data", "n"}, {"style", "danger"}}}));
}

TEST(TelegramRendererTest, AButtonThatTelegramWouldRefuseDoesNotCostTheMessage) {
  Message message;
  message.text = plain("?");
  // 33 Cyrillic letters are 66 bytes; 32 are just the limit.
  std::string too_long, just;
  for (int i = 0; i < 33; ++i) too_long += "я";
  for (int i = 0; i < 32; ++i) just += "я";
  message.keyboard = inline_keyboard({press("a", too_long), press("b", just), press("c", "")});
  const json sent = body(render("1", message)[0]);
  EXPECT_EQ(sent["reply_markup"]["inline_keyboard"], (json{{{{"text", "b"}, {"callback_data", just}}}}));
  message.keyboard = inline_keyboard({press("a", too_long)});
  EXPECT_FALSE(body(render("1", message)[0]).contains("reply_markup"));
}

TEST(TelegramRendererTest, RemovesTheKeyboard) {
  Message message;
  message.text = plain("Готово");
  message.keyboard.kind = Keyboard::Kind::Remove;
  EXPECT_EQ(body(render("1", message)[0])["reply_markup"], (json{{"remove_keyboard", true}}));
}

TEST(TelegramRendererTest, NothingToSayIsNoCall) {
  EXPECT_TRUE(render("1", {}).empty());
  Message blank;
  blank.text = plain(" \n");
  EXPECT_TRUE(render("1", blank).empty());
}

TEST(TelegramRendererTest, TypingIsShownAndRenewed) {
  Message message;
  message.text = plain("a");
  message.typing = Duration{2000};
  auto calls = render("1", message);
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].method, "sendChatAction");
  EXPECT_EQ(body(calls[0]), (json{{"chat_id", 1}, {"action", "typing"}}));
  EXPECT_EQ(calls[0].hold.ms, 2000);
  EXPECT_TRUE(calls[0].expendable);
  EXPECT_TRUE(calls[0].ordered);
  message.typing = Duration{10'000};
  calls = render("1", message);
  ASSERT_EQ(calls.size(), 4U);
  EXPECT_EQ(calls[0].hold.ms + calls[1].hold.ms + calls[2].hold.ms, 10'000);
}

TEST(TelegramRendererTest, APhotoTakesTheTextAsItsCaption) {
  Message message;
  message.text = parse_markup("**Новинка**");
  message.attachments = {scenario(AttachmentKind::Photo, "img/a.jpg")};
  message.keyboard = inline_keyboard({press("Купить", "buy")});
  const auto calls = render("7", message);
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].method, "sendPhoto");
  const json sent = body(calls[0]);
  EXPECT_EQ(sent["photo"], "attach://photo");
  EXPECT_EQ(sent["caption"], "Новинка");
  EXPECT_EQ(sent["caption_entities"], (json{{{"type", "bold"}, {"offset", 0}, {"length", 7}}}));
  EXPECT_TRUE(sent.contains("reply_markup"));
  ASSERT_EQ(calls[0].files.size(), 1U);
  EXPECT_EQ(calls[0].files[0].field, "photo");
  EXPECT_EQ(calls[0].files[0].file.reference, "img/a.jpg");
}

TEST(TelegramRendererTest, ALongTextFollowsThePhoto) {
  Message message;
  message.text = plain(std::string(1025, 'x'));
  message.attachments = {scenario(AttachmentKind::Photo, "a.jpg")};
  message.keyboard = inline_keyboard({press("Купить", "buy")});
  const auto calls = render("7", message);
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].method, "sendPhoto");
  EXPECT_FALSE(body(calls[0]).contains("caption"));
  EXPECT_FALSE(body(calls[0]).contains("reply_markup"));
  EXPECT_EQ(calls[1].method, "sendMessage");
  EXPECT_TRUE(body(calls[1]).contains("reply_markup"));
}

TEST(TelegramRendererTest, PhotosMakeAnAlbumAndTheButtonsFollow) {
  Message message;
  message.text = plain("Выбирайте");
  message.attachments = {scenario(AttachmentKind::Photo, "a.jpg"), scenario(AttachmentKind::Video, "b.mp4")};
  message.keyboard = inline_keyboard({press("Купить", "buy")});
  auto calls = render("7", message);
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].method, "sendMediaGroup");
  EXPECT_EQ(body(calls[0]), (json{{"chat_id", 7},
                                  {"media", {{{"type", "photo"}, {"media", "attach://file0"}},
                                             {{"type", "video"}, {"media", "attach://file1"}}}}}));
  EXPECT_EQ(calls[0].files.size(), 2U);
  EXPECT_EQ(calls[1].method, "sendMessage");
  EXPECT_EQ(body(calls[1])["text"], "Выбирайте");

  message.keyboard = {};
  calls = render("7", message);
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(body(calls[0])["media"][0]["caption"], "Выбирайте");
  EXPECT_FALSE(body(calls[0])["media"][1].contains("caption"));
}

TEST(TelegramRendererTest, AnAlbumHoldsTwoToTenFiles) {
  Message message;
  for (int i = 0; i < 11; ++i) message.attachments.push_back(scenario(AttachmentKind::Photo, "a.jpg"));
  const auto calls = render("7", message);
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(body(calls[0])["media"].size() + body(calls[1])["media"].size(), 11U);
  for (const ApiCall& call : calls) {
    EXPECT_GE(body(call)["media"].size(), 2U);
    EXPECT_LE(body(call)["media"].size(), 10U);
  }
}

TEST(TelegramRendererTest, DocumentsAndAudiosKeepToTheirOwnKind) {
  Message message;
  message.attachments = {scenario(AttachmentKind::Photo, "a.jpg"), scenario(AttachmentKind::Photo, "b.jpg"),
                         scenario(AttachmentKind::Document, "c.pdf"), scenario(AttachmentKind::Document, "d.pdf"),
                         scenario(AttachmentKind::Audio, "e.mp3"), scenario(AttachmentKind::Voice, "f.ogg")};
  const auto calls = render("7", message);
  ASSERT_EQ(calls.size(), 4U);
  EXPECT_EQ(calls[0].method, "sendMediaGroup");
  EXPECT_EQ(calls[1].method, "sendMediaGroup");
  EXPECT_EQ(body(calls[1])["media"][0]["type"], "document");
  EXPECT_EQ(calls[2].method, "sendAudio");
  EXPECT_EQ(calls[3].method, "sendVoice");
}

TEST(TelegramRendererTest, FilesKeepTheirOwnCaptions) {
  Message message;
  message.text = plain("Заявка №5");
  message.attachments = {scenario(AttachmentKind::Photo, "a.jpg", "Моя стрижка"), scenario(AttachmentKind::Photo, "b.jpg")};
  const auto calls = render("7", message);
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(body(calls[0])["media"][0]["caption"], "Моя стрижка");
  EXPECT_EQ(body(calls[1])["text"], "Заявка №5");
}

TEST(TelegramRendererTest, AStickerHasNoCaption) {
  Message message;
  message.text = plain("Привет");
  message.attachments = {scenario(AttachmentKind::Sticker, "a.webp")};
  const auto calls = render("7", message);
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].method, "sendSticker");
  EXPECT_EQ(calls[1].method, "sendMessage");
}

TEST(TelegramRendererTest, APictureThatIsAStickerElsewhereIsAPhotoHere) {
  Message message;
  Attachment sticker = scenario(AttachmentKind::Sticker, "sticker9");
  sticker.origin = "vk";
  sticker.mime = "image/png";
  message.attachments = {sticker};
  EXPECT_EQ(render("7", message).at(0).method, "sendPhoto");
  sticker.mime = "image/webp";
  message.attachments = {sticker};
  EXPECT_EQ(render("7", message).at(0).method, "sendSticker");
}

TEST(TelegramRendererTest, AnswersAMessageWithTheFirstPartOnly) {
  Message message;
  for (int i = 0; i < 1500; ++i) message.text.append("слово ");
  message.typing = Duration{1000};
  message.reply_to = "77";
  const auto calls = render("7", message);
  ASSERT_GE(calls.size(), 3U);
  EXPECT_FALSE(body(calls[0]).contains("reply_parameters"));  // "typing"
  EXPECT_EQ(body(calls[1])["reply_parameters"], (json{{"message_id", 77}, {"allow_sending_without_reply", true}}));
  EXPECT_FALSE(body(calls[2]).contains("reply_parameters"));

  message.text = plain("Вот");
  message.typing = {};
  message.attachments = {scenario(AttachmentKind::Photo, "a.jpg"), scenario(AttachmentKind::Photo, "b.jpg"),
                         scenario(AttachmentKind::Document, "c.pdf")};
  const auto files = render("7", message);
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[0].method, "sendMediaGroup");
  EXPECT_EQ(body(files[0])["reply_parameters"]["message_id"], 77);
  EXPECT_FALSE(body(files[1]).contains("reply_parameters"));
  EXPECT_FALSE(body(files[2]).contains("reply_parameters"));
}

TEST(TelegramRendererTest, NothingButANumberIsAMessageToAnswer) {
  Message message;
  message.text = plain("да");
  for (const char* odd : {"", "c7", "-5", "0", "7}", "press1"}) {
    message.reply_to = odd;
    EXPECT_FALSE(body(render("7", message)[0]).contains("reply_parameters")) << odd;
  }
}

TEST(TelegramRendererTest, WritesIntoATopicOfAGroup) {
  Message message;
  message.text = plain("Здравствуйте");
  message.typing = Duration{1000};
  message.keyboard.kind = Keyboard::Kind::Reply;
  Button phone;
  phone.label = "Телефон";
  phone.action = ButtonAction::Contact;
  message.keyboard.rows = {{phone}};
  const auto calls = render("-1001234567890#45", message);
  ASSERT_EQ(calls.size(), 2U);
  for (const ApiCall& call : calls) {
    EXPECT_EQ(body(call)["chat_id"], -1001234567890) << call.method;
    EXPECT_EQ(body(call)["message_thread_id"], 45) << call.method;
  }
  EXPECT_FALSE(body(calls[1])["reply_markup"]["keyboard"][0][0].contains("request_contact"));
  message = {};
  message.attachments = {scenario(AttachmentKind::Photo, "a.jpg"), scenario(AttachmentKind::Photo, "b.jpg"),
                         scenario(AttachmentKind::Voice, "c.ogg")};
  for (const ApiCall& call : render("-1001234567890#45", message)) EXPECT_EQ(body(call)["message_thread_id"], 45);
  EXPECT_FALSE(body(render("-1001234567890", message)[0]).contains("message_thread_id"));
  EXPECT_FALSE(body(render("-1001234567890#x", message)[0]).contains("message_thread_id"));
}

TEST(TelegramRendererTest, MakesATopicAndClosesIt) {
  std::string title;
  for (int i = 0; i < 200; ++i) title += "я";
  const ApiCall call = render_topic("-1001234567890#45", title);
  EXPECT_EQ(call.method, "createForumTopic");
  EXPECT_EQ(body(call)["chat_id"], -1001234567890);
  EXPECT_EQ(count_code_points(body(call)["name"].get<std::string>()), 128U);
  EXPECT_FALSE(body(call).contains("message_thread_id"));
  EXPECT_EQ(body(render_topic("-1", " \n"))["name"], "…");
  EXPECT_EQ(render_topic_state("-1#45", false).method, "closeForumTopic");
  EXPECT_EQ(body(render_topic_state("-1#45", true)), (json{{"chat_id", -1}, {"message_thread_id", 45}}));
  EXPECT_EQ(render_topic_state("-1#45", true).method, "reopenForumTopic");
  EXPECT_EQ(render_topic_state("-1", true).method, "");
}

// ---- messages that grow

/// What `render` would send, as the last form of message 7, which said `shown`.
ApiCall grown(const Message& message, std::string_view shown) { return render_grown(render("42", message).at(0), shown, "7"); }

TEST(TelegramRendererTest, AMessageGrowsByEdits) {
  const ApiCall first = render_growing("42", "Раз. \"Два\"", "");
  EXPECT_EQ(first.method, "sendMessage");
  EXPECT_EQ(body(first), (json{{"chat_id", 42}, {"text", "Раз. \"Два\""}}));
  const ApiCall next = render_growing("42", "Раз. Два. Три.", "7");
  EXPECT_EQ(next.method, "editMessageText");
  EXPECT_EQ(body(next), (json{{"chat_id", 42}, {"message_id", 7}, {"text", "Раз. Два. Три."}}));
  EXPECT_TRUE(first.expendable && next.expendable);
  EXPECT_TRUE(render_growing("42", std::string(5'000, 'a'), "7").method.empty());
}

TEST(TelegramRendererTest, TheLastFormIsTheMessageThatWouldBeSent) {
  Message message;
  message.text = parse_markup("Раз. \"Два\". **Три.**");
  message.keyboard = inline_keyboard({press("Ещё", "more")});
  const ApiCall call = grown(message, "Раз. \"Два\".");
  EXPECT_EQ(call.method, "editMessageText");
  EXPECT_FALSE(call.expendable);
  json expected = body(render("42", message).at(0));
  expected["message_id"] = 7;
  EXPECT_EQ(body(call), expected);
}

TEST(TelegramRendererTest, WhatAnEditCannotSayIsAMessageOfItsOwn) {
  Message message;
  message.text = plain("Меню");
  EXPECT_TRUE(grown(message, "Раз.").method.empty()) << "it begins otherwise";
  message.text = plain("Раз. Два.");
  EXPECT_FALSE(grown(message, "Раз.").method.empty());
  message.keyboard = {Keyboard::Kind::Reply, {{press("Ещё", "more")}}};
  EXPECT_TRUE(grown(message, "Раз.").method.empty()) << "its keyboard stands below the chat";
  message.keyboard = {Keyboard::Kind::Remove, {}};
  EXPECT_TRUE(grown(message, "Раз.").method.empty());
  message.keyboard = {};
  message.reply_to = "5";
  EXPECT_TRUE(grown(message, "Раз.").method.empty()) << "it answers a message";
  message.reply_to = {};
  message.attachments = {scenario(AttachmentKind::Photo, "a.jpg")};
  EXPECT_TRUE(grown(message, "Раз.").method.empty()) << "it is a picture";
}

TEST(TelegramRendererTest, ShowsThatItIsAtWorkAndTakesMessagesAway) {
  const ApiCall typing = render_typing("42");
  EXPECT_EQ(typing.method, "sendChatAction");
  EXPECT_EQ(body(typing), (json{{"chat_id", 42}, {"action", "typing"}}));
  const ApiCall removal = render_removal("42", "7");
  EXPECT_EQ(removal.method, "deleteMessage");
  EXPECT_EQ(body(removal), (json{{"chat_id", 42}, {"message_id", 7}}));
  EXPECT_TRUE(typing.expendable && removal.expendable);
}

TEST(TelegramRendererTest, AnswersAPress) {
  std::string long_text;
  for (int i = 0; i < 250; ++i) long_text += "я";
  const ApiCall call = render_press_answer("12\"3", long_text);
  EXPECT_EQ(call.method, "answerCallbackQuery");
  EXPECT_EQ(body(call)["callback_query_id"], "12\"3");
  EXPECT_EQ(count_code_points(body(call)["text"].get<std::string>()), 200U);
  EXPECT_TRUE(call.expendable);
  EXPECT_FALSE(call.ordered);
  EXPECT_FALSE(body(render_press_answer("1", "")).contains("text"));
}

}  // namespace
}  // namespace sufler::telegram
