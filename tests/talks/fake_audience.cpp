#include "talks/fake_audience.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <set>
#include <stdexcept>

#include "fakes/common/bytes.h"
#include "interpreter/core/text.h"
#include "interpreter/runtime/dispatcher.h"

namespace sufler::fakes {
std::string make_png(int width, int height);  // of either fake
}

namespace sufler {

std::size_t bytes_of_units(std::string_view text, int units) {
  std::size_t offset = 0;
  while (units > 0 && offset < text.size()) units -= next_code_point(text, offset) > 0xFFFF ? 2 : 1;
  return offset;
}

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

/// Nothing takes so long unless it never comes.
constexpr std::chrono::seconds kPatience{60};
constexpr std::size_t kFileBytes = std::size_t{20} << 20;
constexpr int kPhotoWidth = 320;

StorageError trouble(std::string what) { return {StorageError::Kind::Other, std::move(what)}; }

/// Updates on their way from the network's thread to the stage's.
class Updates {
 public:
  struct Batch {
    std::size_t platform = 0;
    std::vector<Incoming> updates;
    std::string position;
    std::function<void(bool)> stored;
  };
  void put(Batch batch) {
    std::lock_guard lock(mutex_);
    batches_.push_back(std::move(batch));
    changed_.notify_all();
  }
  void complain(std::string reason) {
    std::lock_guard lock(mutex_);
    complaint_ = std::move(reason);
    changed_.notify_all();
  }
  Stored<Batch> take() {
    std::unique_lock lock(mutex_);
    const bool came = changed_.wait_for(lock, kPatience, [&] { return !batches_.empty() || !complaint_.empty(); });
    if (!complaint_.empty()) return Error{trouble(complaint_)};
    if (!came) return Error{trouble("the transport brings no update")};
    Batch batch = std::move(batches_.front());
    batches_.pop_front();
    return batch;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> batches_;
  std::string complaint_;
};

/// How many calls each message became, in the order of the outbox.
struct Rendered {
  std::size_t calls = 0;
  bool is_press_answer = false;
};
class CountingRenderer : public Renderer {
 public:
  CountingRenderer(const Transport& transport, std::deque<Rendered>& rendered)
      : transport_(transport), rendered_(rendered) {}
  std::vector<ApiCall> render(const ChatAddress& chat, const Message& message) const override {
    std::vector<ApiCall> calls = transport_.render(chat, message);
    rendered_.push_back({calls.size(), false});
    return calls;
  }
  ApiCall render_press_answer(const ChatAddress& chat, const std::string& press_id,
                              const std::string& text) const override {
    rendered_.push_back({1, true});
    return transport_.render_press_answer(chat, press_id, text);
  }
  // Nobody reads what these do: talks are without groups.
  ApiCall render_topic(const ChatAddress& group, const std::string& title) const override {
    return transport_.render_topic(group, title);
  }
  ApiCall render_topic_state(const ChatAddress& topic, bool open) const override {
    return transport_.render_topic_state(topic, open);
  }

 private:
  const Transport& transport_;
  std::deque<Rendered>& rendered_;
};

class FakeAudience : public Audience, public Courier {
 public:
  explicit FakeAudience(FakeAudienceOptions options) : options_(std::move(options)) {}

  ~FakeAudience() override {
    if (dispatcher_) dispatcher_->stop();
    for (Side& side : sides_)
      if (side.transport) side.transport->stop_receiving();
    client_.stop(milliseconds(0));
  }

  Stored<Done> enter(const StageOptions& stage, BotSetup& setup) override {
    return guarded([&]() -> Stored<Done> {
      program_ = setup.program;
      now_ = stage.now.unix_ms;
      user_ = stage.user.name;
      know_files_of_scenario();
      for (const auto& make : options_.platforms) add_side(make(), setup);
      seat(stage.user, options_.person_on);
      std::set<std::string> of_roles;
      for (const auto& [role, members] : stage.roles) of_roles.insert(members.begin(), members.end());
      for (const StagePerson& other : stage.others)
        seat(other, of_roles.contains(other.name) ? options_.roles_on : options_.person_on);
      for (const std::string& role : roles_of(*program_)) {
        std::vector<std::string> names{role};
        if (const auto given = stage.roles.find(role); given != stage.roles.end() && !given->second.empty())
          names = given->second;
        for (const std::string& name : names) {
          if (!seats_.contains(name)) seat({name, {}, {}, {}, {}, {}}, options_.roles_on);
          members_[role].push_back(name);
          setup.roles[role].push_back(address(name));
        }
      }
      dispatcher_ = std::make_unique<Dispatcher>(*this, handlers());
      for (std::size_t i = 0; i < sides_.size(); ++i) listen(i);
      for (Side& side : sides_)
        if (!side.platform->wait_until_polling())
          return Error{trouble(std::string(side.platform->name()) + ": the bot does not listen")};
      return Done{};
    });
  }

  /// The fakes' clocks stay a little ahead, by the time that the test itself takes: a fresh update then happened
  /// at the moment of the stage, as transports take it.
  void set_clock(Moment now) override {
    const std::int64_t before = now_.exchange(now.unix_ms);
    for (Side& side : sides_) side.platform->advance_clock(milliseconds(now.unix_ms - before));
  }

  ChatAddress address(const std::string& person) const override {
    const auto found = seats_.find(person);
    if (found == seats_.end()) return {};
    return {std::string(sides_[found->second.side].platform->name()), std::to_string(found->second.id)};
  }

  Stored<Done> say(const std::string& person, UserMessage message, const Play& play) override {
    return guarded([&] {
      const Seat& who = seat_of(person);
      std::vector<FileToSend> files;
      for (const Attachment& file : message.attachments) files.push_back(file_to_send(file));
      return hear(platform(who).say(who.id, message, files, 0), play);
    });
  }

  Stored<Done> staff(const std::string& text, const Play& play) override {
    return guarded([&]() -> Stored<Done> {
      const Seat& customer = seat_of(user_);
      if (const auto update = platform(customer).staff(customer.id, text)) return hear(*update, play);
      for (const HandoffRule& rule : program_->handoffs) {
        const auto& words = rule.staff_words;
        const auto members = members_.find(rule.role);
        if (members == members_.end() || std::find(words.begin(), words.end(), fold(text)) == words.end()) continue;
        const std::string& name = members->second.front();
        const Seat& agent = seat_of(name);
        UserMessage word;
        word.text = text;
        return hear(platform(agent).say(agent.id, word, {}, last_notice_[name]), play);
      }
      return Done{};
    });
  }

  Stored<Done> reach(const std::string& person, bool reachable, const Play& play) override {
    return guarded([&] {
      const Seat& who = seat_of(person);
      return hear(platform(who).reach(who.id, reachable), play);
    });
  }

  Stored<bool> press(const std::string& person, std::string_view label, const Play& play) override {
    bool found = false;
    auto done = guarded([&]() -> Stored<Done> {
      const Seat& who = seat_of(person);
      Keyboard::Kind kind = Keyboard::Kind::None;
      const std::optional<Button> button = find_button(platform(who).shown(who.id), label, kind);
      if (!button) return Done{};
      found = true;
      auto heard = hear(platform(who).press(who.id, button->label, kind), play);
      if (heard && button->action == ButtonAction::Payload && !platform(who).press_answer())
        return Error{trouble("the press was not answered: the button shows for ever that it waits")};
      return heard;
    });
    if (!done) return Error{done.error()};
    return found;
  }

  std::vector<std::string> visible_labels(const std::string& person) const override {
    std::vector<std::string> labels;
    const auto who = seats_.find(person);
    if (who == seats_.end()) return labels;
    const std::vector<Shown> messages = sides_[who->second.side].platform->shown(who->second.id);
    for (auto message = messages.rbegin(); message != messages.rend() && labels.empty(); ++message)
      for (const auto& row : message->keyboard.rows)
        for (const Button& button : row) labels.push_back(button.label);
    return labels;
  }

  Stored<std::vector<Settled>> deliver(const std::vector<OutboxRow>& rows, std::vector<Arrival>& arrivals) override {
    std::vector<Settled> settled;
    auto done = guarded([&]() -> Stored<Done> {
      const std::deque<Rendered> rendered = std::exchange(rendered_, {});
      std::size_t calls = 0;
      for (const Rendered& one : rendered) calls += one.calls;
      if (calls != rows.size()) return Error{trouble("a turn was played more than once, or stored only in part")};
      auto row = rows.begin();
      for (const Rendered& one : rendered) {
        const auto end = row + static_cast<std::ptrdiff_t>(one.calls);
        auto sent = deliver_message({row, end}, one.is_press_answer, settled, arrivals);
        if (!sent) return sent;
        row = end;
      }
      return Done{};
    });
    if (!done) return Error{done.error()};
    return settled;
  }

  /// The file is brought from the platform once more, as the bot itself would for somebody elsewhere.
  Attachment named(Attachment file) override {
    Transport* const holder = transport(file.origin);
    if (!holder) return file;
    struct Fetched {
      std::string bytes, reason;
    };
    auto promise = std::make_shared<std::promise<Fetched>>();
    auto fetched = promise->get_future();
    holder->fetch_file(file, kFileBytes, [promise](std::string bytes, std::string reason) {
      promise->set_value({std::move(bytes), std::move(reason)});
    });
    if (fetched.wait_for(kPatience) != std::future_status::ready) {
      file.name = "a file that does not come";
      return file;
    }
    const Fetched got = fetched.get();
    if (!got.reason.empty()) {
      file.name = "a file that cannot be fetched: " + got.reason;
      return file;
    }
    return recognised({file.kind, file.name, fakes::sha256_hex(got.bytes)});
  }

 private:
  struct Side {
    std::unique_ptr<FakePlatform> platform;
    std::unique_ptr<Transport> transport;
    std::unique_ptr<CountingRenderer> renderer;
  };
  struct Seat {
    std::size_t side = 0;
    std::int64_t id = 0;
  };

  /// What a fake refuses is a failure of the talk.
  template <class Act>
  Stored<Done> guarded(Act act) {
    try {
      return act();
    } catch (const std::exception& error) {
      return Error{trouble(error.what())};
    }
  }

  // ---- the hall

  void add_side(std::unique_ptr<FakePlatform> platform, BotSetup& setup) {
    Side side;
    side.platform = std::move(platform);
    // `now` is later than the machine's clock or earlier.
    const auto real = std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    side.platform->advance_clock(milliseconds(now_.load()) - real);
    Wiring wiring;
    wiring.now = [this] { return now_.load(); };
    wiring.scenario_folder = [program = program_] { return program->folder; };
    wiring.fetch_elsewhere = [this](const Attachment& file, std::size_t limit,
                                    std::function<void(std::string, std::string)> done) {
      if (file.origin == "stored") {
        const auto made = stored_.find(file.reference);
        return made == stored_.end() ? done({}, "nobody made this file") : done(made->second, {});
      }
      Transport* const holder = transport(file.origin);
      if (!holder) return done({}, "the bot is not served on " + file.origin);
      holder->fetch_file(file, limit, std::move(done));
    };
    side.transport = side.platform->make_transport(client_, std::move(wiring));
    side.renderer = std::make_unique<CountingRenderer>(*side.transport, rendered_);
    setup.renderers[std::string(side.platform->name())] = side.renderer.get();
    sides_.push_back(std::move(side));
  }

  void listen(std::size_t index) {
    TransportHandlers handlers;
    handlers.updates = [updates = updates_, index](std::vector<Incoming> incoming, std::string position,
                                                   std::function<void(bool)> stored) {
      // A place without events: a talk begins anew each time.
      if (incoming.empty()) return stored(true);
      updates->put({index, std::move(incoming), std::move(position), std::move(stored)});
    };
    handlers.failed = [updates = updates_](std::string reason) { updates->complain(std::move(reason)); };
    handlers.health = [](bool, const std::string&) {};
    sides_[index].transport->start({}, {}, std::move(handlers));
  }

  void seat(const StagePerson& person, std::size_t side) {
    if (const auto other = options_.elsewhere.find(person.name); other != options_.elsewhere.end()) side = other->second;
    // A platform's ids are numbers, whatever a talk calls people.
    const auto given = Decimal::parse(person.id);
    Seat seat{side, given && given->to_int64() && *given->to_int64() > 0 ? *given->to_int64() : next_id_++};
    sides_[side].platform->add_person(seat.id, person);
    seats_[person.name] = seat;
  }

  const Seat& seat_of(const std::string& person) {
    if (!seats_.contains(person)) seat({person, {}, {}, {}, {}, {}}, options_.person_on);
    return seats_[person];
  }
  FakePlatform& platform(const Seat& seat) { return *sides_[seat.side].platform; }

  Transport* transport(std::string_view name) const {
    for (const Side& side : sides_)
      if (side.platform->name() == name) return side.transport.get();
    return nullptr;
  }

  std::string name_of(const ChatAddress& chat) const {
    for (const auto& [name, seat] : seats_)
      if (address(name) == chat) return name;
    return chat.transport + ":" + chat.chat_id;
  }

  bool has_role(const std::string& name) const {
    return std::any_of(members_.begin(), members_.end(), [&](const auto& role) {
      return std::find(role.second.begin(), role.second.end(), name) != role.second.end();
    });
  }

  // ---- files

  void know_files_of_scenario() {
    if (program_->folder.empty() || !fs::is_directory(program_->folder)) return;
    for (const auto& entry : fs::recursive_directory_iterator(program_->folder)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(in)), {});
      know(bytes, stage_file(fs::relative(entry.path(), program_->folder).string()));
    }
  }
  void keep(const Attachment& file, const std::string& bytes) override {
    stored_[file.reference] = bytes;
    know(bytes, made(file));
  }

  void know(const std::string& bytes, Attachment file) { known_[fakes::sha256_hex(bytes)] = std::move(file); }

  /// A file that the bot has written itself, as a talk knows it.
  static Attachment made(const Attachment& file) {
    Attachment known = stage_file(file.name);
    known.kind = file.kind;
    return known;
  }

  /// Bytes unlike those of any other file, as many as the talk says where that is more than a picture takes.
  FileToSend file_to_send(const Attachment& file) {
    FileToSend out{file, {}};
    const int number = static_cast<int>(known_.size()) + 1;
    switch (file.kind) {
      case AttachmentKind::Photo: out.bytes = fakes::make_png(kPhotoWidth, 100 + number); break;
      case AttachmentKind::Voice: out.bytes = std::string("OggS\0\2", 6) + std::to_string(number); break;
      default: out.bytes = "%PDF-1.4\n% " + file.name + " " + std::to_string(number) + "\n%%EOF\n"; break;
    }
    if (file.size > 0) out.bytes.resize(std::max(out.bytes.size(), static_cast<std::size_t>(file.size)), '\n');
    know(out.bytes, file);
    return out;
  }

  Attachment recognised(const ShownFile& file) const {
    Attachment out;
    out.kind = file.kind;
    out.name = file.name;
    const auto known = known_.find(file.sha256);
    if (known == known_.end()) {
      out.name += " (of bytes that nobody sent)";
    } else if (file.kind != known->second.kind) {
      out.name += " (" + known->second.name + " as another kind of file)";
    } else if (file.kind == AttachmentKind::Document && file.name != known->second.name) {
      out.name += " (that was " + known->second.name + ")";
    } else {
      out = known->second;
    }
    return out;
  }

  // ---- hearing

  /// Plays what comes until the update with this id has been.
  Stored<Done> hear(const std::string& id, const Play& play) {
    for (bool heard = id.empty(); !heard;) {
      auto batch = updates_->take();
      if (!batch) return Error{batch.error()};
      const Side& side = sides_[batch->platform];
      UpdateBatch updates{batch->updates, std::string(side.platform->name()), batch->position,
                          side.transport->repeats_events()};
      auto played = play(updates);
      batch->stored(static_cast<bool>(played));
      if (!played) return played;
      for (const Incoming& update : batch->updates) heard = heard || update.id == id;
    }
    return Done{};
  }

  /// As on a screen: the newest message first, and of keyboards under the input field only the newest.
  static std::optional<Button> find_button(const std::vector<Shown>& messages, std::string_view label,
                                           Keyboard::Kind& kind) {
    const std::string wanted = fold(label);
    bool reply_keyboard_seen = false;
    for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
      kind = message->keyboard.kind;
      const bool replaces = kind == Keyboard::Kind::Reply || kind == Keyboard::Kind::Remove;
      if (!(replaces && reply_keyboard_seen)) {
        for (const auto& row : message->keyboard.rows)
          for (const Button& button : row)
            if (button.label == label || fold(button.label) == wanted) return button;
      }
      reply_keyboard_seen |= replaces;
    }
    return std::nullopt;
  }

  // ---- sending

  Dispatcher::Handlers handlers() {
    return {[this](std::string_view, Settled one) {
              std::lock_guard lock(mutex_);
              if (one.notice) one.notice->at = Moment{now_.load()};
              settled_.push_back(std::move(one));
              changed_.notify_all();
            },
            [](std::string_view, const ChatAddress&) {},
            [this](std::string_view, const ChatAddress&, const std::string& line) {
              std::lock_guard lock(mutex_);
              complaint_ = line;
            }};
  }

  void deliver(std::string_view, const ChatAddress& chat, const ApiCall& call,
               std::function<void(Outcome)> done) override {
    transport(chat.transport)->deliver(chat, call, std::move(done));
  }
  /// Rests are of the stage's clock, which stands still.
  void later(Duration, std::function<void()> job) override { client_.after(milliseconds(1), std::move(job)); }

  Stored<Settled> send(const OutboxRow& row) {
    dispatcher_->add({row});
    std::unique_lock lock(mutex_);
    const bool came = changed_.wait_for(lock, kPatience, [&] { return !settled_.empty(); });
    if (!came) return Error{trouble("a call has no end: " + row.call.method)};
    Settled settled = std::move(settled_.front());
    settled_.pop_front();
    if (!complaint_.empty()) return Error{trouble(complaint_ + " (" + row.call.method + " " + row.call.body + ")")};
    return settled;
  }

  /// The rows of one message.
  Stored<Done> deliver_message(const std::vector<OutboxRow>& rows, bool is_press_answer, std::vector<Settled>& settled,
                               std::vector<Arrival>& arrivals) {
    if (rows.empty()) return Done{};
    const std::string name = name_of(rows.front().chat);
    const auto found = seats_.find(name);
    if (found == seats_.end()) return Error{trouble("a message to nobody: " + name)};
    const Seat who = found->second;
    const std::size_t seen = platform(who).shown(who.id).size();
    for (const OutboxRow& row : rows) {
      for (const FilePart& part : row.call.files)
        if (part.file.origin == "text") know(part.file.reference, made(part.file));
      auto one = send(row);
      if (!one) return Error{one.error()};
      settled.push_back(std::move(*one));
    }
    Arrival arrival;
    arrival.to = name;
    if (is_press_answer) {
      const std::string text = platform(who).press_answer().value_or("");
      if (text.empty()) return Done{};
      arrival.is_notice = true;
      arrival.message.text.text = text;
      arrivals.push_back(std::move(arrival));
      return Done{};
    }
    const std::vector<Shown> all = platform(who).shown(who.id);
    if (all.size() <= seen) return Error{trouble("`" + name + "` was shown nothing by " + rows.back().call.method)};
    for (std::size_t i = seen; i < all.size(); ++i) add(all[i], arrival.message);
    arrival.to_role = rows.front().notice && has_role(name);
    if (rows.front().notice) last_notice_[name] = all[seen].id;
    arrivals.push_back(std::move(arrival));
    return Done{};
  }

  void add(const Shown& shown, Message& message) const {
    if (!message.text.empty() && !shown.text.empty()) message.text.append("\n");
    message.text.append(shown.text);
    if (shown.keyboard.kind != Keyboard::Kind::None) message.keyboard = shown.keyboard;
    for (const ShownFile& file : shown.files) message.attachments.push_back(recognised(file));
  }

  FakeAudienceOptions options_;
  std::shared_ptr<const Program> program_;
  std::atomic<std::int64_t> now_{0};
  std::string user_;
  std::int64_t next_id_ = 1001;
  std::map<std::string, Seat> seats_;
  std::map<std::string, std::vector<std::string>> members_;  // role → names
  std::map<std::string, std::int64_t> last_notice_;          // by name
  std::map<std::string, std::string> stored_;                // that steps have made, by reference
  std::map<std::string, Attachment> known_;                  // by sha256
  std::shared_ptr<Updates> updates_ = std::make_shared<Updates>();
  std::deque<Rendered> rendered_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Settled> settled_;
  std::string complaint_;

  // The client outlives the transports: its thread ends in the destructor, while all of them still stand.
  HttpClient client_;
  std::vector<Side> sides_;
  std::unique_ptr<Dispatcher> dispatcher_;
};

}  // namespace

std::unique_ptr<Audience> make_fake_audience(FakeAudienceOptions options) {
  return std::make_unique<FakeAudience>(std::move(options));
}

}  // namespace sufler
