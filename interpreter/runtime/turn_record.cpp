#include "interpreter/runtime/turn_record.h"

#include <algorithm>

#include "interpreter/core/hidden_state.h"
#include "interpreter/core/json_text.h"
#include "interpreter/core/play.h"
#include "interpreter/core/value_json.h"

namespace sufler {
namespace {

/// One turn in so many keeps the state it began with.
constexpr std::uint64_t kStateEvery = 64;
constexpr std::string_view kKey = "{\"given\":";

bool is_at_rest(const State& state) {
  return state.waiting.what == Waiting::For::Nothing && state.frames.empty() && !state.silence && !state.relay;
}

bool rests_at_a_secret(const Program& program, const State& state) {
  return is_secret_rest(program, state.waiting) ||
         std::any_of(state.interrupted.begin(), state.interrupted.end(),
                     [&](const Waiting& waiting) { return is_secret_rest(program, waiting); });
}

bool reads_secret(const Program& program, const Expression& expression) {
  for (const NameUse& use : expression.names()) {
    if (use.path.empty()) continue;
    const std::string& name = use.path[0] == "vars" && use.path.size() > 1 ? use.path[1] : use.path[0];
    for (const Question& question : program.questions)
      if (question.secret && question.name == name) return true;
  }
  return false;
}

/// Columns that take what a secret question was answered, by name: in any table, for names are few.
std::vector<std::string> secret_columns_of(const Program& program) {
  std::vector<std::string> columns;
  for (const Question& question : program.questions)
    if (question.secret) columns.push_back(question.name);
  if (columns.empty()) return columns;
  const auto look = [&](const std::vector<ColumnValue>& values) {
    for (const ColumnValue& one : values)
      if (reads_secret(program, one.value)) columns.push_back(one.column);
  };
  for (const Step& step : program.steps) {
    if (const Save* save = std::get_if<Save>(&step.verb); save && save->values) look(*save->values);
    if (const Update* update = std::get_if<Update>(&step.verb)) look(update->values);
  }
  return columns;
}

}  // namespace

std::string name_of(const TableRequest& request, const Program& program) {
  constexpr const char* kVerbs[] = {"save ", "find ", "count ", "update ", "delete "};
  const TableId table = std::visit([](const auto& one) { return one.table; }, request);
  return kVerbs[request.index()] + program.tables[table.value].name;
}

void TurnRecorder::begin(const Program& program, const State& before, std::string_view stored, bool moved,
                         const Event& event) {
  given_ = TurnGiven{};
  given_.known = true;
  given_.is_new = stored.empty();
  if (given_.is_new || (!moved && !is_at_rest(before) && event.seed % kStateEvery != 0)) return;
  const bool at_a_secret = rests_at_a_secret(program, before);
  if (!at_a_secret && before.secrets.empty() && !before.takeover) {
    given_.state = stored;
    // What another version stored stays as that version wrote it, or the move could not be played. Its secrets may be
    // where this one has no place for them.
  } else if (auto blotted = blot_state(stored, Locale{program.language, program.zone}, at_a_secret)) {
    given_.state = std::move(*blotted);
  }
}

void TurnRecorder::around(const Surroundings& surroundings) {
  given_.roles = surroundings.roles;
  given_.is_agent = surroundings.is_agent;
}

void TurnRecorder::hide(const Program& program, const std::vector<std::string>& secrets) {
  if (!columns_known_ || columns_of_ != program.version) {
    secret_columns_ = secret_columns_of(program);
    columns_of_ = program.version;
    columns_known_ = true;
  }
  if (secrets.empty() && secret_columns_.empty()) return;
  const Locale locale{program.language, program.zone};
  const auto blot_map = [&](ValueMap& map) {
    Value whole(map);
    blot(whole, secrets, locale);
    // The row's own number tells nothing, and a talk cannot be played again without it.
    const Value* id = map.find("id");
    ValueMap clean = *whole.map();
    if (id) clean.set("id", *id);
    for (const std::string& column : secret_columns_)
      if (Value* value = clean.find(column); value && !value->is_null()) *value = Value("•••");
    map = std::move(clean);
  };
  for (TurnGiven::Result& result : given_.results) {
    if (auto* answer = std::get_if<TableAnswer>(&result.event.what)) {
      for (Value& row : answer->rows) {
        if (!row.map()) continue;
        ValueMap map = *row.map();
        blot_map(map);
        row = Value(std::move(map));
      }
      blot(answer->error, secrets);
    }
  }
  if (given_.shared) blot_map(*given_.shared);
  Value user;
  if (!given_.user.empty() && from_json(given_.user, user) && user.map()) {
    ValueMap person = *user.map();
    blot_map(person);
    given_.user = to_json(Value(std::move(person)));
  }
}

void TurnRecorder::finish(const Program& program, const std::vector<std::string>& secrets, std::string& turn_json) {
  hide(program, secrets);
  ValueMap map;
  map.set("place", Value(std::move(given_.place)));
  if (given_.is_new) map.set("new", Value(true));
  if (!given_.state.empty()) map.set("state", Value(std::move(given_.state)));
  if (!given_.user.empty()) map.set("user", Value(std::move(given_.user)));
  if (given_.shared) map.set("shared", Value(std::move(*given_.shared)));
  if (given_.now.unix_ms != 0) map.set("now", Value(given_.now.unix_ms));
  if (!given_.roles.empty()) {
    List roles;
    for (std::string& role : given_.roles) roles.emplace_back(std::move(role));
    map.set("roles", Value(std::move(roles)));
  }
  if (given_.is_agent) map.set("agent", Value(true));
  if (!turn_json.empty() && turn_json.back() == ']') turn_json.pop_back();
  if (turn_json.size() > 1) turn_json += ',';
  turn_json += kKey;
  append_json(turn_json, Value(std::move(map)));
  if (!given_.results.empty()) {
    turn_json.pop_back();  // the brace: the place is always before
    turn_json += ",\"results\":[";
    for (const TurnGiven::Result& result : given_.results) {
      if (turn_json.back() == '}') turn_json += ',';
      ObjectWriter members(turn_json);
      members.text("of", result.of);
      members.name("event") += to_json(result.event);
      members.end();
    }
    turn_json += "]}";
  }
  turn_json += "}]";
}

std::string to_json(const RecordedMove& move) {
  std::string out;
  ObjectWriter members(out);
  members.number("at", move.at.unix_ms);
  if (move.seed != 0) members.number("seed", static_cast<std::int64_t>(move.seed));
  members.text("version", move.version);
  members.end();
  return out;
}

std::optional<RecordedMove> read_move(std::string_view event_json) {
  if (event_json.find("\"version\":") == std::string_view::npos) return std::nullopt;
  RecordedMove move;
  JsonReader json(event_json);
  const bool read = json.read_object([&](const std::string& name) {
    std::int64_t number = 0;
    if (name == "version") return json.read_string(move.version);
    if (name == "at") return json.read_int(move.at.unix_ms);
    if (name != "seed" || !json.read_int(number)) return false;
    move.seed = static_cast<std::uint64_t>(number);
    return true;
  });
  return read && json.at_end() && !move.version.empty() ? std::optional(move) : std::nullopt;
}

namespace {

/// An event as it stands; in older lines as a text.
bool read_result(JsonReader& json, TurnGiven::Result& result) {
  return json.read_object([&](const std::string& name) {
    if (name == "of") return json.read_string(result.of);
    if (name != "event") return pass_over(json);
    std::string text;
    if (json.peek() == '"') return json.read_string(text) && from_json(text, result.event);
    const std::string_view before = json.rest();
    if (!pass_over(json)) return false;
    return from_json(before.substr(0, before.size() - json.rest().size()), result.event);
  });
}

}  // namespace

TurnGiven read_given(std::string_view turn_json) {
  TurnGiven given;
  // Before it there are names of ours and texts, in which its quotes would be escaped.
  const std::size_t at = turn_json.find(kKey);
  if (at == std::string_view::npos || !turn_json.ends_with("}]")) return given;
  std::string_view body = turn_json.substr(at + kKey.size());
  body.remove_suffix(2);
  JsonReader json(body);
  TurnGiven read;
  const bool whole = json.read_object([&](const std::string& name) {
    if (name == "place") return json.read_string(read.place);
    if (name == "new") return json.read_bool(read.is_new);
    if (name == "state") return json.read_string(read.state);
    if (name == "user") return json.read_string(read.user);
    if (name == "shared") return read_map(json, read.shared.emplace());
    if (name == "now") {
      Value now;
      if (!read_value(json, now) || !now.number()) return false;
      read.now.unix_ms = now.number()->to_int64().value_or(0);
      return true;
    }
    if (name == "roles") return json.read_array([&] { return json.read_string(read.roles.emplace_back()); });
    if (name == "agent") return json.read_bool(read.is_agent);
    if (name == "results") return json.read_array([&] { return read_result(json, read.results.emplace_back()); });
    return pass_over(json);
  });
  if (!whole || !json.at_end()) return given;
  read.known = true;
  return read;
}

std::string without_given(std::string_view turn_json) {
  const std::size_t at = turn_json.find(kKey);
  if (at == std::string_view::npos || !turn_json.ends_with("}]")) return std::string(turn_json);
  std::string rest(turn_json.substr(0, at));
  if (rest.ends_with(',')) rest.pop_back();
  return rest + "]";
}

}  // namespace sufler
