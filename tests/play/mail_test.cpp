// The step `mail`: what a turn asks for, when the dialog waits, and what templates make of values. How letters look and
// leave is tests/services.
#include "interpreter/core/mail/order.h"
#include "play/scenario.h"

namespace sufler::testing {
namespace {

std::shared_ptr<const Program> load_with(const std::string& yaml, const std::map<std::string, std::string>& files) {
  LoadOptions options;
  options.read = [files](const std::string& name) -> std::optional<std::string> {
    const auto found = files.find(name);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  };
  Loaded loaded = load_scenario_text({{"scenario.yaml", "scenario: test\n" + yaml}}, options);
  if (loaded.program) return loaded.program;
  ADD_FAILURE() << render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
  return std::make_shared<Program>();
}

MailOrder order_of(const StartJob& job) {
  MailOrder order;
  EXPECT_TRUE(from_json(job.request, order)) << job.request;
  return order;
}

const std::string kScenario = R"(
start: order
on_error: sorry
branches:
  order:
    - ask: [name, email]
    - mail: ["{{ email }}", "Магазин <shop@example.ru>"]
      subject: "Заказ от {{ name }}"
      text: "Здравствуйте, **{{ name }}**!"
    - say: Готово.
  sorry:
    - say: Неполадка.
questions:
  name: {text: Имя?}
  email: {text: Почта?}
commands:
  back: {on: [/back, назад], back: true}
)";

TEST(MailTest, ALetterLeavesAndTheDialogGoesOn) {
  Dialog talk{load(kScenario)};
  talk.says("/start");
  talk.says("Анна");
  EXPECT_THAT(talk.says("anna@example.ru"), ElementsAre("Готово."));
  ASSERT_EQ(talk.started.size(), 1u);
  const StartJob& job = talk.started[0];
  EXPECT_EQ(job.service, "mail");
  EXPECT_EQ(job.name, "order");
  EXPECT_EQ(job.serial, 0u) << "nobody waits";
  const MailOrder order = order_of(job);
  ASSERT_EQ(order.to.size(), 2u);
  EXPECT_EQ(order.to[0].address, "anna@example.ru");
  EXPECT_EQ(order.to[1], (Mailbox{"Магазин", "shop@example.ru"}));
  EXPECT_THAT(order.left, ElementsAre("anna@example.ru", "shop@example.ru"));
  EXPECT_EQ(order.subject, "Заказ от Анна");
  EXPECT_EQ(order.text.text, "Здравствуйте, Анна!");
  EXPECT_EQ(order.id.size(), 32u);
}

TEST(MailTest, TheSameTurnMakesTheSameLetterAndAnotherOneAnother) {
  const auto letter = [](const std::string& name) {
    Dialog talk{load(kScenario)};
    talk.says("/start");
    talk.says(name);
    talk.says("anna@example.ru");
    return talk.started.at(0).request;
  };
  EXPECT_EQ(letter("Анна"), letter("Анна"));
  Dialog talk{load(kScenario)};
  for (int i = 0; i < 2; ++i) {
    talk.says("/start");
    talk.says("Анна");
    talk.says("anna@example.ru");
  }
  ASSERT_EQ(talk.started.size(), 2u);
  EXPECT_NE(order_of(talk.started[0]).id, order_of(talk.started[1]).id);
}

TEST(MailTest, WhatAPersonSaysIsOneLineOfASubjectAndNoAddress) {
  Dialog talk{load(kScenario)};
  talk.says("/start");
  talk.says("Анна\r\nBcc: victim@example.com");
  talk.says("anna@example.ru");
  EXPECT_EQ(order_of(talk.started.at(0)).subject.find_first_of("\r\n"), std::string::npos);
  talk.says("/start");
  talk.says("Анна");
  EXPECT_THAT(talk.says("a@b.ru, victim@example.com"), ElementsAre("Неполадка.", "Почта?"));
  EXPECT_EQ(talk.started.size(), 1u);
}

TEST(MailTest, BackDoesNotCrossALetter) {
  Dialog talk{load(R"(
start: order
branches:
  order:
    - ask: name
    - mail: shop@example.ru
      subject: Заказ
      text: Заказ
    - ask: other
questions:
  name: {text: Имя?}
  other: {text: Ещё?}
commands:
  back: {on: назад, back: true}
)")};
  talk.says("/start");
  talk.says("Анна");
  EXPECT_THAT(talk.says("назад"), ElementsAre("Вернуться назад отсюда нельзя."));
}

const std::string kWaits = R"(
start: order
branches:
  order:
    - mail: shop@example.ru
      subject: Заказ
      text: Заказ
      on_error:
        - say: Почта не приняла.
    - say: Готово.
  menu:
    - say: Меню.
    - ask: name
questions:
  name: {text: Имя?}
commands:
  menu: {on: /menu, go: menu}
)";

TEST(MailTest, WithOnErrorTheDialogWaits) {
  Dialog talk{load(kWaits)};
  EXPECT_THAT(talk.says("/start"), IsEmpty());
  EXPECT_EQ(talk.at(), "order/mail");
  EXPECT_THAT(talk.done(Value(true)), ElementsAre("Готово."));
  talk.says("/start");
  EXPECT_THAT(talk.done({}, "550 no such user"), ElementsAre("Почта не приняла.", "Готово."));
}

TEST(MailTest, ACommandThatLeadsElsewhereLeavesTheLetterOnItsWay) {
  Dialog talk{load(kWaits)};
  talk.says("/start");
  EXPECT_THAT(talk.says("/menu"), ElementsAre("Меню.", "Имя?"));
  EXPECT_TRUE(talk.cancelled.empty());
  EXPECT_THAT(talk.done({}, "550 no such user"), IsEmpty());
}

TEST(MailTest, NoAddressIsAnErrorToo) {
  Dialog talk{load(R"(
start: order
branches:
  order:
    - ask: email
    - mail: "{{ email }}"
      subject: Заказ
      text: Заказ
      on_error:
        - say: Писать некуда.
questions:
  email: {text: Почта?, type: email, optional: true}
)")};
  talk.says("/start");
  EXPECT_THAT(talk.press("Пропустить"), ElementsAre(HasSubstr("Писать некуда.")));
  EXPECT_TRUE(talk.started.empty());
}

// ---- HTML

std::string html_of(const std::string& html, const std::string& name) {
  Dialog talk{load_with(R"(
start: order
branches:
  order:
    - ask: name
    - set: {list: "[1, 2]", url: name}
    - mail: shop@example.ru
      subject: Заказ
      template: mail/order.html
questions:
  name: {text: Имя?}
)",
                        {{"mail/order.html", html}})};
  talk.says("/start");
  talk.says(name);
  if (talk.started.empty()) {
    ADD_FAILURE() << "no letter";
    return {};
  }
  return order_of(talk.started[0]).html;
}

TEST(MailHtmlTest, ValuesAreEscapedByWhereTheyStand) {
  EXPECT_EQ(html_of("<p>{{ name }}</p>", "<b>&\"'\nвторая"), "<p>&lt;b&gt;&amp;&quot;&#39;<br>\nвторая</p>");
  EXPECT_EQ(html_of("<p title=\"{{ name }}\">", "\" onclick=\"x"), "<p title=\"&quot; onclick=&quot;x\">");
  EXPECT_EQ(html_of("<title>{{ name }}</title>", "</title><script>"), "<title>&lt;/title&gt;&lt;script&gt;</title>");
}

TEST(MailHtmlTest, AnAddressLeadsOnlyWhereAClickDoesNoHarm) {
  EXPECT_EQ(html_of("<a href=\"{{ name }}\">", "javascript:alert(1)"), "<a href=\"#\">");
  EXPECT_EQ(html_of("<a href=\"{{ name }}\">", " JavaScript:alert(1)"), "<a href=\"#\">");
  EXPECT_EQ(html_of("<a href=\"{{ name }}\">", "data:text/html,<script>"), "<a href=\"#\">");
  EXPECT_EQ(html_of("<a href=\"{{ name }}\">", "https://x.ru/?a=1&b=\"2\""), "<a href=\"https://x.ru/?a=1&amp;b=&quot;2&quot;\">");
  EXPECT_EQ(html_of("<a href=\"https://x.ru/?q={{ name }}\">", "a b&c=d/\"é"), "<a href=\"https://x.ru/?q=a%20b%26c%3Dd%2F%22%C3%A9\">");
  EXPECT_EQ(html_of("<a href=\"mailto:{{ name }}\">", "anna+1@example.ru?cc=\"x"), "<a href=\"mailto:anna+1@example.ru%3Fcc%3D%22x\">");
  EXPECT_EQ(html_of("<a href=\"tel:{{ name }}\">", "+7 912 345-67-89;ext\""), "<a href=\"tel:+79123456789\">");
}

TEST(MailHtmlTest, LoopsAndConditions) {
  EXPECT_EQ(html_of("{{ for n in list }}{{ if n > 1 }}<b>{{ n }}</b>{{ else }}{{ n }},{{ end }}{{ end }}!", "x"), "1,<b>2</b>!");
  EXPECT_EQ(html_of("{{ for a in list }}{{ for b in list }}{{ a }}{{ b }} {{ end }}{{ end }}", "x"), "11 12 21 22 ");
  EXPECT_EQ(html_of("{{ for n in [] }}{{ n }}{{ end }}{{ if name == 'y' }}y{{ end }}.", "x"), ".");
  EXPECT_EQ(html_of("{{ for name in list }}{{ name }}{{ end }}{{ name }}", "x"), "12x") << "a loop's name is the loop's alone";
}

TEST(MailHtmlTest, AFileThatIsUsedTwiceIsReadOnceAndWhatIsWrongIsSaidThere) {
  LoadOptions options;
  options.read = [](const std::string&) { return std::optional<std::string>("<p>{{ nane }}</p>\n<a onclick=\"{{ name }}\">\n{{ x + }}"); };
  Loaded loaded = load_scenario_text({{"shop/scenario.yaml", R"(
scenario: test
branches:
  order:
    - ask: name
    - mail: shop@example.ru
      subject: Заказ
      template: mail/order.html
    - mail: shop@example.ru
      subject: Заказ
      template: mail/order.html
questions:
  name: {text: Имя?}
)"}},
                                     options);
  EXPECT_FALSE(loaded.program);
  const std::string text = render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English);
  EXPECT_THAT(text, HasSubstr("shop/mail/order.html:1:7: error[S203]"));
  EXPECT_THAT(text, HasSubstr("shop/mail/order.html:2:13: error[S710]"));
  EXPECT_THAT(text, HasSubstr("shop/mail/order.html:3:"));
  EXPECT_EQ(text.find("S203", text.find("S203") + 1), std::string::npos) << text;
}

}  // namespace
}  // namespace sufler::testing
