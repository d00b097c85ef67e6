// Reads `*.test.yaml` and checks every word of it before anything is played: a misspelt word that was passed
// over would make a talk that tests nothing.
#include <re2/re2.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "interpreter/core/decimal.h"
#include "interpreter/core/http/order.h"
#include "interpreter/core/happenings.h"
#include "interpreter/core/moment.h"
#include "schema/loader.h"
#include "tools/scoped_environment.h"
#include "tools/stage.h"
#include "tools/talk.h"
#include "tools/talk_words.h"

namespace sufler {
namespace {

using Words = std::vector<std::string_view>;

constexpr Contexts kPerson = in::UserField;
constexpr Contexts kFile = in::TestKey | in::QuestionKey;  // `name`, `size`

class TalkReader {
 public:
  TalkReader(const std::string& path, Diagnostics& diagnostics, const Program& program)
      : folder_(std::filesystem::path(path).parent_path()),
        diagnostics_(diagnostics),
        program_(program),
        own_roles_(roles_of(program)) {}

  void read(const Node& root, TalkFile& file) {
    const Node* tests = root.is_map() ? talk_field(root, "tests") : nullptr;
    if (!tests || !tests->is_list()) {
      diagnostics_.report(DiagnosticId::TalkShape, root.span, {"tests:"});
      return;
    }
    check_words(root, in::TalkFile, {"tests"});
    for (const Node& test : tests->items) {
      const std::size_t before = diagnostics_.errors();
      if (!file.talks.empty()) file.talks.back().end = test.span.offset;
      file.talks.push_back({{}, test.span, &test, {}, {}, false, test.span.offset, UINT32_MAX});
      read_test(test, file.talks.back());
      file.talks.back().broken = diagnostics_.errors() > before;
    }
  }

 private:
  // ---- what goes wrong

  Diagnostic& unknown(const Node& word, const std::vector<std::string>& known) {
    Diagnostic& problem = diagnostics_.report(DiagnosticId::TalkUnknownWord, word.span, {std::string(word.scalar)});
    suggest(problem, word.scalar, known, false);
    return problem;
  }

  void bad_value(const Node& node, std::string_view expected) {
    const char* collection = node.is_list() ? "[…]" : node.is_map() ? "{…}" : "";
    diagnostics_.report(DiagnosticId::TalkBadValue, node.span,
                        {node.is_scalar() ? std::string(node.scalar) : collection, std::string(expected)});
  }

  /// Both forms of each word.
  static std::vector<std::string> forms(Contexts contexts, const Words& words) {
    std::vector<std::string> all;
    for (const std::string_view word : words) {
      all.emplace_back(word);
      if (const Word known = find_word(word, contexts); known != Word::None)
        all.emplace_back(spelling(known, Language::Russian));
    }
    return all;
  }

  /// Whether `node` is a map of these words alone, each once.
  bool check_words(const Node& node, Contexts contexts, const Words& words) {
    std::set<std::string_view> seen;
    bool good = true;
    for (const Node::Entry& entry : node.entries) {
      const std::string_view word = talk_word(entry.key.scalar, contexts);
      if (std::find(words.begin(), words.end(), word) == words.end()) {
        unknown(entry.key, forms(contexts, words));
        good = false;
      } else if (!seen.insert(word).second) {
        diagnostics_.report(DiagnosticId::RepeatedKey, entry.key.span, {std::string(entry.key.scalar)});
        good = false;
      }
    }
    return good;
  }

  bool expect_map(const Node& node, std::string_view example) {
    if (node.is_map()) return true;
    bad_value(node, example);
    return false;
  }

  bool expect_text(const Node& node, std::string_view expected) {
    if (node.is_scalar()) return true;
    bad_value(node, expected);
    return false;
  }

  void expect_texts(const Node& node, std::string_view expected) {
    if (!node.is_list()) {
      expect_text(node, expected);
      return;
    }
    for (const Node& item : node.items) expect_text(item, expected);
  }

  // ---- a test

  void read_test(const Node& test, Talk& talk) {
    const Node* name = test.is_map() ? talk_field(test, "name") : nullptr;
    if (!name || !name->is_scalar()) {
      diagnostics_.report(DiagnosticId::TalkShape, test.span, {"name:"});
      return;
    }
    check_words(test, in::TestKey, {"name", "given", "talk", "mock", "expect"});
    people_ = {std::string(kTalkPerson)};
    given_roles_.clear();
    talk.name = std::string(name->scalar);
    talk.span = name->span;
    tables_.clear();
    for (const Table& table : program_.tables) tables_.push_back(&table);
    roles_ = own_roles_;
    versions_of_talk_ = {&program_};
    if (const Node* given = talk_field(test, "given")) read_given(*given, talk);
    if (const Node* mock = talk_field(test, "mock")) read_mock(*mock);
    read_versions(test, talk);
    if (const Node* expect = talk_field(test, "expect")) read_expect(*expect);
    const Node* lines = talk_field(test, "talk");
    if (!lines || !lines->is_list()) {
      diagnostics_.report(DiagnosticId::TalkShape, name->span, {"talk:"});
      return;
    }
    for (const Node& line : lines->items) read_line(line);
  }

  void read_mock(const Node& mock) {
    if (!expect_map(mock, "{run: {estimate: {…}}}")) return;
    if (!check_words(mock, in::MockKey, {"run", "http", "mail", "assistant", "crm"})) return;
    for (const Node::Entry& entry : mock.entries) {
      if (talk_word(entry.key.scalar, in::MockKey) == "assistant") {
        read_assistant_mocks(entry.value);
        continue;
      }
      if (talk_word(entry.key.scalar, in::MockKey) == "mail") {
        read_mail_mocks(entry.value);
        continue;
      }
      if (talk_word(entry.key.scalar, in::MockKey) == "http") {
        read_http_mocks(entry.value);
        continue;
      }
      if (talk_word(entry.key.scalar, in::MockKey) == "crm") {
        if (expect_map(entry.value, "{lead: {id: 1}}")) check_words(entry.value, in::CrmAction, {"contact", "lead", "note", "task", "stage"});
        continue;
      }
      if (talk_word(entry.key.scalar, in::MockKey) != "run") {
        diagnostics_.report(DiagnosticId::TalkNotYet, entry.key.span, {std::string(entry.key.scalar)});
        continue;
      }
      if (!expect_map(entry.value, "{estimate: {…}}")) continue;
      std::vector<std::string> known;
      for (const Step& step : program_.steps)
        if (const auto* run = std::get_if<Run>(&step.verb)) known.push_back(run->program);
      for (const Node::Entry& program : entry.value.entries)
        if (std::find(known.begin(), known.end(), program.key.scalar) == known.end()) unknown(program.key, known);
    }
  }

  /// What becomes of letters: of each, or of one after the other.
  void read_mail_mocks(const Node& mocks) {
    const auto one = [&](const Node& node) {
      const bool accepted = node.is_scalar() && node.scalar == "ok";
      const bool refused = node.is_map() && node.entries.size() == 1 && node.entries[0].key.scalar == "error" && node.entries[0].value.is_scalar();
      if (!accepted && !refused) bad_value(node, "ok, or {error: 550 no such user}");
    };
    if (!mocks.is_list()) return one(mocks);
    for (const Node& item : mocks.items) one(item);
  }

  /// What servers answer, by the step's own text: to each request, or to one after the other.
  void read_http_mocks(const Node& mocks) {
    constexpr std::string_view kExpected = "{status: 200, json: {…}}, {text: …}, or {error: no answer}";
    if (!expect_map(mocks, "{\"GET https://api.example.com/price\": {status: 200, json: {…}}}")) return;
    std::vector<std::string> known;
    for (const Step& step : program_.steps)
      if (const auto* http = std::get_if<HttpStep>(&step.verb)) known.push_back(http->order->name);
    const auto answer = [&](const Node& one) {
      if (!expect_map(one, kExpected) || !check_words(one, in::MockKey | in::TalkMatch, {"status", "json", "text", "error"})) return;
      for (const Node::Entry& entry : one.entries) {
        const std::string_view word = talk_word(entry.key.scalar, in::MockKey | in::TalkMatch);
        if (word == "error" && one.entries.size() > 1) bad_value(one, kExpected);
        if (word == "text" || word == "error") expect_text(entry.value, "a text");
        if (word != "status") continue;
        const auto status = entry.value.is_scalar() ? Decimal::parse(entry.value.scalar) : std::nullopt;
        const auto number = status ? status->to_int64() : std::nullopt;
        if (!number || *number < 200 || *number > 599) bad_value(entry.value, "200");
      }
    };
    for (const Node::Entry& entry : mocks.entries) {
      if (std::find(known.begin(), known.end(), trim(entry.key.scalar)) == known.end()) unknown(entry.key, known);
      if (!entry.value.is_list()) {
        answer(entry.value);
        continue;
      }
      for (const Node& one : entry.value.items) answer(one);
    }
  }

  /// One entry a call of the model: a text, a map of fields, `{tool: …, with: {…}}`, `{error: …}`.
  void read_assistant_mocks(const Node& mocks) {
    if (!expect_map(mocks, "{consultant: [a text, {tool: …, with: {…}}]}")) return;
    std::vector<std::string> known;
    for (const Assistant& assistant : program_.assistants) known.push_back(assistant.name);
    for (const Node::Entry& entry : mocks.entries) {
      if (std::find(known.begin(), known.end(), entry.key.scalar) == known.end()) unknown(entry.key, known);
      const auto call = [&](const Node& one) {
        if (one.is_list()) return bad_value(one, "a text, a map of fields, or {tool: …, with: {…}}");
        if (!one.is_map()) return;
        const Node* tool = talk_field(one, "tool", in::MockKey);
        if (!tool) return;
        check_words(one, in::MockKey | in::ToolKey, {"tool", "with"});
        expect_text(*tool, "the name of a tool");
        if (const Node* with = talk_field(one, "with", in::ToolKey); with && !with->is_scalar()) expect_map(*with, "{name: …}");
      };
      if (!entry.value.is_list()) {
        call(entry.value);
        continue;
      }
      for (const Node& one : entry.value.items) call(one);
    }
  }

  void read_given(const Node& given, Talk& talk) {
    if (!expect_map(given, "{user: {first_name: …}, now: …}")) return;
    check_words(given, in::GivenKey, {"user", "now", "people", "roles", "rows", "vars", "env", "seed"});
    std::set<std::string_view> ids;
    if (const Node* user = talk_field(given, "user")) read_person(*user, ids);
    if (const Node* now = talk_field(given, "now"))
      if (!now->is_scalar() || !LocalTime::parse_iso(now->scalar)) bad_value(*now, "2026-03-15 12:00");
    if (const Node* seed = talk_field(given, "seed")) {
      const auto number = seed->is_scalar() ? Decimal::parse(seed->scalar) : std::nullopt;
      if (!number || !number->to_int64()) bad_value(*seed, "1");
    }
    if (const Node* people = talk_field(given, "people"); people && expect_map(*people, "{olga: {first_name: …}}"))
      for (const Node::Entry& entry : people->entries) {
        people_.insert(std::string(entry.key.scalar));
        read_person(entry.value, ids);
      }
    if (const Node* roles = talk_field(given, "roles"); roles && expect_map(*roles, "{admins: [olga]}"))
      for (const Node::Entry& entry : roles->entries) {
        const std::string role(entry.key.scalar);
        const std::vector<std::string> known(roles_.begin(), roles_.end());
        if (!roles_.contains(role) && !nearest(role, known).empty()) unknown(entry.key, known);
        given_roles_.insert(role);
        expect_texts(entry.value, "[olga]");
        if (entry.value.is_scalar()) people_.insert(std::string(entry.value.scalar));
        for (const Node& member : entry.value.items) people_.insert(std::string(member.scalar));
      }
    if (const Node* rows = talk_field(given, "rows")) read_rows(*rows, {});
    if (const Node* vars = talk_field(given, "vars")) expect_map(*vars, "{name: …}");
    if (const Node* env = talk_field(given, "env"); env && expect_map(*env, "{NAME: …}"))
      for (const Node::Entry& entry : env->entries)
        if (expect_text(entry.value, "NAME: …"))
          talk.environment.emplace(entry.key.scalar, entry.value.scalar);
  }

  void read_person(const Node& person, std::set<std::string_view>& ids) {
    if (!expect_map(person, "{first_name: …}")) return;
    check_words(person, kPerson, {"id", "first_name", "last_name", "username", "language"});
    for (const Node::Entry& entry : person.entries)
      if (expect_text(entry.value, "…") && talk_word(entry.key.scalar, kPerson) == "id" &&
          !ids.insert(entry.value.scalar).second)
        bad_value(entry.value, "a number of their own");
  }

  void read_rows(const Node& tables, const Words& system_columns) {
    if (!expect_map(tables, "{orders: [{…}]}")) return;
    for (const Node::Entry& entry : tables.entries) {
      std::vector<std::string> known;
      for (const Table* table : tables_)
        if (table->name == entry.key.scalar)
          for (const Column& column : table->columns) known.push_back(column.name);
      if (known.empty()) {
        for (const Table* table : tables_) known.push_back(table->name);
        unknown(entry.key, known);
        continue;
      }
      if (!entry.value.is_list()) {
        bad_value(entry.value, "[{…}]");
        continue;
      }
      known.insert(known.end(), system_columns.begin(), system_columns.end());
      for (const Node& row : entry.value.items)
        if (expect_map(row, "{…}"))
          for (const Node::Entry& cell : row.entries)
            if (std::find(known.begin(), known.end(), cell.key.scalar) == known.end()) unknown(cell.key, known);
    }
  }

  void read_expect(const Node& expect) {
    if (!expect_map(expect, "{rows: …, vars: …, at: …}")) return;
    check_words(expect, in::ExpectKey | in::GivenKey, {"rows", "vars", "at"});
    if (const Node* rows = talk_field(expect, "rows")) read_rows(*rows, {"id", "user_id", "dialog_id", "created_at"});
    if (const Node* vars = talk_field(expect, "vars")) expect_map(*vars, "{name: …}");
    if (const Node* at = talk_field(expect, "at")) expect_text(*at, "branch/question, none");
  }

  /// New versions that lines bring: what they define is known to the whole talk.
  void read_versions(const Node& test, Talk& talk) {
    const Node* lines = talk_field(test, "talk");
    if (!lines) return;
    for (const Node& line : lines->items) {
      if (!line.is_map() || line.entries.empty()) continue;
      const Node::Entry& first = line.entries.front();
      const std::string_view word = talk_word(first.key.scalar, in::TalkStep);
      if (word == "reload" || word == "refused") read_version(first.value, talk);
    }
  }

  void read_version(const Node& value, Talk& talk) {
    Loaded loaded;
    std::string name;
    const ScopedEnvironment environment(talk.environment);
    if (value.is_map() && !value.entries.empty()) {
      std::vector<std::pair<std::string, std::string>> files;
      for (const Node::Entry& file : value.entries) {
        if (!expect_text(file.value, "scenario.yaml: |")) return;
        files.emplace_back(file.key.scalar, file.value.scalar);
      }
      name = files.front().first;
      loaded = load_scenario_text(files);
    } else if (value.is_scalar() && !value.scalar.empty()) {
      name = std::string(value.scalar);
      loaded = load_scenario((folder_ / name).string());
    } else {
      return bad_value(value, "a folder or a file of another version, or {scenario.yaml: …}");
    }
    if (!loaded.program) {
      std::string why;
      for (const Diagnostic& one : loaded.diagnostics.sorted()) {
        if (one.severity != Severity::Error) continue;
        why = loaded.sources.path(one.span.file) + ":" +
              std::to_string(loaded.sources.locate(one.span.file, one.span.offset).line) + " [" +
              std::string(code_of(one.id)) + "]";
        break;
      }
      diagnostics_.report(DiagnosticId::TalkVersionBroken, value.span, {name, why});
      return;
    }
    for (const Table& table : loaded.program->tables) tables_.push_back(&table);
    for (const std::string& role : roles_of(*loaded.program)) roles_.insert(role);
    versions_of_talk_.push_back(loaded.program.get());
    talk.versions.emplace(&value, std::move(loaded.program));
  }

  // ---- lines

  static Words line_words() { return {"user", "bot", "press", "staff", "after", "silent", "event", "manager", "mail", "crm", "report", "broadcast", "reload", "refused", "stopped"}; }

  void unknown_line(const Node& word) {
    std::vector<std::string> known = forms(in::TalkStep, line_words());
    known.insert(known.end(), roles_.begin(), roles_.end());
    Diagnostic& problem = unknown(word, known);
    if (!problem.hint_en.empty()) return;
    problem.hint_en = "a line of a talk is `user:`, `bot:`, `press:`, `after:`, `staff:`, a role, or `silent`";
    problem.hint_ru = "строка разговора это `человек:`, `бот:`, `нажать:`, `через:`, `сотрудник:`, роль или `тихо`";
  }

  void read_line(const Node& line) {
    if (line.is_scalar()) {
      if (talk_word(line.scalar) != "silent") unknown_line(line);
      return;
    }
    if (!line.is_map() || line.entries.empty()) return bad_value(line, "user: …");
    for (std::size_t i = 1; i < line.entries.size(); ++i) {
      const Node& key = line.entries[i].key;
      diagnostics_.report(DiagnosticId::TalkTwoLines, key.span, {std::string(key.scalar)});
    }
    read_line(line.entries.front());
  }

  void read_line(const Node::Entry& line) {
    const std::string_view word = talk_word(line.key.scalar, in::TalkStep);
    const Node& value = line.value;
    if (word == "user") return read_said(value);
    if (word == "press") return read_press(value);
    if (word == "bot") return read_match(value, true);
    if (word == "staff" || word == "manager") return static_cast<void>(expect_text(value, "a text"));
    if (word == "silent" || word == "reload" || word == "refused") return;
    if (word == "after" || word == "stopped") {
      if (!value.is_scalar() || !Duration::parse(value.scalar)) bad_value(value, "90s, 5m, 2h, 3d");
      return;
    }
    if (word == "mail") return read_letter(value);
    if (word == "crm") return read_asked_crm(value);
    if (word == "report") return read_report(value);
    if (word == "broadcast") return read_broadcast(value);
    if (word == "event") return read_event(value);
    const std::string role(line.key.scalar);
    if (!roles_.contains(role) && !given_roles_.contains(role)) return unknown_line(line.key);
    read_match(value, false);
  }

  void read_name(const Node& map, std::string_view key) {
    const Node* name = talk_field(map, key, in::TalkMatch);
    if (!name || !expect_text(*name, "olga")) return;
    if (talk_word(name->scalar) == kTalkPerson || people_.contains(std::string(name->scalar))) return;
    Diagnostic& problem = diagnostics_.report(DiagnosticId::TalkNobody, name->span, {std::string(name->scalar)});
    suggest(problem, name->scalar, {people_.begin(), people_.end()}, false);
  }

  void read_said(const Node& value) {
    constexpr std::string_view kExpected = "a text, or {text: …, attach: […]}";
    if (!value.is_map()) return static_cast<void>(expect_text(value, kExpected));
    check_words(value, in::TalkMatch, {"text", "attach", "contact", "location", "as"});
    read_name(value, "as");
    if (const Node* text = talk_field(value, "text")) expect_text(*text, "a text");
    if (const Node* attach = talk_field(value, "attach")) {
      const auto file = [&](const Node& one) {
        if (one.is_map()) {
          check_words(one, kFile, {"name", "size", "caption"});
          for (const Node::Entry& entry : one.entries)
            if (expect_text(entry.value, "…") && talk_word(entry.key.scalar, kFile) == "size" &&
                !Decimal::parse(entry.value.scalar))
              bad_value(entry.value, "1024");
        } else {
          expect_text(one, "photo.jpg");
        }
      };
      if (attach->is_list()) {
        for (const Node& item : attach->items) file(item);
      } else {
        file(*attach);
      }
    }
    if (const Node* contact = talk_field(value, "contact")) {
      if (contact->is_map()) {
        check_words(*contact, kPerson, {"phone", "first_name", "last_name"});
      } else {
        expect_text(*contact, "+79001234567");
      }
    }
    if (const Node* location = talk_field(value, "location")) read_location(*location);
  }

  void read_location(const Node& location) {
    std::vector<const Node*> numbers;
    for (const Node& item : location.items) numbers.push_back(&item);
    if (location.is_map()) {
      if (!check_words(location, 0, {"latitude", "longitude"})) return;
      for (const Node::Entry& entry : location.entries) numbers.push_back(&entry.value);
    }
    const bool good = numbers.size() == 2 && std::all_of(numbers.begin(), numbers.end(), [](const Node* one) {
                        return one->is_scalar() && Decimal::parse(one->scalar);
                      });
    if (!good) bad_value(location, "[55.75, 37.61]");
  }

  void read_press(const Node& value) {
    constexpr std::string_view kExpected = "a label, or {button: …, as: …}";
    if (!value.is_map()) return static_cast<void>(expect_text(value, kExpected));
    check_words(value, in::TalkMatch, {"button", "as"});
    read_name(value, "as");
    const Node* label = talk_field(value, "button");
    if (!label) return bad_value(value, kExpected);
    expect_text(*label, "a label");
  }

  /// `...` is any letter.
  void read_broadcast(const Node& value) {
    constexpr std::string_view kExpected = "{as: news, people: 3, sent: 2, failed: 0, left_out: 1}";
    if (!expect_map(value, kExpected) || !check_words(value, in::TalkMatch, {"as", "people", "sent", "failed", "left_out"})) return;
    for (const Node::Entry& entry : value.entries) {
      if (talk_word(entry.key.scalar, in::TalkMatch) == "as") {
        expect_text(entry.value, "a text");
      } else if (!entry.value.is_scalar() || entry.value.scalar.empty() ||
                 entry.value.scalar.find_first_not_of("0123456789") != std::string_view::npos) {
        bad_value(entry.value, kExpected);
      }
    }
  }

  /// What happens outside: a call of a webhook, or a person who goes or comes back.
  void read_event(const Node& value) {
    constexpr std::string_view kExpected = "{webhook: pay, json: {…}}, {crm: {stage: …}}, user_blocked, user_joined";
    if (value.is_scalar()) {
      const std::string_view word = talk_word(value.scalar, in::EventKey);
      if (word != "user_blocked" && word != "user_joined") bad_value(value, kExpected);
      return;
    }
    if (!expect_map(value, kExpected)) return;
    if (const Node* crm = talk_field(value, "crm", in::EventKey)) return read_crm_event(*crm);
    if (!check_words(value, in::TalkMatch | in::GivenKey, {"webhook", "json", "people"})) return;
    const Node* webhook = talk_field(value, "webhook", in::TalkMatch);
    if (!webhook) return bad_value(value, kExpected);
    if (!expect_text(*webhook, "pay")) return;
    if (const Node* people = talk_field(value, "people"))
      if (!people->is_scalar() || !Decimal::parse(people->scalar)) bad_value(*people, "0, 1, 2");
    std::vector<std::string> known;
    for (const Program* one : versions_of_talk_)
      for (std::size_t i = 0; one->events && i < one->events->all.size(); ++i)
        if (one->events->all[i].kind == Happening::Kind::Webhook) known.push_back(one->events->all[i].webhook);
    if (std::find(known.begin(), known.end(), webhook->scalar) == known.end()) unknown(*webhook, known);
  }

  /// The lead came to a stage, or the talk was closed.
  void read_crm_event(const Node& value) {
    constexpr std::string_view kExpected = "{crm: {stage: …, pipeline: …}}, {crm: closed}";
    if (value.is_scalar()) {
      if (talk_word(value.scalar, in::ResumeKey) != "closed") bad_value(value, kExpected);
      return;
    }
    if (!expect_map(value, kExpected) || !check_words(value, in::EventKey, {"stage", "pipeline"})) return;
    if (!talk_field(value, "stage", in::EventKey)) return bad_value(value, kExpected);
    for (const Node::Entry& entry : value.entries) expect_text(entry.value, "a text");
  }

  /// `...` is anything; a word is the action.
  void read_asked_crm(const Node& value) {
    constexpr std::string_view kExpected = "lead, `...`, or {lead: {name: …, price: …}}";
    if (value.is_scalar() && value.scalar == "..." && !value.quoted) return;
    if (value.is_map() && value.entries.size() == 1) {
      if (check_words(value, in::CrmAction, {"contact", "lead", "note", "task", "stage"})) expect_map(value.entries[0].value, kExpected);
      return;
    }
    const std::string_view word = value.is_scalar() ? talk_word(value.scalar, in::CrmAction) : std::string_view();
    if (word != "contact" && word != "lead" && word != "note" && word != "task" && word != "stage") bad_value(value, kExpected);
  }

  void read_letter(const Node& value) {
    constexpr std::string_view kExpected = "an address, `...`, or {to: …, subject: …, contains: …, attach: […]}";
    if (!value.is_map()) return static_cast<void>(expect_text(value, kExpected));
    check_words(value, in::TalkMatch, {"to", "subject", "text", "contains", "matches", "attach"});
    for (const Node::Entry& entry : value.entries) {
      const std::string_view word = talk_word(entry.key.scalar, in::TalkMatch);
      if (word == "subject" || word == "text" || word == "matches") {
        expect_text(entry.value, "a text");
      } else {
        expect_texts(entry.value, "a text, or a list of texts");
      }
      if (word == "matches" && entry.value.is_scalar()) check_pattern(entry.value);
    }
  }

  /// `...` is any report; a text is the name of its file.
  void read_report(const Node& value) {
    constexpr std::string_view kExpected = "the name of its file, `...`, or {name: …, contains: …}";
    if (!value.is_map()) return static_cast<void>(expect_text(value, kExpected));
    check_words(value, in::TalkMatch | in::TestKey, {"name", "text", "contains", "matches"});
    for (const Node::Entry& entry : value.entries) {
      const std::string_view word = talk_word(entry.key.scalar, in::TalkMatch | in::TestKey);
      if (word == "contains") {
        expect_texts(entry.value, "a text, or a list of texts");
      } else if (expect_text(entry.value, "a text") && word == "matches") {
        check_pattern(entry.value);
      }
    }
  }

  void check_pattern(const Node& pattern) {
    re2::RE2::Options quiet;
    quiet.set_log_errors(false);
    const re2::RE2 compiled(re2::StringPiece(pattern.scalar.data(), pattern.scalar.size()), quiet);
    if (!compiled.ok()) bad_value(pattern, "RE2: " + compiled.error());
  }

  void read_match(const Node& value, bool may_name) {
    if (!value.is_map()) return static_cast<void>(expect_text(value, "a text, `...`, or {contains: …, buttons: […]}"));
    Words words = {"text", "contains", "matches", "buttons", "attach"};
    if (may_name) words.push_back("to");
    check_words(value, in::TalkMatch, words);
    if (may_name) read_name(value, "to");
    if (const Node* text = talk_field(value, "text")) expect_text(*text, "a text");
    if (const Node* contains = talk_field(value, "contains")) expect_texts(*contains, "a text, or a list of texts");
    if (const Node* attach = talk_field(value, "attach")) expect_texts(*attach, "[photo.jpg]");
    if (const Node* pattern = talk_field(value, "matches"); pattern && expect_text(*pattern, "a pattern")) check_pattern(*pattern);
    if (const Node* buttons = talk_field(value, "buttons")) {
      if (!buttons->is_list()) return static_cast<void>(expect_text(*buttons, "[A, B]"));
      for (const Node& item : buttons->items) expect_texts(item, "[A, B]");
    }
  }

  std::filesystem::path folder_;
  Diagnostics& diagnostics_;
  const Program& program_;
  std::set<std::string> own_roles_;
  std::set<std::string> roles_;         // of the test being read, with those of its later versions
  std::vector<const Table*> tables_;
  std::set<std::string> people_, given_roles_;  // of the test being read
  std::vector<const Program*> versions_of_talk_;  // the same
};

}  // namespace

std::string scenario_of_talk(const std::string& path) {
  namespace fs = std::filesystem;
  const fs::path own = fs::path(path).parent_path();
  for (fs::path folder = own;; folder = folder.parent_path()) {
    const fs::path here = folder.empty() ? fs::path(".") : folder;
    std::error_code unknown;
    if (fs::exists(here / "scenario.yaml", unknown)) return here.string();
    if (folder.empty() || folder == folder.root_path()) break;
  }
  std::string stem = fs::path(path).filename().string();
  stem.erase(stem.size() - std::string_view(".test.yaml").size());
  const std::string named = (own / (stem + ".yaml")).string();
  // `shop_order` is a talk about `shop`: the longest name that is there. find_talks() looks the other way.
  for (std::string shorter = stem; !shorter.empty(); shorter.pop_back()) {
    const bool whole = shorter.size() == stem.size() || std::string_view("._-").find(stem[shorter.size()]) != std::string_view::npos;
    if (!whole) continue;
    const fs::path scenario = own / (shorter + ".yaml");
    std::error_code unknown;
    if (fs::is_regular_file(scenario, unknown)) return scenario.string();
  }
  return named;
}

TalkFile read_talk_file(const std::string& path, SourceMap& sources, Diagnostics& diagnostics,
                        const Program& program) {
  TalkFile file;
  file.path = path;
  std::string text;
  bool readable = false;
  std::error_code unknown;
  if (!std::filesystem::is_directory(path, unknown)) {  // reading a folder throws
    std::ifstream input(path, std::ios::binary);
    if (input) text.assign(std::istreambuf_iterator<char>(input), {});
    readable = static_cast<bool>(input);
  }
  file.source = sources.add(path, std::move(text));
  if (!readable) {
    diagnostics.report(DiagnosticId::CannotRead, {file.source, 0, 0}, {path, "no such file"});
    return file;
  }
  file.document = read_yaml(file.source, sources, diagnostics);
  if (file.document.parsed) TalkReader(path, diagnostics, program).read(file.document.root, file);
  return file;
}

}  // namespace sufler
