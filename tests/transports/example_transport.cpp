#include "transports/example_transport.h"

#include <atomic>
#include <nlohmann/json.hpp>

#include "interpreter/network/backoff.h"
#include "interpreter/transports/http_outcome.h"
#include "interpreter/transports/system.h"

namespace sufler::example {
namespace {

using nlohmann::json;

/// Any bytes may come: what is no text is none.
std::string text_at(const json& object, const char* key) {
  return object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : std::string();
}

Incoming decode(const std::string& id, const json& update) {
  UserMessage message;
  message.message_id = id;
  message.text = text_at(update, "text");
  Incoming incoming;
  incoming.id = id;
  incoming.chat = {"example", text_at(update, "chat")};
  incoming.person.id = incoming.chat.chat_id;
  incoming.person.first_name = text_at(update, "name");
  incoming.event = Event{system_now(), 0, std::move(message)};
  return incoming;
}

/// What callbacks under way hold, which may end after the transport. On the network thread once it has started.
struct Core : std::enable_shared_from_this<Core> {
  Core(HttpClient& http, const ExampleSettings& given)
      : client(http), settings(given), backoff(given.pause, given.pause * 30, system_random) {}
  void submit(HttpRequest request, const std::string& path, HttpClient::Done done) {
    request.url = settings.api + path;
    request.headers = http_headers({"Authorization: Bearer " + settings.token});  // a URL would stand in logs
    client.submit(std::move(request), std::move(done));
  }
  void poll_after(std::chrono::milliseconds delay) {
    client.after(delay, [self = shared_from_this()] {
      self->submit({.method = "GET", .lane = HttpRequest::Lane::Poll}, "/updates?after=" + self->position,
                   [self](const HttpAnswer& answer) { self->take(answer); });
    });
  }
  void take(const HttpAnswer& answer) {
    if (stopped || answer.cancelled) return;
    const json body = json::parse(answer.body, nullptr, false);
    const bool is_well = answer.status == 200 && body.contains("updates") && body["updates"].is_array();
    if (std::exchange(well, is_well) != is_well) handlers.health(is_well, is_well ? "" : "no updates to be had");
    if (!is_well) return poll_after(backoff.next());
    backoff.reset();
    std::vector<Incoming> updates;
    std::string next = position;
    for (const json& update : body["updates"]) {
      if (!update.contains("id") || !update["id"].is_number_integer()) continue;
      next = update["id"].dump();
      if (!text_at(update, "chat").empty()) updates.push_back(decode(next, update));
    }
    if (next == position) return poll_after(settings.pause);
    // The next poll confirms these, so it waits until they are stored. `stored` may come on any thread.
    handlers.updates(std::move(updates), next, [self = shared_from_this(), next](bool stored) {
      self->client.post([self, next, stored] {
        if (stored) self->position = next;
        self->poll_after(stored ? std::chrono::milliseconds(0) : self->settings.pause);
      });
    });
  }

  HttpClient& client;
  const ExampleSettings settings;
  Backoff backoff;
  TransportHandlers handlers;
  std::string position;
  bool well = false;
  std::atomic<bool> stopped{false};
};

struct ExampleTransport final : Transport {
  ExampleTransport(HttpClient& http, const ExampleSettings& given) : core(std::make_shared<Core>(http, given)) {}
  ~ExampleTransport() override { stop_receiving(); }

  std::string_view name() const override { return "example"; }
  Capabilities capabilities() const override {
    return {.message_units = 1000, .inline_buttons = 0, .contact_request = false, .location_request = false,
            .monospace = false, .command_menu = false};
  }
  std::vector<ApiCall> render(const ChatAddress& chat, const Message& message) const override {
    std::vector<ApiCall> calls;
    const std::vector<RichText> parts = split(message.text, capabilities().message_units);
    for (const RichText& part : parts) {
      json body = {{"chat", chat.chat_id}, {"text", part.text}};
      if (&part == &parts.back())  // under the last part, where people look
        for (const auto& row : message.keyboard.rows)
          for (const Button& button : row) body["buttons"].push_back(button.label);
      calls.emplace_back().method = "send";
      calls.back().body = body.dump();
    }
    return calls;
  }
  void start(std::string position, std::vector<BotCommandHint>, TransportHandlers handlers) override {
    core->position = position.empty() ? "0" : position;
    core->handlers = std::move(handlers);
    core->poll_after({});
  }
  void stop_receiving() override { core->stopped = true; }
  void deliver(const ChatAddress&, const ApiCall& call, std::function<void(Outcome)> done) override {
    json body = json::parse(call.body);
    body["key"] = call.repeat_key;  // the same at every attempt
    core->submit({.body = body.dump()}, "/send", [done = std::move(done)](const HttpAnswer& answer) {
      Outcome outcome = outcome_of(answer, true);
      outcome.message_id = text_at(json::parse(answer.body, nullptr, false), "message");
      done(std::move(outcome));
    });
  }

  const std::shared_ptr<Core> core;
};

}  // namespace

std::unique_ptr<Transport> make_example_transport(HttpClient& client, const ExampleSettings& settings) {
  return std::make_unique<ExampleTransport>(client, settings);
}

}  // namespace sufler::example
