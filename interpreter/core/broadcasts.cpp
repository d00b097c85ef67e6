// What a broadcast brings to a person's dialog, and the words with which they ask for no more of it.
#include <algorithm>
#include <array>

#include "interpreter/core/broadcast.h"
#include "interpreter/core/play.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

/// Says it beside whatever the dialog is at: its buttons stay under the input line, and its question waits on.
void say_beside(Play& play, RichText text, std::vector<Attachment> files) {
  if (play.state.unreachable || (trim(text.text).empty() && files.empty())) return;
  Message message;
  message.text = std::move(text);
  message.attachments = std::move(files);
  play.effect(SendMessage{std::move(message), ResendPolicy::Repeat});
}

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// A label that is shown at the moment is meant as that.
bool is_label(const Play& play, std::string_view folded) {
  const auto shows = [&](const List& shown) {
    return std::any_of(shown.begin(), shown.end(), [&](const Value& label) { return label.text() && fold(*label.text()) == folded; });
  };
  const State& state = play.state;
  return shows(state.waiting.shown) || (state.offer && shows(state.offer->shown)) ||
         (state.inner_offer && shows(state.inner_offer->shown));
}

}  // namespace

bool is_unsubscribed(const UserRecord& user) {
  const Value* const value = user.values.find(kUnsubscribed);
  return value && value->truthy();
}

void hear_broadcast(Play& play, const BroadcastDue& due) {
  State& state = play.state;
  const std::string which = due.name.empty() ? "a broadcast" : "the broadcast `" + due.name + "`";
  if (state.unreachable || is_unsubscribed(play.user)) return;
  if (people_talk(play)) {
    play.effect(WriteLog{which + " came while people have the dialog: it is left out here"});
    return;
  }
  if (!due.branch.empty()) {
    const BranchId branch = branch_by_name(play.program, due.branch);
    if (!branch) {
      play.effect(WriteLog{"the branch `" + due.branch + "` of " + which + " is gone: it is left out here"});
      return;
    }
    begin_beside(play, branch, due.with);
    return;
  }
  const auto text = Template::parse(due.text);
  if (!text) {
    play.effect(WriteLog{"the text of " + which + " cannot be read: it is left out here"});
    return;
  }
  const ExtraNames values(play.scope, due.values);
  const auto said = text->render(play.scope);
  if (!said) {
    // One person's odd value keeps nobody else from theirs, and is no trouble of this person's.
    play.effect(ReportFault{"the text of " + which + " cannot be made: " + said.error().detail, {}});
    return;
  }
  say_beside(play, *said, due.files);
}

void hear_broadcast_ended(Play& play, const BroadcastEnded& ended) {
  if (play.state.silence) return;
  ValueMap values;
  values.set("name", ended.name);
  values.set("people", Value(Decimal(ended.people)));
  values.set("sent", Value(Decimal(ended.sent)));
  values.set("failed", Value(Decimal(ended.failed)));
  values.set("left_out", Value(Decimal(ended.left_out)));
  say_beside(play, play.phrase(ended.stopped ? Phrase::BroadcastStopped : Phrase::BroadcastDone, &values), {});
}

bool hear_subscription(Play& play, std::string_view folded) {
  if (!play.program.broadcasts) return false;
  const std::string_view slash = slash_command(play.heard.text);
  const Question* const question = question_of(play.program, play.state.waiting);
  if (slash.empty() && ((question && !question->free_words_are_commands) || is_label(play, folded))) return false;
  const bool stop = one_of(slash, {"stop", "unsubscribe"}) ||
                    (slash.empty() && one_of(folded, {"отписаться", "отпишите меня", "отпиши меня", "unsubscribe",
                                                      "unsubscribe me"}));
  const bool again =
      one_of(slash, {"subscribe"}) || (slash.empty() && one_of(folded, {"подписаться", "подпишите меня", "subscribe"}));
  if (!stop && !again) return false;
  play.set_user_value(kUnsubscribed, stop ? Value(true) : Value());
  say_beside(play, play.phrase(stop ? Phrase::Unsubscribed : Phrase::Subscribed), {});
  return true;
}

}  // namespace sufler
