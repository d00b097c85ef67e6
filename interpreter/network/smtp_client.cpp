#include "interpreter/network/smtp_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace sufler {
namespace {

/// Of what a server says; scenarios, logs and dead letters show it.
constexpr std::size_t kMostReason = 300;

/// One letter on its way, as the callbacks see it.
struct Exchange {
  std::string_view left;          ///< of the letter
  const std::function<bool()>* stop = nullptr;
  std::chrono::steady_clock::time_point begun;
  std::chrono::milliseconds patience{0};  ///< until the letter is on its way
  bool late = false;
  std::string command;            ///< the last one: `RCPT`
  std::string reply;              ///< the last one, of several lines the text joined
  std::string reply_begin;        ///< of a reply that goes on
  std::string before_quit;        ///< what was the last one when libcurl said QUIT
  bool data = false;              ///< the letter itself has begun
};

bool is_address(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '<' && c != '>'; });
}

std::size_t read_letter(char* buffer, std::size_t size, std::size_t count, void* data) {
  auto& exchange = *static_cast<Exchange*>(data);
  const std::size_t some = std::min(size * count, exchange.left.size());
  std::memcpy(buffer, exchange.left.data(), some);
  exchange.left.remove_prefix(some);
  exchange.data = true;
  return some;
}

int on_progress(void* data, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& exchange = *static_cast<Exchange*>(data);
  // Once the letter is on its way, an end would leave open whether the server has it.
  if (exchange.data) return 0;
  exchange.late = std::chrono::steady_clock::now() - exchange.begun > exchange.patience;
  return exchange.late || (exchange.stop && *exchange.stop && (*exchange.stop)()) ? 1 : 0;
}

void take_reply(Exchange& exchange, std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.size() < 3) return;
  const bool goes_on = line.size() > 3 && line[3] == '-';
  std::string text;
  for (const char c : line.substr(0, kMostReason)) text.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c);
  if (!exchange.reply_begin.empty() && text.size() > 4) text = exchange.reply_begin + " " + text.substr(4);
  if (text.size() > kMostReason) text.resize(kMostReason);
  if (goes_on) {
    exchange.reply_begin = std::move(text);
  } else {
    exchange.reply = std::move(text);
    exchange.reply_begin.clear();
  }
}

/// Sees commands and replies; of a command only its verb is kept, since a login holds the password.
int on_debug(CURL*, curl_infotype type, char* text, std::size_t size, void* data) {
  auto& exchange = *static_cast<Exchange*>(data);
  const std::string_view line(text, size);
  // After a refusal libcurl says goodbye, whose answer is of no interest.
  if (exchange.command == "QUIT") return 0;
  if (type == CURLINFO_HEADER_OUT && line.starts_with("QUIT")) {
    exchange.before_quit = std::exchange(exchange.command, "QUIT");
  } else if (type == CURLINFO_HEADER_OUT) {
    exchange.command = std::string(line.substr(0, std::min<std::size_t>(line.find_first_of(" \r\n"), 8)));
  } else if (type == CURLINFO_HEADER_IN) {
    take_reply(exchange, line);
  }
  return 0;
}

}  // namespace

struct SmtpClient::Impl {
  SmtpServer server;
  CURL* easy = nullptr;
  std::array<char, CURL_ERROR_SIZE> error{};
  Exchange exchange;  ///< the connection tells of itself to its very end

  explicit Impl(SmtpServer given) : server(std::move(given)) {
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    static_cast<void>(initialised);
    easy = curl_easy_init();
    if (easy) set_up();
  }
  ~Impl() {
    if (easy) curl_easy_cleanup(easy);  // says QUIT
  }

  void set_up() {
    const bool implicit = server.tls == SmtpServer::Tls::Implicit;
    const std::string host = server.host.find(':') == std::string::npos ? server.host : "[" + server.host + "]";
    const std::string url = std::string(implicit ? "smtps://" : "smtp://") + host + ":" + std::to_string(server.port) +
                            (server.hello.empty() ? "" : "/" + server.hello);
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error.data());
    if (server.tls != SmtpServer::Tls::Off) {
      curl_easy_setopt(easy, CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
      curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
      curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
      if (!server.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, server.ca_file.c_str());
    }
    if (!server.user.empty()) {
      curl_easy_setopt(easy, CURLOPT_USERNAME, server.user.c_str());
      curl_easy_setopt(easy, CURLOPT_PASSWORD, server.password.c_str());
      curl_easy_setopt(easy, CURLOPT_SASL_IR, 1L);
    }
    curl_easy_setopt(easy, CURLOPT_PROXY, server.proxy.c_str());  // empty: none
    curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(server.connect_timeout.count()));
    // Until the letter is on its way on_progress looks at the time; for its answer this is all there is.
    curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, std::max(1L, static_cast<long>(server.verdict_timeout.count() / 1000)));
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_letter);
    curl_easy_setopt(easy, CURLOPT_READDATA, &exchange);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &exchange);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
    curl_easy_setopt(easy, CURLOPT_DEBUGDATA, &exchange);
    curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);  // to the function above, and nowhere else
  }

  SmtpOutcome outcome(CURLcode code) const {
    using Kind = SmtpOutcome::Kind;
    SmtpOutcome out;
    if (code == CURLE_OK) {
      out.kind = Kind::Accepted;
      return out;
    }
    out.stopped = code == CURLE_ABORTED_BY_CALLBACK && !exchange.late;
    const std::string& last = exchange.command == "QUIT" ? exchange.before_quit : exchange.command;
    const bool of_letter = exchange.data || last == "MAIL" || last == "RCPT" || last == "DATA";
    const char first = exchange.reply.empty() ? '0' : exchange.reply[0];
    const bool answered = code == CURLE_SEND_ERROR || code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_UPLOAD_FAILED ||
                          code == CURLE_RECV_ERROR || code == CURLE_QUOTE_ERROR;
    if (answered && (first == '4' || first == '5')) {
      out.reason = exchange.reply;
      out.answered = of_letter;
      if (of_letter && first == '5') out.kind = Kind::Refused;
      // 530, 535: the server wants another login, whatever the letter is. A sender that it does not take, or that has
      // used up its day, is no fault of the letter either; only its size is told here, too.
      const bool of_sender = last == "MAIL" && first == '5' && !exchange.reply.starts_with("552");
      if (of_sender || exchange.reply.starts_with("530") || exchange.reply.starts_with("535") || exchange.reply.starts_with("538")) {
        out.kind = Kind::Failed;
        out.alarm = true;
      }
      return out;
    }
    out.unsure = exchange.data && exchange.left.empty();
    if (exchange.late) {
      out.reason = "the mail server did not answer in time";
      return out;
    }
    switch (code) {
      case CURLE_LOGIN_DENIED:
        out.alarm = true;
        out.reason = "the login is refused" + (exchange.reply.empty() ? std::string() : ": " + exchange.reply);
        break;
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_CACERT_BADFILE:
        out.alarm = true;
        out.reason = "the certificate of the mail server is not trusted: " + words(code);
        break;
      case CURLE_USE_SSL_FAILED:
        out.alarm = true;
        out.reason = "the mail server offers no TLS";
        break;
      default: out.reason = words(code);
    }
    return out;
  }

  std::string words(CURLcode code) const { return error[0] ? std::string(error.data()) : std::string(curl_easy_strerror(code)); }
};

SmtpClient::SmtpClient(SmtpServer server) : impl_(std::make_unique<Impl>(std::move(server))) {}
SmtpClient::~SmtpClient() = default;

SmtpOutcome SmtpClient::send(const std::string& from, const std::string& to, std::string_view letter, const std::function<bool()>& stop) {
  Impl& own = *impl_;
  SmtpOutcome refused;
  refused.kind = SmtpOutcome::Kind::Refused;
  // What is no address could end the command and begin another.
  if (!is_address(from) || !is_address(to)) {
    refused.reason = "no address";
    return refused;
  }
  if (!own.easy) {
    SmtpOutcome failed;
    failed.reason = "out of memory";
    return failed;
  }
  own.exchange = Exchange{};
  own.exchange.left = letter;
  own.exchange.stop = &stop;
  own.exchange.begun = std::chrono::steady_clock::now();
  own.exchange.patience = own.server.timeout;
  curl_easy_setopt(own.easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(letter.size()));
  curl_easy_setopt(own.easy, CURLOPT_MAIL_FROM, ("<" + from + ">").c_str());
  curl_slist* people = curl_slist_append(nullptr, ("<" + to + ">").c_str());
  curl_easy_setopt(own.easy, CURLOPT_MAIL_RCPT, people);
  own.error[0] = '\0';
  const CURLcode code = curl_easy_perform(own.easy);
  curl_easy_setopt(own.easy, CURLOPT_MAIL_RCPT, nullptr);
  curl_slist_free_all(people);
  const SmtpOutcome outcome = own.outcome(code);
  own.exchange.left = {};
  own.exchange.stop = nullptr;
  return outcome;
}

}  // namespace sufler
