#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sufler::fakes {

/// One TCP connection; never used again after it closes.
enum class ConnectionId : std::uint64_t {};

struct HttpRequest {
  ConnectionId connection{};
  std::string method;  ///< upper case
  std::string path;    ///< before `?`, as on the wire (not percent-decoded)
  std::string query;   ///< after `?`, as on the wire
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
  std::string body;
  bool body_too_large = false;  ///< the body was read to its end and thrown away

  /// The header's value or an empty string.
  std::string_view header(std::string_view lower_case_name) const;
};

/// How an answer leaves the server: the network's misfortunes are a part of it.
enum class Ending {
  Whole,      ///< a complete answer
  Drop,       ///< the connection closes, no byte of an answer
  Truncated,  ///< all headers, half of the body, then the connection closes
  Slow,       ///< the body in pieces of `slow_piece` bytes, one every `slow_step`
};

struct HttpReply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::chrono::milliseconds delay{0};  ///< waits before the first byte
  Ending ending = Ending::Whole;
  std::chrono::milliseconds slow_step{50};
  std::size_t slow_piece = 16;
};

/// HTTP/1.1 on 127.0.0.1: one thread around epoll, so that thousands of waiting long polls cost
/// nothing. A request is answered whenever `reply` is called for its connection, from any thread.
class HttpServer {
 public:
  struct Handlers {
    /// After the headers and before the body; false closes the connection unanswered.
    std::function<bool(const HttpRequest&)> on_head;
    std::function<void(HttpRequest&&)> on_request;
    /// The peer went away, or a reply ended the connection.
    std::function<void(ConnectionId)> on_close;
  };

  HttpServer();
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Binds and starts the thread; port 0 takes a free one. False: the port is not to be had.
  bool start(int port, std::size_t max_body_bytes, Handlers handlers);
  void stop();  ///< joins the thread; safe to call twice
  int port() const;

  void reply(ConnectionId connection, HttpReply reply);  ///< thread-safe; unknown ids are ignored
  void call_after(std::chrono::milliseconds delay, std::function<void()> call);  ///< thread-safe
  void set_max_body_bytes(std::size_t bytes);                                    ///< thread-safe
  void close_all_connections();  ///< thread-safe; as when the server's host restarts

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sufler::fakes
