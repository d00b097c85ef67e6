#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/core/dialog_scope.h"
#include "interpreter/core/step.h"

/// One turn while it is played: what step.cpp, steps/ and questions/ work on. Not for other folders.
namespace sufler {

/// What a step leads to.
enum class Flow : std::uint8_t {
  Next,  ///< the run goes on, with whatever frames are there now
  Rest,  ///< the dialog waits, for a person, the clock or a table; or it has ended
};

struct Play {
  Play(const Program& program, State state, UserRecord user, const Surroundings& around,
       const Event& event);
  Play(const Play&) = delete;
  Play& operator=(const Play&) = delete;

  const Program& program;
  const Surroundings& around;
  const Event& event;
  Turn turn;
  State& state;      ///< of `turn`
  UserRecord& user;  ///< of `turn`
  Heard heard;
  DialogScope scope;

  std::uint32_t steps = 0, messages = 0, faults = 0;
  bool border = false;  ///< something was done that cannot be taken back
  const UserMessage* said = nullptr;  ///< being heard: the event's, or one that was kept
  bool kept = false;                  ///< it waits now for a job to be done
  std::optional<Stand> stand;
  std::optional<ReportFault> fault;
  SourceSpan span;  ///< of what is being played, for faults

  // ---- play.cpp: the run

  /// Plays frames until the dialog rests or ends. Faults end here.
  void run();
  /// Timers, carried values and the limits of the whole turn.
  void finish();
  bool fail(std::string reason);  ///< always false
  void remember_stand();

  // ---- values; each gives false after a fault

  bool evaluate(const Expression& expression, Value& value);
  bool holds(const std::optional<Expression>& expression, bool& result);
  bool render(const Text& text, RichText& out);
  RichText phrase(Phrase phrase, const ValueMap* values = nullptr);
  /// The person's, when the bot speaks it: the scenario has `texts` in it. Else the scenario's.
  Language phrase_language() const;
  std::string phrase_text(Phrase which) { return phrase(which).text; }
  bool collect(const Attach& attach, std::vector<Attachment>& files);

  /// Says the text; one that cannot be made is reported, and the phrase said instead.
  void say_or(const std::optional<Text>& text, Phrase otherwise);
  /// Says the text; of one that cannot be made it is reported why, and nothing is said.
  void say_if(const Text& text);
  void set_user_value(std::string_view name, Value value);

  // ---- variables

  /// A local of the innermost call when it has that name, else a variable of the dialog.
  bool set_variable(std::string_view name, Value value);
  bool assign(const Assignment& assignment);

  // ---- the trace; asked for before anything is made for it

  bool traces() const { return around.trace; }
  TraceEntry& note(Way way, Value value = {});
  /// The same with the condition that decided, and what it saw.
  void note(Way way, const Expression& condition, Value result);
  /// A way of the question or the step that the dialog rests at.
  Way way_of_rest(Way::What what, std::uint32_t index = 0) const;

  // ---- what leaves the turn

  /// Takes away a reply keyboard that nobody needs any more.
  void send(Message message);
  /// A message with buttons that nobody waits at. What would hide them in the same turn, or take them away, puts
  /// them into the message instead, where they stay.
  void send_offer(Message message, Offer offer);
  void say_phrase(Phrase which);
  /// The text of the notice that answers the press being handled.
  void answer_press(std::string text);
  void effect(Effect effect) { turn.effects.push_back(std::move(effect)); }
  /// A step did what is not taken back: `back` stops here.
  void mark_border();
  /// From now on this, and all that is inside it, is kept out of the log and the journal.
  void hide(const Value& value);

  // ---- frames.cpp

  void jump(BranchId branch);
  /// False after a fault: too deep.
  bool call(BranchId branch, ValueMap locals, std::string into);
  bool enter(const Target& target);
  void push_steps(BlockId block);
  /// Plays a block and shows the present rest again behind it.
  bool interrupt(BlockId block, Frame::Kind kind);
  bool interrupt(const Target& target);
  /// The innermost frame is at its end.
  Flow end_frame();
  Flow leave_call(Value result);
  /// Ends the dialog at `none`, answers kept.
  void end_dialog();
  void forget_answers();
  /// `false` when there is no question to go back to, or after a fault. When the dialog rests nowhere after it,
  /// there is nothing left to choose from, and the run goes on.
  bool go_back();
  /// The same for a `back` step: in the steps of an option it goes to the question before the one with the option.
  bool go_back_from_step();

  // ---- rests.cpp

  std::uint64_t next_serial() { return ++state.serial; }
  /// Shows what the rest is about, with a serial of its own, and rests there. `was` is the old answer.
  Flow show(Waiting waiting, const RichText* was = nullptr);
  Flow rest(Waiting waiting);
  void leave_rest();

  // ---- timers.cpp

  std::string timer_name(std::string_view base, std::size_t depth) const;
  void set_timer(std::string_view base, Moment due);
  /// When the turn is played, never before its event.
  Moment now();
  void drop_timers();             ///< of the present rest
  void arm_timers();              ///< reminders and timeout of the present rest, from now
  void restart_timers();          ///< the person did something
  void reaim_timers();            ///< of all rests, by the durations of a new version, from when they began
  void timer_due(const TimerDue& timer);
  /// All timers but those of `schedule`: what the dialog was at is over.
  void clear_timers();
  /// What interrupted the rest at `depth` of `interrupted` is given up, and it is the present one again.
  void give_up_interruptions(std::size_t depth);

 private:
  void put_offer_into_its_message();
  bool go_back_to_last();
  PastQuestion take_back_last();
  bool return_to(PastQuestion past, bool with_old_answer);
  bool return_to_interrupted();
  void start_over_from_fault();
  void hide_answers();
  bool changed_user_ = false;
  std::map<std::string, Timer> timers_before_;
  std::vector<std::uint64_t> jobs_before_;
  std::optional<std::size_t> variable_bytes_;
  std::optional<std::size_t> said_keyboard_;  ///< as in HeldEffects
  bool keyboard_below_ = false;
};

/// Puts `•••` in the place of every secret.
void blot(std::string& text, const std::vector<std::string>& secrets);
/// The same of all texts inside a value; any other value that shows as a secret becomes `•••`, too.
void blot(Value& value, const std::vector<std::string>& secrets, const Locale& locale);
/// Whether what is said at this rest must stay out of the journal.
bool is_secret_rest(const Program& program, const Waiting& waiting);
/// The question that a rest is about; null when it is about none.
const Question* question_of(const Program& program, const Waiting& waiting);
/// Roughly what a value takes in the stored state.
std::size_t stored_size(const Value& value);
Duration clamp_duration(Duration duration);
Moment later(Moment moment, Duration duration);

// ---- inputs, in the order they are tried: inputs.cpp, relay.cpp, silence.cpp, commands.cpp

void hear_message(Play& play, const UserMessage& message);
void hear_press(Play& play, const ButtonPress& press);
void hear_staff(Play& play, const StaffMessage& message);
void hear_staff_call(Play& play, const StaffCall& call);
/// What no command and no rest took.
void hear_other(Play& play);
/// The dialog rests for a time, and the person wrote meanwhile.
void tell_resting(Play& play);
/// `mode: relay` begins: hours, name, desk.
Flow begin_relay(Play& play, HandoffId rule, StepId step);
/// True when the message went to the desk, or was dealt with on the way.
bool hear_in_relay(Play& play, const UserMessage& message);
/// The press or the words rate the ticket that ended last.
bool hear_rating(Play& play, std::string_view payload, std::string_view typed);
void resume_desk(Play& play, const DeskAnswer& answer);
void hear_ticket_news(Play& play, const TicketNews& news);
/// True when the timer is one of the desk's.
bool hear_desk_timer(Play& play, const TimerDue& timer);
/// The client ends it, by a word or by blocking the bot.
void leave_relay(Play& play, bool tell, const Target& instead);
/// The rule is gone from the scenario: it ends as if the agent had closed it.
void close_relay(Play& play);
/// The dialog goes elsewhere: the ticket must not stay behind.
void abandon_relay(Play& play);
/// The target of the step for an outcome; null when it has none.
const Target* outcome_target(const Play& play, StepId step, HandoffOutcome outcome);

// ---- what the clock begins: schedules.cpp

/// True when the timer is one of `schedule`.
bool hear_schedule_timer(Play& play, const TimerDue& timer);
void hear_schedule(Play& play, const ScheduleDue& due);
/// A branch by the name it had when it was written down, or by what `moved` made of it; none when it is gone.
BranchId branch_by_name(const Program& program, const std::string& name);
/// Whether people have the dialog. Silence ends with the next message that comes late enough; until then it is over in
/// fact.
bool people_talk(const Play& play);
/// What `event` is while a branch of `events` is played; null: nothing happened.
const Value* event_of(const std::vector<Frame>& frames);
/// Plays it first; what waits is repeated behind it. An unanswered one of the same branch is not asked twice.
void begin_beside(Play& play, BranchId branch, ValueMap locals = {});
/// Pending `schedule`s whose branch is gone in this version are dropped with a line, renamed ones go along.
void take_over_schedules(Play& play);

// ---- broadcasts.cpp

void hear_broadcast(Play& play, const BroadcastDue& due);
void hear_broadcast_ended(Play& play, const BroadcastEnded& ended);
void hear_happening(Play& play, const Happened& happened);
void hear_crm(Play& play, const CrmNews& news);
/// True when the words ask for no more broadcasts, or for them again.
bool hear_subscription(Play& play, std::string_view folded);

/// True when silence dealt with the message.
bool hear_in_silence(Play& play);
/// Begins silence under a rule.
void fall_silent(Play& play, HandoffId rule, StepId step);
/// Ends it where the rule says.
void wake(Play& play, bool by_user);
/// The rule is gone from the scenario: it ends with the outcome `closed`.
void end_silence(Play& play);

struct FoundCommand {
  const Command* command = nullptr;
  std::size_t word_bytes = 0;  ///< of the text, before the arguments
};
/// `roles` null: of any role.
FoundCommand find_command(const Program& program, std::string_view text, std::string_view folded,
                          bool free_words, const std::vector<std::string>* roles);
/// The command that a short message means (`on: {means: back}`); null: none. `as_answer`: any text would do for the
/// question that waits, so words that may as well be its answer are none.
const Command* find_meant(const Program& program, std::string_view text, bool as_answer,
                          const std::vector<std::string>* roles);
bool hear_command(Play& play, std::string_view folded, bool only_during_handoff);
/// `/word` that begins a message, without the slash and the bot's name; empty when there is none.
std::string_view slash_command(std::string_view text);

}  // namespace sufler
