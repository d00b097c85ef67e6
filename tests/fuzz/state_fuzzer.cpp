// What is read from the database: values, messages, events and states. What was read reads back,
// and a dialog goes on from any state that was read.
#include "fuzz/rich_scenario.h"
#include "fuzz/targets.h"
#include "interpreter/core/hidden_state.h"
#include "interpreter/core/step.h"

namespace sufler::fuzz {
namespace {

template <class T>
void check_round_trip(std::string_view bytes) {
  T value;
  if (!from_json(bytes, value)) return;
  const std::string json = to_json(value);
  T again;
  require(from_json(json, again), "what was written reads back");
  require(to_json(again) == json, "what was written reads back as it was");
}

void check_state(std::string_view bytes, const Program& program) {
  State state;
  if (!from_json(bytes, program, state, nullptr)) return;
  const std::string json = to_json(state, program);
  State again;
  require(from_json(json, program, again, nullptr), "a state reads back");
  require(to_json(again, program) == json, "a state reads back as it was");
  (void)place_of(state, program);
  for (const bool all_rests : {false, true}) {
    const auto hidden = blot_state(bytes, Locale{program.language, program.zone}, all_rests);
    State shown;
    require(hidden && from_json(*hidden, program, shown, nullptr), "a state without its secrets reads back");
  }

  const ValueMap shared;
  Surroundings around;
  around.chat = {"console", "7"};
  around.shared = &shared;
  UserRecord user;
  user.id = "7";
  UserMessage message;
  message.text = "да";
  std::vector<Event> events = {{Moment{1773565200000}, 1, message},
                               {Moment{1773565200000}, 2, ButtonPress{"1", "", "1:0"}},
                               {Moment{1773565200000}, 3, TurnFailed{"x"}}};
  for (const auto& [name, timer] : state.timers)
    if (events.size() < 8) events.push_back({timer.due, 4, TimerDue{name, timer.serial}});
  for (const Event& event : events) {
    (void)journal_event_json(event, state, program);
    const Turn turn = step(program, state, user, around, event);
    (void)journal_turn_json(turn);
    State next;
    require(from_json(to_json(turn.next, program), program, next, nullptr),
            "the next state reads back");
  }
}

}  // namespace

void play_state(std::string_view bytes) {
  check_round_trip<Value>(bytes);
  check_round_trip<Message>(bytes);
  check_round_trip<Event>(bytes);
  check_state(bytes, rich_program(0));
}

}  // namespace sufler::fuzz
