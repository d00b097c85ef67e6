#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sufler::tests {

/// Debian's aiosmtpd as a child process: smtp_server.py says what it does.
class MailServer {
 public:
  struct Options {
    std::string tls = {};    ///< `implicit`, `starttls`; empty: none
    std::string login = {};  ///< `user:password`; empty: none is asked for
  };
  MailServer();
  explicit MailServer(const Options& options);
  ~MailServer();
  MailServer(const MailServer&) = delete;
  MailServer& operator=(const MailServer&) = delete;

  int port() const { return port_; }
  /// The authority of its certificate.
  std::string ca_file() const { return folder_ + "/cert.pem"; }

  struct Letter {
    std::string raw;
    nlohmann::json envelope;  ///< from, to, hello, tls, login
    nlohmann::json read;      ///< what Python's `email` found in it: read_letter.py
  };
  /// All that it took, once there are `count` of them or time is up.
  std::vector<Letter> letters(std::size_t count, std::chrono::seconds patience = std::chrono::seconds(60)) const;
  /// `taken 1 anna@…`, `550 refused@…`: what happened so far.
  std::vector<std::string> log() const;
  /// Waits until the log has a line that begins so, `count` times.
  bool wait_for(const std::string& line, std::size_t count = 1, std::chrono::seconds patience = std::chrono::seconds(60)) const;
  /// Letters to `slow…` are answered from now on.
  void go() const;

 private:
  std::string folder_;
  pid_t pid_ = -1;
  int port_ = 0;
};

/// A proxy of Debian's as a child process on the loopback. With a user it asks for the login.
class ProxyProcess {
 public:
  ~ProxyProcess();
  ProxyProcess(const ProxyProcess&) = delete;
  ProxyProcess& operator=(const ProxyProcess&) = delete;
  int port() const { return port_; }
  /// Connections that it was asked for, as it tells of them.
  std::string output() const;

 protected:
  ProxyProcess();
  /// Starts it on free ports until one is taken by nobody else. `words` says how, for a port.
  void start(const std::function<std::vector<std::string>(int port)>& words);
  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
  pid_t pid_ = -1;
  int port_ = 0;
};

/// microsocks: SOCKS5.
class SocksProxy : public ProxyProcess {
 public:
  explicit SocksProxy(const std::string& user = {}, const std::string& password = {});
};

/// tinyproxy: HTTP, with CONNECT.
class HttpProxy : public ProxyProcess {
 public:
  explicit HttpProxy(const std::string& user = {}, const std::string& password = {});
};

/// A letter as Python's `email` reads it: read_letter.py.
nlohmann::json read_letter(const std::string& raw);

}  // namespace sufler::tests
