#include "simulation/auditor.h"

#include <algorithm>
#include <map>
#include <set>

#include "interpreter/runtime/incoming_json.h"
#include "interpreter/runtime/player.h"
#include "simulation/journal_lines.h"

namespace sufler::simulation {
namespace {

/// How long after its answer a call may not yet be recorded as sent, when nothing goes wrong.
constexpr std::int64_t kUnrecordedMs = 150;
/// The engine tries again so long after the database failed.
constexpr std::int64_t kAfterFaultMs = 700;
/// Attempts at a call whose answers were lost (Dispatcher::kMaxUnknown).
constexpr int kMaxUnknown = 5;

std::string name_of(const DialogKey& key) { return key.bot + " " + key.chat.transport + ":" + key.chat.chat_id; }
std::string name_of(const Update& update) {
  std::string name = update.bot + " " + update.incoming.id + " of " + update.incoming.chat.chat_id;
  if (const auto* message = std::get_if<UserMessage>(&update.incoming.event.what)) name += " (" + message->text + ")";
  return name;
}
std::string text_of(const Send& send) { return send.call.body.substr(0, send.call.body.find('\n')); }
std::string name_of(const Send& send) {
  return send.bot + " " + send.chat.transport + ":" + send.chat.chat_id + " \"" + text_of(send) + "\"";
}
char kind_of(const Update& update) {
  const auto* message = std::get_if<UserMessage>(&update.incoming.event.what);
  return message && !message->text.empty() ? message->text[0] : ' ';
}

class Auditor {
 public:
  explicit Auditor(const Evidence& evidence) : evidence_(evidence) {}

  std::vector<std::string> all() {
    check_updates();
    for (const DialogEvidence& dialog : evidence_.dialogs) check_dialog(dialog);
    check_rows();
    check_queues();
    for (const Send& send : evidence_.sends) check_send(send);
    check_staff();
    audit_jobs(evidence_, wrong_);
    for (const std::string& who : evidence_.without_answer) wrong("I5: the last message has no answer: " + who);
    for (const std::string& what : evidence_.seen_amiss) wrong(what);
    return std::move(wrong_);
  }

 private:
  void wrong(std::string line) { wrong_.push_back(std::move(line)); }

  /// I1, I3: every update is one turn, or a dead letter and the one turn that told of it.
  void check_updates() {
    std::map<std::pair<std::string, std::string>, int> played;
    for (const DialogEvidence& dialog : evidence_.dialogs)
      for (const JournalRow& row : dialog.journal)
        if (!row.event_id.empty()) ++played[{dialog.key.bot, row.event_id}];
    std::map<std::pair<std::string, std::string>, int> buried;
    for (const DeadLetter& letter : evidence_.dead_letters) {
      Incoming update;
      if (letter.kind == "event" && from_json(letter.subject, update)) ++buried[{letter.bot, update.id}];
    }
    for (const Update& update : evidence_.updates) {
      const std::pair<std::string, std::string> id{update.bot, update.incoming.id};
      if (!update.accepted) wrong("I1: never accepted: " + name_of(update));
      // Where several processes play, a word of staff is passed on to the dialog that it means.
      const int turns = played[id] + played[{update.bot, "staff:" + update.incoming.id}];
      // A dead letter whose own turn fails, too, is one without a word to the person.
      const bool mute = turns == 0 && buried[id] == 1 && evidence_.troubled_turns > 0;
      if (turns != 1 && !mute) wrong((turns == 0 ? "I1: lost: " : "I3: played " + std::to_string(turns) + " times: ") + name_of(update));
      const bool poison = kind_of(update) == 't' || kind_of(update) == 'k';
      if (buried[id] > 1) wrong("I3: buried " + std::to_string(buried[id]) + " times: " + name_of(update));
      if (buried[id] == 1 && !poison && troubles() < Player::kMaxAttempts)
        wrong("I1: an innocent event is a dead letter: " + name_of(update));
      played.erase(id);
    }
  }

  /// What may have made an attempt at an innocent event fail, after it was counted.
  std::size_t troubles() const {
    const auto killed = std::count_if(evidence_.lives.begin(), evidence_.lives.end(),
                                      [](const Life& life) { return life.killed; });
    // A start that failed may have played something before.
    return evidence_.troubled_turns + evidence_.lost_answers + evidence_.failed_starts + static_cast<std::size_t>(killed);
  }

  /// I2, I3: a dialog's turns follow the order of what happened, and each step of its state was taken once; all
  /// that it said was sent, in order.
  void check_dialog(const DialogEvidence& dialog) {
    const std::string name = name_of(dialog.key);
    std::map<std::string, std::size_t> place;
    for (const Update& update : evidence_.updates)
      if (update.bot == dialog.key.bot && update.incoming.chat == dialog.key.chat && !update.is_staff)
        place.emplace(update.incoming.id, place.size());

    std::size_t expected_place = 0;
    int count = 0;
    std::vector<std::string> expected;
    std::set<std::string> once;
    for (const JournalRow& row : dialog.journal) {
      if (const auto found = place.find(row.event_id); found != place.end()) {
        if (found->second < expected_place) wrong("I2: " + name + ": " + row.event_id + " came too late");
        expected_place = std::max(expected_place, found->second + 1);
      }
      for (Said& said : said_in(row.turn)) {
        if (!said.to.empty()) {
          to_staff_[dialog.key.bot].push_back(said.text);
          continue;
        }
        if (said.text.starts_with('#')) check_count(name, said.text, count);
        const bool counted = said.text.starts_with("#") || said.text.starts_with("rested") || said.text.starts_with("later") ||
                             said.text.starts_with("thing") ||
                             said.text.starts_with("slow") || said.text.starts_with("sum of") ||
                             said.text.starts_with("no sum of");
        if (counted && !once.insert(said.text).second) wrong("I3: " + name + " said twice: " + said.text);
        expected.push_back(std::move(said.text));
      }
    }

    std::vector<std::string> sent;
    for (const Send& send : evidence_.sends)
      if (send.bot == dialog.key.bot && send.chat == dialog.key.chat && send.call.ordered)
        sent.push_back(text_of(send));
    if (sent == expected || !customer(dialog)) return;
    const auto [a, b] = std::mismatch(sent.begin(), sent.end(), expected.begin(), expected.end());
    wrong("I2: " + name + ": message " + std::to_string(a - sent.begin()) + " is " +
          (a == sent.end() ? "missing" : "\"" + *a + "\"") + " where the journal has " +
          (b == expected.end() ? "nothing" : "\"" + *b + "\""));
  }

  bool customer(const DialogEvidence& dialog) const {
    return std::none_of(evidence_.updates.begin(), evidence_.updates.end(), [&](const Update& update) {
      return update.is_staff && update.incoming.chat == dialog.key.chat && update.bot == dialog.key.bot;
    });
  }

  /// `#3 s17`: the third word of this person.
  void check_count(const std::string& name, const std::string& text, int& count) {
    const std::size_t space = text.find(' ');
    if (std::atoi(text.c_str() + 1) != ++count) {
      wrong("I3: " + name + " counts " + std::to_string(count) + " at: " + text);
      count = std::atoi(text.c_str() + 1);
    }
    const std::string word = text.substr(space + 1);
    if (!words_.insert(name.substr(0, name.find(' ')) + " " + word).second) wrong("I3: counted twice: " + name + " " + word);
    if (word.starts_with('s')) ++things_[name.substr(0, name.find(' '))];
  }

  /// I3, a turn is all or nothing: a row of the table and one more in `shared` for each word that was to be saved.
  void check_rows() {
    std::set<std::string> rows;
    for (const Value& thing : evidence_.things) {
      const Value* word = thing.map() ? thing.map()->find("word") : nullptr;
      const std::string text = word && word->text() ? *word->text() : "?";
      if (!rows.insert(text).second) wrong("I3: saved twice: " + text);
    }
    std::size_t expected = 0;
    for (const auto& [bot, count] : things_) expected += static_cast<std::size_t>(count);
    if (rows.size() != expected)
      wrong("I3: " + std::to_string(rows.size()) + " rows where the journal has " + std::to_string(expected));
    for (const auto& [bot, shared] : evidence_.shared) {
      const Value* total = shared.find("total");
      const std::int64_t counted = total && total->number() ? total->number()->to_int64().value_or(-1) : 0;
      if (counted != things_[bot])
        wrong("I3: " + bot + ": shared.total is " + std::to_string(counted) + " instead of " + std::to_string(things_[bot]));
    }
  }

  void check_queues() {
    for (const InboxRow& row : evidence_.inbox) wrong("I5: left in the inbox: " + row.bot + " " + row.event_id);
    for (const TimerRow& timer : evidence_.due_timers)
      wrong("I5: a timer that never came: " + timer.name + " of " + name_of(timer.key));
    std::size_t unknown = 0;
    for (const OutboxRow& row : evidence_.outbox) {
      if (row.state == OutboxRow::State::Unknown) {
        ++unknown;
      } else if (row.state != OutboxRow::State::Dead) {
        wrong("I5: left in the outbox: " + row.bot + " " + row.chat.chat_id + " " + row.call.body);
      }
    }
    std::size_t given_up = 0, perhaps = 0, refused = 0;
    std::string names;
    for (const Send& send : evidence_.sends) {
      if (send.call.expendable || send.attempts.back().told_at < 0) continue;
      if (send.attempts.back().outcome == Outcome::Kind::Unknown) {
        // One that another process knows to be sent is recorded as such, unless it died before it could.
        const bool known = std::any_of(send.attempts.begin(), send.attempts.end(), [](const Send::Attempt& one) {
          return one.told_at >= 0 && one.outcome == Outcome::Kind::Sent;
        });
        ++(known ? perhaps : given_up);
        names += ": " + name_of(send);
      }
      refused += send.attempts.back().outcome == Outcome::Kind::Failed;
    }
    if (unknown < given_up || unknown > given_up + perhaps)
      wrong("I4: " + std::to_string(unknown) + " rows are listed as unknown, " + std::to_string(given_up) + " are" + names);
    const auto letters = static_cast<std::size_t>(
        std::count_if(evidence_.dead_letters.begin(), evidence_.dead_letters.end(),
                      [](const DeadLetter& letter) { return letter.kind == "outbox"; }));
    // What was recorded with nobody told of it is recorded once more.
    if (letters < refused || letters > refused + evidence_.lost_answers)
      wrong("I1: " + std::to_string(refused) + " calls were refused for good, there are " + std::to_string(letters) +
            " dead letters");
  }

  /// I4: a call is seen once, unless nobody could know that it was; one whose answer says so was seen.
  void check_send(const Send& send) {
    using Kind = Outcome::Kind;
    bool seen = false;
    int unknown = 0;
    for (std::size_t i = 0; i < send.attempts.size(); ++i) {
      const Send::Attempt& attempt = send.attempts[i];
      seen |= attempt.seen_at >= 0;
      if (attempt.told_at >= 0 && attempt.outcome == Kind::Unknown) ++unknown;
      if (i > 0 && !may_repeat(send.attempts[i - 1], attempt))
        wrong("I4: made again: " + name_of(send) + " at " + std::to_string(attempt.at));
    }
    const Send::Attempt& last = send.attempts.back();
    const bool given_up = last.told_at >= 0 && (last.outcome == Kind::Failed || send.call.expendable ||
                                                (last.outcome == Kind::Unknown && unknown >= kMaxUnknown));
    if (!seen && !given_up) wrong("I1: never seen: " + name_of(send));
  }

  bool may_repeat(const Send::Attempt& before, const Send::Attempt& now) const {
    using Kind = Outcome::Kind;
    if (before.life == now.life)
      return before.told_at >= 0 && (before.outcome == Kind::Unknown || before.outcome == Kind::Retry);
    if (before.told_at < 0) return true;
    if (before.outcome == Kind::Unknown || before.outcome == Kind::Retry) return true;
    const Life& life = evidence_.lives[static_cast<std::size_t>(before.life)];
    // Another process took over while the answer was on its way, or not yet recorded.
    if (before.told_at > now.at || now.at - before.told_at < kUnrecordedMs) return true;
    if (life.killed && life.died - before.told_at < kUnrecordedMs) return true;
    // It stood still before it could record the answer, and did not live to go on; or whoever goes on has a call in
    // hand that another made meanwhile, and learns only behind it that it leads no more.
    if (std::any_of(evidence_.standstills.begin(), evidence_.standstills.end(), [&](const auto& span) {
          const bool unrecorded = span.first >= before.told_at && span.first - before.told_at < kUnrecordedMs;
          const bool goes_on = span.second == now.at && span.first <= before.at;
          return unrecorded || goes_on;
        }))
      return true;
    return std::any_of(evidence_.storage_faults.begin(), evidence_.storage_faults.end(), [&](std::int64_t at) {
      return at >= before.told_at - kAfterFaultMs && at <= now.at;
    });
  }

  /// People of a role heard all that the dialogs told them; what one dialog told, in order.
  void check_staff() {
    for (const auto& [bot, expected] : to_staff_) {
      std::map<std::string, int> balance;
      for (const std::string& text : expected) ++balance[text];
      std::map<std::string, int> last;
      for (const Send& send : evidence_.sends) {
        if (send.bot != bot || send.chat.chat_id != "900" || !send.call.ordered) continue;
        const std::string text = text_of(send);
        const std::size_t number = text.find(" #"), of = text.find(" of ");
        if (number == std::string::npos || of == std::string::npos) continue;
        --balance[text];
        int& before = last[text.substr(of)];
        const int now = std::atoi(text.c_str() + number + 2);
        if (now <= before) wrong("I2: the admin heard out of order: " + text);
        before = now;
      }
      for (const auto& [text, count] : balance)
        if (count != 0 && text.find(" #") != std::string::npos)
          wrong("I1: the admin was told " + std::to_string(-count) + " times too often: " + text);
    }
  }

  const Evidence& evidence_;
  std::vector<std::string> wrong_;
  std::set<std::string> words_;
  std::map<std::string, std::int64_t> things_;  // words that were saved, by bot
  std::map<std::string, std::vector<std::string>> to_staff_;
};

}  // namespace

std::vector<std::string> audit(const Evidence& evidence) { return Auditor(evidence).all(); }

}  // namespace sufler::simulation
