#include <gtest/gtest.h>

#include "interpreter/core/reading/choice.h"
#include "interpreter/core/reading/contact_fields.h"
#include "interpreter/core/reading/phone.h"

namespace sufler {
namespace {

std::string phone(std::string_view text) { return read_phone(text).value_or("-"); }

TEST(PhoneTest, ReadsTheWaysARussianNumberIsWritten) {
  for (const char* text :
       {"8 (912) 345-67-89", "+7 (912) 345-67-89", "79123456789", "7 912 345 67 89", "9123456789",
        "89123456789", "8 9 1 2 3 4 5 6 7 8 9", "мой номер 8 912 345-67-89 спасибо",
        "+7 912 345-67-89 доб. 123",
        "восемь девятьсот двенадцать триста сорок пять шестьдесят семь восемьдесят девять",
        "мой телефон плюс семь девятьсот двенадцать триста сорок пять шестьдесят семь восемьдесят "
        "девять",
        "8912 345 67 89!", "тел. 8-912-345-67-89", "8\u00A0912\u00A0345\u201067\u201089"}) {
    EXPECT_EQ(phone(text), "+79123456789") << text;
  }
  EXPECT_EQ(phone("8 800 555-35-35"), "+78005553535");
  EXPECT_EQ(phone("495 123-45-67"), "+74951234567");
  EXPECT_EQ(phone("8(495)1234567"), "+74951234567");
}

TEST(PhoneTest, ReadsOtherCountriesAndSharedContacts) {
  EXPECT_EQ(phone("+375 29 123 45 67"), "+375291234567");
  EXPECT_EQ(phone("810 375 29 1234567"), "+375291234567");
  EXPECT_EQ(phone("87012345678"), "+77012345678");
  EXPECT_EQ(phone("375291234567"), "+375291234567");
}

TEST(PhoneTest, RefusesWhatIsMerelyPossibleAndWhatIsMoney) {
  for (const char* text : {"123-45-67", "12345", "891234567890", "8 912 345-67-8",
                           "+7 000 123-45-67", "0079123456789", "итого 89 123 456 789 рублей",
                           "89 123 456 789 ₽", "завтра в 15:00", "да", "", "0", "15.03.2026"}) {
    EXPECT_EQ(phone(text), "-") << text;
  }
}

TEST(PhoneTest, AsksBackWhenThereAreTwo) {
  EXPECT_EQ(phone("+7 912 345-67-89 или +7 912 345-67-80"), "-");
  EXPECT_EQ(phone("+7 912 345-67-89, ещё раз 8 912 345 67 89"), "+79123456789");
}

TEST(PhoneTest, AsksBackWhereItIsDenied) {
  EXPECT_EQ(phone("не звоните на 89123456789"), "-");
  EXPECT_EQ(phone("не на 89123456789"), "-");
  EXPECT_EQ(read_phones("не звоните на 89123456789", "RU").size(), 1u);
  EXPECT_EQ(phone("не нашёл другой, вот мой: 89123456789"), "+79123456789");
  EXPECT_EQ(phone("не звоните на 89123456789, звоните на 89123456780"), "+79123456780");
}

TEST(PhoneTest, ShowsItself) {
  EXPECT_EQ(format_phone("+79123456789"), "+7 912 345-67-89");
  EXPECT_EQ(format_phone("позвоню сам"), "позвоню сам");
}

std::string email(std::string_view text) {
  const auto read = read_email(text);
  return read ? *read : "-" + std::to_string(static_cast<int>(read.error()));
}

TEST(EmailTest, ReadsAddresses) {
  EXPECT_EQ(email("anna@mail.ru"), "anna@mail.ru");
  EXPECT_EQ(email(" Anna.Petrova+shop@Mail.RU. "), "Anna.Petrova+shop@mail.ru");
  EXPECT_EQ(email("моя почта anna@mail.ru, пишите"), "anna@mail.ru");
  EXPECT_EQ(email("почта@пример.рф"), "почта@пример.рф");
  EXPECT_EQ(email("anna @ mail.ru"), "anna@mail.ru");
  EXPECT_EQ(email("anna собака mail точка ru"), "anna@mail.ru");
  EXPECT_EQ(email("аnnа@mail.ru"), "anna@mail.ru");  // Cyrillic а
}

TEST(EmailTest, TellsWhyItRefuses) {
  const std::string empty = "-0", not_found = "-1", malformed = "-2", several = "-3";
  EXPECT_EQ(email("  "), empty);
  EXPECT_EQ(email("нет почты"), not_found);
  for (const char* text : {"anna@mail", "anna@@mail.ru", "@mail.ru", "anna@", "anna@mail..ru",
                           ".anna@mail.ru", "anna@-mail.ru", "anna@mail,ru", "anna@mail.1"}) {
    EXPECT_EQ(email(text), malformed) << text;
  }
  EXPECT_EQ(email("a@mail.ru или b@mail.ru"), several);
}

std::string url(std::string_view text) {
  const auto read = read_url(text);
  return read ? *read : "-" + std::to_string(static_cast<int>(read.error()));
}

TEST(UrlTest, ReadsAddresses) {
  EXPECT_EQ(url("https://Example.com/Path?q=1#x"), "https://example.com/Path?q=1#x");
  EXPECT_EQ(url("example.ru"), "https://example.ru");
  EXPECT_EQ(url("наш сайт www.example.shop/catalog."), "https://www.example.shop/catalog");
  EXPECT_EQ(url("http://пример.рф"), "http://пример.рф");
  EXPECT_EQ(url("https://ru.wikipedia.org/wiki/X_(Y)"), "https://ru.wikipedia.org/wiki/X_(Y)");
}

TEST(UrlTest, RefusesTheRest) {
  for (const char* text : {"нет сайта", "привет.как дела", "anna@mail.ru", "1.5"})
    EXPECT_EQ(url(text), "-1") << text;
  for (const char* text :
       {"javascript:alert(1)", "ftp://example.com", "https://user@evil.example", "https://x"}) {
    EXPECT_EQ(url(text), "-2") << text;
  }
}

std::string name(std::string_view text) {
  const auto read = read_name(text);
  return read ? *read : "-" + std::to_string(static_cast<int>(read.error()));
}

TEST(NameTest, ReadsNames) {
  EXPECT_EQ(name(" Анна "), "Анна");
  EXPECT_EQ(name("Меня зовут Анна-Мария!"), "Анна-Мария");
  EXPECT_EQ(name("Здравствуйте, меня зовут Иван Иванов"), "Иван Иванов");
  EXPECT_EQ(name("О’Нил"), "О'Нил");
  EXPECT_EQ(name("А. С. Пушкин"), "А. С. Пушкин");
  EXPECT_EQ(name("my name is John Smith"), "John Smith");
  EXPECT_EQ(name("Анна 🙂"), "Анна");
  EXPECT_EQ(name("я Пётр"), "Пётр");
}

TEST(NameTest, LeavesOutWhatStandsAroundAName) {
  for (const char* text : {"зовите меня Анна", "Анна меня зовут", "Обращайтесь Анна", "Анна, очень приятно", "очень приятно, Анна",
                           "да, меня зовут Анна", "ну допустим Анна", "Анна (мама Пети)", "Анна, 8916 123-45-67", "Анна +7 (916) 123-45-67", "для друзей Анна", "я Анна", "Анна я", "Имя: Анна"}) {
    EXPECT_EQ(name(text), "Анна") << text;
  }
  for (const char* text : {"call me Ann", "it's Ann", "My name's Ann", "Ann here", "Ann, nice to meet you", "Name: Ann"})
    EXPECT_EQ(name(text), "Ann") << text;
  EXPECT_EQ(name("Анна (Петрова)"), "Анна Петрова");
  for (const char* text : {"Анна89161234567", "8916 123-45-67", "Анна, 25", "Анна, 1234 5678 9012 3456"}) EXPECT_TRUE(name(text).starts_with("-")) << text;
}

TEST(NameTest, RefusalsGreetingsAndCommandsAreNoNames) {
  for (const char* text : {"не скажу", "не хочу", "да", "нет", "привет", "никак", "какая разница", "это секрет", "как хотите", "меня зовут",
                           "меня зовут никак", "потом скажу", "очень приятно", "сколько стоит квартира", "подскажите цену", "вам-то что",
                           "удалите мои данные", "да, назад", "без имени", "пропустить", "no", "hello", "none of your business",
                           "I'd rather not say", "not telling", "skip"}) {
    EXPECT_EQ(name(text), "-1") << text;
    EXPECT_TRUE(name_readings(text).empty()) << text;
  }
}

TEST(NameTest, WordsOfAnAnswerMayBeNamesWhenSaidToBe) {
  for (const char* text : {"Вера", "Надежда", "Ян", "Лев", "Ким", "Will", "May", "My Nguyen", "Дапкунайте"}) EXPECT_EQ(name(text), text);
  EXPECT_EQ(name("меня зовут Го"), "Го");
  EXPECT_EQ(name("my name is Sure"), "Sure");
}

TEST(NameTest, AsksWhichNameWhereThereAreTwoOrItIsDeclined) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(name_readings("Меня Анной зовут"), (Names{"Анна", "Анной"}));
  EXPECT_EQ(name_readings("зовите меня Аней"), (Names{"Аня", "Аней"}));
  EXPECT_EQ(name_readings("меня зовут Игорем"), (Names{"Игорь", "Игорем"}));
  EXPECT_EQ(name_readings("меня зовут Иваном Петровым"), (Names{"Иван Петров", "Иваном Петровым"}));
  EXPECT_EQ(name_readings("Сергей Викторович, можно просто Сергей"), (Names{"Сергей Викторович", "Сергей"}));
  EXPECT_EQ(name_readings("Мария Ивановна, но можно просто Маша"), (Names{"Мария Ивановна", "Маша"}));
  EXPECT_EQ(name_readings("Анна или Аня"), (Names{"Анна", "Аня"}));
  EXPECT_EQ(name_readings("Анна, менеджер"), (Names{"Анна", "Анна менеджер"}));
  for (const char* text : {"Меня Анной зовут", "Анна или Аня", "Анна, менеджер"}) EXPECT_EQ(name(text), "-6") << text;
  EXPECT_EQ(name("меня зовут Сергей"), "Сергей");
  EXPECT_EQ(name("меня зовут Артём"), "Артём");
}

TEST(NameTest, TellsWhyItRefuses) {
  EXPECT_EQ(name(""), "-0");
  EXPECT_EQ(name("раз два три четыре пять шесть"), "-4");
  for (const char* text : {"12345", "Анна2", "а зачем вам?", "🙂", "@anna", "..."})
    EXPECT_EQ(name(text), "-5") << text;
}

TEST(ChoiceTest, MatchesFoldedByPlaceAndWithOneTypo) {
  const std::vector<std::string> drinks = {"Латте", "Раф", "☕ Фильтр", "Чёрный чай"};
  EXPECT_EQ(match_choice("латте!", drinks), 0u);
  EXPECT_EQ(match_choice("фильтр", drinks), 2u);
  EXPECT_EQ(match_choice("черный  чай", drinks), 3u);
  EXPECT_EQ(match_choice("2", drinks), 1u);
  EXPECT_EQ(match_choice("2.", drinks), 1u);
  EXPECT_EQ(match_choice("второй", drinks), 1u);
  EXPECT_EQ(match_choice("вариант 3", drinks), 2u);
  EXPECT_EQ(match_choice("лате", drinks), 0u);
  EXPECT_EQ(match_choice("филтьр", drinks), 2u);
  for (const char* text : {"раг", "5", "0", "-2", "", "что-то", "1,5"})
    EXPECT_FALSE(match_choice(text, drinks)) << text;
}

TEST(ChoiceTest, TakesANumberForAValueWhereOptionsAreNumbers) {
  const std::vector<std::string> sizes = {"1", "2", "5", "10"};
  EXPECT_EQ(match_choice("5", sizes), 2u);
  EXPECT_FALSE(match_choice("3", sizes));
  const std::vector<std::string> weights = {"2 кг", "1 кг"};
  EXPECT_FALSE(match_choice("2", weights));
}

TEST(ChoiceTest, ANumberBesideQuantitiesIsAQuantityAndNoPlace) {
  const std::vector<std::string> floors = {"Подвал", "Цоколь", "Первый", "Второй", "Выше второго"};
  for (const char* text : {"1", "первый", "первый этаж", "на первом этаже", "1 этаж", "1-й", "на 1-м"}) EXPECT_EQ(match_choice(text, floors), 2u) << text;
  for (const char* text : {"2", "второй этаж", "на втором"}) EXPECT_EQ(match_choice(text, floors), 3u) << text;
  for (const char* text : {"3", "третий", "третий этаж", "на четвёртом", "12", "выше второго", "выше 2"}) EXPECT_EQ(match_choice(text, floors), 4u) << text;
  EXPECT_EQ(match_choice("вариант 1", floors), 0u);
  EXPECT_EQ(match_choice("номер 5", floors), 4u);
  for (const char* text : {"0", "-1", "не первый", "5/9", "первый или второй", "2 кафе", "1,5"}) EXPECT_FALSE(match_choice(text, floors)) << text;

  const std::vector<std::string> ways = {"До 5 минут пешком", "6–10 минут пешком", "11–15 минут пешком", "Больше 15 минут или на транспорте"};
  for (const char* text : {"3", "5 минут", "минуты три", "до 5 минут", "до пяти минут", "пешком 4 минуты"}) EXPECT_EQ(match_choice(text, ways), 0u) << text;
  for (const char* text : {"7 минут", "минут 7", "10", "6-10 минут", "7-8 минут", "примерно 8"}) EXPECT_EQ(match_choice(text, ways), 1u) << text;
  for (const char* text : {"20", "минут сорок", "на транспорте"}) EXPECT_EQ(match_choice(text, ways), 3u) << text;
  for (const char* text : {"час на транспорте", "5-10 минут", "4-20", "5 км", "до 10 минут"}) EXPECT_FALSE(match_choice(text, ways)) << text;

  // The border of two is neither.
  EXPECT_FALSE(match_choice("12", {"10–12", "12–14", "14–16"}));
  EXPECT_EQ(match_choice("13", {"10–12", "12–14", "14–16"}), 1u);
  // A number that none of them could mean is a place.
  EXPECT_EQ(match_choice("2", {"10–12", "12–14", "14–16"}), 1u);
  const std::vector<std::string> rooms = {"Студия", "1 комната", "2 комнаты", "3 и больше"};
  EXPECT_EQ(match_choice("2", rooms), 2u);
  EXPECT_EQ(match_choice("две", rooms), 2u);
  EXPECT_EQ(match_choice("3", rooms), 3u);
  EXPECT_EQ(match_choice("4 комнаты", rooms), 3u);
  EXPECT_EQ(match_choice("студия", rooms), 0u);
  const std::vector<std::string> storeys = {"Basement", "First", "Second", "Above the second"};
  EXPECT_EQ(match_choice("1", storeys), 1u);
  EXPECT_EQ(match_choice("on the second floor", storeys), 2u);
  EXPECT_EQ(match_choice("3", storeys), 3u);
}

TEST(ChoiceTest, AnOptionIsNamedByItsOwnWordsInAnyForm) {
  const std::vector<std::string> floors = {"Подвал", "Цоколь", "Первый", "Второй", "Выше второго"};
  for (const char* text : {"в подвале", "подвальный", "подвальное помещение", "это подвал"}) EXPECT_EQ(match_choice(text, floors), 0u) << text;
  for (const char* text : {"цокольный этаж", "в цоколе", "на цокольном"}) EXPECT_EQ(match_choice(text, floors), 1u) << text;
  const std::vector<std::string> usages = {"Магазин", "Кафе", "Офис", "Услуги", "Склад"};
  for (const char* text : {"под магазин", "магаз", "там магазинчик", "магазином"}) EXPECT_EQ(match_choice(text, usages), 0u) << text;
  for (const char* text : {"под кафе", "хочу кафе"}) EXPECT_EQ(match_choice(text, usages), 1u) << text;
  for (const char* text : {"будет офис", "офисное", "под офисы"}) EXPECT_EQ(match_choice(text, usages), 2u) << text;
  for (const char* text : {"складское", "для склада"}) EXPECT_EQ(match_choice(text, usages), 4u) << text;
  for (const char* text : {"не магазин", "магазин или кафе", "кафе, потом магазин", "без склада", "2 магазина", "офис закрыт", "хочу", "пусть будет", "под", "официант"})
    EXPECT_FALSE(match_choice(text, usages)) << text;
  const std::vector<std::string> states = {"Без отделки", "Требует ремонта", "Хорошее", "Отличное"};
  for (const char* text : {"хорошее состояние", "в хорошем состоянии", "хорошо"}) EXPECT_EQ(match_choice(text, states), 2u) << text;
  for (const char* text : {"нужен ремонт", "ремонт нужен", "требуется ремонт"}) EXPECT_EQ(match_choice(text, states), 1u) << text;
  for (const char* text : {"ремонт не нужен", "не требует ремонта", "после ремонта", "нехорошее", "отделка", "плохое", "не отличное"}) EXPECT_FALSE(match_choice(text, states)) << text;
  EXPECT_FALSE(match_choice("черника", {"Чёрный", "Белый"}));
  EXPECT_FALSE(match_choice("банкет", {"Банк", "Дом"}));
  EXPECT_EQ(match_choice("пицца 40", {"Пицца 30 см", "Пицца 40 см"}), 1u);
  EXPECT_FALSE(match_choice("пицца", {"Пицца 30 см", "Пицца 40 см"}));
}

TEST(ChoiceTest, IsSureOrSilent) {
  EXPECT_FALSE(match_choice("ВОДА", {"Вода!", "вода"}));
  EXPECT_EQ(match_choice("вода", {"Вода!", "вода"}), 1u);
  EXPECT_EQ(match_choice("Вода!", {"Вода!", "вода"}), 0u);
  EXPECT_FALSE(match_choice("кошка", {"мошка", "кашка"}));
  EXPECT_EQ(match_choice("👍", {"👍", "👎"}), 0u);
  EXPECT_EQ(match_choice("+1", {"-1", "0", "+1"}), 2u);
}

TEST(ChoicesTest, ReadsSeveral) {
  const std::vector<std::string> drinks = {"Латте", "Раф", "Фильтр", "Чай, чёрный"};
  using Indexes = std::vector<std::size_t>;
  EXPECT_EQ(match_choices("1, 3", drinks), (Indexes{0, 2}));
  EXPECT_EQ(match_choices("3 1", drinks), (Indexes{0, 2}));
  EXPECT_EQ(match_choices("Раф, латте", drinks), (Indexes{0, 1}));
  EXPECT_EQ(match_choices("латте и раф", drinks), (Indexes{0, 1}));
  EXPECT_EQ(match_choices("Латте\nФильтр", drinks), (Indexes{0, 2}));
  EXPECT_EQ(match_choices("чай, чёрный", drinks), (Indexes{3}));
  EXPECT_EQ(match_choices("раф", drinks), (Indexes{1}));
  EXPECT_FALSE(match_choices("раф и какао", drinks));
  EXPECT_FALSE(match_choices("1, 9", drinks));
  EXPECT_FALSE(match_choices(",", drinks));
}

}  // namespace
}  // namespace sufler
