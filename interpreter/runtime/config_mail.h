#pragma once
#include <optional>
#include <string>

#include "interpreter/core/mail/mailbox.h"
#include "interpreter/core/moment.h"
#include "interpreter/runtime/config_models.h"

namespace sufler {

/// Where letters leave: `mail:`.
struct MailConfig {
  enum class Tls : std::uint8_t { Implicit, StartTls, Off } tls = Tls::Implicit;
  std::string host;
  int port = 0;
  std::string user, password;  ///< both empty: no login
  Mailbox from;
  std::optional<Mailbox> reply_to;
  std::string proxy;           ///< empty: the one of the whole configuration; `direct`: none
  std::string ca_file;         ///< absolute; empty: the machine's authorities
  std::string hello;           ///< the name that we give ourselves; empty: the domain of `from`
  Duration timeout{120'000};   ///< for one letter
};

/// `mail:`. Nothing when it is not usable, which is told.
std::optional<MailConfig> read_mail_server(const Node& node, const SectionReader& reader);

}  // namespace sufler
