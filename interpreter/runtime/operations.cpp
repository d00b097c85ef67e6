#include "interpreter/runtime/operations.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "interpreter/runtime/incoming_json.h"
#include "interpreter/runtime/log.h"
#include "storage/housekeeping.h"
#include "storage/outbox_json.h"

namespace sufler {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t kUsualLimit = 100;
constexpr std::size_t kMaxLimit = 10'000;

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

json line_of(const Letter& letter) {
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
  json all = line_of(letter);
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
    } else if (op == "dialogs") {
      dialogs();
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

  void letters() {
    const std::size_t limit = limit_of(request_);
    transact([&](Housekeeping& house) -> Stored<Done> {
      auto found = house.letters(text_of(request_, "bot"), limit + 1);
      if (!found) return Error{found.error()};
      answer_["more"] = found->size() > limit;
      json lines = json::array();
      for (std::size_t i = found->size() > limit ? 1 : 0; i < found->size(); ++i) lines.push_back(line_of((*found)[i]));
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
    bool inbox = false;
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
        }
        done.push_back(id);
      }
      return Done{};
    });
    if (!stored) return;
    operated_.to_send = std::move(rows);
    operated_.inbox_filled = inbox;
    answer_["done"] = std::move(done);
    answer_["failed"] = std::move(failed);
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
                       {"dead_letters", one.letters},
                       {"unknown", one.unknown}});
      }
      answer_["queues"] = std::move(all);
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
      if (really) return Done{};
      // Counting is erasing that is undone: so it counts just what would go.
      return Error{StorageError{StorageError::Kind::Refused, kOnlyCounting}};
    };
    std::string left;
    if (really) {
      auto done = storage_.transact_without_trace(remove);
      if (!done) return fail(done.error().message);
      left = *done;
      operated_.forgotten = erased.outbox_ids;
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
