#include "interpreter/core/reading/contact_fields.h"

#include <algorithm>
#include <array>
#include <vector>

#include "interpreter/core/reading/numbers.h"
#include "interpreter/core/reading/words.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

using reading::one_of;

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

Result<std::string, FieldProblem> read_name(std::string_view text) {
  const std::string composed = to_nfc(trim(text.substr(0, kMaxReading)));
  if (composed.empty()) return Error{FieldProblem::Empty};
  // Words first; whatever is no part of a name either parts words or makes the text none.
  std::vector<std::string> words;
  std::string word;
  std::size_t letter_count = 0;
  const auto close = [&] {
    while (!word.empty() && (word.back() == '-' || word.back() == '\'')) word.pop_back();
    if (!word.empty()) words.push_back(word);
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
      ++letter_count;
    } else if ((c == '-' || c == '\'') && inside) {
      append_utf8(word, c);
    } else if (c == '.' && !word.empty()) {
      // initials keep their dot, a sentence's end does not
      if (count_code_points(word) == 1) word.push_back('.');
      close();
    } else if (is_space(c) || c == ',' || c == '.' || c == '!' || c == ':' || c == '-' ||
               c == '"' || c == 0xAB || c == 0xBB || c == ')' || c == '(' || is_emoji(c)) {
      close();
    } else {
      return Error{FieldProblem::NotLetters};  // digits, question marks, signs
    }
    if (words.size() > 24) return Error{FieldProblem::TooLong};
  }
  close();
  // How people introduce themselves.
  static constexpr std::array<std::string_view, 21> kIntroductions = {
      "здравствуйте", "здравствуй", "привет",       "добрый день", "добрый вечер", "доброе утро",
      "меня зовут",   "зовут меня", "мое имя",      "моя фамилия", "мои фио",      "фио",
      "имя",          "зовут",      "можно просто", "это",         "hello",        "hi",
      "my name is",   "i am",       "i'm"};
  bool stripped = true;
  while (stripped) {
    stripped = false;
    for (const std::string_view introduction : kIntroductions) {
      const auto parts = split(introduction, ' ');
      if (parts.size() >= words.size()) continue;
      bool same = true;
      for (std::size_t i = 0; i < parts.size(); ++i) same = same && normalise(words[i]) == parts[i];
      if (!same) continue;
      words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(parts.size()));
      stripped = true;
    }
    if (words.size() > 1 && normalise(words[0]) == "я") {
      words.erase(words.begin());
      stripped = true;
    }
  }
  if (words.empty()) return Error{FieldProblem::NotLetters};
  if (words.size() > 5 || letter_count > 100) return Error{FieldProblem::TooLong};
  std::string name;
  for (const std::string& part : words) {
    if (!name.empty()) name += ' ';
    name += part;
  }
  return name;
}

}  // namespace sufler
