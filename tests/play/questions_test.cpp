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
  EXPECT_THAT(dialog.press("Соус"), IsEmpty());
  EXPECT_THAT(dialog.press("Сыр"), IsEmpty());
  EXPECT_THAT(dialog.press("Лук"), IsEmpty());
  EXPECT_THAT(dialog.press("Лук"), IsEmpty());
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
  EXPECT_THAT(dialog.press_answers, ElementsAre("Лук", "Сыр, Лук", ""));
}

}  // namespace
}  // namespace sufler::testing
