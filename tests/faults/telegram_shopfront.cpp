#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "fakes/telegram/fake_telegram.h"
#include "fakes/telegram/test_client.h"
#include "faults/shopfront.h"

namespace sufler::tests {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

class TelegramShopfront final : public Shopfront {
 public:
  explicit TelegramShopfront(std::int64_t admin) : TelegramShopfront(admin, std::make_unique<fakes::FakeTelegram>()) {}
  TelegramShopfront(std::int64_t admin, fakes::FakeTelegram& telegram) : telegram_(telegram), admin_(admin) {
    telegram_.add_user({admin, "Ольга", {}, {}, "ru"});
  }

  void begin(std::int64_t customer) override { telegram_.say(customer, "/start"); }
  void say(std::int64_t customer, const std::string& text) override { telegram_.say(customer, text); }
  void tap(std::int64_t customer, const std::string& label) override { telegram_.tap(customer, label); }
  void press(std::int64_t customer, const std::string& label) override { telegram_.press(customer, label); }

  std::vector<Heard> next_messages(milliseconds patience) override {
    std::vector<Heard> heard;
    if (!telegram_.wait_for_calls("sendMessage", heard_.count + 1, patience)) return heard;
    for (const json& call : new_calls("sendMessage", heard_))
      heard.push_back({call["chat"].get<std::int64_t>(), call["result"]["text"], call["at_ms"]});
    return heard;
  }

  std::string name() const override { return "telegram"; }
  std::string bot_options() const override {
    return "telegram: {token: \"${TOKEN}\", api: \"" + telegram_.url() + "\", " + fakes::kNoLimits + "}";
  }
  std::string token() const override { return telegram_.token(); }
  void wait_for_next(Traffic traffic, milliseconds timeout) override {
    const char* method = traffic == Traffic::Updates ? "getUpdates" : "sendMessage";
    Seen& seen = aimed_[method];
    new_calls(method, seen);
    telegram_.wait_for_calls(method, seen.count + 1, timeout);
  }
  /// What a killed process still sent lies in the sockets, which are read in turn: a new request is behind it.
  void read_all() override { fakes::request(telegram_.port(), "GET", "/control/faults"); }

  void trouble(std::mt19937_64& chance) override {
    const auto up_to = [&](int most) { return std::uniform_int_distribution<int>(0, most)(chance); };
    const char* kinds[] = {"server_error", "bad_gateway", "drop", "rate_limit"};
    for (int faults = up_to(2); faults > 0; --faults) {
      telegram_.fail_next({.kind = kinds[up_to(3)],
                           .method = up_to(2) == 0 ? "getUpdates" : "sendMessage",
                           .times = 1 + up_to(2),
                           .skip = up_to(30)});
    }
  }
  void clear_trouble() override { telegram_.clear_faults(); }
  bool settle(std::size_t notices, milliseconds patience) override {
    const auto until = std::chrono::steady_clock::now() + patience;
    telegram_.wait_for_messages(admin_, notices, patience);
    // The last words are heard before the next poll confirms what they answer.
    for (;;) {
      const std::vector<Update> all = updates();
      if (std::all_of(all.begin(), all.end(), [](const Update& update) { return update.confirmed; })) return true;
      if (std::chrono::steady_clock::now() >= until) return false;
      std::this_thread::sleep_for(milliseconds(10));
    }
  }

  std::vector<Heard> messages(std::int64_t chat) override {
    std::vector<Heard> all;
    for (const json& message : json::parse(telegram_.control("messages", json{{"chat", chat}}.dump())))
      all.push_back({chat, message["text"], message["at_ms"]});
    return all;
  }
  std::vector<Update> updates() override {
    std::vector<Update> all;
    for (const json& update : json::parse(telegram_.control("updates")))
      all.push_back({std::to_string(update["update_id"].get<std::int64_t>()), update["confirmed_ms"] != 0});
    return all;
  }
  std::vector<std::string> unanswered_presses() override {
    std::vector<std::string> all;
    for (const json& answer : json::parse(telegram_.control("answers")))
      if (!answer["answered"].get<bool>()) all.push_back(answer["callback_query_id"]);
    return all;
  }

 private:
  TelegramShopfront(std::int64_t admin, std::unique_ptr<fakes::FakeTelegram> own) : TelegramShopfront(admin, *own) {
    own_ = std::move(own);
  }
  /// Successful calls of a method.
  struct Seen {
    std::int64_t last = 0;
    std::size_t count = 0;
  };
  json new_calls(const char* method, Seen& seen) {
    json calls =
        json::parse(telegram_.control("calls", json{{"method", method}, {"since", seen.last}, {"ok", true}}.dump()));
    seen.count += calls.size();
    if (!calls.empty()) seen.last = calls.back()["number"];
    return calls;
  }

  std::unique_ptr<fakes::FakeTelegram> own_;
  fakes::FakeTelegram& telegram_;
  std::int64_t admin_;
  Seen heard_;
  std::map<std::string, Seen> aimed_;
};

}  // namespace

std::unique_ptr<Shopfront> make_telegram_shopfront(std::int64_t admin) {
  return std::make_unique<TelegramShopfront>(admin);
}
std::unique_ptr<Shopfront> make_telegram_shopfront(std::int64_t admin, fakes::FakeTelegram& telegram) {
  return std::make_unique<TelegramShopfront>(admin, telegram);
}

}  // namespace sufler::tests
