// Expressions, templates and the texts that hold them.
#include <algorithm>

#include "schema/loading.h"

namespace sufler {
namespace {

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

/// A condition of `assign` knows the agent, and neither the dialog nor the person.
void check_name_of_agent(Loading& loading, const Node& node, const NameUse& use) {
  const std::string& name = use.path[0];
  if (find_word(name, in::AssignName) != Word::None) return;
  const SourceSpan span = use.length ? span_inside(node, loading.sources, use.offset, use.length) : node.span;
  Diagnostic& problem = loading.report(DiagnosticId::UnknownOfAgent, span, {name});
  if (find_word(name, in::AssignWord) != Word::None) {
    hint(loading, problem, "it stands alone, as an item of its own: `[" + name + ", …]`",
         "оно стоит одно, отдельным пунктом списка: `[" + name + ", …]`");
    return;
  }
  offer(loading, problem, name, spellings(in::AssignName), false);
  if (!problem.fixes.empty() || !problem.hint_en.empty()) return;
  std::string known;
  for (const Word word : words(in::AssignName))
    known += (known.empty() ? "`" : ", `") + loading.say(word, node.span) + "`";
  hint(loading, problem, "known are " + known, "известны " + known);
}

void note_names(Loading& loading, const Node& node, std::vector<NameUse> names) {
  for (NameUse& use : names) {
    if (use.path.empty()) continue;
    if (loading.of_agent) {
      check_name_of_agent(loading, node, use);
      continue;
    }
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
                                 loading.local_names, loading.of_agent});
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
    const Word word = find_word(use->path[0], loading.of_agent ? in::AssignName : in::SystemName);
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
                              : word == Word::Handoff     ? Contexts{in::HandoffField}
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

}  // namespace

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

void report_too_large(Loading& loading, const Node& node) {
  hint(loading, loading.report(DiagnosticId::TextTooLarge, node.span,
                      {std::to_string(node.scalar.size()), std::to_string(loading.program.limits.text_bytes)}),
       "send it as a file: `%attach%: price.pdf`; or in several messages", "пришлите его файлом: `%attach%: price.pdf`; или несколькими сообщениями");
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
    if (findings.errors.empty()) report_too_large(loading, node);
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

std::optional<Template> read_file_template(Loading& loading, const Node& node, std::string_view text) {
  Result<Template, Template::ParseError> parsed = Template::parse(text);
  if (!parsed) {
    for (const ExpressionError& one : Template::findings(text).errors) report_expression_error(loading, one, node, 0, false);
    return std::nullopt;
  }
  if (parsed->is_constant()) return *parsed;
  const Template written = *parsed;
  std::vector<NameUse> names = parsed->names();
  if (const auto english = with_english_names(loading, text, names)) parsed = Template::parse(*english);
  for (NameUse& use : names) use.offset = use.length = 0;
  note_names(loading, node, std::move(names));
  if (!parsed) return std::nullopt;
  for (std::size_t i = 0; i < written.expressions().size(); ++i)
    note_expression(loading, node, 0, written.expressions()[i], parsed->expressions()[i], false);
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

}  // namespace sufler
