#include "interpreter/core/reading/date_words.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "interpreter/core/reading/words.h"

namespace sufler::reading {

namespace {

/// Words that are misspelt by ear (`зафтра`, `васкресенье`, `декобря`): only Russian ones of five letters and more.
class Sounds {
 public:
  Sounds(std::initializer_list<std::pair<std::string_view, int>> known) {
    for (const auto& [word, meaning] : known) sounds_.emplace_back(sound_of(word), meaning);
    std::sort(sounds_.begin(), sounds_.end());
    sounds_.shrink_to_fit();
  }
  std::optional<int> find(std::string_view word) const {
    if (word.size() < 10 || static_cast<unsigned char>(word[0]) < 0x80) return std::nullopt;
    const std::string sound = sound_of(word);
    const auto found = std::lower_bound(sounds_.begin(), sounds_.end(), sound,
                                        [](const auto& one, const std::string& key) { return one.first < key; });
    return found != sounds_.end() && found->first == sound ? std::optional(found->second) : std::nullopt;
  }

 private:
  std::vector<std::pair<std::string, int>> sounds_;
};

/// A long word with one slip of the finger: `феврля`, `сентбря`, `понедельнк`.
int slipped(std::string_view word, std::initializer_list<std::pair<std::string_view, int>> known) {
  if (word.size() < 12 || word.size() > 26 || static_cast<unsigned char>(word[0]) < 0x80) return 0;
  for (const auto& [form, meaning] : known) {
    if (form.substr(0, 2) != word.substr(0, 2) || form.size() > word.size() + 2 || word.size() > form.size() + 2) continue;
    if (one_slip_apart(word, form)) return meaning;
  }
  return 0;
}

}  // namespace

int month_of(std::string_view word) {
  struct Name {
    std::string_view stem;
    WordList others;
  };
  static constexpr std::array<Name, 12> kMonths = {{
      {"январ", "янв january jan"},
      {"феврал", "фев февр february feb"},
      {"март", "мар march mar"},
      {"апрел", "апр april apr"},
      {"", "май мая мае маю маем may"},
      {"июн", "june jun"},
      {"июл", "july jul"},
      {"август", "авг august aug"},
      {"сентябр", "сен сент september sept sep"},
      {"октябр", "окт october oct"},
      {"ноябр", "ноя нояб november nov"},
      {"декабр", "дек december dec"},
  }};
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    const Name& name = kMonths[i];
    if (one_of(word, name.others)) return static_cast<int>(i) + 1;
    if (!name.stem.empty() && word.substr(0, name.stem.size()) == name.stem &&
        word.size() <= name.stem.size() + 4) {
      return static_cast<int>(i) + 1;
    }
  }
  static const Sounds kHeard = {{"января", 1}, {"февраля", 2}, {"апреля", 4},    {"августа", 8},
                                {"сентября", 9}, {"октября", 10}, {"ноября", 11}, {"декабря", 12}};
  if (const auto heard = kHeard.find(word)) return *heard;
  return slipped(word, {{"января", 1},   {"январь", 1},   {"февраля", 2},  {"февраль", 2}, {"апреля", 4},
                        {"апрель", 4},   {"августа", 8},  {"сентября", 9}, {"сентябрь", 9}, {"октября", 10},
                        {"октябрь", 10}, {"ноября", 11},  {"ноябрь", 11},  {"декабря", 12}, {"декабрь", 12}});
}

int weekday_of(std::string_view word) {
  static constexpr std::array<WordList, 7> kDays = {{
      "понедельник понедельника понедельнику понедельником понедельнике понедельники понедельникам "
      "пн пнд понед "
      "monday mon mondays",
      "вторник вторника вторнику вторником вторнике вторникам вт втр tuesday tue tues tuesdays",
      "среда среды среде среду средой средам ср срд wednesday wed wednesdays",
      "четверг четверга четвергу четвергом четверге четвергам чт чтв четв thursday thu thur thurs "
      "thursdays",
      "пятница пятницы пятнице пятницу пятницей пятницам пт птн пятн friday fri fridays",
      "суббота субботы субботе субботу субботой субботам сб сбт субб saturday sat saturdays",
      "воскресенье воскресенья воскресенью воскресеньем воскресение воскресения воскресеньям вс "
      "вск воскр sunday sun "
      "sundays",
  }};
  for (std::size_t i = 0; i < kDays.size(); ++i) {
    if (one_of(word, kDays[i])) return static_cast<int>(i) + 1;
  }
  static const Sounds kHeard = {{"понедельник", 1}, {"понедельника", 1}, {"вторник", 2},  {"вторника", 2}, {"четверг", 4},
                                {"четверга", 4},    {"пятница", 5},      {"пятницу", 5},  {"пятнеца", 5},  {"суббота", 6},
                                {"субботу", 6},     {"воскресенье", 7},  {"воскресенья", 7}};
  if (const auto heard = kHeard.find(word)) return *heard;
  if (one_of(word, "четверо")) return 0;
  return slipped(word, {{"понедельник", 1}, {"вторник", 2}, {"четверг", 4}, {"пятница", 5}, {"пятницу", 5}, {"суббота", 6},
                        {"субботу", 6}, {"воскресенье", 7}});
}

std::optional<int> relative_day(std::string_view word) {
  struct Word {
    WordList forms;
    int days;
  };
  for (const Word& known :
       {Word{"сегодня сегодняшний сегодняшнего сегодняшним севодня сиводня сегоня сигодня седня сёдня today", 0},
        Word{"завтра завтрашний завтрашнего завтрашнему завтрашним завтро завтр tomorrow tmr tmrw tomorow tommorow tommorrow tomorrrow tomorroww", 1},
        Word{"послезавтра overmorrow", 2}, Word{"послепослезавтра", 3},
        Word{"вчера вчерашний вчерашнего yesterday", -1}, Word{"позавчера", -2},
        Word{"позапозавчера", -3}}) {
    if (one_of(word, known.forms)) return known.days;
  }
  static const Sounds kHeard = {{"завтра", 1}, {"послезавтра", 2}, {"сегодня", 0}, {"вчера", -1}, {"позавчера", -2}};
  return kHeard.find(word);
}

std::optional<Unit> unit_of(std::string_view word) {
  struct Word {
    WordList forms;
    Unit unit;
  };
  static const std::array<Word, 8> kUnits = {{
      {"секунда секунды секунд секунду секундочку сек second seconds sec secs", {0, 0, 1000}},
      {"минута минуты минут минуту минутку минуточку минуточек минуточки минуток минутки минутах мин minute minutes "
       "min mins",
       {0, 0, kMinute}},
      {"час часа часов часам часах часу часик часика часиков часок ч hour hours hr hrs h",
       {0, 0, kHour}},
      {"день дня дней дню дни днем денек денька деньков дн сутки суток сутках day days", {0, 1, 0}},
      {"неделя недели недель неделю неделе неделям недельку недельки неделек нед week weeks", {0, 7, 0}},
      {"месяц месяца месяцев месяцу месяце месяцы месяцок месяца мес month months", {1, 0, 0}},
      {"квартал квартала кварталов quarter", {3, 0, 0}},
      {"год года лет году годик годика годы year years", {12, 0, 0}},
  }};
  for (const Word& known : kUnits) {
    if (one_of(word, known.forms)) return known.unit;
  }
  return std::nullopt;
}

std::optional<DayPart> part_of(std::string_view word) {
  if (one_of(word, "утром утра утро утречком утру morning mornings")) return DayPart::Morning;
  if (one_of(word, "днем дня днём afternoon")) return DayPart::Day;
  if (one_of(word, "обед обеда обеду обеденное lunch lunchtime")) return DayPart::Lunch;
  if (one_of(word, "вечером вечера вечер вечеру вечерком evening tonight")) return DayPart::Evening;
  if (one_of(word, "ночью ночи ночь night")) return DayPart::Night;
  return std::nullopt;
}

bool stands_alone(std::string_view word) {
  return one_of(word,
                "утром утра утро утречком утру morning днем afternoon обед обеду lunch lunchtime "
                "вечером вечер "
                "вечеру вечерком evening tonight ночью night");
}

Which which_of(std::string_view word) {
  if (one_of(word,
             "этот эта эту это этой этого этом эти этих ближайший ближайшую ближайшее ближайшая "
             "ближайшие "
             "ближайшей ближайшем ближайших текущий текущей текущем текущая this coming current")) {
    return Which::This;
  }
  if (one_of(word,
             "следующий следующая следующую следующее следующей следующем следующие следующих "
             "следующего след "
             "следующ будущий будущая будущей будущем будущую next")) {
    return Which::Next;
  }
  if (one_of(word,
             "прошлый прошлая прошлую прошлое прошлой прошлом прошлые прошлых прошлого предыдущий "
             "предыдущая "
             "предыдущей предыдущем предыдущую минувший минувшую last previous past")) {
    return Which::Last;
  }
  return Which::None;
}

bool is_counted_thing(std::string_view word) {
  return one_of(
      word,
      "человек человека люди людей персон персоны гостей гостя мест места раз раза штук штуки шт "
      "рублей рубля рубль руб р "
      "метр метра метров м кв кг г км комнат комнаты этаж этаже этажа подъезд доме дом квартира "
      "долларов евро процент "
      "процентов people persons guests times pieces dollars euros");
}

}  // namespace sufler::reading
