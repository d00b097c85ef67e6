// A closed loop: each user sends the next input as soon as the reply to the last one has come. All
// state belongs to the HTTP server's thread, which also ticks the phases; the main thread only
// starts the bot and waits. Nothing here is strict: the fake's rules have their own tests, and what
// is measured is the bot.
#include "fakes/vk/load.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <deque>
#include <future>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "fakes/common/http_server.h"
#include "fakes/vk/load_script.h"
#include "fakes/vk/params.h"
#include "fakes/vk/process_use.h"
#include "fakes/vk/script.h"

namespace sufler::fakes::vk {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kInputsInAnswer = 100;  // as many as Telegram gives at once; echoes come beside them
constexpr std::size_t kRemembered = 20;       // messages that a random_id is compared with
constexpr milliseconds kTick{10};
constexpr std::string_view kClientInfo =
    R"("client_info":{"button_actions":["text","vkpay","open_app","location","open_link",)"
    R"("open_photo","callback","intent_subscribe","intent_unsubscribe"],"keyboard":true,)"
    R"("inline_keyboard":true,"carousel":true,"lang_id":0})";

double seconds(Clock::duration span) { return std::chrono::duration<double>(span).count(); }

void quote(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", byte);
      out += code;
    } else {
      out += c;
    }
  }
  out += '"';
}

struct LoadUser {
  int run = 0;
  int step = -1;
  std::size_t expected = 0;
  bool waiting = false;
  bool done = false;
  Clock::time_point since{};
  std::size_t last_reply = 0;  // hash of its text
  std::int64_t next_cmid = 1;
  std::int64_t inline_cmid = 0;
  std::string inline_keyboard;
  std::string keyboard;
  struct Sent {
    std::int64_t random_id;
    std::int64_t message_id;
    std::int64_t cmid;
  };
  std::deque<Sent> sent;
};

struct Run {
  std::int64_t number_user = -1;
  std::int64_t number_admin = -1;
  unsigned admin_got = 0;
};

struct Queued {
  std::int64_t ts;
  std::string json;
  bool input;  // a user's; echoes are not counted
  bool delivered = false;
};

enum class Phase { WaitForBot, Settle, Load, Drain, Done };

class Load {
 public:
  Load(LoadOptions options, LoadScript script)
      : options_(std::move(options)),
        script_(std::move(script)),
        users_(static_cast<std::size_t>(options_.users)),
        runs_(static_cast<std::size_t>(options_.users) *
              static_cast<std::size_t>(options_.dialogs)),
        users_left_(options_.users) {
    latencies_us_.reserve(runs_.size() * script_.steps.size());
  }

  int play() {
    HttpServer::Handlers handlers;
    handlers.on_request = [this](HttpRequest&& request) { serve(std::move(request)); };
    handlers.on_close = [this](ConnectionId connection) {
      if (poll_ && poll_->connection == connection) poll_.reset();
    };
    if (!server_.start(options_.port, 64u << 20, std::move(handlers))) {
      throw std::runtime_error("the port is taken");
    }
    root_ = "http://127.0.0.1:" + std::to_string(server_.port());
    std::fprintf(stderr, "fake_vk: %s\n", root_.c_str());
    began_ = Clock::now();
    bot_ = options_.exec.empty() ? options_.pid : start_bot();
    server_.call_after(kTick, [this] { tick(); });
    std::future<void> finished = finished_.get_future();
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    const timespec patience{0, 20'000'000};
    while (finished.wait_for(milliseconds(0)) != std::future_status::ready) {
      if (sigtimedwait(&signals, nullptr, &patience) > 0) interrupted_ = true;
    }
    if (!options_.exec.empty()) stop_bot();
    server_.stop();
    return report() ? 0 : 1;
  }

 private:
  // ---- the bot's process

  int start_bot() {
    std::vector<std::string> given = {
        "VK_API=" + root_,
        "VK_TOKEN=" + options_.token,
        "VK_GROUP=" + std::to_string(options_.group_id),
        "ADMIN_CHAT=" + std::to_string(options_.admin),
    };
    for (char** variable = environ; *variable != nullptr; ++variable) given.emplace_back(*variable);
    std::vector<char*> environment;
    for (std::string& variable : given) environment.push_back(variable.data());
    environment.push_back(nullptr);
    const int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int output = open(options_.log.empty() ? "/dev/null" : options_.log.c_str(),
                            O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    const int pid = fork();
    if (pid < 0) throw std::runtime_error("fork failed");
    if (pid == 0) {
      setpgid(0, 0);
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(input, 0);
      dup2(output, 1);
      dup2(output, 2);
      sigset_t none;
      sigemptyset(&none);
      sigprocmask(SIG_SETMASK, &none, nullptr);
      char shell[] = "sh";
      char option[] = "-c";
      char* const arguments[] = {shell, option, options_.exec.data(), nullptr};
      execve("/bin/sh", arguments, environment.data());
      _exit(127);
    }
    ::close(input);
    ::close(output);
    return pid;
  }

  void stop_bot() {
    if (bot_gone_) return;
    kill(-bot_, SIGTERM);
    for (int i = 0; i < 500; ++i) {
      if (waitpid(bot_, nullptr, WNOHANG) == bot_) return;
      usleep(10'000);
    }
    kill(-bot_, SIGKILL);
    waitpid(bot_, nullptr, 0);
  }

  // ---- phases

  void enter(Phase phase) {
    phase_ = phase;
    phase_since_ = Clock::now();
  }

  void finish(const std::string& why) {
    if (phase_ == Phase::Done) return;
    if (phase_ == Phase::WaitForBot) begin_measuring();
    if (!why.empty()) end_ = why;
    use_end_ = use_of_tree(bot_);
    machine_end_ = machine_busy_s();
    own_end_ = own_cpu_s();
    measured_until_ = Clock::now();
    enter(Phase::Done);
    finished_.set_value();
  }

  void tick() {
    if (phase_ == Phase::Done) return;
    const auto now = Clock::now();
    const double in_phase = seconds(now - phase_since_);
    if (interrupted_) return finish("interrupted");
    if (seconds(now - began_) > options_.timeout_s) return finish("timeout");
    if (!options_.exec.empty() && waitpid(bot_, nullptr, WNOHANG) == bot_) {
      bot_gone_ = true;
      return finish("the bot ended by itself");
    }
    switch (phase_) {
      case Phase::WaitForBot:
        if (polled_) {
          startup_ms_ = seconds(first_poll_ - began_) * 1000;
          enter(Phase::Settle);
        } else if (seconds(now - began_) > options_.start_timeout_s) {
          return finish("the bot did not poll");
        }
        break;
      case Phase::Settle:
        if (in_phase * 1000 < options_.settle_ms) break;
        use_idle_ = use_of_tree(bot_);
        enter(Phase::Load);
        begin_measuring();
        for (int i = 0; i < options_.users; ++i) next_input(i);
        break;
      case Phase::Load:
        if (users_left_ == 0) {
          enter(Phase::Drain);
        } else if (seconds(now - progress_) > options_.stall_s) {
          end_ = "stalled";
          enter(Phase::Drain);
        }
        break;
      case Phase::Drain: {
        const bool complete =
            admin_right_ >= runs_.size() * script_.admin.size() && callbacks_.empty();
        if ((complete && in_phase > 0.3) || in_phase > 3) return finish("");
        break;
      }
      case Phase::Done:
        return;
    }
    server_.call_after(kTick, [this] { tick(); });
  }

  /// Everything that is measured counts from here on.
  void begin_measuring() {
    use_start_ = use_of_tree(bot_);
    machine_start_ = machine_busy_s();
    own_start_ = own_cpu_s();
    warm_steps_ = steps_done_;
    warm_deliveries_ = delivered_ + redelivered_ + echoes_delivered_;
    requests_.clear();
    http_requests_ = 0;
    batches_ = 0;
    latencies_us_.clear();
    load_since_ = last_ = progress_ = Clock::now();
  }

  // ---- users

  std::int64_t id_of(int user) const { return options_.first_user + user; }

  std::string event(std::string_view type) {
    ++events_;
    char id[48];
    std::snprintf(id, sizeof id, "%016llx%024llx",
                  static_cast<unsigned long long>(events_ * 2654435761u),
                  static_cast<unsigned long long>(events_));
    std::string out = R"({"group_id":)" + std::to_string(options_.group_id) + R"(,"type":")";
    out += type;
    out += R"(","event_id":")";
    out += id;
    out += R"(","v":"5.199","object":)";
    return out;
  }

  static void add_message(std::string& out, std::int64_t id, std::int64_t cmid, std::int64_t peer,
                          std::int64_t from, std::int64_t random_id, std::string_view text) {
    const auto number = [&out](std::string_view name, std::int64_t value) {
      out += name;
      out += std::to_string(value);
    };
    number(R"({"date":)", std::time(nullptr));
    number(R"(,"from_id":)", from);
    number(R"(,"id":)", id);
    number(R"(,"version":)", 10'000'000 + cmid);
    number(R"(,"out":)", from < 0 ? 1 : 0);
    number(R"(,"important":false,"is_hidden":false,"attachments":[],"conversation_message_id":)",
           cmid);
    out += R"(,"fwd_messages":[],"text":)";
    quote(out, text);
    number(R"(,"peer_id":)", peer);
    number(R"(,"random_id":)", random_id);
  }

  void push(std::string json, bool input) {
    queue_.push_back({++ts_, std::move(json), input});
    answer_soon();
  }

  void wrong(const std::string& what) {
    ++wrong_;
    if (samples_.size() < 6) samples_.push_back(what.substr(0, 300));
  }

  void give_up(LoadUser& user, const std::string& why) {
    wrong(why);
    user.done = true;
    user.waiting = false;
    --users_left_;
  }

  static Json button_in(const std::string& keyboard, const std::string& label) {
    const Json parsed = Json::parse(keyboard, nullptr, false);
    if (!parsed.is_object()) return nullptr;
    for (const Json& row : parsed["buttons"]) {
      for (const Json& button : row) {
        const Json& action = button["action"];
        if (action.value("label", "").find(label) != std::string::npos) return action;
      }
    }
    return nullptr;
  }

  void next_input(int index) {
    LoadUser& user = users_[static_cast<std::size_t>(index)];
    if (user.done || user.waiting || phase_ != Phase::Load) return;
    if (++user.step == static_cast<int>(script_.steps.size())) {
      ++dialogs_done_;
      user.step = 0;
      if (++user.run == options_.dialogs) {
        user.done = true;
        --users_left_;
        return;
      }
    }
    const LoadStep& step = script_.steps[static_cast<std::size_t>(user.step)];
    const std::string wanted = filled_in(step.text, index, user.run);
    Json action;
    bool from_inline = false;
    if (step.kind == LoadStep::Kind::Tap || step.kind == LoadStep::Kind::TapInline) {
      action = button_in(user.inline_keyboard, wanted);
      from_inline = !action.is_null();
    }
    if (action.is_null() &&
        (step.kind == LoadStep::Kind::Tap || step.kind == LoadStep::Kind::TapReply)) {
      action = button_in(user.keyboard, wanted);
    }
    if (step.kind != LoadStep::Kind::Send && action.is_null()) {
      return give_up(user, "no button \"" + wanted + "\" shown to " + tag_of(index, user.run));
    }
    user.waiting = true;
    user.expected = 0;
    user.since = Clock::now();
    const std::int64_t id = id_of(index);
    if (!action.is_null() && action["type"] == "callback") {
      if (!events_on_.contains("message_event")) wrong("message_event is not switched on");
      char callback[16];
      std::snprintf(callback, sizeof callback, "%012llx",
                    static_cast<unsigned long long>(++callback_number_));
      callbacks_[callback] = id;
      std::string json = event("message_event");
      json += R"({"user_id":)" + std::to_string(id) + R"(,"peer_id":)" + std::to_string(id) +
              R"(,"event_id":")" + callback + '"';
      if (action.contains("payload")) {
        json += R"(,"payload":)" + action["payload"].get<std::string>();
      }
      if (from_inline) {
        json += R"(,"conversation_message_id":)" + std::to_string(user.inline_cmid);
      }
      return push(json + "}}", true);
    }
    if (!events_on_.contains("message_new")) wrong("message_new is not switched on");
    std::string text = action.is_null() ? wanted : action["label"].get<std::string>();
    std::string payload = action.is_null() ? "" : action.value("payload", "");
    if (options_.start_button && text == "/start") {
      text = "Начать";
      payload = R"({"command":"start"})";
    }
    std::string json = event("message_new");
    json += R"({"message":)";
    add_message(json, next_message_++, user.next_cmid++, id, id, 0, text);
    if (!payload.empty()) {
      json += R"(,"payload":)";
      quote(json, payload);
    }
    json += "},";
    json += kClientInfo;
    push(json + "}}", true);
  }

  void admin_message(const std::string& text) {
    for (std::size_t at = text.find('u'); at != std::string::npos; at = text.find('u', at + 1)) {
      char* end = nullptr;
      const long user = std::strtol(text.c_str() + at + 1, &end, 10);
      if (end == text.c_str() + at + 1 || *end != 'r') continue;
      const char* from = end + 1;
      const long run = std::strtol(from, &end, 10);
      if (end == from || user < 0 || user >= options_.users || run < 0 || run >= options_.dialogs) {
        continue;
      }
      Run& about =
          runs_[static_cast<std::size_t>(user) * static_cast<std::size_t>(options_.dialogs) +
                static_cast<std::size_t>(run)];
      bool seen = false;
      for (std::size_t i = 0; i < script_.admin.size(); ++i) {
        std::int64_t number = -1;
        if (!matches(script_.admin[i], text, static_cast<int>(user), static_cast<int>(run),
                     number)) {
          continue;
        }
        if ((about.admin_got >> i & 1u) != 0) {
          seen = true;
          continue;
        }
        about.admin_got |= 1u << i;
        if (number >= 0) about.number_admin = number;
        ++admin_right_;
        progress_ = Clock::now();
        return;
      }
      if (seen) {
        ++duplicate_;
      } else {
        wrong("admin's message for " + tag_of(static_cast<int>(user), static_cast<int>(run)) +
              ": " + text);
      }
      return;
    }
    wrong("admin's message without a tag: " + text);
  }

  /// Whether the message was the last that the user waited for.
  bool user_message(int index, const std::string& text, bool edit, const std::string& keyboard,
                    std::int64_t cmid) {
    LoadUser& user = users_[static_cast<std::size_t>(index)];
    const std::size_t hash = std::hash<std::string>{}(text);
    const auto unexpected = [&](const std::string& what) {
      if (edit) return false;
      if (hash == user.last_reply) {
        ++duplicate_;
      } else {
        wrong(what + " to " + tag_of(index, user.run) + " at step " + std::to_string(user.step) +
              ": " + text);
      }
      return false;
    };
    if (!user.waiting) return unexpected("unexpected message");
    const LoadStep& step = script_.steps[static_cast<std::size_t>(user.step)];
    const Expectation& expectation = step.expectations[user.expected];
    std::int64_t number = -1;
    if (edit != (expectation.where == Expectation::Where::Edit) ||
        !matches(expectation, text, index, user.run, number)) {
      return unexpected("wrong reply");
    }
    if (number >= 0) {
      runs_[static_cast<std::size_t>(index) * static_cast<std::size_t>(options_.dialogs) +
            static_cast<std::size_t>(user.run)]
          .number_user = number;
      if (!numbers_.insert(number).second) wrong("a number given twice: " + text);
    }
    user.last_reply = hash;
    user.inline_keyboard.clear();
    if (!keyboard.empty()) {
      if (keyboard.find("\"inline\":true") != std::string::npos) {
        user.inline_keyboard = keyboard;
        user.inline_cmid = cmid;
      } else {
        user.keyboard = keyboard;
      }
    }
    if (++user.expected < step.expectations.size()) return false;
    user.waiting = false;
    const auto now = Clock::now();
    latencies_us_.push_back(static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now - user.since).count()));
    ++steps_done_;
    last_ = progress_ = now;
    if (steps_done_ == options_.warmup) begin_measuring();
    return true;
  }

  // ---- long poll

  void answer_soon() {
    if (!poll_ || answer_planned_) return;
    // After all requests of this round, so that one answer takes what they have brought.
    answer_planned_ = true;
    server_.call_after(milliseconds(0), [this] {
      answer_planned_ = false;
      if (poll_ && !queue_.empty()) answer_poll();
    });
  }

  void answer_poll() {
    HttpReply reply;
    std::int64_t ts = poll_->ts;
    std::size_t count = 0;
    std::size_t inputs = 0;
    std::string list;
    for (Queued& queued : queue_) {
      if (queued.ts <= poll_->ts) continue;
      if (queued.input && inputs++ == kInputsInAnswer) break;
      if (count++ > 0) list += ',';
      list += queued.json;
      ts = queued.ts;
      if (!queued.input) {
        ++echoes_delivered_;
      } else if (queued.delivered) {
        ++redelivered_;
      } else {
        ++delivered_;
      }
      queued.delivered = true;
    }
    if (count > 0) ++batches_;
    reply.body = R"({"ts":")" + std::to_string(ts) + R"(","updates":[)" + list + "]}";
    server_.reply(poll_->connection, std::move(reply));
    poll_.reset();
  }

  void serve_poll(const HttpRequest& request) {
    FormData form;
    read_urlencoded(request.query, form);
    Poll poll{request.connection, 0, ++poll_number_};
    std::int64_t wait = 25;
    for (const auto& [name, value] : form.fields) {
      if (name == "ts") poll.ts = std::strtoll(value.c_str(), nullptr, 10);
      if (name == "wait") wait = std::strtoll(value.c_str(), nullptr, 10);
    }
    if (!polled_) first_poll_ = Clock::now();
    polled_ = true;
    ++requests_["longpoll"];
    while (!queue_.empty() && queue_.front().ts <= poll.ts) queue_.pop_front();
    if (poll_) answer_poll();
    poll_ = poll;
    if (!queue_.empty() || wait == 0) return answer_poll();
    server_.call_after(std::chrono::seconds(wait), [this, number = poll.number] {
      if (poll_ && poll_->number == number) answer_poll();
    });
  }

  // ---- methods

  using Fields = std::map<std::string, std::string>;

  static std::string field(const Fields& fields, const char* name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string{} : found->second;
  }

  void release(int user, milliseconds after) {
    if (after.count() == 0) {
      next_input(user);
    } else {
      server_.call_after(after, [this, user] { next_input(user); });
    }
  }

  /// One message to one peer; `released` gets the user whose next input follows the answer.
  std::array<std::int64_t, 2> send_to(std::int64_t peer, const Fields& fields, bool edit,
                                      std::vector<int>& released) {
    const std::string text = field(fields, "message");
    const bool to_admin = peer == options_.admin;
    const std::int64_t index = peer - options_.first_user;
    if (!to_admin && (index < 0 || index >= options_.users)) throw api_error(901);
    LoadUser& user = to_admin ? admin_ : users_[static_cast<std::size_t>(index)];
    const std::int64_t random_id = std::strtoll(field(fields, "random_id").c_str(), nullptr, 10);
    if (!edit && random_id != 0) {
      for (const auto& sent : user.sent) {
        if (sent.random_id == random_id) return {sent.message_id, sent.cmid};
      }
    }
    const std::int64_t id = next_message_++;
    const std::int64_t cmid = user.next_cmid++;
    user.sent.push_back({random_id, id, cmid});
    if (user.sent.size() > kRemembered) user.sent.pop_front();
    if (to_admin) {
      if (!edit) admin_message(text);
    } else if (user_message(static_cast<int>(index), text, edit, field(fields, "keyboard"), cmid)) {
      released.push_back(static_cast<int>(index));
    }
    if (options_.echo && !edit && events_on_.contains("message_reply")) {
      std::string json = event("message_reply");
      add_message(json, id, cmid, peer, -options_.group_id, random_id, text);
      push(json + "}}", false);
    }
    return {id, cmid};
  }

  std::string send(const Fields& fields, std::vector<int>& released) {
    if (!fields.contains("random_id")) throw invalid("random_id is a required parameter");
    const std::string many = field(fields, "peer_ids");
    if (many.empty()) {
      const std::string one = field(fields, fields.contains("user_id") ? "user_id" : "peer_id");
      return std::to_string(
          send_to(std::strtoll(one.c_str(), nullptr, 10), fields, false, released)[0]);
    }
    std::string out = "[";
    for (std::size_t at = 0; at < many.size();) {
      const std::size_t comma = std::min(many.find(',', at), many.size());
      const std::int64_t peer = std::strtoll(many.c_str() + at, nullptr, 10);
      at = comma + 1;
      if (out.size() > 1) out += ',';
      out += R"({"peer_id":)" + std::to_string(peer);
      try {
        const auto [id, cmid] = send_to(peer, fields, false, released);
        out += R"(,"message_id":)" + std::to_string(id) + R"(,"conversation_message_id":)" +
               std::to_string(cmid) + '}';
      } catch (const ApiError& error) {
        out += R"(,"message_id":0,"error":{"code":)" + std::to_string(error.code) +
               R"(,"description":)" + Json(error.message).dump() + "}}";
      }
    }
    return out + ']';
  }

  /// What stands under `response`; throws ApiError.
  std::string run(const std::string& method, const Fields& fields, std::vector<int>& released) {
    ++requests_[method];
    if (method == "messages.send") return send(fields, released);
    if (method == "messages.edit") {
      send_to(std::strtoll(field(fields, "peer_id").c_str(), nullptr, 10), fields, true, released);
      return "1";
    }
    if (method == "messages.sendMessageEventAnswer") {
      const auto found = callbacks_.find(field(fields, "event_id"));
      if (found == callbacks_.end() || field(fields, "user_id") != std::to_string(found->second)) {
        throw invalid("event_id");
      }
      callbacks_.erase(found);
      return "1";
    }
    if (method == "messages.setActivity" || method == "messages.markAsRead" ||
        method == "messages.markAsAnsweredConversation" || method == "groups.setSettings") {
      return "1";
    }
    if (method == "users.get") {
      std::string out = "[";
      const std::string ids = field(fields, "user_ids");
      for (std::size_t at = 0; at < ids.size(); at = std::min(ids.find(',', at), ids.size()) + 1) {
        const std::string id = std::to_string(std::strtoll(ids.c_str() + at, nullptr, 10));
        if (out.size() > 1) out += ',';
        out += R"({"id":)" + id + R"(,"first_name":"User)" + id +
               R"(","last_name":"Test","is_closed":false,"can_access_closed":true})";
      }
      return out + ']';
    }
    if (method == "groups.getById") {
      return R"({"groups":[{"id":)" + std::to_string(options_.group_id) +
             R"(,"name":"Load","screen_name":"load","is_closed":0,"type":"group"}],"profiles":[]})";
    }
    if (method == "groups.getTokenPermissions") {
      return R"({"mask":397316,"permissions":[{"name":"messages","setting":4096},)"
             R"({"name":"manage","setting":262144},{"name":"photos","setting":4},)"
             R"({"name":"docs","setting":131072}]})";
    }
    if (method == "groups.setLongPollSettings") {
      for (const auto& [name, value] : fields) {
        if (!name.starts_with("message_")) continue;
        if (value == "1") events_on_.insert(name);
        if (value == "0") events_on_.erase(name);
      }
      return "1";
    }
    if (method == "groups.getLongPollSettings") {
      Json events = Json::object();
      for (const std::string& name : events_on_) events[name] = 1;
      return Json{{"is_enabled", true}, {"api_version", "5.199"}, {"events", events}}.dump();
    }
    if (method == "groups.getLongPollServer") {
      return Json{{"key", "key"},
                  {"server", root_ + "/longpoll/" + std::to_string(options_.group_id)},
                  {"ts", std::to_string(queue_.empty() ? ts_ : queue_.front().ts - 1)}}
          .dump();
    }
    if (method == "groups.getCallbackServers" || method == "messages.getHistory" ||
        method == "messages.getConversations") {
      return R"({"count":0,"items":[]})";
    }
    if (method == "messages.isMessagesFromGroupAllowed") return R"({"is_allowed":1})";
    ++unknown_methods_;
    throw api_error(3);
  }

  std::string execute(const std::string& code, std::vector<int>& released) {
    bool list = false;
    const std::vector<ScriptCall> calls = read_script(code, list);
    if (calls.size() > 25) throw api_error(13, "Too many API calls");
    std::string results;
    std::string errors;
    for (const ScriptCall& call : calls) {
      if (!results.empty()) results += ',';
      try {
        results += run(call.method, Params::from_json(call.params, false).values(), released);
      } catch (const ApiError& error) {
        results += "false";
        ++api_errors_[error.code];
        if (!errors.empty()) errors += ',';
        errors +=
            Json{{"method", call.method}, {"error_code", error.code}, {"error_msg", error.message}}
                .dump();
      }
    }
    std::string out = R"({"response":)" + (list ? "[" + results + "]" : results);
    if (!errors.empty()) out += R"(,"execute_errors":[)" + errors + "]";
    return out + "}";
  }

  void serve(HttpRequest&& request) {
    ++http_requests_;
    if (request.path.starts_with("/longpoll/")) return serve_poll(request);
    HttpReply reply;
    if (!request.path.starts_with("/method/")) {
      reply.status = 404;
      return server_.reply(request.connection, std::move(reply));
    }
    const std::string method = request.path.substr(8);
    std::vector<int> released;
    milliseconds latency{0};
    try {
      FormData form;
      read_urlencoded(request.query, form);
      const std::string_view type = request.header("content-type");
      if (type.starts_with("multipart/")) {
        read_multipart(request.body, type, form);
      } else {
        read_urlencoded(request.body, form);
      }
      Fields fields;
      for (auto& [name, value] : form.fields) fields[std::move(name)] = std::move(value);
      std::string token = field(fields, "access_token");
      const std::string_view bearer = request.header("authorization");
      if (token.empty() && bearer.starts_with("Bearer ")) token = bearer.substr(7);
      if (token != options_.token) throw api_error(5, "invalid access_token (4).");
      if (method == "execute") {
        ++requests_["execute"];
        reply.body = execute(field(fields, "code"), released);
      } else {
        reply.body = R"({"response":)" + run(method, fields, released) + '}';
      }
      if (options_.latency_ms > 0 && (method == "messages.send" || method == "execute")) {
        latency = milliseconds(std::llround(options_.latency_ms));
      }
    } catch (const ApiError& error) {
      ++api_errors_[error.code];
      reply.body =
          Json{{"error", {{"error_code", error.code}, {"error_msg", error.message}}}}.dump();
    }
    reply.delay = latency;
    server_.reply(request.connection, std::move(reply));
    for (const int user : released) release(user, latency);
  }

  // ---- the result

  double percentile(double share) {
    if (latencies_us_.empty()) return 0;
    const auto at =
        std::min(latencies_us_.size() - 1,
                 static_cast<std::size_t>(share * static_cast<double>(latencies_us_.size())));
    std::nth_element(latencies_us_.begin(), latencies_us_.begin() + static_cast<std::ptrdiff_t>(at),
                     latencies_us_.end());
    return latencies_us_[at] / 1000.0;
  }

  bool report() {
    const std::uint64_t wanted_dialogs = runs_.size();
    const std::uint64_t wanted_steps = wanted_dialogs * script_.steps.size();
    const std::uint64_t wanted_admin = wanted_dialogs * script_.admin.size();
    const std::uint64_t missing = (wanted_steps > steps_done_ ? wanted_steps - steps_done_ : 0) +
                                  (wanted_admin > admin_right_ ? wanted_admin - admin_right_ : 0);
    std::uint64_t differ = 0;
    for (const Run& run : runs_) {
      differ += run.number_user >= 0 && run.number_admin >= 0 && run.number_user != run.number_admin
                    ? 1
                    : 0;
    }
    const double wall = std::max(0.0, seconds(last_ - load_since_));
    const double user_s = use_end_.user_s - use_start_.user_s;
    const double system_s = use_end_.system_s - use_start_.system_s;
    const std::uint64_t measured = steps_done_ - warm_steps_;
    const double own = own_end_ - own_start_;
    const double span = seconds(measured_until_ - load_since_);
    const auto processors = static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN));
    const double foreign = machine_end_ - machine_start_ - own - user_s - system_s;
    const bool valid = end_.empty() && dialogs_done_ == wanted_dialogs && wrong_ == 0 &&
                       missing == 0 && differ == 0 && callbacks_.empty() && duplicate_ == 0;
    const auto rounded = [](double value, double scale) {
      return std::round(value * scale) / scale;
    };
    nlohmann::ordered_json out;
    out["valid"] = valid;
    out["end"] = end_.empty() ? "complete" : end_;
    out["users"] = options_.users;
    out["dialogs_per_user"] = options_.dialogs;
    out["dialogs"] = dialogs_done_;
    out["dialogs_expected"] = wanted_dialogs;
    out["updates"] = measured;
    out["warmup_updates"] = warm_steps_;
    out["delivered"] = delivered_;
    out["redelivered"] = redelivered_;
    out["echoes"] = echoes_delivered_;
    out["resent"] = 0;
    out["wall_s"] = rounded(wall, 1000);
    out["updates_per_s"] = wall > 0 ? rounded(static_cast<double>(measured) / wall, 10) : 0;
    out["lat_ms"] = {{"p50", percentile(0.5)},
                     {"p90", percentile(0.9)},
                     {"p99", percentile(0.99)},
                     {"max", percentile(1.0)}};
    out["wrong"] = wrong_;
    out["missing"] = missing;
    out["duplicate"] = duplicate_;
    out["numbers_differ"] = differ;
    out["callbacks_unanswered"] = callbacks_.size();
    out["admin_messages"] = admin_right_;
    out["kills"] = 0;
    out["requests"] = requests_;
    out["unknown_methods"] = unknown_methods_;
    Json errors = Json::object();
    for (const auto& [code, count] : api_errors_) errors[std::to_string(code)] = count;
    out["api_errors"] = errors;
    out["http_requests"] = http_requests_;
    out["updates_per_poll"] =
        batches_ > 0 ? rounded(static_cast<double>(delivered_ + redelivered_ + echoes_delivered_ -
                                                   warm_deliveries_) /
                                   static_cast<double>(batches_),
                               10)
                     : 0;
    const auto updates = static_cast<double>(std::max<std::uint64_t>(1, measured));
    out["bot"] = {{"startup_ms", rounded(startup_ms_, 10)},
                  {"idle_rss_kb", use_idle_.rss_kb},
                  {"peak_rss_kb", use_end_.peak_rss_kb},
                  {"cpu_user_s", rounded(user_s, 1000)},
                  {"cpu_sys_s", rounded(system_s, 1000)},
                  {"cpu_ms_per_update", rounded((user_s + system_s) * 1000 / updates, 10000)},
                  {"processes", use_end_.processes}};
    // The names of the peers' load generator, so that their scripts read this line too.
    out["fakegram_cpu_s"] = rounded(own, 1000);
    out["fakegram_cpu_ms_per_update"] = rounded(own * 1000 / updates, 10000);
    out["foreign_cpu_pct"] =
        span > 0 ? rounded(std::max(0.0, foreign * 100 / span / processors), 10) : 0;
    out["wrong_samples"] = samples_;
    std::puts(out.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
    std::fflush(stdout);
    return valid;
  }

  struct Poll {
    ConnectionId connection;
    std::int64_t ts;
    std::uint64_t number;
  };

  LoadOptions options_;
  LoadScript script_;
  HttpServer server_;
  std::string root_;
  std::promise<void> finished_;
  std::atomic<bool> interrupted_{false};
  std::atomic<int> bot_{0};
  std::atomic<bool> bot_gone_{false};

  Phase phase_ = Phase::WaitForBot;
  Clock::time_point began_{};
  Clock::time_point phase_since_{};
  Clock::time_point first_poll_{};
  bool polled_ = false;
  double startup_ms_ = -1;
  std::string end_;

  std::vector<LoadUser> users_;
  std::vector<Run> runs_;
  int users_left_ = 0;
  std::unordered_map<std::string, std::int64_t> callbacks_;  ///< unanswered: whose
  std::unordered_set<std::int64_t> numbers_;
  std::set<std::string> events_on_;
  std::deque<Queued> queue_;
  std::optional<Poll> poll_;
  bool answer_planned_ = false;
  std::int64_t ts_ = 1;
  std::uint64_t poll_number_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t callback_number_ = 0;
  std::int64_t next_message_ = 1;
  LoadUser admin_;

  std::map<std::string, std::uint64_t> requests_;
  std::map<int, std::uint64_t> api_errors_;
  std::uint64_t http_requests_ = 0;
  std::uint64_t unknown_methods_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t redelivered_ = 0;
  std::uint64_t echoes_delivered_ = 0;
  std::uint64_t warm_deliveries_ = 0;
  std::uint64_t batches_ = 0;
  std::uint64_t wrong_ = 0;
  std::uint64_t duplicate_ = 0;
  std::uint64_t admin_right_ = 0;
  std::uint64_t steps_done_ = 0;
  std::uint64_t warm_steps_ = 0;
  std::uint64_t dialogs_done_ = 0;
  std::vector<std::string> samples_;
  std::vector<std::uint32_t> latencies_us_;
  Clock::time_point load_since_{};
  Clock::time_point last_{};
  Clock::time_point progress_{};
  Clock::time_point measured_until_{};
  ProcessUse use_idle_;
  ProcessUse use_start_;
  ProcessUse use_end_;
  double machine_start_ = 0;
  double machine_end_ = 0;
  double own_start_ = 0;
  double own_end_ = 0;
};

}  // namespace

int run_load(LoadOptions options) {
  LoadScript script = read_load_script(options.script);
  if (options.users < 1 || options.dialogs < 1) {
    throw std::runtime_error("--users and --dialogs are at least 1");
  }
  const std::uint64_t updates = static_cast<std::uint64_t>(options.users) *
                                static_cast<std::uint64_t>(options.dialogs) * script.steps.size();
  if (options.warmup >= updates) throw std::runtime_error("--warmup leaves nothing to measure");
  return Load(std::move(options), std::move(script)).play();
}

}  // namespace sufler::fakes::vk
