#pragma once
#include <optional>
#include <string>

#include "interpreter/core/moment.h"

namespace sufler {

/// A channel of chats that amoCRM's support has registered: `chats:` of an account.
struct CrmChats {
  std::string url = "https://amojo.amocrm.ru";  ///< without a slash at the end
  std::string channel;  ///< id
  std::string secret;
  std::string title;    ///< of the channel, for managers; may be empty
  std::string bot_id;   ///< of the channel's bot; may be empty
  std::string bot_name; ///< may be empty
  bool by_status_code = false;  ///< how delivery is told: the documentation says both
};

/// An account of amoCRM (Kommo) as the configuration names it: `crm: {amocrm: {...}}`.
struct CrmAccount {
  bool off = false;   ///< `crm: off`: there is none, and that is meant; all else is empty
  std::string url;    ///< `https://example.amocrm.ru`, without a slash at the end
  std::string token;  ///< a long-lived one; empty: OAuth

  // ---- OAuth: the pair of tokens lives in the database; what stands here begins it

  std::string client_id, client_secret, redirect_uri;
  std::string code;           ///< lives for 20 minutes
  std::string refresh_token;  ///< another way to begin

  std::string hooks;            ///< the secret end of the address that amoCRM calls; empty: it is not called
  std::optional<CrmChats> chats;

  std::string proxy;            ///< empty: the one of the whole configuration; `direct`: none
  std::string ca_file;          ///< absolute; empty: the machine's authorities
  Duration timeout{20'000};     ///< of one request
  Duration between{150};        ///< between two requests of all processes: no more than 7 fall into a second

  bool by_oauth() const { return token.empty(); }
  /// What of the account stands in the database goes by this.
  std::string key() const { return client_id.empty() ? url : url + " " + client_id; }
};

}  // namespace sufler
