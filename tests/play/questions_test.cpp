// Questions: LANGUAGE 5 and 14.
#include "play/scenario.h"

namespace sufler::testing {
namespace {

/// One question `q` with the given fields, asked at once; its answer is said.
std::shared_ptr<const Program> asking(const std::string& fields, const std::string& more = "") {
  return load("branches:\n  main:\n    - ask: q\n    - say: \"= {{ q }}\"\n" + more +
              "questions:\n  q: {text: \"Вопрос?\", " + fields + "}\n");
}

TEST(Questions, EachTypeReadsWhatPeopleWrite) {
  const std::vector<std::pair<std::string, std::pair<std::string, std::string>>> cases = {
      {"type: number", {"2,5 млн", "= 2500000"}},
      {"type: number, integer: true", {"сто двадцать", "= 120"}},
      {"type: money", {"1500 руб", "= 1500"}},
      {"type: phone", {"8 (912) 345-67-89", "= +79123456789"}},
      {"type: email", {"anna@Example.ru", "= anna@example.ru"}},
      {"type: date", {"завтра", "= 16 марта 2026"}},
      {"type: time", {"15:30", "= 15:30"}},
      {"type: yes_no", {"ага", "= да"}},
      {"type: rating", {"4", "= 4"}},
      {"type: name", {"Анна", "= Анна"}},
      {"type: any", {"что угодно", "= что угодно"}},
  };
  for (const auto& [fields, talk] : cases) {
    Dialog dialog(asking(fields));
    dialog.says("/start");
    const auto said = dialog.says(talk.first);
    ASSERT_FALSE(said.empty()) << fields;
    EXPECT_EQ(said[0].substr(0, said[0].find('\n')), talk.second) << fields;
  }
}

TEST(Questions, AWrongAnswerGetsOneMessageWithTheButtons) {
  Dialog dialog(asking("type: choice, options: [Латте, Раф]"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("Вопрос?\n[Латте] [Раф]"));
  EXPECT_THAT(dialog.says("чай"), ElementsAre("Выберите один из вариантов, пожалуйста.\n[Латте] [Раф]"));
  EXPECT_THAT(dialog.says("раф"), ElementsAre("= Раф\n[-]"));
}

TEST(Questions, TheAuthorsInvalidTakesThePlaceOfTheReason) {
  Dialog dialog(asking("type: number, min: 1, max: 10, invalid: \"От 1 до 10!\""));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("одиннадцать"), ElementsAre("От 1 до 10!"));
  EXPECT_THAT(dialog.says("десять"), ElementsAre("= 10"));
}

TEST(Questions, AfterTheLastAttemptOnlyOtherwiseHappens) {
  Dialog dialog(asking("type: number, attempts: 2, otherwise: human", "  human:\n    - say: Зову человека.\n"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("не скажу"), ElementsAre(HasSubstr("Не похоже на число")));
  EXPECT_THAT(dialog.says("не скажу"), ElementsAre("Зову человека."));
  EXPECT_EQ(dialog.at(), "none");
}

TEST(Questions, OptionalAddsSkipWhichGivesTheDefault) {
  Dialog dialog(asking("optional: true, default: нет"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("Вопрос?\n[Пропустить]"));
  EXPECT_THAT(dialog.press("Пропустить"), ElementsAre("= нет\n[-]"));
}

TEST(Questions, SkipWithoutADefaultGivesNull) {
  Dialog dialog(asking("optional: true"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("пропустить!"), ElementsAre("= \n[-]"));
  EXPECT_EQ(dialog.var("q"), Value());
}

TEST(Questions, AQuestionPassedOverIsNullOrItsDefault) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: [delivery, street, floor, name]
    - say: "{{ street }}|{{ floor }}|{{ name }}"
questions:
  delivery: {text: "Доставка?", type: choice, options: [Курьер, Сам]}
  street: {text: "Улица?", ask_when: delivery == 'Курьер'}
  floor: {text: "Этаж?", type: number, default: 1, ask_when: delivery == 'Курьер'}
  name: {text: "Имя?"}
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.press("Сам"), ElementsAre("Имя?\n[-]"));
  EXPECT_THAT(dialog.says("Анна"), ElementsAre("|1|Анна"));
}

TEST(Questions, CheckLooksAtTheValue) {
  Dialog dialog(asking("type: number, check: value % 2 == 0, invalid: \"Нужно чётное.\""));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("3"), ElementsAre("Нужно чётное."));
  EXPECT_THAT(dialog.says("4"), ElementsAre("= 4"));
}

TEST(Questions, AConfirmationRefusedAsksAgain) {
  Dialog dialog(asking("confirm: \"Верно: {{ value }}?\""));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("Аня"), ElementsAre("Верно: Аня?\n[Да] [Нет]"));
  EXPECT_EQ(dialog.var("q"), Value());
  EXPECT_THAT(dialog.says("может быть"), ElementsAre("Ответьте, пожалуйста, «да» или «нет».\n[Да] [Нет]"));
  EXPECT_THAT(dialog.press("Нет"), ElementsAre("Вопрос?\n[-]"));
  dialog.says("Оля");
  EXPECT_THAT(dialog.says("да"), ElementsAre("= Оля\n[-]"));
}

TEST(Questions, BackShowsTheQuestionWithItsOldAnswerAndTakesBackLaterOnes) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - choose: Что нужно?
      options: {Заказ: order}
  order:
    - ask: [name, city, street]
commands:
  back: {on: назад, back: true}
questions:
  name: {text: "Имя?"}
  city: {text: "Город?"}
  street: {text: "Улица?"}
)yaml"));
  dialog.says("/start");
  dialog.press("Заказ");
  dialog.says("Анна");
  dialog.says("Тверь");
  EXPECT_THAT(dialog.says("назад"), ElementsAre("Город?\nБыло: Тверь"));
  EXPECT_EQ(dialog.var("city"), Value());
  EXPECT_THAT(dialog.says("назад"), ElementsAre("Имя?\nБыло: Анна"));
  EXPECT_EQ(dialog.var("name"), Value());
  EXPECT_THAT(dialog.says("назад"), ElementsAre("Что нужно?\nБыло: Заказ\n[Заказ]"));
  EXPECT_THAT(dialog.says("назад"), ElementsAre("Вернуться назад отсюда нельзя.\n[Заказ]"));
  EXPECT_EQ(dialog.at(), "main/что_нужно");
  EXPECT_THAT(dialog.press("Заказ"), ElementsAre("Имя?\n[-]"));
}

constexpr const char* kInterrupted = R"yaml(
tables:
  notes: {text: text}
branches:
  main:
    - ask: [q1, q2, q3]
    - say: конец
  help:
    - ask: [h1, h2]
    - say: помощь
  note:
    - save: notes
      values: {text: "'x'"}
    - ask: h1
  lost:
    - say: Не знаю.
    - back
questions:
  q1: Раз?
  q2: Два?
  q3: Три?
  h1: О чём?
  h2: Подробнее?
commands:
  help: {on: /help, call: help}
  note: {on: /note, call: note}
  lost: {on: /lost, call: lost}
  back: {on: назад, back: true}
)yaml";

TEST(Questions, BackAtTheFirstQuestionOfACalledBranchGoesToTheInterruptedOne) {
  Dialog dialog(load(kInterrupted));
  for (const char* said : {"/start", "а", "б"}) dialog.says(said);
  EXPECT_EQ(dialog.at(), "main/q3");
  EXPECT_THAT(dialog.says("/help"), ElementsAre("О чём?"));
  EXPECT_THAT(dialog.says("цены"), ElementsAre("Подробнее?"));
  EXPECT_THAT(dialog.says("назад"), ElementsAre("О чём?\nБыло: цены"));
  EXPECT_THAT(dialog.says("назад"), ElementsAre("Три?"));
  EXPECT_EQ(dialog.at(), "main/q3");
  EXPECT_THAT(dialog.state.interrupted, IsEmpty());
  EXPECT_THAT(dialog.says("назад"), ElementsAre("Два?\nБыло: б"));
}

TEST(Questions, BackDoesNotCrossAnEffectOfACalledBranch) {
  Dialog dialog(load(kInterrupted));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("/note"), ElementsAre("О чём?"));
  EXPECT_THAT(dialog.says("назад"), ElementsAre("Вернуться назад отсюда нельзя."));
  EXPECT_EQ(dialog.at(), "note/h1");
  EXPECT_THAT(dialog.says("ни о чём"), ElementsAre("Раз?"));
}

TEST(Questions, BackInABranchThatWasCalledAtNoneSaysThatThereIsNoWay) {
  Dialog dialog(load(kInterrupted));
  dialog.says("/help");
  EXPECT_THAT(dialog.says("назад"), ElementsAre("Вернуться назад отсюда нельзя."));
  EXPECT_EQ(dialog.at(), "help/h1");
}

TEST(Questions, ABackStepOfACalledBranchGoesBehindWhatItInterrupted) {
  Dialog dialog(load(kInterrupted));
  for (const char* said : {"/start", "а"}) dialog.says(said);
  EXPECT_THAT(dialog.says("/lost"), ElementsAre("Не знаю.", "Раз?\nБыло: а"));
  EXPECT_EQ(dialog.at(), "main/q1");
}

TEST(Questions, BackAsAnOptionGoesToTheQuestionBeforeIt) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - choose: Первый?
      options: {Дальше: next, Назад: back}
  next:
    - ask: name
      text: Имя?
    - choose: Второй?
      inline: true
      options:
        Назад: back
        Иначе:
          - say: Хорошо.
          - if: true
            then: [back]
    - say: конец
    - ask: kind
      text: Какой?
      type: choice
      options: [{label: Белый}, {label: Назад, back: true}]
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.press("Назад"),
              ElementsAre("Вернуться назад отсюда нельзя.", "Первый?\n[Дальше] [Назад]"));
  dialog.press("Дальше");
  dialog.says("Анна");
  EXPECT_THAT(dialog.press("Назад"), ElementsAre("Имя?\nБыло: Анна"));
  EXPECT_EQ(dialog.var("name"), Value());
  dialog.says("Ольга");
  EXPECT_THAT(dialog.press("Иначе"), ElementsAre("Хорошо.", "Имя?\nБыло: Ольга"));
  EXPECT_THAT(dialog.faults, IsEmpty());
}

TEST(Questions, BackAsAnOptionOfAQuestionIsNoAnswer) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: [name, kind]
    - say: "{{ kind }}"
questions:
  name: {text: "Имя?"}
  kind: {text: "Какой?", type: choice, options: [{label: Белый}, {label: Назад, back: true}]}
)yaml"));
  dialog.says("/start");
  dialog.says("Анна");
  EXPECT_THAT(dialog.press("Назад"), ElementsAre("Имя?\nБыло: Анна\n[-]"));
  EXPECT_EQ(dialog.var("kind"), Value());
}

TEST(Questions, AnEffectIsABorderForBack) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: name
    - save: people
    - ask: city
commands:
  back: {on: назад, back: true}
questions:
  name: {text: "Имя?"}
  city: {text: "Город?"}
tables:
  people: {name: text}
)yaml"));
  dialog.says("/start");
  dialog.says("Анна");
  EXPECT_THAT(dialog.says("назад"), ElementsAre("Вернуться назад отсюда нельзя."));
  EXPECT_EQ(dialog.at(), "main/city");
}

TEST(Questions, RemindersAndTimeoutCountFromTheShowingAndStartAnewWithEveryMessage) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: q
  cancelled:
    - say: Отменено.
questions:
  q:
    text: Сколько?
    type: number
    remind:
      - {after: 10m, text: "Вы ещё здесь?"}
      - {after: 30m, text: "Жду вас."}
    timeout: {after: 1h, go: cancelled}
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.after("9m"), IsEmpty());
  EXPECT_THAT(dialog.after("1m"), ElementsAre("Вы ещё здесь?"));
  EXPECT_THAT(dialog.after("20m"), ElementsAre("Жду вас."));
  dialog.says("не знаю");
  EXPECT_THAT(dialog.after("10m"), ElementsAre("Вы ещё здесь?"));
  EXPECT_THAT(dialog.after("49m"), ElementsAre("Жду вас."));
  EXPECT_THAT(dialog.after("1m"), ElementsAre("Отменено."));
  EXPECT_EQ(dialog.at(), "none");
  EXPECT_THAT(dialog.after("1d"), IsEmpty());
}

TEST(Questions, AnAnswerCancelsTheTimers) {
  Dialog dialog(asking("timeout: {after: 1h, go: late}", "  late:\n    - say: Поздно.\n"));
  dialog.says("/start");
  EXPECT_EQ(dialog.timers.size(), 1u);
  dialog.says("ответ");
  EXPECT_TRUE(dialog.timers.empty());
}

TEST(Questions, AStaleTimerChangesNothing) {
  Dialog dialog(asking("timeout: {after: 1h, go: late}", "  late:\n    - say: Поздно.\n"));
  dialog.says("/start");
  EXPECT_THAT(dialog.happens(TimerDue{"timeout", 999}), IsEmpty());
  EXPECT_THAT(dialog.happens(TimerDue{"timeout", dialog.timers["timeout"].serial}), IsEmpty());  // too early
  EXPECT_EQ(dialog.at(), "main/q");
}

TEST(Questions, GatherJoinsFragments) {
  Dialog dialog(asking("gather: 3s"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("раз"), IsEmpty());
  dialog.after("2s");
  EXPECT_THAT(dialog.says("два"), IsEmpty());
  EXPECT_THAT(dialog.after("3s"), ElementsAre("= раз\nдва"));
}

TEST(Questions, GatherEndsAfterThirtySeconds) {
  Dialog dialog(asking("gather: 3s"));
  dialog.says("/start");
  std::vector<std::string> said;
  for (int i = 0; i < 20 && said.empty(); ++i) {
    dialog.says("ещё");
    said = dialog.after("2s");
  }
  EXPECT_EQ(said.size(), 1u);
}

TEST(Questions, FilesAreCountedAfterAPauseAndEndWithDone) {
  Dialog dialog(asking("type: files"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("Вопрос?\n[Готово]"));
  EXPECT_THAT(dialog.press("Готово"), ElementsAre("Нужно файлов: не меньше 1.\n[Готово]"));
  EXPECT_THAT(dialog.sends({photo("a.jpg")}, {}, "album"), IsEmpty());
  EXPECT_THAT(dialog.sends({photo("b.jpg")}, "подпись", "album"), IsEmpty());
  EXPECT_THAT(dialog.after("2s"), ElementsAre("Принято: 2\n[Готово]"));
  EXPECT_THAT(dialog.sends({document("c.pdf")}), IsEmpty());
  EXPECT_THAT(dialog.after("2s"), ElementsAre("Принято: 3\n[Готово]"));
  EXPECT_THAT(dialog.press("Готово"), ElementsAre("= a.jpg, b.jpg, c.pdf\n[-]"));
  ASSERT_TRUE(dialog.var("q").list());
  EXPECT_EQ((*dialog.var("q").list())[1].file()->caption, "подпись");
}

TEST(Questions, TheLastOfFilesEndsTheQuestion) {
  Dialog dialog(asking("type: files, max: 2"));
  dialog.says("/start");
  dialog.sends({photo("a.jpg")});
  EXPECT_THAT(dialog.sends({photo("b.jpg")}), ElementsAre("= a.jpg, b.jpg\n[-]"));
  EXPECT_THAT(dialog.after("1h"), IsEmpty());
}

TEST(Questions, FilesOfOtherFormatsAndSizesAreRefused) {
  Dialog dialog(asking("type: file, formats: [pdf, jpg], size: 1MB"));
  dialog.says("/start");
  EXPECT_THAT(dialog.sends({document("a.exe")}), ElementsAre("Такой файл не подходит. Подойдут: pdf, jpg."));
  EXPECT_THAT(dialog.sends({document("a.pdf", 5'000'000)}), ElementsAre("Файл слишком большой."));
  EXPECT_THAT(dialog.says("вот"), ElementsAre("Отправьте файл, пожалуйста."));
  EXPECT_THAT(dialog.sends({document("a.JPEG")}), ElementsAre("= a.JPEG"));
}

TEST(Questions, APhotoQuestionTakesTheFirstOfAnAlbum) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: [face, name]
questions:
  face: {text: "Фото?", type: photo}
  name: {text: "Имя?"}
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.sends({photo("a.jpg")}, {}, "album"), ElementsAre("Имя?"));
  EXPECT_THAT(dialog.sends({photo("b.jpg")}, {}, "album"), IsEmpty());
  EXPECT_EQ(dialog.var("face").file()->name, "a.jpg");
}

TEST(Questions, SeveralChoicesToggleAndEndWithDone) {
  Dialog dialog(asking("type: choices, options: [Сыр, Лук, Соус]"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("Вопрос?\n[Сыр] [Лук] [Соус]\n[Готово]"));
  const std::string buttons = "\n[Сыр] [Лук] [Соус]\n[Готово]";
  EXPECT_THAT(dialog.press("Соус"), ElementsAre("Выбрано: Соус" + buttons));
  EXPECT_THAT(dialog.says("сыр"), ElementsAre("Выбрано: Сыр, Соус" + buttons));
  EXPECT_THAT(dialog.press("Лук"), ElementsAre("Выбрано: Сыр, Лук, Соус" + buttons));
  EXPECT_THAT(dialog.press("Лук"), ElementsAre("Выбрано: Сыр, Соус" + buttons));
  EXPECT_THAT(dialog.press("Готово"), ElementsAre("= Сыр, Соус\n[-]"));
}

TEST(Questions, ThatNothingIsChosenAnyMoreIsToldToo) {
  Dialog dialog(asking("type: choices, options: [Сыр, Лук]"));
  dialog.says("/start");
  dialog.press("Лук");
  EXPECT_THAT(dialog.press("Лук"), ElementsAre(HasSubstr("Выбрано: пока ничего")));
  EXPECT_THAT(dialog.press("Готово"), ElementsAre(HasSubstr("Выберите варианты")));
  EXPECT_EQ(dialog.at(), "main/q");
}

TEST(Questions, TooManyChoicesAreRefusedWithTheBounds) {
  Dialog dialog(asking("type: choices, min: 1, max: 2, options: [Сыр, Лук, Соус]"));
  dialog.says("/start");
  EXPECT_THAT(dialog.press("Готово"), ElementsAre(HasSubstr("Выбрано вариантов: 0. Нужно: от 1 до 2.")));
  for (const char* label : {"Сыр", "Лук", "Соус"}) dialog.press(label);
  EXPECT_THAT(dialog.press("Готово"), ElementsAre(HasSubstr("Выбрано вариантов: 3. Нужно: от 1 до 2.\n[Сыр]")));
  dialog.press("Лук");
  EXPECT_THAT(dialog.press("Готово"), ElementsAre("= Сыр, Соус\n[-]"));
}

TEST(Questions, SeveralChoicesInOneMessage) {
  Dialog dialog(asking("type: choices, options: [Сыр, Лук, Соус]"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("соус, сыр"), ElementsAre("= Сыр, Соус\n[-]"));
}

TEST(Questions, OptionsComeFromData) {
  Dialog dialog(load(R"yaml(
settings:
  cars: [{title: Вольво, code: v1}, {title: Лада, code: l2}]
branches:
  main:
    - ask: car
    - say: "= {{ car }}"
questions:
  car: {text: "Машина?", type: choice, options: {from: settings.cars, label: title, value: code}}
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("Машина?\n[Вольво] [Лада]"));
  EXPECT_THAT(dialog.press("Лада"), ElementsAre("= l2\n[-]"));
}

TEST(Questions, AContactQuestionTakesASharedContactOrATypedPhone) {
  for (const bool typed : {false, true}) {
    Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: who
    - say: "{{ who.phone }}"
questions:
  who: {text: "Контакт?", type: contact}
)yaml"));
    EXPECT_THAT(dialog.says("/start"), ElementsAre("Контакт?\n[Отправить мой номер]"));
    EXPECT_EQ(dialog.sent.back().keyboard.rows[0][0].action, ButtonAction::Contact);
    UserMessage message;
    if (typed) {
      message.text = "8 912 345 67 89";
    } else {
      message.contact = Contact{"79123456789", "Анна", "", true};
    }
    EXPECT_THAT(dialog.hears(message), ElementsAre("+79123456789\n[-]"));
  }
}

TEST(Questions, APhoneQuestionTakesASharedContact) {
  Dialog dialog(asking("type: phone"));
  dialog.says("/start");
  UserMessage message;
  message.contact = Contact{"79123456789", "Анна", "", true};
  EXPECT_THAT(dialog.hears(message), ElementsAre("= +79123456789"));
}

TEST(Questions, ALocationQuestionTakesALocation) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: place
    - say: "{{ place.latitude }} {{ place.longitude }}"
questions:
  place: {text: "Где?", type: location}
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("Где?\n[Отправить геопозицию]"));
  EXPECT_THAT(dialog.says("тут"), ElementsAre("Отправьте геопозицию, пожалуйста.\n[Отправить геопозицию]"));
  UserMessage message;
  message.location = Location{*Decimal::parse("59.93"), *Decimal::parse("30.36")};
  EXPECT_THAT(dialog.hears(message), ElementsAre("59,93 30,36\n[-]"));
}

TEST(Questions, ASecretAnswerIsNotInTheJournal) {
  Dialog dialog(asking("secret: true, confirm: \"Верно: {{ value }}?\""));
  dialog.says("/start");
  dialog.says("сим-сим");
  dialog.says("да");
  for (const std::string& line : dialog.journal) EXPECT_EQ(line.find("сим-сим"), std::string::npos) << line;
  EXPECT_EQ(dialog.var("q"), Value("сим-сим"));
}

TEST(Questions, InlineButtonsToggleWithANotice) {
  Dialog dialog(asking("type: choices, inline: true, options: [Сыр, Лук]"));
  dialog.says("/start");
  dialog.press("Лук");
  dialog.press("Сыр");
  EXPECT_THAT(dialog.press("Готово"), ElementsAre("= Сыр, Лук"));
  EXPECT_THAT(dialog.press_answers, ElementsAre("Выбрано: Лук", "Выбрано: Сыр, Лук", ""));
}

TEST(Questions, WhoSendsMoreFilesThanAreKeptIsToldHowManyThereAre) {
  Dialog dialog(asking("type: files"));
  dialog.says("/start");
  for (int i = 0; i < 100; ++i) dialog.sends({photo("a.jpg")});
  EXPECT_THAT(dialog.after("1m"), ElementsAre("Принято: 100\n[Готово]"));
  EXPECT_THAT(dialog.sends({photo("b.jpg")}), IsEmpty());
  EXPECT_THAT(dialog.after("2s"), ElementsAre("Принято: 100\n[Готово]"));
}

TEST(Questions, FilesThatFailTheCheckAreForgotten) {
  Dialog dialog(asking("type: files, check: \"value | length >= 2\", invalid: \"Нужно хотя бы два файла.\""));
  dialog.says("/start");
  dialog.sends({photo("1.jpg")});
  EXPECT_THAT(dialog.press("Готово"), ElementsAre("Нужно хотя бы два файла.\n[Готово]"));
  EXPECT_THAT(dialog.after("1m"), IsEmpty());
  dialog.sends({photo("2.jpg")});
  dialog.sends({photo("3.jpg")});
  EXPECT_THAT(dialog.press("Готово"), ElementsAre("= 2.jpg, 3.jpg\n[-]"));
}

TEST(Questions, AsManyFilesAsThereMayBeCanFailTheCheckAndBeSentAnew) {
  Dialog dialog(asking("type: files, max: 1, check: \"value[0].name == 'right.pdf'\", invalid: \"Не тот файл.\""));
  dialog.says("/start");
  EXPECT_THAT(dialog.sends({document("wrong.pdf")}), ElementsAre("Не тот файл.\n[Готово]"));
  EXPECT_THAT(dialog.sends({document("right.pdf")}), ElementsAre("= right.pdf\n[-]"));
}

TEST(Questions, MembersOfFilesAreReadByFilters) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: papers
      text: "Документы?"
      type: files
    - say: "{{ papers | map('name') | join(' и ') }}; {{ papers | sort('-size') | map('name') }}"
    - say: "{{ papers | where('kind', 'photo') | map('name') }}; {{ papers | map('size') | sum }}"
)yaml"));
  dialog.says("/start");
  dialog.sends({document("b.pdf", 10)});
  dialog.sends({photo("a.jpg")});
  EXPECT_THAT(dialog.press("Готово"),
              ElementsAre("b.pdf и a.jpg; a.jpg, b.pdf\n[-]", "a.jpg; 1010"));
}

TEST(Questions, TheTargetOfAConfirmedOptionIsFollowed) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: plan
    - say: "План: {{ plan }}"
  cancelled:
    - say: "Отменили: {{ plan }}"
questions:
  plan:
    text: "Какой план?"
    type: choice
    confirm: "Верно: {{ value }}?"
    options:
      - Базовый
      - {label: Отмена, go: cancelled}
)yaml"));
  dialog.says("/start");
  dialog.press("Отмена");
  EXPECT_THAT(dialog.press("Да"), ElementsAre("Отменили: Отмена\n[-]"));
  dialog.says("/start");
  dialog.press("Базовый");
  EXPECT_THAT(dialog.press("Да"), ElementsAre("План: Базовый\n[-]"));
}

TEST(Questions, ASecretAnswerIsNotInTheLog) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: code
    - log: "код {{ code }}, сказано {{ message.text }}"
    - end
questions:
  code: {text: "Код?", secret: true}
)yaml"));
  dialog.says("/start");
  dialog.says("откройся");
  EXPECT_THAT(dialog.logs, ElementsAre("код •••, сказано •••"));
}

TEST(Questions, AFaultDoesNotTellASecret) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: code
    - say: "{{ code | date }}"
questions:
  code: {text: "Код?", secret: true}
)yaml"));
  dialog.says("/start");
  dialog.says("сим-сим");
  ASSERT_EQ(dialog.faults.size(), 1u);
  EXPECT_EQ(dialog.faults[0].find("сим-сим"), std::string::npos) << dialog.faults[0];
  for (const std::string& line : dialog.journal) EXPECT_EQ(line.find("сим-сим"), std::string::npos) << line;
}

TEST(Questions, BoundsAndPatternsHoldForEveryTypeThatTakesThem) {
  struct Talk {
    std::string fields, wrong, refusal, right, answer;
  };
  const std::vector<Talk> talks = {
      {"type: name, min: 3", "Ян", "Ответ слишком короткий или слишком длинный. Допустимо знаков: от 3.", "Анна", "= Анна"},
      {"type: name, pattern: \"[А-Я][а-я]+\"", "Анна-Мария", "", "Анна", "= Анна"},
      {"type: phone, pattern: \"[+]7[0-9]+\"", "+44 20 7946 0958", "", "8 912 345-67-89", "= +79123456789"},
      {"type: email, pattern: \".*@example[.]ru\"", "anna@example.com", "", "anna@example.ru", "= anna@example.ru"},
      {"type: url, pattern: \"https://.*\"", "http://example.ru", "", "https://example.ru", "= https://example.ru"},
      {"type: any, pattern: \"[0-9]{4}\"", "12", "", "1234", "= 1234"},
      {"type: money, integer: true", "10,50", "Нужно целое число. Пример: 12.", "10", "= 10"},
      {"type: number, min: 1, max: 10", "11", "Ответ вне допустимых границ. Допустимо: от 1 до 10.", "10", "= 10"},
      {"type: number, max: 2.5", "3", "Ответ вне допустимых границ. Допустимо: до 2,5.", "2,5", "= 2,5"},
      {"type: text, min: 2, max: 4", "а", "Ответ слишком короткий или слишком длинный. Допустимо знаков: от 2 до 4.", "абв", "= абв"},
      {"type: date, min: 2026-03-20", "завтра", "Ответ вне допустимых границ. Допустимо: от 20 марта 2026.", "21 марта", "= 21 марта 2026"},
      {"type: datetime, max: 2026-03-20", "25 марта 2026 в 15:00", "Ответ вне допустимых границ. Допустимо: до 20 марта 2026.",
       "завтра в 15:00", "= 16 марта 2026, 15:00"},
  };
  for (const Talk& talk : talks) {
    Dialog dialog(asking(talk.fields));
    dialog.says("/start");
    const std::string refusal =
        talk.refusal.empty() ? "Ответ записан не так, как нужно. Проверьте его, пожалуйста." : talk.refusal;
    EXPECT_THAT(dialog.says(talk.wrong), ElementsAre(refusal)) << talk.fields;
    EXPECT_THAT(dialog.says(talk.right), ElementsAre(talk.answer)) << talk.fields;
  }
}

TEST(Questions, BoundsAreToldInEnglishToo) {
  Dialog dialog(load(R"yaml(
language: en
branches:
  main:
    - ask: q
questions:
  q: {text: "How many?", type: number, min: 1, max: 10}
)yaml"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("11"), ElementsAre("The answer is outside the allowed range. Allowed: from 1 up to 10."));
}

TEST(Questions, ATimeIsCheckedAgainstTheHoursAsTheyAreWritten) {
  Dialog dialog(asking("type: time, check: \"value >= '09:00' and value <= '21:00'\", invalid: Мы спим"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("08:30"), ElementsAre("Мы спим"));
  EXPECT_THAT(dialog.says("21:00"), ElementsAre("= 21:00"));
}

TEST(Questions, ADateIsComparedWithOneThatIsWritten) {
  Dialog dialog(asking("type: date", "    - if: q == '2027-03-15'\n      then: [{say: Тот самый}]\n"));
  dialog.says("/start");
  EXPECT_THAT(dialog.says("15.03.2027"), ElementsAre("= 15 марта 2027", "Тот самый"));
}

TEST(Questions, AnOptionWrittenAsANumberIsANumber) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: rooms
    - match: rooms
      cases:
        1:
          - say: "Одна, а с кухней {{ rooms + 1 }}"
        "2+":
          - say: "Много: {{ rooms }}"
questions:
  rooms: {text: "Комнат?", type: choice, options: [1, "2+", 007]}
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("Комнат?\n[1] [2+] [007]"));
  EXPECT_THAT(dialog.press("1"), ElementsAre("Одна, а с кухней 2\n[-]"));
  EXPECT_EQ(dialog.var("rooms"), Value(1));
  dialog.says("/start");
  EXPECT_THAT(dialog.press("2+"), ElementsAre("Много: 2+\n[-]"));
  dialog.says("/start");
  dialog.press("007");
  EXPECT_EQ(dialog.var("rooms"), Value("007"));
}

TEST(Questions, AQuestionWithNothingToChooseFromIsPassedOver) {
  Dialog dialog(load(R"yaml(
branches:
  main:
    - ask: [size, name]
    - say: "{{ size }} {{ name }}"
  fill:
    - set: {shared.sizes: "['S']"}
questions:
  size: {text: "Размер?", type: choice, options: {from: shared.sizes}, default: любой}
  name: {text: "Имя?"}
commands:
  fill: {on: /fill, call: fill}
)yaml"));
  EXPECT_THAT(dialog.says("/start"), ElementsAre("Имя?"));
  EXPECT_THAT(dialog.says("Анна"), ElementsAre("любой Анна"));
  EXPECT_THAT(dialog.logs, ElementsAre(HasSubstr("`size`")));
}

}  // namespace
}  // namespace sufler::testing
