#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "fakes/vk/fake_vk.h"
#include "fakes/vk/test_client.h"
#include "faults/shopfront.h"
#include "serve/sufler_process.h"

namespace sufler::tests {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr const char* kSecret = "the-secret-of-the-shop";

fakes::FakeVkOptions options(VkReceiving receiving) {
  fakes::FakeVkOptions options;
  fakes::VkCommunity shop;
  shop.group_id = fakes::kVkTestGroup;
  shop.token = fakes::kVkTestToken;
  shop.long_poll = receiving != VkReceiving::Callback;  // as an administrator would
  options.communities = {shop};
  options.callback_time_scale = 0.005;  // what was not taken comes again after 50 ms, 0.9 s, 3 s, 9 s, 18 s
  options.suspend_after = 0;
  return options;
}

class VkShopfront final : public Shopfront {
 public:
  VkShopfront(std::int64_t admin, VkReceiving receiving)
      : vk_(options(receiving)), admin_(admin), receiving_(receiving), port_(free_port()) {
    vk_.add_user({admin, "Ольга", "Иванова"}, true);
  }

  void begin(std::int64_t customer) override { vk_.start(customer); }
  void say(std::int64_t customer, const std::string& text) override { vk_.say(customer, text); }
  void tap(std::int64_t customer, const std::string& label) override { press(customer, label); }
  void press(std::int64_t customer, const std::string& label) override {
    if (receiving_ == VkReceiving::LossyLongPoll) {
      vk_.say(customer, label);
    } else {
      vk_.press(customer, label);
    }
  }

  std::vector<Heard> next_messages(milliseconds patience) override {
    std::vector<Heard> heard;
    if (!vk_.wait_for_calls("messages.send", heard_.count + 1, patience)) return heard;
    for (const json& call : new_calls("messages.send", heard_))
      heard.push_back({call["peer"].get<std::int64_t>(), call["params"].value("message", ""), call["at_ms"]});
    return heard;
  }

  std::string name() const override { return "vk"; }
  std::string bot_options() const override {
    std::string more;
    if (receiving_ == VkReceiving::Callback)
      more = ", mode: callback, secret: \"" + std::string(kSecret) + "\"";
    return "vk: {group: " + std::to_string(vk_.group_id()) + ", token: \"${TOKEN}\", requests_per_second: 2000, api: \"" +
           vk_.url() + "\"" + more + "}";
  }
  std::string more_options() const override {
    if (receiving_ != VkReceiving::Callback) return {};
    const std::string address = "127.0.0.1:" + std::to_string(port_);
    return "http: {listen: \"" + address + "\", public_url: \"http://" + address + "\"}\n";
  }
  std::string token() const override { return vk_.token(); }

  void open() override {
    // A new bot's long poll begins when it begins.
    if (receiving_ != VkReceiving::Callback) {
      if (!vk_.wait_until_polling(true, std::chrono::seconds(30))) throw std::runtime_error("no long poll");
      return;
    }
    // The program tells VK its address, and VK asks there for the confirmation.
    if (!vk_.wait_until_webhook_is("ok", 1, std::chrono::seconds(30)))
      throw std::runtime_error("the callback server was not confirmed");
    // A confirmed address still hears nothing: events that are not switched on come to nobody, and are in no queue.
    if (!vk_.wait_for_calls("groups.setCallbackSettings", 1, std::chrono::seconds(30)))
      throw std::runtime_error("the events were not switched on");
  }

  void wait_for_next(Traffic traffic, milliseconds timeout) override {
    const bool polls = traffic == Traffic::Updates && receiving_ != VkReceiving::Callback;
    const char* method = polls ? "longpoll" : "messages.send";
    Seen& seen = aimed_[method];
    new_calls(method, seen);
    vk_.wait_for_calls(method, seen.count + 1, timeout);
  }
  void read_all() override { fakes::request(vk_.port(), "GET", "/control/options"); }

  void trouble(std::mt19937_64& chance) override {
    const auto up_to = [&](int most) { return std::uniform_int_distribution<int>(0, most)(chance); };
    const char* kinds[] = {"lost_answer", "truncated", "garbage", "server_error", "drop", "internal", "bad_gateway", "rate_limit"};
    for (int faults = up_to(3); faults > 0; --faults) {
      vk_.fail_next({.kind = kinds[up_to(7)], .method = "messages.send", .times = 1 + up_to(2), .skip = up_to(30)});
    }
    if (receiving_ == VkReceiving::Callback) return;
    if (up_to(2) == 0) vk_.fail_next({.kind = kinds[up_to(4)], .method = "longpoll", .skip = up_to(10)});
    if (receiving_ != VkReceiving::LossyLongPoll) return;
    switch (up_to(4)) {
      case 0: vk_.lose_events(); break;
      case 1: vk_.lose_next_events(1 + up_to(4)); break;
      case 2: vk_.expire_long_poll_key(); break;
      case 3: vk_.lose_long_poll(); break;
      default: break;
    }
  }
  void clear_trouble() override { vk_.clear_faults(); }

  bool settle(std::size_t notices, milliseconds patience) override {
    vk_.wait_for_messages(admin_, notices, patience);
    if (receiving_ == VkReceiving::LossyLongPoll) return true;
    const json all = events();
    return std::all_of(all.begin(), all.end(), [&](const json& event) { return vk_.wait_until_confirmed(event["event_id"], patience); });
  }

  std::vector<Heard> messages(std::int64_t chat) override {
    std::vector<Heard> all;
    for (const json& message : json::parse(vk_.control("messages", json{{"peer", chat}}.dump())))
      all.push_back({chat, message["text"], message["message"]["date"].get<std::int64_t>() * 1000});
    return all;
  }
  std::vector<Update> updates() override {
    std::vector<Update> all;
    for (const json& event : events()) {
      const json& object = event["event"]["object"];
      Update update{event["event_id"], event["confirmed"]};
      if (event["type"] == "message_new") {
        // A message out of a history has no event: its place in the dialog names it.
        const json& message = object["message"];
        update.id = "m" + std::to_string(message["date"].get<std::int64_t>()) + ":" +
                    std::to_string(message["peer_id"].get<std::int64_t>()) + ":" +
                    std::to_string(message["conversation_message_id"].get<std::int64_t>());
      }
      // What VK lost is never confirmed.
      if (receiving_ == VkReceiving::LossyLongPoll) update.confirmed = true;
      all.push_back(update);
    }
    return all;
  }
  std::vector<std::string> unanswered_presses() override {
    std::vector<std::string> all;
    for (const json& answer : json::parse(vk_.control("answers")))
      if (!answer["answered"].get<bool>()) all.push_back(answer["callback_id"]);
    return all;
  }

  bool knows_repeats() const override { return true; }
  std::vector<std::string> odd_requests() override {
    std::vector<std::string> odd;
    std::map<std::pair<std::int64_t, std::int64_t>, json> sent;  // by dialog and random_id
    for (const json& call : sends()) {
      json params = call["params"];
      params.erase("v");  // stands beside an `execute`, not inside
      const std::int64_t key = number_of(params["random_id"]);
      for (const char* name : {"random_id", "peer_id"}) params[name] = number_of(params[name]);
      if (key == 0) odd.push_back("a message without random_id: " + params.dump());
      const auto [first, fresh] = sent.try_emplace({call["peer"].get<std::int64_t>(), key}, params);
      if (!fresh && first->second != params)
        odd.push_back("one random_id for " + first->second.dump() + " and " + params.dump());
    }
    return odd;
  }
  std::size_t repeated_requests() override {
    std::set<std::pair<std::int64_t, std::int64_t>> sent;
    std::size_t repeated = 0;
    for (const json& call : sends())
      if (!sent.insert({call["peer"], number_of(call["params"]["random_id"])}).second) ++repeated;
    return repeated;
  }

 private:
  struct Seen {
    std::int64_t last = 0;
    std::size_t count = 0;
  };
  /// As the fake counts: successful and carried out.
  json new_calls(const char* method, Seen& seen) {
    json fresh = json::array();
    for (json& call :
         json::parse(vk_.control("calls", json{{"method", method}, {"since", seen.last}, {"ok", true}}.dump()))) {
      seen.last = call["number"];
      if (call["applied"].get<bool>()) fresh.push_back(std::move(call));
    }
    seen.count += fresh.size();
    return fresh;
  }
  /// Every request to send that was read, carried out or not.
  json sends() {
    json all = json::array();
    for (json& call : json::parse(vk_.control("calls", R"({"method":"messages.send"})")))
      if (!call["params"].empty()) all.push_back(std::move(call));
    return all;
  }
  /// A form's values are texts, those of an `execute` may be numbers.
  static std::int64_t number_of(const json& value) {
    if (value.is_null()) return 0;
    return value.is_string() ? std::stoll(value.get<std::string>()) : value.get<std::int64_t>();
  }
  /// What people did.
  std::vector<json> events() {
    std::vector<json> all;
    for (json& event : json::parse(vk_.control("events", R"({"bodies":true})")))
      if (event["type"] == "message_new" || event["type"] == "message_event") all.push_back(std::move(event));
    return all;
  }

  fakes::FakeVk vk_;
  std::int64_t admin_;
  VkReceiving receiving_;
  int port_;
  Seen heard_;
  std::map<std::string, Seen> aimed_;
};

}  // namespace

std::unique_ptr<Shopfront> make_vk_shopfront(std::int64_t admin, VkReceiving receiving) {
  return std::make_unique<VkShopfront>(admin, receiving);
}

}  // namespace sufler::tests
