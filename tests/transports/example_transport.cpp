#include "transports/example_transport.h"

#include <atomic>
#include <nlohmann/json.hpp>

#include "interpreter/core/rich_text.h"
#include "interpreter/transports/backoff.h"

namespace sufler::example {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

Moment now() {
  return {std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

/// One update, or nothing when it makes no sense: any bytes may come.
std::optional<Incoming> decode(const json& update) {
  if (!update.is_object() || !update.contains("id") || !update["id"].is_number_integer()) return std::nullopt;
  const auto text_at = [&](const char* key) {
    const auto found = update.find(key);
    return found != update.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  Incoming incoming;
  incoming.id = std::to_string(update["id"].get<std::int64_t>());
  incoming.chat = {"example", text_at("chat")};
  if (incoming.chat.chat_id.empty()) return std::nullopt;
  incoming.person.id = incoming.chat.chat_id;
  incoming.person.first_name = text_at("name");
  UserMessage message;
  message.message_id = incoming.id;
  message.text = text_at("text");
  incoming.event = Event{now(), 0, std::move(message)};
  return incoming;
}

/// What callbacks under way hold: the transport itself may be gone before they end.
class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(HttpClient& client, ExampleSettings settings)
      : client_(client), settings_(std::move(settings)),
        backoff_(settings_.backoff_first, settings_.backoff_most, [] { return 0.5; }) {}

  void start(std::string position, TransportHandlers handlers) {
    client_.post([self = shared_from_this(), position = std::move(position), handlers = std::move(handlers)]() mutable {
      self->position_ = position.empty() ? "0" : std::move(position);
      self->handlers_ = std::move(handlers);
      self->poll();
    });
  }
  void stop() { stopped_ = true; }

  void deliver(const ApiCall& call, std::function<void(Outcome)> done) {
    json body = json::parse(call.body, nullptr, false);
    body["key"] = call.repeat_key;  // the same at every attempt
    client_.submit(request("POST", "/send", body.dump()), [done = std::move(done)](HttpAnswer answer) {
      Outcome outcome;
      if (answer.kind == HttpAnswer::Kind::Answered && answer.status == 200) {
        const json read = json::parse(answer.body, nullptr, false);
        if (read.is_object() && read.contains("message") && read["message"].is_string()) outcome.message_id = read["message"];
        return done(outcome);
      }
      const bool refused = answer.kind == HttpAnswer::Kind::Answered && answer.status < 500 && answer.status != 429;
      outcome.kind = refused ? Outcome::Kind::Failed : Outcome::Kind::Retry;  // the key makes a repeat harmless
      outcome.after = Duration{std::max<std::int64_t>(1, answer.retry_after.count()) * 1000};
      outcome.reason = answer.kind == HttpAnswer::Kind::Answered ? "status " + std::to_string(answer.status) : answer.error;
      done(outcome);
    });
  }

 private:
  HttpRequest request(const char* method, const std::string& path, std::string body = {}) const {
    HttpRequest request;
    request.url = settings_.api + path;
    request.method = method;
    request.headers = {"Authorization: Bearer " + settings_.token};  // never in the URL, where logs would show it
    request.body = std::move(body);
    return request;
  }

  void poll() {
    if (stopped_) return;
    HttpRequest asks = request("GET", "/updates?after=" + position_);
    asks.lane = HttpRequest::Lane::Poll;
    client_.submit(std::move(asks), [self = shared_from_this()](HttpAnswer answer) { self->on_poll(answer); });
  }
  void poll_after(milliseconds pause) {
    client_.after(pause, [self = shared_from_this()] { self->poll(); });
  }

  void on_poll(const HttpAnswer& answer) {
    if (stopped_ || answer.cancelled) return;
    const json body = json::parse(answer.body, nullptr, false);
    if (answer.kind != HttpAnswer::Kind::Answered || !body.is_object() || !body.contains("updates") || !body["updates"].is_array()) {
      tell_health(false, "the platform cannot be reached");
      return poll_after(backoff_.next());
    }
    tell_health(true, {});
    backoff_.reset();
    std::vector<Incoming> updates;
    for (const json& update : body["updates"])
      if (auto incoming = decode(update)) updates.push_back(std::move(*incoming));
    if (updates.empty()) return poll_after(settings_.poll_pause);
    std::string next = updates.back().id;
    // The next poll confirms these, so it waits until they are stored.
    handlers_.updates(std::move(updates), next, [self = shared_from_this(), next](bool stored) {
      self->client_.post([self, next, stored] {
        if (!stored) return self->poll_after(self->backoff_.next());
        self->position_ = next;
        self->poll();
      });
    });
  }

  void tell_health(bool well, const std::string& reason) {
    if (std::exchange(well_, well) != well) handlers_.health(well, reason);
  }

  HttpClient& client_;
  const ExampleSettings settings_;
  Backoff backoff_;
  TransportHandlers handlers_;
  std::string position_;
  bool well_ = false;
  std::atomic<bool> stopped_{false};
};

class ExampleTransport final : public Transport {
 public:
  ExampleTransport(HttpClient& client, ExampleSettings settings) : core_(std::make_shared<Core>(client, std::move(settings))) {}
  ~ExampleTransport() override { core_->stop(); }

  std::string_view name() const override { return "example"; }
  Capabilities capabilities() const override { return example_capabilities(); }

  std::vector<ApiCall> render(const ChatAddress& chat, const Message& message) const override {
    std::vector<ApiCall> calls;
    for (const RichText& part : split(message.text, example_capabilities().message_units)) {
      ApiCall call;
      call.method = "send";
      call.body = json{{"chat", chat.chat_id}, {"text", part.text}}.dump();
      calls.push_back(std::move(call));
    }
    if (calls.empty() || message.keyboard.rows.empty()) return calls;
    json last = json::parse(calls.back().body);
    for (const auto& row : message.keyboard.rows)
      for (const Button& button : row) last["buttons"].push_back(button.label);
    calls.back().body = last.dump();
    return calls;
  }
  ApiCall render_press_answer(const ChatAddress&, const std::string&, const std::string&) const override { return {}; }

  void start(std::string position, std::vector<BotCommandHint>, TransportHandlers handlers) override {
    core_->start(std::move(position), std::move(handlers));
  }
  void stop_receiving() override { core_->stop(); }
  void deliver(const ChatAddress&, const ApiCall& call, std::function<void(Outcome)> done) override {
    core_->deliver(call, std::move(done));
  }
  void fetch_file(const Attachment&, std::size_t, std::function<void(std::string, std::string)> done) override {
    done({}, "this platform has no files");
  }

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace

Capabilities example_capabilities() {
  Capabilities can;
  can.message_units = 1000;
  can.inline_buttons = 0;
  can.contact_request = can.location_request = can.monospace = can.command_menu = false;
  return can;
}

std::unique_ptr<Transport> make_example_transport(HttpClient& client, ExampleSettings settings) {
  return std::make_unique<ExampleTransport>(client, std::move(settings));
}

}  // namespace sufler::example
