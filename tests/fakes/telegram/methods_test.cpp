#include <gtest/gtest.h>

#include "fakes/common/bytes.h"
#include "fakes/telegram/test_client.h"

namespace sufler::fakes {
namespace {

class MethodsTest : public ::testing::Test {
 protected:
  MethodsTest() : fake(options()) {
    fake.add_user({.id = 5, .first_name = "Анна"});
    fake.add_group(-1001, "Группа");
  }
  static FakeTelegramOptions options() {
    FakeTelegramOptions out;
    out.photo_limit_bytes = 70'000;
    out.upload_limit_bytes = 100'000;
    out.download_limit_bytes = 50'000;
    return out;
  }
  std::string send(Json params) {
    if (!params.contains("chat_id")) params["chat_id"] = 5;
    return verdict(call(fake, "sendMessage", params));
  }
  std::string markup(const Json& reply_markup, std::int64_t chat = 5) {
    return send({{"chat_id", chat}, {"text", "x"}, {"reply_markup", reply_markup}});
  }
  FakeTelegram fake;
};

TEST_F(MethodsTest, KnowsTokensAndMethods) {
  EXPECT_EQ(request(fake.port(), "GET", "/bot1:wrong/getMe").status, 401);
  EXPECT_EQ(verdict(request(fake.port(), "GET", "/bot1:wrong/getMe")), "Unauthorized");
  const Answer missing = call(fake, "sendNothing");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(verdict(missing), "Not Found: method not found");
  EXPECT_EQ(call(fake, "GETME").json()["result"]["username"], "sufler_test_bot");
  fake.revoke_token();
  EXPECT_EQ(call(fake, "getMe").status, 401);
}

TEST_F(MethodsTest, TakesParametersFromEverywhere) {
  const std::string target = "/bot" + fake.token() + "/sendMessage";
  EXPECT_EQ(verdict(request(fake.port(), "GET", target + "?chat_id=5&text=%D0%B4%D0%B0+1")), "ok");
  EXPECT_EQ(verdict(request(fake.port(), "POST", target, "application/x-www-form-urlencoded",
                            "chat_id=5&text=a%26b")),
            "ok");
  EXPECT_EQ(
      verdict(request(fake.port(), "POST", target, "application/json; charset=utf-8",
                      R"({"chat_id":"5","text":"j","reply_markup":"{\"remove_keyboard\":true}"})")),
      "ok");
  EXPECT_EQ(verdict(upload(fake, "sendMessage", {{"chat_id", "5"}, {"text", "m"}})), "ok");
  const auto sent = fake.messages(5);
  ASSERT_EQ(sent.size(), 4u);
  EXPECT_EQ(sent[0].text, "да 1");
  EXPECT_EQ(sent[1].text, "a&b");
  EXPECT_TRUE(sent[2].removes_keyboard);
  EXPECT_EQ(sent[3].text, "m");
}

TEST_F(MethodsTest, ReadsAChunkedBody) {
  const std::string body = R"({"chat_id":5,"text":"кусками"})";
  std::string bytes = "POST /bot" + fake.token() +
                      "/sendMessage HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: "
                      "application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char c : body) bytes += std::string("1\r\n") + c + "\r\n";
  bytes += "0\r\n\r\n";
  EXPECT_EQ(verdict(converse(fake.port(), bytes)), "ok");
  EXPECT_EQ(fake.messages(5)[0].text, "кусками");
}

TEST_F(MethodsTest, NamesAnUnknownParameter) {
  EXPECT_EQ(send({{"text", "x"}, {"parsemode", "HTML"}}),
            "Bad Request: unknown parameter \"parsemode\" of sendMessage");
  EXPECT_NE(send({{"text", "x"}, {"link_preview_options", {{"disabled", true}}}}), "ok");
  EXPECT_NE(send({{"text", "x"}, {"disable_notification", "maybe"}}), "ok");
  EXPECT_TRUE(fake.messages(5).empty()) << "a refused call leaves nothing";
}

TEST_F(MethodsTest, LimitsATextAfterItsMarkupIsRead) {
  const std::string full(4096, 'a');
  EXPECT_EQ(send({{"text", full}}), "ok");
  EXPECT_EQ(send({{"text", full + "a"}}), "Bad Request: message is too long");
  EXPECT_EQ(send({{"text", "<b>" + full + "</b>"}, {"parse_mode", "HTML"}}), "ok");
  EXPECT_EQ(send({{"text", " \n "}}), "Bad Request: message text is empty");
  EXPECT_EQ(send(Json::object()), "Bad Request: message text is empty");
  std::string smiles;
  for (int i = 0; i < 2049; ++i) smiles += "😀";
  EXPECT_EQ(send({{"text", smiles}}), "Bad Request: message is too long");
}

TEST_F(MethodsTest, WritesOnlyToThoseWhoPressedStart) {
  EXPECT_EQ(send({{"chat_id", 77}, {"text", "x"}}), "Bad Request: chat not found");
  fake.add_user({.id = 78}, false);
  EXPECT_EQ(send({{"chat_id", 78}, {"text", "x"}}),
            "Forbidden: bot can't initiate conversation with a user");
  EXPECT_EQ(send({{"chat_id", ""}, {"text", "x"}}), "Bad Request: chat_id is empty");
  EXPECT_EQ(send({{"chat_id", "@nobody"}, {"text", "x"}}), "Bad Request: chat not found");
}

TEST_F(MethodsTest, ChecksInlineKeyboards) {
  const auto keyboard = [](Json button) {
    return Json{{"inline_keyboard", {{std::move(button)}}}};
  };
  std::string data;
  for (int i = 0; i < 32; ++i) data += "я";
  EXPECT_EQ(markup(keyboard({{"text", "a"}, {"callback_data", data}})), "ok");
  EXPECT_EQ(markup(keyboard({{"text", "a"}, {"callback_data", data + "1"}})),
            "Bad Request: BUTTON_DATA_INVALID");
  EXPECT_EQ(markup(keyboard({{"text", "a"}, {"callback_data", ""}})),
            "Bad Request: BUTTON_DATA_INVALID");
  EXPECT_EQ(markup(keyboard({{"text", "a"}, {"url", "not a link"}})),
            "Bad Request: BUTTON_URL_INVALID");
  EXPECT_EQ(markup(keyboard({{"text", "a"}})),
            "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the "
            "inline keyboard");
  EXPECT_NE(markup(keyboard({{"text", "a"}, {"url", "https://e.com"}, {"callback_data", "1"}})),
            "ok");
  EXPECT_NE(markup(keyboard({{"text", "a"}, {"calback_data", "1"}, {"url", "https://e.com"}})),
            "ok");
  EXPECT_NE(markup(keyboard({{"text", ""}, {"callback_data", "1"}})), "ok");
  EXPECT_NE(markup(Json::array()), "ok");
}

TEST_F(MethodsTest, ChecksReplyKeyboards) {
  EXPECT_EQ(markup(Json::parse(R"({"keyboard":[["Да",{"text":"Нет"}]],"resize_keyboard":true})")),
            "ok");
  const Json contact = {{"keyboard", {{{{"text", "Телефон"}, {"request_contact", true}}}}}};
  EXPECT_EQ(markup(contact), "ok");
  EXPECT_EQ(markup(contact, -1001),
            "Bad Request: phone number can be requested in private chats only");
  EXPECT_NE(markup({{"keyboard", {{{{"text", "a"}, {"callback_data", "1"}}}}}}), "ok");
  EXPECT_NE(markup({{"keyboard", {{"a"}}}, {"inline_keyboard", Json::array()}}), "ok");
  EXPECT_NE(markup({{"keyboard", {{"a"}}}, {"resize", true}}), "ok");
  EXPECT_EQ(markup({{"remove_keyboard", true}}), "ok");
  EXPECT_EQ(markup(Json::object()), "ok");
}

TEST_F(MethodsTest, PressesButtonsByTheirLabels) {
  markup({{"inline_keyboard", {{{{"text", "Да"}, {"callback_data", "yes"}}}}}});
  const std::string id = fake.press(5, "Да");
  const Json got = updates(fake, Json::object());
  EXPECT_EQ(got[0]["callback_query"]["data"], "yes");
  EXPECT_EQ(got[0]["callback_query"]["id"], id);
  EXPECT_EQ(got[0]["callback_query"]["message"]["text"], "x");
  EXPECT_THROW(fake.press(5, "Нет"), std::runtime_error);
  EXPECT_FALSE(fake.is_answered(id));

  const std::string old =
      "Bad Request: query is too old and response timeout expired or query ID is invalid";
  EXPECT_EQ(verdict(call(fake, "answerCallbackQuery", {{"callback_query_id", id}})), "ok");
  EXPECT_TRUE(fake.is_answered(id));
  EXPECT_EQ(verdict(call(fake, "answerCallbackQuery", {{"callback_query_id", id}})), old);
  EXPECT_EQ(verdict(call(fake, "answerCallbackQuery", {{"callback_query_id", "1"}})), old);
  const std::string late = fake.press(5, "Да");
  fake.advance_clock(std::chrono::minutes(2));
  EXPECT_EQ(verdict(call(fake, "answerCallbackQuery", {{"callback_query_id", late}})), old);
}

TEST_F(MethodsTest, TapsTheOpenReplyKeyboard) {
  markup({{"keyboard", {{"Меню"}, {{{"text", "Телефон"}, {"request_contact", true}}}}}});
  fake.tap(5, "Меню");
  fake.tap(5, "Телефон");
  const Json got = updates(fake, Json::object());
  EXPECT_EQ(got[0]["message"]["text"], "Меню");
  EXPECT_EQ(got[1]["message"]["contact"]["user_id"], 5);
  EXPECT_THROW(fake.tap(5, "Нет такой"), std::runtime_error);
  markup({{"remove_keyboard", true}});
  EXPECT_THROW(fake.tap(5, "Меню"), std::runtime_error);
}

TEST_F(MethodsTest, TakesUploadsAndGivesThemBack) {
  const std::string bytes = make_png(200, 200);
  const Answer sent = upload(fake, "sendPhoto",
                             {{"chat_id", "5"}, {"caption", "вид"}, {"photo", bytes, "вид.png"}});
  ASSERT_EQ(verdict(sent), "ok");
  const Json photo = sent.json()["result"]["photo"].back();
  EXPECT_EQ(photo["width"], 200);
  const std::string id = photo["file_id"];
  EXPECT_EQ(verdict(call(fake, "sendPhoto", {{"chat_id", 5}, {"photo", id}})), "ok");
  EXPECT_EQ(verdict(call(fake, "sendDocument", {{"chat_id", 5}, {"document", id}})),
            "Bad Request: can't use file of type Photo as Document");
  EXPECT_EQ(verdict(call(fake, "sendPhoto", {{"chat_id", 5}, {"photo", "AgACunknown"}})),
            "Bad Request: wrong file identifier/HTTP URL specified");
  const Json file = call(fake, "getFile", {{"file_id", id}}).json()["result"];
  const std::string path = file["file_path"];
  const Answer got = request(fake.port(), "GET", "/file/bot" + fake.token() + "/" + path);
  EXPECT_EQ(got.body, bytes);
  EXPECT_EQ(fake.messages(5)[0].files[0].sha256, sha256_hex(bytes));
  fake.advance_clock(std::chrono::hours(2));
  EXPECT_EQ(request(fake.port(), "GET", "/file/bot" + fake.token() + "/" + path).status, 404);
}

TEST_F(MethodsTest, HoldsTheLimitsOfFiles) {
  const auto document = [&](std::size_t size) {
    return upload(fake, "sendDocument",
                  {{"chat_id", "5"}, {"document", std::string(size, 'x'), "a.txt"}});
  };
  const Answer middle = document(60'000);
  ASSERT_EQ(verdict(middle), "ok");
  const std::string id = middle.json()["result"]["document"]["file_id"];
  EXPECT_EQ(verdict(call(fake, "getFile", {{"file_id", id}})), "Bad Request: file is too big");
  EXPECT_EQ(document(100'001).status, 413);
  EXPECT_EQ(document(3'000'000).status, 413) << "beyond what the server reads at all";
  EXPECT_EQ(verdict(document(0)), "Bad Request: file must be non-empty");
  EXPECT_EQ(verdict(upload(fake, "sendPhoto", {{"chat_id", "5"}, {"photo", "text", "a.jpg"}})),
            "Bad Request: IMAGE_PROCESS_FAILED");
  EXPECT_EQ(verdict(upload(fake, "sendPhoto",
                           {{"chat_id", "5"}, {"photo", make_png(300, 250), "a.png"}})),
            "Bad Request: file of size " + std::to_string(make_png(300, 250).size()) +
                " bytes is too big for a photo; the maximum size is 70000 bytes");
  EXPECT_EQ(
      verdict(upload(fake, "sendPhoto", {{"chat_id", "5"}, {"photo", make_png(300, 2), "a.png"}})),
      "Bad Request: PHOTO_INVALID_DIMENSIONS");
  EXPECT_EQ(verdict(call(fake, "sendPhoto", {{"chat_id", 5}})),
            "Bad Request: there is no photo in the request");
  EXPECT_NE(verdict(upload(fake, "sendDocument",
                           {{"chat_id", "5"}, {"document", "x", "a.txt"}, {"doc", "y", "b.txt"}})),
            "ok")
      << "an upload that nothing refers to";
}

TEST_F(MethodsTest, SendsAlbums) {
  const std::string png = make_png(100, 100);
  const Json pair = {
      {{"type", "photo"}, {"media", "attach://a"}, {"caption", "<b>1</b>"}, {"parse_mode", "HTML"}},
      {{"type", "photo"}, {"media", "attach://b"}}};
  const Answer sent =
      upload(fake, "sendMediaGroup",
             {{"chat_id", "5"}, {"media", pair.dump()}, {"a", png, "a.png"}, {"b", png, "b.png"}});
  ASSERT_EQ(verdict(sent), "ok");
  const Json result = sent.json()["result"];
  ASSERT_EQ(result.size(), 2u);
  EXPECT_EQ(result[0]["media_group_id"], result[1]["media_group_id"]);
  const std::string id = result[0]["photo"].back()["file_id"];
  const auto album = [&](std::size_t count, Json extra = Json::object()) {
    Json params = {{"chat_id", 5}, {"media", Json::array()}};
    for (std::size_t i = 0; i < count; ++i) {
      params["media"].push_back({{"type", "photo"}, {"media", id}});
    }
    params.update(extra);
    return verdict(call(fake, "sendMediaGroup", params));
  };
  EXPECT_EQ(album(10), "ok");
  EXPECT_EQ(album(11), "Bad Request: too many messages to send as an album");
  EXPECT_EQ(album(0), "Bad Request: there are no messages to send");
  EXPECT_NE(album(1), "ok");
  EXPECT_EQ(album(2, {{"reply_markup", {{"remove_keyboard", true}}}}),
            "Bad Request: unknown parameter \"reply_markup\" of sendMediaGroup");
  const Json mixed = {{{"type", "photo"}, {"media", id}},
                      {{"type", "document"}, {"media", "attach://d"}}};
  EXPECT_EQ(verdict(upload(fake, "sendMediaGroup",
                           {{"chat_id", "5"}, {"media", mixed.dump()}, {"d", "x", "d.txt"}})),
            "Bad Request: document can't be mixed with other media types");
}

TEST_F(MethodsTest, EditsItsOwnMessages) {
  const auto edit = [&](Json params) { return verdict(call(fake, "editMessageText", params)); };
  send({{"text", "было"}});
  const std::int64_t id = fake.messages(5)[0].message_id;
  EXPECT_EQ(edit({{"chat_id", 5}, {"message_id", id}, {"text", "стало"}}), "ok");
  EXPECT_EQ(edit({{"chat_id", 5}, {"message_id", id}, {"text", "стало"}}),
            "Bad Request: message is not modified: specified new message content and reply markup "
            "are exactly the same as a current content and reply markup of the message");
  EXPECT_EQ(edit({{"chat_id", 5}, {"message_id", id}, {"text", std::string(5000, 'a')}}),
            "Bad Request: MESSAGE_TOO_LONG");
  EXPECT_EQ(edit({{"chat_id", 5}, {"message_id", 99999}, {"text", "x"}}),
            "Bad Request: message to edit not found");
  EXPECT_NE(edit({{"chat_id", 5},
                  {"message_id", id},
                  {"text", "y"},
                  {"reply_markup", {{"keyboard", {{"a"}}}}}}),
            "ok");
  EXPECT_EQ(fake.messages(5)[0].text, "стало");
  EXPECT_EQ(fake.messages(5)[0].edits, 1);
  markup({{"keyboard", {{"a"}}}});
  EXPECT_EQ(edit({{"chat_id", 5}, {"message_id", fake.messages(5)[1].message_id}, {"text", "y"}}),
            "Bad Request: message can't be edited");
  const Answer photo =
      upload(fake, "sendPhoto", {{"chat_id", "5"}, {"photo", make_png(9, 9), "a.png"}});
  const std::int64_t photo_id = photo.json()["result"]["message_id"];
  EXPECT_EQ(edit({{"chat_id", 5}, {"message_id", photo_id}, {"text", "y"}}),
            "Bad Request: there is no text in the message to edit");
  EXPECT_EQ(verdict(call(fake, "editMessageCaption",
                         {{"chat_id", 5}, {"message_id", photo_id}, {"caption", "c"}})),
            "ok");
  const Json keyboard = {{"inline_keyboard", {{{{"text", "a"}, {"callback_data", "1"}}}}}};
  EXPECT_EQ(verdict(call(fake, "editMessageReplyMarkup",
                         {{"chat_id", 5}, {"message_id", id}, {"reply_markup", keyboard}})),
            "ok");
  EXPECT_EQ(fake.messages(5)[0].inline_keyboard[0][0].data, "1");
}

TEST_F(MethodsTest, DeletesCopiesAndForwards) {
  send({{"text", "один"}});
  const std::int64_t id = fake.messages(5)[0].message_id;
  const Json copy = {{"chat_id", -1001}, {"from_chat_id", 5}, {"message_id", id}};
  const Json copied = call(fake, "copyMessage", copy).json()["result"];
  EXPECT_EQ(copied.size(), 1u) << "only the id comes back";
  EXPECT_EQ(fake.messages(-1001)[0].text, "один");
  EXPECT_EQ(verdict(call(fake, "forwardMessage", copy)), "ok");
  EXPECT_EQ(verdict(call(fake, "deleteMessage", {{"chat_id", 5}, {"message_id", id}})), "ok");
  EXPECT_EQ(verdict(call(fake, "deleteMessage", {{"chat_id", 5}, {"message_id", id}})),
            "Bad Request: message to delete not found");
  EXPECT_EQ(verdict(call(fake, "copyMessage", copy)), "Bad Request: message to copy not found");
  EXPECT_TRUE(fake.messages(5)[0].deleted);
  EXPECT_EQ(send({{"text", "x"}, {"reply_parameters", {{"message_id", id}}}}),
            "Bad Request: message to be replied not found");
  EXPECT_EQ(
      send({{"text", "x"},
            {"reply_parameters", {{"message_id", id}, {"allow_sending_without_reply", true}}}}),
      "ok");
  send({{"text", "старое"}});
  fake.advance_clock(std::chrono::hours(49));
  EXPECT_EQ(verdict(call(fake, "deleteMessage",
                         {{"chat_id", 5}, {"message_id", fake.messages(5).back().message_id}})),
            "Bad Request: message can't be deleted");
}

TEST_F(MethodsTest, ChecksCommandsAndActions) {
  const auto set = [&](const char* name, const std::string& description) {
    return verdict(call(fake, "setMyCommands",
                        {{"commands", {{{"command", name}, {"description", description}}}}}));
  };
  EXPECT_EQ(set("start", "Начать"), "ok");
  EXPECT_EQ(call(fake, "getMyCommands").json()["result"][0]["command"], "start");
  EXPECT_EQ(set("Старт", "Начать"), "Bad Request: BOT_COMMAND_INVALID");
  EXPECT_EQ(set("start", ""), "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID");
  EXPECT_EQ(verdict(call(fake, "sendChatAction", {{"chat_id", 5}, {"action", "typing"}})), "ok");
  EXPECT_EQ(verdict(call(fake, "sendChatAction", {{"chat_id", 5}, {"action", "thinking"}})),
            "Bad Request: wrong parameter action in request");
}

TEST_F(MethodsTest, AGroupHasTopics) {
  fake.add_group(-1, "без тем");
  fake.add_forum(-2, "с темами");
  EXPECT_EQ(verdict(call(fake, "createForumTopic", {{"chat_id", -1}, {"name", "А"}})),
            "Bad Request: the chat is not a forum");
  const Json made = call(fake, "createForumTopic", {{"chat_id", -2}, {"name", "Анна"}}).json()["result"];
  EXPECT_EQ(made["name"], "Анна");
  const std::int64_t topic = made["message_thread_id"];
  EXPECT_NE(verdict(call(fake, "createForumTopic", {{"chat_id", -2}, {"name", ""}})), "ok");
  EXPECT_EQ(send({{"chat_id", -2}, {"message_thread_id", topic}, {"text", "x"}}), "ok");
  EXPECT_EQ(fake.messages(-2).at(0).topic, topic);
  EXPECT_EQ(send({{"chat_id", -2}, {"message_thread_id", topic + 90}, {"text", "x"}}),
            "Bad Request: message thread not found");
  EXPECT_EQ(send({{"chat_id", -1}, {"message_thread_id", topic}, {"text", "x"}}),
            "Bad Request: message thread not found");

  const Json place = {{"chat_id", -2}, {"message_thread_id", topic}};
  EXPECT_EQ(verdict(call(fake, "reopenForumTopic", place)), "Bad Request: TOPIC_NOT_MODIFIED");
  EXPECT_EQ(verdict(call(fake, "closeForumTopic", place)), "ok");
  EXPECT_EQ(send({{"chat_id", -2}, {"message_thread_id", topic}, {"text", "x"}}), "ok");
  fake.control("groups", R"({"id":-2,"is_forum":true,"manages_topics":false})");
  EXPECT_EQ(send({{"chat_id", -2}, {"message_thread_id", topic}, {"text", "x"}}), "Bad Request: TOPIC_CLOSED");
  EXPECT_EQ(verdict(call(fake, "createForumTopic", {{"chat_id", -2}, {"name", "Б"}})),
            "Bad Request: not enough rights to create a topic");
  fake.delete_topic(-2, topic);
  EXPECT_EQ(send({{"chat_id", -2}, {"message_thread_id", topic}, {"text", "x"}}),
            "Bad Request: message thread not found");
  EXPECT_EQ(verdict(call(fake, "reopenForumTopic", place)), "Bad Request: TOPIC_ID_INVALID");
}

TEST_F(MethodsTest, WhoeverManagesTopicsHearsWhatIsSaidInThem) {
  fake.add_forum(-2, "с темами");
  const std::int64_t topic = fake.add_topic(5, -2, "Анна");
  EXPECT_NE(fake.say(5, "добрый день", {.chat = -2, .topic = topic}), 0);
  fake.control("groups", R"({"id":-2,"is_forum":true,"manages_topics":false})");
  EXPECT_EQ(fake.say(5, "добрый день", {.chat = -2, .topic = topic}), 0);
  EXPECT_THROW(fake.say(5, "добрый день", {.chat = -2, .topic = topic + 1}), std::runtime_error);
}

TEST_F(MethodsTest, ForgivesInLenientModeWhatTheServerForgives) {
  FakeTelegramOptions lenient;
  lenient.strict = false;
  FakeTelegram kind(lenient);
  kind.say(5, "/start");
  EXPECT_EQ(verdict(call(kind, "sendMessage",
                         {{"chat_id", 5}, {"text", "x & y"}, {"parse_mode", "HTML"}, {"odd", 1}})),
            "ok");
}

}  // namespace
}  // namespace sufler::fakes
