// Names, words, numbers and other values that are no expressions.
#include <re2/re2.h>

#include <algorithm>

#include "schema/loading.h"

namespace sufler {
namespace {

/// ASCII and precomposed Cyrillic are NFC as they are; anything else is asked of ICU.
bool surely_nfc(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) continue;
    if (byte == 0xD0 || byte == 0xD1) {  // U+0400 … U+047F
      ++i;
      continue;
    }
    return false;
  }
  return true;
}

}  // namespace

bool may_offer(const Loading& loading, std::size_t names) {
  return names <= loading.suggestion_budget;
}

void offer(Loading& loading, Diagnostic& problem, std::string_view wrong,
           const std::vector<std::string>& known, bool fix_is_safe) {
  if (!may_offer(loading, known.size())) return;
  loading.suggestion_budget -= known.size();
  suggest(problem, wrong, known, fix_is_safe);
}

std::string_view nfc(Loading& loading, std::string_view text) {
  if (surely_nfc(text)) return text;
  std::string normal = to_nfc(text);
  if (normal == text) return text;
  return loading.kept.emplace_back(std::move(normal));
}

std::string_view read_name(Loading& loading, const Node& node) {
  const std::string_view name = nfc(loading, node.scalar);
  std::size_t offset = 0;
  bool first = true;
  bool good = !name.empty();
  while (good && offset < name.size()) {
    const char32_t c = next_code_point(name, offset);
    good = is_letter(c) || (!first && (is_digit(c) || c == U'_'));
    first = false;
  }
  if (!good) {
    hint(loading, loading.report(DiagnosticId::BadName, node.span, {std::string(node.scalar)}),
         "a name is a letter, then letters, digits and `_`",
         "имя — это буква, а за ней буквы, цифры и `_`");
    return {};
  }
  const std::size_t odd = find_mixed_alphabet(name);
  if (odd != std::string_view::npos) {
    std::size_t after = odd;
    next_code_point(name, after);
    Diagnostic& problem =
        loading.report(DiagnosticId::MixedAlphabet, node.span,
                       {std::string(name), std::string(name.substr(odd, after - odd))});
    const std::string mended = unify_lookalikes(name);
    if (mended != name) {
      hint(loading, problem, "type it anew as `" + mended + "`", "наберите заново: `" + mended + "`");
    }
    return {};
  }
  if (find_word(name, in::Reserved) != Word::None) {
    hint(loading, loading.report(DiagnosticId::ReservedName, node.span, {std::string(name)}),
         "choose another name", "выберите другое имя");
    return {};
  }
  return name;
}

namespace {

/// Of nothing, the key that it should stand behind: YAML finds nothing only where the next line begins.
SourceSpan place_of(const Loading& loading, const Node& node) {
  if (node.kind != Node::Kind::Null || !loading.last_key) return node.span;
  const SourceSpan key = loading.last_key->span;
  const std::uint32_t end = key.offset + key.length;
  if (key.file != node.span.file || end > node.span.offset) return node.span;
  const std::string_view between = loading.sources.text(key.file).substr(end, node.span.offset - end);
  return between.find_first_not_of(": \t\r\n-") == between.npos ? key : node.span;
}

}  // namespace

std::optional<std::string_view> read_scalar(Loading& loading, const Node& node, std::string_view what) {
  if (node.is_scalar()) return node.scalar;
  loading.report(DiagnosticId::WantsText, place_of(loading, node), {std::string(what)});
  return std::nullopt;
}

std::optional<bool> read_boolean(Loading& loading, const Node& node, std::string_view what) {
  if (node.is_scalar()) {
    const Word word = find_word(to_lower(node.scalar), in::BooleanWord);
    if (word == Word::True) return true;
    if (word == Word::False || word == Word::Off) return false;
  }
  loading.report(DiagnosticId::WantsYesNo, node.span,
                 {std::string(what), std::string(node.scalar), loading.say(Word::True, node.span),
                  loading.say(Word::False, node.span)});
  return std::nullopt;
}

namespace {

/// `10 минут`, `2 hours` as a length of time is written: `10м`, `2h`; empty when it is no such thing.
std::string as_duration(std::string_view text, Language language) {
  struct Unit {
    std::string_view stem;  ///< how every form of the word begins
    const char* en;
    const char* ru;
  };
  static constexpr Unit kUnits[] = {
      {"сек", "s", "с"},   {"мин", "m", "м"},  {"час", "h", "ч"},  {"дн", "d", "д"},     {"день", "d", "д"},
      {"сут", "d", "д"},   {"нед", "w", "н"},  {"sec", "s", "с"},  {"min", "m", "м"},    {"hour", "h", "ч"},
      {"hr", "h", "ч"},    {"day", "d", "д"},  {"week", "w", "н"}, {"с", "s", "с"},      {"м", "m", "м"},
      {"ч", "h", "ч"},     {"д", "d", "д"},    {"н", "w", "н"},    {"s", "s", "с"},      {"m", "m", "м"},
      {"h", "h", "ч"},     {"d", "d", "д"},    {"w", "w", "н"},
  };
  const std::string lower = to_lower(trim(text));
  std::string result;
  std::string_view rest = lower;
  while (!rest.empty()) {
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    if (digits == 0 || digits > 9) return {};
    result += rest.substr(0, digits);
    rest = trim(rest.substr(digits));
    const std::size_t end = std::min(rest.find_first_of(" 0123456789"), rest.size());
    std::string_view word = rest.substr(0, end);
    if (!word.empty() && word.back() == '.') word.remove_suffix(1);
    const auto unit = std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& one) {
      // One letter is a unit by itself, not the beginning of any word.
      return one.stem.size() <= 2 && one.stem != "дн" && one.stem != "hr" ? word == one.stem
                                                                          : word.starts_with(one.stem);
    });
    if (unit == std::end(kUnits)) return {};
    result += language == Language::Russian ? unit->ru : unit->en;
    rest = trim(rest.substr(end));
  }
  return result;
}

}  // namespace

std::optional<Duration> read_duration(Loading& loading, const Node& node, std::string_view what) {
  if (node.is_scalar()) {
    const std::optional<Duration> duration = Duration::parse(node.scalar);
    if (duration && duration->ms >= 0) return duration;
  }
  Diagnostic& problem =
      loading.report(DiagnosticId::WantsDuration, node.span, {std::string(what), std::string(node.scalar)});
  const bool russian = node.span.file < loading.words_of_file.size() &&
                       loading.words_of_file[node.span.file] == Language::Russian;
  const std::string meant = node.is_scalar() ? as_duration(node.scalar, russian ? Language::Russian : Language::English) : "";
  if (Duration::parse(meant)) {
    hint(loading, problem, "write `" + meant + "`", "напишите `" + meant + "`");
    problem.fixes.push_back({"`" + meant + "`", {{node.span, meant}}, true});
    return Duration::parse(meant);
  }
  const std::string examples = russian ? "`30с`, `10м`, `2ч`, `3д`, `1н`" : "`30s`, `10m`, `2h`, `3d`, `1w`";
  hint(loading, problem, "for example " + examples, "например " + examples);
  return std::nullopt;
}

std::optional<Decimal> read_number(Loading& loading, const Node& node, std::string_view what) {
  if (node.is_scalar()) {
    if (const std::optional<Decimal> number = Decimal::parse(node.scalar)) return number;
  }
  loading.report(DiagnosticId::WantsNumber, node.span, {std::string(what), std::string(node.scalar)});
  return std::nullopt;
}

std::optional<std::int64_t> read_integer(Loading& loading, const Node& node, std::string_view what,
                                         std::int64_t least, std::int64_t most) {
  const std::optional<Decimal> number = read_number(loading, node, what);
  if (!number) return std::nullopt;
  const std::optional<std::int64_t> integer = number->to_int64();
  if (integer && *integer >= least && *integer <= most) return integer;
  loading.report(DiagnosticId::OutOfRange, node.span,
                 {std::string(what), std::to_string(least), std::to_string(most)});
  return std::nullopt;
}

std::optional<std::int64_t> read_size(Loading& loading, const Node& node, std::string_view what) {
  if (node.is_scalar()) {
    const std::string text = to_upper(trim(node.scalar));
    const std::size_t end = text.find_first_not_of("0123456789.");
    const std::string unit(end == std::string::npos
                               ? std::string_view()
                               : trim(std::string_view(text).substr(end)));
    std::int64_t factor = 0;
    if (unit.empty() || unit == "B" || unit == "Б") factor = 1;
    if (unit == "KB" || unit == "КБ" || unit == "K" || unit == "К") factor = 1024;
    if (unit == "MB" || unit == "МБ" || unit == "M" || unit == "М") factor = 1024 * 1024;
    if (unit == "GB" || unit == "ГБ" || unit == "G" || unit == "Г") factor = 1024 * 1024 * 1024;
    const std::optional<Decimal> number = Decimal::parse(text.substr(0, end));
    if (factor != 0 && number && !number->is_negative()) {
      const auto bytes = multiply(*number, Decimal(factor));
      if (bytes) {
        if (const auto whole = bytes->rounded(0).to_int64()) return whole;
      }
    }
  }
  hint(loading, loading.report(DiagnosticId::WantsSize, node.span,
                      {std::string(what), std::string(node.scalar)}),
       "for example `500KB` or `10MB`", "например `500КБ` или `10МБ`");
  return std::nullopt;
}

std::optional<TimeOfDay> read_time(Loading& loading, const Node& node, std::string_view what) {
  if (node.is_scalar()) {
    if (const std::optional<TimeOfDay> time = TimeOfDay::parse(node.scalar)) return time;
  }
  hint(loading, loading.report(DiagnosticId::WantsTime, node.span,
                      {std::string(what), std::string(node.scalar)}),
       "for example `\"09:00\"`", "например `\"09:00\"`");
  return std::nullopt;
}

std::optional<Zone> read_zone(Loading& loading, const Node& node, std::string_view what) {
  const auto name = read_scalar(loading, node, what);
  if (!name) return std::nullopt;
  const auto zone = Zone::find(*name);
  if (!zone) {
    hint(loading, loading.report(DiagnosticId::BadTimezone, node.span, {std::string(*name)}),
         "for example `Europe/Moscow`, `Asia/Yekaterinburg`", "например `Europe/Moscow`, `Asia/Yekaterinburg`");
  }
  return zone;
}

Word read_word(Loading& loading, const Node& node, Contexts contexts, std::string_view what) {
  if (!node.is_scalar()) {
    loading.report(DiagnosticId::WantsText, place_of(loading, node), {std::string(what)});
    return Word::None;
  }
  const Word word = find_word(nfc(loading, node.scalar), contexts);
  if (word == Word::None) {
    Diagnostic& problem = loading.report(DiagnosticId::UnknownValue, node.span,
                                         {std::string(what), std::string(node.scalar)});
    offer(loading, problem, node.scalar, spellings(contexts), true);
    if (problem.fixes.empty() && problem.hint_en.empty()) {
      std::string en, ru;
      for (const Word known : words(contexts)) {
        en += (en.empty() ? "`" : ", `") + std::string(spelling(known, Language::English)) + "`";
        ru += (ru.empty() ? "`" : ", `") + std::string(spelling(known, Language::Russian)) + "`";
      }
      hint(loading, problem, "one of " + en, "можно: " + ru);
    }
  }
  return word;
}

std::vector<const Node*> read_strings(Loading& loading, const Node& node, std::string_view what) {
  std::vector<const Node*> result;
  if (node.is_scalar()) return {&node};
  if (node.is_list()) {
    for (const Node& item : node.items) {
      if (item.is_scalar()) {
        result.push_back(&item);
      } else {
        loading.report(DiagnosticId::WantsText, item.span, {std::string(what)});
      }
    }
    return result;
  }
  loading.report(DiagnosticId::WantsList, node.span, {std::string(what)});
  return result;
}

Value read_constant(Loading& loading, const Node& node) {
  switch (node.kind) {
    case Node::Kind::Null:
      return {};
    case Node::Kind::Scalar: {
      const std::string_view text = node.scalar;
      if (!node.quoted && !text.empty() && text.find_first_not_of("0123456789.-") == text.npos) {
        const std::string_view digits = text.substr(text[0] == '-' ? 1 : 0);
        const bool leading_zero = digits.size() > 1 && digits[0] == '0' && digits[1] != '.';
        if (!leading_zero && !digits.empty() && digits[0] != '.' && digits.back() != '.') {
          if (const std::optional<Decimal> number = Decimal::parse(text)) return *number;
        }
      }
      return Value(text);
    }
    case Node::Kind::Sequence: {
      List list;
      list.reserve(node.items.size());
      for (const Node& item : node.items) list.push_back(read_constant(loading, item));
      return list;
    }
    case Node::Kind::Mapping: {
      ValueMap map;
      constexpr std::size_t kMost = 10'000;
      if (node.entries.size() > kMost) {
        loading.report(DiagnosticId::TooManyValues, {node.span.file, 0, 0}, {std::to_string(kMost)});
        return map;
      }
      for (const Node::Entry& entry : node.entries) {
        map.set(nfc(loading, entry.key.scalar), read_constant(loading, entry.value));
      }
      return map;
    }
  }
  return {};
}

std::string read_variable(Loading& loading, const Node& node, std::string_view what) {
  if (!read_scalar(loading, node, what)) return {};
  const std::string_view name = read_name(loading, node);
  if (name.empty()) return {};
  const Word system = find_word(name, in::SystemName);
  if (system != Word::None && system != Word::ValueWord && system != Word::Item) {
    loading.report(DiagnosticId::SystemNameTaken, node.span, {std::string(name)});
    return {};
  }
  loading.variables.emplace(name);
  return std::string(name);
}

std::string read_pattern(Loading& loading, const Node& node, std::string_view what) {
  const auto text = read_scalar(loading, node, what);
  if (!text) return {};
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  const RE2 pattern(re2::StringPiece(text->data(), text->size()), options);
  if (!pattern.ok()) {
    loading.report(DiagnosticId::BadPattern, node.span, {std::string(*text), pattern.error()});
    return {};
  }
  return std::string(*text);
}

bool is_identifier(std::string_view text) {
  std::size_t offset = 0;
  bool first = true;
  while (offset < text.size()) {
    const char32_t c = next_code_point(text, offset);
    const bool letter = c == U'_' ? !first : is_letter(c) || (!first && is_digit(c));
    if (!letter) return false;
    first = false;
  }
  return !first;
}

namespace {

constexpr std::string_view kAgentsOf = "agents of ";
constexpr std::string_view kAgentsOfRussian = "операторы линии ";

}  // namespace

std::string read_role(Loading& loading, const Node& node, std::string_view what) {
  const auto text = read_scalar(loading, node, what);
  if (!text) return {};
  const std::string_view role = trim(nfc(loading, *text));
  for (const std::string_view agents_of : {kAgentsOf, kAgentsOfRussian}) {
    if (role.rfind(agents_of, 0) != 0) continue;
    const DeskId desk = read_desk_name(loading, node, trim(role.substr(agents_of.size())), what);
    if (!desk) return {};
    loading.desk_is_used[desk.value] = 1;
    return std::string(kAgentsOf) + loading.program.desks[desk.value].name;
  }
  if (!is_identifier(role)) {
    hint(loading, loading.report(DiagnosticId::BadName, node.span, {std::string(role)}),
         "a role is a letter, then letters, digits and `_`",
         "роль — это буква, а за ней буквы, цифры и `_`");
    return {};
  }
  if (!loading.options.roles.empty() &&
      std::find(loading.options.roles.begin(), loading.options.roles.end(), role) ==
          loading.options.roles.end()) {
    Diagnostic& problem =
        loading.report(DiagnosticId::UnknownRole, node.span, {std::string(role)});
    offer(loading, problem, role, loading.options.roles, false);
    return {};
  }
  return std::string(role);
}

void not_available_yet(Loading& loading, SourceSpan span, std::string_view what) {
  loading.flow_is_known = false;
  hint(loading, loading.report(DiagnosticId::NotAvailableYet, span, {std::string(what)}),
       "it is a word of the language, and a later version will play it",
       "это слово языка, и его исполнит одна из следующих версий");
}

}  // namespace sufler
