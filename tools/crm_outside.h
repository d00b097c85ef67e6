#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "interpreter/runtime/config.h"
#include "interpreter/runtime/engine.h"
#include "interpreter/services/amocrm/chat_client.h"
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
  /// Connects the chats, and takes what comes. Not after `stop`.
  void start(Engine& engine, Listener* listener);
  void stop();

 private:
  struct Account;
  void take(Engine& engine, WebhookRequest request, std::function<void(WebhookAnswer)> answer);
  void take_hook(Engine& engine, const Account& account, const std::string& body, std::function<void(WebhookAnswer)> answer);
  void take_chat(Engine& engine, const Account& account, const std::string& body, std::function<void(WebhookAnswer)> answer);

  std::vector<std::unique_ptr<Account>> accounts_;
  std::map<std::string, Account*, std::less<>> by_bot_;
};

}  // namespace sufler
