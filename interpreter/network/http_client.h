#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct sockaddr;

/// Every outgoing HTTP connection of the process, on one thread.
namespace sufler {

/// A field or a file of a `multipart/form-data` body.
struct MultipartPart {
  std::string name;
  std::string filename;  ///< empty for a plain field
  std::string mime;      ///< empty: left out
  std::string bytes;
  std::string path;  ///< when not empty, the file to stream instead of `bytes`
};

/// Lines `Name: value`. One list serves all requests of a kind: a handle that has it already is not set anew.
using HttpHeaders = std::shared_ptr<const std::vector<std::string>>;
inline HttpHeaders http_headers(std::vector<std::string> lines) {
  return std::make_shared<const std::vector<std::string>>(std::move(lines));
}

struct HttpRequest {
  /// Calls share the parallel requests of their host; polls wait for the server and stand apart.
  enum class Lane : std::uint8_t { Call, Poll };

  std::string url = {};         ///< http or https; redirects are not followed
  std::string method = "POST";  ///< GET, or one with a body: POST, PATCH, PUT, DELETE
  HttpHeaders headers = {};     ///< a POST without a Content-Type among them is JSON
  std::string body = {};
  std::vector<MultipartPart> parts = {};  ///< when not empty, a multipart POST instead of `body`
  std::chrono::milliseconds timeout{30'000};  ///< for the whole exchange
  std::size_t max_response_bytes = std::size_t{4} << 20;
  std::string proxy = {};  ///< empty: the client's; `direct`: none
  Lane lane = Lane::Call;
  /// May be written a second time by the client itself when a kept connection breaks without an answer.
  bool repeatable = false;
  std::chrono::milliseconds connect_timeout{0};  ///< 0: the client's
  /// How long a body that has begun may stand still; 0: as long as the whole exchange may take.
  std::chrono::milliseconds stall{0};
  std::string ca_file = {};  ///< authorities to trust beside the machine's, for this request alone
  /// Asked on the network thread at the last moment before the first byte leaves. False: the answer is NotSent, and
  /// `cancelled`.
  std::function<bool()> may_leave = {};
  /// Gets the body of a 2xx piece by piece, as it comes, on the network thread: `HttpAnswer::body` stays empty. False
  /// ends the exchange.
  std::function<bool(std::string_view)> on_piece = {};
  /// The server is nobody's that we know: `headers` leave as they are, packed answers are unpacked, `max_response_bytes`
  /// holds for what comes over the wire and for what it unpacks to, and headers of the answer are bounded, too.
  bool guarded = false;
  /// Only addresses of the public Internet are connected to, whatever the name leads to at that moment. A proxy is
  /// connected to wherever it is; the addresses behind it are its own.
  bool public_only = false;
};

struct HttpAnswer {
  enum class Kind : std::uint8_t {
    Answered,  ///< `status` and `body` are there
    NotSent,   ///< the server cannot have got the whole request: safe to repeat
    Lost,      ///< the request was written and no whole answer came: perhaps it was carried out
  };
  Kind kind = Kind::NotSent;
  int status = 0;
  std::string body;
  std::string error;  ///< why not Answered; no URL and no token in it
  std::chrono::seconds retry_after{0};  ///< of the header of that name; 0 when absent
  std::string redirect;                 ///< of a 3xx: the whole URL it names
  bool cancelled = false;               ///< by `cancel`, `stop` or `may_leave`
  bool timed_out = false;               ///< not Answered: within `timeout`, or the body stood still
  bool too_large = false;               ///< not Answered: more than `max_response_bytes`
  bool not_public = false;              ///< NotSent: the name leads to no address that `public_only` lets be connected to
  std::string type;                     ///< `Content-Type`; of `guarded` alone
};

/// libcurl's multi interface behind epoll. Connections are kept and handles reused, because the cost of a
/// short call is what a busy bot's processor pays.
class HttpClient {
 public:
  struct Settings {
    std::string proxy;  ///< `socks5h://127.0.0.1:1080`; the environment is not asked
    std::chrono::milliseconds connect_timeout{10'000};
    /// Calls to one host at a time: few when it answers at once, many when answers are slow.
    std::size_t near_calls = 32;
    std::size_t far_calls = 128;
    std::chrono::microseconds far_from{5'000};  ///< the mean time of an answer that counts as slow
  };
  using RequestId = std::uint64_t;
  using Done = std::function<void(HttpAnswer)>;

  HttpClient();
  explicit HttpClient(Settings settings);
  ~HttpClient();  ///< stops without draining
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // All of these may be called on any thread.

  /// `done` comes exactly once, on the network thread; after `stop`, at once on the caller's.
  RequestId submit(HttpRequest request, Done done);
  /// Ends a request that is under way; its `done` comes with `cancelled`. Does nothing when it is over.
  void cancel(RequestId id);
  /// Runs a function on the network thread. Dropped after `stop`.
  void post(std::function<void()> job);
  /// The same, not before `delay` has passed.
  void after(std::chrono::milliseconds delay, std::function<void()> job);
  /// Cancels the polls, lets the calls go on for at most `drain`, cancels the rest and ends the thread.
  /// Not from the network thread. Safe to call twice.
  void stop(std::chrono::milliseconds drain);

  bool on_network_thread() const;
  /// Calls submitted and not over.
  std::size_t calls_in_flight() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Whether an address is one of the public Internet: not loopback, private, link-local, shared, reserved, of documentation
/// or multicast, and none of these inside of IPv6 (mapped, NAT64, 6to4, Teredo).
bool is_public_address(const sockaddr* address);

/// Hides the token of every `/bot<token>` in a text, and whatever else looks like a bot's token.
std::string redact_tokens(std::string_view text);

}  // namespace sufler
