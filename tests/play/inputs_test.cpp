// In which order a message is tried: silence, commands, what waits, fallback (LANGUAGE 6, 14).
#include "play/scenario.h"

namespace sufler::testing {
namespace {

constexpr const char* kShop = R"yaml(
branches:
  welcome:
    - say: "Здравствуйте, {{ user.first_name }}!"
    - choose: Что вас интересует?
      options:
        Заказать: order
        Адрес: address
  address:
    - say: Невский, 1.
    - go: welcome
  order:
    - ask: [name, phone]
    - say: "Спасибо, {{ name }}! {{ phone }}"
questions:
  name: {text: "Как вас зовут?"}
  phone: {text: "Ваш телефон?", type: phone}
commands:
  menu: {on: [/menu, меню], go: welcome, about: Главное меню}
  help: {on: /help, call: help}
  back: {on: [/back, назад], back: true}
)yaml";
const std::string kHelp = "  help:\n    - say: Помощь.\n";

std::shared_ptr<const Program> shop(const std::string& more = "") {
  std::string yaml = kShop;
  yaml.insert(yaml.find("questions:"), kHelp);
  return load(yaml + more);
}

TEST(Inputs, StartRunsTheFirstBranchUntilItWaits) {
  Dialog dialog(shop());
  EXPECT_THAT(dialog.says("/start"),
              ElementsAre("Здравствуйте, Анна!", "Что вас интересует?\n[Заказать] [Адрес]"));
  EXPECT_EQ(dialog.at(), "welcome/что_вас_интересует");
}

TEST(Inputs, AnyFirstMessageStartsTheDialog) {
  Dialog dialog(shop());
  EXPECT_THAT(dialog.says("привет"), ElementsAre("Здравствуйте, Анна!", HasSubstr("интересует")));
}

TEST(Inputs, AnOptionIsTakenByLabelNumberAndOneTypo) {
  for (const char* typed : {"Адрес", "адрес!", "2", "Адрас"}) {
    Dialog dialog(shop());
    dialog.says("/start");
    EXPECT_THAT(dialog.says(typed), ElementsAre("Невский, 1.", "Здравствуйте, Анна!", HasSubstr("интересует")))
        << typed;
  }
}

TEST(Inputs, ADialogThatRanOffItsEndKeepsItsAnswers) {
  Dialog dialog(shop());
  dialog.says("/start");
  EXPECT_THAT(dialog.press("Заказать"), ElementsAre("Как вас зовут?\n[-]"));
  EXPECT_EQ(dialog.at(), "order/name");
  EXPECT_THAT(dialog.says("Ольга"), ElementsAre("Ваш телефон?"));
  EXPECT_THAT(dialog.says("8 912 345-67-89"), ElementsAre("Спасибо, Ольга! +79123456789"));
  EXPECT_EQ(dialog.at(), "none");
  EXPECT_EQ(dialog.var("name"), Value("Ольга"));
}

TEST(Inputs, ACommandJumpsOutOfAQuestion) {
  Dialog dialog(shop());
  dialog.says("/start");
  dialog.press("Заказать");
  for (const char* typed : {"/menu", "МЕНЮ!", "/menu@shop_bot"}) {
    EXPECT_THAT(dialog.says(typed), ElementsAre(HasSubstr("Здравствуйте, Анна!"), HasSubstr("интересует")))
        << typed;
  }
  EXPECT_EQ(dialog.at(), "welcome/что_вас_интересует");
}

TEST(Inputs, ACalledCommandComesBackAndRepeatsTheQuestion) {
  Dialog dialog(shop());
  dialog.says("/start");
  dialog.press("Заказать");
  EXPECT_THAT(dialog.says("/help"), ElementsAre("Помощь.", "Как вас зовут?"));
  EXPECT_EQ(dialog.at(), "order/name");
  EXPECT_THAT(dialog.says("Ольга"), ElementsAre("Ваш телефон?"));
}

TEST(Inputs, ACalledCommandAtNoneLeavesItAtNone) {
  Dialog dialog(shop());
  EXPECT_THAT(dialog.says("/help"), ElementsAre("Помощь."));
  EXPECT_EQ(dialog.at(), "none");
}

TEST(Inputs, AnUnknownCommandIsToldAndTheQuestionRepeated) {
  Dialog dialog(shop());
  dialog.says("/start");
  EXPECT_THAT(dialog.says("/nosuch"), ElementsAre("Такой команды нет.", HasSubstr("интересует")));
  dialog.press("Заказать");
  EXPECT_THAT(dialog.says("/nosuch"), ElementsAre("Такой команды нет.", "Как вас зовут?"));
}

TEST(Inputs, AnUnknownCommandGoesToFallbackWhereThereIsOne) {
  Dialog dialog(load(R"yaml(
fallback: lost
branches:
  welcome:
    - choose: Что?
      options: {Да: welcome}
  lost:
    - say: Не понял.
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("/nosuch"), ElementsAre("Не понял.", HasSubstr("Что?")));
  EXPECT_THAT(dialog.says("хм"), ElementsAre("Не понял.", HasSubstr("Что?")));
}

TEST(Inputs, AtNoneFallbackHearsWhatIsNoCommand) {
  Dialog dialog(load(R"yaml(
fallback: lost
branches:
  welcome:
    - say: Привет!
  lost:
    - say: Не понял.
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("Привет!"));
  EXPECT_THAT(dialog.says("хм"), ElementsAre("Не понял."));
  EXPECT_EQ(dialog.at(), "none");
}

TEST(Inputs, AMisunderstoodChoiceGetsOneMessageWithItsButtons) {
  Dialog dialog(shop());
  dialog.says("/start");
  EXPECT_THAT(dialog.says("когда вы открыты?"),
              ElementsAre("Не понял вас. Выберите один из вариантов, пожалуйста.\n[Заказать] [Адрес]"));
}

TEST(Inputs, StartInTheMiddleForgetsTheAnswers) {
  Dialog dialog(shop());
  dialog.says("/start");
  dialog.press("Заказать");
  dialog.says("Ольга");
  dialog.says("/start");
  EXPECT_EQ(dialog.var("name"), Value());
  EXPECT_EQ(dialog.at(), "welcome/что_вас_интересует");
}

TEST(Inputs, TheDeepLinkIsThePayload) {
  Dialog dialog(load(R"yaml(
branches:
  welcome:
    - say: "{{ message.payload }} {{ message.args | first }} {{ message.command }}"
)yaml"));
  EXPECT_THAT(dialog.says("/start promo7"), ElementsAre("promo7 promo7 start"));
}

TEST(Inputs, ArgumentsOfACommandAreVariables) {
  Dialog dialog(load(R"yaml(
branches:
  welcome:
    - say: Привет!
  register:
    - say: "{{ token | default('нет') }} {{ message.args | length }}"
commands:
  reg: {on: /reg, args: [token], call: register, secret: true}
)yaml"));
  EXPECT_THAT(dialog.says("/reg abc d"), ElementsAre("abc 2"));
  EXPECT_THAT(dialog.says("/reg"), ElementsAre("нет 0"));
}

TEST(Inputs, ARolesCommandDoesNotExistForOthers) {
  Dialog dialog(load(R"yaml(
branches:
  welcome:
    - say: Привет!
  stats:
    - say: Всё хорошо.
commands:
  stats: {on: /stats, for: admins, call: stats}
)yaml"));
  EXPECT_THAT(dialog.says("/stats"), ElementsAre("Такой команды нет."));
  dialog.around.roles = {"admins"};
  EXPECT_THAT(dialog.says("/stats"), ElementsAre("Всё хорошо."));
}

TEST(Inputs, APatternSearchesInTheFoldedText) {
  Dialog dialog(load(R"yaml(
branches:
  welcome:
    - ask: note
      text: Что скажете?
  price:
    - say: Сто рублей.
commands:
  price: {on: {matches: "(цена|сколько стоит)"}, call: price}
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("А сколько СТОИТ?"), ElementsAre("Сто рублей.", "Что скажете?"));
}

TEST(Inputs, FreeWordsAreAnswersWhereCommandsAreOff) {
  Dialog dialog(load(R"yaml(
branches:
  welcome:
    - ask: note
      text: Что скажете?
      commands: off
    - say: "{{ note }}"
  menu:
    - say: Меню.
commands:
  menu: {on: [/menu, меню], call: menu}
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("/menu"), ElementsAre("Меню.", "Что скажете?"));
  EXPECT_THAT(dialog.says("меню"), ElementsAre("меню"));
}

TEST(Inputs, AnEditedMessageIsNoNewAnswer) {
  Dialog dialog(shop());
  dialog.says("/start");
  dialog.press("Заказать");
  UserMessage message;
  message.text = "Ольга";
  message.edited = true;
  EXPECT_THAT(dialog.hears(message), IsEmpty());
  EXPECT_EQ(dialog.at(), "order/name");
}

TEST(Inputs, APressOfAnOldButtonIsAnsweredAndChangesNothing) {
  Dialog dialog(load(R"yaml(
branches:
  welcome:
    - choose: Что?
      inline: true
      options: {Первое: one, Второе: one}
  one:
    - ask: name
      text: Имя?
)yaml"));
  dialog.says("/start");
  const std::string payload = dialog.sent.back().keyboard.rows[0][1].payload;
  EXPECT_LE(payload.size(), 64u);
  EXPECT_THAT(dialog.press("Второе"), ElementsAre("Имя?"));
  EXPECT_THAT(dialog.press_payload(payload), IsEmpty());
  EXPECT_THAT(dialog.press_payload("мусор"), IsEmpty());
  EXPECT_THAT(dialog.press_answers, ElementsAre("", "Эта кнопка уже не действует.", "Эта кнопка уже не действует."));
  EXPECT_EQ(dialog.at(), "one/name");
}

TEST(Inputs, ABlockedBotSaysNothingUntilThePersonWritesAgain) {
  Dialog dialog(load(R"yaml(
branches:
  welcome:
    - ask: name
      text: Имя?
      remind: {after: 10m, text: "Вы здесь?"}
      timeout: {after: 1h, go: late}
  late:
    - notify: admins
      text: Ушёл.
)yaml"));
  dialog.says("/start");
  dialog.happens(Reachability{false});
  EXPECT_THAT(dialog.after("30m"), IsEmpty());
  EXPECT_THAT(dialog.after("1h"), IsEmpty());
  ASSERT_EQ(dialog.notices.size(), 1u);
  EXPECT_THAT(dialog.says("я тут"), ElementsAre("Имя?"));
}

TEST(Inputs, HelpWithinHelpDoesNotPileUp) {
  Dialog dialog(load(R"yaml(
branches:
  welcome:
    - ask: name
      text: Имя?
  help:
    - ask: topic
      text: О чём?
    - say: "Про {{ topic }} ничего не знаю."
commands:
  help: {on: /help, call: help}
)yaml"));
  dialog.says("/start");
  for (int i = 0; i < 200; ++i) EXPECT_THAT(dialog.says("/help"), ElementsAre("О чём?"));
  EXPECT_EQ(dialog.state.interrupted.size(), 1u);
  EXPECT_THAT(dialog.says("цены"), ElementsAre("Про цены ничего не знаю.", "Имя?"));
  EXPECT_THAT(dialog.faults, IsEmpty());
}

TEST(Inputs, ButtonsOfASayWorkThoughNobodyWaits) {
  Dialog dialog(load(R"yaml(
branches:
  welcome:
    - say: Готово.
      buttons: {В меню: menu}
  menu:
    - say: Меню.
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("Готово.\n[В меню]"));
  EXPECT_EQ(dialog.at(), "none");
  EXPECT_THAT(dialog.press("В меню"), ElementsAre("Меню.\n[-]"));
}

TEST(Inputs, WhoWritesDuringALongPauseIsTold) {
  Dialog dialog(load(R"yaml(
branches:
  welcome:
    - say: Ждите.
    - wait: 10m
    - say: Готово.
handoff:
  quiet: {to: admins, mode: silent, resume: {words: [/bot]}}
commands:
  bot: {on: /bot, during: handoff, resume: true}
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("ну что?"), ElementsAre("Я ещё напишу вам. Подождите, пожалуйста."));
  EXPECT_THAT(dialog.says("/bot"), ElementsAre("Я ещё напишу вам. Подождите, пожалуйста."));
  dialog.after("590s");
  EXPECT_THAT(dialog.says("а?"), IsEmpty());
  EXPECT_THAT(dialog.after("10s"), ElementsAre("Готово."));
}

TEST(Inputs, AnEndThatSaysNothingIsConfirmed) {
  Dialog dialog(load(R"yaml(
branches:
  welcome:
    - choose: Что?
      options:
        Хватит: end
        Пока:
          - say: До встречи!
          - end
commands:
  stop: {on: /stop, end: true}
)yaml"));
  const std::string ended = "Хорошо, закончили. Напишите, когда понадоблюсь.\n[-]";
  for (const char* said : {"Хватит", "/stop"}) {
    dialog.says("/start");
    EXPECT_THAT(dialog.says(said), ElementsAre(ended));
    EXPECT_EQ(dialog.at(), "none");
  }
  dialog.says("/start");
  EXPECT_THAT(dialog.says("Пока"), ElementsAre("До встречи!\n[-]"));
}

TEST(Inputs, AQuestionWithoutWordsKeepsItsButtons) {
  Dialog dialog(load(R"yaml(
branches:
  welcome:
    - set: {text: null}
    - say: "{{ text }}"
    - choose: " {{ text }} "
      options: {Да: welcome}
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("…\n[Да]"));
}

TEST(Inputs, TheTypedLabelOfALinkIsAnsweredWithTheLink) {
  Dialog dialog(load(R"yaml(
branches:
  welcome:
    - choose: Что?
      options: {Сайт: {url: "https://example.ru"}, Дальше: welcome}
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("сайт"), ElementsAre("Сайт: https://example.ru\n[Сайт] [Дальше]"));
  EXPECT_EQ(dialog.at(), "welcome/что");
}

constexpr const char* kOffers = R"yaml(
branches:
  welcome:
    - say: Наш прайс.
      buttons: {Цены: prices, Взять: [{set: {taken: "'да'"}}], Спасибо: }
    - ask: name
      text: Имя?
    - say: "Привет, {{ name }}! {{ taken | default('-') }}"
  prices:
    - say: Сто рублей.
commands:
  back: {on: назад, back: true}
)yaml";

TEST(Inputs, ButtonsOfASayGoIntoItsMessageWhenTheNextOneWouldTakeThemAway) {
  Dialog dialog(load(kOffers));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("Наш прайс.\n[Цены] [Взять] [Спасибо]", "Имя?"));
  EXPECT_EQ(dialog.sent[0].keyboard.kind, Keyboard::Kind::Inline);
  // Steps are played beside the question, which is asked again; a branch is jumped to.
  EXPECT_THAT(dialog.press("Взять"), ElementsAre("Имя?"));
  EXPECT_THAT(dialog.press("Цены"), ElementsAre("Сто рублей."));
  EXPECT_EQ(dialog.at(), "none");
  EXPECT_EQ(dialog.var("taken"), Value("да"));
  EXPECT_THAT(dialog.press("Цены"), ElementsAre("Сто рублей."));
}

TEST(Inputs, AButtonThatLeadsNowhereSaysItsLabel) {
  Dialog dialog(load(kOffers));
  dialog.says("/start");
  EXPECT_THAT(dialog.press("Спасибо"), ElementsAre("Привет, Спасибо! -"));
}

TEST(Inputs, ButtonsOfASayGoIntoItsMessageWhenOtherButtonsFollow) {
  Dialog dialog(load(R"yaml(
branches:
  welcome:
    - choose: Начнём?
      options: {Да: offer}
  offer:
    - say: Раз.
      buttons: {Первая: one}
    - say: Два.
      buttons: {Вторая: two}
    - choose: Что дальше?
      options: {Третья: three}
  one: [say: Первая ветка.]
  two: [say: Вторая ветка.]
  three: [say: Третья ветка.]
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.press("Да"), ElementsAre("Раз.\n[Первая]", "Два.\n[Вторая]", "Что дальше?\n[Третья]"));
  const std::size_t first = dialog.sent.size() - 3;
  EXPECT_EQ(dialog.sent[first].keyboard.kind, Keyboard::Kind::Inline);
  EXPECT_EQ(dialog.sent[first + 1].keyboard.kind, Keyboard::Kind::Inline);
  EXPECT_EQ(dialog.sent[first + 2].keyboard.kind, Keyboard::Kind::Reply);
  const std::string payload = dialog.sent[first].keyboard.rows[0][0].payload;
  EXPECT_LE(payload.size(), 64u);
  EXPECT_THAT(dialog.press("Третья"), ElementsAre("Третья ветка.\n[-]"));
  EXPECT_THAT(dialog.press_payload(payload), ElementsAre("Первая ветка."));
  EXPECT_THAT(dialog.press("Вторая"), ElementsAre("Вторая ветка."));
  EXPECT_THAT(dialog.press_answers, ElementsAre("", ""));
}

TEST(Inputs, AKeyboardBelowButtonsThatWentIntoTheirMessageIsStillTakenAway) {
  Dialog dialog(load(R"yaml(
branches:
  welcome:
    - choose: Начнём?
      options: {Да: offer}
  offer:
    - say: Хорошо.
    - say: Раз.
      buttons: {Первая: welcome}
    - say: Два.
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.press("Да"), ElementsAre("Хорошо.", "Раз.\n[Первая]", "Два.\n[-]"));
}

TEST(Inputs, ATableBetweenTwoMessagesChangesNothingOfTheirButtons) {
  Dialog dialog(load(R"yaml(
tables:
  orders: {name: text}
branches:
  welcome:
    - say: Раз.
      buttons: {Ещё: again}
    - find: orders
      into: rows
    - say: Два.
  again:
    - say: Снова.
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("Раз.\n[Ещё]", "Два."));
  EXPECT_THAT(dialog.press("Ещё"), ElementsAre("Снова."));
}

TEST(Inputs, AnInlineSayBeforeAnInlineChoiceKeepsWorking) {
  Dialog dialog(load(R"yaml(
branches:
  welcome:
    - say: Прайс.
      inline: true
      buttons: {Цены: {call: prices}}
    - choose: Берёте?
      inline: true
      options: {Да: yes_branch}
  prices:
    - say: Сто рублей.
  yes_branch:
    - say: Отлично.
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.press("Цены"), ElementsAre("Сто рублей.", "Берёте?\n[Да]"));
  EXPECT_THAT(dialog.press("Да"), ElementsAre("Отлично."));
  EXPECT_THAT(dialog.press("Цены"), ElementsAre("Сто рублей."));
  EXPECT_THAT(dialog.press_answers, ElementsAre("", "", ""));
}

TEST(Inputs, TheLabelOfAVisibleSayButtonCanBeTyped) {
  Dialog dialog(load(R"yaml(
branches:
  welcome:
    - say: Прайс.
      buttons: {Цены: {call: prices}, Сайт: {url: "https://example.ru"}}
    - choose: Берёте?
      options: {Да: ask_age}
  prices:
    - say: Сто рублей.
  ask_age:
    - ask: age
      text: Возраст?
      type: number
    - ask: name
      text: Имя?
    - say: "{{ age }}, {{ name }}"
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("цены"), ElementsAre("Сто рублей.", "Берёте?\n[Да]"));
  EXPECT_THAT(dialog.says("сайт!"), ElementsAre("Сайт: https://example.ru\n[Да]"));
  dialog.says("Да");
  EXPECT_THAT(dialog.says("Цены"), ElementsAre("Сто рублей.", "Возраст?"));
  dialog.says("30");
  // Where any words are an answer, they are one.
  EXPECT_THAT(dialog.says("Цены"), ElementsAre("30, Цены"));
  EXPECT_THAT(dialog.says("Цены"), ElementsAre("Сто рублей."));
}

TEST(Inputs, AKeyboardAndAnInlineMessageOfferSideBySide) {
  Dialog dialog(load(R"yaml(
branches:
  welcome:
    - say: Раз.
      buttons: {Первая: one}
    - say: Два.
      inline: true
      buttons: {Вторая: two}
  one: [say: Первая ветка.]
  two: [say: Вторая ветка.]
)yaml"));
  dialog.says("/start");
  EXPECT_EQ(dialog.sent[0].keyboard.kind, Keyboard::Kind::Reply);
  EXPECT_THAT(dialog.says("/nosuch"), ElementsAre("Такой команды нет.\n[Первая]"));
  EXPECT_THAT(dialog.press("Первая"), ElementsAre("Первая ветка.\n[-]"));
  EXPECT_THAT(dialog.press("Вторая"), ElementsAre("Вторая ветка."));
}

TEST(Inputs, AButtonThatOnlySetsSomethingIsNotPassedOverInSilence) {
  for (const char* layout : {"", "      inline: true\n"}) {
    Dialog dialog(load(std::string("branches:\n  welcome:\n    - say: Выбирайте.\n") + layout +
                       "      buttons: [{label: Тихо, set: {mode: \"'q'\"}}]\n"));
    dialog.says("/start");
    const auto said = dialog.press("Тихо");
    EXPECT_EQ(dialog.var("mode"), Value("q"));
    if (*layout) {
      EXPECT_THAT(said, IsEmpty());
      EXPECT_THAT(dialog.press_answers, ElementsAre("Выбрано: Тихо"));
    } else {
      EXPECT_THAT(said, ElementsAre("Выбрано: Тихо\n[Тихо]"));
    }
  }
}

TEST(Inputs, ASayMadeOfDataSaysWhatIsPressed) {
  Dialog dialog(load(R"yaml(
settings:
  towns: [Казань, Тула]
branches:
  welcome:
    - say: Например.
      inline: true
      buttons: {from: settings.towns}
    - ask: town
      text: Город?
    - say: "= {{ town }}"
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.press("Тула"), ElementsAre("= Тула"));
}

TEST(Inputs, AButtonOfASayWorksInAnotherVersionThatHasItAndIsOldInOneThatHasNot) {
  const auto version = [](const char* text, const char* label) {
    return load(std::string("branches:\n  welcome:\n    - say: ") + text +
                "\n      inline: true\n      buttons: {" + label + ": welcome}\n");
  };
  Dialog dialog(version("Раз.", "Ещё"));
  dialog.says("/start");
  ASSERT_TRUE(dialog.reload(version("Два.", "Ещё")));
  EXPECT_THAT(dialog.press("Ещё"), ElementsAre("Два.\n[Ещё]"));
  ASSERT_TRUE(dialog.reload(version("Три.", "Снова")));
  EXPECT_THAT(dialog.press("Ещё"), IsEmpty());
  EXPECT_THAT(dialog.press_answers.back(), "Эта кнопка уже не действует.");
}

}  // namespace
}  // namespace sufler::testing
