#include "tools/api.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "interpreter/core/event.h"
#include "interpreter/core/hidden_state.h"
#include "interpreter/core/plain_json.h"
#include "interpreter/core/secret.h"
#include "interpreter/core/secret_columns.h"
#include "interpreter/core/sha256.h"
#include "interpreter/core/state.h"
#include "interpreter/core/text.h"
#include "interpreter/runtime/failpoint.h"
#include "interpreter/runtime/incoming_json.h"
#include "interpreter/runtime/log.h"
#include "interpreter/runtime/outside.h"
#include "storage/housekeeping.h"
#include "storage/schedule_store.h"

namespace sufler {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr const char* kJson = "application/json; charset=utf-8";
constexpr std::string_view kHidden = "•••";
constexpr std::string_view kClaims = "api";
constexpr std::int64_t kMostLines = 500, kUsualLines = 100;
constexpr std::size_t kLongestKey = 255;
constexpr std::size_t kLongestText = 32 * 1024;

std::string dumped(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"; }
WebhookAnswer ok(const json& value, int status = 200) { return {status, dumped(value), seconds(0), kJson}; }

json plain(const Value& value, const Zone& zone) { return json::parse(to_plain_json(value, zone), nullptr, false); }

std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    parts.emplace_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

std::optional<std::int64_t> whole(const std::string& text) {
  const auto number = Decimal::parse(text);
  if (!number || number->to_string() != text) return std::nullopt;
  return number->to_int64();
}

/// The names of a page, and what goes into its query beside the filters.
struct Page {
  std::int64_t after = 0, limit = kUsualLines;
};

std::optional<WebhookAnswer> read_page(ValueMap& query, Page& page) {
  const auto number = [&](const char* name, std::int64_t least, std::int64_t most, std::int64_t& into) {
    const Value* value = query.find(name);
    if (!value) return true;
    const auto read = whole(*value->text());
    if (!read || *read < least || *read > most) return false;
    into = *read;
    return true;
  };
  if (!number("after", 0, INT64_MAX, page.after)) return json_error(400, "bad_query", "`after` is the `next` of the page before");
  if (!number("limit", 1, kMostLines, page.limit)) return json_error(400, "bad_query", "`limit` is a number from 1 to 500");
  ValueMap rest;
  for (const auto& [name, value] : query)
    if (name != "after" && name != "limit") rest.set(name, value);
  query = std::move(rest);
  return std::nullopt;
}

WebhookAnswer unknown_parameter(std::string_view name, const std::string& known) {
  return json_error(400, "bad_query", "unknown parameter `" + std::string(name) + "`", "known are: " + known);
}

bool is_secret_question(const Program& program, std::string_view name) {
  return std::any_of(program.questions.begin(), program.questions.end(),
                     [&](const Question& one) { return one.secret && one.name == name; });
}

json line_of(const Housekeeping::DialogLine& line) {
  UserRecord user;
  (void)from_json(line.user, user);
  json person{{"id", line.key.chat.transport + ":" + line.key.user_id}};
  for (const auto& [name, value] : {std::pair<const char*, const std::string&>{"first_name", user.first_name},
                                    {"last_name", user.last_name},
                                    {"username", user.username},
                                    {"language", user.language},
                                    {"phone", user.phone}})
    if (!value.empty()) person[name] = value;
  return {{"id", line.id},
          {"chat", line.key.chat.transport + ":" + line.key.chat.chat_id},
          {"user", std::move(person)},
          {"place", line.place},
          {"changed_at_unix_ms", line.changed_at.unix_ms}};
}

/// Answers and variables of a dialog; secret answers are not among them.
json answers_of(const Program& program, const std::string& state) {
  json answers = json::object();
  const Locale locale{program.language, program.zone};
  const auto clean = blot_state(state, locale, true);
  StoredAnswers stored;
  if (!clean || !read_answers(*clean, stored)) return answers;
  for (const auto& [name, value] : stored.variables) {
    if (is_secret_question(program, name) || (value.text() && *value.text() == kHidden)) continue;
    answers[name] = plain(value, program.zone);
  }
  return answers;
}

/// Whom a POST is for.
struct Whom {
  std::string transport, user_id;  ///< `user: telegram:42`
  std::int64_t dialog = 0;
};

std::optional<WebhookAnswer> read_whom(const ValueMap& body, Whom& whom) {
  const Value* user = body.find("user");
  const Value* dialog = body.find("dialog");
  const bool is_user = user && user->text() && user->text()->find(':') != std::string::npos;
  const auto id = dialog && dialog->number() ? dialog->number()->to_int64() : std::nullopt;
  if ((user != nullptr) == (dialog != nullptr) || (user && !is_user) || (dialog && (!id || *id < 1)))
    return json_error(422, "bad_body", "whom this is for is not said", "one of `user`, as `telegram:42`, and `dialog`, a number");
  if (is_user) {
    const std::size_t colon = user->text()->find(':');
    whom.transport = user->text()->substr(0, colon);
    whom.user_id = user->text()->substr(colon + 1);
  } else {
    whom.dialog = *id;
  }
  return std::nullopt;
}

std::optional<WebhookAnswer> only(const ValueMap& body, std::initializer_list<std::string_view> names) {
  for (const auto& [name, value] : body) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    std::string known;
    for (const std::string_view one : names) known += (known.empty() ? "`" : ", `") + std::string(one) + "`";
    return json_error(422, "bad_body", "unknown member `" + std::string(name) + "`", "known are: " + known);
  }
  return std::nullopt;
}

Stored<std::optional<DialogKey>> find_whom(Transaction& tx, const std::string& bot, const Whom& whom) {
  if (whom.dialog != 0) {
    auto key = tx.find_dialog(whom.dialog);
    if (!key) return Error{key.error()};
    if (!*key || (*key)->bot != bot || (*key)->chat.transport == kScheduleTransport) return std::optional<DialogKey>();
    return key;
  }
  auto people = tx.schedules().people_called(bot, whom.user_id);
  if (!people) return Error{people.error()};
  for (const ScheduleStore::Listener& one : *people)
    if (one.key.chat.transport == whom.transport) return std::optional(one.key);
  return std::optional<DialogKey>();
}

/// A value of a column as a query has it.
std::optional<Value> column_value(const Column& column, const std::string& text) {
  switch (column.type) {
    case ColumnType::Number:
    case ColumnType::Integer:
      if (auto number = Decimal::parse(text)) return Value(*number);
      return std::nullopt;
    case ColumnType::Boolean:
      if (text != "true" && text != "false") return std::nullopt;
      return Value(text == "true");
    case ColumnType::Date:
      if (auto date = Date::parse_iso(text)) return Value(*date);
      return std::nullopt;
    case ColumnType::Text: return Value(text);
    default: return std::nullopt;
  }
}

}  // namespace

struct Api::Asked {
  std::string bot;
  std::vector<std::string> parts;  ///< of the path, behind the bot
  std::string method, key;
  ValueMap query, body;
  std::function<void(WebhookAnswer)> answer;
  bool wakes = false;  ///< what it stores is an event
};

namespace {

using Asked = Api::Asked;

WebhookAnswer dialogs(Transaction& tx, Asked& asked, Moment now, Stored<Done>& done) {
  Page page;
  if (auto bad = read_page(asked.query, page)) return std::move(*bad);
  Housekeeping::DialogFilter filter;
  for (const auto& [name, value] : asked.query) {
    const std::string& text = *value.text();
    if (name == "place") {
      filter.place = text;
    } else if (name == "idle") {
      const auto idle = Duration::parse(text);
      if (!idle) return json_error(400, "bad_query", "`idle` is a length of time", "for example `24h`");
      filter.changed_before = Moment{now.unix_ms - idle->ms};
    } else if (name == "user") {
      const std::size_t colon = text.find(':');
      if (colon == text.npos) return json_error(400, "bad_query", "`user` is written as `telegram:42`");
      filter.transport = text.substr(0, colon);
      filter.user_id = text.substr(colon + 1);
    } else {
      return unknown_parameter(name, "`place`, `idle`, `user`, `after`, `limit`");
    }
  }
  auto lines = tx.housekeeping().dialog_page(asked.bot, filter, page.after, static_cast<std::size_t>(page.limit) + 1);
  if (!lines) {
    done = Error{lines.error()};
    return {};
  }
  json all = json::array();
  const bool more = lines->size() > static_cast<std::size_t>(page.limit);
  if (more) lines->pop_back();
  for (const Housekeeping::DialogLine& line : *lines) all.push_back(line_of(line));
  json out{{"dialogs", std::move(all)}};
  if (more) out["next"] = lines->back().id;
  return ok(out);
}

WebhookAnswer dialog(Transaction& tx, const Program& program, Asked& asked, Moment now, Stored<Done>& done) {
  const auto id = whole(asked.parts[1]);
  const auto gone = [] { return json_error(404, "no_dialog", "the bot has no such dialog", "`GET …/dialogs` lists them"); };
  if (!id) return gone();
  auto key = tx.find_dialog(*id);
  if (!key) {
    done = Error{key.error()};
    return {};
  }
  if (!*key || (*key)->bot != asked.bot || (*key)->chat.transport == kScheduleTransport) return gone();
  auto row = tx.load_dialog(**key);
  auto changed = tx.schedules().changed_at(*id);
  if (!row || !changed) {
    done = Error{!row ? row.error() : changed.error()};
    return {};
  }
  json out = line_of({*id, **key, row->user, row->place, *changed});
  Standing standing;
  (void)read_standing(row->state, standing);
  out["reachable"] = !standing.unreachable;
  out["with_people"] = with_people(standing, program, now);
  out["answers"] = answers_of(program, row->state);
  return ok(out);
}

WebhookAnswer rows(Transaction& tx, const Program& program, Asked& asked, Stored<Done>& done) {
  const auto table = std::find_if(program.tables.begin(), program.tables.end(),
                                  [&](const Table& one) { return one.name == asked.parts[1]; });
  if (table == program.tables.end()) return json_error(404, "no_table", "the scenario has no such table");
  Page page;
  if (auto bad = read_page(asked.query, page)) return std::move(*bad);
  FindRows find;
  find.table.value = static_cast<std::uint32_t>(table - program.tables.begin());
  const auto secret = secret_columns(program, find.table);
  const auto hidden = [&](const std::string& column) { return secret.contains(column) || is_secret_question(program, column); };
  find.conditions.push_back({"id", ">", Value(Decimal(page.after))});
  find.sort.push_back({"id", false});
  find.limit = page.limit + 1;
  for (const auto& asks : asked.query) {
    const auto& [name, value] = asks;
    const auto column = std::find_if(table->columns.begin(), table->columns.end(), [&asks](const Column& one) { return one.name == asks.first; });
    if (name == "user_id") {
      find.conditions.push_back({"user_id", "==", value});
      continue;
    }
    if (column == table->columns.end() || hidden(column->name)) {
      std::string known = "`after`, `limit`, `user_id`";
      for (const Column& one : table->columns)
        if (!hidden(one.name)) known += ", `" + one.name + "`";
      return unknown_parameter(name, known);
    }
    auto wanted = column_value(*column, *value.text());
    if (!wanted) return json_error(400, "bad_query", "`" + std::string(name) + "` cannot be asked for like that");
    find.conditions.push_back({column->name, "==", std::move(*wanted)});
  }
  auto found = tx.find_rows(*table, find);
  if (!found) {
    done = Error{found.error()};
    return {};
  }
  const bool more = found->size() > static_cast<std::size_t>(page.limit);
  if (more) found->pop_back();
  json all = json::array();
  std::int64_t last = 0;
  for (const Value& row : *found) {
    ValueMap shown;
    for (const auto& [name, value] : *row.map())
      if (!hidden(name)) shown.set(name, value);
    if (const Value* id = row.map()->find("id"); id && id->number()) last = id->number()->to_int64().value_or(0);
    all.push_back(plain(Value(std::move(shown)), program.zone));
  }
  json out{{"rows", std::move(all)}};
  if (more) out["next"] = last;
  return ok(out);
}

/// A message, or a branch: an event of the person's dialog.
WebhookAnswer post(Transaction& tx, const Program& program, Asked& asked, Moment now, Stored<Done>& done) {
  const bool message = asked.parts[0] == "messages";
  Whom whom;
  if (auto bad = message ? only(asked.body, {"user", "dialog", "text"}) : only(asked.body, {"user", "dialog", "with"}))
    return std::move(*bad);
  if (auto bad = read_whom(asked.body, whom)) return std::move(*bad);
  Happened happened;
  ValueMap data;
  if (message) {
    const Value* text = asked.body.find("text");
    if (!text || !text->text() || trim(*text->text()).empty() || text->text()->size() > kLongestText)
      return json_error(422, "bad_body", "`text` is what the person is to read: 1 to 32768 bytes");
    data.set("text", *text);
  } else {
    happened.branch = asked.parts[1];
    if (!program.find_branch(happened.branch)) return json_error(404, "no_branch", "the scenario has no such branch");
    if (const Value* with = asked.body.find("with")) {
      if (!with->map()) return json_error(422, "bad_body", "`with` is an object: the branch's variables by name");
      data.set("with", *with);
    }
  }
  happened.data = Value(std::move(data));
  auto key = find_whom(tx, asked.bot, whom);
  if (!key) {
    done = Error{key.error()};
    return {};
  }
  if (!*key) return json_error(404, "no_dialog", "this person has not written to the bot", "a bot may speak only to who wrote to it first");
  auto row = tx.load_dialog(**key);
  if (!row) {
    done = Error{row.error()};
    return {};
  }
  Standing standing;
  if (read_standing(row->state, standing) && standing.unreachable)
    return json_error(409, "unreachable", "this person has blocked the bot");
  if (!asked.key.empty()) {
    auto fresh = tx.claim_event(asked.bot, kClaims, asked.parts[0] + ":" + sha256_hex(asked.key + "\n" + asked.parts.back() + "\n" + std::to_string(row->id)), now);
    if (!fresh) {
      done = Error{fresh.error()};
      return {};
    }
    if (!*fresh) return ok({{"stored", true}, {"repeated", true}});
  }
  auto number = tx.schedules().next_number(asked.bot, kClaims);
  if (!number) {
    done = Error{number.error()};
    return {};
  }
  Incoming update;
  update.id = "api:" + std::to_string(*number);
  update.chat = (*key)->chat;
  update.person.id = (*key)->user_id;
  update.event = Event{now, 0, std::move(happened)};
  InboxRow inbox;
  inbox.bot = asked.bot;
  inbox.transport = update.chat.transport;
  inbox.event_id = update.id;
  inbox.user_id = update.person.id;
  inbox.incoming = to_json(update);
  done = tx.put_inbox(inbox);
  asked.wakes = true;
  return ok({{"stored", true}, {"repeated", false}}, 202);
}

}  // namespace

const ApiToken* Api::known(std::string_view authorization) const {
  constexpr std::string_view kBearer = "Bearer ";
  if (!authorization.starts_with(kBearer)) return nullptr;
  authorization.remove_prefix(kBearer.size());
  const ApiToken* found = nullptr;
  // All are looked at, however well the first one fits.
  for (const ApiToken& one : config_.tokens)
    if (same_secret(one.token, authorization)) found = &one;
  return found;
}

WebhookAnswer Api::wrong_token() {
  std::optional<seconds> wait;
  std::uint64_t count = 0;
  {
    std::lock_guard lock(mutex_);
    wait = wrong_.pass(kWrongTokens, Duration{60'000}, clock_.monotonic());
    count = ++wrong_tokens_;
  }
  std::uint64_t first = count;
  while (first >= 10 && first % 10 == 0) first /= 10;
  if (first == 1) write_log(LogLevel::Warning, "calls of the API with a wrong token so far: " + std::to_string(count));
  if (wait) return json_error(429, "too_many", "too many wrong tokens", "try again later with the right one", *wait);
  return json_error(401, "no_token", "the token is missing or wrong", "send `Authorization: Bearer TOKEN` with a token of `api:`");
}

void Api::take(WebhookRequest request, std::function<void(WebhookAnswer)> give) {
  const auto answer = [this, give = std::move(give)](WebhookAnswer one) {
    {
      std::lock_guard lock(mutex_);
      ++by_status_[one.status];
    }
    give(std::move(one));
  };
  std::vector<std::string> parts = parts_of(std::string_view(request.path).substr(std::min(kPrefix.size(), request.path.size())));
  if (parts.size() == 1 && parts[0] == "openapi.json" && request.method == "GET")
    return answer({200, std::string(openapi_json()), seconds(0), kJson});
  const ApiToken* const token = known(request.header("authorization"));
  if (!token) return answer(wrong_token());
  {
    std::optional<seconds> wait;
    {
      std::lock_guard lock(mutex_);
      wait = gates_[token->name].pass(config_.limit, Duration{60'000}, clock_.monotonic());
    }
    if (wait) return answer(json_error(429, "too_many", "more calls a minute than this token may make", "try again later", *wait));
  }
  const auto no_such = [&] { return json_error(404, "unknown", "there is nothing at this address", "`/api/v1/openapi.json` lists what there is"); };
  if (parts.size() == 1 && parts[0] == "health") {
    if (request.method != "GET") return answer(json_error(405, "method", "only GET is answered here"));
    json bots = json::array();
    for (const std::string& bot : bots_)
      if (token->may_see(bot)) bots.push_back(bot);
    const bool well = engine_.storage_well();
    return answer(ok({{"status", well ? "ok" : "troubled"}, {"bots", std::move(bots)}}, well ? 200 : 503));
  }
  if (parts.size() < 3 || parts[0] != "bots") return answer(no_such());
  Asked asked;
  asked.bot = parts[1];
  asked.parts.assign(parts.begin() + 2, parts.end());
  asked.method = request.method;
  const std::string& what = asked.parts[0];
  const std::size_t depth = asked.parts.size();
  const bool reads = (what == "dialogs" && depth <= 2) || (what == "tables" && depth == 3 && asked.parts[2] == "rows");
  const bool writes = (what == "messages" && depth == 1) || (what == "branches" && depth == 2);
  if (!reads && !writes) return answer(no_such());
  if (!token->may_see(asked.bot))
    return answer(json_error(403, "forbidden", "this token is not for the bot", "`bots` of the token in sufler.yaml says for which it is"));
  if (std::find(bots_.begin(), bots_.end(), asked.bot) == bots_.end()) return answer(json_error(404, "no_bot", "there is no such bot"));
  if (request.method != (reads ? "GET" : "POST"))
    return answer(json_error(405, "method", reads ? "only GET is answered here" : "only POST is answered here"));
  if (writes && !token->may_write)
    return answer(json_error(403, "forbidden", "this token may only read", "give it `rights: write` in sufler.yaml"));
  if (!request.query.empty()) {
    auto query = read_event_body(request.query, true);
    if (!query) return answer(json_error(400, "bad_query", query.error()));
    asked.query = *query->map();
  }
  if (writes) {
    const std::string type = to_lower(request.header("content-type"));
    if (!type.starts_with("application/json"))
      return answer(json_error(415, "content_type", "JSON is taken", "send `Content-Type: application/json`"));
    auto body = read_event_body(request.body, false);
    if (!body) return answer(json_error(request.body.size() > kMaxEventBytes ? 413 : 400, "unreadable", body.error()));
    if (!body->map()) return answer(json_error(422, "bad_body", "an object is wanted"));
    asked.body = *body->map();
    asked.key = request.header("idempotency-key");
    if (asked.key.size() > kLongestKey) return answer(json_error(400, "unreadable", "`Idempotency-Key` is longer than 255 bytes"));
  }
  engine_.ask([this, asked = std::move(asked), answer](Storage& storage) mutable {
    const Program* const program = engine_.program(asked.bot);
    if (!program) return answer(json_error(503, "left_out", "the bot is not served at the moment", {}, seconds(5)));
    const Moment now = clock_.now();
    WebhookAnswer given;
    const Asked whole = asked;  // a transaction may run again
    const auto work = [&](Transaction& tx) -> Stored<Done> {
      Stored<Done> done = Done{};
      asked = whole;
      const std::string& kind = asked.parts[0];
      given = kind == "dialogs"  ? asked.parts.size() == 1 ? dialogs(tx, asked, now, done) : dialog(tx, *program, asked, now, done)
              : kind == "tables" ? rows(tx, *program, asked, done)
                                 : post(tx, *program, asked, now, done);
      return done;
    };
    const bool posts = asked.method == "POST";
    const auto stored = posts ? storage.transact(work) : storage.look(work);
    if (!stored) {
      write_log(LogLevel::Error, stored.error().message, {{"bot", whole.bot}, {"call", "api"}});
      return answer(json_error(503, "storage", "the database cannot be used at the moment", "try again", seconds(1)));
    }
    if (asked.wakes) {
      engine_.play_inbox();
      failpoint("hook_stored");
    }
    answer(std::move(given));
  });
}

void Api::add_metrics(MetricsText& text) const {
  std::map<int, std::uint64_t> by_status;
  std::uint64_t wrong = 0;
  {
    std::lock_guard lock(mutex_);
    by_status = by_status_;
    wrong = wrong_tokens_;
  }
  text.metric("sufler_api_answers_total", "counter", "Answers of the API, by status.");
  for (const auto& [status, number] : by_status) text.sample({{"status", std::to_string(status)}}, number);
  text.metric("sufler_api_wrong_tokens_total", "counter", "Calls of the API without a token, or with a wrong one.");
  text.sample({}, wrong);
}

}  // namespace sufler
