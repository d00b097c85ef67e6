// The verbs, one by one: LANGUAGE 4 and 14.
#include "play/scenario.h"

namespace sufler::testing {
namespace {

TEST(Steps, WhenSkipsAStep) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - set: {x: 2}
    - say: два
      when: x == 2
    - say: три
      when: x == 3
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("два"));
}

TEST(Steps, IfMatchAndForGoOnBehindThemselves) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - set: {n: 2, colour: "'red'", item: "'снаружи'"}
    - if: n > 1
      then:
        - say: много
      else:
        - say: мало
    - match: colour
      cases:
        red:
          - say: красный
        blue: other
      else:
        - say: иной
    - for: item
      in: "[1, 2, 3]"
      do:
        - say: "{{ item }}"
          when: item != 2
    - say: "конец {{ item }}"
  other:
    - say: синий
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("много", "красный", "1", "3", "конец снаружи"));
}

TEST(Steps, ALoopWaitsForAnswersOnTheWay) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - set: {all: "[]"}
    - for: day
      in: "['пн', 'вт']"
      do:
        - ask: hours
          text: "Часы в {{ day }}?"
          type: number
        - set: {all: "all + [day + ' ' + (hours | text)]"}
    - say: "{{ all }}"
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("Часы в пн?"));
  EXPECT_THAT(dialog.says("8"), ElementsAre("Часы в вт?"));
  EXPECT_THAT(dialog.says("6"), ElementsAre("пн 8, вт 6"));
}

TEST(Steps, CallTakesArgumentsAndGivesAResult) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - set: {x: 100}
    - call: double
      with: {x: 21}
      into: y
    - say: "{{ x }} {{ y }}"
    - call: nothing
      into: y
    - say: "{{ y | default('пусто') }}"
  double:
    - set: {x: x * 2}
    - return: x
    - say: сюда не доходит
  nothing:
    - say: ничего
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("100 42", "ничего", "пусто"));
}

TEST(Steps, CallsNestNoDeeperThanFifty) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: go
      text: "Дальше?"
    - set: {further: true}
    - call: deep
  deep:
    - call: deep
      when: further
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("да"), ElementsAre("Что-то пошло не так. Попробуйте ещё раз, пожалуйста.", "Дальше?"));
  EXPECT_THAT(dialog.faults, ElementsAre(HasSubstr("deeper than 50")));
}

TEST(Steps, AnEndlessLoopEndsAsAFault) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: q
      text: "Ну?"
    - go: spin
  spin:
    - set: {n: 1}
    - if: n == 1
      then: spin
  on_fault:
    - say: Беда.
on_error: on_fault
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("да"), ElementsAre("Беда.", "Ну?"));
  EXPECT_EQ(dialog.at(), "main/q");
}

TEST(Steps, AFaultInOnErrorEndsTheTurn) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - set: {zero: 0}
    - say: "{{ 1 / zero }}"
  on_fault:
    - say: "{{ 1 / zero }}"
on_error: on_fault
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("Что-то пошло не так. Попробуйте ещё раз, пожалуйста."));
  EXPECT_EQ(dialog.faults.size(), 2u);
  EXPECT_EQ(dialog.at(), "none");
}

TEST(Steps, AFaultBehindAnEffectDoesNotAskAgain) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: name
    - save: people
    - say: "{{ name / 2 }}"
questions:
  name: {text: "Имя?", type: any}
tables:
  people: {name: text}
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("Анна"), ElementsAre(HasSubstr("Что-то пошло не так")));
  EXPECT_EQ(dialog.at(), "none");
  EXPECT_EQ(dialog.rows["people"].size(), 1u);
}

TEST(Steps, AWaitWhoseEndFailedDoesNotHoldTheDialog) {
  Dialog dialog(load("branches:\n  main:\n    - say: Жду.\n    - wait: 10m\n    - say: Дождался.\n"));
  dialog.says("/start");
  EXPECT_THAT(dialog.happens(TurnFailed{"three times", dialog.state.waiting.serial}),
              ElementsAre(HasSubstr("Что-то пошло не так")));
  EXPECT_EQ(dialog.at(), "none");
  EXPECT_TRUE(dialog.state.timers.empty());
  EXPECT_THAT(dialog.says("привет"), ElementsAre("Жду."));
}

TEST(Steps, AFailedTurnIsToldAndTheQuestionRepeated) {
  Dialog dialog(load("branches:\n  main:\n    - ask: q\n      text: \"Ну?\"\n"));
  dialog.says("/start");
  EXPECT_THAT(dialog.happens(TurnFailed{"three times"}), ElementsAre(HasSubstr("Что-то пошло не так"), "Ну?"));
  EXPECT_EQ(dialog.at(), "main/q");
}

TEST(Steps, WhoeverWritesTooMuchIsToldAndStaysWhereTheyAre) {
  Dialog dialog(load("branches:\n  main:\n    - ask: q\n      text: \"Ну?\"\n"));
  dialog.says("/start");
  EXPECT_THAT(dialog.happens(TooMany{}), ElementsAre(HasSubstr("Слишком много сообщений")));
  EXPECT_EQ(dialog.at(), "main/q");
}

TEST(Steps, EndAndRestartForgetTheAnswers) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - say: Начало.
    - ask: q
      text: "Ну?"
    - if: q == 'конец'
      then:
        - end
    - restart
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("ещё"), ElementsAre("Начало.", "Ну?"));
  EXPECT_EQ(dialog.var("q"), Value());
  EXPECT_THAT(dialog.says("конец"), ElementsAre(HasSubstr("Хорошо, закончили.")));
  EXPECT_EQ(dialog.var("q"), Value());
  EXPECT_EQ(dialog.at(), "none");
}

TEST(Steps, WaitRestsAndGoesOn) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - say: раз
    - wait: 10m
    - say: два
    - wait: {until: "'18:00'"}
    - say: три
  help:
    - say: Помощь.
commands:
  help: {on: /help, call: help}
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("раз"));
  EXPECT_THAT(dialog.says("алло"), ElementsAre(HasSubstr("Я ещё напишу вам.")));
  EXPECT_THAT(dialog.says("/help"), ElementsAre("Помощь."));
  EXPECT_THAT(dialog.after("10m"), ElementsAre("два"));
  EXPECT_THAT(dialog.after("5h"), IsEmpty());
  EXPECT_THAT(dialog.after("1h"), ElementsAre("три"));
}

TEST(Steps, APauseThatEndsDuringACommandGoesOnBehindIt) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - wait: 10m
    - say: дальше
  help:
    - ask: topic
      text: "О чём?"
commands:
  help: {on: /help, call: help}
)yaml"));
  dialog.says("/start");
  dialog.says("/help");
  EXPECT_THAT(dialog.after("20m"), IsEmpty());
  EXPECT_THAT(dialog.says("обо всём"), ElementsAre("дальше"));
}

TEST(Steps, TheTimeoutOfAnInterruptedQuestionStillComes) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: q
      text: "Ну?"
      timeout: {after: 1h, go: late}
  late:
    - say: Поздно.
  help:
    - ask: topic
      text: "О чём?"
commands:
  help: {on: /help, call: help}
)yaml"));
  dialog.says("/start");
  dialog.says("/help");
  EXPECT_THAT(dialog.after("2h"), ElementsAre("Поздно."));
  EXPECT_EQ(dialog.at(), "none");
}

TEST(Steps, TablesAreWrittenAndRead) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: [name, price]
    - save: orders
      into: order
    - save: orders
      values: {name: "'Раф'", price: 300}
    - find: orders
      where: price > (limit | number) and name != order.name and (name | length) == 3
      sort: [-price]
      limit: 5
      into: found
    - count: orders
      into: total
    - update: orders
      where: name == 'Раф'
      values: {price: price + 1}
    - delete: orders
      where: id == order.id
    - say: "№{{ order.id }} {{ found | map('name') }} {{ total }}"
questions:
  name: {text: "Что?"}
  price: {text: "Почём?", type: number}
settings: {unused: 1}
tables:
  orders: {name: text, price: number}
commands:
  set: {on: /limit, args: [limit], call: main}
)yaml"));
  dialog.state.variables.set("limit", Value(200));
  dialog.says("/start");
  dialog.says("Эспрессо");
  EXPECT_THAT(dialog.says("500"), ElementsAre("№1 Раф 2"));
  ASSERT_EQ(dialog.rows["orders"].size(), 1u);
  EXPECT_EQ(*dialog.rows["orders"][0].map()->find("price"), Value(301));
  const auto* find = std::get_if<FindRows>(&dialog.requests[2]);
  ASSERT_TRUE(find);
  EXPECT_EQ(find->conditions.size(), 2u);
  EXPECT_FALSE(find->limit);  // a part of `where` is applied behind the database
}

TEST(Steps, TheDatabaseChoosesWhatIsLikeAnAnswerOrAmongSeveral) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - save: goods
      values: {name: "'Ёлка'", price: 5}
    - save: goods
      values: {name: "'Сосна'", price: 7}
    - save: goods
      values: {name: "'Клён'", price: 9}
    - ask: name
    - find: goods
      where: name like vars.name and price < 100
      limit: 1
      into: found
    - find: goods
      where: price in [7, 9, 11] and (name | length) == 4
      into: some
    - find: goods
      where: price in []
      into: none
    - count: goods
      where: name like [vars.name, 'клен']
      into: total
    - update: goods
      where: name like vars.name
      values: {price: price + 1}
    - find: goods
      where: name in 'Ёлка и Клён'
      into: inside
    - say: "{{ found | map('name') }}; {{ some | map('name') }}; {{ none | length }}; {{ total }}; {{ inside | map('price') }}"
questions:
  name: {text: "Что?"}
tables:
  goods: {name: text, price: number}
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("елка!"), ElementsAre("Ёлка; Клён; 0; 2; 6, 9"));
  std::vector<const FindRows*> finds;
  for (const TableRequest& request : dialog.requests)
    if (const auto* find = std::get_if<FindRows>(&request)) finds.push_back(find);
  ASSERT_EQ(finds.size(), 6u);
  EXPECT_EQ(finds[0]->conditions.size(), 2u);
  EXPECT_EQ(finds[0]->limit, 1);
  EXPECT_EQ(finds[1]->conditions.size(), 1u);  // how long a name is the database does not know
  EXPECT_EQ(finds[2]->conditions.size(), 0u);
  EXPECT_EQ(finds[3]->conditions.size(), 1u);
  EXPECT_EQ(finds[5]->conditions.size(), 0u);  // a part of a text
}

TEST(Steps, ATableThatRefusesIsAFault) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: name
    - save: people
    - say: Готово.
questions:
  name: {text: "Имя?"}
tables:
  people: {name: text}
)yaml"));
  dialog.says("/start");
  dialog.table_error = "disk";
  EXPECT_THAT(dialog.says("Анна"), ElementsAre(HasSubstr("Что-то пошло не так")));
  EXPECT_THAT(dialog.faults, ElementsAre("the table refused: disk"));
}

TEST(Steps, NotifyGoesToARoleAndItsButtonsWorkThere) {
  const auto program = load(R"yaml(
branches:
  main:
    - notify: admins
      text: "Заказ от {{ user.first_name }}"
      buttons: {Взять: taken}
  taken:
    - say: Ваш.
)yaml");
  Dialog dialog(program), admin(program);
  EXPECT_THAT(dialog.says("/start"), IsEmpty());
  ASSERT_EQ(dialog.notices.size(), 1u);
  EXPECT_EQ(dialog.notices[0].role, "admins");
  EXPECT_EQ(dialog.notices[0].message.text.text, "Заказ от Анна");
  const std::string payload = dialog.notices[0].message.keyboard.rows[0][0].payload;
  EXPECT_LE(payload.size(), 64u);
  EXPECT_THAT(admin.press_payload(payload), ElementsAre("Ваш."));
  EXPECT_THAT(admin.press_payload("@0:0:other"), IsEmpty());
}

TEST(Steps, SetReachesUserAndShared) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - set: {user.vip: true, user.first_name: "'Оля'", shared.visits: "(shared.visits | default(0)) + 1"}
    - say: "{{ user.vip }} {{ user.first_name }} {{ shared.visits }}"
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("да Оля 1"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("да Оля 2"));
  EXPECT_EQ(dialog.user.first_name, "Оля");
}

TEST(Steps, LogAndTrackLeaveTheTurn) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - log: "пришёл {{ user.id }}"
    - track: visit
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.logs, ElementsAre("пришёл 7"));
  EXPECT_THAT(dialog.tracked, ElementsAre("visit"));
}

TEST(Steps, OtherwiseStepsOfAChoiceReturnToIt) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - choose: Что?
      options:
        Да:
          - say: Хорошо.
      otherwise:
        - say: Нажмите кнопку.
    - say: Дальше.
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("хм"), ElementsAre("Нажмите кнопку.", "Что?\n[Да]"));
  EXPECT_THAT(dialog.press("Да"), ElementsAre("Хорошо.\n[-]", "Дальше."));
}

TEST(Steps, OptionsMayCallSetAndDepend) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - set: {user.vip: false, x: 1}
    - choose: Что?
      options:
        - {label: Вызвать, call: sub, set: {x: 5}}
        - {label: Тайное, go: sub, when: user.vip}
        - {label: Сайт, url: "https://example.ru"}
    - say: "после {{ x }}"
  sub:
    - say: внутри
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("Что?\n[Вызвать] [Сайт]"));
  EXPECT_EQ(dialog.sent.back().keyboard.kind, Keyboard::Kind::Inline);
  EXPECT_THAT(dialog.press("Вызвать"), ElementsAre("внутри", "после 5"));
}

TEST(Steps, AChoiceOfDataGoesIntoAVariable) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - choose: Какой?
      options: {from: "[{n: 'А', v: 1}, {n: 'Б', v: 2}]", label: n, value: v}
      into: picked
    - say: "{{ picked }}"
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("Какой?\n[А] [Б]"));
  EXPECT_THAT(dialog.says("б"), ElementsAre("2\n[-]"));
}

// ---- silence

constexpr const char* kSilent = R"yaml(
branches:
  welcome:
    - ask: q
      text: "Что нужно?"
    - say: Передаю.
    - handoff: people
    - say: сюда не доходит
  again:
    - say: Снова я.
    - ask: q
      text: "Что нужно?"
  secret:
    - say: Слышу.
handoff:
  people:
    to: admins
    mode: silent
    on_staff_message: true
    resume: {words: [/bot, начать], by_staff: [/bot_on], after: 12h, go: again}
commands:
  help: {on: /help, call: again}
  wake: {on: /wake, during: handoff, resume: true}
  tell: {on: /tell, during: handoff, call: secret}
)yaml";

TEST(Silence, OnlyTheRulesWordsAreHeard) {
  Dialog dialog(load(kSilent));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("дом"), ElementsAre("Передаю."));
  EXPECT_THAT(dialog.says("алло"), IsEmpty());
  EXPECT_THAT(dialog.says("/help"), IsEmpty());
  EXPECT_THAT(dialog.says("/start"), IsEmpty());
  EXPECT_THAT(dialog.says("/tell"), ElementsAre("Слышу."));
  EXPECT_THAT(dialog.says("алло"), IsEmpty());
  EXPECT_THAT(dialog.says("Начать!"), ElementsAre("Снова я.", "Что нужно?"));
}

TEST(Silence, StaffAndCommandsEndIt) {
  for (const bool by_staff : {true, false}) {
    Dialog dialog(load(kSilent));
    dialog.says("/start");
    dialog.says("дом");
    EXPECT_THAT(dialog.staff("здравствуйте"), IsEmpty());
    EXPECT_THAT(by_staff ? dialog.staff("/bot_on") : dialog.says("/wake"), ElementsAre("Снова я.", "Что нужно?"));
  }
}

TEST(Silence, TimeOnlyWakesAndTheNextMessageIsAnswered) {
  Dialog dialog(load(kSilent));
  dialog.says("/start");
  dialog.says("дом");
  dialog.after("11h");
  dialog.staff("минутку");
  EXPECT_THAT(dialog.after("11h"), IsEmpty());
  EXPECT_THAT(dialog.says("ну?"), IsEmpty());
  EXPECT_THAT(dialog.after("12h"), IsEmpty());
  EXPECT_THAT(dialog.says("ну?"), ElementsAre("Снова я.", "Что нужно?"));
}

TEST(Silence, AStaffMessageBeginsIt) {
  Dialog dialog(load(kSilent));
  dialog.says("/start");
  EXPECT_THAT(dialog.staff("я отвечу"), IsEmpty());
  EXPECT_THAT(dialog.says("дом"), IsEmpty());
}

TEST(Silence, TimersAreDropped) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: q
      text: "Ну?"
      timeout: {after: 1h, go: late}
  late:
    - say: Поздно.
handoff:
  people: {to: admins, mode: silent, on_staff_message: true}
)yaml"));
  dialog.says("/start");
  dialog.staff("я тут");
  EXPECT_TRUE(dialog.timers.empty());
  EXPECT_THAT(dialog.after("2h"), IsEmpty());
}

// ---- reload

std::shared_ptr<const Program> versioned(std::string yaml, std::string version) {
  auto program = std::make_shared<Program>(*load(yaml));
  program->version = std::move(version);
  return program;
}

TEST(Reload, TheDialogGoesOnAtTheSamePlace) {
  const std::string before = R"yaml(
branches:
  main:
    - ask: [name, city]
    - say: "{{ name }} {{ city }}"
questions:
  name: {text: "Имя?"}
  city: {text: "Город?"}
)yaml";
  const std::string after = R"yaml(
branches:
  other:
    - say: другое
  main:
    - say: Новое начало.
    - if: true
      then:
        - ask: [name, age, city]
    - say: "{{ name }} из {{ city }}"
start: main
questions:
  city: {text: "Где вы?"}
  age: {text: "Возраст?"}
  name: {text: "Имя?"}
)yaml";
  Dialog dialog(versioned(before, "1"));
  dialog.says("/start");
  dialog.says("Анна");
  ASSERT_TRUE(dialog.reload(versioned(after, "2")));
  EXPECT_FALSE(dialog.relocation.moved);
  EXPECT_EQ(dialog.at(), "main/city");
  EXPECT_THAT(dialog.says("Тверь"), ElementsAre("Анна из Тверь"));
}

TEST(Reload, APlaceThatIsGoneGoesWhereMovedSaysOrToTheStart) {
  const std::string before = "branches:\n  main:\n    - ask: phone\nquestions:\n  phone: {text: \"Телефон?\"}\n";
  const std::string renamed =
      "branches:\n  main:\n    - ask: tel\n    - say: \"{{ tel }}\"\nquestions:\n  tel: {text: \"Телефон?\"}\n";
  Dialog moved(versioned(before, "1"));
  moved.says("/start");
  ASSERT_TRUE(moved.reload(versioned(renamed + "moved: {main/phone: main/tel}\n", "2")));
  EXPECT_EQ(moved.at(), "main/tel");
  EXPECT_THAT(moved.says("123"), ElementsAre("123"));

  Dialog gone(versioned(before, "1"));
  gone.says("/start");
  gone.state.variables.set("kept", Value(1));
  ASSERT_TRUE(gone.reload(versioned(renamed, "2")));
  EXPECT_TRUE(gone.relocation.moved);
  EXPECT_EQ(gone.relocation.from, "main/phone");
  EXPECT_EQ(gone.relocation.to, "main");
  EXPECT_THAT(gone.says("алло"), ElementsAre("Телефон?"));
  EXPECT_EQ(gone.var("kept"), Value(1));
}

TEST(Reload, CallersAreFoundAgainAndThoseThatVanishLeadToTheStart) {
  const std::string sub = "  sub:\n    - ask: q\n      text: \"Ну?\"\n";
  const std::string before = "branches:\n  main:\n    - call: sub\n    - say: вернулись\n" + sub;
  Dialog kept(versioned(before, "1"));
  kept.says("/start");
  ASSERT_TRUE(kept.reload(versioned(
      "branches:\n  main:\n    - say: новое\n    - if: true\n      then:\n        - call: sub\n        - say: изнутри\n    - say: вернулись\n" + sub,
      "2")));
  EXPECT_THAT(kept.says("да"), ElementsAre("изнутри", "вернулись"));

  Dialog dropped(versioned(before, "1"));
  dropped.says("/start");
  ASSERT_TRUE(dropped.reload(versioned("start: main\nbranches:\n  main:\n    - say: новое\n    - go: sub\n" + sub, "2")));
  // Nobody is left to come back to: like a place that is gone, this leads to the start, behind the answer.
  EXPECT_THAT(dropped.says("да"), ElementsAre("новое", "Ну?"));
  EXPECT_EQ(dropped.at(), "sub/q");
}

TEST(Reload, AnInterruptedQuestionIsComeBackTo) {
  const std::string rest = R"yaml(
  help:
    - ask: topic
      text: "О чём?"
commands:
  help: {on: /help, call: help}
questions:
  name: {text: "Имя?"}
)yaml";
  Dialog dialog(versioned("branches:\n  main:\n    - ask: name\n" + rest, "1"));
  dialog.says("/start");
  dialog.says("/help");
  ASSERT_TRUE(dialog.reload(versioned("branches:\n  main:\n    - say: новое\n    - ask: name\n    - say: всё\n" + rest, "2")));
  EXPECT_THAT(dialog.says("цены"), ElementsAre("Имя?"));
  EXPECT_THAT(dialog.says("Анна"), ElementsAre("всё"));
}

TEST(Reload, APressMeansItsLabelWhenOptionsChangedPlaces) {
  const auto yaml = [](const std::string& options) {
    return "branches:\n  main:\n    - choose: Что?\n      inline: true\n      options: " + options +
           "\n  a:\n    - say: первое\n  b:\n    - say: второе\n";
  };
  Dialog dialog(versioned(yaml("{А: a, Б: b}"), "1"));
  dialog.says("/start");
  ASSERT_TRUE(dialog.reload(versioned(yaml("{Б: b, А: a}"), "2")));
  EXPECT_THAT(dialog.press("А"), ElementsAre("первое"));
}

TEST(Reload, ABrokenStateIsRefused) {
  const auto program = load("branches:\n  main:\n    - ask: q\n      text: \"Ну?\"\n");
  State state;
  for (const char* json : {"", "[]", "{\"v\":1}", "{\"x\":1}", "{\"f\":[{\"k\":0,\"b\":99}]}",
                           "{\"w\":{\"w\":2,\"s\":99}}", "{\"w\":{\"w\":77}}"}) {
    const std::string text =
        std::string(json).starts_with("{\"f") || std::string(json).starts_with("{\"w")
            ? "{\"v\":\"" + program->version + "\"," + std::string(json).substr(1)
            : std::string(json);
    EXPECT_FALSE(from_json(text, *program, state, nullptr)) << text;
  }
}

TEST(Steps, CasesMatchWhatTheValueLooksLike) {
  for (const auto& [yes, no] : {std::pair("да", "нет"), {"yes", "no"}, {"true", "false"}, {"истина", "ложь"}}) {
    Dialog dialog(load(std::string("branches:\n  main:\n    - ask: sure\n      text: Точно?\n      type: yes_no\n") +
                       "    - match: sure\n      cases:\n        " + yes + ":\n          - say: решено\n        " + no +
                       ":\n          - say: отложено\n"));
    dialog.says("/start");
    EXPECT_THAT(dialog.says("ага"), ElementsAre("решено\n[-]"));
    dialog.says("/start");
    EXPECT_THAT(dialog.says("не надо"), ElementsAre("отложено\n[-]"));
  }
  Dialog dialog(load(R"yaml(
branches:
  main:
    - set: {text: "'1'", number: 2.5}
    - match: text
      cases:
        1:
          - say: один
    - match: number
      cases:
        "2,5":
          - say: два с половиной
    - match: nothing
      cases:
        "":
          - say: пусто
      else:
        - say: ничего
    - set: {nothing: null}
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("один", "два с половиной", "ничего"));
}

TEST(Steps, AMomentIsToldToTheMinute) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - say: "{{ now() }}; {{ now() | date('short') }}; {{ now() | date('HH:mm:ss') }}"
)yaml"));
  dialog.now = Moment{dialog.now.unix_ms + 42'000};
  EXPECT_THAT(dialog.says("/start"), ElementsAre("15 марта 2026, 12:00; 15.03.2026, 12:00; 12:00:42"));
}

TEST(Steps, AKeyboardIsNotTakenAwayBeforeAnother) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - choose: "Раз?"
      options:
        Да: next
  next:
    - say: Хорошо.
    - say: Ещё.
      keyboard: remove
    - choose: "Два?"
      options:
        Нет: last
  last:
    - say: Конец.
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.press("Да"), ElementsAre("Хорошо.", "Ещё.", "Два?\n[Нет]"));
  EXPECT_THAT(dialog.press("Нет"), ElementsAre("Конец.\n[-]"));
}

TEST(Steps, AChoiceOfNothingIsPassedOver) {
  const auto shop = [](const std::string& otherwise) {
    return load(R"yaml(
branches:
  main:
    - set: {stock: shared.stock}
    - choose: "Что берём?"
      from: stock
      into: item
)yaml" + otherwise + R"yaml(
    - say: "Взяли: {{ item | default('ничего') }}"
    - ask: more
      text: "Ещё?"
  sorry:
    - say: Всё раскупили.
  fill:
    - set: {shared.stock: "['Чай']"}
commands:
  fill: {on: /fill, call: fill}
  sorry: {on: /sorry, call: sorry}
)yaml");
  };
  Dialog plain(shop(""));
  EXPECT_THAT(plain.says("/start"), ElementsAre("Взяли: ничего", "Ещё?"));
  EXPECT_THAT(plain.logs, ElementsAre(HasSubstr("nothing to choose from")));
  EXPECT_THAT(plain.faults, IsEmpty());
  plain.says("/fill");
  EXPECT_THAT(plain.says("/start"), ElementsAre("Что берём?\n[Чай]"));

  Dialog elsewhere(shop("      otherwise: sorry\n"));
  EXPECT_THAT(elsewhere.says("/start"), ElementsAre("Всё раскупили."));
  Dialog inside(shop("      otherwise:\n        - say: Пусто.\n"));
  EXPECT_THAT(inside.says("/start"), ElementsAre("Пусто.", "Взяли: ничего", "Ещё?"));
}

TEST(Steps, AChoiceThatBecameEmptyDoesNotHoldTheDialog) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - set: {shared.stock: "['Чай']"}
    - choose: "Что берём?"
      from: shared.stock
      into: item
    - ask: name
      text: "Имя?"
  sell:
    - set: {shared.stock: "[]"}
commands:
  sold: {on: /sold, call: sell}
  back: {on: /back, back: true}
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("Что берём?\n[Чай]"));
  EXPECT_THAT(dialog.says("/sold"), ElementsAre("Имя?\n[-]"));
  EXPECT_EQ(dialog.at(), "main/name");

  dialog.says("/start");
  EXPECT_THAT(dialog.press("Чай"), ElementsAre("Имя?\n[-]"));
  dialog.shared.set("stock", List{});
  EXPECT_THAT(dialog.says("/back"), ElementsAre("Имя?"));
  EXPECT_EQ(dialog.at(), "main/name");
}

TEST(Steps, PhrasesAreInThePersonsLanguageWhereTheBotSpeaksIt) {
  const std::string body = R"yaml(
branches:
  main:
    - ask: age
      text: "{{ texts.age }}"
      type: number
)yaml";
  const std::string both = body + "texts:\n  age: {ru: \"Сколько лет?\", en: \"How old?\"}\n";
  Dialog english(load(both));
  english.user.language = "en-GB";
  EXPECT_THAT(english.says("/start"), ElementsAre("How old?"));
  EXPECT_THAT(english.says("many"), ElementsAre("That does not look like a number. Example: 12 or 2.5."));
  Dialog german(load(both));
  german.user.language = "de";
  german.says("/start");
  EXPECT_THAT(german.says("viel"), ElementsAre("Не похоже на число. Пример: 12 или 2,5."));
  Dialog russian_only(load(body + "texts:\n  age: {ru: \"Сколько лет?\"}\n"));
  russian_only.user.language = "en";
  russian_only.says("/start");
  EXPECT_THAT(russian_only.says("many"), ElementsAre("Не похоже на число. Пример: 12 или 2,5."));
}

}  // namespace
}  // namespace sufler::testing
