#include "interpreter/transports/vk/update_decoder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "interpreter/transports/vk/file_reference.h"
#include "transports/fixtures.h"

namespace sufler::vk {
namespace {

constexpr std::int64_t kNow = 1'790'000'000'500;
constexpr std::int64_t kGroup = 123456;

std::filesystem::path fixtures() { return fixtures_of("vk"); }
std::string fixture(const std::string& name) { return fixture_of("vk", name); }

DecodedUpdate update(std::string body, const Community& community = {kGroup, nullptr}) {
  return UpdateDecoder().read_webhook(body, community, kNow).update;
}
PollAnswer poll(std::string body) { return UpdateDecoder().read_poll(body, {kGroup, nullptr}, kNow); }

/// A message object inside the event that would bring it.
DecodedUpdate message(const std::string& json, const std::string& type = "message_new",
                      const Community& community = {kGroup, nullptr}) {
  return update(R"({"type":")" + type + R"(","event_id":"e1","group_id":123456,"object":)" +
                    (type == "message_new" ? R"({"message":)" + json + "}" : json) + "}",
                community);
}
/// A message of Anna in her own dialog with these further fields.
DecodedUpdate from_anna(const std::string& fields) {
  return message(R"({"id":7,"conversation_message_id":3,"date":1700000000,"from_id":42,"peer_id":42,"out":0)" +
                 (fields.empty() ? "" : "," + fields) + "}");
}
DecodedUpdate in_conversation(const std::string& fields) {
  return message(R"({"id":0,"conversation_message_id":3,"date":1700000000,"from_id":42,"peer_id":2000000001,"out":0,)" +
                 fields + "}");
}

const UserMessage& said(const DecodedUpdate& decoded) { return what_is<UserMessage>(decoded); }
const ButtonPress& pressed(const DecodedUpdate& decoded) { return what_is<ButtonPress>(decoded); }

// ------------------------------------------------------------------- fixtures

/// What must come of every file that is an event: what it is and whose, or why it is skipped.
std::string summary(const DecodedUpdate& decoded) {
  if (!decoded.incoming) return "skipped: " + decoded.skipped;
  const Incoming& one = *decoded.incoming;
  const std::string from = one.chat.chat_id + " " + one.person.id + " ";
  if (const auto* text = std::get_if<UserMessage>(&one.event.what)) {
    return from + "says " + text->text + " with " + std::to_string(text->attachments.size());
  }
  if (const auto* press = std::get_if<ButtonPress>(&one.event.what)) {
    return from + "presses " + press->press_id + " in " + press->message_id;
  }
  if (const auto* staff = std::get_if<StaffMessage>(&one.event.what)) {
    return from + "hears " + staff->text + " of " + staff->staff_id;
  }
  if (const auto* reach = std::get_if<Reachability>(&one.event.what)) {
    return from + (reach->reachable ? "allows" : "denies");
  }
  return from + "?";
}

TEST(VkUpdateDecoderTest, MakesOfEachEventOfTheFixturesWhatItIs) {
  const std::map<std::string, std::string> events = {
      {"callback_confirmation", "skipped: an event of the type `confirmation`"},
      {"callback_message_typing_state", "skipped: an event of the type `message_typing_state`"},
      {"event_donut_price_changed", "skipped: an event of the type `donut_subscription_price_changed`"},
      {"event_donut_withdraw_error", "skipped: an event of the type `donut_money_withdraw_error`"},
      {"event_group_change_photo", "skipped: an event of the type `group_change_photo`"},
      {"event_group_join", "skipped: an event of the type `group_join`"},
      {"event_group_leave", "skipped: an event of the type `group_leave`"},
      {"event_group_officers_edit", "skipped: an event of the type `group_officers_edit`"},
      {"event_market_comment_new", "skipped: an event of the type `market_comment_new`"},
      {"event_message_allow", "123 123 allows"},
      {"event_message_event_payload_object", "123456789 123456789 presses feleyinek:123456789:123456789 in c1234"},
      {"event_message_new_text", "123456789 123456789 says f with 0"},
      {"event_message_reply_admin_author", "123 123 hears test of 123"},
      {"event_photo_new", "skipped: an event of the type `photo_new`"},
      {"event_user_block", "skipped: an event of the type `user_block`"},
      {"event_user_block_temporary", "skipped: an event of the type `user_block`"},
      {"event_user_unblock", "skipped: an event of the type `user_unblock`"},
      {"event_wall_post_new", "skipped: an event of the type `wall_post_new`"},
  };
  for (const auto& [name, expected] : events) EXPECT_EQ(summary(update(fixture(name))), expected) << name;

  const std::map<std::string, std::string> messages = {
      {"message_self_destruct_expired", "skipped: talk of a conversation"},
      {"message_self_destruct_ttl", "skipped: talk of a conversation"},
      {"message_with_is_silent", "skipped: talk of a conversation"},
      {"message_with_unpin_action", "skipped: a message that a program sent"},
  };
  for (const auto& [name, expected] : messages) EXPECT_EQ(summary(message(fixture(name))), expected) << name;

  // Everything else is no event: answers, errors and parts of them. None is taken for one, none is trouble.
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(fixtures())) {
    if (entry.path().extension() != ".json") continue;
    ++files;
    const std::string name = entry.path().stem();
    const std::string json = fixture(name);
    EXPECT_TRUE(events.count(name) != 0 || !update(json).incoming) << name;
    const DecodedUpdate as_message = message(json);
    EXPECT_NE(as_message.incoming.has_value(), !as_message.skipped.empty()) << name;
    const bool is_poll = name.rfind("longpoll_", 0) == 0;
    EXPECT_EQ(poll(json).kind != PollAnswer::Kind::Broken, is_poll) << name;
  }
  EXPECT_EQ(files, 63);
}

TEST(VkUpdateDecoderTest, ReadsTheAnswersOfALongPoll) {
  using Kind = PollAnswer::Kind;
  EXPECT_EQ(poll(fixture("longpoll_empty_ts_string")).kind, Kind::Updates);
  EXPECT_EQ(poll(fixture("longpoll_empty_ts_string")).ts, "8");
  EXPECT_EQ(poll(fixture("longpoll_failed_1_ts_number")).kind, Kind::SomeLost);
  EXPECT_EQ(poll(fixture("longpoll_failed_1_ts_number")).ts, "8");
  EXPECT_EQ(poll(R"({"failed":1,"ts":"9"})").ts, "9");
  EXPECT_EQ(poll(R"({"failed":2})").kind, Kind::KeyExpired);
  EXPECT_EQ(poll(fixture("longpoll_failed_3")).kind, Kind::AllLost);
  EXPECT_EQ(poll(R"({"failed":4,"min_version":0,"max_version":3})").kind, Kind::AllLost);
  EXPECT_EQ(poll(R"({"ts":"1"})").kind, Kind::Broken);
  EXPECT_EQ(poll("<html>502</html>").kind, Kind::Broken);
  EXPECT_EQ(poll("").kind, Kind::Broken);

  const PollAnswer mixed = poll(fixture("longpoll_wall_post_and_message_new_5199"));
  EXPECT_EQ(mixed.ts, "1");
  EXPECT_EQ(mixed.count, 2U);
  ASSERT_EQ(mixed.incoming.size(), 1U);
  EXPECT_EQ(mixed.incoming[0].id, "m1:1:1234");
  EXPECT_EQ(mixed.incoming[0].person.language, "ru");
  EXPECT_EQ(mixed.skipped, std::vector<std::string>{"an event of the type `wall_post_new`"});

  const PollAnswer conversation = poll(fixture("longpoll_message_new_wall_attachment"));
  EXPECT_EQ(conversation.count, 1U);
  EXPECT_EQ(conversation.skipped, std::vector<std::string>{"talk of a conversation"});
}

// ------------------------------------------------------------------- messages

TEST(VkUpdateDecoderTest, GivesAMessageTheSameIdWhicheverWayItCame) {
  const std::string json =
      R"({"id":7,"conversation_message_id":3,"date":1700000000,"from_id":42,"peer_id":42,"out":0,"text":"да"})";
  EXPECT_EQ(message(json).incoming->id, "m1700000000:42:3");
  std::string history = R"({"response":{"count":1,"items":[)" + json + "]}}";
  const History page = UpdateDecoder().read_history(history, {kGroup, nullptr}, 0, kNow);
  ASSERT_EQ(page.incoming.size(), 1U);
  EXPECT_EQ(page.incoming[0].id, "m1700000000:42:3");
  EXPECT_EQ(page.incoming[0].event.at.unix_ms, 1'700'000'000'999);
}

TEST(VkUpdateDecoderTest, ReadsTheShapesOfOldVersions) {
  // Before 5.103 the message itself is the object, below 5.80 its members have other names.
  const DecodedUpdate bare = update(
      R"({"type":"message_new","object":{"id":5,"date":1,"from_id":42,"peer_id":42,"text":"a"},"group_id":1})");
  EXPECT_EQ(said(bare).text, "a");
  EXPECT_EQ(bare.incoming->id, "i42:5");
  const DecodedUpdate ancient = update(
      R"({"type":"message_new","object":{"id":5,"date":"1","user_id":42,"body":"b &amp; c<br>d","out":0},"group_id":1})");
  EXPECT_EQ(said(ancient).text, "b & c\nd");
  EXPECT_EQ(ancient.incoming->chat.chat_id, "42");
}

TEST(VkUpdateDecoderTest, DecodesTheSignsOfHtmlOnce) {
  EXPECT_EQ(said(from_anna(R"("text":"1 &lt; 2 &gt; 0 &amp;lt; &quot;x&quot; &#39;y&#39;<br>z")")).text,
            "1 < 2 > 0 &lt; \"x\" 'y'\nz");
  EXPECT_EQ(plain_text("R&D & <b>"), "R&D & <b>");
}

TEST(VkUpdateDecoderTest, TakesAMessageWithoutAnything) {
  const UserMessage empty = said(from_anna(""));
  EXPECT_EQ(empty.text, "");
  EXPECT_TRUE(empty.attachments.empty());
  EXPECT_EQ(empty.message_id, "7");
}

TEST(VkUpdateDecoderTest, ReadsTheStartButtonAsTheCommandWithItsLink) {
  EXPECT_EQ(said(from_anna(R"("text":"Начать","payload":"{\"command\":\"start\"}")")).text, "/start");
  EXPECT_EQ(said(from_anna(R"("text":"Начать","payload":"{\"command\":\"start\"}","ref":"ad7")")).text, "/start ad7");
  EXPECT_EQ(said(from_anna(R"("text":"Начать","ref":"ad7")")).text, "/start ad7");
  EXPECT_EQ(said(from_anna(R"("text":"Сколько стоит?","ref":"ad7")")).text, "Сколько стоит?");
}

TEST(VkUpdateDecoderTest, KnowsAButtonWhoseLabelIsShownCut) {
  const std::string label = "Доставка до двери курьером в пределах кольцевой дороги";
  EXPECT_EQ(said(from_anna(R"("text":"Доставка до двери курьером в пределах к…","payload":"{\"t\":\")" + label +
                           R"(\"}")")).text,
            label);
  // A payload that does not fit what the button shows was made up.
  EXPECT_EQ(said(from_anna(R"("text":"да","payload":"{\"t\":\"удали всё\"}")")).text, "да");
  for (const char* foreign : {R"("[1,2]")", R"("{")", R"("null")", R"("{\"t\":5}")", R"(7)", R"({"t":["x"]})"}) {
    EXPECT_EQ(said(from_anna(R"("text":"да","payload":)" + std::string(foreign))).text, "да") << foreign;
  }
}

TEST(VkUpdateDecoderTest, HearsInAConversationOnlyWhatIsMeantForIt) {
  EXPECT_EQ(in_conversation(R"("text":"всем привет")").skipped, "talk of a conversation");
  const DecodedUpdate mention = in_conversation(R"("text":"[club123456|@sufler], меню")");
  EXPECT_EQ(said(mention).text, "меню");
  EXPECT_FALSE(mention.incoming->is_private);
  EXPECT_EQ(mention.incoming->chat.chat_id, "2000000001");
  EXPECT_EQ(mention.incoming->person.id, "42");
  EXPECT_EQ(said(in_conversation(R"("text":"/menu")")).text, "/menu");
  EXPECT_EQ(said(in_conversation(R"("text":"да","reply_message":{"from_id":-123456})")).text, "да");
  EXPECT_EQ(in_conversation(R"("text":"[club7|@other] меню")").skipped, "talk of a conversation");
  EXPECT_EQ(in_conversation(R"("text":"","action":{"type":"chat_invite_user"})").skipped, "a service message");
}

TEST(VkUpdateDecoderTest, NamesTheMessageThatIsAnsweredAsItsSendingDid) {
  const DecodedUpdate reply =
      from_anna(R"("text":"/bot_on","reply_message":{"id":5,"conversation_message_id":2,"from_id":-123456,"text":"Заказ №1"})");
  EXPECT_EQ(said(reply).text, "/bot_on");
  EXPECT_EQ(said(reply).reply_to, "5");
  EXPECT_EQ(said(from_anna(R"("text":"да","reply_message":{"id":0,"conversation_message_id":2})")).reply_to, "c2");
  EXPECT_EQ(said(from_anna(R"("text":"да")")).reply_to, "");
}

TEST(VkUpdateDecoderTest, NamesAMessageAsAnAnswerToItWould) {
  EXPECT_EQ(said(from_anna(R"("text":"да")")).message_id, "7");
  EXPECT_EQ(said(in_conversation(R"("text":"/menu")")).message_id, "c3");
  std::string edited = R"({"type":"message_edit","group_id":123456,"event_id":"e1","object":{"id":7,
      "conversation_message_id":3,"date":1700000000,"update_time":1700000100,"from_id":42,"peer_id":42,"text":"нет"}})";
  const DecodedUpdate change = UpdateDecoder().read_webhook(edited, Community{123456, nullptr}, kNow).update;
  EXPECT_EQ(said(change).message_id, "7");
  EXPECT_TRUE(said(change).edited);
}

TEST(VkUpdateDecoderTest, SkipsWhatNoPersonWrote) {
  EXPECT_EQ(message(R"({"conversation_message_id":1,"from_id":-7,"peer_id":2000000001,"text":"x"})").skipped,
            "a message of another community");
  EXPECT_EQ(message(R"({"conversation_message_id":1,"peer_id":42,"text":"x"})").skipped, "a message without a sender");
  EXPECT_EQ(message(R"({"text":"x"})").skipped, "a message without a dialog");
  EXPECT_EQ(update(R"({"type":"message_new","group_id":1})").skipped, "an event without an object");
  EXPECT_EQ(update(R"({"group_id":1})").skipped, "an event without a type");
  EXPECT_EQ(update("[]").skipped, "not a JSON object");
}

TEST(VkUpdateDecoderTest, TakesTheWordsOfAForwardedMessageForAnAnswer) {
  const UserMessage message = said(from_anna(
      R"("text":"","fwd_messages":[{"text":"адрес: Мира 5","attachments":[{"type":"photo","photo":{"id":1,"owner_id":2}}]},
      {"text":"","fwd_messages":[{"text":"этаж 3"}]}])"));
  EXPECT_EQ(message.text, "адрес: Мира 5\nэтаж 3");
  EXPECT_EQ(message.attachments.size(), 1U);
  EXPECT_EQ(said(from_anna(R"("text":"моё","fwd_messages":[{"text":"чужое"}])")).text, "моё");
}

TEST(VkUpdateDecoderTest, WhatStaffSayInAConversationIsNobodysDialog) {
  // As the community, and as themselves.
  EXPECT_EQ(message(R"({"id":0,"conversation_message_id":4,"date":1700000000,"from_id":-123456,"peer_id":2000000001,"out":1,)"
                    R"("text":"беру","admin_author_id":5,"random_id":3})",
                    "message_reply")
                .skipped,
            "a staff message in a conversation");
  EXPECT_EQ(in_conversation(R"("text":"беру")").skipped, "talk of a conversation");
}

TEST(VkUpdateDecoderTest, AReplyNamesTheMessageByTheNumberThatTheDialogKeeps) {
  EXPECT_EQ(said(from_anna(R"("text":"да","reply_message":{"id":15,"conversation_message_id":2,"from_id":-123456})")).reply_to, "15");
  // Messages of a conversation have no number among the community's.
  EXPECT_EQ(said(in_conversation(R"("text":"да","reply_message":{"id":0,"conversation_message_id":2,"from_id":-123456})")).reply_to, "c2");
  EXPECT_EQ(said(in_conversation(R"("text":"да","reply_message":{"id":15,"conversation_message_id":2,"from_id":-123456})")).reply_to, "c2");
  EXPECT_EQ(said(in_conversation(R"("text":"да","reply_message":{"from_id":-123456})")).reply_to, "");
}

TEST(VkUpdateDecoderTest, MarksAnEditedMessageAsAnotherEvent) {
  const std::string json =
      R"({"id":7,"conversation_message_id":3,"date":1700000000,"update_time":1700000100,"from_id":42,"peer_id":42,"text":"нет"})";
  const DecodedUpdate edited = message(json, "message_edit");
  EXPECT_TRUE(said(edited).edited);
  EXPECT_EQ(edited.incoming->id, "m1700000000:42:3e1700000100");
  EXPECT_EQ(edited.incoming->event.at.unix_ms, 1'700'000'100'999);
  const DecodedUpdate without_id = update(R"({"type":"message_edit","object":)" + json + "}");
  EXPECT_EQ(without_id.incoming->id, "m1700000000:42:3e1700000100");
  const std::string timeless = R"({"id":7,"conversation_message_id":3,"date":1700000000,"from_id":42,"peer_id":42,"text":"нет"})";
  EXPECT_EQ(message(timeless, "message_edit").incoming->id, "e1");
  EXPECT_EQ(update(R"({"type":"message_edit","object":)" + timeless + "}").incoming->id, "m1700000000:42:3e1700000000");
}

TEST(VkUpdateDecoderTest, AHistoryTellsOfChangesWithTheIdsThatTheirEventsHave) {
  const auto page = [](std::int64_t since) {
    std::string body = R"({"response":{"count":3,"items":[
        {"id":9,"conversation_message_id":3,"date":1700000300,"from_id":42,"peer_id":42,"out":0,"text":"новое"},
        {"id":8,"conversation_message_id":2,"date":1700000200,"update_time":1700000250,"from_id":42,"peer_id":42,"out":0,"text":"да"},
        {"id":7,"conversation_message_id":1,"date":1700000000,"update_time":1700000260,"from_id":42,"peer_id":42,"out":0,"text":"три"},
        {"id":6,"conversation_message_id":0,"date":1700000000,"update_time":1700000260,"from_id":-123456,"peer_id":42,"out":1,"text":"бот"}]}})";
    std::vector<std::string> all;
    for (const Incoming& one : UpdateDecoder().read_history(body, Community{kGroup, nullptr}, since, 1'800'000'000'000).incoming) {
      const auto& what = std::get<UserMessage>(one.event.what);
      all.push_back(one.id + (what.edited ? " changed to " : " ") + what.text);
    }
    return all;
  };
  EXPECT_EQ(page(1'700'000'100), (std::vector<std::string>{"m1700000300:42:3 новое", "m1700000200:42:2 да", "m1700000200:42:2e1700000250 changed to да",
                                                           "m1700000000:42:1e1700000260 changed to три"}));
  EXPECT_EQ(page(1'700'000'255), (std::vector<std::string>{"m1700000300:42:3 новое", "m1700000000:42:1e1700000260 changed to три"}));
  EXPECT_EQ(page(1'700'000'400), std::vector<std::string>{});
}

// ------------------------------------------------------------------- staff

TEST(VkUpdateDecoderTest, TellsAPersonOfTheCommunityFromItsOwnEcho) {
  const auto keys = std::make_shared<SentKeys>();
  keys->add(777);
  const Community community{kGroup, keys};
  const auto reply = [&](const std::string& fields) {
    return message(R"({"id":9,"conversation_message_id":4,"date":1700000000,"from_id":-123456,"peer_id":42,"out":1,"text":"Я с вами",)" +
                       fields + "}",
                   "message_reply", community);
  };
  const DecodedUpdate staff = reply(R"("admin_author_id":5,"random_id":459382534)");
  ASSERT_TRUE(staff.incoming) << staff.skipped;
  EXPECT_EQ(summary(staff), "42 42 hears Я с вами of 5");
  EXPECT_EQ(staff.incoming->id, "m1700000000:42:4");
  EXPECT_EQ(reply(R"("random_id":777)").skipped, "our own echo");
  EXPECT_EQ(reply(R"("random_id":778)").skipped, "a message that a program sent");  // a mailing
  EXPECT_EQ(reply(R"("random_id":0)").skipped, "a message that a program sent");
  EXPECT_EQ(reply(R"("admin_author_id":0,"random_id":5)").skipped, "a message that a program sent");
}

TEST(VkUpdateDecoderTest, FindsStaffInAHistoryToo) {
  std::string body = fixture("messages_with_admin_author_id_random_id");
  const History page = UpdateDecoder().read_history(body, {67, nullptr}, 0, kNow);
  ASSERT_EQ(page.incoming.size(), 1U);
  EXPECT_EQ(page.incoming[0].chat.chat_id, "18");
  EXPECT_EQ(std::get<StaffMessage>(page.incoming[0].event.what).staff_id, "45");
}

// ------------------------------------------------------------------- presses

TEST(VkUpdateDecoderTest, ReadsAPressWithWhatItsAnswerNeeds) {
  const auto press = [](const std::string& payload) {
    return update(R"({"type":"message_event","event_id":"outer","group_id":123456,"object":{"user_id":42,"peer_id":42,)"
                  R"("event_id":"ab12","conversation_message_id":9,"payload":)" + payload + "}}");
  };
  const DecodedUpdate own = press(R"({"p":"17:2"})");
  EXPECT_EQ(pressed(own).payload, "17:2");
  EXPECT_EQ(pressed(own).press_id, "ab12:42:42");
  EXPECT_EQ(pressed(own).message_id, "c9");
  EXPECT_EQ(own.incoming->id, "outer");
  EXPECT_EQ(pressed(press(R"("{\"p\":\"17:2\"}")")).payload, "17:2");  // as the documentation says
  // What is not ours is never read as ours; the press is answered all the same.
  EXPECT_EQ(pressed(press(R"({"button":"x"})")).payload, R"({"button":"x"})");
  EXPECT_EQ(pressed(press(R"("17:2")")).payload, "");
  EXPECT_EQ(pressed(press("null")).payload, "");
  EXPECT_EQ(pressed(press(R"({"p":7})")).payload, R"({"p":7})");
}

TEST(VkUpdateDecoderTest, HearsWhetherAPersonMayBeWrittenTo) {
  const DecodedUpdate deny = update(R"({"type":"message_deny","event_id":"d","object":{"user_id":42},"group_id":1})");
  EXPECT_EQ(summary(deny), "42 42 denies");
  EXPECT_EQ(deny.incoming->id, "d");
  EXPECT_EQ(summary(update(fixture("event_message_allow"))), "123 123 allows");
}

// ------------------------------------------------------------------- attachments

Attachment only_file(const std::string& json) {
  const DecodedUpdate decoded = from_anna(R"("text":"вот","attachments":[)" + json + "]");
  const UserMessage& message = said(decoded);
  EXPECT_EQ(message.attachments.size(), 1U);
  return message.attachments.empty() ? Attachment{} : message.attachments[0];
}

TEST(VkUpdateDecoderTest, TakesTheLargestSizeOfAPhoto) {
  const Attachment photo = only_file(
      R"({"type":"photo","photo":{"id":456,"owner_id":42,"access_key":"ab12","sizes":[
      {"type":"s","url":"https://x/s","width":"75","height":"75"},
      {"type":"w","url":"https://x/w","width":1254,"height":1254},
      {"type":"o","url":"https://x/o","width":130,"height":130}]}})");
  EXPECT_EQ(photo.kind, AttachmentKind::Photo);
  EXPECT_EQ(photo.origin, "vk");
  EXPECT_EQ(photo.reference, "photo42_456_ab12 https://x/w 42:3");
  EXPECT_EQ(photo.caption, "вот");
}

TEST(VkUpdateDecoderTest, ReadsDocumentsWithTheirNamesAndSizes) {
  const Attachment document = only_file(
      R"({"type":"doc","doc":{"id":1,"owner_id":42,"title":"../смета","size":2048,"ext":"xlsx","url":"https://vk.com/doc42_1"}})");
  EXPECT_EQ(document.kind, AttachmentKind::Document);
  EXPECT_EQ(document.name, "смета.xlsx");
  EXPECT_EQ(document.size, 2048);
  EXPECT_EQ(document.reference, "doc42_1 https://vk.com/doc42_1 42:3");
  EXPECT_EQ(only_file(R"({"type":"doc","doc":{"id":1,"owner_id":42,"title":"a.PDF","ext":"pdf"}})").name, "a.PDF");
}

TEST(VkUpdateDecoderTest, ReadsVoicesStickersAndWhatElseThereIs) {
  const Attachment voice = only_file(
      R"({"type":"audio_message","audio_message":{"id":3,"owner_id":42,"link_ogg":"https://x/v.ogg","link_mp3":"https://x/v.mp3","access_key":"k"}})");
  EXPECT_EQ(voice.kind, AttachmentKind::Voice);
  EXPECT_EQ(voice.reference, "doc42_3_k https://x/v.ogg 42:3");

  const Attachment sticker = only_file(
      R"({"type":"sticker","sticker":{"sticker_id":9,"product_id":1,"images":[{"url":"https://x/64","width":64,"height":64},{"url":"https://x/512","width":512,"height":512}]}})");
  EXPECT_EQ(sticker.kind, AttachmentKind::Sticker);
  EXPECT_EQ(sticker.reference, "sticker9 https://x/512 42:3");

  EXPECT_EQ(only_file(R"({"type":"video","video":{"id":1,"owner_id":-5,"title":"Клип"}})").reference, "video-5_1");
  EXPECT_EQ(only_file(R"({"type":"audio","audio":{"id":1,"owner_id":5,"url":""}})").kind, AttachmentKind::Audio);
  const Attachment wall = only_file(R"({"type":"wall","wall":{"id":3362,"from_id":7,"to_id":8}})");
  EXPECT_EQ(wall.kind, AttachmentKind::Other);
  EXPECT_EQ(wall.name, "wall");
  EXPECT_EQ(wall.reference, "wall8_3362");
  const Attachment link = only_file(R"({"type":"link","link":{"url":"https://example.com/a","title":"A"}})");
  EXPECT_EQ(link.reference, " https://example.com/a");
  EXPECT_EQ(FileReference::parse(link.reference).url, "https://example.com/a");
  EXPECT_EQ(only_file(R"({"type":"Unknown","Unknown":{"id":139}})").name, "Unknown");
}

TEST(VkUpdateDecoderTest, AFileIsKnownByItsMessageWhateverItsKey) {
  const FileReference photo = FileReference::parse("photo42_456_ab12 https://x/w 42:3");
  EXPECT_EQ(photo.name, "photo42_456_ab12");
  EXPECT_EQ(photo.url, "https://x/w");
  EXPECT_EQ(photo.peer, 42);
  EXPECT_EQ(photo.number, 3);
  EXPECT_TRUE(photo.can_be_renewed());
  EXPECT_TRUE(photo.same_file(FileReference::parse("photo42_456_zz")));
  EXPECT_FALSE(photo.same_file(FileReference::parse("photo42_4567_ab12")));
  EXPECT_FALSE(photo.same_file(FileReference::parse("doc42_456")));
  // As stored by earlier versions, and what is none.
  for (const char* text : {"photo42_456 https://x/w", "photo42_456", " https://x/w 42:3", "photo1_2 https://x/w 42:",
                           "photo1_2 https://x/w 42", "photo1_2 https://x/w a:b", "photo1_2 https://x/w -1:3", ""}) {
    EXPECT_FALSE(FileReference::parse(text).can_be_renewed()) << text;
  }
  EXPECT_FALSE(FileReference::parse("").same_file(FileReference::parse("")));
}

TEST(VkUpdateDecoderTest, ReadsTheFilesOfAMessageAndOfWhatWasSentOnWithIt) {
  std::string body = R"({"response":{"count":1,"items":[{"peer_id":42,"conversation_message_id":3,"text":"вот","attachments":[
      {"type":"doc","doc":{"id":1,"owner_id":42,"url":"https://x/1"}}],"fwd_messages":[{"text":"","attachments":[
      {"type":"doc","doc":{"id":2,"owner_id":43,"url":"https://x/2"}}]}]}]}})";
  std::vector<std::string> references;
  for (const Attachment& file : UpdateDecoder().read_files(body)) references.push_back(file.reference);
  EXPECT_EQ(references, (std::vector<std::string>{"doc42_1 https://x/1 42:3", "doc43_2 https://x/2 42:3"}));
  for (std::string nothing : {R"({"error":{"error_code":15}})", R"({"response":{"items":[7,null]}})", "", "[]"}) {
    EXPECT_TRUE(UpdateDecoder().read_files(nothing).empty()) << nothing;
  }
}

TEST(VkUpdateDecoderTest, TakesNoAddressThatIsNotOfTheWeb) {
  EXPECT_EQ(only_file(R"({"type":"doc","doc":{"id":1,"owner_id":2,"url":"file:///etc/passwd"}})").reference, "doc2_1");
  EXPECT_EQ(only_file(R"({"type":"doc","doc":{"id":1,"owner_id":2,"access_key":"a,photo1_1"}})").reference, "doc2_1");
  EXPECT_EQ(only_file(R"({"type":"doc","doc":{"id":1,"owner_id":2,"url":"https://x/ y"}})").reference, "doc2_1");
}

TEST(VkUpdateDecoderTest, PassesOverDeletedAndBrokenAttachments) {
  EXPECT_TRUE(said(from_anna(R"("attachments":[{"type":"photo"},{"type":"doc","doc":null},7,null,{"doc":{}}])"))
                  .attachments.empty());
  EXPECT_TRUE(said(from_anna(R"("attachments":"none")")).attachments.empty());
  // Without access there is neither an address nor a size.
  EXPECT_EQ(only_file(R"({"type":"photo","photo":{"id":1,"owner_id":2,"sizes":[]}})").reference, "photo2_1");
}

TEST(VkUpdateDecoderTest, ReadsAPlaceInBothShapes) {
  const auto place = [](const std::string& geo) { return said(from_anna(R"("geo":)" + geo)).location; };
  const auto modern = place(R"({"type":"point","coordinates":{"latitude":55.75,"longitude":37.6}})");
  ASSERT_TRUE(modern);
  EXPECT_EQ(modern->latitude.to_string(), "55.75");
  const auto old = place(fixture("geo_string_coordinates_old_api"));
  ASSERT_TRUE(old);
  EXPECT_EQ(old->latitude.to_string().substr(0, 9), "46.542171");
  EXPECT_EQ(old->longitude.to_string().substr(0, 9), "33.407921");
  EXPECT_FALSE(place(R"({"coordinates":"north"})"));
  EXPECT_FALSE(place(R"({"coordinates":{"latitude":155,"longitude":37}})"));
}

// ------------------------------------------------------------------- bad input

TEST(VkUpdateDecoderTest, SurvivesNestingAndSize) {
  for (const std::size_t depth : {100U, 10'000U, 200'000U}) {
    EXPECT_FALSE(update(std::string(depth, '[')).incoming);
    EXPECT_FALSE(update(R"({"type":"message_new","object":)" + std::string(depth, '[') + std::string(depth, ']') + "}").incoming);
    std::string forwarded;
    for (std::size_t i = 0; i < depth; ++i) forwarded += R"({"text":"","fwd_messages":[)";
    EXPECT_FALSE(update(R"({"type":"message_new","object":)" + forwarded).incoming);
  }
  const DecodedUpdate long_text = from_anna(R"("text":")" + std::string(10'000'000, 'x') + "\"");
  EXPECT_EQ(said(long_text).text.size(), 10'000'000U);
  const std::string nested = std::string(5000, '[') + std::string(5000, ']');
  EXPECT_EQ(said(from_anna(R"("text":"да","payload":")" + nested + "\"")).text, "да");
}

TEST(VkUpdateDecoderTest, SurvivesDamagedEvents) {
  UpdateDecoder decoder;
  std::uint64_t state = 2026;
  const auto next = [&](std::size_t below) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::size_t>(state >> 33) % below;
  };
  const std::string pieces = "{}[]:,\"\\u0d8n-19e.\xFF\x01";
  for (const auto& entry : std::filesystem::directory_iterator(fixtures())) {
    if (entry.path().extension() != ".json") continue;
    const std::string whole = fixture(entry.path().stem());
    for (int round = 0; round < 30; ++round) {
      std::string body = whole;
      for (int i = 0; i < 4; ++i) body[next(body.size())] = pieces[next(pieces.size())];
      std::string again = body;
      const WebhookEvent event = decoder.read_webhook(body, {kGroup, nullptr}, kNow);
      EXPECT_NE(event.update.incoming.has_value(), !event.update.skipped.empty());
      static_cast<void>(decoder.read_poll(again, {kGroup, nullptr}, kNow));
    }
  }
}

TEST(VkUpdateDecoderTest, MendsHalvesOfSurrogates) {
  EXPECT_EQ(said(from_anna(R"("text":"a\ud83db")")).text, "a\xEF\xBF\xBD" "b");
}

TEST(VkUpdateDecoderTest, ReadsTheListOfDialogs) {
  std::string body =
      R"({"response":{"count":2,"items":[
      {"conversation":{"peer":{"id":42,"type":"user"},"last_message_id":9},"last_message":{"date":1700000000,"peer_id":42}},
      {"conversation":{"peer":{"id":2000000001}},"last_message":{"date":1600000000,"update_time":1600000100}}]}})";
  const Conversations dialogs = UpdateDecoder().read_conversations(body);
  ASSERT_TRUE(dialogs.ok);
  ASSERT_EQ(dialogs.all.size(), 2U);
  EXPECT_EQ(dialogs.all[0].peer_id, 42);
  EXPECT_EQ(dialogs.all[0].last_at, 1'700'000'000);
  EXPECT_EQ(dialogs.all[1].peer_id, 2'000'000'001);
  EXPECT_EQ(dialogs.all[1].last_at, 1'600'000'100);
  std::string broken = R"({"response":5})";
  EXPECT_FALSE(UpdateDecoder().read_conversations(broken).ok);
}

}  // namespace
}  // namespace sufler::vk
