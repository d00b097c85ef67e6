#pragma once
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/core/step.h"

/// A person talking with a Program: the shell of a test. Keeps timers and tables in memory, stores the state
/// as JSON between turns as the real one does, and shows each message as its text with `[button]` rows.
namespace sufler::testing {

class Dialog {
 public:
  explicit Dialog(std::shared_ptr<const Program> program) : program_(std::move(program)) {
    user.id = "7";
    user.first_name = "Анна";
    user.platform = "console";
    around.chat = {"console", "7"};
    around.shared = &shared;
    around.trace = true;
    // Sunday, 15 March 2026, 12:00 in Moscow.
    now = Moment{1773565200000};
  }

  std::vector<std::string> says(std::string text) {
    UserMessage message;
    message.text = std::move(text);
    return hears(message);
  }
  std::vector<std::string> hears(UserMessage message) { return play({now, ++seed_, std::move(message)}); }
  std::vector<std::string> sends(std::vector<Attachment> files, std::string text = {}, std::string album = {}) {
    UserMessage message;
    message.text = std::move(text);
    message.attachments = std::move(files);
    message.album = std::move(album);
    return hears(message);
  }
  std::vector<std::string> staff(std::string text) { return play({now, ++seed_, StaffMessage{std::move(text), "1"}}); }
  std::vector<std::string> happens(decltype(Event::what) what) { return play({now, ++seed_, std::move(what)}); }

  /// Presses the newest button with this label.
  std::vector<std::string> press(std::string_view label) {
    for (auto message = sent.rbegin(); message != sent.rend(); ++message)
      for (const auto& row : message->keyboard.rows)
        for (const Button& button : row) {
          if (button.label != label) continue;
          if (button.action == ButtonAction::Text) return says(button.label);
          return press_payload(button.payload);
        }
    return {"no such button"};
  }
  std::vector<std::string> press_payload(std::string payload) {
    return play({now, ++seed_, ButtonPress{"press", "", std::move(payload)}});
  }

  /// Moves the clock; timers come due on the way, oldest first.
  std::vector<std::string> after(std::string_view duration) {
    const Moment end{now.unix_ms + Duration::parse(duration)->ms};
    std::vector<std::string> all;
    for (;;) {
      auto next = timers.end();
      for (auto timer = timers.begin(); timer != timers.end(); ++timer)
        if (timer->second.due <= end && (next == timers.end() || timer->second.due < next->second.due)) next = timer;
      if (next == timers.end()) break;
      const TimerDue due{next->first, next->second.serial};
      now = std::max(now, next->second.due);
      timers.erase(next);
      const auto said = play({now, ++seed_, due});
      all.insert(all.end(), said.begin(), said.end());
    }
    now = end;
    return all;
  }

  std::string at() const { return place_of(state, *program_); }
  Value var(std::string_view name) const {
    const Value* value = state.variables.find(name);
    return value ? *value : Value();
  }
  /// The scenario is replaced between two messages.
  bool reload(std::shared_ptr<const Program> program) {
    if (!reload_quietly(std::move(program))) return false;
    reshown.clear();
    Turn turn = move_to_version(*program_, std::move(state), user, around, now, ++seed_);
    take(turn, reshown);
    state = std::move(turn.next);
    return true;
  }
  /// The same, but the dialog is only taken over with the next event.
  bool reload_quietly(std::shared_ptr<const Program> program) {
    const std::string json = to_json(state, *program_);
    program_ = std::move(program);
    pending_ = json;
    return from_json(json, *program_, state, &relocation);
  }
  std::vector<std::string> play(Event event) {
    // What is remembered survives being written and read.
    const bool arrives = state.takeover.has_value();
    const std::string json = arrives ? pending_ : to_json(state, *program_);
    State read;
    if (!from_json(json, *program_, read, nullptr)) return {"the state does not read back: " + json};
    if (!arrives && to_json(read, *program_) != json) return {"the state reads back differently: " + json};
    journal.push_back(journal_event_json(event, read, *program_));

    std::vector<std::string> said;
    Turn turn = step(*program_, std::move(read), user, around, event);
    bool unheard = turn.unheard;
    for (int operations = 0; operations < 100; ++operations) {
      take(turn, said);
      if (!turn.asks) {
        if (!std::exchange(unheard, false)) break;
        turn = step(*program_, std::move(turn.next), user, around, event);
        continue;
      }
      Event answer{event.at, ++seed_, operate(*turn.asks)};
      State next = std::move(turn.next);
      turn = step(*program_, std::move(next), user, around, answer);
    }
    state = std::move(turn.next);
    if (turn.hears_kept) {
      for (std::string& more : play({event.at, ++seed_, HearKept{}})) said.push_back(std::move(more));
    }
    return said;
  }
  /// What came of the job that was asked for last.
  std::vector<std::string> done(Value result, std::string error = {}) {
    return happens(JobDone{started.empty() ? 0 : started.back().serial, std::move(result), std::move(error)});
  }

  static std::string show(const Message& message) {
    std::string text = to_markup(message.text);
    for (const Attachment& file : message.attachments) text += " @" + (file.name.empty() ? file.reference : file.name);
    for (const auto& row : message.keyboard.rows) {
      text += "\n";
      for (std::size_t i = 0; i < row.size(); ++i) text += (i ? " [" : "[") + row[i].label + "]";
    }
    if (message.keyboard.kind == Keyboard::Kind::Remove) text += "\n[-]";
    return text;
  }

  State state;
  UserRecord user;
  Surroundings around;
  ValueMap shared;
  Moment now;
  std::map<std::string, SetTimer> timers;
  std::vector<Message> sent;
  std::vector<NotifyPeople> notices;
  std::vector<std::string> reshown;  ///< by the last reload
  std::vector<std::string> moves;    ///< lines of the log about what did not simply stay
  std::vector<std::string> faults, logs, tracked, press_answers, journal;
  std::map<std::string, List> rows;  ///< by table
  std::vector<TableRequest> requests;
  std::vector<StartJob> started;
  std::vector<std::uint64_t> cancelled;  ///< serials of jobs
  Trace trace;
  std::string table_error;  ///< what the next table operation answers
  Relocation relocation;

 private:
  std::string pending_;  ///< the state before a quiet reload
  void take(Turn& turn, std::vector<std::string>& said) {
    user = turn.user;
    for (const auto& [name, value] : turn.shared_changes) shared.set(name, value);
    std::move(turn.trace.begin(), turn.trace.end(), std::back_inserter(trace));
    journal.push_back(journal_turn_json(turn));
    for (Effect& effect : turn.effects) {
      if (auto* send = std::get_if<SendMessage>(&effect)) {
        said.push_back(show(send->message));
        sent.push_back(send->message);
      } else if (auto* notice = std::get_if<NotifyPeople>(&effect)) {
        notices.push_back(*notice);
      } else if (auto* press = std::get_if<AnswerPress>(&effect)) {
        press_answers.push_back(press->text);
      } else if (auto* timer = std::get_if<SetTimer>(&effect)) {
        timers[timer->name] = *timer;
      } else if (auto* cancel = std::get_if<CancelTimer>(&effect)) {
        timers.erase(cancel->name);
      } else if (auto* start = std::get_if<StartJob>(&effect)) {
        started.push_back(*start);
      } else if (auto* unwanted = std::get_if<CancelJob>(&effect)) {
        cancelled.push_back(unwanted->serial);
      } else if (auto* log = std::get_if<WriteLog>(&effect)) {
        logs.push_back(log->text);
      } else if (auto* track = std::get_if<TrackEvent>(&effect)) {
        tracked.push_back(track->name);
      } else if (auto* fault = std::get_if<ReportFault>(&effect)) {
        faults.push_back(fault->reason);
      } else if (auto* moved = std::get_if<Relocated>(&effect)) {
        moves.push_back(moved->line);
      }
    }
  }

  const std::string& name_of(TableId table) const { return program_->tables[table.value].name; }

  static bool holds(const std::vector<Condition>& conditions, const ValueMap& row) {
    for (const Condition& condition : conditions) {
      const Value* held = row.find(condition.column);
      const Value left = held ? *held : Value();
      if (condition.op == "in" || condition.op == "like") {
        const List one{condition.value};
        const List& of = condition.value.list() ? *condition.value.list() : one;
        const bool like = condition.op == "like";
        if (std::none_of(of.begin(), of.end(), [&](const Value& item) {
              return like ? left.text() && fold(*left.text()) == fold(*item.text()) : left == item;
            }))
          return false;
        continue;
      }
      const auto order = compare(left, condition.value);
      const bool good = condition.op == "==" ? left == condition.value
                        : condition.op == "!=" ? !(left == condition.value)
                        : condition.op == "<" ? order < 0
                        : condition.op == "<=" ? order <= 0
                        : condition.op == ">" ? order > 0
                                              : order >= 0;
      if (!good) return false;
    }
    return true;
  }

  TableAnswer operate(const TableRequest& request) {
    requests.push_back(request);
    TableAnswer answer;
    if (!table_error.empty()) {
      answer.error = std::exchange(table_error, {});
      return answer;
    }
    if (const auto* insert = std::get_if<InsertRow>(&request)) {
      ValueMap row;
      row.set("id", static_cast<std::int64_t>(++last_id_));
      row.set("user_id", user.id);
      row.set("created_at", now);
      for (const auto& [name, value] : insert->values) row.set(name, value);
      rows[name_of(insert->table)].emplace_back(row);
      answer.rows.emplace_back(row);
    } else if (const auto* find = std::get_if<FindRows>(&request)) {
      for (const Value& row : rows[name_of(find->table)])
        if (holds(find->conditions, *row.map())) answer.rows.push_back(row);
      for (auto key = find->sort.rbegin(); key != find->sort.rend(); ++key)
        std::stable_sort(answer.rows.begin(), answer.rows.end(), [&](const Value& a, const Value& b) {
          const auto order = compare(*a.map()->find(key->column), *b.map()->find(key->column));
          return key->descending ? order > 0 : order < 0;
        });
      if (find->limit && static_cast<std::int64_t>(answer.rows.size()) > *find->limit)
        answer.rows.resize(static_cast<std::size_t>(*find->limit));
    } else if (const auto* count = std::get_if<CountRows>(&request)) {
      for (const Value& row : rows[name_of(count->table)]) answer.count += holds(count->conditions, *row.map());
    } else if (const auto* update = std::get_if<UpdateRows>(&request)) {
      for (const auto& [id, values] : update->rows)
        for (Value& row : rows[name_of(update->table)]) {
          if (!(*row.map()->find("id") == Value(id))) continue;
          ValueMap changed = *row.map();
          for (const auto& [name, value] : values) changed.set(name, value);
          row = Value(std::move(changed));
          ++answer.count;
        }
    } else if (const auto* removal = std::get_if<DeleteRows>(&request)) {
      List& table = rows[name_of(removal->table)];
      for (const std::int64_t id : removal->ids)
        answer.count += static_cast<std::int64_t>(
            std::erase_if(table, [&](const Value& row) { return *row.map()->find("id") == Value(id); }));
    }
    return answer;
  }

  std::shared_ptr<const Program> program_;
  std::uint64_t seed_ = 0;
  int last_id_ = 0;
};

inline Attachment photo(std::string name) {
  return {AttachmentKind::Photo, "console", name, name, "image/jpeg", 1000, {}};
}
inline Attachment document(std::string name, std::int64_t size = 1000) {
  return {AttachmentKind::Document, "console", name, name, {}, size, {}};
}

}  // namespace sufler::testing
