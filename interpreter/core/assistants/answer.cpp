#include "interpreter/core/assistants/answer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "interpreter/core/patterns.h"
#include "interpreter/core/plain_json.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

std::string text_of(const ValueMap& map, std::string_view name) {
  const Value* value = map.find(name);
  return value && value->text() ? *value->text() : std::string();
}

std::uint64_t number_of(const ValueMap& map, std::string_view name) {
  const Value* value = map.find(name);
  const auto number = value && value->number() ? value->number()->to_int64() : std::nullopt;
  return number && *number > 0 ? static_cast<std::uint64_t>(*number) : 0;
}

// ---- Markdown

bool is_blank(std::string_view line) { return trim(line).empty(); }

/// A line without the marks that only Markdown shows.
std::string plain_line(std::string_view line) {
  std::size_t marks = 0;
  while (marks < line.size() && line[marks] == '#') ++marks;
  if (marks > 0 && marks <= 6 && marks < line.size() && line[marks] == ' ') line = trim(line.substr(marks));
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool twice = i + 1 < line.size() && line[i + 1] == c;
    if ((c == '*' || c == '_' || c == '~') && twice) {
      ++i;
      continue;
    }
    if (c == '`') continue;
    out += c;
  }
  // `* item` is a list everywhere but in Markdown.
  const std::size_t first = out.find_first_not_of(' ');
  if (first != std::string::npos && out.compare(first, 2, "* ") == 0) out[first] = '-';
  return out;
}

std::string plain_markdown(std::string_view text) {
  std::string out;
  bool blank = true;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (trim(line).starts_with("```")) continue;
    if (is_blank(line)) {
      if (!blank) out += '\n';
      blank = true;
      continue;
    }
    out += plain_line(line);
    out += '\n';
    blank = false;
  }
  return std::string(trim(out));
}

// ---- links

constexpr std::array<std::string_view, 44> kTopDomains = {
    "ru", "su", "com", "net", "org", "info", "biz", "me",   "io",  "app",  "dev",   "online", "site",  "shop", "store",
    "fun", "website", "space", "live", "world", "today", "agency", "cloud", "tech", "chat", "bot", "page", "mobi", "team",
    "top", "xyz", "link", "click", "pro", "club", "ly", "gg", "cc", "tv", "co", "uk", "de", "by", "kz"};

bool is_host_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// A link in a text: bytes [begin, end).
struct FoundLink {
  std::size_t begin = 0, end = 0;
  std::string host;  ///< lower case, without `www.`; empty: of a scheme that opens something else
};

/// The end of a link that begins before: white space, or a sign that closes what it stands in.
std::size_t end_of_link(std::string_view text, std::size_t from) {
  std::size_t end = from;
  int open = 0;  // brackets of the link's own
  while (end < text.size()) {
    std::size_t next = end;
    const char32_t c = next_code_point(text, next);
    if (is_space(c) || c == U'"' || c == U'<' || c == U'>' || c == U'»' || c == U']') break;
    if (c == U'(') ++open;
    if (c == U')' && --open < 0) break;
    end = next;
  }
  while (end > from && std::string_view(".,;:!?").find(text[end - 1]) != std::string_view::npos) --end;
  return end;
}

std::string host_at(std::string_view text, std::size_t from) {
  // `user@host`: what opens is the host.
  const std::size_t slash = std::min(text.find_first_of("/?#", from), text.size());
  const std::size_t at = text.substr(0, slash).rfind('@');
  if (at != std::string_view::npos && at >= from) from = at + 1;
  std::size_t end = from;
  while (end < text.size() && is_host_byte(text[end])) ++end;
  // A host in other letters: whatever it is, it is none that was named.
  if (end < text.size() && static_cast<unsigned char>(text[end]) >= 0x80) return "?";
  std::string host = lower_ascii(text.substr(from, end - from));
  while (host.ends_with('.')) host.pop_back();
  if (host.starts_with("www.")) host.erase(0, 4);
  return host;
}

bool ends_in_top_domain(std::string_view host) {
  const std::size_t dot = host.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  const std::string last = lower_ascii(host.substr(dot + 1));
  // Every country has one of two letters; a single letter before the dot is an abbreviation: `e.g`.
  const bool letters = std::all_of(last.begin(), last.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (last.size() == 2 && letters && dot >= 2) return true;
  return std::find(kTopDomains.begin(), kTopDomains.end(), last) != kTopDomains.end();
}

bool is_scheme_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-';
}

/// The link that begins at `at`, when one does. `at` is the beginning of a word.
std::optional<FoundLink> link_at(std::string_view text, std::size_t at) {
  std::size_t scheme = at;
  while (scheme < text.size() && scheme - at < 20 && is_scheme_byte(text[scheme])) ++scheme;
  if (scheme > at + 1 && text.substr(scheme).starts_with("://")) {
    const std::string name = lower_ascii(text.substr(at, scheme - at));
    const std::size_t end = end_of_link(text, scheme + 3);
    const bool web = name == "http" || name == "https";
    return FoundLink{at, end, web ? host_at(text.substr(0, end), scheme + 3) : std::string()};
  }
  for (const std::string_view opens : {"tg:", "vk:", "javascript:", "data:", "tel:"})
    if (lower_ascii(text.substr(at, opens.size())) == opens && at + opens.size() < text.size() &&
        text[at + opens.size()] != ' ')
      return FoundLink{at, end_of_link(text, at), {}};
  std::size_t end = at;
  while (end < text.size() && is_host_byte(text[end])) ++end;
  std::string_view word = text.substr(at, end - at);
  while (word.ends_with('.')) word.remove_suffix(1);
  if (!ends_in_top_domain(word) || (end < text.size() && text[end] == '@')) return std::nullopt;
  return FoundLink{at, end_of_link(text, at), host_at(text.substr(0, end), at)};
}

constexpr std::array<std::string_view, 9> kCyrillicDomains = {".рф", ".рус", ".москва", ".дети", ".онлайн", ".сайт", ".орг", ".бел", ".укр"};

/// `пример.рф`: whatever it is, it is none that was named.
std::optional<FoundLink> cyrillic_link_at(std::string_view text, std::size_t at) {
  const std::size_t end = end_of_link(text, at);
  const std::string_view word = text.substr(at, end - at);
  const std::string host = to_lower(word.substr(0, word.find_first_of("/?#:")));
  const bool found = std::any_of(kCyrillicDomains.begin(), kCyrillicDomains.end(), [&](std::string_view domain) {
    return host.size() > domain.size() && host.ends_with(domain);
  });
  return found ? std::optional(FoundLink{at, end, "?"}) : std::nullopt;
}

template <class Visit>
void each_link(std::string_view text, Visit visit) {
  for (std::size_t at = 0; at < text.size();) {
    // A link begins a word; what stands behind `@` is an address of mail.
    const char before = at == 0 ? ' ' : text[at - 1];
    const bool begins = !is_host_byte(before) && before != '@' && before != '_' && before != '/';
    const bool word_begins = at == 0 || before == ' ' || before == '\n' || before == '(' || before == '"';
    const bool foreign = static_cast<unsigned char>(text[at]) >= 0x80;
    const auto link = foreign && word_begins                ? cyrillic_link_at(text, at)
                      : !foreign && begins && is_host_byte(text[at]) ? link_at(text, at)
                                                                     : std::nullopt;
    if (link) {
      visit(*link);
      at = std::max(link->end, at + 1);
    } else {
      ++at;
    }
  }
}

bool is_allowed(const FoundLink& link, const std::vector<std::string>& hosts) {
  if (link.host.empty()) return false;
  return std::any_of(hosts.begin(), hosts.end(), [&](const std::string& host) {
    return link.host == host || (link.host.size() > host.size() && link.host.ends_with(host) &&
                                 link.host[link.host.size() - host.size() - 1] == '.');
  });
}

/// `[label](https://…)` as `label (https://…)`.
std::string plain_labels(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t open = text.find('[', at);
    const std::size_t middle = open == std::string_view::npos ? open : text.find("](", open);
    const std::size_t close = middle == std::string_view::npos ? middle : text.find(')', middle);
    const std::size_t line = open == std::string_view::npos ? open : text.find('\n', open);
    if (close == std::string_view::npos || (line != std::string_view::npos && line < close)) {
      const std::size_t end = open == std::string_view::npos ? text.size() : open + 1;
      out += text.substr(at, end - at);
      at = end;
      continue;
    }
    out += text.substr(at, open - at);
    out += text.substr(open + 1, middle - open - 1);
    out += " (";
    out += text.substr(middle + 2, close - middle - 2);
    out += ")";
    at = close + 1;
  }
  return out;
}

std::string without_strange_links(std::string_view text, const std::vector<std::string>& hosts, std::string_view removed) {
  std::string out;
  std::size_t at = 0;
  each_link(text, [&](const FoundLink& link) {
    if (is_allowed(link, hosts)) return;
    out += text.substr(at, link.begin - at);
    out += removed;
    at = link.end;
  });
  out += text.substr(at);
  return out;
}

/// Up to the last end of a sentence, when there is one behind the first half.
std::string up_to_sentence(const std::string& text) {
  const std::size_t end = text.find_last_of(".!?\n");
  const std::size_t dots = text.rfind("…");
  std::size_t last = end == std::string::npos ? 0 : end + 1;
  if (dots != std::string::npos) last = std::max(last, dots + std::string_view("…").size());
  if (last < text.size() / 2) return text + "…";
  return std::string(trim(text.substr(0, last))) + " …";
}

}  // namespace

std::optional<ModelAnswer> read_model_answer(const Value& result) {
  const ValueMap* map = result.map();
  if (!map) return std::nullopt;
  ModelAnswer answer;
  answer.text = text_of(*map, "text");
  const std::string finish = text_of(*map, "finish");
  answer.cut = finish == "length";
  answer.withheld = finish == "filtered";
  const Value* calls = map->find("calls");
  if (const List* list = calls ? calls->list() : nullptr; list && !list->empty()) {
    const ValueMap* first = list->front().map();
    if (!first) return std::nullopt;
    answer.call = ModelCall{text_of(*first, "id"), text_of(*first, "name"), text_of(*first, "arguments")};
  }
  const Value* found = map->find("found");
  if (const List* pieces = found ? found->list() : nullptr) {
    for (const Value& piece : *pieces) {
      const ValueMap* one = piece.map();
      std::string title = one ? text_of(*one, "title") : std::string();
      if (one && title.empty()) title = text_of(*one, "source");
      answer.found.push_back(cleaned(title, 200));
    }
  }
  const Value* usage = map->find("usage");
  if (const ValueMap* tokens = usage ? usage->map() : nullptr) {
    answer.tokens_in = number_of(*tokens, "in");
    answer.tokens_out = number_of(*tokens, "out");
  }
  return answer;
}

std::vector<std::string> take_marks(std::string& text, const std::vector<std::string>& found) {
  std::vector<std::string> titles;
  if (found.empty()) return titles;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t open = text.find('[', at);
    const std::size_t close = open == std::string::npos ? open : text.find(']', open);
    std::size_t number = 0;
    bool mark = close != std::string::npos && close > open + 1 && close - open <= 3;
    for (std::size_t i = open + 1; mark && i < close; ++i) {
      mark = text[i] >= '0' && text[i] <= '9';
      number = number * 10 + static_cast<std::size_t>(text[i] - '0');
    }
    mark = mark && number >= 1 && number <= found.size();
    if (!mark) {
      const std::size_t end = open == std::string::npos ? text.size() : open + 1;
      out.append(text, at, end - at);
      at = end;
      continue;
    }
    out.append(text, at, open - at);
    while (out.ends_with(' ')) out.pop_back();
    const std::string& title = found[number - 1];
    if (std::find(titles.begin(), titles.end(), title) == titles.end()) titles.push_back(title);
    at = close + 1;
  }
  text = std::move(out);
  return titles;
}

std::optional<ValueMap> object_in(std::string_view text) {
  const std::size_t open = text.find('{'), close = text.rfind('}');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
  const auto parsed = from_plain_json(text.substr(open, close - open + 1));
  if (!parsed || !parsed->map()) return std::nullopt;
  return *parsed->map();
}

std::string shown_answer(std::string_view text, const std::vector<std::string>& hosts, std::string_view removed, bool cut) {
  constexpr std::size_t kMostRead = 64 * 1024;  // code points; the rest of a flood is not even looked at
  const std::string clean = cleaned(text, kMostRead);
  std::string plain = without_strange_links(plain_labels(plain_markdown(clean)), hosts, removed);
  if (count_code_points(plain) > kMostShown) {
    plain = std::string(first_code_points(plain, kMostShown));
    cut = true;
  }
  return cut ? up_to_sentence(plain) : plain;
}

std::string growing_answer(std::string_view text, const std::vector<std::string>& hosts, std::string_view removed,
                           const std::vector<std::string>& found) {
  // What stands for personal data is put back in the whole answer alone.
  const std::string_view before = text.substr(0, text.find("⟦"));
  std::size_t end = 0;
  for (std::size_t at = before.find_first_of(".!?\n"); at != std::string_view::npos; at = before.find_first_of(".!?\n", at + 1)) {
    const bool line = before[at] == '\n';
    if (line || (at + 1 < before.size() && (before[at + 1] == ' ' || before[at + 1] == '\n'))) end = at + 1;
  }
  std::string whole(before.substr(0, end));
  take_marks(whole, found);
  const std::string shown = shown_answer(whole, hosts, removed, false);
  return claims_people(shown) ? std::string() : std::string(trim(shown));
}

bool claims_people(std::string_view text) {
  static const std::string kWho =
      "(оператор|менеджер|специалист|сотрудник|администратор|коллег|живо(й|го|му) человек|"
      "\\b(operator|manager|agent|human|colleague|specialist|representative|support team|staff)\\b)";
  static const std::string kDid =
      "(позвал|зову|вызвал|вызываю|подключил|подключаю|подключится|соединил|соединяю|передал|передаю|передам|"
      "перевожу|перевел|переключил|переключаю|уже (идет|едет|спешит|знает)|в пути|"
      "(сейчас|скоро|сейчас же|вот вот) (вам )?(ответит|подойдет|свяжется|напишет|позвонит)|уведомил|"
      "on (the|their|his|her) way|(connecting|connected|transferring|transferred) you|"
      "\\bi( have| ve|ve)? (called|notified|contacted|informed|forwarded|passed|transferred)|"
      "\\bi( am| m|m)? (calling|notifying|forwarding|passing|transferring|connecting)|"
      "will (contact|join|be with|call|answer|reply|write)|has been (notified|called|informed))";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(".!?\n", at), text.size());
    const std::string sentence = fold(text.substr(at, end - at));
    if (matches_somewhere(kWho, sentence) && matches_somewhere(kDid, sentence)) return true;
    at = end + 1;
  }
  return false;
}

std::vector<std::string> hosts_in(std::string_view text) {
  std::vector<std::string> hosts;
  each_link(text, [&](const FoundLink& link) {
    if (!link.host.empty() && link.host != "?") hosts.push_back(link.host);
  });
  std::sort(hosts.begin(), hosts.end());
  hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
  return hosts;
}

}  // namespace sufler
