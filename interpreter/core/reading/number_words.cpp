#include "interpreter/core/reading/number_words.h"

#include <algorithm>
#include <array>
#include <vector>

#include "interpreter/core/reading/words.h"
#include "interpreter/core/text.h"

// Cardinals and their kin are listed form by form, because Russian declines them each in its own
// way and people misspell the same few. Ordinals are regular: a stem and an adjective's ending.
namespace sufler::reading {
namespace {

struct Row {
  NumberClass kind;
  std::int64_t numerator;
  std::int64_t denominator;
  std::string_view forms;
};

constexpr Row kRows[] = {
    {NumberClass::Card, 0, 1,
     "ноль ноля нолю нолем ноле нуль нуля нулю нулем нуле нули нулей нисколько"},
    {NumberClass::Card, 1, 1,
     "один одна одно одного одной одному одним одном одну одною одни одних одними"},
    {NumberClass::Card, 2, 1, "два две двух двум двумя"},
    {NumberClass::Card, 3, 1, "три трех трем тремя"},
    {NumberClass::Card, 4, 1, "четыре четырех четырем четырьмя"},
    {NumberClass::Card, 5, 1, "пять пяти пятью"},
    {NumberClass::Card, 6, 1, "шесть шести шестью"},
    {NumberClass::Card, 7, 1, "семь семи семью"},
    {NumberClass::Card, 9, 1, "девять девяти девятью"},
    {NumberClass::Card, 10, 1, "десять десяти десятью"},
    {NumberClass::Card, 20, 1, "двадцать двадцати двадцатью двацать дватцать двадцеть двадцат двацат двадцадь"},
    {NumberClass::Card, 30, 1, "тридцать тридцати тридцатью тридцадь тритцать тридцеть трицать трицат тридцат"},
    {NumberClass::Card, 8, 1, "восемь восьми восемью восьмью"},
    {NumberClass::Card, 11, 1, "одиннадцать одиннадцати одиннадцатью одинадцать одинацать"},
    {NumberClass::Card, 12, 1, "двенадцать двенадцати двенадцатью двенацать"},
    {NumberClass::Card, 13, 1, "тринадцать тринадцати тринадцатью тринацать"},
    {NumberClass::Card, 14, 1, "четырнадцать четырнадцати четырнадцатью четырнацать"},
    {NumberClass::Card, 15, 1, "пятнадцать пятнадцати пятнадцатью пятнацать пятнадцеть"},
    {NumberClass::Card, 16, 1, "шестнадцать шестнадцати шестнадцатью шеснадцать"},
    {NumberClass::Card, 17, 1, "семнадцать семнадцати семнадцатью семнацать"},
    {NumberClass::Card, 18, 1, "восемнадцать восемнадцати восемнадцатью восемнацать"},
    {NumberClass::Card, 19, 1, "девятнадцать девятнадцати девятнадцатью девятнацать"},
    {NumberClass::Card, 40, 1, "сорок сорока"},
    {NumberClass::Card, 90, 1, "девяносто девяноста"},
    {NumberClass::Card, 100, 1, "сто ста"},
    {NumberClass::Card, 50, 1,
     "пятьдесят пятидесяти пятьюдесятью пятидесят пядесят пядьдесят пятдесят писят пийсят пиисят писят пясят"},
    {NumberClass::Card, 60, 1,
     "шестьдесят шестидесяти шестьюдесятью шестидесят шесдесят шестдесят шисят шестьсят"},
    {NumberClass::Card, 70, 1, "семьдесят семидесяти семьюдесятью семидесят семдесят семьсят"},
    {NumberClass::Card, 80, 1,
     "восемьдесят восьмидесяти восемьюдесятью восьмьюдесятью восьмидесят восемьдесяти "
     "восемдесят восемьсят"},
    {NumberClass::Card, 200, 1, "двести двухсот двумстам двухстах двумястами"},
    {NumberClass::Card, 300, 1, "триста трехсот тремстам трехстах тремястами"},
    {NumberClass::Card, 400, 1, "четыреста четырехсот четыремстам четырехстах четырьмястами"},
    {NumberClass::Card, 500, 1, "пятьсот пятисот пятистам пятистах пятьюстами питсот пятсот пицот пиццот питцот пяцот писот пяцсот"},
    {NumberClass::Card, 600, 1, "шестьсот шестисот шестистам шестистах шестьюстами шесот шессот шисот шестсот"},
    {NumberClass::Card, 700, 1, "семьсот семисот семистам семистах семьюстами семсот"},
    {NumberClass::Card, 800, 1,
     "восемьсот восьмисот восьмистам восьмистах восемьюстами восьмьюстами восемсот"},
    {NumberClass::Card, 900, 1, "девятьсот девятисот девятистам девятистах девятьюстами девятсот"},
    {NumberClass::Fixed, 150, 1, "полтораста полутораста"},
    {NumberClass::Fixed, 500, 1, "полтысячи"},
    {NumberClass::Fixed, 500000, 1, "полмиллиона полмиллион полмиллионов"},
    {NumberClass::Fixed, 500000000, 1, "полмиллиарда"},
    {NumberClass::Fixed, 50, 1, "полсотни полста"},
    {NumberClass::Fixed, 6, 1, "полдюжины"},
    {NumberClass::Fixed, 5, 1, "полдесятка"},
    {NumberClass::Scale, 1000, 1,
     "тысяча тысячи тысяче тысячу тысячей тысячею тысячью тысяч тысячам тысячами тысячах тыща "
     "тыщи тыщу тыщей тыщ тыщам тыс тысеча тысечи тысячь тысща тысщ тыщь тышь"},
    {NumberClass::Scale, 1000000, 1,
     "миллион миллиона миллиону миллионом миллионе миллионы миллионов миллионам миллионами "
     "миллионах миллиончик миллиончика млн милион миллеон милиона мильон мильона мильонов мильен мильена мильенов"},
    {NumberClass::Scale, 1000000000, 1,
     "миллиард миллиарда миллиарду миллиардом миллиарде миллиарды миллиардов миллиардам "
     "миллиардами миллиардах млрд милиард"},
    {NumberClass::Scale, 1000000000000, 1,
     "триллион триллиона триллиону триллионом триллионе триллионы триллионов триллионам "
     "триллионами триллионах трлн"},
    {NumberClass::Scale, 1000000000000000, 1,
     "квадриллион квадриллиона квадриллиону квадриллионом квадриллионе квадриллионы "
     "квадриллионов квадриллионам квадриллионами квадриллионах"},
    {NumberClass::Half, 3, 2, "полтора полторы полутора полуторы полтары"},
    {NumberClass::Fraction, 1, 2, "половина половину половины половиной половинка половинку"},
    {NumberClass::Fraction, 1, 3, "треть трети"},
    {NumberClass::Fraction, 1, 4, "четверть четверти четвертью"},
    {NumberClass::Fraction, 1, 8, "восьмушка"},
    {NumberClass::Collective, 2, 1, "двое двоих двоим двоими вдвоем"},
    {NumberClass::Collective, 3, 1, "трое троих троим троими втроем"},
    {NumberClass::Collective, 4, 1, "четверо четверых четверым четверыми вчетвером"},
    {NumberClass::Collective, 5, 1, "пятеро пятерых пятерым пятерыми впятером"},
    {NumberClass::Collective, 6, 1, "шестеро шестерых шестерым шестерыми вшестером"},
    {NumberClass::Collective, 7, 1, "семеро семерых семерым семерыми всемером"},
    {NumberClass::Collective, 8, 1, "восьмеро восьмерых восьмерым восьмерыми"},
    {NumberClass::Collective, 9, 1, "девятеро девятерых девятерым девятерыми"},
    {NumberClass::Collective, 10, 1, "десятеро десятерых десятерым десятерыми"},
    {NumberClass::Noun, 2, 1, "пара пары паре пару парой парочка парочку парочки"},
    {NumberClass::Noun, 10, 1, "десяток десятка десятку десятком десятки десятков"},
    {NumberClass::Noun, 12, 1, "дюжина дюжины дюжину"},
    {NumberClass::Noun, 100, 1, "сотня сотни сотню сотней сотен сотням сотнями сотнях"},
    {NumberClass::DigitNoun, 1, 1, "единица единицы единиц"},
    {NumberClass::DigitNoun, 2, 1, "двойка двойки двоек"},
    {NumberClass::DigitNoun, 3, 1, "тройка тройки троек"},
    {NumberClass::DigitNoun, 4, 1, "четверка четверки четверок"},
    {NumberClass::DigitNoun, 5, 1, "пятерка пятерки пятерок"},
    {NumberClass::DigitNoun, 6, 1, "шестерка шестерки шестерок"},
    {NumberClass::DigitNoun, 7, 1, "семерка семерки семерок"},
    {NumberClass::DigitNoun, 8, 1, "восьмерка восьмерки восьмерок"},
    {NumberClass::DigitNoun, 9, 1, "девятка девятки девяток"},
    {NumberClass::Card, 0, 1, "zero nought"},
    {NumberClass::Card, 1, 1, "one"},
    {NumberClass::Card, 2, 1, "two"},
    {NumberClass::Card, 3, 1, "three"},
    {NumberClass::Card, 4, 1, "four"},
    {NumberClass::Card, 5, 1, "five"},
    {NumberClass::Card, 6, 1, "six"},
    {NumberClass::Card, 7, 1, "seven"},
    {NumberClass::Card, 8, 1, "eight"},
    {NumberClass::Card, 9, 1, "nine"},
    {NumberClass::Card, 10, 1, "ten"},
    {NumberClass::Card, 11, 1, "eleven"},
    {NumberClass::Card, 12, 1, "twelve"},
    {NumberClass::Card, 13, 1, "thirteen"},
    {NumberClass::Card, 14, 1, "fourteen"},
    {NumberClass::Card, 15, 1, "fifteen"},
    {NumberClass::Card, 16, 1, "sixteen"},
    {NumberClass::Card, 17, 1, "seventeen"},
    {NumberClass::Card, 18, 1, "eighteen"},
    {NumberClass::Card, 19, 1, "nineteen"},
    {NumberClass::Card, 20, 1, "twenty"},
    {NumberClass::Card, 30, 1, "thirty"},
    {NumberClass::Card, 40, 1, "forty fourty"},
    {NumberClass::Card, 50, 1, "fifty"},
    {NumberClass::Card, 60, 1, "sixty"},
    {NumberClass::Card, 70, 1, "seventy"},
    {NumberClass::Card, 80, 1, "eighty"},
    {NumberClass::Card, 90, 1, "ninety"},
    {NumberClass::Hundred, 100, 1, "hundred hundreds сот"},
    {NumberClass::Scale, 1000, 1, "thousand thousands"},
    {NumberClass::Scale, 1000000, 1, "million millions mln"},
    {NumberClass::Scale, 1000000000, 1, "billion billions bln"},
    {NumberClass::Scale, 1000000000000, 1, "trillion trillions"},
    {NumberClass::Fraction, 1, 2, "half halves"},
    {NumberClass::Fraction, 1, 3, "thirds"},
    {NumberClass::Fraction, 1, 4, "quarter quarters"},
    {NumberClass::Fraction, 1, 5, "fifths"},
    {NumberClass::Fraction, 1, 10, "tenths"},
    {NumberClass::Fraction, 1, 100, "hundredths"},
    {NumberClass::Noun, 2, 1, "couple pair"},
    {NumberClass::Noun, 12, 1, "dozen dozens"},
    {NumberClass::Ordinal, 0, 1, "zeroth"},
    {NumberClass::Ordinal, 1, 1, "first"},
    {NumberClass::Ordinal, 2, 1, "second"},
    {NumberClass::Ordinal, 3, 1, "third"},
    {NumberClass::Ordinal, 4, 1, "fourth"},
    {NumberClass::Ordinal, 5, 1, "fifth"},
    {NumberClass::Ordinal, 6, 1, "sixth"},
    {NumberClass::Ordinal, 7, 1, "seventh"},
    {NumberClass::Ordinal, 8, 1, "eighth"},
    {NumberClass::Ordinal, 9, 1, "ninth"},
    {NumberClass::Ordinal, 10, 1, "tenth"},
    {NumberClass::Ordinal, 11, 1, "eleventh"},
    {NumberClass::Ordinal, 12, 1, "twelfth"},
    {NumberClass::Ordinal, 13, 1, "thirteenth"},
    {NumberClass::Ordinal, 14, 1, "fourteenth"},
    {NumberClass::Ordinal, 15, 1, "fifteenth"},
    {NumberClass::Ordinal, 16, 1, "sixteenth"},
    {NumberClass::Ordinal, 17, 1, "seventeenth"},
    {NumberClass::Ordinal, 18, 1, "eighteenth"},
    {NumberClass::Ordinal, 19, 1, "nineteenth"},
    {NumberClass::Ordinal, 20, 1, "twentieth"},
    {NumberClass::Ordinal, 30, 1, "thirtieth"},
    {NumberClass::Ordinal, 40, 1, "fortieth"},
    {NumberClass::Ordinal, 50, 1, "fiftieth"},
    {NumberClass::Ordinal, 60, 1, "sixtieth"},
    {NumberClass::Ordinal, 70, 1, "seventieth"},
    {NumberClass::Ordinal, 80, 1, "eightieth"},
    {NumberClass::Ordinal, 90, 1, "ninetieth"},
    {NumberClass::Ordinal, 100, 1, "hundredth"},
    {NumberClass::Ordinal, 1000, 1, "thousandth"},
    {NumberClass::Ordinal, 1000000, 1, "millionth"},
};

struct Entry {
  std::string_view word;
  const Row* row;
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> sorted = [] {
    std::vector<Entry> all;
    for (const Row& row : kRows) {
      std::string_view rest = row.forms;
      while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        all.push_back({rest.substr(0, end), &row});
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const Entry& a, const Entry& b) { return a.word < b.word; });
    all.shrink_to_fit();
    return all;
  }();
  return sorted;
}

struct Stem {
  std::string_view text;
  std::int64_t value;
};

constexpr std::array<Stem, 45> kOrdinalStems = {{
    {"нулев", 0},
    {"перв", 1},
    {"втор", 2},
    {"четверт", 4},
    {"пят", 5},
    {"шест", 6},
    {"седьм", 7},
    {"восьм", 8},
    {"девят", 9},
    {"десят", 10},
    {"одиннадцат", 11},
    {"двенадцат", 12},
    {"тринадцат", 13},
    {"четырнадцат", 14},
    {"пятнадцат", 15},
    {"шестнадцат", 16},
    {"семнадцат", 17},
    {"восемнадцат", 18},
    {"девятнадцат", 19},
    {"двадцат", 20},
    {"тридцат", 30},
    {"сороков", 40},
    {"пятидесят", 50},
    {"шестидесят", 60},
    {"семидесят", 70},
    {"восьмидесят", 80},
    {"девяност", 90},
    {"сот", 100},
    {"двухсот", 200},
    {"трехсот", 300},
    {"четырехсот", 400},
    {"пятисот", 500},
    {"шестисот", 600},
    {"семисот", 700},
    {"восьмисот", 800},
    {"девятисот", 900},
    {"тысячн", 1000},
    {"миллионн", 1000000},
    {"миллиардн", 1000000000},
    {"одинадцат", 11},
    {"двенацат", 12},
    {"двацат", 20},
    {"дватцат", 20},
    {"пядесят", 50},
    {"восемьдесят", 80},
}};

/// The genitive stems that compounds are glued of: `стотридцатипяти|тысячный`, `двух|комнатная`.
constexpr std::array<Stem, 37> kGenitives = {{
    {"одиннадцати", 11},  {"двенадцати", 12},  {"тринадцати", 13}, {"четырнадцати", 14},
    {"пятнадцати", 15},   {"шестнадцати", 16}, {"семнадцати", 17}, {"восемнадцати", 18},
    {"девятнадцати", 19}, {"двадцати", 20},    {"тридцати", 30},   {"сорока", 40},
    {"пятидесяти", 50},   {"шестидесяти", 60}, {"семидесяти", 70}, {"восьмидесяти", 80},
    {"девяносто", 90},    {"девяноста", 90},   {"двухсот", 200},   {"трехсот", 300},
    {"четырехсот", 400},  {"пятисот", 500},    {"шестисот", 600},  {"семисот", 700},
    {"восьмисот", 800},   {"девятисот", 900},  {"сто", 100},       {"одно", 1},
    {"двух", 2},          {"трех", 3},         {"четырех", 4},     {"пяти", 5},
    {"шести", 6},         {"семи", 7},         {"восьми", 8},      {"девяти", 9},
    {"десяти", 10},
}};

/// Adds up the genitive stems at the beginning of `word`; gives the rest of it.
std::int64_t take_genitives(std::string_view& word) {
  std::int64_t sum = 0;
  std::int64_t least = 1000;
  while (true) {
    const Stem* found = nullptr;
    for (const Stem& stem : kGenitives) {
      if (word.substr(0, stem.text.size()) == stem.text &&
          (!found || stem.text.size() > found->text.size())) {
        found = &stem;
      }
    }
    if (!found || found->value >= least) return sum;
    sum += found->value;
    least = found->value >= 100 ? 100 : found->value >= 20 ? 10 : 0;
    word.remove_prefix(found->text.size());
  }
}

constexpr WordList kEndings =
    "ый ий ой ая яя ое ее ые ие ого его ому ему ым им ую юю ом ем ых их ыми ими ою ею ей";
// Of a fraction's denominator: одна вторая, пять десятых, одну сотую.
constexpr WordList kFractionEndings = "ая ой ую ых ые";
constexpr WordList kThirds =
    "третий третья третье третьи третьего третьей третьему третьому третьим третью третьем третьих третьими";

std::optional<NumberWord> ordinal(std::string_view word) {
  if (one_of(word, kThirds)) {
    return NumberWord{NumberClass::Ordinal, 3, 1,
                      one_of(word, "третья третьей третью третьих третьи")};
  }
  for (const std::size_t length : {6u, 4u}) {  // bytes of the ending: three letters, then two
    if (word.size() <= length) continue;
    const std::string_view ending = word.substr(word.size() - length);
    if (!one_of(ending, kEndings)) continue;
    const std::string_view stem = word.substr(0, word.size() - length);
    const bool fraction = one_of(ending, kFractionEndings);
    for (const Stem& known : kOrdinalStems) {
      if (stem == known.text) return NumberWord{NumberClass::Ordinal, known.value, 1, fraction};
    }
    // десятитысячный, двухмиллионная
    std::string_view rest = stem;
    const std::int64_t count = take_genitives(rest);
    if (count == 0) continue;
    for (const Stem& scale :
         {Stem{"тысячн", 1000}, Stem{"миллионн", 1000000}, Stem{"миллиардн", 1000000000}}) {
      if (rest == scale.text)
        return NumberWord{NumberClass::Ordinal, count * scale.value, 1, fraction};
    }
  }
  return std::nullopt;
}

/// трехкомнатная, двадцатипятилетний: the number that such an adjective begins with.
std::optional<NumberWord> compound(std::string_view word) {
  static constexpr std::string_view kTails[] = {
      "комнатн", "местн", "летн",   "дневн",   "часов",  "этажн", "процентн", "литров",
      "спальн",  "кратн", "минутн", "недельн", "месячн", "значн", "звездочн", "метров"};
  std::string_view rest = word;
  const std::int64_t count = take_genitives(rest);
  if (count == 0) return std::nullopt;
  for (const std::string_view tail : kTails) {
    if (rest.substr(0, tail.size()) == tail)
      return NumberWord{NumberClass::Collective, count, 1, false};
  }
  return std::nullopt;
}

}  // namespace

std::optional<NumberWord> find_number_word(std::string_view word) {
  const std::vector<Entry>& all = entries();
  const auto found =
      std::lower_bound(all.begin(), all.end(), word,
                       [](const Entry& entry, std::string_view key) { return entry.word < key; });
  if (found != all.end() && found->word == word) {
    const Row& row = *found->row;
    return NumberWord{row.kind, row.numerator, row.denominator, false};
  }
  if (auto known = ordinal(word)) return known;
  return compound(word);
}

std::optional<NumberWord> guess_number_word(std::string_view word) {
  // Short words sound alike too often: `пить` and `пять`.
  if (count_code_points(word) < 5) return std::nullopt;
  static const std::vector<std::pair<std::string, const Row*>> sounds = [] {
    std::vector<std::pair<std::string, const Row*>> all;
    for (const Entry& entry : entries()) {
      if (entry.row->kind != NumberClass::Card && entry.row->kind != NumberClass::Scale) continue;
      // `семи` would be heard in `семья`.
      if (static_cast<unsigned char>(entry.word[0]) < 0x80 || count_code_points(entry.word) < 5)
        continue;
      if (entry.row->numerator == 0) continue;  // `несколько` is no `нисколько`
      all.emplace_back(sound_of(entry.word), entry.row);
    }
    std::sort(all.begin(), all.end());
    return all;
  }();
  const std::string sound = sound_of(word);
  const auto found =
      std::lower_bound(sounds.begin(), sounds.end(), sound,
                       [](const auto& entry, const std::string& key) { return entry.first < key; });
  if (found != sounds.end() && found->first == sound) {
    return NumberWord{found->second->kind, found->second->numerator, found->second->denominator,
                      false};
  }
  static const std::vector<std::pair<std::string, std::int64_t>> stems = [] {
    std::vector<std::pair<std::string, std::int64_t>> all;
    for (const Stem& known : kOrdinalStems) {
      if (count_code_points(known.text) >= 4) all.emplace_back(sound_of(known.text), known.value);
    }
    return all;
  }();
  for (const std::size_t length : {6u, 4u}) {
    if (word.size() <= length || !one_of(word.substr(word.size() - length), kEndings)) continue;
    const std::string stem = sound_of(word.substr(0, word.size() - length));
    for (const auto& known : stems) {
      if (stem == known.first) return NumberWord{NumberClass::Ordinal, known.second, 1, false};
    }
  }
  return std::nullopt;
}

namespace {

/// Of optimal string alignment, in letters; stops counting above `limit`.
std::size_t distance(const std::u32string& a, const std::u32string& b, std::size_t limit) {
  const std::size_t longer = std::max(a.size(), b.size());
  if (longer - std::min(a.size(), b.size()) > limit || longer > 24) return limit + 1;
  std::array<std::array<std::size_t, 25>, 25> cost{};
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = a[i - 1] == b[j - 1];
      std::size_t best = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) best = std::min(best, cost[i - 2][j - 2] + 1);
      cost[i][j] = best;
    }
  }
  return cost[a.size()][b.size()];
}

std::u32string letters_of(std::string_view word) {
  std::u32string out;
  for (std::size_t i = 0; i < word.size();) out.push_back(next_code_point(word, i));
  return out;
}

bool starts(std::string_view word, std::string_view with) { return word.substr(0, with.size()) == with; }

/// Words of their own that a letter or two part from a number word.
constexpr WordList kRealWords =
    "соток сотка сотки сотку сотке соткой строк строка строки строку стройка стройки стройку срока сроки сроков сосен "
    "туриста туристов туристы миллионер миллионера миллионеры миллионеров миллионеру минута шерсти десерт десерта "
    "дверь двери трость трости "
    "these there their thirsty thine tree trees threw tones tens tones nights eights five-star niece nicely ninny "
    "threat fever sever servant minion minions pillion form fort forth forte fifths tenths twelfths for fine fire once ones";

struct Form {
  std::u32string letters;
  const Row* row;
};

const std::vector<Form>& spelt_forms() {
  static const std::vector<Form> all = [] {
    std::vector<Form> forms;
    for (const Entry& entry : entries()) {
      const NumberClass kind = entry.row->kind;
      if (kind != NumberClass::Card && kind != NumberClass::Scale && kind != NumberClass::Hundred) continue;
      if (entry.row->numerator == 0) continue;
      auto letters = letters_of(entry.word);
      if (letters.size() >= 3) forms.push_back({std::move(letters), entry.row});
    }
    return forms;
  }();
  return all;
}

/// The one number whose spelling is nearest to the word.
std::optional<NumberWord> nearest(std::string_view word, After after) {
  const std::u32string letters = letters_of(word);
  if (letters.size() < 3 || letters.size() > 20 || one_of(word, kRealWords)) return std::nullopt;
  const bool is_short = letters.size() < 5;
  if (after == After::Nothing && letters.size() < 6) return std::nullopt;
  const std::size_t limit = letters.size() >= 8 && after != After::Nothing ? 2 : 1;
  std::size_t best = limit + 1;
  const Row* found = nullptr;
  bool tied = false;
  for (const Form& form : spelt_forms()) {
    if (form.letters[0] != letters[0]) continue;
    if (after == After::Digits && form.row->kind != NumberClass::Scale) continue;
    // A short word is only a unit behind tens and hundreds.
    if (is_short && (after != After::Words || form.row->numerator > 9)) continue;
    if (!is_short && form.letters.size() < (after == After::Nothing ? 5u : 4u)) continue;
    const std::size_t far = distance(letters, form.letters, limit);
    if (far > limit || far > best) continue;
    if (far == best && found && found->numerator != form.row->numerator) tied = true;
    if (far < best) tied = false;
    best = far;
    found = form.row;
  }
  if (!found || tied) return std::nullopt;
  return NumberWord{found->kind, found->numerator, found->denominator, false};
}

/// Two or three number words written as one: стодвадцать, двадцатьпять, пятьтысяч.
std::optional<NumberWord> glued_words(std::string_view word) {
  if (word.size() < 10) return std::nullopt;
  const auto part_of = [](std::string_view part) -> std::optional<NumberWord> {
    if (part.size() < 4) return std::nullopt;
    const auto& all = entries();
    const auto found = std::lower_bound(all.begin(), all.end(), part,
                                        [](const Entry& entry, std::string_view key) { return entry.word < key; });
    if (found == all.end() || found->word != part || found->row->numerator == 0) return std::nullopt;
    if (found->row->kind != NumberClass::Card && found->row->kind != NumberClass::Scale) return std::nullopt;
    return NumberWord{found->row->kind, found->row->numerator, 1, false};
  };
  for (std::size_t cut = 4; cut + 4 <= word.size(); ++cut) {
    if ((static_cast<unsigned char>(word[cut]) & 0xC0) == 0x80) continue;
    const auto first = part_of(word.substr(0, cut));
    if (!first || first->kind != NumberClass::Card) continue;
    auto second = part_of(word.substr(cut));
    if (second && second->kind == NumberClass::Scale)
      return NumberWord{NumberClass::Scale, first->numerator * second->numerator, 1, false};
    if (!second) second = glued_words(word.substr(cut));
    // Of `стодвадцатьтысяч` the scale is for both, so it stays unread.
    if (!second || second->kind != NumberClass::Card) continue;
    const std::int64_t step = first->numerator >= 100 ? 100 : first->numerator >= 20 ? 10 : 0;
    if (second->numerator < step && first->numerator % step == 0)
      return NumberWord{NumberClass::Card, first->numerator + second->numerator, 1, false};
  }
  return std::nullopt;
}

}  // namespace

std::optional<RepairedWord> repair_number_word(std::string_view word, After after) {
  static constexpr std::string_view kHalf = "пол";
  if (word.size() > 40 || word.size() < 3) return std::nullopt;
  const auto scale = [](std::int64_t value, bool sure) {
    return RepairedWord{NumberWord{NumberClass::Scale, value, 1, false}, sure};
  };
  if (after != After::Nothing) {
    if (starts(word, "тысячел")) return std::nullopt;  // тысячелетий
    if (starts(word, "тыс") || starts(word, "тыщ") || starts(word, "тыш")) return scale(1000, true);
    if (one_of(word, "мил милл миллио милли мильо миллов милов мллн мнл mil mill mio")) return scale(1'000'000, false);
    if (starts(word, "млн") || one_of(word, "миллн милн миллионо")) return scale(1'000'000, true);
    if (starts(word, "млрд")) return scale(1'000'000'000, true);
  }
  if (auto glued = glued_words(word)) return RepairedWord{*glued, true};
  if (starts(word, kHalf) && word.size() >= kHalf.size() + 6) {
    const std::string_view rest = word.substr(kHalf.size());
    auto whole = find_number_word(rest);
    if (!whole) whole = nearest(rest, After::Digits);
    if (const auto slang = whole ? std::nullopt : slang_scale(rest, false))  // полляма
      return RepairedWord{NumberWord{NumberClass::Fixed, slang->value, 2, false}, false};
    if (whole && whole->kind == NumberClass::Scale)
      return RepairedWord{NumberWord{NumberClass::Fixed, whole->numerator, 2, false}, true};
  }
  if (auto near = nearest(word, after)) {
    const bool is_short = count_code_points(word) < 5;
    if (after == After::Nothing && static_cast<unsigned char>(word[0]) < 0x80) return std::nullopt;
    return RepairedWord{*near, !is_short && after != After::Nothing};
  }
  return std::nullopt;
}

std::optional<SlangScale> slang_scale(std::string_view word, bool money) {
  if (one_of(word, "лям ляма лямов лямы лямчик лямчика лямчиков лямик лямика лямиков мульт мульта мультов мульты мулик мулика муликов"))
    return SlangScale{1'000'000, false};
  if (one_of(word, "косарь косаря косарей косари косарик косарика косариков тыр тыра grand"))
    return SlangScale{1000, word == "тыр" || word == "тыра" || word == "grand"};
  if (!money) return std::nullopt;
  if (one_of(word, "лимон лимона лимонов лимонов лимончик лимончика лимончиков")) return SlangScale{1'000'000, true};
  if (one_of(word, "тэ косых косая косой кусок куска кусков штука штуки штук штукарь штукаря штукарей тонн тонны тонна т"))
    return SlangScale{1000, true};
  if (one_of(word, "ярд ярда ярдов ярды")) return SlangScale{1'000'000'000, true};
  if (one_of(word, "пятихатка пятихатки пятихатку пятихаток")) return SlangScale{500, false};
  if (one_of(word, "сотка сотки сотку соток стольник стольника стольников")) return SlangScale{100, false};
  if (one_of(word, "полтинник полтинника полтинников")) return SlangScale{50, false};
  if (one_of(word, "чирик чирика чириков червонец червонца червонцев")) return SlangScale{10, false};
  return std::nullopt;
}

}  // namespace sufler::reading
