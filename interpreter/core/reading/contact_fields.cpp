#include "interpreter/core/reading/contact_fields.h"

#include <algorithm>
#include <array>
#include <vector>

#include "interpreter/core/reading/intents.h"
#include "interpreter/core/reading/numbers.h"
#include "interpreter/core/reading/words.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

using reading::one_of;
using reading::WordList;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

/// The code points of a text with where they begin.
struct Letter {
  char32_t code;
  std::size_t begin;
  std::size_t end;
};
std::vector<Letter> letters_of(std::string_view text) {
  std::vector<Letter> letters;
  letters.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t begin = i;
    const char32_t code = next_code_point(text, i);
    letters.push_back({code, begin, i});
  }
  return letters;
}

bool all_letters(std::string_view text) {
  for (const Letter& letter : letters_of(text)) {
    if (!is_letter(letter.code)) return false;
  }
  return !text.empty();
}

bool is_host(std::string_view host) {
  if (host.size() > 253) return false;
  const auto labels = split(host, '.');
  if (labels.size() < 2) return false;
  for (const std::string_view label : labels) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
      return false;
    for (const Letter& letter : letters_of(label)) {
      if (!is_letter(letter.code) && !is_digit(letter.code) && letter.code != '-') return false;
    }
  }
  const std::string_view last = labels.back();
  return last.substr(0, 4) == "xn--" || (count_code_points(last) >= 2 && all_letters(last));
}

bool is_local_char(char32_t c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '%' || c == '+' ||
         c == '-' || c == '\'' || c == '!' || c == '#' || c == '&' || c == '=' || c == '~' ||
         c == '$' || c == '*';
}

bool is_local_part(std::string_view local) {
  if (local.empty() || local.size() > 64 || local.front() == '.' || local.back() == '.')
    return false;
  return local.find("..") == std::string_view::npos;
}

/// `anna собака mail точка ru`, `anna @ mail.ru`
std::string join_spoken_address(std::string_view text) {
  std::string out;
  std::vector<std::string> words;
  for (const std::string_view part : split(text, ' ')) {
    if (!part.empty()) words.emplace_back(part);
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string folded = fold(words[i]);
    const bool inside = i > 0 && i + 1 < words.size();
    std::string_view sign;
    if (inside && one_of(folded, "собака собачка")) sign = "@";
    if (inside && one_of(folded, "точка dot")) sign = ".";
    if (words[i] == "@") sign = "@";
    if (!sign.empty()) {
      out += sign;
      continue;
    }
    if (!out.empty() && out.back() != '@' &&
        !(out.back() == '.' && i > 0 && one_of(fold(words[i - 1]), "точка dot")) &&
        words[i][0] != '@') {
      out += ' ';
    }
    out += words[i];
  }
  return out;
}

bool is_known_top_level(std::string_view name) {
  return one_of(name,
                "ru com org net рф su by kz ua info biz io me pro shop store site online dev app "
                "eu de uk fr it es cn us co tv "
                "ai club moscow tech рус москва дети онлайн сайт орг ком бел укр");
}

std::string_view strip_edges(std::string_view text) {
  const auto letters = letters_of(text);
  std::size_t begin = 0;
  std::size_t end = letters.size();
  const auto is_edge = [](char32_t c) {
    return c == '.' || c == ',' || c == ';' || c == ':' || c == '!' || c == '?' || c == ')' ||
           c == '(' || c == '"' || c == '\'' || c == '<' || c == '>' || c == '[' || c == ']' ||
           c == 0xAB || c == 0xBB || c == 0x201C || c == 0x201D || c == 0x201E;
  };
  while (begin < end && is_edge(letters[begin].code)) ++begin;
  while (end > begin && is_edge(letters[end - 1].code)) --end;
  if (begin == end) return {};
  return text.substr(letters[begin].begin, letters[end - 1].end - letters[begin].begin);
}

}  // namespace

Result<std::string, FieldProblem> read_email(std::string_view text) {
  const std::string composed = to_nfc(trim(text.substr(0, kMaxReading)));
  if (composed.empty()) return Error{FieldProblem::Empty};
  std::string plain;
  for (const Letter& letter : letters_of(composed)) {
    if (letter.code == 0x200B || letter.code == 0xFEFF || letter.code == 0xAD) continue;
    append_utf8(plain, is_space(letter.code) ? U' ' : letter.code);
  }
  const std::string joined = join_spoken_address(plain);
  const auto letters = letters_of(joined);
  std::vector<std::string> found;
  bool malformed = false;
  for (std::size_t at = 0; at < letters.size() && found.size() < 4; ++at) {
    if (letters[at].code != '@') continue;
    std::size_t begin = at;
    while (begin > 0 && is_local_char(letters[begin - 1].code)) --begin;
    std::size_t end = at + 1;
    while (end < letters.size() &&
           (is_letter(letters[end].code) || is_digit(letters[end].code) ||
            letters[end].code == '.' || letters[end].code == '-' || letters[end].code == '_')) {
      ++end;
    }
    const bool another = (begin > 0 && letters[begin - 1].code == '@') ||
                         (end < letters.size() && letters[end].code == '@');
    while (end > at + 1 && (letters[end - 1].code == '.' || letters[end - 1].code == '-')) --end;
    const std::size_t from = letters[begin].begin;
    const std::size_t middle = letters[at].begin;
    const std::size_t to = letters[end - 1].end;
    std::string local = joined.substr(from, middle - from);
    std::string domain = to_lower(
        std::string_view(joined).substr(middle + 1, to > middle + 1 ? to - middle - 1 : 0));
    if (local.substr(0, 7) == "mailto:") local.erase(0, 7);
    // A Cyrillic `а` among Latin letters is a slip of the keyboard.
    if (find_mixed_alphabet(local) != std::string::npos) {
      const std::string unified = unify_lookalikes(local + "@" + domain);
      local = unified.substr(0, unified.find('@'));
    }
    const bool comma = end < letters.size() && letters[end].code == ',' &&
                       end + 1 < letters.size() && is_letter(letters[end + 1].code);
    if (another || !is_local_part(local) || !is_host(domain) || comma) {
      malformed = true;
      continue;
    }
    const std::string address = local + "@" + domain;
    if (std::find(found.begin(), found.end(), address) == found.end()) found.push_back(address);
  }
  if (found.size() > 1) return Error{FieldProblem::Several};
  if (found.size() == 1 && !malformed) return found[0];
  return Error{malformed ? FieldProblem::Malformed : FieldProblem::NotFound};
}

Result<std::string, FieldProblem> read_url(std::string_view text) {
  const std::string composed = to_nfc(trim(text.substr(0, kMaxReading)));
  if (composed.empty()) return Error{FieldProblem::Empty};
  std::string plain;
  for (const Letter& letter : letters_of(composed))
    append_utf8(plain, is_space(letter.code) ? U' ' : letter.code);
  const auto words = split(plain, ' ');
  std::vector<std::string> found;
  bool malformed = false;
  for (const std::string_view raw : words) {
    std::string_view word = strip_edges(raw);
    // A closing bracket may belong to the address: /wiki/X_(Y)
    if (word.find('(') != std::string_view::npos && word.size() < raw.size()) {
      const std::size_t start = static_cast<std::size_t>(word.data() - raw.data());
      if (raw.substr(start + word.size(), 1) == ")") word = raw.substr(start, word.size() + 1);
    }
    if (word.empty()) continue;
    std::string scheme = "https://";
    std::string_view rest = word;
    const std::size_t mark = word.find("://");
    const bool has_scheme = mark != std::string_view::npos && mark <= 10;
    if (has_scheme) {
      const std::string lower = to_lower(word.substr(0, mark));
      if (lower != "http" && lower != "https") {
        malformed = true;
        continue;
      }
      scheme = lower + "://";
      rest = word.substr(mark + 3);
    } else if (word.substr(0, 11) == "javascript:" || word.substr(0, 5) == "data:" ||
               word.substr(0, 7) == "mailto:") {
      malformed = true;
      continue;
    }
    const std::size_t host_end = std::min(rest.find_first_of("/?#"), rest.size());
    std::string_view authority = rest.substr(0, host_end);
    const std::string_view path = rest.substr(host_end);
    if (authority.find('@') != std::string_view::npos) {
      malformed = malformed || has_scheme;  // anna@mail.ru is no address of a page
      continue;
    }
    std::string_view port;
    const std::size_t colon = authority.find(':');
    if (colon != std::string_view::npos) {
      port = authority.substr(colon);
      authority = authority.substr(0, colon);
      const bool digits =
          port.size() > 1 && port.size() <= 6 &&
          std::all_of(port.begin() + 1, port.end(), [](char c) { return c >= '0' && c <= '9'; });
      if (!digits) {
        malformed = malformed || has_scheme;
        continue;
      }
    }
    const std::string host = to_lower(authority);
    if (!is_host(host)) {
      malformed = malformed || has_scheme || host.substr(0, 4) == "www.";
      continue;
    }
    const std::string_view top = std::string_view(host).substr(host.rfind('.') + 1);
    // `привет.как дела` is a sentence without a space.
    if (!has_scheme && host.substr(0, 4) != "www." && path.empty() && !is_known_top_level(top))
      continue;
    const std::string url = scheme + host + std::string(port) + std::string(path);
    if (std::find(found.begin(), found.end(), url) == found.end()) found.push_back(url);
    if (found.size() > 4) break;
  }
  if (found.size() > 1) return Error{FieldProblem::Several};
  if (found.size() == 1) return found[0];
  return Error{malformed ? FieldProblem::Malformed : FieldProblem::NotFound};
}

namespace {

struct NameWord {
  std::string text;
  std::string plain;  ///< normalised
  bool pause_before = false;
  bool bracketed = false;
  bool upper = false;
};
using NameWords = std::vector<NameWord>;

/// Words first; whatever is no part of a name either parts words or makes the text none.
Result<NameWords, FieldProblem> name_words(const std::string& composed) {
  NameWords words;
  std::string word;
  bool pause = false;
  bool bracketed = false;
  const auto close = [&] {
    while (!word.empty() && (word.back() == '-' || word.back() == '\'')) word.pop_back();
    if (!word.empty()) {
      const std::string_view first = first_code_points(word, 1);
      words.push_back({word, normalise(word), pause, bracketed, to_lower(first) != first});
      pause = false;
    }
    word.clear();
  };
  const auto letters = letters_of(composed);
  for (std::size_t i = 0; i < letters.size(); ++i) {
    char32_t c = letters[i].code;
    if (c == 0x200B || c == 0xFEFF || c == 0xAD || c == 0xFE0F) continue;
    if ((c >= 0x2010 && c <= 0x2015) || c == 0x2212) c = '-';
    if (c == 0x2019 || c == 0x2BC || c == '`') c = '\'';
    const bool inside = !word.empty() && i + 1 < letters.size() && is_letter(letters[i + 1].code);
    if (is_letter(c) || (c >= 0x300 && c <= 0x36F)) {
      append_utf8(word, c);
    } else if ((c == '-' || c == '\'') && inside) {
      append_utf8(word, c);
    } else if (c == '.' && !word.empty()) {
      // initials keep their dot, a sentence's end does not
      const bool initial = count_code_points(word) == 1;
      if (initial) word.push_back('.');
      close();
      pause = !initial;
    } else if (is_space(c) || c == ',' || c == '.' || c == '!' || c == ':' || c == ';' || c == '-' || c == '"' || c == 0xAB ||
               c == 0xBB || c == ')' || c == '(' || is_emoji(c)) {
      close();
      pause = pause || !(is_space(c) || c == '"' || c == 0xAB || c == 0xBB);
      if (c == '(' || c == ')') bracketed = c == '(';
    } else {
      return Error{FieldProblem::NotLetters};  // digits, question marks, signs
    }
    if (words.size() > 24) return Error{FieldProblem::TooLong};
  }
  close();
  return words;
}

/// How people introduce themselves.
constexpr std::string_view kIntroductions =
    "ну допустим;допустим;скажем;предположим;здравствуйте;здравствуй;здрасте;привет;приветствую;добрый день;добрый вечер;доброе утро;меня зовут;зовут меня;меня звать;"
    "звать меня;мое имя;имя мое;моя фамилия;мои фио;фио;имя;зовут;звать;можно просто;или просто;просто;это;зовите меня;зови меня;"
    "зовите;зови;называйте меня;называй меня;называйте;можно звать меня;меня можно звать;можете звать меня;"
    "можно называть меня;можете называть меня;меня можно называть;обращайтесь ко мне;ко мне обращайтесь;обращайтесь по имени;обращайтесь;"
    "обращайся;можно обращаться;можете обращаться;ко мне можно обращаться;обращаться;пусть будет;пишите;запишите меня как;"
    "запишите меня;запишите;записывайте;с вами;для друзей;вас беспокоит;вас приветствует;для вас;можно;лучше;или;но;я;"
    "hello;hi;hey;good morning;good afternoon;good evening;my name is;my name's;name is;name's;the name is;the name's;name;i am;i'm;"
    "im;it's;its;it is;this is;call me;you can call me;you may call me;just call me;please call me;just;i go by;they call me;"
    "everyone calls me;people call me;or just;or";

/// What follows a name and is none.
constexpr std::string_view kFarewells =
    "меня зовут;зовут меня;меня звать;зовут;звать;мое имя;это я;очень приятно познакомиться;приятно познакомиться;очень приятно;"
    "приятно;я;рад знакомству;рада знакомству;очень рад;очень рада;будем знакомы;спасибо;благодарю;пожалуйста;здравствуйте;привет;"
    "добрый день;добрый вечер;доброе утро;а вас;is my name;speaking;here;nice to meet you;pleased to meet you;thanks;"
    "thank you;please;hello;hi";

/// Introductions that take the instrumental: `зовите меня Аней`.
constexpr WordList kNaming = "зовут звать зовите зови называйте называй называть";

/// Words of no name, wherever they stand.
constexpr WordList kNoNames =
    "не нет ни без что кто как где когда зачем почему отчего куда какая какой какое какие чей чья сколько никак никто никому "
    "ничего вам вас вами тебе тебя тебя меня мне мной мое моя мои мой ваш ваша ваше ваши твой твое твоя дело разница секрет тайна "
    "имя имени именем фамилия зовут звать называть называйте зовите обращайтесь обращаться хочу хотел хотела буду скажу сказать говорить "
    "назову дам знаю могу можно нужно надо нельзя думаю напишу отвечу сообщу представлюсь представляться угадай угадайте "
    "угодно хотите хочешь вопрос бот бота это если только потом позже сначала уже еще пока тоже очень нафиг нахрен нахер пофиг какого хоть иди идите пошел пошла далее дальше пропустить пропусти пропуск skip next but "
    "первый первая первое второй вторая второе третий оба обе любая важно неважно хватит зря лень анкета любое любой пусть просто извини извините простите "
    "none nobody noone nothing business why what who where when how not don't won't doesn't never secret telling tell rather your "
    "whatever guess later";
/// These may be somebody's when written as a name: `My Nguyen`.
constexpr WordList kSmallNoNames = "no yes ok my you me i it is are the a an of and to can do want name say";

/// Where a phrase of the list that begins at `at` ends, the longest one; `at` when there is none.
std::size_t end_of_phrase(const NameWords& words, std::size_t at, std::string_view list) {
  std::size_t end = at;
  for (const std::string_view phrase : split(list, ';')) {
    const auto parts = split(phrase, ' ');
    if (parts.size() <= end - at || at + parts.size() > words.size()) continue;
    bool same = true;
    for (std::size_t i = 0; i < parts.size(); ++i) same = same && words[at + i].plain == parts[i];
    if (same) end = at + parts.size();
  }
  return end;
}

std::string joined(const NameWords& words, std::size_t begin, std::size_t end) {
  std::string name;
  for (std::size_t i = begin; i < end; ++i) {
    if (!name.empty()) name += ' ';
    name += words[i].text;
  }
  return name;
}

/// `introduced`: `меня зовут Го` is a name, though `го` is a yes.
bool is_no_name(const NameWords& words, bool introduced) {
  for (const NameWord& word : words) {
    const std::string_view head = std::string_view(word.plain).substr(0, word.plain.find('-'));
    const bool particle = head.size() < word.plain.size() && one_of(word.plain.substr(head.size() + 1), "то нибудь либо ка");
    if (one_of(word.plain, kNoNames) || (particle && one_of(head, kNoNames))) return true;
    if (!word.upper && one_of(word.plain, kSmallNoNames)) return true;
  }
  if (words.empty()) return true;
  const std::string& first = words.front().plain;
  // `подскажите цену`; `Дапкунайте` begins with a capital
  if (!words.front().upper && count_code_points(first) >= 6 &&
      (first.ends_with("йте") || first.ends_with("ите") || first.ends_with("тесь")))
    return true;
  // A greeting, an answer to another question, a command.
  if (introduced && std::all_of(words.begin(), words.end(), [](const NameWord& word) { return word.upper; })) return false;
  return read_intent(joined(words, 0, words.size())) != Intent::Other;
}

/// `Анной` → `Анна`, `Игорем` → `Игорь`; nothing where the word may well be said as it is.
std::optional<std::string> nominative(const NameWord& word, bool surname) {
  const std::string& text = word.text;
  const auto with = [&](std::string_view ending, std::string_view instead) {
    return text.substr(0, text.size() - ending.size()) + std::string(instead);
  };
  const auto before = [&](std::string_view ending) {  // the letter before
    const std::string_view stem = std::string_view(word.plain).substr(0, word.plain.size() - ending.size());
    return stem.size() >= 2 ? stem.substr(stem.size() - 2) : std::string_view();
  };
  if (count_code_points(text) < 4 || text.size() < word.plain.size() ||
      one_of(word.plain, "сергей андрей алексей матвей тимофей ерофей моисей елисей корней фаддей евсей дорофей гордей еремей "
                         "пантелей авдей артем ефрем пахом"))
    return std::nullopt;
  if (word.plain.ends_with("ей")) return with("ей", one_of(before("ей"), "ж ш ч щ ц") ? "а" : "я");
  if (word.plain.ends_with("ой")) return with("ой", "а");
  if (word.plain.ends_with("ем")) return with("ем", one_of(before("ем"), "а е и о у ю я") ? "й" : "ь");
  if (word.plain.ends_with("ом")) return with("ом", "");
  if (word.plain.ends_with("ью")) return with("ью", "ь");
  if (surname && (word.plain.ends_with("овым") || word.plain.ends_with("евым") || word.plain.ends_with("иным"))) return with("ым", "");
  return std::nullopt;
}

/// `Екатерина, 8 916 123-45-67`: without the phone, which has a question of its own.
std::string_view without_phone(std::string_view text) {
  const std::size_t letter = text.find_last_not_of("0123456789 +()-.,;:");
  if (letter == std::string_view::npos) return text;
  const std::string_view tail = text.substr(letter + 1);
  const auto digits = std::count_if(tail.begin(), tail.end(), [](char c) { return c >= '0' && c <= '9'; });
  const std::size_t first = tail.find_first_of("0123456789+(");
  // Glued to a letter it may be anything.
  if (digits < 10 || digits > 12 || first == 0) return text;
  return text.substr(0, letter + 1);
}

struct NameReading {
  std::vector<std::string> names;  ///< one is the name; of several the person chooses
  FieldProblem problem = FieldProblem::NotFound;
  bool sure = false;
};

NameReading read_name_of(std::string_view text) {
  const std::string composed = to_nfc(without_phone(trim(text.substr(0, kMaxReading))));
  if (composed.empty()) return {{}, FieldProblem::Empty};
  auto found = name_words(composed);
  if (!found) return {{}, found.error()};
  NameWords words = std::move(*found);
  if (words.empty()) return {{}, FieldProblem::NotLetters};
  // `Марина (мама Пети)`: a remark, unless it tells how to address
  if (std::any_of(words.begin(), words.end(), [](const NameWord& word) { return !word.bracketed; })) {
    for (std::size_t i = 0; i < words.size();) {
      if (!words[i].bracketed) {
        ++i;
        continue;
      }
      std::size_t end = i;
      while (end < words.size() && words[end].bracketed) ++end;
      if (words[i].upper || end_of_phrase(words, i, kIntroductions) > i) {
        i = end;
      } else {
        words.erase(words.begin() + static_cast<std::ptrdiff_t>(i), words.begin() + static_cast<std::ptrdiff_t>(end));
      }
    }
  }
  bool named = false;
  bool introduced = false;
  const auto note_naming = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      named = named || one_of(words[i].plain, kNaming);
      introduced = named || introduced || one_of(words[i].plain, "имя фамилия фио name name's call");
    }
  };
  // In front: greetings, `да,`, `меня зовут`.
  for (;;) {
    std::size_t end = std::max(end_of_phrase(words, 0, kIntroductions), end_of_phrase(words, 0, kFarewells));
    if (end == 0 && words.size() > 1 && words[1].pause_before &&
        one_of(words[0].plain, "да ну ок окей хорошо ладно конечно ага так yes ok okay sure well"))
      end = 1;
    if (end == 0 || end >= words.size()) break;
    note_naming(0, end);
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(end));
  }
  // Behind: `меня зовут`, `очень приятно`.
  for (std::size_t at = 1; at < words.size();) {
    if (end_of_phrase(words, at, kFarewells) == words.size()) {
      note_naming(at, words.size());
      words.resize(at);
      at = 1;
    } else {
      ++at;
    }
  }
  // `меня Анной зовут`
  if (named && words.size() > 1 && words[0].plain == "меня") words.erase(words.begin());
  // In between: `Сергей Викторович, можно просто Сергей`, `Анна или Аня`
  for (std::size_t at = 1; at < words.size(); ++at) {
    std::size_t end = at;
    for (std::size_t next = at; next < words.size(); end = next) {
      next = end_of_phrase(words, end, kIntroductions);
      if (next == end) break;
    }
    if (end == at || end == words.size()) continue;
    const NameWords first(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(at));
    const NameWords second(words.begin() + static_cast<std::ptrdiff_t>(end), words.end());
    if (is_no_name(first, introduced) && is_no_name(second, introduced)) return {};
    NameReading reading{{}, FieldProblem::Doubtful};
    for (const NameWords* one : {&first, &second}) {
      if (!is_no_name(*one, introduced) && one->size() <= 5) reading.names.push_back(joined(*one, 0, one->size()));
    }
    if (reading.names.size() == 2 && reading.names[0] == reading.names[1]) reading.names.pop_back();
    return reading;
  }
  const std::string name = joined(words, 0, words.size());
  if (words.size() > 5 || count_code_points(name) > 100) return {{}, FieldProblem::TooLong};
  if (is_no_name(words, introduced)) return {};
  // `Анна, менеджер`
  for (std::size_t at = 1; at < words.size(); ++at) {
    if (words[at].pause_before && words[0].upper && !words[at].upper)
      return {{joined(words, 0, at), name}, FieldProblem::Doubtful};
  }
  if (named) {
    std::string guess;
    bool changed = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
      const auto changed_word = i == 0 || changed ? nominative(words[i], i > 0) : std::nullopt;
      changed = changed || changed_word;
      guess += (i > 0 ? " " : "") + changed_word.value_or(words[i].text);
    }
    if (changed) return {{guess, name}, FieldProblem::Doubtful};
  }
  return {{name}, FieldProblem::Empty, true};
}

}  // namespace

Result<std::string, FieldProblem> read_name(std::string_view text) {
  NameReading reading = read_name_of(text);
  if (!reading.sure) return Error{reading.problem};
  return std::move(reading.names.front());
}

std::vector<std::string> name_readings(std::string_view text) { return read_name_of(text).names; }

}  // namespace sufler
