#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "interpreter/core/api_call.h"
#include "interpreter/core/crm/account.h"
#include "interpreter/network/http_client.h"
#include "interpreter/services/amocrm/chat_hook.h"
#include "interpreter/services/amocrm/connection.h"

namespace sufler::amocrm {

/// The chats of one account: carries rows of the outbox (core/crm_chat.h) to them, each as a signed request. Thread-safe.
class ChatClient {
 public:
  using Delivered = std::function<void(::sufler::Outcome)>;
  using Fetched = std::function<void(std::string bytes, std::string reason)>;
  /// `api`: the same account's API v4, which blocks; asked on a thread of the client's. `warn`: a line for the operator,
  /// once for a trouble. All must outlive it.
  ChatClient(HttpClient& http, const CrmAccount& account, std::shared_ptr<Connection> api, std::function<Moment()> now,
             std::function<void(std::string)> warn);
  ~ChatClient();
  ChatClient(const ChatClient&) = delete;
  ChatClient& operator=(const ChatClient&) = delete;

  /// Connects the account to the channel: after each installation of the integration that is needed anew.
  void start();
  /// Nothing is begun any more.
  void stop();
  void deliver(const ApiCall& call, Delivered done);
  /// A page of what was written in a chat, newest first, behind the newest `offset` messages. `chat`: its id there.
  using Told = std::function<void(ChatHistory history, std::string reason)>;
  void history(const std::string& chat, std::size_t offset, Told done);
  /// A file that a manager sent, by its address: of amoCRM's own servers alone.
  void fetch(const std::string& url, std::size_t limit, Fetched done);

 private:
  struct Link;
  std::shared_ptr<Link> link_;
};

/// Messages of a page of a chat's history.
inline constexpr std::size_t kHistoryPage = 50;

/// Whether files may be fetched from this address: a server of amoCRM, or the chats' own.
bool is_file_address(std::string_view url, std::string_view chats_url);

}  // namespace sufler::amocrm
