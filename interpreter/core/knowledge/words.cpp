#include "interpreter/core/knowledge/words.h"

#include <libstemmer.h>

#include <algorithm>
#include <array>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "interpreter/core/text.h"

namespace sufler {
namespace {

constexpr std::size_t kMostLetters = 40;

// Of indexes and questions alike. `е` stands for `ё`.
constexpr std::string_view kSilent[] = {
    "а", "без", "бы", "в", "во", "вот", "вы", "да", "для", "до", "если", "еще", "ещ", "же", "за", "и", "из", "или", "им", "их",
    "к", "как", "ко", "ли", "либо", "мы", "на", "над", "не", "него", "нее", "ни", "них", "но", "о", "об", "он", "она", "они", "оно",
    "от", "по", "под", "при", "про", "с", "со", "так", "также", "то", "тоже", "ты", "у", "уж", "уже", "что", "чтобы", "это",
    "этого", "этой", "этом", "эту", "этот", "эти", "этих", "я", "его", "ее", "вас", "вам", "вами", "нас", "нам", "нами", "мне", "меня", "мной",
    "a", "an", "and", "are", "as", "at", "be", "been", "by", "for", "from", "has", "have", "i", "if", "in", "is", "it", "its", "me",
    "my", "of", "on", "or", "our", "so", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to", "was",
    "we", "were", "will", "with", "you", "your"};

// Of questions alone: what people say around their question.
constexpr std::string_view kAsking[] = {
    "алло", "благодарю", "будет", "будете", "будут", "буду", "быть", "вообще", "всем", "вечер", "где", "день", "добрый", "доброе", "доброго", "девушка", "есть", "здравствуй",
    "здравствуйте", "знаете", "знать", "интересует", "какая", "какие", "какого", "какой", "какую", "каком", "каким", "каких", "кто",
    "когда", "куда", "могу", "можем", "можете", "можно", "могли", "нужно", "нужна", "нужен", "нужны", "надо", "ну", "откуда", "очень", "пожалуйста", "принимаете", "плиз", "подскажите",
    "подскажи", "почему", "привет", "просто", "расскажите", "расскажи", "скажите", "скажи", "сколько", "спасибо", "существует", "такое",
    "такой", "там", "тут", "уточнить", "утро", "хотел", "хотела", "хотели", "хотелось", "хочется", "хочу", "хотим", "чего", "чем", "чему", "которые", "который", "вопрос",
    "any", "anyone", "can", "could", "did", "do", "does", "good", "hello", "hey", "hi", "how", "know", "let", "like", "may", "much", "many", "need", "please",
    "should", "some", "tell", "thank", "thanks", "want", "what", "when", "where", "which", "who", "why", "would"};

// Words that people use for one another when they ask a shop or a service; forms whose stems differ stand here each.
constexpr std::array<std::string_view, 16> kSynonyms = {
    "цена стоимость стоит стоят почем прайс ценник тариф",
    "доставка доставить привезти привезете привезут курьер отправка отправить пересылка",
    "возврат вернуть возвращать возвращение обмен обменять",
    "оплата оплатить платить заплатить оплачивать расплатиться платеж",
    "скидка акция распродажа промокод бонус",
    "гарантия поломка сломался сломалась брак дефект неисправность",
    "адрес находитесь расположены самовывоз магазин",
    "график часы режим работаете работает открыты закрываетесь выходные расписание",
    "рассрочка кредит частями",
    "срок долго быстро дней",
    "телефон позвонить связаться контакты номер",
    "размер габариты длина ширина высота",
    "заказ заказать купить покупка оформить приобрести",
    "отмена отменить отказаться",
    "price cost pay payment",
    "delivery deliver shipping ship courier"};

bool is_cyrillic(char32_t c) { return c >= 0x400 && c <= 0x4FF; }
bool is_latin(char32_t c) { return (c >= U'a' && c <= U'z') || (c >= 0xC0 && c <= 0x24F); }

/// One letter of a word; 0 when it belongs to none. Marks over letters are dropped but for that of `й`.
char32_t plain(char32_t c) {
  if (c < 0x80) {
    if (c >= U'A' && c <= U'Z') return c + 32;
    return (c >= U'a' && c <= U'z') || (c >= U'0' && c <= U'9') ? c : 0;
  }
  if (c >= 0x410 && c <= 0x42F) return c + 32;
  if (c >= 0x430 && c <= 0x44F) return c;
  if (c == 0x401 || c == 0x451) return 0x435;
  if (c >= 0x400 && c <= 0x40F) return c + 80;
  return is_letter(c) || is_digit(c) ? c : 0;
}

class Stemmers {
 public:
  /// A stemmer is one thread's.
  static Stemmers& mine() {
    thread_local Stemmers stemmers;
    return stemmers;
  }
  std::string stem(const std::string& word, bool russian) {
    sb_stemmer* stemmer = russian ? russian_.get() : english_.get();
    if (!stemmer) return word;
    const sb_symbol* stem = sb_stemmer_stem(stemmer, reinterpret_cast<const sb_symbol*>(word.data()), static_cast<int>(word.size()));
    if (!stem) return word;
    return {reinterpret_cast<const char*>(stem), static_cast<std::size_t>(sb_stemmer_length(stemmer))};
  }

 private:
  using Stemmer = std::unique_ptr<sb_stemmer, decltype(&sb_stemmer_delete)>;
  Stemmer russian_{sb_stemmer_new("russian", "UTF_8"), &sb_stemmer_delete};
  Stemmer english_{sb_stemmer_new("english", "UTF_8"), &sb_stemmer_delete};
};

/// Calls `word(text, cyrillic, latin)` for each run of letters and digits, in lower case.
template <class Word>
void each_word(std::string_view text, Word&& call) {
  std::string word;
  std::size_t letters = 0;
  bool cyrillic = false, latin = false;
  const auto end = [&] {
    if (letters > 0 && letters <= kMostLetters) call(word, cyrillic, latin);
    word.clear();
    letters = 0;
    cyrillic = latin = false;
  };
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (c >= 0x300 && c <= 0x36F) {  // a mark of its own over the letter before
      if (c == 0x306 && word.ends_with("и")) word.replace(word.size() - 2, 2, "й");
      continue;
    }
    if (c == 0xAD) continue;  // where a word may be parted
    const char32_t letter = plain(c);
    if (letter == 0) {
      end();
      continue;
    }
    append_utf8(word, letter);
    cyrillic = cyrillic || is_cyrillic(letter);
    latin = latin || is_latin(letter);
    if (++letters > kMostLetters) {  // no word: what is left of it is not looked at
      while (at < text.size()) {
        std::size_t next = at;
        if (plain(next_code_point(text, next)) == 0) break;
        at = next;
      }
    }
  }
  end();
}

std::string stem_of(std::string word, bool cyrillic, bool latin) {
  if (word.size() > 1 && static_cast<unsigned char>(word[0]) >= 0x80 && !cyrillic) word = to_lower(word);
  if (cyrillic && latin) {  // `cкидка` with a Latin c
    word = unify_lookalikes(word);
    cyrillic = std::any_of(word.begin(), word.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  }
  if (!cyrillic && !latin) return word;
  return Stemmers::mine().stem(word, cyrillic);
}

const std::unordered_set<std::string_view>& silent() {
  static const std::unordered_set<std::string_view> words(std::begin(kSilent), std::end(kSilent));
  return words;
}
const std::unordered_set<std::string_view>& asking() {
  static const std::unordered_set<std::string_view> words(std::begin(kAsking), std::end(kAsking));
  return words;
}

/// Stem → the stems of its group.
const std::unordered_multimap<std::string, std::vector<std::string>>& synonyms() {
  static const auto all = [] {
    std::unordered_multimap<std::string, std::vector<std::string>> made;
    for (const std::string_view line : kSynonyms) {
      std::vector<std::string> group = stems_of(line);
      std::sort(group.begin(), group.end());
      group.erase(std::unique(group.begin(), group.end()), group.end());
      for (const std::string& stem : group) made.emplace(stem, group);
    }
    return made;
  }();
  return all;
}

std::size_t common_letters(std::string_view a, std::string_view b) {
  std::size_t count = 0;
  for (std::size_t i = 0, k = 0; i < a.size() && k < b.size(); ++count)
    if (next_code_point(a, i) != next_code_point(b, k)) break;
  return count;
}

constexpr double kFamily = 0.6, kSynonym = 0.5, kTypingError = 0.7, kOtherLayout = 0.9;

constexpr std::size_t kShortestFamily = 5;

/// Whether both come of one word: `доставк` and `доставля`.
bool is_family(std::string_view a, std::size_t a_letters, std::string_view b, std::size_t b_letters) {
  const std::size_t common = common_letters(a, b);
  return common >= kShortestFamily && a_letters - common <= 3 && b_letters - common <= 3 && common * 10 >= std::max(a_letters, b_letters) * 6;
}

class Search {
 public:
  Search(const std::vector<QuestionWord>& question, const WordsBeginning& beginning)
      : question_(question), beginning_(beginning), known_(question.size()), other_(question.size()) {}

  std::vector<SearchWord> words() {
    for (std::size_t i = 0; i < question_.size(); ++i) {
      looks_.push_back({i, What::Itself, question_[i].stem});
      if (!question_[i].other_layout.empty()) looks_.push_back({i, What::OtherLayout, question_[i].other_layout});
      for (const std::string& synonym : question_[i].synonyms) looks_.push_back({i, What::Synonym, synonym});
    }
    look();
    for (std::size_t i = 0; i < question_.size(); ++i)
      if (!known_[i] && !other_[i] && may_be_mistyped(question_[i].stem)) looks_.push_back({i, What::TypingError, question_[i].stem});
    look();
    return std::move(found_);
  }

 private:
  enum class What : std::uint8_t { Itself, OtherLayout, Synonym, TypingError };
  struct Look {
    std::size_t group;
    What what;
    std::string_view stem;
  };

  /// All at once: a question to a database takes its time.
  void look() {
    if (looks_.empty()) return;
    std::vector<std::string> beginnings;
    for (const Look& one : looks_) beginnings.emplace_back(beginning_of(one));
    std::vector<std::vector<IndexedWord>> words = beginning_(beginnings);
    words.resize(looks_.size());
    for (std::size_t i = 0; i < looks_.size(); ++i) {
      const Look& one = looks_[i];
      switch (one.what) {
        case What::Itself: known_[one.group] = similar(one, words[i], 1); break;
        case What::OtherLayout:
          if (!known_[one.group]) other_[one.group] = similar(one, words[i], kOtherLayout);
          break;
        case What::Synonym: similar(one, words[i], kSynonym); break;
        case What::TypingError: typing_errors(one, words[i]); break;
      }
    }
    looks_.clear();
  }

  static bool has_family(const Look& look) {
    return look.what != What::Synonym && is_word(look.stem) && count_code_points(look.stem) >= kShortestFamily;
  }
  static std::string_view beginning_of(const Look& look) {
    if (look.what == What::TypingError) return first_code_points(look.stem, 2);  // the first letters are seldom wrong
    if (!has_family(look)) return look.stem;
    return first_code_points(look.stem, std::max(kShortestFamily, count_code_points(look.stem) - 3));
  }

  void add(const IndexedWord& word, std::size_t group, double weight) {
    for (SearchWord& known : found_) {
      if (known.group != group || known.stem != word.stem) continue;
      known.weight = std::max(known.weight, weight);
      return;
    }
    found_.push_back({word.stem, group, weight, word.pieces});
  }

  /// The word itself, and those that come of it. Whether it is there itself.
  bool similar(const Look& look, std::vector<IndexedWord>& words, double weight) {
    const std::size_t letters = count_code_points(look.stem);
    const bool wide = has_family(look);
    bool there = false;
    std::vector<IndexedWord> relatives;
    for (IndexedWord& word : words) {
      if (word.stem == look.stem) {
        there = true;
        add(word, look.group, weight);
      } else if (wide && is_family(look.stem, letters, word.stem, count_code_points(word.stem))) {
        relatives.push_back(std::move(word));
      }
    }
    keep_most_used(relatives, 6);
    for (const IndexedWord& word : relatives) add(word, look.group, weight * kFamily);
    return there;
  }

  static bool may_be_mistyped(const std::string& stem) { return count_code_points(stem) >= 4 && is_word(stem); }

  void typing_errors(const Look& look, std::vector<IndexedWord>& words) {
    std::vector<IndexedWord> nearest;
    std::size_t best = count_code_points(look.stem) >= 7 ? 2 : 1;
    for (IndexedWord& word : words) {
      const std::size_t distance = edit_distance(look.stem, word.stem, best);
      if (distance > best) continue;
      if (distance < best) nearest.clear();
      best = distance;
      nearest.push_back(std::move(word));
    }
    keep_most_used(nearest, 3);
    for (const IndexedWord& word : nearest) add(word, look.group, kTypingError);
  }

  /// Article numbers and prices are what they are.
  static bool is_word(std::string_view stem) { return stem.find_first_of("0123456789") == stem.npos; }

  static void keep_most_used(std::vector<IndexedWord>& words, std::size_t most) {
    std::sort(words.begin(), words.end(), [](const IndexedWord& a, const IndexedWord& b) {
      return a.pieces != b.pieces ? a.pieces > b.pieces : a.stem < b.stem;
    });
    if (words.size() > most) words.resize(most);
  }

  const std::vector<QuestionWord>& question_;
  const WordsBeginning& beginning_;
  std::vector<bool> known_, other_;  // words of the question that are there as they are, or in the other layout
  std::vector<Look> looks_;
  std::vector<SearchWord> found_;
};

}  // namespace

std::vector<std::string> stems_of(std::string_view text) {
  std::vector<std::string> stems;
  each_word(text, [&](const std::string& word, bool cyrillic, bool latin) {
    if (!silent().contains(word)) stems.push_back(stem_of(word, cyrillic, latin));
  });
  return stems;
}

std::vector<QuestionWord> words_of_question(std::string_view question) {
  std::vector<QuestionWord> words;
  each_word(question, [&](const std::string& word, bool cyrillic, bool latin) {
    if (words.size() == kMostQuestionWords || silent().contains(word) || asking().contains(word)) return;
    QuestionWord one;
    one.stem = stem_of(word, cyrillic, latin);
    if (std::any_of(words.begin(), words.end(), [&](const QuestionWord& known) { return known.stem == one.stem; })) return;
    const auto [from, to] = synonyms().equal_range(one.stem);
    for (auto it = from; it != to; ++it)
      for (const std::string& stem : it->second)
        if (stem != one.stem) one.synonyms.push_back(stem);
    each_word(swap_keyboard_layout(word), [&](const std::string& swapped, bool is_russian, bool is_english) {
      if (one.other_layout.empty()) one.other_layout = stem_of(swapped, is_russian, is_english);
    });
    if (one.other_layout == one.stem) one.other_layout.clear();
    words.push_back(std::move(one));
  });
  return words;
}

std::vector<SearchWord> search_words(const std::vector<QuestionWord>& question, const WordsBeginning& beginning) {
  return Search(question, beginning).words();
}

}  // namespace sufler
