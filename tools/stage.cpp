#include "tools/stage.h"

#include <algorithm>

#include "interpreter/core/text.h"

namespace sufler {
namespace {

constexpr std::string_view kTransport = "console";
/// What a role gets comes by a way of its own, so that it is told from what is said in a person's dialog.
constexpr std::string_view kNotices = "notices";
constexpr std::string_view kBot = "stage";
/// Timers that a scenario could set without end, each due at once; more in one call is a loop.
constexpr int kMaxTimers = 100'000;

/// Keeps messages whole, so that a talk sees what the scenario meant and no platform's rendering.
class WholeMessages : public Renderer {
 public:
  std::vector<ApiCall> render(const ChatAddress&, const Message& message) const override {
    ApiCall call;
    call.method = "message";
    call.body = to_json(message);
    std::vector<ApiCall> calls;
    calls.push_back(std::move(call));
    return calls;
  }
  ApiCall render_press_answer(const ChatAddress&, const std::string&, const std::string& text) const override {
    ApiCall call;
    call.method = "notice";
    call.body = text;
    return call;
  }
};

}  // namespace

std::set<std::string> roles_of(const Program& program) {
  std::set<std::string> roles;
  for (const Step& step : program.steps)
    if (const auto* notify = std::get_if<Notify>(&step.verb); notify && !notify->role.empty())
      roles.insert(notify->role);
  for (const Command& command : program.commands)
    if (!command.role.empty()) roles.insert(command.role);
  for (const HandoffRule& rule : program.handoffs)
    if (!rule.role.empty()) roles.insert(rule.role);
  return roles;
}

Attachment stage_file(const std::string& name) {
  Attachment file;
  const std::size_t slash = name.find_last_of('/');
  file.name = slash == std::string::npos ? name : name.substr(slash + 1);
  const std::size_t dot = file.name.find_last_of('.');
  const std::string extension = dot == std::string::npos ? "" : to_lower(file.name.substr(dot + 1));
  const auto is = [&](std::initializer_list<std::string_view> endings) {
    return std::find(endings.begin(), endings.end(), extension) != endings.end();
  };
  file.kind = is({"jpg", "jpeg", "png", "webp"})        ? AttachmentKind::Photo
              : is({"ogg", "oga", "opus"})              ? AttachmentKind::Voice
              : is({"mp3", "m4a", "wav", "flac"})       ? AttachmentKind::Audio
              : is({"mp4", "mov", "avi", "webm", "mkv"}) ? AttachmentKind::Video
                                                        : AttachmentKind::Document;
  file.origin = kTransport;
  file.reference = name;
  file.size = 1024;
  return file;
}

struct Stage::Impl {
  Storage storage;
  WholeMessages renderer;
  std::unique_ptr<Player> player;
  std::shared_ptr<const Program> program;
  StageOptions options;
  Moment now;
  std::uint64_t update_number = 0;
  std::vector<Arrival> arrivals;
  std::map<std::string, std::vector<Message>> shown;  // by person, oldest first
  std::set<std::uint32_t> visited;
  std::vector<TurnNote> notes;

  explicit Impl(Storage opened) : storage(std::move(opened)) {}

  const StagePerson* person(const std::string& name) const {
    if (name == options.user.name) return &options.user;
    for (const StagePerson& other : options.others)
      if (other.name == name) return &other;
    return nullptr;
  }

  std::string id_of(const std::string& name) const {
    const StagePerson* known = person(name);
    return known && !known->id.empty() ? known->id : name;
  }

  std::string name_of(const std::string& id) const {
    if (id == id_of(options.user.name)) return options.user.name;
    for (const StagePerson& other : options.others)
      if (id == id_of(other.name)) return other.name;
    return id;
  }

  Incoming incoming(const std::string& name) {
    Incoming update;
    update.id = std::to_string(++update_number);
    update.chat = {std::string(kTransport), id_of(name)};
    update.person.id = update.chat.chat_id;
    if (const StagePerson* known = person(name)) {
      update.person.first_name = known->first_name;
      update.person.last_name = known->last_name;
      update.person.username = known->username;
      update.person.language = known->language;
    }
    update.event.at = now;
    return update;
  }

  Stored<Done> play(Incoming update) {
    auto due = play_due();
    if (!due) return due;
    std::vector<Incoming> updates;
    updates.push_back(std::move(update));
    return keep(player->play(updates, kTransport, {}));
  }

  Stored<Done> play_due() {
    for (int i = 0; i < kMaxTimers; ++i) {
      auto next = player->next_timer();
      if (!next) return Error{next.error()};
      if (!*next || **next > now) return Done{};
      auto kept = keep(player->play_timers(now, 1));
      if (!kept) return kept;
    }
    return Error{StorageError{StorageError::Kind::Other, "timers come due without end at one moment"}};
  }

  Stored<Done> keep(Stored<Played> played) {
    if (!played) return Error{played.error()};
    for (StepId step : played->visited) visited.insert(step.value);
    notes.insert(notes.end(), played->notes.begin(), played->notes.end());
    std::vector<Settled> settled;
    const OutboxRow* notice = nullptr;  // the row before, when it was one
    for (const OutboxRow& row : played->outbox) {
      settled.push_back({row.id, true, OutboxRow::State::New, 1, {}, {}});
      Arrival arrival;
      arrival.to = name_of(row.chat.chat_id);
      arrival.to_role = row.chat.transport == kNotices;
      if (notice && notice->chat.chat_id == row.chat.chat_id && notice->call.body == row.call.body) {
        notice = nullptr;  // the same once more, as to a person
        continue;
      }
      notice = arrival.to_role ? &row : nullptr;
      if (row.call.method == "notice") {
        if (row.call.body.empty()) continue;
        arrival.is_notice = true;
        arrival.message.text.text = row.call.body;
      } else {
        if (!from_json(row.call.body, arrival.message)) continue;
        shown[arrival.to].push_back(arrival.message);
      }
      arrivals.push_back(std::move(arrival));
    }
    return player->settle(settled);
  }

  DialogKey main_dialog() const {
    return {std::string(kBot), {std::string(kTransport), id_of(options.user.name)}, id_of(options.user.name)};
  }

  /// Reads the main person's state; `change` may alter it.
  Stored<Done> with_state(const std::function<bool(State&)>& change) {
    return storage.transact([&](Transaction& tx) -> Stored<Done> {
      const DialogKey key = main_dialog();
      auto row = tx.load_dialog(key);
      if (!row) return Error{row.error()};
      State state;
      if (!row->state.empty()) from_json(row->state, *program, state, nullptr);
      if (!change(state)) return Done{};
      row->state = to_json(state, *program);
      row->place = place_of(state, *program);
      return tx.save_dialog(key, *row, false, now);
    });
  }
};

Stage::Stage(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Stage::~Stage() = default;

Stored<std::unique_ptr<Stage>> Stage::open(std::shared_ptr<const Program> program, StageOptions options) {
  auto storage = Storage::open("sqlite::memory:", Durability::Normal);
  if (!storage) return Error{storage.error()};
  auto prepared = storage->prepare_tables(*program);
  if (!prepared) return Error{prepared.error()};
  auto impl = std::make_unique<Impl>(std::move(*storage));
  impl->program = program;
  impl->now = options.now;
  impl->options = std::move(options);

  BotSetup setup;
  setup.name = kBot;
  setup.program = program;
  setup.seed = impl->options.seed;
  setup.trace = true;
  setup.renderers[std::string(kTransport)] = &impl->renderer;
  setup.renderers[std::string(kNotices)] = &impl->renderer;
  for (const std::string& role : roles_of(*program)) {
    auto given = impl->options.roles.find(role);
    std::vector<std::string> ids;
    if (given != impl->options.roles.end())
      for (const std::string& name : given->second) ids.push_back(impl->id_of(name));
    std::vector<ChatAddress>& members = setup.roles[role];
    if (ids.empty()) members.push_back({std::string(kNotices), role});  // the role's own inbox
    for (const std::string& id : ids) {
      members.push_back({std::string(kNotices), id});
      members.push_back({std::string(kTransport), id});  // who has the role is known by this address
    }
  }
  impl->player = std::make_unique<Player>(impl->storage, std::move(setup));
  return std::unique_ptr<Stage>(new Stage(std::move(impl)));
}

Stored<Done> Stage::say(const std::string& person, UserMessage message) {
  Incoming update = impl_->incoming(person);
  message.message_id = update.id;
  update.event.what = std::move(message);
  return impl_->play(std::move(update));
}

Stored<Done> Stage::staff(const std::string& text) {
  Incoming update = impl_->incoming(impl_->options.user.name);
  update.event.what = StaffMessage{text, "staff"};
  return impl_->play(std::move(update));
}

Stored<Done> Stage::reach(const std::string& person, bool reachable) {
  Incoming update = impl_->incoming(person);
  update.event.what = Reachability{reachable};
  return impl_->play(std::move(update));
}

Stored<bool> Stage::press(const std::string& person, std::string_view label) {
  const std::string wanted = fold(label);
  const Button* found = nullptr;
  auto messages = impl_->shown.find(person);
  if (messages == impl_->shown.end()) return false;
  bool reply_keyboard_seen = false;
  for (auto message = messages->second.rbegin(); message != messages->second.rend() && !found; ++message) {
    // A reply keyboard lives until the next one; older ones cannot be pressed.
    const Keyboard::Kind kind = message->keyboard.kind;
    const bool replaces = kind == Keyboard::Kind::Reply || kind == Keyboard::Kind::Remove;
    if (!(replaces && reply_keyboard_seen)) {
      for (const auto& row : message->keyboard.rows)
        for (const Button& button : row)
          if (!found && (button.label == label || fold(button.label) == wanted)) found = &button;
    }
    reply_keyboard_seen |= replaces;
  }
  if (!found) return false;
  const Button button = *found;
  Incoming update = impl_->incoming(person);
  switch (button.action) {
    case ButtonAction::Payload:
      update.event.what = ButtonPress{"press" + update.id, {}, button.payload};
      break;
    case ButtonAction::Url:
      return true;  // opens a page; the bot hears nothing
    case ButtonAction::Contact: {
      UserMessage message;
      const StagePerson* known = impl_->person(person);
      message.contact = Contact{"79001234567", known ? known->first_name : "", known ? known->last_name : "", true};
      update.event.what = std::move(message);
      break;
    }
    case ButtonAction::Location: {
      UserMessage message;
      message.location = Location{*Decimal::parse("55.7558"), *Decimal::parse("37.6173")};
      update.event.what = std::move(message);
      break;
    }
    case ButtonAction::Text: {
      UserMessage message;
      message.text = button.label;
      update.event.what = std::move(message);
      break;
    }
  }
  auto played = impl_->play(std::move(update));
  if (!played) return Error{played.error()};
  return true;
}

Stored<Done> Stage::advance(Duration by) { return advance_to({impl_->now.unix_ms + by.ms}); }

Stored<Done> Stage::advance_to(Moment target) {
  for (int i = 0; i < kMaxTimers; ++i) {
    auto next = impl_->player->next_timer();
    if (!next) return Error{next.error()};
    if (!*next || **next > target) {
      impl_->now = std::max(impl_->now, target);
      return Done{};
    }
    impl_->now = std::max(impl_->now, **next);
    auto played = impl_->keep(impl_->player->play_timers(impl_->now, 1));
    if (!played) return played;
  }
  return Error{StorageError{StorageError::Kind::Other, "timers come due without end"}};
}

std::vector<Arrival> Stage::take_arrivals() { return std::exchange(impl_->arrivals, {}); }

std::vector<std::string> Stage::visible_labels(const std::string& person) const {
  std::vector<std::string> labels;
  auto messages = impl_->shown.find(person);
  if (messages == impl_->shown.end()) return labels;
  for (auto message = messages->second.rbegin(); message != messages->second.rend(); ++message) {
    for (const auto& row : message->keyboard.rows)
      for (const Button& button : row) labels.push_back(button.label);
    if (!labels.empty()) break;
  }
  return labels;
}

Moment Stage::now() const { return impl_->now; }
Stored<std::optional<Moment>> Stage::next_timer() { return impl_->player->next_timer(); }

Stored<std::string> Stage::place() {
  std::string place;
  auto done = impl_->with_state([&](State& state) {
    place = place_of(state, *impl_->program);
    return false;
  });
  if (!done) return Error{done.error()};
  return place;
}

Stored<ValueMap> Stage::variables() {
  ValueMap variables;
  auto done = impl_->with_state([&](State& state) {
    variables = state.variables;
    return false;
  });
  if (!done) return Error{done.error()};
  return variables;
}

Stored<Done> Stage::set_variables(const ValueMap& variables) {
  return impl_->with_state([&](State& state) {
    state.version = impl_->program->version;
    for (const auto& [name, value] : variables) state.variables.set(name, value);
    return true;
  });
}

Stored<List> Stage::rows(const std::string& table) {
  List rows;
  auto done = impl_->storage.transact([&](Transaction& tx) -> Stored<Done> {
    for (std::size_t i = 0; i < impl_->program->tables.size(); ++i) {
      if (impl_->program->tables[i].name != table) continue;
      FindRows find;
      find.table.value = static_cast<std::uint32_t>(i);
      find.sort.push_back({"id", false});
      auto found = tx.find_rows(impl_->program->tables[i], find);
      if (!found) return Error{found.error()};
      rows = std::move(*found);
      return Done{};
    }
    return Error{StorageError{StorageError::Kind::Other, "the scenario has no table `" + table + "`"}};
  });
  if (!done) return Error{done.error()};
  return rows;
}

Stored<Done> Stage::add_row(const std::string& table, const ValueMap& values) {
  return impl_->storage.transact([&](Transaction& tx) -> Stored<Done> {
    for (const Table& known : impl_->program->tables) {
      if (known.name != table) continue;
      auto row = tx.insert_row(known, values, {impl_->id_of(impl_->options.user.name), 0}, impl_->now);
      if (!row) return Error{row.error()};
      return Done{};
    }
    return Error{StorageError{StorageError::Kind::Other, "the scenario has no table `" + table + "`"}};
  });
}

const std::set<std::uint32_t>& Stage::visited() const { return impl_->visited; }
const std::vector<TurnNote>& Stage::notes() const { return impl_->notes; }
const Program& Stage::program() const { return *impl_->program; }

}  // namespace sufler
