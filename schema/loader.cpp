// The way of a scenario from files to a Program: see loading.h for the three passes.
#include "schema/loader.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "interpreter/core/fnv.h"
#include "interpreter/core/sha256.h"
#include "schema/loading.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;

/// A section of the whole scenario, joined of all files.
struct Sections {
  const Node* scenario = nullptr;
  const Node* title = nullptr;
  const Node* language = nullptr;
  const Node* timezone = nullptr;
  const Node* start = nullptr;
  const Node* fallback = nullptr;
  const Node* on_error = nullptr;
  std::vector<const Node*> phrases, moved, ensure;
};

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// The version of a scenario: a mark of all its files.
class Hash {
 public:
  void add(std::string_view bytes) { hash_.bytes(bytes).number(bytes.size()); }
  std::string hex() const {
    std::string result(16, '0');
    std::uint64_t rest = hash_.value();
    for (std::size_t i = 16; i-- > 0; rest >>= 4) result[i] = "0123456789abcdef"[rest & 15];
    return result;
  }

 private:
  Fnv1a hash_;
};

/// Which form of the words the author uses: that of most keys on top of the file.
Language words_of(const Node& root) {
  int russian = 0, english = 0;
  for (const Node::Entry& entry : root.entries) {
    if (find_word(entry.key.scalar, in::Top) == Word::None) continue;
    (is_russian_form(entry.key.scalar) ? russian : english) += 1;
  }
  return russian > english ? Language::Russian : Language::English;
}

/// Declares every name of a section, so that bodies may refer to it before it is read.
template <class Make>
void declare(Loading& loading, NameIndex& index, const Node& section, std::string_view what, Make make) {
  if (section.kind == Node::Kind::Null) return;
  if (!section.is_map()) {
    hint(loading, loading.report(DiagnosticId::WantsMap, section.span, {std::string(what)}),
         section.is_list() ? "a name stands here before each, without `- `" : "",
         section.is_list() ? "перед каждым здесь стоит имя, без `- `" : "");
    return;
  }
  index.reserve(index.size() + section.entries.size());
  for (const Node::Entry& entry : section.entries) {
    std::string_view name = read_name(loading, entry.key);
    // A name that cannot be one is declared all the same, or each use of it would be a problem of its own.
    if (name.empty()) name = nfc(loading, entry.key.scalar);
    const auto [found, fresh] =
        index.emplace(name, Declared{static_cast<std::uint32_t>(index.size()), &entry.key, &entry.value});
    if (!fresh) {
      Diagnostic& problem =
          loading.report(DiagnosticId::DuplicateName, entry.key.span, {std::string(name)});
      problem.related.push_back({"", found->second.key->span});
      hint(loading, problem, "rename one of them or leave it out", "переименуйте одно из них или уберите");
      continue;
    }
    make(std::string(name), entry.key);
  }
}

/// Declares what the program has a list of; `judge` may say what is wrong with a name.
template <class Thing, class Judge>
void declare_all(Loading& loading, NameIndex& index, const Node& section, std::string_view what,
                 std::vector<Thing>& things, Judge judge) {
  declare(loading, index, section, what, [&](std::string name, const Node& node) {
    judge(name, node);
    Thing thing;
    thing.name = std::move(name);
    thing.span = node.span;
    things.push_back(std::move(thing));
  });
}
template <class Thing>
void declare_all(Loading& loading, NameIndex& index, const Node& section, std::string_view what,
                 std::vector<Thing>& things) {
  declare_all(loading, index, section, what, things, [](const std::string&, const Node&) {});
}

void once(Loading& loading, const Node*& slot, const Node& key, const Node& value) {
  if (slot) {
    Diagnostic& problem =
        loading.report(DiagnosticId::DuplicateName, key.span, {std::string(key.scalar)});
    problem.related.push_back({"", slot->span});
    return;
  }
  slot = &value;
}

void declare_file(Loading& loading, const Node& root, Sections& sections) {
  Program& program = loading.program;
  Fields fields(loading, root, in::Top, loading.sources.path(root.span.file));
  for (const Fields::Item& item : fields.items()) {
    if (item.word == Word::None) continue;
    const Node& key = item.entry->key;
    const Node& value = item.entry->value;
    // A section that stands here a second time is a mistake, said already; its names are no strangers for that.
    const bool again = item.taken;
    if (again && !value.is_map()) continue;
    if (!again) fields.take(item.word);
    switch (item.word) {
      case Word::Scenario: once(loading, sections.scenario, key, value); break;
      case Word::Title: once(loading, sections.title, key, value); break;
      case Word::LanguageWord: once(loading, sections.language, key, value); break;
      case Word::Timezone: once(loading, sections.timezone, key, value); break;
      case Word::Start: once(loading, sections.start, key, value); break;
      case Word::Fallback: once(loading, sections.fallback, key, value); break;
      case Word::OnError: once(loading, sections.on_error, key, value); break;
      case Word::Settings:
        declare(loading, loading.settings, value, key.scalar, [](std::string, const Node&) {});
        break;
      case Word::Texts:
        declare(loading, loading.texts, value, key.scalar, [](std::string, const Node&) {});
        break;
      case Word::Branches:
        declare_all(loading, loading.branches, value, key.scalar, program.branches);
        break;
      case Word::Questions:
        declare_all(loading, loading.questions, value, key.scalar, program.questions,
                    [&](const std::string& name, const Node& node) {
                      if (find_word(name, in::SystemName) == Word::None) return;
                      hint(loading, loading.report(DiagnosticId::SystemNameTaken, node.span, {name}),
                           "choose another name", "выберите другое имя");
                    });
        break;
      case Word::Commands:
        declare_all(loading, loading.commands, value, key.scalar, program.commands);
        break;
      case Word::Tables:
        loading.tables_described = true;
        declare_all(loading, loading.tables, value, key.scalar, program.tables,
                    [&](const std::string& name, const Node& node) { check_table_name(loading, name, node.span); });
        break;
      case Word::Handoff:
        declare_all(loading, loading.handoffs, value, key.scalar, program.handoffs);
        break;
      case Word::Desks:
        declare(loading, loading.desks, value, key.scalar, [&](std::string name, const Node& node) {
          Desk desk;
          desk.name = std::move(name);
          desk.span = node.span;
          program.desks.push_back(std::move(desk));
        });
        break;
      case Word::Assistants:
        declare_all(loading, loading.assistants, value, key.scalar, program.assistants);
        break;
      case Word::Schedules:
        declare_all(loading, loading.schedules, value, key.scalar, program.schedules);
        break;
      case Word::Events:
        declare_all(loading, loading.events, value, key.scalar, loading.happenings.all);
        break;
      case Word::PhrasesWord: sections.phrases.push_back(&value); break;
      case Word::Moved: sections.moved.push_back(&value); break;
      case Word::Ensure: sections.ensure.push_back(&value); break;
      default: break;
    }
  }
  if (const Node* tests = fields.take_unknown(in::TalkFile)) {
    hint(loading, loading.report(DiagnosticId::UnknownKey, tests->span, {std::string(tests->scalar), fields.where()}),
         "talks stand in a file of their own beside the scenario, `NAME.test.yaml`",
         "разговоры пишут в отдельном файле рядом со сценарием, `ИМЯ.test.yaml`");
  }
  fields.finish();
}

void read_head(Loading& loading, const Sections& sections) {
  Program& program = loading.program;
  const SourceSpan top{0, 0, 0};
  if (!sections.scenario) {
    hint(loading, loading.report(DiagnosticId::MissingField, top,
                        {loading.say(Word::Scenario, top), loading.sources.path(0)}),
         "begin the file with `%scenario%: name`", "начните файл со строки `%scenario%: имя`");
  } else if (const auto id = read_scalar(loading, *sections.scenario, "scenario")) {
    const bool good = !id->empty() && std::all_of(id->begin(), id->end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    });
    if (!good) {
      hint(loading, loading.report(DiagnosticId::BadScenarioId, sections.scenario->span, {std::string(*id)}),
           "the name for people goes into `%title%`", "название для людей пишется в `%title%`");
    }
    program.id = std::string(*id);
  }
  if (sections.title) {
    if (const auto title = read_scalar(loading, *sections.title, "title")) {
      program.title = std::string(*title);
    }
  }
  if (sections.language) {
    const Word word = read_word(loading, *sections.language, in::LanguageName,
                                loading.say(Word::LanguageWord, sections.language->span));
    program.language = word == Word::English ? Language::English : Language::Russian;
  }
  const char* zone =
      program.language == Language::Russian ? "Europe/Moscow" : "UTC";
  program.zone = Zone::find(zone).value_or(Zone());
  if (sections.timezone) {
    if (const auto zone = read_zone(loading, *sections.timezone, "timezone")) program.zone = *zone;
  }
}

void read_roots(Loading& loading, const Sections& sections) {
  Program& program = loading.program;
  loading.branch = {};
  if (sections.start) {
    program.start =
        read_branch_name(loading, *sections.start, loading.say(Word::Start, sections.start->span));
  } else if (!program.branches.empty()) {
    program.start = BranchId{0};
    loading.branch_uses.push_back({{}, program.start, false, program.branches[0].span});
  }
  if (sections.fallback) {
    program.fallback = read_branch_name(loading, *sections.fallback,
                                        loading.say(Word::Fallback, sections.fallback->span), true);
  }
  if (sections.on_error) {
    program.on_error = read_branch_name(loading, *sections.on_error,
                                        loading.say(Word::OnError, sections.on_error->span), true);
  }
  // An unknown word on top may be `branches`, misspelt.
  if (program.branches.empty() && loading.flow_is_known) {
    const SourceSpan top{0, 0, 0};
    hint(loading, loading.report(DiagnosticId::MissingField, top,
                        {loading.say(Word::Branches, top), loading.sources.path(0)}),
         "the bot says nothing without branches", "без веток боту нечего сказать");
  }
}

const Node* find_key(const Node& root, Contexts contexts, Word word) {
  for (const Node::Entry& entry : root.entries) {
    if (find_word(entry.key.scalar, contexts) == word) return &entry.key;
  }
  return nullptr;
}

/// Talks saved under a name that is not `*.test.yaml`, or shown to a command that wants their scenario.
bool is_talk(Loading& loading, const Document& document) {
  const Node& root = document.root;
  if (!document.parsed || !root.is_map()) return false;
  const Node* tests = find_key(root, in::TalkFile, Word::Tests);
  if (!tests || find_key(root, in::Top, Word::Scenario) || find_key(root, in::Top, Word::Branches)) return false;
  const std::string& path = loading.sources.path(tests->span.file);
  Diagnostic& problem = loading.report(DiagnosticId::ScenarioIsTalk, tests->span);
  if (ends_with(path, ".test.yaml")) {
    hint(loading, problem, "play it: `sufler test " + path + "`", "сыграйте его: `sufler test " + path + "`");
  } else {
    std::string name = fs::path(path).stem().string();
    for (const std::string_view end : {"_test", "-test", "_tests", "-tests", ".tests"}) {
      if (name.size() > end.size() && ends_with(name, end)) name.resize(name.size() - end.size());
    }
    name += ".test.yaml";
    hint(loading, problem, "save it as `" + name + "` beside its scenario, and `sufler test` plays it",
         "сохраните его рядом со сценарием как `" + name + "`, и `sufler test` его сыграет");
  }
  return true;
}

/// One file of a scenario that is a folder: what it lacks stands in the others.
bool is_part(Loading& loading, const Document& document) {
  if (!document.parsed || !loading.on_disk || find_key(document.root, in::Top, Word::Scenario)) return false;
  const std::string& path = loading.sources.path(0);
  std::error_code unknown;
  fs::path folder = loading.program.folder;
  for (int above = 0; above < 8; ++above, folder = folder.parent_path()) {
    if (fs::is_regular_file(folder / "scenario.yaml", unknown) &&
        !fs::equivalent(folder / "scenario.yaml", path, unknown)) {
      std::string whole = fs::path(path).parent_path().generic_string();
      for (int i = 0; i < above; ++i) whole += whole.empty() ? ".." : "/..";
      whole = fs::path(whole.empty() ? "." : whole).lexically_normal().generic_string();
      if (whole.size() > 1 && whole.back() == '/') whole.pop_back();
      Diagnostic& problem = loading.report(DiagnosticId::PartOfScenario, {0, 0, 0}, {path, whole});
      hint(loading, problem, "check it whole: `sufler check " + whole + "`",
           "проверьте его целиком: `sufler check " + whole + "`");
      return true;
    }
    if (folder == folder.root_path()) break;
  }
  return false;
}

/// A file that was never meant as a scenario, or is empty: one line about that, and nothing about what it lacks.
bool is_no_scenario(Loading& loading, const Document& document) {
  if (!document.parsed) return false;
  const Node& root = document.root;
  if (root.kind == Node::Kind::Null) {
    // Of several files one may be empty, but this is the whole scenario.
    Diagnostic* problem = loading.diagnostics.find(DiagnosticId::EmptyFile, root.span.file);
    if (!problem) problem = &loading.report(DiagnosticId::EmptyFile, {root.span.file, 0, 0});
    problem->severity = Severity::Error;
    hint(loading, *problem, "begin it with `%scenario%: name`", "начните его со строки `%scenario%: имя`");
    return true;
  }
  if (is_talk(loading, document)) return true;
  const auto has = [&root](std::string_view key) {
    return std::any_of(root.entries.begin(), root.entries.end(),
                       [key](const Node::Entry& entry) { return entry.key.scalar == key; });
  };
  if (!root.is_map() || !has("bots") || has("scenario") || has("branches")) return false;
  for (const Node::Entry& entry : root.entries) {
    if (entry.key.scalar != "bots") continue;
    const std::string& path = loading.sources.path(entry.key.span.file);
    hint(loading, loading.report(DiagnosticId::ScenarioIsConfig, entry.key.span),
         "check the scenario that it names, or run it: `sufler run " + path + "`",
         "проверьте сценарий, который в нём назван, или запустите его: `sufler run " + path + "`");
    break;
  }
  return true;
}

/// What the scenario sends is a part of it: another photo is another version.
void count_files(Loading& loading, Loaded& loaded, Hash& version) {
  for (const std::string& reference : loading.files) {
    std::ifstream in(fs::path(loading.program.folder) / reference, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    loaded.files.push_back({reference, sha256_hex(bytes), static_cast<std::int64_t>(bytes.size())});
    version.add(reference);
    version.add(loaded.files.back().hash);
  }
  loading.program.version = version.hex();
}

void load(Loaded& loaded, const LoadOptions& options, std::string folder) {
  Loading loading(loaded.sources, loaded.diagnostics, options);
  loading.on_disk = !folder.empty();
  loading.program.folder = std::move(folder);

  Hash version;
  Sections sections;
  for (std::uint32_t file = 0; file < loaded.sources.size(); ++file) {
    version.add(loaded.sources.text(file));
    loading.program.files.push_back(loaded.sources.path(file));
    loading.documents.push_back(read_yaml(file, loaded.sources, loaded.diagnostics));
    loading.words_of_file.push_back(words_of(loading.documents.back().root));
  }
  loading.program.version = version.hex();
  if (loading.documents.size() == 1 &&
      (is_no_scenario(loading, loading.documents[0]) || is_part(loading, loading.documents[0]))) {
    return;
  }
  bool readable = loaded.sources.size() > 0;
  for (Document& document : loading.documents) {
    if (!document.parsed) {
      readable = false;
      continue;
    }
    if (is_talk(loading, document)) continue;
    if (document.root.is_map()) {
      mend_indentation(loading, document.root);
      declare_file(loading, document.root, sections);
    } else if (document.root.kind != Node::Kind::Null) {
      loading.report(DiagnosticId::WantsMap, document.root.span,
                     {loaded.sources.path(document.root.span.file)});
    }
  }
  // A file that could not be read would make every name in it unknown: say the cause, not the consequences.
  if (!readable) return;

  read_head(loading, sections);
  load_settings(loading);
  load_tables(loading);
  load_desks(loading);
  load_handoffs(loading);
  load_questions(loading);
  load_assistants(loading);
  load_branches(loading);
  load_commands(loading);
  load_schedules(loading);
  load_events(loading);
  complete_desks(loading);
  load_texts(loading);
  for (const Node* node : sections.phrases) load_phrases(loading, *node);
  complete_assistants(loading);
  resolve_questions(loading);
  complete_tables(loading);
  name_places(loading);
  read_roots(loading, sections);
  for (const Node* node : sections.moved) load_moved(loading, *node);
  for (const Node* node : sections.ensure) load_ensure(loading, *node);

  check_names(loading);
  check_types(loading);
  check_unused(loading);
  check_schedules(loading);
  check_events(loading);
  check_commands(loading);
  check_cases(loading);
  check_flow(loading);
  check_handoff_circles(loading);
  check_unset(loading);
  check_ways_out(loading);
  check_promises(loading);
  check_platform_limits(loading);
  check_secrets(loading);
  check_secret_columns(loading);
  if (!loaded.diagnostics.has_errors()) {
    if (options.count_files) count_files(loading, loaded, version);
    if (!options.version.empty()) loading.program.version = options.version;
    loaded.program = std::make_shared<const Program>(std::move(loading.program));
  }
}

bool hidden(const fs::path& path) {
  const std::string name = path.filename().string();
  return !name.empty() && (name[0] == '_' || name[0] == '.');
}

constexpr std::uintmax_t kMaxFileBytes = 32u << 20;

bool read_file(const fs::path& path, std::string& text, std::string& why) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    why = "it is a folder";
    return false;
  }
  const auto kind = fs::status(path, error).type();
  if (kind == fs::file_type::block || kind == fs::file_type::character || kind == fs::file_type::socket) {
    why = "it is not a file";
    return false;
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    why = std::error_code(errno, std::generic_category()).message();
    return false;
  }
  // The size of a pipe is not known before.
  std::string part(64 << 10, '\0');
  while (in.read(part.data(), static_cast<std::streamsize>(part.size())), in.gcount() > 0) {
    text.append(part, 0, static_cast<std::size_t>(in.gcount()));
    if (text.size() <= kMaxFileBytes) continue;
    why = "it is larger than 32 MB";
    return false;
  }
  return true;
}

/// Why a thing of a scenario's folder that is called like a file of it is not read; empty when it is one. A link counts
/// as what it leads to, as long as that lies in the folder.
std::string why_not_read(const fs::directory_entry& entry, const fs::path& folder) {
  std::error_code error;
  if (!entry.is_symlink(error)) return entry.is_regular_file(error) ? "" : "it is not a file";
  const fs::path target = fs::canonical(entry.path(), error);
  if (error) return "it is a link that leads nowhere";
  const fs::path inside = target.lexically_relative(fs::canonical(folder, error));
  if (error || inside.empty() || *inside.begin() == "..") return "it is a link that leads out of the scenario's folder";
  return fs::is_regular_file(target, error) ? "" : "it is a link to what is not a file";
}

/// Files below a folder with one of the endings, sorted by path. `unread`: what is called so and is none, and why.
std::vector<fs::path> files_below(const fs::path& folder, bool talks, std::vector<fs::path>* yml,
                                  std::vector<std::pair<fs::path, std::string>>* unread) {
  std::vector<fs::path> result;
  std::error_code error;
  auto it = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    const fs::path& path = it->path();
    if (hidden(path)) {
      it.disable_recursion_pending();
      continue;
    }
    const std::string name = path.filename().string();
    const bool talk = ends_with(name, ".test.yaml");
    const bool meant = ends_with(name, ".yaml") && talk == talks;
    if (it->is_directory(ignored) && !it->is_symlink(ignored)) continue;
    if (const std::string why = why_not_read(*it, folder); !why.empty()) {
      if (meant && unread) unread->emplace_back(path, why);
      continue;
    }
    if (meant) result.push_back(path);
    if (yml && ends_with(name, ".yml")) yml->push_back(path);
  }
  std::sort(result.begin(), result.end());
  if (unread) std::sort(unread->begin(), unread->end());
  return result;
}

/// A folder without `scenario.yaml` may well hold scenarios of one file each.
void explain_folder(Diagnostic& problem, const fs::path& folder) {
  problem.hint_en = "a scenario that is a folder begins with its `scenario.yaml`";
  problem.hint_ru = "сценарий-папка начинается с файла `scenario.yaml`";
  std::vector<std::string> names;
  std::error_code error;
  for (auto it = fs::directory_iterator(folder, error); !error && it != fs::directory_iterator(); it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (hidden(it->path()) || !ends_with(name, ".yaml") || ends_with(name, ".test.yaml")) continue;
    names.push_back(it->path().lexically_normal().generic_string());
  }
  if (names.empty()) return;
  std::sort(names.begin(), names.end());
  problem.hint_en += "; a scenario of one file is named itself: `" + names[0] + "`";
  problem.hint_ru += "; сценарий из одного файла называют сам: `" + names[0] + "`";
}

}  // namespace

Loaded load_scenario(const std::string& path, const LoadOptions& options) {
  Loaded loaded;
  std::error_code error;
  std::vector<fs::path> files, yml;
  std::vector<std::pair<fs::path, std::string>> unread;
  fs::path folder;
  auto cannot_read = [&](const fs::path& file, const std::string& why) {
    const std::uint32_t index = loaded.sources.add(file.generic_string(), "");
    loaded.diagnostics.report(DiagnosticId::CannotRead, {index, 0, 0}, {file.generic_string(), why});
  };
  if (fs::is_directory(path, error)) {
    folder = path;
    const fs::path main = folder / "scenario.yaml";
    if (!fs::is_regular_file(main, error)) {
      cannot_read(main, std::error_code(ENOENT, std::generic_category()).message());
      explain_folder(*loaded.diagnostics.find(DiagnosticId::CannotRead, 0), folder);
      return loaded;
    }
    files.push_back(main);
    for (const fs::path& file : files_below(folder, false, &yml, &unread)) {
      if (file.lexically_normal() != main.lexically_normal()) files.push_back(file);
    }
    std::sort(yml.begin(), yml.end());
  } else {
    files.push_back(path);
    folder = fs::path(path).parent_path();
    if (folder.empty()) folder = ".";
  }
  for (const fs::path& file : files) {
    std::string text, why;
    if (!read_file(file, text, why)) {
      cannot_read(file, why);
      return loaded;
    }
    loaded.sources.add(file.lexically_normal().generic_string(), std::move(text));
  }
  for (const auto& [file, why] : unread) {
    Diagnostic& problem =
        loaded.diagnostics.report(DiagnosticId::FileNotRead, {0, 0, 0}, {file.generic_string(), why});
    problem.hint_en = "put the file itself there, or rename it so that it does not end in `.yaml`";
    problem.hint_ru = "положите сюда сам файл или переименуйте, чтобы имя не кончалось на `.yaml`";
  }
  for (const fs::path& file : yml) {
    Diagnostic& problem =
        loaded.diagnostics.report(DiagnosticId::YmlIgnored, {0, 0, 0}, {file.generic_string()});
    problem.hint_en = "rename it to `.yaml`";
    problem.hint_ru = "переименуйте его в `.yaml`";
  }
  load(loaded, options, fs::absolute(folder, error).lexically_normal().generic_string());
  return loaded;
}

Loaded load_scenario_text(const std::vector<std::pair<std::string, std::string>>& files,
                          const LoadOptions& options) {
  Loaded loaded;
  for (const auto& [path, text] : files) loaded.sources.add(path, text);
  load(loaded, options, {});
  return loaded;
}

std::vector<std::string> find_talks(const std::string& path) {
  std::error_code error;
  std::vector<std::string> result;
  if (fs::is_directory(path, error)) {
    for (const fs::path& file : files_below(path, true, nullptr, nullptr)) result.push_back(file.generic_string());
    return result;
  }
  // Beside a scenario of one file stand its talks, named after it: `shop.yaml`, `shop.test.yaml`, `shop_order.test.yaml`.
  fs::path folder = fs::path(path).parent_path();
  if (folder.empty()) folder = ".";
  const std::string stem = fs::path(path).stem().string();
  for (auto it = fs::directory_iterator(folder, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    const bool named_after = name.rfind(stem, 0) == 0 && std::string_view("._-").find(name[stem.size()]) != std::string_view::npos;
    if (ends_with(name, ".test.yaml") && named_after) {
      result.push_back(it->path().lexically_normal().generic_string());
    }
  }
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace sufler
