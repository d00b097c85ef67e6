#include "interpreter/transports/vk/renderer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "interpreter/core/text.h"

namespace sufler::vk {
namespace {

using nlohmann::json;

std::vector<ApiCall> rendered(const Message& message, std::string_view peer = "42") { return render(peer, message); }

Message text(const std::string& markup) {
  Message message;
  message.text = parse_markup(markup);
  return message;
}

json body_of(const ApiCall& call) { return json::parse(call.body); }

/// The only call of a message.
json only(const Message& message) {
  const std::vector<ApiCall> calls = rendered(message);
  EXPECT_EQ(calls.size(), 1U);
  return calls.empty() ? json() : body_of(calls[0]);
}

Button button(const std::string& label, ButtonAction action = ButtonAction::Text) {
  Button one;
  one.label = label;
  one.action = action;
  if (action == ButtonAction::Payload) one.payload = "1:" + label;
  return one;
}

Message with_buttons(Keyboard::Kind kind, std::size_t count, std::size_t columns = 1) {
  Message message = text("Выбирайте");
  message.keyboard.kind = kind;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % columns == 0) message.keyboard.rows.emplace_back();
    message.keyboard.rows.back().push_back(button(
        std::to_string(i + 1), kind == Keyboard::Kind::Inline ? ButtonAction::Payload : ButtonAction::Text));
  }
  return message;
}

std::size_t count_buttons(const json& keyboard) {
  std::size_t count = 0;
  for (const json& row : keyboard["buttons"]) count += row.size();
  return count;
}

/// What section 6 of the page on VK says of every keyboard.
void expect_within_limits(const json& keyboard) {
  const bool is_inline = keyboard.value("inline", false);
  EXPECT_LE(keyboard["buttons"].size(), is_inline ? 6U : 10U);
  EXPECT_LE(count_buttons(keyboard), is_inline ? 10U : 40U);
  EXPECT_FALSE(is_inline && keyboard.contains("one_time"));
  for (const json& row : keyboard["buttons"]) {
    EXPECT_FALSE(row.empty());
    EXPECT_LE(row.size(), 5U);
    for (const json& one : row) {
      const json& action = one["action"];
      const std::string type = action["type"];
      if (type == "location") {
        EXPECT_EQ(row.size(), 1U);
        EXPECT_FALSE(action.contains("label"));
      } else {
        const std::string label = action["label"];
        EXPECT_GE(count_code_points(label), 1U);
        EXPECT_LE(count_code_points(label), 40U);
      }
      EXPECT_EQ(one.contains("color"), type == "text" || type == "callback");
      if (action.contains("payload")) {
        EXPECT_LE(action["payload"].get<std::string>().size(), 255U);
        EXPECT_TRUE(json::parse(action["payload"].get<std::string>()).is_object());
      }
    }
  }
}

TEST(VkRendererTest, SendsATextAsItIs) {
  const std::vector<ApiCall> calls = rendered(text("Привет"));
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].method, "messages.send");
  EXPECT_TRUE(calls[0].ordered);
  EXPECT_FALSE(calls[0].expendable);
  EXPECT_EQ(body_of(calls[0]), json({{"peer_id", 42}, {"message", "Привет"}, {"disable_mentions", 1}}));
}

TEST(VkRendererTest, AConversationIsOneOfSeveralRecipientsSoThatItTellsTheNumber) {
  const std::vector<ApiCall> calls = render("2000000001", text("Привет"));
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(body_of(calls[0]), json({{"peer_ids", 2'000'000'001}, {"message", "Привет"}, {"disable_mentions", 1}}));
}

TEST(VkRendererTest, FormatsBoldItalicAndLinksInUtf16Units) {
  const json body = only(text("😀 **жирно** и _косо_, `код`, [тут](https://x.ru/a)"));
  EXPECT_EQ(body["message"], "😀 жирно и косо, код, тут");
  EXPECT_EQ(body["format_data"],
            json::parse(R"({"version":1,"items":[{"type":"bold","offset":3,"length":5},
            {"type":"italic","offset":11,"length":4},{"type":"url","offset":22,"length":3,"url":"https://x.ru/a"}]})"));
}

TEST(VkRendererTest, NeverMakesALinkOfWhatAPersonTyped) {
  Message message;
  message.text.text = "[id1|Павел] и [club2|Мы], но [1] и a[0]|b, [https://x|y]";
  EXPECT_EQ(only(message)["message"],
            "[\u200Did1|Павел] и [\u200Dclub2|Мы], но [1] и a[0]|b, [\u200Dhttps://x|y]");
  EXPECT_EQ(only(message)["disable_mentions"], 1);
  message.text = parse_markup("[id1|x] **да**");
  const json body = only(message);
  EXPECT_EQ(body["format_data"]["items"][0]["offset"], 9);
}

TEST(VkRendererTest, SplitsALongTextAtAGoodPlace) {
  Message message;
  message.text.text = std::string(4000, 'a') + "\n\n" + std::string(4000, 'b') + " " + std::string(200, 'c');
  message.keyboard = with_buttons(Keyboard::Kind::Reply, 2).keyboard;
  const std::vector<ApiCall> calls = rendered(message);
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_EQ(body_of(calls[0])["message"], std::string(4000, 'a'));
  EXPECT_EQ(body_of(calls[1])["message"], std::string(4000, 'b'));
  EXPECT_EQ(body_of(calls[2])["message"], std::string(200, 'c'));
  EXPECT_FALSE(body_of(calls[1]).contains("keyboard"));
  EXPECT_TRUE(body_of(calls[2]).contains("keyboard"));
}

TEST(VkRendererTest, SplitsByNoMoreThanVkTakesInEitherReading) {
  Message message;
  for (int i = 0; i < 5000; ++i) message.text.text += "😀";
  for (const ApiCall& call : rendered(message)) {
    EXPECT_LE(count_utf16_units(body_of(call)["message"].get<std::string>()), 4096U);
  }
}

TEST(VkRendererTest, ShowsThatItIsAtWork) {
  const ApiCall call = render_typing("42");
  EXPECT_EQ(call.method, "messages.setActivity");
  EXPECT_EQ(body_of(call), (json{{"peer_id", 42}, {"type", "typing"}}));
  EXPECT_TRUE(call.expendable);
}

TEST(VkRendererTest, ShowsTypingAsLongAsAsked) {
  Message message = text("ещё");
  message.typing = Duration{12'000};
  const std::vector<ApiCall> calls = rendered(message);
  ASSERT_EQ(calls.size(), 4U);
  EXPECT_EQ(calls[0].method, "messages.setActivity");
  EXPECT_EQ(body_of(calls[0]), json({{"peer_id", 42}, {"type", "typing"}}));
  EXPECT_TRUE(calls[0].expendable);
  EXPECT_EQ(calls[0].hold.ms + calls[1].hold.ms + calls[2].hold.ms, 12'000);
  EXPECT_EQ(calls[3].hold.ms, 0);
}

// ------------------------------------------------------------------- keyboards

TEST(VkRendererTest, ShowsAnOrdinaryKeyboardWithItsColours) {
  Message message = text("Как оплатить?");
  message.keyboard.kind = Keyboard::Kind::Reply;
  Button card = button("Картой");
  card.color = ButtonColor::Green;
  Button cash = button("Наличными");
  cash.color = ButtonColor::Red;
  Button other = button("Иначе");
  other.color = ButtonColor::Blue;
  message.keyboard.rows = {{card, cash}, {other, button("Назад")}};
  EXPECT_EQ(only(message)["keyboard"],
            json::parse(R"({"one_time":false,"inline":false,"buttons":[
            [{"action":{"type":"text","label":"Картой"},"color":"positive"},
             {"action":{"type":"text","label":"Наличными"},"color":"negative"}],
            [{"action":{"type":"text","label":"Иначе"},"color":"primary"},
             {"action":{"type":"text","label":"Назад"},"color":"secondary"}]]})"));
}

TEST(VkRendererTest, MakesEachKindOfButtonWhatVkHasForIt) {
  Message message = text("?");
  message.keyboard.kind = Keyboard::Kind::Inline;
  Button link = button("Сайт", ButtonAction::Url);
  link.url = "example.com/a";
  message.keyboard.rows = {{button("Да", ButtonAction::Payload), link},
                           {button("Где вы?", ButtonAction::Location), button("Телефон", ButtonAction::Contact)}};
  const json keyboard = only(message)["keyboard"];
  expect_within_limits(keyboard);
  EXPECT_EQ(keyboard["buttons"],
            json::parse(R"([[{"action":{"type":"callback","label":"Да","payload":"{\"p\":\"1:Да\"}"},"color":"secondary"},
            {"action":{"type":"open_link","label":"Сайт","link":"https://example.com/a"}}],[{"action":{"type":"location"}}]])"));
}

TEST(VkRendererTest, AsksForNoContact) {
  Message message = text("Ваш номер?");
  message.keyboard.kind = Keyboard::Kind::Reply;
  message.keyboard.rows = {{button("Отправить номер", ButtonAction::Contact)}};
  // What was shown before asks for something else.
  EXPECT_EQ(only(message)["keyboard"], json::parse(R"({"buttons":[]})"));
  message.keyboard.rows.push_back({button("Назад")});
  EXPECT_EQ(count_buttons(only(message)["keyboard"]), 1U);
}

TEST(VkRendererTest, WritesALinkThatIsNotOfTheWebIntoTheText) {
  Message message = text("Пишите");
  message.keyboard.kind = Keyboard::Kind::Inline;
  Button mail = button("Почта", ButtonAction::Url);
  mail.url = "mailto:a@example.com";
  message.keyboard.rows = {{mail}};
  const json body = only(message);
  EXPECT_EQ(body["message"], "Пишите\n\nПочта: mailto:a@example.com");
  EXPECT_FALSE(body.contains("keyboard"));
}

TEST(VkRendererTest, RemovesAKeyboard) {
  Message message = text("Спасибо");
  message.keyboard.kind = Keyboard::Kind::Remove;
  EXPECT_EQ(only(message)["keyboard"], json::parse(R"({"buttons":[]})"));
  message.text = {};
  EXPECT_EQ(only(message)["message"], "…");
}

TEST(VkRendererTest, CutsALabelAndCarriesTheWholeOne) {
  Message message = text("?");
  message.keyboard.kind = Keyboard::Kind::Reply;
  const std::string label = "Доставка до двери курьером в пределах кольцевой дороги";
  message.keyboard.rows = {{button(label)}};
  const json action = only(message)["keyboard"]["buttons"][0][0]["action"];
  EXPECT_EQ(action["label"], "Доставка до двери курьером в пределах к…");
  EXPECT_EQ(json::parse(action["payload"].get<std::string>()), json({{"t", label}}));
}

TEST(VkRendererTest, LaysEveryKeyboardOutWithinTheLimits) {
  for (const auto kind : {Keyboard::Kind::Reply, Keyboard::Kind::Inline}) {
    for (std::size_t count = 1; count <= 60; ++count) {
      for (const std::size_t columns : {1U, 2U, 3U, 8U, 60U}) {
        const Message message = with_buttons(kind, count, columns);
        std::vector<std::string> seen;
        for (const ApiCall& call : rendered(message)) {
          const json body = body_of(call);
          ASSERT_TRUE(body.contains("keyboard"));
          EXPECT_FALSE(body.value("message", "").empty());
          expect_within_limits(body["keyboard"]);
          for (const json& row : body["keyboard"]["buttons"]) {
            for (const json& one : row) seen.push_back(one["action"]["label"]);
          }
        }
        if (kind == Keyboard::Kind::Inline) {
          // Every button is there, in its order.
          ASSERT_EQ(seen.size(), count);
          for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(seen[i], std::to_string(i + 1));
        } else {
          EXPECT_EQ(seen.size(), std::min<std::size_t>(count, 40)) << count << " in " << columns;
          // The last row stays where it fits a row.
          EXPECT_TRUE(columns > 5 || seen.back() == std::to_string(count)) << seen.back();
        }
      }
    }
  }
}

TEST(VkRendererTest, WritesTheButtonsThatDoNotFitIntoTheText) {
  const json body = only(with_buttons(Keyboard::Kind::Reply, 42));
  EXPECT_EQ(body["message"], "Выбирайте\n\n• 40\n• 41");
  EXPECT_EQ(count_buttons(body["keyboard"]), 40U);
  EXPECT_EQ(body["keyboard"]["buttons"].back().back()["action"]["label"], "42");
}

TEST(VkRendererTest, LeavesOutButtonsThatShowNothing) {
  Message message = text("?");
  message.keyboard.kind = Keyboard::Kind::Inline;
  message.keyboard.rows = {{button(" ", ButtonAction::Payload), button("", ButtonAction::Text)}};
  EXPECT_FALSE(only(message).contains("keyboard"));
}

// ------------------------------------------------------------------- files

Attachment photo(const std::string& reference, const std::string& caption = {}) {
  Attachment file;
  file.kind = AttachmentKind::Photo;
  file.origin = "vk";
  file.reference = reference;
  file.caption = caption;
  return file;
}

TEST(VkRendererTest, SendsTenFilesWithTheTextAndTheOthersAfter) {
  Message message = text("Заказ №5");
  for (int i = 0; i < 23; ++i) message.attachments.push_back(photo("photo1_" + std::to_string(i)));
  message.keyboard = with_buttons(Keyboard::Kind::Inline, 2).keyboard;
  const std::vector<ApiCall> calls = rendered(message);
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_EQ(body_of(calls[0])["message"], "Заказ №5");
  EXPECT_EQ(calls[0].files.size(), 10U);
  EXPECT_EQ(calls[1].files.size(), 10U);
  EXPECT_EQ(calls[2].files.size(), 3U);
  EXPECT_EQ(calls[2].files[2].file.reference, "photo1_22");
  EXPECT_FALSE(body_of(calls[1]).contains("message"));
  EXPECT_FALSE(body_of(calls[0]).contains("keyboard"));
  EXPECT_TRUE(body_of(calls[2]).contains("keyboard"));
}

TEST(VkRendererTest, PutsFilesBelowTheLastPartOfALongText) {
  Message message;
  message.text.text = std::string(4000, 'a') + "\n\n" + std::string(4000, 'b');
  for (int i = 0; i < 12; ++i) message.attachments.push_back(photo("photo1_" + std::to_string(i)));
  const std::vector<ApiCall> calls = rendered(message);
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_EQ(calls[0].files.size(), 0U);
  EXPECT_EQ(calls[1].files.size(), 10U);
  EXPECT_EQ(calls[2].files.size(), 2U);
  EXPECT_FALSE(body_of(calls[2]).contains("message"));
}

TEST(VkRendererTest, WritesCaptionsBelowTheText) {
  Message message = text("Фото клиента");
  message.attachments = {photo("photo1_1", "Вот чек"), photo("photo1_2"), photo("photo1_3", "Фото клиента")};
  EXPECT_EQ(only(message)["message"], "Фото клиента\n\nВот чек");
  message.text = {};
  message.attachments.resize(1);
  EXPECT_EQ(only(message)["message"], "Вот чек");
}

TEST(VkRendererTest, AnswersAMessageByTheNumberThatIsKnown) {
  Message message;
  message.text.text = std::string(4000, 'a') + "\n\n" + std::string(4000, 'b');
  message.reply_to = "77";
  const std::vector<ApiCall> calls = rendered(message);
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(body_of(calls[0])["reply_to"], 77);
  EXPECT_FALSE(body_of(calls[1]).contains("reply_to"));
  message = text("да");
  message.reply_to = "c17";
  EXPECT_EQ(body_of(render("2000000001", message).at(0))["forward"],
            (json{{"peer_id", 2'000'000'001}, {"conversation_message_ids", {17}}, {"is_reply", true}}));
  for (const char* odd : {"", "c", "cx", "-5", "c-5", "0", "press"}) {
    message.reply_to = odd;
    EXPECT_FALSE(only(message).contains("reply_to")) << odd;
    EXPECT_FALSE(only(message).contains("forward")) << odd;
  }
}

TEST(VkRendererTest, SaysNothingWhenThereIsNothingToSay) { EXPECT_TRUE(rendered(Message{}).empty()); }

// ------------------------------------------------------------------- answers to presses

TEST(VkRendererTest, AnswersAPressWhereItHappened) {
  const ApiCall call = render_press_answer("ab12:42:2000000001", std::string(200, 'x'));
  EXPECT_EQ(call.method, "messages.sendMessageEventAnswer");
  EXPECT_FALSE(call.ordered);
  EXPECT_TRUE(call.expendable);
  EXPECT_EQ(body_of(call), json({{"event_id", "ab12"},
                                 {"user_id", 42},
                                 {"peer_id", 2'000'000'001},
                                 {"event_data", {{"type", "show_snackbar"}, {"text", std::string(90, 'x')}}}}));
  EXPECT_FALSE(body_of(render_press_answer("ab12:42:42", "")).contains("event_data"));
}

}  // namespace
}  // namespace sufler::vk
