#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sufler {

/// A mail server and how it is reached.
struct SmtpServer {
  enum class Tls : std::uint8_t {
    Implicit,  ///< `smtps://`
    StartTls,  ///< asked for, and nothing is sent without it
    Off,
  } tls = Tls::Implicit;
  std::string host;  ///< a name or an address
  int port = 465;
  std::string user, password;  ///< both empty: no login
  std::string proxy;    ///< `socks5h://…`, `http://…`; empty: none, whatever the environment says
  std::string ca_file;  ///< authorities to trust instead of the machine's; empty: the machine's
  std::string hello;    ///< the name that we give ourselves
  std::chrono::milliseconds connect_timeout{15'000};
  std::chrono::milliseconds timeout{120'000};  ///< until the letter is on its way
  /// For the answer to the letter: RFC 5321, 4.5.3.2.6. Who gives up earlier sends it twice.
  std::chrono::milliseconds verdict_timeout{600'000};
};

struct SmtpOutcome {
  enum class Kind : std::uint8_t {
    Accepted,  ///< the server has the letter
    Refused,   ///< it will never take it: a 5xx to the recipient or the letter
    Failed,    ///< another attempt may succeed; perhaps the letter was taken all the same
  } kind = Kind::Failed;
  /// Only a person mends this: the login or the sender is refused, a certificate is not trusted.
  bool alarm = false;
  bool answered = false;  ///< Failed: the server said so of this letter; another may fare better
  bool unsure = false;    ///< Failed: the whole letter has left, and no answer came: perhaps the server has it
  bool stopped = false;  ///< by `stop`
  std::string reason;    ///< what the server said, or the network; no password in it
};

/// One connection, kept between letters. Blocks; not to be shared by threads.
class SmtpClient {
 public:
  explicit SmtpClient(SmtpServer server);
  ~SmtpClient();
  SmtpClient(const SmtpClient&) = delete;
  SmtpClient& operator=(const SmtpClient&) = delete;

  /// Addresses without brackets, ASCII. `letter` with CRLF. `stop` is asked now and then, until the letter is on its way.
  SmtpOutcome send(const std::string& from, const std::string& to, std::string_view letter, const std::function<bool()>& stop);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler
