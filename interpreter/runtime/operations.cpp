#include "interpreter/core/broadcast.h"
#include "interpreter/core/expression.h"
#include "interpreter/runtime/operations.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "interpreter/runtime/incoming_json.h"
#include "interpreter/runtime/log.h"
#include "storage/broadcast_store.h"
#include "storage/desk_store.h"
#include "storage/housekeeping.h"
#include "storage/outbox_json.h"
#include "storage/schedule_store.h"
#include "storage/version_store.h"

namespace sufler {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t kUsualLimit = 100;
constexpr std::size_t kMaxLimit = 10'000;
/// RELIABILITY 4, 11.
constexpr std::int64_t kInvitationLasts = 15LL * 60 * 1000;
constexpr std::size_t kHashDigits = 64;
constexpr std::int64_t kMonth = 30LL * 24 * 3600 * 1000;
/// Of a ticket: some megabytes, were all of them as long as can be.
constexpr std::size_t kMessagesAtOnce = 500;
/// Of one dialog, the newest.
constexpr std::size_t kJournalLines = 5000;
/// Of one dialog in an answer, the newest lines; when so much is in it, the next dialog waits for another question.
/// Twice that, as JSON in JSON, stays below what the socket carries.
constexpr std::size_t kJournalBytes = 4u << 20;

json parse(std::string_view text) { return json::parse(text, nullptr, false); }

/// Texts come from people and platforms: what is no UTF-8 must not end the command.
std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string text_of(const json& from, const char* name) {
  const auto found = from.find(name);
  return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::size_t limit_of(const json& from) {
  const auto found = from.find("limit");
  if (found == from.end() || !found->is_number_unsigned()) return kUsualLimit;
  return std::clamp<std::size_t>(found->get<std::size_t>(), 1, kMaxLimit);
}

json letter_line(const Letter& letter) {
  json line = {{"id", letter.id},
               {"at_unix_ms", letter.at.unix_ms},
               {"bot", letter.bot},
               {"kind", letter.kind},
               {"chat", letter.chat.transport.empty() ? std::string() : letter.chat.transport + ":" + letter.chat.chat_id},
               {"reason", letter.reason},
               {"retryable", letter.retryable}};
  return line;
}

/// JSON where it is some, else the text.
json readable(const std::string& text) {
  json value = parse(text);
  return value.is_discarded() ? json(text) : value;
}

json all_of(const Letter& letter) {
  json all = letter_line(letter);
  OutboxRow row;
  if (letter.kind == "event") {
    json event = readable(letter.subject);
    if (event.is_object() && event.contains("event") && event["event"].is_string())
      event["event"] = readable(event["event"].get<std::string>());
    all["event"] = std::move(event);
  } else if (from_json(letter.subject, row)) {
    all["dialog"] = row.dialog_id;
    all["method"] = row.call.method;
    all["body"] = readable(row.call.body);
    json files = json::array();
    for (const FilePart& part : row.call.files) {
      files.push_back({{"field", part.field},
                       {"origin", part.file.origin},
                       {"name", part.file.name},
                       {"size", part.file.size}});
    }
    all["files"] = std::move(files);
    all["resend"] = row.resend == ResendPolicy::Never ? "never" : "repeat";
  } else {
    all["text"] = letter.subject;
  }
  return all;
}

class Operation {
 public:
  Operation(Storage& storage, json request, Moment now) : storage_(storage), request_(std::move(request)), now_(now) {}

  Operated run() {
    const std::string op = text_of(request_, "op");
    if (op == "letters") {
      letters();
    } else if (op == "letter") {
      letter();
    } else if (op == "letter_ids") {
      letter_ids();
    } else if (op == "retry" || op == "drop") {
      each_letter(op == "retry");
    } else if (op == "status") {
      status();
    } else if (op == "usage") {
      usage();
    } else if (op == "versions") {
      versions();
    } else if (op == "dialogs") {
      dialogs();
    } else if (op == "journal") {
      journal();
    } else if (op == "agents") {
      agents();
    } else if (op == "remove_agent" || op == "restore_agent") {
      change_agent(op == "remove_agent");
    } else if (op == "invite") {
      invite();
    } else if (op == "tickets") {
      tickets();
    } else if (op == "ticket") {
      ticket();
    } else if (op == "schedules") {
      schedules();
    } else if (op == "pause_schedule" || op == "resume_schedule" || op == "run_schedule") {
      change_schedule(op);
    } else if (op == "broadcasts") {
      broadcasts();
    } else if (op == "broadcast") {
      broadcast();
    } else if (op == "begin_broadcast") {
      begin_broadcast();
    } else if (op == "pause_broadcast" || op == "resume_broadcast" || op == "stop_broadcast") {
      change_broadcast(op);
    } else if (op == "erase") {
      erase();
    } else {
      fail("there is no operation `" + op + "`");
    }
    operated_.answer = dump(answer_);
    return std::move(operated_);
  }

 private:
  void fail(const std::string& why) { answer_ = {{"error", why}}; }

  /// Runs `body(housekeeping)`, which returns a Stored, in a transaction of its own.
  template <class Body>
  bool transact(Body&& body) {
    const auto done = storage_.transact([&](Transaction& tx) -> Stored<Done> { return body(tx.housekeeping()); });
    if (!done) fail(done.error().message);
    return static_cast<bool>(done);
  }

  template <class Body>
  bool transact_whole(Body&& body) {
    const auto done = storage_.transact([&](Transaction& tx) -> Stored<Done> { return body(tx); });
    if (!done) fail(done.error().message);
    return static_cast<bool>(done);
  }

  void letters() {
    const std::size_t limit = limit_of(request_);
    transact([&](Housekeeping& house) -> Stored<Done> {
      auto found = house.letters(text_of(request_, "bot"), limit + 1);
      if (!found) return Error{found.error()};
      answer_["more"] = found->size() > limit;
      json lines = json::array();
      for (std::size_t i = found->size() > limit ? 1 : 0; i < found->size(); ++i) lines.push_back(letter_line((*found)[i]));
      answer_["letters"] = std::move(lines);
      return Done{};
    });
  }

  void letter() {
    const std::string id = text_of(request_, "id");
    transact([&](Housekeeping& house) -> Stored<Done> {
      auto found = house.letter(id);
      if (!found) return Error{found.error()};
      if (*found) {
        answer_["letter"] = all_of(**found);
      } else {
        fail("there is no dead letter `" + id + "`");
      }
      return Done{};
    });
  }

  void letter_ids() {
    transact([&](Housekeeping& house) -> Stored<Done> {
      auto ids = house.letter_ids(text_of(request_, "bot"));
      if (!ids) return Error{ids.error()};
      answer_["ids"] = *ids;
      return Done{};
    });
  }

  void each_letter(bool retry) {
    const auto ids = request_.find("ids");
    if (ids == request_.end() || !ids->is_array() || ids->size() > kIdsAtOnce) return fail("`ids` are missing or too many");
    json done = json::array();
    json failed = json::array();
    std::vector<OutboxRow> rows;
    bool inbox = false, jobs = false;
    const bool stored = transact([&](Housekeeping& house) -> Stored<Done> {
      for (const json& one : *ids) {
        const std::string id = one.is_string() ? one.get<std::string>() : std::string();
        auto found = house.letter(id);
        if (!found) return Error{found.error()};
        if (!*found) {
          failed.push_back({{"id", id}, {"reason", "there is no such dead letter"}});
          continue;
        }
        const Letter& letter = **found;
        if (!retry) {
          if (auto gone = house.drop(letter); !gone) return gone;
        } else if (!letter.retryable) {
          failed.push_back({{"id", id}, {"reason", "it was kept by an older version, without what a retry needs: it can only be dropped"}});
          continue;
        } else {
          auto put = house.put_back(letter, now_);
          if (!put) return Error{put.error()};
          if (*put) rows.push_back(std::move(**put));
          inbox |= letter.kind == "event";
          jobs |= letter.kind == "job";
        }
        done.push_back(id);
      }
      return Done{};
    });
    if (!stored) return;
    operated_.to_send = std::move(rows);
    operated_.inbox_filled = inbox;
    operated_.jobs_filled = jobs;
    answer_["done"] = std::move(done);
    answer_["failed"] = std::move(failed);
  }

  void usage() {
    using By = Housekeeping::UsageBy;
    const std::string by = text_of(request_, "by");
    const std::int64_t days = request_.value("days", std::int64_t{1});
    const auto limit = static_cast<std::size_t>(request_.value("limit", std::int64_t{100}));
    const Moment since{now_.unix_ms - (days - 1) * 24 * 3600 * 1000};
    transact([&](Housekeeping& house) -> Stored<Done> {
      auto lines = house.usage(text_of(request_, "bot"), since, by == "person" ? By::Person : by == "model" ? By::Model : By::Day, limit);
      if (!lines) return Error{lines.error()};
      json all = json::array();
      for (const Housekeeping::UsageLine& one : *lines)
        all.push_back({{"bot", one.bot}, {by, one.what}, {"answers", one.answers}, {"tokens_in", one.tokens_in}, {"tokens_out", one.tokens_out}});
      answer_["usage"] = std::move(all);
      return Done{};
    });
  }

  void status() {
    transact([&](Housekeeping& house) -> Stored<Done> {
      auto queues = house.queues();
      if (!queues) return Error{queues.error()};
      auto schema = house.schema();
      if (!schema) return Error{schema.error()};
      answer_["database"] = {{"tables_version", *schema}};
      json all = json::array();
      for (const Housekeeping::Queues& one : *queues) {
        all.push_back({{"bot", one.bot},
                       {"dialogs", one.dialogs},
                       {"inbox", one.inbox},
                       {"outbox", one.outbox},
                       {"timers", one.timers},
                       {"jobs", one.jobs},
                       {"dead_letters", one.letters},
                       {"unknown", one.unknown}});
      }
      answer_["queues"] = std::move(all);
      auto desks = house.desks({});
      if (!desks) return Error{desks.error()};
      json lines = json::array();
      for (const Housekeeping::DeskLine& one : *desks) {
        lines.push_back({{"bot", one.bot},
                         {"desk", one.desk},
                         {"agents", one.agents},
                         {"on_duty", one.on_duty},
                         {"queued", one.queued},
                         {"open", one.open},
                         {"waits_ms", one.waits_since.unix_ms == 0 ? 0 : waited_since(one.waits_since)}});
      }
      answer_["desks"] = std::move(lines);
      return Done{};
    });
    deployments();
  }

  // ---- versions of scenarios

  static json lines_of(const std::vector<Rehearsal>& rehearsals) {
    json lines = json::array();
    for (const Rehearsal& one : rehearsals)
      lines.push_back({{"user", one.transport + ":" + one.user_id},
                       {"version", one.version},
                       {"since_unix_ms", one.since.unix_ms}});
    return lines;
  }

  void deployments() {
    transact_whole([&](Transaction& tx) -> Stored<Done> {
      auto all = tx.versions().deployments();
      if (!all) return Error{all.error()};
      auto pinned = tx.versions().pinned();
      if (!pinned) return Error{pinned.error()};
      json lines = json::array();
      for (const Deployment& one : *all) {
        if (one.version.empty()) continue;
        json pins = json::array();
        for (const VersionStore::Pinned& pin : *pinned) {
          if (pin.bot != one.bot || pin.version == one.version) continue;
          pins.push_back({{"version", pin.version}, {"dialogs", pin.dialogs}, {"since_unix_ms", pin.since.unix_ms}});
        }
        lines.push_back({{"bot", one.bot},
                         {"version", one.version},
                         {"since_unix_ms", one.at.unix_ms},
                         {"rolled_back", one.rolled_back},
                         {"taking_over", one.swept < one.generation},
                         {"pinned", std::move(pins)},
                         {"rehearsals", lines_of(one.rehearsals)}});
      }
      answer_["deployments"] = std::move(lines);
      return Done{};
    });
  }

  void versions() {
    transact_whole([&](Transaction& tx) -> Stored<Done> {
      auto rows = tx.versions().versions(text_of(request_, "bot"));
      if (!rows) return Error{rows.error()};
      auto all = tx.versions().deployments();
      if (!all) return Error{all.error()};
      auto pinned = tx.versions().pinned();
      if (!pinned) return Error{pinned.error()};
      json lines = json::array();
      for (const VersionRow& row : *rows) {
        json line = {{"bot", row.bot},
                     {"version", row.version},
                     {"at_unix_ms", row.at.unix_ms},
                     {"live_at_unix_ms", row.live_at.unix_ms},
                     {"note", row.note},
                     {"path", row.path},
                     {"files", row.files.size()},
                     {"live", false},
                     {"pinned", 0}};
        for (const Deployment& one : *all) {
          if (one.bot != row.bot) continue;
          line["live"] = one.version == row.version;
          if (one.version == row.version) line["rolled_back"] = one.rolled_back;
          std::vector<Rehearsal> of_it = one.rehearsals;
          std::erase_if(of_it, [&](const Rehearsal& rehearsal) { return rehearsal.version != row.version; });
          line["rehearsals"] = lines_of(of_it);
        }
        for (const VersionStore::Pinned& pin : *pinned)
          if (pin.bot == row.bot && pin.version == row.version) line["pinned"] = pin.dialogs;
        lines.push_back(std::move(line));
      }
      answer_["versions"] = std::move(lines);
      return Done{};
    });
  }

  // ---- desks

  std::int64_t waited_since(Moment from) const { return std::max<std::int64_t>(0, now_.unix_ms - from.unix_ms); }

  void agents() {
    transact_whole([&](Transaction& tx) -> Stored<Done> {
      auto desks = tx.housekeeping().desks(text_of(request_, "bot"));
      if (!desks) return Error{desks.error()};
      json lines = json::array();
      for (const Housekeeping::DeskLine& desk : *desks) {
        auto rows = tx.desk().agents(desk.bot, desk.desk);
        if (!rows) return Error{rows.error()};
        auto figures = tx.desk().figures(desk.bot, desk.desk, Moment{now_.unix_ms - kMonth}, Moment{now_.unix_ms + 1});
        if (!figures) return Error{figures.error()};
        for (const AgentRow& agent : *rows) {
          DeskFigures own;
          for (const DeskFigures& one : *figures)
            if (one.agent == agent.id) own = one;
          lines.push_back({{"bot", agent.bot},
                           {"desk", agent.desk},
                           {"name", agent.name},
                           {"user", agent.chat.transport + ":" + agent.user_id},
                           {"on_duty", agent.on_duty},
                           {"open", agent.open},
                           {"seen_at_unix_ms", agent.seen_at.unix_ms},
                           {"registered_at_unix_ms", agent.registered_at.unix_ms},
                           {"taken", own.taken},
                           {"closed", own.closed},
                           {"answered", own.answered},
                           {"first_answer_ms", own.first_answer_ms},
                           {"rated", own.rated},
                           {"rating", own.rating.to_string()}});
        }
      }
      answer_["agents"] = std::move(lines);
      return Done{};
    });
  }

  void schedules() {
    transact_whole([&](Transaction& tx) -> Stored<Done> {
      auto rows = tx.schedules().all(text_of(request_, "bot"));
      if (!rows) return Error{rows.error()};
      json lines = json::array();
      for (const ScheduleRow& row : *rows) {
        json line = {{"bot", row.bot}, {"name", row.name}, {"timing", row.timing}};
        if (!row.people.empty()) line["for"] = row.people;
        if (row.next_at.unix_ms != 0 && row.next_at != kNeverAt) line["next_at_unix_ms"] = row.next_at.unix_ms;
        if (row.last_at.unix_ms != 0) {
          line["last_at_unix_ms"] = row.last_at.unix_ms;
          if (!row.people.empty()) line["people"] = row.people_told;
        }
        if (row.paused_at.unix_ms != 0) line["paused_at_unix_ms"] = row.paused_at.unix_ms;
        if (row.run_due.unix_ms != 0) line["under_way"] = true;
        if (row.forced_at.unix_ms != 0) line["forced"] = true;
        lines.push_back(std::move(line));
      }
      answer_["schedules"] = std::move(lines);
      return Done{};
    });
  }

  static json broadcast_line(const BroadcastRow& row) {
    constexpr const char* kStates[] = {"preparing", "sending", "stopping", "done", "stopped", "counted"};
    json line = {{"id", row.id},
                 {"bot", row.bot},
                 {"name", row.name},
                 {"state", row.paused_at.unix_ms != 0 ? "paused" : kStates[static_cast<std::size_t>(row.state)]},
                 {"begun_by", row.begun_by},
                 {"begun_at_unix_ms", row.created_at.unix_ms}};
    if (row.ended_at.unix_ms != 0) line["ended_at_unix_ms"] = row.ended_at.unix_ms;
    if (row.paused_at.unix_ms != 0) line["paused_at_unix_ms"] = row.paused_at.unix_ms;
    if (!row.only.empty()) line["only"] = row.only;
    line["people"] = row.people;
    line["given"] = row.given;
    line["sent"] = row.sent;
    line["failed"] = row.failed;
    line["failed_blocked"] = row.gone;
    line["unknown"] = row.unknown;
    line["left_out"] = {{"blocked", row.unreachable},
                        {"unsubscribed", row.unsubscribed},
                        {"with_staff", row.with_staff},
                        {"where", row.not_meant}};
    if (row.state == BroadcastRow::State::Done || row.state == BroadcastRow::State::Stopped)
      line["left_out"]["late"] = std::max<std::int64_t>(0, row.people - row.sent - row.failed - row.unknown);
    return line;
  }

  void broadcasts() {
    transact_whole([&](Transaction& tx) -> Stored<Done> {
      auto rows = tx.broadcasts().all(text_of(request_, "bot"), limit_of(request_));
      if (!rows) return Error{rows.error()};
      json lines = json::array();
      for (const BroadcastRow& row : *rows) lines.push_back(broadcast_line(row));
      answer_["broadcasts"] = std::move(lines);
      return Done{};
    });
  }

  std::int64_t broadcast_id() const { return request_.value("id", std::int64_t{0}); }
  void no_broadcast() { fail("there is no broadcast " + std::to_string(broadcast_id()) + "; `sufler broadcasts` lists them"); }

  void broadcast() {
    transact_whole([&](Transaction& tx) -> Stored<Done> {
      auto row = tx.broadcasts().find(broadcast_id());
      if (!row) return Error{row.error()};
      if (!*row) {
        no_broadcast();
        return Done{};
      }
      json line = broadcast_line(**row);
      BroadcastOrder order;
      if (from_json((*row)->order, order)) {
        if (!order.texts.empty()) line["texts"] = order.texts;
        if (!order.branch.empty()) line["branch"] = order.branch;
        if (!order.where.empty()) line["where"] = order.where;
        if (order.rate > 0) line["rate"] = order.rate;
        if (order.has_quiet_hours())
          line["quiet"] = {{"from", TimeOfDay{order.quiet_from}.to_string()}, {"to", TimeOfDay{order.quiet_to}.to_string()}};
      }
      answer_["broadcast"] = std::move(line);
      return Done{};
    });
  }

  /// Empty when everybody's event can make sense of the names; there is no dialog that has others.
  static std::string unknown_name(const std::vector<NameUse>& names) {
    for (const NameUse& use : names) {
      if (use.path.empty()) continue;
      const std::string& name = use.path.front();
      if (name != "user" && name != "chat" && name != "shared" && name != "settings" && name != "texts")
        return "`" + name + "` is not known here: a broadcast from the command line sees `user`, `chat`, `shared`, `settings` "
               "and `texts`, by these English names";
    }
    return {};
  }

  void begin_broadcast() {
    BroadcastOrder order;
    order.name = text_of(request_, "name");
    order.texts.push_back(text_of(request_, "text"));
    order.where = text_of(request_, "where");
    order.rate = request_.value("rate", std::uint32_t{0});
    const auto text = Template::parse(order.texts.front());
    if (!text) return fail("the text cannot be read near `" + text.error().error.found + "`");
    if (std::string why = unknown_name(text->names()); !why.empty()) return fail(why);
    if (!order.where.empty()) {
      const auto where = Expression::parse(order.where);
      if (!where) return fail("the condition cannot be read near `" + where.error().found + "`");
      if (std::string why = unknown_name(where->names()); !why.empty()) return fail(why);
    }
    BroadcastRow row;
    row.bot = text_of(request_, "bot");
    row.name = order.name;
    row.order = to_json(order);
    row.begun_by = "operator";
    row.only_counts = request_.value("only_counts", false);
    row.only = text_of(request_, "only");
    row.created_at = now_;
    transact_whole([&](Transaction& tx) -> Stored<Done> {
      if (!row.only.empty()) {
        const std::size_t colon = row.only.find(':');
        const std::string transport = row.only.substr(0, colon);
        const std::string id = colon == row.only.npos ? std::string() : row.only.substr(colon + 1);
        auto dialog = tx.load_dialog({row.bot, {transport, id}, id});
        if (!dialog) return Error{dialog.error()};
        if (dialog->id == 0) {
          fail("`" + row.only + "` has never written to the bot; name a person as `telegram:42`");
          return Done{};
        }
      }
      auto begun = tx.broadcasts().begin(row);
      if (!begun) return Error{begun.error()};
      if (!*begun) {
        fail("a broadcast `" + row.name + "` is under way already: wait for its end, or stop it");
        return Done{};
      }
      answer_["broadcast"] = broadcast_line(row);
      return Done{};
    });
  }

  void change_broadcast(const std::string& op) {
    transact_whole([&](Transaction& tx) -> Stored<Done> {
      const std::int64_t id = broadcast_id();
      auto changed = op == "pause_broadcast"    ? tx.broadcasts().pause(id, now_)
                     : op == "resume_broadcast" ? tx.broadcasts().resume(id)
                                                : tx.broadcasts().stop(id);
      if (!changed) return Error{changed.error()};
      auto row = tx.broadcasts().find(id);
      if (!row) return Error{row.error()};
      if (!*row) {
        no_broadcast();
      } else if (!*changed) {
        fail((*row)->is_over() ? "the broadcast " + std::to_string(id) + " is over"
                               : "the broadcast " + std::to_string(id) + (op == "resume_broadcast" ? " is not paused" : " cannot be paused now"));
      } else {
        answer_["broadcast"] = broadcast_line(**row);
      }
      return Done{};
    });
  }

  void change_schedule(const std::string& op) {
    const std::string name = text_of(request_, "name");
    transact_whole([&](Transaction& tx) -> Stored<Done> {
      auto rows = tx.schedules().all(text_of(request_, "bot"));
      if (!rows) return Error{rows.error()};
      std::erase_if(*rows, [&](const ScheduleRow& row) { return row.name != name; });
      if (rows->empty()) {
        fail("there is no schedule `" + name + "`; `sufler schedules` lists them");
        return Done{};
      }
      if (rows->size() > 1) {
        fail("several bots have a schedule `" + name + "`: name one with --bot");
        return Done{};
      }
      const std::string& bot = rows->front().bot;
      auto done = op == "pause_schedule"    ? tx.schedules().pause(bot, name, now_)
                  : op == "resume_schedule" ? tx.schedules().resume(bot, name, now_)
                                            : tx.schedules().force(bot, name, now_);
      if (!done) return Error{done.error()};
      answer_["bot"] = bot;
      answer_["name"] = name;
      return Done{};
    });
  }

  /// What follows for dialogs and chats is the clerk's, who hears of it by the inbox.
  static Stored<Done> tell_desk(Transaction& tx, const std::string& bot, const ChatAddress& chat,
                                const std::string& user_id, const std::string& id, Moment at, DeskChange change) {
    Incoming update;
    update.id = id;
    update.chat = chat;
    update.person.id = user_id;
    update.event = Event{at, 0, change};
    InboxRow row;
    row.bot = bot;
    row.transport = chat.transport;
    row.event_id = id;
    row.user_id = user_id;
    row.incoming = to_json(update);
    return tx.put_inbox(row);
  }

  void change_agent(bool remove) {
    const std::string bot = text_of(request_, "bot");
    const std::string desk = text_of(request_, "desk");
    const std::string user = text_of(request_, "user");
    const std::size_t colon = user.find(':');
    if (colon == 0 || colon == std::string::npos || colon + 1 == user.size())
      return fail("a person is written `telegram:123` or `vk:5`");
    const bool stored = transact_whole([&](Transaction& tx) -> Stored<Done> {
      if (auto locked = tx.desk().lock(bot, desk); !locked) return locked;
      auto found = tx.desk().agent_of(bot, desk, user.substr(0, colon), user.substr(colon + 1));
      if (!found) return Error{found.error()};
      if (!*found || (*found)->removed == remove) {
        fail("`" + user + "` is no " + (remove ? "agent" : "removed agent") + " of the desk `" + desk + "` of the bot `" +
             bot + "`");
        return Done{};
      }
      AgentRow agent = std::move(**found);
      agent.removed = remove;
      agent.on_duty = !remove;
      agent.current_ticket = 0;
      if (auto saved = tx.desk().save_agent(agent); !saved) return saved;
      answer_["name"] = agent.name;
      answer_["open"] = agent.open;
      if (!remove) return Done{};
      operated_.inbox_filled = true;
      return tell_desk(tx, bot, agent.chat, agent.user_id,
                       "agent_removed:" + std::to_string(agent.id) + ":" + std::to_string(now_.unix_ms), now_,
                       {DeskChange::What::AgentRemoved, agent.id});
    });
    if (!stored) operated_.inbox_filled = false;
  }

  void invite() {
    Invitation invitation;
    invitation.bot = text_of(request_, "bot");
    invitation.desk = text_of(request_, "desk");
    invitation.hash = text_of(request_, "hash");
    invitation.until = Moment{now_.unix_ms + kInvitationLasts};
    if (invitation.bot.empty() || invitation.desk.empty() || invitation.hash.size() != kHashDigits)
      return fail("an invitation has `bot`, `desk` and `hash`");
    transact_whole([&](Transaction& tx) -> Stored<Done> {
      answer_["until_unix_ms"] = invitation.until.unix_ms;
      return tx.desk().invite(invitation, now_);
    });
  }

  static const char* word_of(TicketRow::State state) {
    switch (state) {
      case TicketRow::State::Queued: return "queued";
      case TicketRow::State::Open: return "open";
      case TicketRow::State::Closed: break;
    }
    return "closed";
  }

  json line_of(const TicketRow& ticket, const std::string& agent) const {
    Moment since;  // when the client began to wait for what comes next
    if (ticket.state == TicketRow::State::Queued) {
      since = ticket.queued_at;
    } else if (ticket.state == TicketRow::State::Open && ticket.client_at.unix_ms > ticket.agent_at.unix_ms) {
      since = Moment{std::max(ticket.client_at.unix_ms, ticket.assigned_at.unix_ms)};
    }
    return {{"bot", ticket.bot},
            {"desk", ticket.desk},
            {"number", ticket.number},
            {"state", word_of(ticket.state)},
            {"client", ticket.client_name},
            {"agent", agent},
            {"waits_ms", since.unix_ms == 0 ? 0 : waited_since(since)},
            {"opened_at_unix_ms", ticket.opened_at.unix_ms},
            {"closed_at_unix_ms", ticket.closed_at.unix_ms},
            {"outcome", ticket.outcome},
            {"rating", ticket.rating}};
  }

  void tickets() {
    const std::size_t limit = limit_of(request_);
    const auto wanted = request_.find("closed");
    const bool closed_too = wanted != request_.end() && wanted->is_boolean() && wanted->get<bool>();
    transact_whole([&](Transaction& tx) -> Stored<Done> {
      auto desks = tx.housekeeping().desks(text_of(request_, "bot"));
      if (!desks) return Error{desks.error()};
      std::map<std::int64_t, std::string> names;
      json lines = json::array();
      bool more = false;
      for (const Housekeeping::DeskLine& desk : *desks) {
        auto rows = closed_too ? tx.desk().tickets(desk.bot, desk.desk, limit + 1)
                               : tx.desk().unfinished(desk.bot, desk.desk, limit + 1);
        if (!rows) return Error{rows.error()};
        if (rows->size() > limit) {
          rows->pop_back();
          more = true;
        }
        for (const TicketRow& ticket : *rows) {
          if (ticket.agent_id != 0 && !names.contains(ticket.agent_id)) {
            auto agent = tx.desk().agent(ticket.agent_id);
            if (!agent) return Error{agent.error()};
            names[ticket.agent_id] = *agent ? (*agent)->name : std::string();
          }
          lines.push_back(line_of(ticket, ticket.agent_id == 0 ? std::string() : names[ticket.agent_id]));
        }
      }
      answer_["more"] = more;
      answer_["tickets"] = std::move(lines);
      return Done{};
    });
  }

  void ticket() {
    const auto number_at = [&](const char* name) -> std::int64_t {
      const auto found = request_.find(name);
      return found != request_.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
    };
    const std::string bot = text_of(request_, "bot");
    const std::string desk = text_of(request_, "desk");
    transact_whole([&](Transaction& tx) -> Stored<Done> {
      auto found = tx.desk().ticket_by_number(bot, desk, number_at("number"));
      if (!found) return Error{found.error()};
      if (!*found) {
        fail("the desk `" + desk + "` of the bot `" + bot + "` has no such ticket");
        return Done{};
      }
      const TicketRow& ticket = **found;
      auto agent = tx.desk().agent(ticket.agent_id);
      if (!agent) return Error{agent.error()};
      answer_["ticket"] = line_of(ticket, *agent ? (*agent)->name : std::string());
      auto messages = tx.desk().messages_behind(ticket.id, number_at("after"), kMessagesAtOnce + 1);
      if (!messages) return Error{messages.error()};
      answer_["more"] = messages->size() > kMessagesAtOnce;
      if (messages->size() > kMessagesAtOnce) messages->pop_back();
      json lines = json::array();
      for (const TicketMessage& one : *messages) {
        lines.push_back({{"id", one.id},
                         {"from", static_cast<int>(one.from)},
                         {"author", one.author},
                         {"at_unix_ms", one.at.unix_ms},
                         {"event", one.event}});
      }
      answer_["messages"] = std::move(lines);
      return Done{};
    });
  }

  void dialogs() {
    transact([&](Housekeeping& house) -> Stored<Done> {
      auto lines = house.dialogs(text_of(request_, "bot"), limit_of(request_));
      if (!lines) return Error{lines.error()};
      json all = json::array();
      for (const Housekeeping::DialogLine& line : *lines) {
        UserRecord user;
        (void)from_json(line.user, user);
        std::string name = user.first_name;
        if (!user.last_name.empty()) name += (name.empty() ? "" : " ") + user.last_name;
        all.push_back({{"id", line.id},
                       {"bot", line.key.bot},
                       {"chat", line.key.chat.transport + ":" + line.key.chat.chat_id},
                       {"user", line.key.chat.transport + ":" + line.key.user_id},
                       {"name", name},
                       {"place", line.place},
                       {"changed_at_unix_ms", line.changed_at.unix_ms}});
      }
      answer_["dialogs"] = std::move(all);
      return Done{};
    });
  }

  /// What is needed to play dialogs again.
  void journal() {
    const auto ids = request_.find("dialogs");
    if (ids == request_.end() || !ids->is_array() || ids->size() > kDialogsAtOnce) return fail("`dialogs` must be some ids");
    transact_whole([&](Transaction& tx) -> Stored<Done> {
      json all = json::array(), gone = json::array(), left = json::array();
      std::size_t bytes = 0;
      for (const json& one : *ids) {
        if (bytes > kJournalBytes) {
          left.push_back(one);
          continue;
        }
        const std::int64_t id = one.is_number_integer() ? one.get<std::int64_t>() : 0;
        auto key = tx.find_dialog(id);
        if (!key) return Error{key.error()};
        if (!*key) {
          gone.push_back(id);
          continue;
        }
        auto row = tx.load_dialog(**key);
        if (!row) return Error{row.error()};
        auto lines = tx.journal(id, kJournalLines);
        if (!lines) return Error{lines.error()};
        std::size_t first = lines->size(), own = 0;
        while (first > 0 && own < kJournalBytes) {
          --first;
          own += (*lines)[first].event.size() + (*lines)[first].turn.size();
        }
        bytes += own;
        json rows = json::array();
        for (std::size_t i = first; i < lines->size(); ++i) {
          JournalRow& line = (*lines)[i];
          rows.push_back({{"at_unix_ms", line.at.unix_ms},
                          {"event", std::move(line.event)},
                          {"turn", std::move(line.turn)},
                          {"version", std::move(line.version)}});
        }
        all.push_back({{"id", id},
                       {"bot", (*key)->bot},
                       {"transport", (*key)->chat.transport},
                       {"chat", (*key)->chat.chat_id},
                       {"user", (*key)->user_id},
                       {"person", row->user},
                       {"place", row->place},
                       {"rows", std::move(rows)}});
      }
      answer_["dialogs"] = std::move(all);
      answer_["gone"] = std::move(gone);
      answer_["left"] = std::move(left);
      return Done{};
    });
  }

  /// That tickets of an erased agent wait for another, and that those of an erased client make their agents free.
  Stored<Done> tell_desks(Transaction& tx, const std::vector<std::int64_t>& tickets) {
    for (const std::int64_t id : tickets) {
      auto ticket = tx.desk().ticket(id);
      if (!ticket) return Error{ticket.error()};
      if (!*ticket) continue;
      // The event is somebody's who is still there.
      auto client = tx.find_dialog((*ticket)->dialog_id);
      if (!client) return Error{client.error()};
      auto agent = tx.desk().agent((*ticket)->agent_id);
      if (!agent) return Error{agent.error()};
      if (!*client && !*agent) continue;
      const ChatAddress& chat = *client ? (*client)->chat : (*agent)->chat;
      const std::string& user = *client ? (*client)->user_id : (*agent)->user_id;
      auto told = tell_desk(tx, (*ticket)->bot, chat, user,
                            "ticket_changed:" + std::to_string(id) + ":" + std::to_string(now_.unix_ms), now_,
                            {DeskChange::What::TicketWaits, id});
      if (!told) return told;
    }
    return Done{};
  }

  void erase() {
    const std::string user = text_of(request_, "user");
    const std::size_t colon = user.find(':');
    if (colon == 0 || colon == std::string::npos || colon + 1 == user.size())
      return fail("a person is written `telegram:123` or `vk:5`");
    const Erasable who{user.substr(0, colon), user.substr(colon + 1), text_of(request_, "bot")};
    const auto wanted = request_.find("really");
    const bool really = wanted != request_.end() && wanted->is_boolean() && wanted->get<bool>();
    Erased erased;
    const auto remove = [&](Transaction& tx) -> Stored<Done> {
      auto gone = tx.housekeeping().erase(who);
      if (!gone) return Error{gone.error()};
      erased = std::move(*gone);
      if (really) return tell_desks(tx, erased.changed_tickets);
      // Counting is erasing that is undone: so it counts just what would go.
      return Error{StorageError{StorageError::Kind::Refused, kOnlyCounting}};
    };
    std::string left;
    if (really) {
      auto done = storage_.transact_without_trace(remove);
      if (!done) return fail(done.error().message);
      left = *done;
      operated_.forgotten = erased.outbox_ids;
      operated_.inbox_filled = !erased.changed_tickets.empty();
      // Who it was must not stand in the log: that is the point.
      write_log(LogLevel::Info, "a person was erased on an operator's demand: " + std::to_string(erased.total()) + " records");
      if (!left.empty()) write_log(LogLevel::Warning, "what a person left could not be overwritten yet: " + left);
    } else {
      const auto counted = storage_.transact(remove);
      if (!counted && counted.error().message != kOnlyCounting) return fail(counted.error().message);
    }
    json counts = json::object();
    for (const auto& [what, count] : erased.counts) counts[what] = count;
    answer_["counts"] = std::move(counts);
    answer_["total"] = erased.total();
    answer_["at_unix_ms"] = now_.unix_ms;
    if (!left.empty()) answer_["left"] = left;
    answer_["overwritten"] = left.empty() && !storage_.shared();
  }

  static constexpr const char* kOnlyCounting = "only counting";

  Storage& storage_;
  json request_;
  Moment now_;
  json answer_ = json::object();
  Operated operated_;
};

}  // namespace

Operated operate(Storage& storage, std::string_view request, Moment now) {
  json parsed = parse(request);
  if (!parsed.is_object()) return {dump({{"error", "a request is one JSON object"}}), {}, {}, false};
  return Operation(storage, std::move(parsed), now).run();
}

}  // namespace sufler
