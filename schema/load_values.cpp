#include <re2/re2.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "interpreter/core/reserved_tables.h"
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

std::string quoted_for_expression(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += '\\';
    if (c == '\n') {
      result += "\\n";
      continue;
    }
    result += c;
  }
  return result + "'";
}

/// A YAML list or map where an expression stands, `[1, 2]`, as the expression's own source.
bool append_expression_source(std::string& out, const Node& node, bool top) {
  switch (node.kind) {
    case Node::Kind::Null:
      out += "null";
      return !top;
    case Node::Kind::Scalar:
      out += node.quoted && !top ? quoted_for_expression(node.scalar) : std::string(node.scalar);
      return true;
    case Node::Kind::Sequence: {
      out += '[';
      bool first = true;
      for (const Node& item : node.items) {
        if (!std::exchange(first, false)) out += ", ";
        if (!append_expression_source(out, item, false)) return false;
      }
      out += ']';
      return true;
    }
    case Node::Kind::Mapping: {
      out += '{';
      bool first = true;
      for (const Node::Entry& entry : node.entries) {
        if (!std::exchange(first, false)) out += ", ";
        out += entry.key.scalar;
        out += ": ";
        if (!append_expression_source(out, entry.value, false)) return false;
      }
      out += '}';
      return true;
    }
  }
  return false;
}

bool has_root(const Loading& loading, std::string_view root) {
  return std::find(loading.local_names.begin(), loading.local_names.end(), root) !=
         loading.local_names.end();
}

bool is_column(const Loading& loading, std::string_view name) {
  if (!loading.table_in_scope) return false;
  const auto index = static_cast<std::uint32_t>(loading.table_in_scope - loading.program.tables.data());
  if (loading.implied_tables.count(index)) return true;  // which columns it has is known later
  if (name == "id" || name == "user_id" || name == "dialog_id" || name == "created_at") return true;
  const std::vector<Column>& columns = loading.table_in_scope->columns;
  return std::any_of(columns.begin(), columns.end(),
                     [name](const Column& column) { return column.name == name; });
}

void note_names(Loading& loading, const Node& node, std::vector<NameUse> names) {
  for (NameUse& use : names) {
    if (use.path.empty()) continue;
    if (has_root(loading, use.path[0]) || is_column(loading, use.path[0])) continue;
    if (loading.any_name && use.path[0] != "settings" && use.path[0] != "texts" &&
        use.path[0] != "user") {
      continue;
    }
    if (use.path[0] == "vars" && use.path.size() > 1) use.path.erase(use.path.begin());
    loading.uses.push_back({std::move(use.path), &node, use.offset, use.length, use.guarded});
  }
}

/// Keeps an expression for the checks: as it was written, and what the program has of it.
void note_expression(Loading& loading, const Node& node, std::uint32_t offset, const Expression& written,
                     const Expression& played, bool exact = true) {
  std::uint32_t table = UINT32_MAX;
  if (loading.table_in_scope) {
    table = static_cast<std::uint32_t>(loading.table_in_scope - loading.program.tables.data());
  }
  loading.expressions.push_back({written, played.identity(), &node, offset, exact, table, loading.any_name,
                                 loading.local_names});
}

/// The core knows `user`, `settings` and their fields by their English names only: Russian ones are put into
/// English here, so that a wholly Russian file works (LANGUAGE 13). Gives the source when it changed.
std::optional<std::string> with_english_names(const Loading& loading, std::string_view source,
                                              std::vector<NameUse>& names) {
  std::optional<std::string> result;
  std::vector<NameUse*> order;
  for (NameUse& use : names) {
    if (use.path.empty()) continue;
    const bool member = use.path.size() > 1 && is_russian_form(use.path[1]);
    if (member || is_russian_form(use.path[0])) order.push_back(&use);
  }
  // From the end, so that earlier offsets stay true.
  std::sort(order.begin(), order.end(),
            [](const NameUse* a, const NameUse* b) { return a->offset > b->offset; });
  std::uint32_t last = UINT32_MAX;
  for (NameUse* use : order) {
    const Word word = find_word(use->path[0], in::SystemName);
    const bool only_local = word == Word::ValueWord || word == Word::Item;
    if (word == Word::None || (only_local && !has_root(loading, use->path[0]) && !loading.any_name)) continue;
    if (use->offset == last) continue;
    const std::string& root = use->path[0];
    if (source.compare(use->offset, root.size(), root) != 0) continue;
    last = use->offset;
    if (!result) result = std::string(source);
    std::size_t replaced = root.size();
    std::string english(spelling(word, Language::English));
    if (use->path.size() > 1) {
      const Contexts fields = word == Word::User          ? Contexts{in::UserField}
                              : word == Word::MessageWord ? Contexts{in::MessageField}
                                                          : Contexts{0};
      const Word field = find_word(use->path[1], fields);
      const std::string written = "." + use->path[1];
      if (field != Word::None && source.compare(use->offset + replaced, written.size(), written) == 0) {
        replaced += written.size();
        use->path[1] = std::string(spelling(field, Language::English));
        english += "." + use->path[1];
      }
    }
    use->path[0] = std::string(spelling(word, Language::English));
    result->replace(use->offset, replaced, english);
  }
  return result;
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

AttachmentKind kind_of(std::string_view extension) {
  if (extension == "jpg" || extension == "jpeg" || extension == "png" || extension == "webp") {
    return AttachmentKind::Photo;
  }
  if (extension == "mp3" || extension == "m4a" || extension == "wav") return AttachmentKind::Audio;
  if (extension == "ogg" || extension == "opus") return AttachmentKind::Voice;
  if (extension == "mp4" || extension == "mov" || extension == "webm") return AttachmentKind::Video;
  return AttachmentKind::Document;
}

std::string mime_of(std::string_view extension) {
  static const std::unordered_map<std::string_view, const char*> known = {
      {"jpg", "image/jpeg"},      {"jpeg", "image/jpeg"},     {"png", "image/png"},
      {"webp", "image/webp"},     {"gif", "image/gif"},       {"pdf", "application/pdf"},
      {"txt", "text/plain"},      {"csv", "text/csv"},        {"html", "text/html"},
      {"mp3", "audio/mpeg"},      {"m4a", "audio/mp4"},       {"wav", "audio/wav"},
      {"ogg", "audio/ogg"},       {"opus", "audio/ogg"},      {"mp4", "video/mp4"},
      {"mov", "video/quicktime"}, {"webm", "video/webm"},     {"zip", "application/zip"},
      {"json", "application/json"}, {"doc", "application/msword"},
      {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
      {"xls", "application/vnd.ms-excel"},
      {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
  };
  const auto found = known.find(extension);
  return found == known.end() ? "application/octet-stream" : found->second;
}

std::string extension_of(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos || path.find('/', dot) != std::string_view::npos) return {};
  return to_lower(path.substr(dot + 1));
}

/// A file of the scenario's folder; reports what keeps it from being sent.
std::optional<Attachment> read_file_name(Loading& loading, const Node& node) {
  const std::string path(node.scalar);
  namespace fs = std::filesystem;
  const fs::path relative = fs::path(path).lexically_normal();
  const std::string normal = relative.generic_string();
  if (relative.is_absolute() || normal == ".." || normal.rfind("../", 0) == 0) {
    hint(loading, loading.report(DiagnosticId::FileOutside, node.span, {path}),
         "put the file into the folder and name it relative to that",
         "положите файл в эту папку и назовите его относительно неё");
    return std::nullopt;
  }
  Attachment file;
  file.origin = "scenario";
  file.reference = normal;
  file.name = relative.filename().string();
  const std::string extension = extension_of(normal);
  file.kind = kind_of(extension);
  file.mime = mime_of(extension);
  if (loading.on_disk) {
    std::error_code error;
    const fs::path root = fs::weakly_canonical(loading.program.folder, error);
    // A link could point anywhere and change after the check.
    fs::path step = root;
    for (const fs::path& part : relative) {
      step /= part;
      if (fs::is_symlink(fs::symlink_status(step, error))) {
        hint(loading, loading.report(DiagnosticId::FileOutside, node.span, {path}),
             "a link is not followed: copy the file itself",
             "это ссылка, по ней не ходят: скопируйте сам файл");
        return std::nullopt;
      }
    }
    if (!fs::is_regular_file(step, error)) {
      Diagnostic& problem = loading.report(DiagnosticId::MissingFile, node.span, {path});
      std::vector<std::string> beside;
      for (auto it = fs::directory_iterator(step.parent_path(), error);
           !error && it != fs::directory_iterator() && beside.size() < 200; it.increment(error)) {
        beside.push_back((relative.parent_path() / it->path().filename()).generic_string());
      }
      std::sort(beside.begin(), beside.end());
      offer(loading, problem, path, beside, false);
      return std::nullopt;
    }
    const auto size = fs::file_size(step, error);
    if (!error) file.size = static_cast<std::int64_t>(size);
  }
  return file;
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

std::optional<std::string_view> read_scalar(Loading& loading, const Node& node, std::string_view what) {
  if (node.is_scalar()) return node.scalar;
  loading.report(DiagnosticId::WantsText, node.span, {std::string(what)});
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

Word read_word(Loading& loading, const Node& node, Contexts contexts, std::string_view what) {
  if (!node.is_scalar()) {
    loading.report(DiagnosticId::WantsText, node.span, {std::string(what)});
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

namespace {

/// `{{ x }} == 1` as `x == 1`, `'Total {{ x }}'` as `'Total ' + x`; the same text when it has no braces, nothing
/// when they cannot be taken away for certain.
std::optional<std::string> without_braces(std::string_view text) {
  std::string result;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote && c == '\\') {
      result.append(text.substr(i++, 2));
      continue;
    }
    if (c == '\'' || c == '"') {
      if (!quote) {
        quote = c;
      } else if (quote == c) {
        quote = 0;
      }
    }
    if (text.substr(i, 2) != "{{") {
      result += c;
      continue;
    }
    const std::size_t end = text.find("}}", i);
    if (end == text.npos) return std::nullopt;
    std::string inner(trim(text.substr(i + 2, end - i - 2)));
    if (inner.empty() || (quote && inner.find_first_of("'\"") != inner.npos)) return std::nullopt;
    const bool alone = i == 0 && end + 2 == text.size();
    if (!alone && inner.find(' ') != inner.npos) inner = "(" + inner + ")";
    i = end + 1;
    if (!quote) {
      result += inner;
      continue;
    }
    // The text in quotes falls into pieces.
    if (result.back() == quote && (result.size() < 2 || result[result.size() - 2] != '\\')) {
      result.pop_back();
    } else {
      result += quote;
      result += " + ";
    }
    result += inner;
    if (i + 1 < text.size() && text[i + 1] == quote) {
      ++i;
      quote = 0;
    } else {
      result += " + ";
      result += quote;
    }
  }
  return result;
}

/// In YAML's quotes, when it may stand there as it is.
std::optional<std::string> in_quotes(std::string_view text) {
  if (text.find_first_of("\"\\\n") == text.npos) return "\"" + std::string(text) + "\"";
  if (text.find_first_of("'\n") == text.npos) return "'" + std::string(text) + "'";
  return std::nullopt;
}

/// Says that the braces of texts stand where an expression does.
bool refuse_braces(Loading& loading, const Node& node, std::string_view what) {
  const std::string_view text = trim(node.scalar);
  if (text.find("{{") == text.npos) return false;
  const std::optional<std::string> bare = without_braces(text);
  if (!bare || !Expression::parse(*bare)) return false;
  Diagnostic& problem =
      loading.report(DiagnosticId::BracesInExpression, node.span, {std::string(what)});
  hint(loading, problem, "leave the braces out: `" + *bare + "`", "уберите скобки: `" + *bare + "`");
  const std::optional<std::string> written = node.quoted ? in_quotes(*bare) : bare;
  if (written) problem.fixes.push_back({"`" + *bare + "`", {{node.span, *written}}, false});
  return true;
}

/// `new order`, `Скоро будем!`: words in a row, which no expression is.
bool looks_like_text(std::string_view text) {
  if (text.find(' ') == text.npos || text.find_first_of("+*/%<>=|()[]{}'\"\\\n") != text.npos) return false;
  std::size_t offset = 0;
  return is_letter(next_code_point(text, offset));
}

}  // namespace

std::optional<Expression> read_expression(Loading& loading, const Node& node, std::string_view what) {
  if (node.is_scalar()) {
    if (refuse_braces(loading, node, what)) return std::nullopt;
    Result<Expression, ExpressionError> parsed = Expression::parse(node.scalar);
    if (!parsed) {
      const ExpressionError& error = parsed.error();
      const std::string_view text = trim(node.scalar);
      if (error.problem == ExpressionProblem::Unexpected && !says_what_is_meant(error) && looks_like_text(text)) {
        const std::string quoted = "\"'" + std::string(text) + "'\"";
        Diagnostic& problem =
            error.found.empty()
                ? loading.report(DiagnosticId::ExpressionUnfinished,
                                 span_inside(node, loading.sources, error.offset, error.length))
                : loading.report(DiagnosticId::ExpressionUnexpected,
                                 span_inside(node, loading.sources, error.offset, error.length),
                                 {error.found});
        hint(loading, problem, "if a text is meant, put it in quotes twice: `" + quoted + "`",
             "если это просто текст, возьмите его в кавычки дважды: `" + quoted + "`");
        problem.fixes.push_back({"`" + quoted + "`", {{node.span, quoted}}, false});
        return std::nullopt;
      }
      ExpressionFindings findings = Expression::findings(node.scalar);
      for (const ExpressionError& one : findings.errors) report_expression_error(loading, one, node);
      note_names(loading, node, std::move(findings.names));
      return std::nullopt;
    }
    const Expression written = *parsed;
    std::vector<NameUse> names = parsed->names();
    if (const auto english = with_english_names(loading, node.scalar, names)) {
      parsed = Expression::parse(*english);
    }
    note_names(loading, node, std::move(names));
    if (parsed) note_expression(loading, node, 0, written, *parsed);
    return parsed ? std::optional<Expression>(*parsed) : std::nullopt;
  }
  if (node.kind == Node::Kind::Null) {
    loading.report(DiagnosticId::ExpressionEmpty, loading.last_key ? loading.last_key->span : node.span);
    return std::nullopt;
  }
  std::string source;
  append_expression_source(source, node, true);
  Result<Expression, ExpressionError> parsed = Expression::parse(source);
  if (!parsed) {
    report_expression_error(loading, parsed.error(), node);
    return std::nullopt;
  }
  std::vector<NameUse> names = parsed->names();
  for (NameUse& use : names) use.offset = use.length = 0;
  note_names(loading, node, std::move(names));
  note_expression(loading, node, 0, *parsed, *parsed, false);
  return *parsed;
}

namespace {

/// `settings.delivery` where `delivery: no` stands in the settings.
void check_setting_as_condition(Loading& loading, const Node& node) {
  const std::string_view text = node.scalar;
  struct Token {
    std::size_t offset;
    std::string_view text;
  };
  std::vector<Token> tokens;
  for (std::size_t at = 0; at < text.size();) {
    if (std::string_view(" ()\n").find(text[at]) != std::string_view::npos) {
      ++at;
      continue;
    }
    const std::size_t end = std::min(text.find_first_of(" ()\n", at), text.size());
    tokens.push_back({at, text.substr(at, end - at)});
    at = end;
  }
  const auto joins = [&](std::size_t index) {
    if (index >= tokens.size()) return true;  // the end, and before the beginning
    const Word word = find_word(tokens[index].text, in::Reserved);
    return word == Word::And || word == Word::Or || word == Word::Not;
  };
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string_view token = tokens[i].text;
    const std::size_t dot = token.find('.');
    if (dot == token.npos || find_word(token.substr(0, dot), in::SystemName) != Word::Settings) continue;
    if (!joins(i - 1) || !joins(i + 1)) continue;
    const auto setting = loading.settings.find(token.substr(dot + 1));
    if (setting == loading.settings.end()) continue;
    const Node& value = *setting->second.value;
    if (!value.is_scalar() || value.quoted || find_word(to_lower(value.scalar), in::BooleanWord) == Word::None) continue;
    Diagnostic& problem = loading.report(DiagnosticId::SettingIsText,
                                         span_inside(node, loading.sources, tokens[i].offset, token.size()),
                                         {std::string(token), std::string(value.scalar)});
    problem.related.push_back({"", setting->second.key->span});
    // What the author meant by asking: that it is on.
    static constexpr std::pair<std::string_view, std::string_view> kOn[] = {
        {"нет", "да"}, {"no", "yes"}, {"off", "on"}, {"выкл", "вкл"}, {"false", "true"}, {"ложь", "истина"}};
    std::string on(value.scalar);
    for (const auto& [off, opposite] : kOn) {
      if (to_lower(value.scalar) == off) on = opposite;
    }
    const std::string compared = std::string(token) + " == '" + on + "'";
    hint(loading, problem, "compare it: `" + compared + "`", "сравните его: `" + compared + "`");
  }
}

}  // namespace

std::optional<Expression> read_condition(Loading& loading, const Node& node, std::string_view what) {
  std::optional<Expression> condition = read_expression(loading, node, what);
  if (condition && node.is_scalar()) check_setting_as_condition(loading, node);
  return condition;
}

std::optional<Template> read_template(Loading& loading, const Node& node, std::string_view what) {
  if (!node.is_scalar()) {
    Diagnostic& problem = loading.report(DiagnosticId::WantsText, node.span, {std::string(what)});
    if (node.is_map()) {
      hint(loading, problem, "put the text in quotes", "возьмите текст в кавычки");
    }
    return std::nullopt;
  }
  Result<Template, Template::ParseError> parsed = Template::parse(node.scalar);
  if (!parsed) {
    ExpressionFindings findings = Template::findings(node.scalar);
    for (const ExpressionError& one : findings.errors) report_expression_error(loading, one, node);
    note_names(loading, node, std::move(findings.names));
    return std::nullopt;
  }
  if (parsed->is_constant()) return *parsed;
  const Template written = *parsed;
  std::vector<NameUse> names = parsed->names();
  if (const auto english = with_english_names(loading, node.scalar, names)) {
    parsed = Template::parse(*english);
  }
  note_names(loading, node, std::move(names));
  if (!parsed) return std::nullopt;
  for (std::size_t i = 0; i < written.expressions().size(); ++i) {
    note_expression(loading, node, written.offset_of(i), written.expressions()[i], parsed->expressions()[i]);
  }
  return *parsed;
}

std::optional<Expression> read_inserted(Loading& loading, const Node& node, std::string_view what) {
  if (!read_template(loading, node, what)) return std::nullopt;
  std::string_view inner = trim(node.scalar).substr(2);
  if (inner.size() >= 2 && inner.substr(inner.size() - 2) == "}}") inner.remove_suffix(2);
  inner = trim(inner);
  Result<Expression, ExpressionError> parsed = Expression::parse(inner);
  if (!parsed) return std::nullopt;
  std::vector<NameUse> names = parsed->names();
  if (const auto english = with_english_names(loading, inner, names)) parsed = Expression::parse(*english);
  // The template noted it; what plays is this copy.
  if (parsed && !loading.expressions.empty()) loading.expressions.back().identity = parsed->identity();
  return parsed ? std::optional<Expression>(*parsed) : std::nullopt;
}

Text read_text(Loading& loading, const Node& node, std::string_view what) {
  Text text;
  if (node.is_map()) {
    Fields fields(loading, node, in::TextKey, std::string(what));
    if (fields.has(Word::AnyOf)) {
      const Node& list = *fields.take(Word::AnyOf);
      if (!list.is_list() || list.items.empty()) {
        loading.report(DiagnosticId::WantsList, list.span, {fields.spelled(Word::AnyOf)});
      } else {
        for (const Node& item : list.items) {
          if (auto one = read_template(loading, item, what)) text.any_of.push_back(*one);
        }
      }
      fields.finish();
      return text;
    }
  }
  if (node.kind == Node::Kind::Null || (node.is_scalar() && trim(node.scalar).empty())) {
    const bool nothing = node.kind == Node::Kind::Null && loading.last_key;
    loading.report(DiagnosticId::EmptyText, nothing ? loading.last_key->span : node.span,
                   {std::string(what)});
    return text;
  }
  if (auto one = read_template(loading, node, what)) text.any_of.push_back(*one);
  return text;
}

std::vector<Assignment> read_assignments(Loading& loading, const Node& node, std::string_view what,
                                         bool declares_variables) {
  std::vector<Assignment> result;
  if (!node.is_map()) {
    loading.report(DiagnosticId::WantsMap, node.span, {std::string(what)});
    return result;
  }
  result.reserve(node.entries.size());
  for (const Node::Entry& entry : node.entries) {
    Assignment assignment;
    const std::string_view key = nfc(loading, entry.key.scalar);
    std::size_t from = 0;
    bool good = true;
    while (good && from <= key.size()) {
      const std::size_t dot = std::min(key.find('.', from), key.size());
      const std::string_view part = key.substr(from, dot - from);
      if (key.find('.') == key.npos) {
        good = !read_name(loading, entry.key).empty();
      } else if (!is_identifier(part)) {
        good = false;
        loading.report(DiagnosticId::BadName, entry.key.span, {std::string(key)});
      }
      assignment.path.emplace_back(part);
      from = dot + 1;
    }
    if (good) {
      const std::string& root = assignment.path[0];
      const Word system = find_word(root, in::SystemName);
      const bool shared_root = system == Word::User || system == Word::Shared;
      if (assignment.path.size() > 2 || (assignment.path.size() == 2 && !shared_root)) {
        hint(loading, loading.report(DiagnosticId::BadVariable, entry.key.span, {std::string(key)}),
             "a variable, `user.name` or `shared.name` can be set",
             "запомнить можно переменную, `user.имя` или `shared.имя`");
        good = false;
      } else if (assignment.path.size() == 2) {
        assignment.path[0] = std::string(spelling(system, Language::English));
        const Word field = system == Word::User ? find_word(assignment.path[1], in::UserField) : Word::None;
        if (field != Word::None) assignment.path[1] = std::string(spelling(field, Language::English));
        (system == Word::User ? loading.user_names : loading.shared_names)
            .insert(assignment.path[1]);
        static const char* const kFixed[] = {"id", "username", "platform", "created_at"};
        if (system == Word::User &&
            std::find(std::begin(kFixed), std::end(kFixed), assignment.path[1]) != std::end(kFixed)) {
          hint(loading, loading.report(DiagnosticId::BadVariable, entry.key.span, {std::string(key)}),
               "the platform says it", "его сообщает платформа");
        }
      } else if (system != Word::None && system != Word::ValueWord && system != Word::Item) {
        loading.report(DiagnosticId::SystemNameTaken, entry.key.span, {root});
        good = false;
      } else if (declares_variables) {
        loading.variables.insert(root);
      }
    }
    auto value = read_expression(loading, entry.value, key);
    if (value && good) {
      assignment.value = *value;
      result.push_back(std::move(assignment));
    }
  }
  return result;
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

std::string read_role(Loading& loading, const Node& node, std::string_view what) {
  const auto text = read_scalar(loading, node, what);
  if (!text) return {};
  const std::string_view role = trim(nfc(loading, *text));
  if (role.rfind("agents of ", 0) == 0 || role.rfind("операторы линии ", 0) == 0) {
    not_available_yet(loading, node.span, role);
    return {};
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

Attach read_attach(Loading& loading, const Node& node, std::string_view what) {
  Attach attach;
  auto add = [&](const Node& item, bool alone) {
    if (!item.is_scalar()) {
      loading.report(DiagnosticId::WantsText, item.span, {std::string(what)});
      return;
    }
    const std::string_view text = trim(item.scalar);
    const bool braces = text.substr(0, 2) == "{{";
    if (braces) {
      // Typed by habit of texts; inside stands the expression.
      if (auto inner = read_inserted(loading, item, what)) attach.expressions.push_back(*inner);
      return;
    }
    const bool path_like = text.find_first_of("./") != text.npos;
    bool is_file = path_like;
    if (path_like && alone) {
      // Bare, it may be an expression: `order.files`, `photos + documents`.
      const std::string_view root = text.substr(0, text.find_first_of("./"));
      is_file = text.find_first_of("|+[( ") == text.npos &&
                (text.find('/') != text.npos || !is_identifier(root) ||
                 (find_word(root, in::SystemName) == Word::None &&
                  mime_of(extension_of(text)) != "application/octet-stream"));
    }
    if (is_file) {
      if (auto file = read_file_name(loading, item)) attach.files.push_back(std::move(*file));
    } else if (auto expression = read_expression(loading, item, what)) {
      attach.expressions.push_back(*expression);
    }
  };
  if (node.is_list()) {
    for (const Node& item : node.items) add(item, false);
  } else {
    add(node, true);
  }
  return attach;
}

namespace {

/// What was written where a branch's name belongs, and cannot be one: a name with spaces, or a text.
void explain_bad_target(Loading& loading, Diagnostic& problem, std::string_view text, bool steps_fit) {
  if (text.empty()) return;
  // `Спасибо`: a name may begin with a capital letter, and a text does.
  const bool one_word = is_identifier(text);
  if (one_word && to_lower(text).compare(0, 2, text, 0, 2) == 0) return;
  std::string joined(text);
  std::replace(joined.begin(), joined.end(), ' ', '_');
  const auto spaces = std::count(text.begin(), text.end(), ' ');
  const std::string name =
      !one_word && is_identifier(joined) && spaces <= 3 ? "`" + joined + "`" : std::string();
  const std::string shown = text.find('\n') == text.npos ? std::string(first_code_points(text, 40)) : "…";
  const std::string say = "`- %say%: " + (shown.size() < text.size() ? shown + "…" : shown) + "`";
  std::string en, ru;
  if (!name.empty()) {
    en = "a name has no spaces: " + name;
    ru = "в имени не бывает пробелов: " + name;
  }
  if (steps_fit) {
    en += (en.empty() ? "" : "; ") + ("to send a text, write " + say + " on the next line");
    ru += (ru.empty() ? "" : "; ") + ("чтобы отправить текст, напишите на следующей строке " + say);
  }
  if (!en.empty()) hint(loading, problem, std::move(en), std::move(ru));
}

}  // namespace

BranchId read_branch_name(Loading& loading, const Node& node, std::string_view what, bool is_call,
                          bool steps_fit) {
  const auto text = read_scalar(loading, node, what);
  if (!text) return {};
  const std::string_view name = nfc(loading, *text);
  const auto found = loading.branches.find(name);
  if (found == loading.branches.end()) {
    loading.flow_is_known = false;
    Diagnostic& problem = loading.report(DiagnosticId::UnknownTarget, node.span,
                                         {std::string(what), std::string(*text)});
    if (may_offer(loading, loading.branches.size())) {
      std::vector<std::string> known;
      known.reserve(loading.branches.size());
      for (const Branch& branch : loading.program.branches) known.push_back(branch.name);
      offer(loading, problem, name, known, false);
    }
    if (problem.hint_en.empty()) explain_bad_target(loading, problem, trim(*text), steps_fit);
    return {};
  }
  const BranchId id{found->second.index};
  loading.branch_uses.push_back({loading.branch, id, is_call, node.span});
  return id;
}

bool check_table_name(Loading& loading, std::string_view name, SourceSpan span) {
  if (!is_reserved_table_name(name)) return true;
  hint(loading, loading.report(DiagnosticId::ReservedTable, span, {std::string(name)}),
       "give it another name, such as `my_" + std::string(name) + "`",
       "дайте ей другое имя, например `my_" + std::string(name) + "`");
  return false;
}

TableId read_table_name(Loading& loading, const Node& node, std::string_view what) {
  const auto text = read_scalar(loading, node, what);
  if (!text) return {};
  const std::string_view name = nfc(loading, *text);
  const auto found = loading.tables.find(name);
  if (found == loading.tables.end() && !loading.tables_described) {
    // A first scenario saves without describing a table: its columns are what is saved.
    if (read_name(loading, node).empty()) return {};
    check_table_name(loading, name, node.span);
    const auto index = static_cast<std::uint32_t>(loading.program.tables.size());
    Table table;
    table.name = std::string(name);
    table.span = node.span;
    loading.program.tables.push_back(std::move(table));
    loading.tables.emplace(name, Declared{index, &node, nullptr});
    loading.implied_tables[index].first_use = &node;
    return TableId{index};
  }
  if (found == loading.tables.end()) {
    loading.tables_are_known = false;
    Diagnostic& problem = loading.report(DiagnosticId::UnknownTable, node.span,
                                         {std::string(what), std::string(*text)});
    if (!may_offer(loading, loading.tables.size())) return {};
    std::vector<std::string> known;
    for (const Table& table : loading.program.tables) known.push_back(table.name);
    offer(loading, problem, name, known, false);
    if (known.empty()) {
      hint(loading, problem, "describe it in `%tables%`", "опишите её в `%tables%`");
    }
    return {};
  }
  return TableId{found->second.index};
}

void not_available_yet(Loading& loading, SourceSpan span, std::string_view what) {
  loading.flow_is_known = false;
  hint(loading, loading.report(DiagnosticId::NotAvailableYet, span, {std::string(what)}),
       "it is a word of the language, and a later version will play it",
       "это слово языка, и его исполнит одна из следующих версий");
}

}  // namespace sufler
