#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "interpreter/runtime/config.h"
#include "interpreter/runtime/engine.h"
#include "interpreter/services/amocrm/chat_client.h"
#include "interpreter/services/amocrm/chat_hook.h"
#include "interpreter/services/amocrm/memory.h"
#include "interpreter/transports/listener.h"

namespace sufler {

/// The chats of the accounts of a configuration, and what amoCRM calls us for: `/amocrm/hooks/SECRET` for changes of leads
/// and talks, `/amocrm/chats/…` for what managers write.
class CrmOutside {
 public:
  /// `http` and `memory` must outlive it.
  CrmOutside(const Config& config, HttpClient& http, amocrm::Memory& memory);
  ~CrmOutside();

  /// Null when the bot has no chats.
  amocrm::ChatClient* chats_of(std::string_view bot) const;
  /// Connects the chats, and takes what comes. Not after `stop`. The engine must outlive that, and be stopped before it.
  void start(Engine& engine, Listener* listener);
  void stop();

 private:
  struct Account;
  struct Recovery;
  void take(Engine& engine, WebhookRequest request, std::function<void(WebhookAnswer)> answer);
  void take_hook(Engine& engine, const Account& account, const std::string& body, std::function<void(WebhookAnswer)> answer);
  void take_chat(Engine& engine, const Account& account, const std::string& body, std::function<void(WebhookAnswer)> answer);

  // What managers wrote while the database was away.
  /// Whether it did not come before.
  Stored<bool> store(Engine& engine, const Account& account, const amocrm::ChatHook& hook, Storage& storage);
  void keep(Engine& engine, const Account& account, amocrm::ChatHook hook);
  void ask_again(Engine& engine);
  void store_kept(Engine& engine, Storage& storage);

  std::vector<std::unique_ptr<Account>> accounts_;
  std::map<std::string, Account*, std::less<>> by_bot_;
  std::deque<std::pair<const Account*, amocrm::ChatHook>> kept_;  ///< of the engine's thread, and of `stop` behind it
  std::mutex again_mutex_;
  std::condition_variable again_wake_;
  bool again_wanted_ = false, stopped_ = false;
  std::thread again_;
  std::vector<std::shared_ptr<Recovery>> recoveries_;
};

}  // namespace sufler
