// Assistants (LANGUAGE 8): language models, what they know, and the branches that they may call.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "interpreter/core/assistants/answer.h"
#include "interpreter/core/assistants/request.h"
#include "interpreter/core/knowledge/piece.h"
#include "schema/loading.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostTools = 128;  // of one request, as servers have it
constexpr std::size_t kMostKnowledgeFiles = 1'000;
constexpr std::string_view kKnowledge[] = {".md", ".markdown", ".txt", ".csv", ".html", ".htm"};

std::string ending_of(std::string_view path) { return to_lower(fs::path(path).extension().string()); }

// ---- instructions

/// One word that ends in `.md` or `.txt` names a file; everything else is the text itself.
bool names_file(std::string_view text) {
  const std::string ending = ending_of(text);
  return text.find_first_of(" \t\n") == text.npos && (ending == ".md" || ending == ".txt");
}

std::optional<Template> read_instructions(Loading& loading, const Node& node, std::string_view what) {
  const auto text = read_scalar(loading, node, what);
  if (!text) return std::nullopt;
  if (trim(*text).empty()) {
    loading.report(DiagnosticId::EmptyText, node.span, {std::string(what)});
    return std::nullopt;
  }
  if (!names_file(trim(*text))) return read_template(loading, node, what);
  const auto file = read_file_name(loading, node);
  auto bytes = file ? bytes_of(loading, file->reference) : std::nullopt;
  if (!bytes) return std::nullopt;
  if (bytes->starts_with("\xEF\xBB\xBF")) bytes->erase(0, 3);
  if (trim(*bytes).empty()) {
    loading.report(DiagnosticId::EmptyText, node.span, {file->reference});
    return std::nullopt;
  }
  return read_file_template(loading, node, loading.kept.emplace_back(std::move(*bytes)));
}

// ---- knowledge

bool is_knowledge(std::string_view path) {
  const std::string ending = ending_of(path);
  return std::find(std::begin(kKnowledge), std::end(kKnowledge), ending) != std::end(kKnowledge);
}

/// `*` stands for any characters.
bool matches(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == pattern.npos) return pattern == name;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t at = star; at <= name.size(); ++at)
    if (matches(rest, name.substr(at))) return true;
  return false;
}

/// Files of one folder whose names fit; neither links nor what is hidden.
std::vector<std::string> files_that_fit(const Loading& loading, const fs::path& inside, const std::string& pattern) {
  std::vector<std::string> found;
  const auto fits = [&](const std::string& name) {
    return !name.empty() && name[0] != '.' && name[0] != '_' && matches(pattern, name) && is_knowledge(name);
  };
  for (const std::string& file : loading.options.other_files)
    if (fs::path(file).parent_path() == inside && fits(fs::path(file).filename().string())) found.push_back(file);
  std::error_code error;
  auto it = loading.on_disk ? fs::directory_iterator(fs::path(loading.program.folder) / inside, error) : fs::directory_iterator();
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    const std::string name = it->path().filename().string();
    if (it->is_symlink(ignored) || !it->is_regular_file(ignored)) continue;
    if (fits(name)) found.push_back((inside / name).generic_string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// A file that cannot be searched is said where it is named.
void check_knowledge(Loading& loading, const Node& node, const std::string& reference) {
  const auto bytes = loading.on_disk ? bytes_of(loading, reference) : std::nullopt;
  if (!bytes) return;
  const auto pieces = cut_knowledge(reference, *bytes);
  if (pieces) return;
  Diagnostic& problem = loading.report(DiagnosticId::UnreadKnowledge, node.span, {reference});
  // Nothing is lost with it.
  if (pieces.error().what == KnowledgeProblem::What::Empty) problem.severity = Severity::Warning;
  hint(loading, problem, explain(pieces.error(), Language::English), explain(pieces.error(), Language::Russian));
}

void read_knowledge(Loading& loading, const Node& node, std::string_view what, Assistant& assistant) {
  for (const Node* item : read_strings(loading, node, what)) {
    const std::string text(trim(item->scalar));
    const fs::path path = fs::path(text).lexically_normal();
    const std::string normal = path.generic_string();
    if (path.is_absolute() || normal == ".." || normal.starts_with("../")) {
      hint(loading, loading.report(DiagnosticId::FileOutside, item->span, {text}),
           "put the file into the folder and name it relative to that",
           "положите файл в эту папку и назовите его относительно неё");
      continue;
    }
    const std::string name = path.filename().string();
    if (name.find('*') == name.npos) {
      if (!is_knowledge(normal)) {
        loading.report(DiagnosticId::NotKnowledge, item->span, {text});
      } else if (const auto file = read_file_name(loading, *item)) {
        check_knowledge(loading, *item, file->reference);
        assistant.knowledge.push_back(file->reference);
      }
      continue;
    }
    if (!loading.on_disk && loading.options.other_files.empty()) continue;
    std::vector<std::string> found = files_that_fit(loading, path.parent_path(), name);
    if (found.empty()) {
      hint(loading, loading.report(DiagnosticId::MissingFile, item->span, {text}),
           "put texts there: Markdown, txt, csv or html", "положите туда тексты: Markdown, txt, csv или html");
    }
    for (std::string& one : found) {
      check_knowledge(loading, *item, one);
      loading.files.insert(one);
      assistant.knowledge.push_back(std::move(one));
    }
  }
  std::sort(assistant.knowledge.begin(), assistant.knowledge.end());
  assistant.knowledge.erase(std::unique(assistant.knowledge.begin(), assistant.knowledge.end()), assistant.knowledge.end());
  if (assistant.knowledge.size() > kMostKnowledgeFiles)
    loading.report(DiagnosticId::OutOfRange, node.span, {std::string(what), "1", std::to_string(kMostKnowledgeFiles)});
}

// ---- memory, limits

void read_memory(Loading& loading, const Node& node, const std::string& what, Assistant::Memory& memory) {
  if (!node.is_map()) {
    hint(loading, loading.report(DiagnosticId::WantsMap, node.span, {what}),
         "for example `{%last%: 15, %budget%: 4000}`", "например `{%last%: 15, %budget%: 4000}`");
    return;
  }
  Fields fields(loading, node, in::MemoryKey, what);
  if (const Node* last = fields.take(Word::Last))
    memory.last = static_cast<std::uint32_t>(
        read_integer(loading, *last, fields.spelled(Word::Last), 1, 100).value_or(memory.last));
  if (const Node* facts = fields.take(Word::Facts)) memory.facts = read_expression(loading, *facts, fields.spelled(Word::Facts));
  if (const Node* budget = fields.take(Word::Budget))
    memory.budget = static_cast<std::uint32_t>(
        read_integer(loading, *budget, fields.spelled(Word::Budget), 200, 1'000'000).value_or(memory.budget));
  if (const Node* shared = fields.take(Word::SharedMemory))
    memory.shared = read_boolean(loading, *shared, fields.spelled(Word::SharedMemory)).value_or(false);
  if (const Node* summary = fields.take(Word::Summary))
    memory.summary = read_boolean(loading, *summary, fields.spelled(Word::Summary)).value_or(true);
  fields.finish();
}

void read_quota(Loading& loading, const Node& node, const std::string& what, Assistant& assistant) {
  const auto text = read_scalar(loading, node, what);
  if (!text) return;
  const std::size_t slash = text->find('/');
  const auto count = Decimal::parse(trim(text->substr(0, slash)));
  const auto number = count ? count->to_int64() : std::nullopt;
  const Word period = slash == text->npos ? Word::None : find_word(to_lower(trim(text->substr(slash + 1))), in::QuotaPeriod);
  if (!number || *number < 1 || *number > 1'000'000 || period == Word::None) {
    hint(loading, loading.report(DiagnosticId::WantsQuota, node.span, {what, std::string(*text)}),
         "for example `50/day`; also `/hour`, `/week`", "например `50/день`; ещё бывает `/час`, `/неделю`");
    return;
  }
  using Per = Assistant::Quota::Per;
  assistant.per_user = Assistant::Quota{period == Word::Hour ? Per::Hour : period == Word::Week ? Per::Week : Per::Day,
                                        static_cast<std::uint32_t>(*number)};
}

void read_limits(Loading& loading, const Node& node, const std::string& what, Assistant& assistant) {
  if (!node.is_map()) {
    hint(loading, loading.report(DiagnosticId::WantsMap, node.span, {what}),
         "for example `{%per_user%: 50/day, %reply%: 800}`", "например `{%per_user%: 50/день, %reply%: 800}`");
    return;
  }
  Fields fields(loading, node, in::AssistantLimit, what);
  if (const Node* quota = fields.take(Word::PerUser)) read_quota(loading, *quota, fields.spelled(Word::PerUser), assistant);
  if (const Node* reply = fields.take(Word::Reply))
    assistant.reply = static_cast<std::uint32_t>(
        read_integer(loading, *reply, fields.spelled(Word::Reply), 16, 100'000).value_or(0));
  fields.finish();
}

void read_links(Loading& loading, const Node& node, std::string_view what, Assistant& assistant) {
  for (const Node* item : read_strings(loading, node, what)) {
    const std::vector<std::string> hosts = hosts_in(item->scalar);
    if (hosts.empty()) {
      hint(loading, loading.report(DiagnosticId::UnknownValue, item->span, {std::string(what), std::string(item->scalar)}),
           "a host, such as `example.com`", "адрес сайта, например `example.ru`");
    }
    assistant.links.insert(assistant.links.end(), hosts.begin(), hosts.end());
  }
}

void check_model(Loading& loading, SourceSpan span, std::string_view name) {
  const auto& known = loading.options.models;
  if (!known || std::find(known->begin(), known->end(), name) != known->end()) return;
  Diagnostic& problem = loading.report(DiagnosticId::UnknownModel, span, {std::string(name)});
  offer(loading, problem, name, *known, false);
  if (problem.hint_en.empty()) {
    hint(loading, problem, "connect it in sufler.yaml: `models: {" + std::string(name) + ": {url: …, key: …, model: …}}`",
         "подключите её в sufler.yaml: `models: {" + std::string(name) + ": {url: …, key: …, model: …}}`");
  }
}

std::string read_model(Loading& loading, const Node& node, std::string_view what) {
  const auto text = read_scalar(loading, node, what);
  if (!text) return {};
  const std::string_view name = trim(nfc(loading, *text));
  if (!is_identifier(name)) {
    hint(loading, loading.report(DiagnosticId::BadName, node.span, {std::string(name)}),
         "name a connection of `models:` in sufler.yaml: a letter, then letters, digits and `_`",
         "назовите подключение из `models:` в sufler.yaml: буква, а за ней буквы, цифры и `_`");
    return {};
  }
  check_model(loading, node.span, name);
  return std::string(name);
}

// ---- tools

/// What a model may call: letters, digits, `_` and `-`.
std::string function_name(const std::string& name, std::size_t position) {
  const bool good = name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
                    });
  return good ? name : "function_" + std::to_string(position + 1);
}

void read_tool(Loading& loading, const Node::Entry& entry, std::uint32_t assistant, Assistant::Tool& tool, std::uint32_t position) {
  const Node& node = entry.value;
  if (node.is_scalar()) {
    // `operator: call_operator`: what it is for stands in the branch's `about`.
    tool.branch = read_branch_name(loading, node, tool.name, true);
    return;
  }
  if (!node.is_map()) {
    hint(loading, loading.report(DiagnosticId::WantsMap, entry.key.span, {tool.name}),
         "for example `{%branch%: contacts, %about%: The client wants to be called back}`",
         "например `{%branch%: контакты, %about%: Клиент просит перезвонить}`");
    return;
  }
  Fields fields(loading, node, in::ToolKey, tool.name);
  if (const Node* branch = fields.require(Word::Branch))
    tool.branch = read_branch_name(loading, *branch, fields.spelled(Word::Branch), true);
  if (const Node* about = fields.take(Word::About))
    if (const auto text = read_scalar(loading, *about, fields.spelled(Word::About))) tool.about = std::string(trim(*text));
  if (const Node* with = fields.take(Word::With)) {
    FieldUse use;
    use.assistant = assistant;
    use.tool = position;
    tool.with = read_fields(loading, *with, fields.spelled(Word::With), use);
  }
  fields.finish();
}

void read_tools(Loading& loading, const Node& node, const std::string& what, std::uint32_t index) {
  if (!node.is_map()) {
    hint(loading, loading.report(DiagnosticId::WantsMap, node.span, {what}),
         "each on its own line: `leave_contacts: {%branch%: contacts, %about%: …}`",
         "каждый с новой строки: `оставить_контакты: {%branch%: контакты, %about%: …}`");
    return;
  }
  if (node.entries.size() > kMostTools)
    loading.report(DiagnosticId::OutOfRange, node.span, {what, "1", std::to_string(kMostTools)});
  for (const Node::Entry& entry : node.entries) {
    const std::string_view name = read_name(loading, entry.key);
    Assistant::Tool tool;
    tool.name = std::string(name.empty() ? nfc(loading, entry.key.scalar) : name);
    tool.span = entry.key.span;
    const auto position = static_cast<std::uint32_t>(loading.program.assistants[index].tools.size());
    tool.function = function_name(tool.name, position);
    read_tool(loading, entry, index, tool, position);
    loading.program.assistants[index].tools.push_back(std::move(tool));
  }
}

void load_assistant(Loading& loading, const Declared& declared) {
  const Node& node = *declared.value;
  Assistant assistant = loading.program.assistants[declared.index];
  if (!node.is_map()) {
    hint(loading, loading.report(DiagnosticId::WantsMap, declared.key->span, {assistant.name}),
         "for example `{%instructions%: prompts/consultant.md, %otherwise%: operator}`",
         "например `{%instructions%: prompts/consultant.md, %otherwise%: оператор}`");
    return;
  }
  Fields fields(loading, node, in::AssistantKey, assistant.name);
  if (const Node* model = fields.take(Word::Model)) {
    std::string name = read_model(loading, *model, fields.spelled(Word::Model));
    if (!name.empty()) assistant.model = std::move(name);
  } else {
    check_model(loading, declared.key->span, assistant.model);
  }
  if (const Node* text = fields.take(Word::Instructions))
    assistant.instructions = read_instructions(loading, *text, fields.spelled(Word::Instructions));
  if (const Node* knowledge = fields.take(Word::Knowledge))
    read_knowledge(loading, *knowledge, fields.spelled(Word::Knowledge), assistant);
  if (const Node* memory = fields.take(Word::Memory)) read_memory(loading, *memory, fields.spelled(Word::Memory), assistant.memory);
  if (const Node* limits = fields.take(Word::LimitsWord)) read_limits(loading, *limits, fields.spelled(Word::LimitsWord), assistant);
  if (const Node* gather = fields.take(Word::Gather)) {
    const bool off = gather->is_scalar() && (find_word(to_lower(gather->scalar), in::BooleanWord) == Word::Off ||
                                             find_word(to_lower(gather->scalar), in::BooleanWord) == Word::False);
    assistant.gather = off ? Duration{0} : read_duration(loading, *gather, fields.spelled(Word::Gather)).value_or(assistant.gather);
    if (assistant.gather.ms > 30'000)
      loading.report(DiagnosticId::OutOfRange, gather->span, {fields.spelled(Word::Gather), "0s", "30s"});
  }
  if (const Node* links = fields.take(Word::Links)) read_links(loading, *links, fields.spelled(Word::Links), assistant);
  if (assistant.instructions) {
    const std::vector<std::string> hosts = hosts_in(assistant.instructions->source());
    assistant.links.insert(assistant.links.end(), hosts.begin(), hosts.end());
  }
  if (const Node* otherwise = fields.take(Word::Otherwise))
    assistant.otherwise = read_target(loading, *otherwise, fields.spelled(Word::Otherwise));
  loading.program.assistants[declared.index] = std::move(assistant);
  if (const Node* tools = fields.take(Word::Tools)) read_tools(loading, *tools, fields.spelled(Word::Tools), declared.index);
  fields.finish();
}

void check_told(Loading& loading, QuestionId id, SourceSpan span) {
  const Question& question = loading.program.question(id);
  if (can_be_told(question.type)) return;
  std::string type;
  switch (question.type) {
    case QuestionType::Photo: type = loading.say(Word::Photo, span); break;
    case QuestionType::File: type = loading.say(Word::FileWord, span); break;
    case QuestionType::Files: type = loading.say(Word::Files, span); break;
    case QuestionType::Location: type = loading.say(Word::Location, span); break;
    default: type = loading.say(Word::Contact, span); break;
  }
  hint(loading, loading.report(DiagnosticId::UntoldType, span, {question.name, type}),
       "ask the person for it in the branch", "спросите это у человека в самой ветке");
}

void check_budget(Loading& loading, const Declared& declared) {
  const Assistant& assistant = loading.program.assistants[declared.index];
  if (!assistant.instructions) return;
  std::int64_t tokens = estimate_tokens(assistant.instructions->source()) + estimate_tokens(house_rules(loading.program.language));
  for (const Assistant::Tool& tool : assistant.tools)
    tokens += estimate_tokens(tool.about) + estimate_tokens(schema_of(loading.program, tool.with));
  if (tokens * 10 <= std::int64_t{assistant.memory.budget} * 9) return;
  SourceSpan span = declared.key->span;
  for (const Node::Entry& entry : declared.value->entries) {
    if (find_word(entry.key.scalar, in::AssistantKey) != Word::Memory || !entry.value.is_map()) continue;
    for (const Node::Entry& inner : entry.value.entries)
      if (find_word(inner.key.scalar, in::MemoryKey) == Word::Budget) span = inner.value.span;
  }
  const std::string enough = std::to_string((tokens * 2 + 999) / 1000 * 1000);
  hint(loading, loading.report(DiagnosticId::BudgetTooSmall, span, {std::to_string(tokens), std::to_string(assistant.memory.budget)}),
       "nothing is left for the talk: shorten the instructions, or write `%memory%: {%budget%: " + enough + "}`",
       "для разговора не осталось места: сократите инструкции или напишите `%memory%: {%budget%: " + enough + "}`");
}

QuestionId find_field(Loading& loading, const FieldUse& use) {
  if (const auto common = loading.questions.find(use.name); common != loading.questions.end()) {
    loading.question_is_asked.resize(std::max<std::size_t>(loading.question_is_asked.size(), common->second.index + 1));
    loading.question_is_asked[common->second.index] = 1;
    return QuestionId{common->second.index};
  }
  if (const auto described = loading.inline_questions.find(use.name); described != loading.inline_questions.end())
    return QuestionId{described->second.front()};
  Diagnostic& problem = loading.report(DiagnosticId::ArgumentWithoutType, use.node->span, {std::string(use.name)});
  std::vector<std::string> known;
  for (const auto& [name, declared] : loading.questions) known.emplace_back(name);
  std::sort(known.begin(), known.end());
  offer(loading, problem, use.name, known, false);
  if (problem.hint_en.empty())
    hint(loading, problem, "say its type: `{" + std::string(use.name) + ": %text%}`", "назовите тип: `{" + std::string(use.name) + ": %text%}`");
  return {};
}

}  // namespace

std::vector<QuestionId> read_fields(Loading& loading, const Node& node, std::string_view what, FieldUse use) {
  std::vector<QuestionId> fields;
  if (!node.is_map()) {
    const std::vector<const Node*> names = read_strings(loading, node, what);
    if (names.empty() && node.is_list()) loading.report(DiagnosticId::NoOptions, node.span, {std::string(what)});
    for (const Node* name : names) {
      use.position = static_cast<std::uint32_t>(fields.size());
      use.name = nfc(loading, name->scalar);
      use.node = name;
      loading.variables.emplace(use.name);
      loading.field_uses.push_back(use);
      fields.emplace_back();
    }
    return fields;
  }
  if (node.entries.empty()) loading.report(DiagnosticId::NoOptions, node.span, {std::string(what)});
  for (const Node::Entry& entry : node.entries) {
    const std::string name = read_variable(loading, entry.key, what);
    if (name.empty()) continue;
    Question question;
    question.name = name;
    question.span = entry.key.span;
    if (entry.value.is_map()) {
      Fields inner(loading, entry.value, in::QuestionKey, name);
      read_question(loading, inner, question);
      inner.finish();
    } else if (entry.value.kind == Node::Kind::Null) {
      hint(loading, loading.report(DiagnosticId::ArgumentWithoutType, entry.key.span, {name}),
           "say its type: `" + name + ": %text%`", "назовите тип: `" + name + ": %text%`");
    } else {
      const Word type = read_word(loading, entry.value, in::QuestionType, name);
      if (type != Word::None) question.type = question_type(type);
    }
    const QuestionId id{static_cast<std::uint32_t>(loading.program.questions.size())};
    loading.program.questions.push_back(std::move(question));
    check_told(loading, id, entry.value.kind == Node::Kind::Null ? entry.key.span : entry.value.span);
    fields.push_back(id);
  }
  return fields;
}

AssistantId read_assistant_name(Loading& loading, const Node& node, std::string_view what) {
  const auto text = read_scalar(loading, node, what);
  if (!text) return {};
  const std::string_view name = nfc(loading, trim(*text));
  const auto found = loading.assistants.find(name);
  if (found != loading.assistants.end()) {
    loading.assistant_is_used.resize(loading.program.assistants.size());
    loading.assistant_is_used[found->second.index] = 1;
    return AssistantId{found->second.index};
  }
  loading.assistants_are_known = false;
  Diagnostic& problem = loading.report(DiagnosticId::UnknownAssistant, node.span, {std::string(what), std::string(*text)});
  std::vector<std::string> known;
  for (const Assistant& assistant : loading.program.assistants) known.push_back(assistant.name);
  offer(loading, problem, name, known, false);
  if (known.empty()) hint(loading, problem, "describe it in `%assistants%`", "опишите его в `%assistants%`");
  return {};
}

void load_assistants(Loading& loading) {
  in_order(loading.assistants, [&](const Declared& declared) { load_assistant(loading, declared); });
}

void complete_assistants(Loading& loading) {
  Program& program = loading.program;
  for (const FieldUse& use : loading.field_uses) {
    const QuestionId id = find_field(loading, use);
    if (id) check_told(loading, id, use.node->span);
    if (use.step) {
      if (auto* step = std::get_if<AssistantStep>(&program.steps[use.step.value].verb)) step->fields[use.position] = id;
    } else {
      program.assistants[use.assistant].tools[use.tool].with[use.position] = id;
    }
  }
  for (Assistant& assistant : program.assistants) {
    for (Assistant::Tool& tool : assistant.tools) {
      if (!tool.about.empty() || !tool.branch) continue;
      tool.about = program.branch(tool.branch).about;
      if (!tool.about.empty()) continue;
      hint(loading, loading.report(DiagnosticId::MissingField, tool.span, {loading.say(Word::About, tool.span), tool.name}),
           "say when the model is to call it: `%about%: The client wants to be called back`",
           "напишите, когда модели его вызывать: `%about%: Клиент просит перезвонить`");
    }
    // What was not understood is said; the program is played by nobody then.
    for (Assistant::Tool& tool : assistant.tools) std::erase_if(tool.with, [](QuestionId id) { return !id; });
    std::erase_if(assistant.tools, [](const Assistant::Tool& tool) { return !tool.branch; });
  }
  for (Step& step : program.steps)
    if (auto* assistant = std::get_if<AssistantStep>(&step.verb)) std::erase_if(assistant->fields, [](QuestionId id) { return !id; });
  in_order(loading.assistants, [&](const Declared& declared) { check_budget(loading, declared); });
}

}  // namespace sufler
