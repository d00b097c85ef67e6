#pragma once
#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "interpreter/core/transcript.h"
#include "interpreter/runtime/desk.h"
#include "interpreter/runtime/player.h"
#include "interpreter/runtime/turn_record.h"

namespace sufler {

/// One turn of a bot against the storage, inside a transaction of the player's: who is meant by an
/// event, the turn itself with the table operations that it stops for, and what it wants done.
/// Whether the transaction is stored, tried again or given up is the player's business.
class TurnPlayer final : public DeskClerk::Office {
 public:
  /// `storage` must outlive it.
  TurnPlayer(Storage& storage, BotSetup setup);
  TurnPlayer(const TurnPlayer&) = delete;
  TurnPlayer& operator=(const TurnPlayer&) = delete;

  const BotSetup& setup() const { return setup_; }
  Versions& versions() { return versions_; }
  const Versions& versions() const { return versions_; }
  /// From the next turn on.
  Serving serve(Serving serving);
  /// Whether the dialog was stored under a newer deployment than the one that is played here.
  bool outdated() const { return newest_ > versions_.generation(); }
  bool left_out() const { return setup_.left_out; }
  bool stale() const { return left_out() || outdated(); }
  /// Whether the present attempt met a dialog whose version is not at hand.
  bool waits_for_version() const { return waits_for_version_; }
  void note_newest(std::int64_t generation) { newest_ = std::max(newest_, generation); }

  /// Plays what the update means: a word to the desk, a word of the staff about a dialog, or a turn
  /// of its person's.
  Stored<Done> play_update(Transaction& tx, const Incoming& update, Played& played);
  /// Plays one event of a dialog, and what it does to others' dialogs. `person`: as the platform
  /// tells, or null.
  Stored<Done> play_turn(Transaction& tx, const DialogKey& key, const Person* person, Event event,
                         const std::string& event_id, Played& played);
  /// Takes a dialog over to the version that it should run, without an event. True when something of it did not
  /// simply stay. `at`: now.
  Stored<bool> move_dialog(Transaction& tx, const DialogKey& key, Moment changed_at, Moment at, Played& played);
  /// Drops what an attempt that was not stored has left behind.
  void begin_attempt() {
    told_.clear();
    waits_for_version_ = false;
  }
  /// What a person wrote during a job may be what makes the turn behind it fail: each such message becomes an event of
  /// its own, and fails for itself.
  void hear_kept_apart(bool apart) { kept_apart_ = apart; }

  /// `shared` of the scenarios, loaded once where this process is the bot's only writer.
  const std::optional<ValueMap>& shared() const { return shared_; }
  void set_shared(std::optional<ValueMap> shared) { shared_ = std::move(shared); }

  InboxRow inbox_row(const Incoming& update) const;
  Incoming timer_update(const TimerRow& timer, Moment now) const;
  DialogKey key_of(const Incoming& update) const;
  /// Of another person's dialog: where several processes play, that is for whoever claims the other
  /// person.
  Stored<Done> pass_on(Transaction& tx, const DialogKey& to, const std::string& id,
                       Event event) const;

  // ---- DeskClerk::Office

  Stored<Done> send(Transaction& tx, const ChatAddress& chat, const Message& message,
                    std::int64_t dialog_id, std::int64_t ticket_message, Moment at,
                    Played& played) override;
  Stored<Done> answer_press(Transaction& tx, const ChatAddress& chat, const std::string& press_id,
                            const std::string& text, Moment at, Played& played) override;
  void tell(const DialogKey& dialog, Event event, std::string id) override;
  Stored<Attachment> history(Transaction& tx, std::int64_t dialog_id) override;
  std::vector<std::string> roles(const ChatAddress& chat,
                                 const std::string& user_id) const override;
  Stored<Done> make_topic(Transaction& tx, const ChatAddress& group, const std::string& title,
                          std::int64_t dialog_id, std::int64_t ticket_message, Moment at,
                          Played& played) override;
  Stored<Done> set_topic(Transaction& tx, const ChatAddress& topic, bool open,
                         std::int64_t dialog_id, Moment at, Played& played) override;

 private:
  /// What happened to others' dialogs, to be played behind the present turn.
  struct Told {
    DialogKey dialog;
    Event event;
    std::string id;
  };

  /// A dialog while it is played.
  struct Sitting;
  class Running;

  const Program& program() const { return *setup_.program; }
  /// What the dialog was, read with the version that it runs.
  Stored<Done> open(Transaction& tx, const DialogKey& key, const Person* person, Moment at, Played& played,
                    Sitting& sitting, Running& running);
  Surroundings surroundings_of(const Sitting& sitting) const;
  /// Answers what the turn asks of the tables and of the desk, until it asks no more.
  Stored<Done> play_out(Transaction& tx, Sitting& sitting, Turn& turn, Played& played);
  /// Stores the turn and what it wants done. `changed_at`: when the dialog counts as changed.
  Stored<Done> close(Transaction& tx, Sitting& sitting, Turn& turn, std::string journal_event,
                     const std::string& event_id, Moment changed_at, Played& played);
  /// As `move_dialog`, without what the person said meanwhile.
  Stored<bool> bring_over(Transaction& tx, const DialogKey& key, Moment changed_at, Moment at, Played& played);
  /// Plays what the person said while a job was done, when the last turn asked for it.
  struct Comings {
    std::optional<Event> before, behind;
  };
  Stored<Comings> comings(Transaction& tx, const DialogKey& key, const Event& event) const;
  Stored<Done> hear_kept(Transaction& tx, const DialogKey& key, Moment at, Played& played);
  /// What the turn is given besides its event goes into the journal, too.
  void begin_record(Sitting& sitting, const Event& event);
  Stored<Done> note_shared(Transaction& tx, const Turn& turn);
  /// For the log, when the dialog is one of those whose turns are told.
  void tell_turn(const Sitting& sitting, const Event& event, std::string from, std::size_t messages, Played& played) const;
  Stored<Done> play_one_turn(Transaction& tx, const DialogKey& key, const Person* person,
                             Event event, const std::string& event_id, Played& played);
  /// The same, and what the person wrote while a job was under way, each as a turn of its own.
  Stored<Done> play_with_kept(Transaction& tx, const DialogKey& key, const Person* person, Event event,
                              const std::string& event_id, Played& played);
  /// Plays what was told, and what comes of that. Where several processes play, that is for whoever
  /// claims the other person.
  Stored<Done> play_told(Transaction& tx, Played& played);
  Stored<bool> hear_at_desk(Transaction& tx, const Incoming& update, Played& played);
  /// People of a group who answer a notice there (`беру`) speak to each other: it begins nothing.
  Stored<bool> is_talk_about_a_notice(Transaction& tx, const Incoming& update) const;
  Stored<TableAnswer> operate(Transaction& tx, const TableRequest& request, const DialogKey& key,
                              std::int64_t dialog_id, Moment at);
  // turn_effects.cpp
  Stored<Done> carry_out(Transaction& tx, const DialogKey& key, Turn& turn,
                         const std::string& event, std::int64_t dialog_id, Moment at,
                         Played& played);
  Stored<Done> begin_broadcast(Transaction& tx, const DialogKey& key, const BeginBroadcast& begin, std::int64_t dialog_id,
                               Moment at, Played& played);
  Stored<Done> enqueue(Transaction& tx, const ChatAddress& chat, std::vector<ApiCall> calls,
                       ResendPolicy resend, std::int64_t dialog_id, Moment at, Played& played,
                       bool notice = false, std::int64_t ticket_message = 0, const std::string& mark = {});
  // crm_mirror.cpp: the dialog in the CRM's chat
  Stored<bool> is_shown_in_crm(Transaction& tx, std::int64_t dialog_id) const;
  /// Opens it, unless it is open, and shows the talk up to the effect `until`.
  Stored<Done> show_in_crm(Transaction& tx, const DialogKey& key, const Turn& turn, const std::string& event,
                           std::int64_t dialog_id, Moment at, std::size_t until, const std::string& request, bool& shown,
                           Played& played);
  Stored<Done> mirror_client(Transaction& tx, const DialogKey& key, const Turn& turn, const std::string& event,
                             std::int64_t dialog_id, Moment at, Played& played);
  Stored<Done> mirror_bot(Transaction& tx, const DialogKey& key, const Turn& turn, const Message& message,
                          std::int64_t dialog_id, Moment at, Played& played);
  /// To the conversation of a dialog, in order.
  Stored<Done> tell_crm(Transaction& tx, const DialogKey& key, ApiCall call, std::int64_t dialog_id, Moment at, Played& played,
                        bool notice = false);
  /// What became of a manager's message.
  Stored<Done> tell_crm_delivery(Transaction& tx, const DialogKey& key, const Delivery& delivery, Moment at, Played& played);
  std::string new_msgid(std::int64_t dialog_id);
  /// The person's contact in the CRM; 0: none is known.
  Stored<std::int64_t> crm_contact_of(Transaction& tx, const DialogKey& key) const;
  const Renderer* renderer(const ChatAddress& chat) const;
  /// A person by id, on the platform of `chat`. A schedule's own dialog is on none: there it is the platform on which
  /// the person has written.
  Stored<ChatAddress> person_of(Transaction& tx, const ChatAddress& chat, const std::string& user_id) const;
  Attachment history_file(std::vector<JournalRow> rows, std::optional<JournalLine> present,
                          const UserRecord& user);
  /// The dialog up to the notice at `turn.effects[until]`, as a file.
  /// The talk up to the effect `until` of this turn.
  Stored<std::vector<Saying>> said_before(Transaction& tx, std::int64_t dialog_id, Moment at, const std::string& event,
                                          const Turn& turn, std::size_t until);
  Stored<Attachment> history(Transaction& tx, std::int64_t dialog_id, Moment at,
                             const std::string& event, const Turn& turn, std::size_t until);

  Storage& storage_;
  BotSetup setup_;     ///< its `program` is the one that is played at the moment
  Versions versions_;
  std::int64_t newest_ = 0;  ///< generation that is known to be deployed
  std::uint64_t counter_ = 0;
  std::uint64_t call_counter_ = 0;
  std::optional<ValueMap> shared_;
  std::map<std::string, std::vector<std::string>> roles_of_;  ///< "transport:chat" → roles
  DeskClerk clerk_;
  std::deque<Told> told_;
  bool hears_kept_ = false;  ///< of the turn played last
  bool kept_apart_ = false;
  bool waits_for_version_ = false;
  std::int64_t broadcast_ = 0;  ///< that the present turn brings; below 0 once its first message is made
  const ChatAddress* broadcast_chat_ = nullptr;  ///< of whoever gets it
  TurnRecorder recorder_;
  bool called_crm_ = false;     ///< the present turn has a row that notifies managers
  std::string crm_message_;   ///< of the manager whose words the present turn brings; taken by the calls that carry them
  /// Whose event is heard, and where they are an agent: known until their own dialog is played.
  std::optional<std::pair<DialogKey, std::vector<AgentRow>>> heard_of_;
};

/// Chance and numbers of messages come from one seed.
std::uint64_t mix(std::uint64_t x);

}  // namespace sufler
