// What a turn and the desk's clerk want done: messages become calls of the platform in the outbox,
// timers and the like become rows, all in the turn's transaction.
#include <cstdlib>
#include <utility>

#include "interpreter/core/crm/order.h"
#include "interpreter/core/mail/order.h"
#include "interpreter/runtime/incoming_json.h"
#include "interpreter/runtime/turn_player.h"
#include "storage/broadcast_store.h"
#include "storage/job_store.h"

namespace sufler {
namespace {

/// So many turns of a dialog go with a notice that has `history: true`.
constexpr std::size_t kHistoryTurns = 1000;

std::string whole_name(const UserRecord& user) {
  std::string name = user.first_name;
  if (!user.last_name.empty()) name += (name.empty() ? "" : " ") + user.last_name;
  return name;
}

Stored<Done> not_served(const ChatAddress& chat, Played& played) {
  played.notes.push_back({TurnNote::Kind::Log,
                          chat,
                          "the bot is not served on " + chat.transport +
                              ": what the desk had to say there went to nobody",
                          {}});
  return Done{};
}

}  // namespace

Stored<Done> TurnPlayer::enqueue(Transaction& tx, const ChatAddress& chat,
                                 std::vector<ApiCall> calls, ResendPolicy resend,
                                 std::int64_t dialog_id, Moment at, Played& played, bool notice,
                                 std::int64_t ticket_message, const std::string& mark) {
  for (ApiCall& call : calls) {
    call.repeat_key = static_cast<std::int32_t>(mix(~setup_.seed + ++call_counter_) >> 33) | 1;
    OutboxRow row;
    row.bot = setup_.name;
    row.chat = chat;
    row.call = std::move(call);
    row.resend = resend;
    // A row that must never go out twice counts as being sent from the moment it is stored: a crash
    // before its sending is then the same as one after it.
    row.state = resend == ResendPolicy::Never ? OutboxRow::State::Sending : OutboxRow::State::New;
    row.dialog_id = dialog_id;
    row.notice = notice;
    row.ticket_message = ticket_message;
    if (!mark.empty() && !row.call.expendable) mark_for_crm(row.call, mark);
    if (broadcast_ != 0 && !notice && ticket_message == 0 && chat == *broadcast_chat_) {
      // One message of several tells what became of it, and none of them is said twice.
      if (!row.call.expendable) row.broadcast = std::exchange(broadcast_, -std::abs(broadcast_));
      if (row.broadcast == 0) row.broadcast = -std::abs(broadcast_);
      const Renderer* const to = renderer(chat);
      if (to && !to->tells_repeats() && !row.call.expendable) {
        row.resend = ResendPolicy::Never;
        row.state = OutboxRow::State::Sending;
      }
    }
    auto id = tx.enqueue(row, at);
    if (!id) return Error{id.error()};
    row.id = *id;
    played.outbox.push_back(std::move(row));
  }
  return Done{};
}

const Renderer* TurnPlayer::renderer(const ChatAddress& chat) const {
  auto found = setup_.renderers.find(chat.transport);
  return found == setup_.renderers.end() ? nullptr : found->second;
}

Stored<Done> TurnPlayer::send(Transaction& tx, const ChatAddress& chat, const Message& message,
                              std::int64_t dialog_id, std::int64_t ticket_message, Moment at,
                              Played& played) {
  const Renderer* to = renderer(chat);
  if (!to) return not_served(chat, played);
  // What the desk says of a ticket is remembered as being about it: agents answer such messages,
  // too.
  const bool notice = dialog_id != 0 && ticket_message == 0;
  return enqueue(tx, chat, to->render(chat, message), ResendPolicy::Repeat, dialog_id, at, played,
                 notice, ticket_message);
}

Stored<Done> TurnPlayer::answer_press(Transaction& tx, const ChatAddress& chat,
                                      const std::string& press_id, const std::string& text,
                                      Moment at, Played& played) {
  const Renderer* to = renderer(chat);
  if (!to) return Done{};
  std::vector<ApiCall> calls;
  calls.push_back(to->render_press_answer(chat, press_id, text));
  return enqueue(tx, chat, std::move(calls), ResendPolicy::Repeat, 0, at, played);
}

void TurnPlayer::tell(const DialogKey& dialog, Event event, std::string id) {
  told_.push_back({dialog, std::move(event), std::move(id)});
}

Stored<Done> TurnPlayer::make_topic(Transaction& tx, const ChatAddress& group,
                                    const std::string& title, std::int64_t dialog_id,
                                    std::int64_t ticket_message, Moment at, Played& played) {
  const Renderer* to = renderer(group);
  if (!to) return not_served(group, played);
  std::vector<ApiCall> calls;
  calls.push_back(to->render_topic(group, title));
  if (calls.front().method.empty()) {
    played.notes.push_back({TurnNote::Kind::Log,
                            group,
                            group.transport + " has no topics: the desk cannot work there",
                            {}});
    return Done{};
  }
  return enqueue(tx, group, std::move(calls), ResendPolicy::Repeat, dialog_id, at, played, false,
                 ticket_message);
}

Stored<Done> TurnPlayer::set_topic(Transaction& tx, const ChatAddress& topic, bool open,
                                   std::int64_t dialog_id, Moment at, Played& played) {
  const Renderer* to = renderer(topic);
  if (!to) return Done{};
  std::vector<ApiCall> calls;
  calls.push_back(to->render_topic_state(topic, open));
  if (calls.front().method.empty()) return Done{};
  return enqueue(tx, topic, std::move(calls), ResendPolicy::Repeat, dialog_id, at, played);
}

Stored<Attachment> TurnPlayer::history(Transaction& tx, std::int64_t dialog_id) {
  auto rows = tx.journal(dialog_id, kHistoryTurns);
  if (!rows) return Error{rows.error()};
  auto key = tx.find_dialog(dialog_id);
  if (!key) return Error{key.error()};
  UserRecord user;
  if (*key) {
    auto row = tx.load_dialog(**key);
    if (!row) return Error{row.error()};
    if (!row->user.empty()) (void)from_json(row->user, user);
  }
  return history_file(std::move(*rows), {}, user);
}

Stored<Attachment> TurnPlayer::history(Transaction& tx, std::int64_t dialog_id, Moment at,
                                       const std::string& event, const Turn& turn,
                                       std::size_t until) {
  auto rows = tx.journal(dialog_id, kHistoryTurns);
  if (!rows) return Error{rows.error()};
  Turn before;  // this turn is not in the journal yet
  before.secrets = turn.secrets;
  before.effects.assign(turn.effects.begin(),
                        turn.effects.begin() + static_cast<std::ptrdiff_t>(until));
  return history_file(std::move(*rows), JournalLine{at, event, journal_turn_json(before)},
                      turn.user);
}

Stored<std::vector<Saying>> TurnPlayer::said_before(Transaction& tx, std::int64_t dialog_id, Moment at, const std::string& event,
                                                    const Turn& turn, std::size_t until) {
  auto rows = tx.journal(dialog_id, kHistoryTurns);
  if (!rows) return Error{rows.error()};
  std::vector<JournalLine> lines;
  lines.reserve(rows->size() + 1);
  for (JournalRow& row : *rows) lines.push_back({row.at, std::move(row.event), std::move(row.turn)});
  Turn before;  // this turn is not in the journal yet
  before.secrets = turn.secrets;
  before.effects.assign(turn.effects.begin(), turn.effects.begin() + static_cast<std::ptrdiff_t>(until));
  lines.push_back({at, event, journal_turn_json(before)});
  return sayings(program(), lines, whole_name(turn.user));
}

Attachment TurnPlayer::history_file(std::vector<JournalRow> rows,
                                    std::optional<JournalLine> present, const UserRecord& user) {
  std::vector<JournalLine> lines;
  lines.reserve(rows.size() + 1);
  for (JournalRow& row : rows) lines.push_back({row.at, std::move(row.event), std::move(row.turn)});
  if (present) lines.push_back(std::move(*present));
  Attachment file;
  file.origin = "text";
  file.name = "history.txt";
  file.mime = "text/plain";
  file.reference = transcript(program(), lines, whole_name(user));
  file.size = static_cast<std::int64_t>(file.reference.size());
  return file;
}

Stored<ChatAddress> TurnPlayer::person_of(Transaction& tx, const ChatAddress& chat, const std::string& user_id) const {
  if (chat.transport != kScheduleTransport) return ChatAddress{chat.transport, user_id};
  for (const auto& [transport, to] : setup_.renderers) {
    auto row = tx.load_dialog({setup_.name, {transport, user_id}, user_id});
    if (!row) return Error{row.error()};
    if (row->id != 0) return ChatAddress{transport, user_id};
  }
  return ChatAddress{setup_.renderers.empty() ? chat.transport : setup_.renderers.begin()->first, user_id};
}

Stored<Done> TurnPlayer::begin_broadcast(Transaction& tx, const DialogKey& key, const BeginBroadcast& begin,
                                         std::int64_t dialog_id, Moment at, Played& played) {
  BroadcastRow row;
  row.bot = setup_.name;
  row.name = begin.name;
  row.order = begin.order;
  row.begun_by = key.chat.transport + ":" + key.user_id;
  row.dialog_id = dialog_id;
  row.created_at = at;
  auto begun = tx.broadcasts().begin(row);
  if (!begun) return Error{begun.error()};
  if (!*begun)
    played.notes.push_back({TurnNote::Kind::Log, key.chat,
                            "the broadcast `" + begin.name + "` is under way already: it does not begin again", {}});
  played.broadcasts_begun |= *begun;
  return Done{};
}

Stored<Done> TurnPlayer::carry_out(Transaction& tx, const DialogKey& key, Turn& turn,
                                   const std::string& event, std::int64_t dialog_id, Moment at,
                                   Played& played) {
  const ChatAddress& chat = key.chat;
  called_crm_ = false;
  auto shown = is_shown_in_crm(tx, dialog_id);
  if (!shown) return Error{shown.error()};
  if (*shown) {
    if (auto told = mirror_client(tx, key, turn, event, dialog_id, at, played); !told) return told;
  }
  for (std::size_t i = 0; i < turn.effects.size(); ++i) {
    Effect& effect = turn.effects[i];
    Stored<Done> done = Done{};
    if (auto* send = std::get_if<SendMessage>(&effect)) {
      if (const Renderer* to = renderer(chat))
        done =
            enqueue(tx, chat, to->render(chat, send->message), send->resend, dialog_id, at, played);
      if (done && *shown) done = mirror_bot(tx, key, turn, send->message, dialog_id, at, played);
    } else if (auto* notify = std::get_if<NotifyPeople>(&effect)) {
      std::vector<ChatAddress> people;
      if (!notify->address.chat_id.empty()) {
        people.push_back(notify->address);
      } else if (!notify->user_id.empty()) {
        auto person = person_of(tx, chat, notify->user_id);
        if (!person) return Error{person.error()};
        people.push_back(std::move(*person));
      } else if (auto role = setup_.roles.find(notify->role); role != setup_.roles.end()) {
        people = role->second;
      } else {
        auto agents = clerk_.members(tx, notify->role);
        if (!agents) return Error{agents.error()};
        if (*agents) people = std::move(**agents);
      }
      if (people.empty()) {
        played.notes.push_back(
            {TurnNote::Kind::Log,
             chat,
             "nobody has the role `" + notify->role + "`: a notice went to no one",
             {}});
      }
      // The journal keeps the notice without its history, which would be the journal once more.
      Message with_history;
      if (notify->history && !people.empty()) {
        auto file = history(tx, dialog_id, at, event, turn, i);
        if (!file) return Error{file.error()};
        with_history = notify->message;
        with_history.attachments.push_back(std::move(*file));
      }
      const Message& message = notify->history ? with_history : notify->message;
      for (const ChatAddress& person : people) {
        const Renderer* to = renderer(person);
        if (!to) continue;
        // A manager's words are no notice: they are said to the person themself.
        const bool of_manager = !crm_message_.empty() && person == chat;
        done = enqueue(tx, person, to->render(person, message), ResendPolicy::Repeat, dialog_id, at,
                       played, !of_manager, 0, of_manager ? crm_message_ : std::string());
        if (of_manager) crm_message_.clear();
        if (!done) break;
      }
    } else if (auto* press = std::get_if<AnswerPress>(&effect)) {
      if (const Renderer* to = renderer(chat)) {
        std::vector<ApiCall> calls;
        calls.push_back(to->render_press_answer(chat, press->press_id, press->text));
        done = enqueue(tx, chat, std::move(calls), ResendPolicy::Repeat, dialog_id, at, played);
      }
    } else if (auto* set = std::get_if<SetTimer>(&effect)) {
      done = tx.set_timer(dialog_id, *set);
      played.timers_changed = true;
    } else if (auto* cancel = std::get_if<CancelTimer>(&effect)) {
      done = tx.cancel_timer(dialog_id, cancel->name);
      played.timers_changed = true;
    } else if (auto* chat_job = std::get_if<StartJob>(&effect);
               chat_job && chat_job->service == kCrmService && chat_job->name == kCrmChatJob) {
      done = show_in_crm(tx, key, turn, event, dialog_id, at, i, chat_job->request, *shown, played);
    } else if (auto* start = std::get_if<StartJob>(&effect)) {
      JobRow job{0,           setup_.name, dialog_id, start->serial, start->service, start->name,
                 start->request, at, 0, 0};  // the journal marks it, too
      if (start->talk != StartJob::Talk::None) {
        auto said = said_before(tx, dialog_id, at, event, turn, i);
        if (!said) return Error{said.error()};
        if (start->talk == StartJob::Talk::Sayings) {
          add_history(job.request, *said);
        } else {
          add_talk(job.request, last_lines(*said, start->talk_room, program().language));
        }
      }
      done = tx.jobs().put(job);
      played.jobs_started = true;
    } else if (auto* unwanted = std::get_if<CancelJob>(&effect)) {
      done = tx.jobs().cancel(dialog_id, unwanted->serial);
    } else if (auto* log = std::get_if<WriteLog>(&effect)) {
      played.notes.push_back({TurnNote::Kind::Log, chat, log->text, {}});
    } else if (auto* begin = std::get_if<BeginBroadcast>(&effect)) {
      done = begin_broadcast(tx, key, *begin, dialog_id, at, played);
    } else if (auto* track = std::get_if<TrackEvent>(&effect)) {
      done = tx.count_track(setup_.name, dialog_id, track->name, at);
    } else if (auto* fault = std::get_if<ReportFault>(&effect)) {
      TurnNote note{TurnNote::Kind::Fault, chat, fault->reason, fault->span};
      if (fault->span.length > 0 && fault->span.file < program().files.size())
        note.file = program().files[fault->span.file];
      played.notes.push_back(std::move(note));
    } else if (auto* order = std::get_if<DeskOrder>(&effect)) {
      done = clerk_.carry_out(tx, *order, {dialog_id, key}, at, played);
    } else if (auto* moved = std::get_if<Relocated>(&effect)) {
      played.notes.push_back({TurnNote::Kind::Relocated, chat, moved->line, {}});
    }
    if (!done) return done;
  }
  // A word that was for the bot has arrived, though no person gets it.
  if (!crm_message_.empty()) {
    Delivery delivery;
    delivery.topic = std::exchange(crm_message_, {});
    return tell_crm_delivery(tx, key, delivery, at, played);
  }
  return Done{};
}

}  // namespace sufler
