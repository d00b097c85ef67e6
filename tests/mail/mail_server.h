#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstddef>
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

/// Debian's microsocks, a SOCKS5 proxy, as a child process on the loopback.
class SocksProxy {
 public:
  /// Both empty: no login is asked for.
  explicit SocksProxy(const std::string& user = {}, const std::string& password = {});
  ~SocksProxy();
  SocksProxy(const SocksProxy&) = delete;
  SocksProxy& operator=(const SocksProxy&) = delete;
  int port() const { return port_; }
  /// Connections that it was asked for, as it tells of them.
  std::string output() const;

 private:
  std::string folder_;
  pid_t pid_ = -1;
  int port_ = 0;
};

/// Debian's tinyproxy, an HTTP proxy, in the same way.
class HttpProxy {
 public:
  explicit HttpProxy(const std::string& user = {}, const std::string& password = {});
  ~HttpProxy();
  HttpProxy(const HttpProxy&) = delete;
  HttpProxy& operator=(const HttpProxy&) = delete;
  int port() const { return port_; }
  std::string output() const;

 private:
  std::string folder_;
  pid_t pid_ = -1;
  int port_ = 0;
};

/// A letter as Python's `email` reads it: read_letter.py.
nlohmann::json read_letter(const std::string& raw);

}  // namespace sufler::tests
