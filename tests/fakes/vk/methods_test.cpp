#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/common/bytes.h"
#include "fakes/vk/test_client.h"

namespace sufler::fakes {
namespace {

class VkMethodsTest : public ::testing::Test {
 protected:
  VkMethodsTest() { fake.say(5, "привет"); }
  Json send(Json params) {
    if (!params.contains("peer_id") && !params.contains("peer_ids")) params["peer_id"] = 5;
    if (!params.contains("random_id")) params["random_id"] = next_random++;
    return call_vk(fake, "messages.send", params);
  }
  int keyboard(const Json& keyboard) {
    return error_code(send({{"message", "x"}, {"keyboard", keyboard}}));
  }
  static Json text_button(const std::string& label = "да") {
    return {{"action", {{"type", "text"}, {"label", label}}}};
  }
  static Json rows(std::size_t count, std::size_t columns) {
    return Json(count, Json(columns, text_button()));
  }
  /// `attachment` of a photo that was uploaded and saved.
  std::string uploaded_photo(const std::string& bytes, const std::string& name = "a.png") {
    const Json server = call_vk(fake, "photos.getMessagesUploadServer", {{"peer_id", 5}});
    const Json up = upload(server["response"]["upload_url"], {{"photo", bytes, name}});
    const Json saved = call_vk(fake, "photos.saveMessagesPhoto", up);
    if (!saved.contains("response")) return saved.dump();
    const Json& photo = saved["response"][0];
    return "photo" + photo["owner_id"].dump() + "_" + photo["id"].dump() + "_" +
           photo["access_key"].get<std::string>();
  }
  Json upload(const std::string& url, const std::vector<Part>& parts) {
    return request(fake.port(), "POST", url.substr(fake.url().size()),
                   "multipart/form-data; boundary=line", multipart_body(parts))
        .json();
  }
  FakeVk fake;
  int next_random = 1;
};

TEST_F(VkMethodsTest, SendsAndRemembers) {
  const Json answer = send({{"message", "здравствуйте & вам"}, {"random_id", 77}});
  EXPECT_TRUE(answer["response"].is_number_integer()) << answer;
  const auto sent = fake.messages(5);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].text, "здравствуйте & вам");
  EXPECT_EQ(sent[0].random_id, 77);
  EXPECT_EQ(sent[0].cmid, 2);
  EXPECT_EQ(answer["response"], sent[0].message_id);
}

TEST_F(VkMethodsTest, KnowsTokensVersionsAndMethods) {
  const auto post = [&](const std::string& target, const std::string& body,
                        const std::string& type = "application/x-www-form-urlencoded") {
    return request(fake.port(), "POST", "/method/" + target, type, body);
  };
  const Answer wrong = post("users.get", "user_ids=5&v=5.199&access_token=wrong");
  EXPECT_EQ(wrong.status, 200);
  EXPECT_EQ(error_code(wrong.json()), 5);
  EXPECT_EQ(error_text(wrong.json()), "User authorization failed: invalid access_token (4).");
  EXPECT_EQ(error_code(post("users.get", "user_ids=5&v=5.199").json()), 5);
  const std::string token = "access_token=" + fake.token();
  EXPECT_EQ(error_code(post("users.get", "user_ids=5&" + token).json()), 8);
  EXPECT_EQ(error_code(post("messages.sing", "v=5.199&" + token).json()), 3);
  EXPECT_EQ(error_code(post("users.get", R"({"user_ids":5})", "application/json").json()), 8);
  EXPECT_EQ(error_code(request(fake.port(), "GET", "/method/users.get?v=5.199&" + token).json()),
            9999);
  EXPECT_EQ(error_code(call_vk(fake, "users.get", {{"user_ids", 5}})), 0);
  fake.revoke_token();
  EXPECT_EQ(error_code(call_vk(fake, "users.get", {{"user_ids", 5}})), 5);
}

TEST_F(VkMethodsTest, TakesTheTokenFromTheHeader) {
  const std::string body = "user_ids=5&v=5.199";
  const Answer answer = converse(
      fake.port(),
      "POST /method/users.get HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
      "Authorization: Bearer " +
          fake.token() + "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
          std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_EQ(answer.json()["response"][0]["first_name"], "Иван") << answer.body;
}

TEST_F(VkMethodsTest, AnErrorTellsTheParametersTheTokenAmongThem) {
  const Json error = send({{"message", ""}})["error"];
  EXPECT_EQ(error["error_code"], 100);
  EXPECT_THAT(error["request_params"].dump(), testing::HasSubstr(fake.token()));
}

TEST_F(VkMethodsTest, NamesAnUnknownParameter) {
  const Json answer = send({{"message", "x"}, {"parse_mode", "HTML"}});
  EXPECT_EQ(error_code(answer), 100);
  EXPECT_THAT(error_text(answer), testing::HasSubstr("parse_mode"));
  EXPECT_TRUE(fake.messages(5).empty()) << "a refused call leaves nothing";
}

TEST_F(VkMethodsTest, RefusesAMethodBeyondTheTokensRights) {
  fake.control("community", R"({"permissions":["messages"]})");
  EXPECT_EQ(error_code(call_vk(fake, "groups.getLongPollServer", {{"group_id", kVkTestGroup}})),
            15);
  EXPECT_EQ(error_code(send({{"message", "x"}})), 0);
}

TEST_F(VkMethodsTest, RandomIdIsRequiredAndInt32) {
  EXPECT_EQ(error_code(call_vk(fake, "messages.send", {{"peer_id", 5}, {"message", "x"}})), 100);
  EXPECT_EQ(error_code(send({{"message", "x"}, {"random_id", 2147483648}})), 100);
  EXPECT_EQ(error_code(send({{"message", "x"}, {"random_id", 2147483647}})), 0);
  EXPECT_EQ(error_code(send({{"message", "x"}, {"random_id", -2147483648}})), 0);
}

TEST_F(VkMethodsTest, ARepeatedRandomIdGivesTheEarlierIdForAnHour) {
  fake.say(6, "привет");
  const Json first = send({{"message", "раз"}, {"random_id", 9}});
  EXPECT_EQ(send({{"message", "другое"}, {"random_id", 9}})["response"], first["response"]);
  EXPECT_EQ(fake.messages(5).size(), 1u);
  EXPECT_EQ(error_code(send({{"peer_id", 6}, {"message", "раз"}, {"random_id", 9}})), 0);
  EXPECT_EQ(fake.messages(6).size(), 1u) << "it counts in one dialog";
  EXPECT_NE(send({{"message", "ноль"}, {"random_id", 0}})["response"],
            send({{"message", "ноль"}, {"random_id", 0}})["response"]);
  fake.advance_clock(std::chrono::minutes(61));
  EXPECT_NE(send({{"message", "раз"}, {"random_id", 9}})["response"], first["response"]);
}

TEST_F(VkMethodsTest, PeerIdsGiveAListAndAnErrorForEach) {
  const Json list = send({{"peer_ids", "5,404"}, {"message", "x"}})["response"];
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0]["peer_id"], 5);
  EXPECT_EQ(list[0]["conversation_message_id"], 2);
  EXPECT_FALSE(list[0].contains("error"));
  EXPECT_EQ(list[1]["error"]["code"], 901);
}

TEST_F(VkMethodsTest, WritesOnlyToThoseWhoMayBeWrittenTo) {
  const auto to = [&](std::int64_t peer) {
    return error_code(send({{"peer_id", peer}, {"message", "x"}}));
  };
  EXPECT_EQ(to(404), 901) << "never wrote";
  fake.add_user({.id = 7});
  EXPECT_EQ(to(7), 901);
  fake.allow(7);
  EXPECT_EQ(to(7), 0);
  fake.deny(7);
  EXPECT_EQ(to(7), 901);
  fake.say(7, "передумал");
  EXPECT_EQ(to(7), 0);
  fake.refuse_messages(7, 900);
  EXPECT_EQ(to(7), 900);
  fake.refuse_messages(7, 902);
  EXPECT_EQ(to(7), 902);
  fake.add_user({.id = 8, .deactivated = "banned"}, true);
  EXPECT_EQ(to(8), 18);
  EXPECT_EQ(to(2000000001), 917);
  fake.add_chat(2000000001, "Беседа");
  EXPECT_EQ(to(2000000001), 0);
  EXPECT_EQ(fake.messages(2000000001)[0].message_id, 0) << "chats have cmids alone";
}

TEST_F(VkMethodsTest, CountsTheTextInCharacters) {
  const auto text = [](std::size_t count) {
    std::string out;
    while (count-- > 0) out += "я";
    return out;
  };
  EXPECT_EQ(error_code(send({{"message", text(4096)}})), 0);
  EXPECT_EQ(error_code(send({{"message", text(4097)}})), 914);
  EXPECT_EQ(error_code(send({{"message", " \n"}})), 100);
  EXPECT_EQ(error_code(send(Json::object())), 100);
}

TEST_F(VkMethodsTest, KeyboardRules) {
  EXPECT_EQ(keyboard({{"buttons", rows(8, 5)}}), 0);
  EXPECT_EQ(keyboard({{"buttons", rows(10, 4)}}), 0);
  EXPECT_EQ(keyboard({{"buttons", rows(9, 5)}}), 911) << "more than 40";
  EXPECT_EQ(keyboard({{"buttons", rows(1, 6)}}), 911);
  EXPECT_EQ(keyboard({{"buttons", rows(11, 1)}}), 911);
  EXPECT_EQ(keyboard({{"buttons", Json::array()}}), 0) << "takes the keyboard away";
  EXPECT_EQ(keyboard({{"inline", true}, {"buttons", rows(2, 5)}}), 0);
  EXPECT_EQ(keyboard({{"inline", true}, {"buttons", rows(6, 1)}}), 0);
  EXPECT_EQ(keyboard({{"inline", true}, {"buttons", rows(7, 1)}}), 911);
  EXPECT_EQ(keyboard({{"inline", true}, {"buttons", rows(3, 4)}}), 911) << "more than 10";
  EXPECT_EQ(keyboard({{"inline", true}, {"one_time", true}, {"buttons", rows(1, 1)}}), 911);
  EXPECT_EQ(keyboard({{"resize", true}, {"buttons", rows(1, 1)}}), 911);
  EXPECT_EQ(error_code(send({{"message", "x"}, {"keyboard", "{"}})), 911);
}

TEST_F(VkMethodsTest, ButtonRules) {
  const auto one = [&](const Json& button) { return keyboard({{"buttons", {{button}}}}); };
  const auto action = [&](Json fields) { return one({{"action", std::move(fields)}}); };
  EXPECT_EQ(one(text_button(std::string(40, 'x'))), 0);
  EXPECT_EQ(one(text_button(std::string(41, 'x'))), 911);
  EXPECT_EQ(one(text_button("")), 911);
  const auto payload = [&](const std::string& text) {
    return action({{"type", "text"}, {"label", "x"}, {"payload", text}});
  };
  EXPECT_EQ(payload(R"({"c":")" + std::string(247, 'x') + R"("})"), 0);
  EXPECT_EQ(payload(R"({"c":")" + std::string(248, 'x') + R"("})"), 911);
  EXPECT_EQ(payload("[1]"), 911);
  EXPECT_EQ(payload("7"), 911);
  Json button = text_button();
  button["color"] = "negative";
  EXPECT_EQ(one(button), 0);
  button["color"] = "red";
  EXPECT_EQ(one(button), 911);
  EXPECT_EQ(action({{"type", "open_link"}, {"label", "x"}, {"link", "https://example.com"}}), 0);
  EXPECT_EQ(action({{"type", "open_link"}, {"label", "x"}}), 911);
  EXPECT_EQ(action({{"type", "open_link"}, {"label", "x"}, {"link", "javascript:1"}}), 911);
  EXPECT_EQ(one({{"action", {{"type", "open_link"}, {"label", "x"}, {"link", "https://a.b"}}},
                 {"color", "positive"}}),
            911);
  EXPECT_EQ(action({{"type", "location"}}), 0);
  EXPECT_EQ(action({{"type", "location"}, {"label", "x"}}), 911);
  EXPECT_EQ(action({{"type", "request_contact"}, {"label", "x"}}), 911);
  const Json location = {{"action", {{"type", "location"}}}};
  EXPECT_EQ(keyboard({{"buttons", {{location, text_button()}}}}), 911) << "it takes the row";
}

TEST_F(VkMethodsTest, KeyboardsNeedBotFeatures) {
  fake.control("community", R"({"bot_features":false})");
  EXPECT_EQ(keyboard({{"buttons", rows(1, 1)}}), 912);
  const Json set =
      call_vk(fake, "groups.setSettings", {{"group_id", kVkTestGroup}, {"bots_capabilities", 1}});
  EXPECT_EQ(set["response"], 1);
  EXPECT_EQ(keyboard({{"buttons", rows(1, 1)}}), 0);
}

TEST_F(VkMethodsTest, SpansAreInUtf16Units) {
  const auto span = [&](int offset, int length, const std::string& type = "bold") {
    const Json data = {{"version", 1},
                       {"items", {{{"type", type}, {"offset", offset}, {"length", length}}}}};
    return error_code(send({{"message", "😀 да"}, {"format_data", data}}));
  };
  EXPECT_EQ(span(3, 2), 0);
  EXPECT_EQ(span(0, 5), 0);
  EXPECT_EQ(span(1, 2), 100) << "inside of the smile";
  EXPECT_EQ(span(3, 3), 100) << "beyond the end";
  EXPECT_EQ(span(3, 0), 100);
  EXPECT_EQ(span(3, 2, "code"), 100);
  EXPECT_EQ(span(3, 2, "url"), 100) << "a link needs an url";
  EXPECT_EQ(fake.messages(5)[0].spans[0], (VkSpan{"bold", 3, 2, ""}));
}

TEST_F(VkMethodsTest, UploadsAreSavedAndAttached) {
  const std::string bytes = make_png(40, 30);
  const std::string photo = uploaded_photo(bytes);
  ASSERT_TRUE(photo.starts_with("photo-123456_")) << photo;
  EXPECT_EQ(error_code(send({{"attachment", photo}})), 0) << "a text is not needed then";
  const auto sent = fake.messages(5);
  ASSERT_EQ(sent[0].attachments.size(), 1u);
  EXPECT_EQ(sent[0].attachments[0].sha256, sha256_hex(bytes));
  EXPECT_EQ(fake.file_bytes(sent[0].attachments[0].id), bytes);
}

TEST_F(VkMethodsTest, AttachmentsMustExistAndBeTenAtMost) {
  const std::string photo = uploaded_photo(make_png(40, 30));
  EXPECT_EQ(error_code(send({{"attachment", "photo-1_2"}})), 100);
  EXPECT_EQ(error_code(send({{"attachment", photo + "0"}})), 100) << "a wrong key";
  EXPECT_EQ(error_code(send({{"attachment", photo.substr(0, photo.rfind('_'))}})), 0)
      << "its own without a key";
  std::string ten = photo;
  for (int i = 0; i < 9; ++i) ten += "," + photo;
  EXPECT_EQ(error_code(send({{"attachment", ten}})), 0);
  EXPECT_EQ(error_code(send({{"attachment", ten + "," + photo}})), 100);
}

TEST_F(VkMethodsTest, UploadServersAreStrict) {
  const auto url = [&] {
    return call_vk(fake, "photos.getMessagesUploadServer")["response"]["upload_url"];
  };
  const std::string png = make_png(8, 8);
  EXPECT_TRUE(upload(url(), {{"file", png, "a.png"}}).contains("error")) << "the part is `photo`";
  EXPECT_TRUE(upload(url(), {{"photo", png}}).contains("error")) << "no filename";
  EXPECT_EQ(upload(url(), {{"photo", "no image", "a.png"}})["photo"], "[]");
  EXPECT_TRUE(upload(url(), {{"photo", make_png(2100, 100), "a.png"}}).contains("error"));
  const std::string once = url();
  EXPECT_FALSE(upload(once, {{"photo", png, "a.png"}}).contains("error"));
  EXPECT_TRUE(upload(once, {{"photo", png, "a.png"}}).contains("error")) << "a URL for each file";
  Json up = upload(url(), {{"photo", png, "a.png"}});
  up["hash"] = "0";
  EXPECT_EQ(error_code(call_vk(fake, "photos.saveMessagesPhoto", up)), 121);
  EXPECT_EQ(error_code(call_vk(fake, "photos.saveMessagesPhoto",
                               {{"photo", "[]"}, {"server", 1}, {"hash", "x"}})),
            129);
}

TEST_F(VkMethodsTest, DocumentsAndVoiceMessages) {
  const auto url = [&](const char* type) -> std::string {
    return call_vk(fake, "docs.getMessagesUploadServer",
                   {{"type", type}, {"peer_id", 5}})["response"]["upload_url"];
  };
  const Json up = upload(url("doc"), {{"file", "смета", "смета.pdf"}});
  const Json doc = call_vk(fake, "docs.save", {{"file", up["file"]}, {"title", "Смета"}});
  EXPECT_EQ(doc["response"]["type"], "doc");
  EXPECT_EQ(doc["response"]["doc"]["ext"], "pdf");
  EXPECT_EQ(error_code(call_vk(fake, "docs.save", {{"file", up["file"]}})), 105) << "saved once";
  EXPECT_TRUE(upload(url("doc"), {{"file", "x", "a.exe"}}).contains("error"));
  EXPECT_TRUE(upload(url("audio_message"), {{"file", "x", "a.ogg"}}).contains("error"));
  const Json voice = upload(url("audio_message"), {{"file", "OggSx", "a.ogg"}});
  EXPECT_EQ(call_vk(fake, "docs.save", {{"file", voice["file"]}})["response"]["type"],
            "audio_message");
  fake.deny(5);
  EXPECT_EQ(error_code(call_vk(fake, "docs.getMessagesUploadServer", {{"peer_id", 5}})), 901);
}

TEST_F(VkMethodsTest, AnEventIsAnsweredOnceByTheRightUserWithinAMinute) {
  send({{"message", "x"},
        {"keyboard",
         {{"inline", true},
          {"buttons",
           {{{{"action", {{"type", "callback"}, {"label", "да"}, {"payload", "{\"a\":1}"}}}}}}}}}});
  const auto answer = [&](const std::string& id, Json more = Json::object()) {
    Json params = {{"event_id", id}, {"user_id", 5}, {"peer_id", 5}};
    params.update(more);
    return error_code(call_vk(fake, "messages.sendMessageEventAnswer", params));
  };
  const std::string first = fake.press(5, "да").callback_id;
  EXPECT_EQ(answer(first, {{"user_id", 6}}), 100);
  EXPECT_EQ(answer(first, {{"peer_id", 6}}), 100);
  const std::string long_text(91, 'x');
  EXPECT_EQ(answer(first, {{"event_data", {{"type", "show_snackbar"}, {"text", long_text}}}}), 100);
  EXPECT_EQ(answer(first, {{"event_data", {{"type", "show_snackbar"}, {"text", "ок"}}}}), 0);
  EXPECT_TRUE(fake.is_answered(first));
  EXPECT_EQ(Json::parse(fake.callback_answer(first))["text"], "ок");
  EXPECT_EQ(answer(first), 100) << "once";
  const std::string late = fake.press(5, "да").callback_id;
  fake.advance_clock(std::chrono::seconds(61));
  EXPECT_EQ(answer(late), 100);
}

TEST_F(VkMethodsTest, EditsReplaceAllAndDeletesTakeBackOwnMessages) {
  const Json id = send(
      {{"message", "раз"}, {"keyboard", {{"inline", true}, {"buttons", rows(1, 1)}}}})["response"];
  const auto edit = [&](const Json& params) {
    return error_code(call_vk(fake, "messages.edit", params));
  };
  EXPECT_EQ(edit({{"peer_id", 5}, {"cmid", 2}, {"message", "два"}}), 0);
  EXPECT_EQ(fake.messages(5)[0].text, "два");
  EXPECT_TRUE(fake.messages(5)[0].inline_keyboard.empty()) << "what is left out is dropped";
  EXPECT_EQ(edit({{"peer_id", 5}, {"cmid", 1}, {"message", "чужое"}}), 920);
  EXPECT_EQ(edit({{"peer_id", 5}, {"message_id", id}, {"message", ""}}), 100);
  fake.advance_clock(std::chrono::hours(25));
  EXPECT_EQ(edit({{"peer_id", 5}, {"message_id", id}, {"message", "поздно"}}), 909);
  const Json fresh = send({{"message", "три"}})["response"];
  const Json deleted =
      call_vk(fake, "messages.delete", {{"message_ids", fresh}, {"delete_for_all", 1}});
  EXPECT_EQ(deleted["response"][fresh.dump()], 1) << deleted;
  EXPECT_TRUE(fake.messages(5)[1].deleted);
  EXPECT_EQ(error_code(call_vk(fake, "messages.delete",
                               {{"peer_id", 5}, {"cmids", 1}, {"delete_for_all", 1}})),
            924);
}

TEST_F(VkMethodsTest, RepliesAndForwardsNameTheirMessages) {
  const Json forward = {{"peer_id", 5}, {"conversation_message_ids", {1}}, {"is_reply", true}};
  EXPECT_EQ(error_code(send({{"message", "в ответ"}, {"forward", forward}})), 0);
  EXPECT_EQ(fake.messages(5)[0].reply_to, 1);
  const Json far = {{"peer_id", 5}, {"conversation_message_ids", {1, 2}}};
  fake.say(6, "привет");
  EXPECT_EQ(error_code(send({{"peer_id", 6}, {"forward", far}})), 0);
  EXPECT_THAT(fake.messages(6)[0].forwarded, testing::ElementsAre(1, 2));
  const Json gone = {{"peer_id", 5}, {"conversation_message_ids", {99}}};
  EXPECT_EQ(error_code(send({{"peer_id", 6}, {"forward", gone}})), 921);
}

TEST_F(VkMethodsTest, TheHistoryHasEverybodysMessages) {
  send({{"message", "бот"}});
  fake.staff_says(77, 5, "человек");
  fake.mailing_says(5, "рассылка");
  const Json history =
      call_vk(fake, "messages.getHistory", {{"peer_id", 5}, {"count", 200}, {"rev", 1}});
  const Json& items = history["response"]["items"];
  ASSERT_EQ(items.size(), 4u);
  EXPECT_EQ(items[0]["out"], 0);
  EXPECT_FALSE(items[1].contains("admin_author_id"));
  EXPECT_EQ(items[2]["admin_author_id"], 77);
  EXPECT_NE(items[2]["random_id"], 0);
  EXPECT_FALSE(items[3].contains("admin_author_id"));
  EXPECT_NE(items[3]["random_id"], 0);
  EXPECT_EQ(error_code(call_vk(fake, "messages.getHistory", {{"peer_id", 5}, {"count", 201}})),
            100);
  const Json conversations = call_vk(fake, "messages.getConversations", {{"filter", "unanswered"}});
  EXPECT_EQ(conversations["response"]["count"], 0);
}

TEST_F(VkMethodsTest, NamesComeInOneCallForAThousand) {
  fake.add_user({.id = 8, .first_name = "Анна", .last_name = "", .deactivated = "deleted"});
  const Json users = call_vk(fake, "users.get", {{"user_ids", "8,5,404,8"}})["response"];
  ASSERT_EQ(users.size(), 2u) << users;
  EXPECT_EQ(users[0]["deactivated"], "deleted");
  std::string many = "1";
  for (int i = 2; i <= 1001; ++i) many += "," + std::to_string(i);
  EXPECT_EQ(error_code(call_vk(fake, "users.get", {{"user_ids", many}})), 100);
}

TEST_F(VkMethodsTest, ExecuteRunsUpTo25CallsAndTellsItsErrors) {
  const auto run = [&](const std::string& code) {
    return call_vk(fake, "execute", {{"code", code}});
  };
  const Json answer = run(
      R"(return [API.messages.send({"peer_id":5,"random_id":1,"message":"a, [b]; {c}"}),)"
      R"( API.messages.send({"peer_id":404,"random_id":2,"message":"x"}), API.users.get({"user_ids":5})];)");
  EXPECT_TRUE(answer["response"][0].is_number_integer()) << answer;
  EXPECT_EQ(answer["response"][1], false);
  EXPECT_EQ(answer["response"][2][0]["id"], 5);
  ASSERT_EQ(answer["execute_errors"].size(), 1u);
  EXPECT_EQ(answer["execute_errors"][0]["method"], "messages.send");
  EXPECT_EQ(answer["execute_errors"][0]["error_code"], 901);
  EXPECT_EQ(fake.messages(5)[0].text, "a, [b]; {c}");
  EXPECT_EQ(error_code(run("return 1")), 12);
  std::string list = "API.users.get({\"user_ids\":5})";
  for (int i = 0; i < 25; ++i) list += ",API.users.get({\"user_ids\":5})";
  EXPECT_EQ(error_code(run("return [" + list + "];")), 13);
}

TEST(VkLimitsTest, TwentyCallsASecondForEachToken) {
  FakeVkOptions options;
  options.rate_limit = true;
  options.communities = {{.group_id = 1, .token = "one"}, {.group_id = 2, .token = "two"}};
  FakeVk fake(options);
  const auto call = [&](std::size_t community) {
    return error_code(call_vk(fake, "groups.getById", Json::object(), community));
  };
  int refused = 0;
  for (int i = 0; i < 21; ++i) refused += call(0) == 6 ? 1 : 0;
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(call(1), 0) << "another token";
  fake.advance_clock(std::chrono::seconds(1));
  EXPECT_EQ(call(0), 0);
}

TEST(VkLimitsTest, ACommunityManagesOnlyItself) {
  FakeVkOptions options;
  options.communities = {{.group_id = 1, .token = "one"}, {.group_id = 2, .token = "two"}};
  const FakeVk fake(options);
  EXPECT_EQ(error_code(call_vk(fake, "groups.getLongPollSettings", {{"group_id", 2}})), 15);
  EXPECT_EQ(error_code(call_vk(fake, "groups.getLongPollSettings", {{"group_id", 3}})), 125);
  EXPECT_EQ(error_code(call_vk(fake, "groups.getLongPollSettings", {{"group_id", 2}}, 1)), 0);
}

}  // namespace
}  // namespace sufler::fakes
