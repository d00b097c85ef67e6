#include "interpreter/services/amocrm/chat_client.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "interpreter/core/crm_chat.h"
#include "interpreter/core/text.h"
#include "interpreter/services/amocrm/chat_signature.h"
#include "interpreter/services/llm/wire_json.h"

namespace sufler::amocrm {
namespace {

using std::chrono::milliseconds;
using llm::Json;
using Sent = ::sufler::Outcome;

/// The server is away, or says so: from the first pause on they are doubled, for a night has to pass within the attempts that
/// a row has.
constexpr Duration kSoon{1'000}, kLongest{10 * 60'000};
/// Only a person mends it: a wrong secret, an integration that was taken away.
constexpr Duration kLater{60'000};
constexpr std::size_t kMostReason = 200;
constexpr std::size_t kMostMisses = 1'000;
constexpr const char* kServers[] = {".amocrm.ru", ".amocrm.com", ".kommo.com"};

Sent sent(std::string id) {
  Sent outcome;
  outcome.message_id = std::move(id);
  return outcome;
}
Sent again(Duration after, std::string reason, bool all) {
  Sent outcome;
  outcome.kind = Sent::Kind::Retry;
  outcome.after = after;
  outcome.whole_bot = all;
  outcome.reason = std::move(reason);
  return outcome;
}
Sent refused(std::string reason) {
  Sent outcome;
  outcome.kind = Sent::Kind::Failed;
  outcome.reason = std::move(reason);
  return outcome;
}

/// Why, in the server's words.
std::string reason_of(const HttpAnswer& answer) {
  std::string reason = "amoCRM's chats answered " + std::to_string(answer.status);
  const Json json = llm::parse_wire(answer.body);
  for (const char* name : {"error_description", "error_type", "detail", "title"}) {
    if (!json.is_object()) break;
    const std::string text = llm::mended(llm::text_of(json, name));
    if (text.empty()) continue;
    return reason + ": " + text.substr(0, kMostReason);
  }
  return reason;
}

std::string text_at(const Json& json, std::string_view name) { return json.is_object() ? llm::text_of(json, name) : std::string(); }

/// `https://host:1/a?b` → `host:1`, lower case.
std::string host_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == url.npos) return {};
  url.remove_prefix(scheme + 3);
  return to_lower(url.substr(0, url.find_first_of("/?#\\")));
}

}  // namespace

bool is_file_address(std::string_view url, std::string_view chats_url) {
  // Others end the host elsewhere than at a backslash.
  if (url.find('\\') != url.npos) return false;
  const std::string host = host_of(url);
  if (host.empty() || host.find_first_of("@% \t\r\n") != host.npos) return false;
  if (host == host_of(chats_url)) return url.substr(0, url.find(':')) == chats_url.substr(0, chats_url.find(':'));
  if (!url.starts_with("https://") || host.find(':') != host.npos) return false;
  return std::any_of(std::begin(kServers), std::end(kServers), [&](const char* end) { return host.ends_with(end); });
}

/// Lives as long as anything is under way.
struct ChatClient::Link : std::enable_shared_from_this<ChatClient::Link> {
  HttpClient& http;
  const CrmAccount account;
  const std::shared_ptr<Connection> api;
  const std::function<Moment()> now;
  const std::function<void(std::string)> warn;

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> errands;  ///< what blocks
  bool stopping = false;
  std::string scope, trouble;
  bool connecting = false;
  Duration next_pause = kSoon, this_pause = kSoon;
  std::chrono::steady_clock::time_point paused_until{};
  std::uint64_t connections = 0;
  std::map<std::size_t, std::uint64_t> not_found;  ///< rows, by their hash, and the connection that they were not found on
  std::vector<std::function<void(std::string)>> waiting;  ///< for the scope; told why there is none
  std::thread thread;

  Link(HttpClient& client, const CrmAccount& of, std::shared_ptr<Connection> calls, std::function<Moment()> clock,
       std::function<void(std::string)> tell)
      : http(client), account(of), api(std::move(calls)), now(std::move(clock)), warn(std::move(tell)) {}

  const CrmChats& chats() const { return *account.chats; }

  void run() {
    for (;;) {
      std::function<void()> next;
      {
        std::unique_lock lock(mutex);
        wake.wait(lock, [&] { return stopping || !errands.empty(); });
        if (stopping) return;
        next = std::move(errands.front());
        errands.pop_front();
      }
      next();
    }
  }

  void later(std::function<void()> errand) {
    {
      const std::lock_guard lock(mutex);
      errands.push_back(std::move(errand));
    }
    wake.notify_all();
  }

  bool stopped() {
    const std::lock_guard lock(mutex);
    return stopping;
  }

  void tell(const std::string& line) {
    {
      const std::lock_guard lock(mutex);
      if (trouble == line) return;
      trouble = line;
    }
    if (!line.empty() && warn) warn(line);
  }

  // ---- signed requests

  void post(const std::string& path, std::string body, HttpClient::Done done) { call("POST", path, {}, std::move(body), std::move(done)); }

  /// `query` is not signed.
  void call(const std::string& method, const std::string& path, const std::string& query, std::string body, HttpClient::Done done) {
    HttpRequest request;
    request.method = method;
    request.url = chats().url + path + query;
    request.headers = http_headers(chat_headers(chats().secret, method, path, body, now()));
    request.body = std::move(body);
    request.timeout = milliseconds(account.timeout.ms);
    request.proxy = account.proxy;
    request.ca_file = account.ca_file;
    http.submit(std::move(request), std::move(done));
  }

  /// `then` gets why there is no scope; empty: there is one.
  void with_scope(std::function<void(std::string)> then) {
    {
      std::lock_guard lock(mutex);
      if (!stopping && scope.empty()) {
        waiting.push_back(std::move(then));
        if (std::exchange(connecting, true)) return;
        errands.push_back([self = shared_from_this()] { self->connect(); });
        wake.notify_all();
        return;
      }
    }
    then(stopped() ? "the process stops" : "");
  }

  void connected(std::string found, std::string why) {
    std::vector<std::function<void(std::string)>> told;
    {
      const std::lock_guard lock(mutex);
      connecting = false;
      scope = std::move(found);
      if (!scope.empty()) ++connections;
      told.swap(waiting);
    }
    tell(why.empty() ? std::string() : "amoCRM's chats cannot be connected: " + why);
    for (const auto& one : told) one(why);
  }

  void connect() {
    Outcome found = api->get("/api/v4/account?with=amojo_id", [this] { return stopped(); });
    const std::string id = found.good() ? text_in(found.value, "amojo_id") : std::string();
    if (id.empty()) return connected({}, found.error.empty() ? "the account has no `amojo_id`" : found.error);
    Json body = {{"account_id", id}, {"title", chats().title.empty() ? "Sufler" : chats().title}, {"hook_api_version", "v2"}};
    post("/v2/origin/custom/" + chats().channel + "/connect", llm::dumped(body), [self = shared_from_this()](HttpAnswer answer) {
      if (answer.kind != HttpAnswer::Kind::Answered) return self->connected({}, answer.error);
      const Json json = llm::parse_wire(answer.body);
      const std::string scope = text_at(json, "scope_id");
      if (answer.status < 200 || answer.status >= 300 || scope.empty() || scope.find_first_of("/?# \r\n") != scope.npos)
        return self->connected({}, reason_of(answer));
      self->connected(scope, {});
    });
  }

  void forget_scope() {
    const std::lock_guard lock(mutex);
    scope.clear();
  }

  // ---- rows of the outbox

  void deliver(const ApiCall& call, Delivered done) {
    with_scope([self = shared_from_this(), call, done = std::move(done)](std::string why) mutable {
      if (!why.empty()) return done(again(self->pause(), "the account is not connected: " + why, true));
      self->send(call, std::move(done));
    });
  }

  void history(const std::string& chat, std::size_t offset, Told done) {
    with_scope([self = shared_from_this(), chat, offset, done = std::move(done)](std::string why) mutable {
      if (!why.empty()) return done({}, "the account is not connected: " + why);
      std::string path;
      {
        const std::lock_guard lock(self->mutex);
        path = "/v2/origin/custom/" + self->scope + "/chats/" + url_part(chat) + "/history";
      }
      const std::string query = "?offset=" + std::to_string(offset) + "&limit=" + std::to_string(kHistoryPage);
      self->call("GET", path, query, {}, [self, chat, done = std::move(done)](HttpAnswer answer) {
        if (answer.kind != HttpAnswer::Kind::Answered) return done({}, answer.error);
        if (answer.status == 204) return done({}, {});
        if (answer.status != 200) return done({}, reason_of(answer));
        auto history = decode_chat_history(answer.body, chat, self->chats().bot_id);
        if (!history) return done({}, "amoCRM's chats answered with what is no history");
        done(std::move(*history), {});
      });
    });
  }

  enum class Row : std::uint8_t { Other, Edit, Status };

  void send(const ApiCall& call, Delivered done) {
    std::string base;
    {
      const std::lock_guard lock(mutex);
      base = "/v2/origin/custom/" + scope;
    }
    Json body = llm::parse_wire(call.body);
    if (!body.is_object()) return done(refused("a row that cannot be read"));
    if (call.method == "open") {
      const std::int64_t contact = llm::number_of(body, "contact_id").value_or(0);
      const Json* const chat = llm::member(body, "chat");
      if (!chat) return done(refused("a row that cannot be read"));
      const auto whose = read_conversation(text_at(*chat, "conversation_id"));
      return post(base + "/chats", llm::dumped(*chat), [self = shared_from_this(), row = call.body, contact, whose, done = std::move(done)](HttpAnswer answer) {
        self->opened(answer, row, contact, whose, done);
      });
    }
    std::string path = base;
    Row kind = Row::Other;
    if (call.method == "delivery") kind = Row::Status;
    // What was said before the chat was opened amoCRM has under other names.
    if (text_at(body, "event_type") == "edit_message") kind = Row::Edit;
    if (kind == Row::Status) path += "/" + url_part(text_at(body, "msgid")) + "/delivery_status";
    post(path, call.body, [self = shared_from_this(), kind, row = call.body, done = std::move(done)](HttpAnswer answer) {
      const Json json = llm::parse_wire(answer.body);
      const Json* const made = json.is_object() ? llm::member(json, "new_message") : nullptr;
      done(self->became(answer, kind, row, text_at(made ? *made : json, "msgid")));
    });
  }

  /// Of one trouble more in a row: rows that fail together have one, and wait alike.
  Duration pause() {
    const std::lock_guard lock(mutex);
    const auto at = std::chrono::steady_clock::now();
    if (at < paused_until) return this_pause;
    this_pause = next_pause;
    next_pause.ms = std::min(next_pause.ms * 2, kLongest.ms);
    paused_until = at + milliseconds(this_pause.ms);
    return this_pause;
  }

  /// `row`: its body.
  Sent became(const HttpAnswer& answer, Row kind, const std::string& row, std::string id) {
    // The same message has the same id: what was lost on the way is asked for again.
    if (answer.kind != HttpAnswer::Kind::Answered) return again(pause(), answer.error, true);
    if (answer.status >= 200 && answer.status < 300) {
      tell({});
      const std::lock_guard lock(mutex);
      next_pause = kSoon;
      paused_until = {};
      return sent(std::move(id));
    }
    const std::string reason = reason_of(answer);
    if (answer.status == 429 || answer.status >= 500)
      return again(answer.retry_after.count() > 0 ? Duration{answer.retry_after.count() * 1000} : pause(), reason, true);
    if (answer.status == 403) {
      tell("ALARM: amoCRM's chats refuse the signature: `channel` or `secret` is wrong, or this machine's clock");
      forget_scope();
      return again(kLater, reason, true);
    }
    if (answer.status == 404 && kind != Row::Status && kind != Row::Edit && is_first_miss(row)) {
      // The integration was installed anew: the account has to be connected again.
      forget_scope();
      return again(kLater, reason, true);
    }
    return refused(reason);
  }

  /// Whether the account was not connected anew since the row was not found before: else it is the row itself that is in vain.
  bool is_first_miss(const std::string& row) {
    const std::lock_guard lock(mutex);
    if (not_found.size() >= kMostMisses) not_found.clear();
    const auto [known, first] = not_found.emplace(std::hash<std::string>()(row), connections);
    if (first || known->second == connections) return true;
    not_found.erase(known);
    return false;
  }

  /// A contact that was made after the chat had been asked for is known by now.
  std::int64_t contact_of(std::int64_t contact, const std::optional<Conversation>& whose) {
    if (contact != 0 || !whose) return contact;
    const auto links = api->memory().links(account.key(), {whose->bot, whose->chat.transport, whose->user_id});
    return links ? links->contact_id : 0;
  }

  void opened(const HttpAnswer& answer, const std::string& row, std::int64_t contact, const std::optional<Conversation>& whose, const Delivered& done) {
    const Json json = llm::parse_wire(answer.body);
    const std::string chat = text_at(json, "id");
    Sent outcome = became(answer, Row::Other, row, chat);
    if (outcome.kind != Sent::Kind::Sent || chat.empty()) return done(std::move(outcome));
    later([self = shared_from_this(), known = contact, whose, chat, done, outcome = std::move(outcome)] {
      const std::int64_t contact = self->contact_of(known, whose);
      if (contact == 0) return done(outcome);
      ValueMap link;
      link.set("contact_id", Value(contact));
      link.set("chat_id", Value(chat));
      List all;
      all.emplace_back(std::move(link));
      const Outcome bound = self->api->call("POST", "/api/v4/contacts/chats", Value(std::move(all)), [&] { return self->stopped(); });
      if (bound.kind == Outcome::Kind::Later || bound.kind == Outcome::Kind::Unsure)
        return done(again(std::max(bound.wait, kSoon), "the chat is not bound to the contact yet: " + bound.error, false));
      // The chat serves without its contact: it only becomes one of its own.
      if (!bound.good()) self->tell("a chat could not be bound to its contact: " + bound.error);
      done(outcome);
    });
  }
};

ChatClient::ChatClient(HttpClient& http, const CrmAccount& account, std::shared_ptr<Connection> api, std::function<Moment()> now,
                       std::function<void(std::string)> warn)
    : link_(std::make_shared<Link>(http, account, std::move(api), std::move(now), std::move(warn))) {
  link_->thread = std::thread([link = link_.get()] { link->run(); });
}

ChatClient::~ChatClient() {
  stop();
  if (link_->thread.joinable()) link_->thread.join();
}

void ChatClient::start() {
  link_->with_scope([](const std::string&) {});
}

void ChatClient::stop() {
  std::vector<std::function<void(std::string)>> told;
  {
    const std::lock_guard lock(link_->mutex);
    link_->stopping = true;
    link_->errands.clear();
    told.swap(link_->waiting);
  }
  link_->wake.notify_all();
  for (const auto& one : told) one("the process stops");
}

void ChatClient::deliver(const ApiCall& call, Delivered done) { link_->deliver(call, std::move(done)); }

void ChatClient::history(const std::string& chat, std::size_t offset, Told done) { link_->history(chat, offset, std::move(done)); }

void ChatClient::fetch(const std::string& url, std::size_t limit, Fetched done) {
  if (!is_file_address(url, link_->chats().url)) return done({}, "the file of a manager lies on a server that is not amoCRM's");
  HttpRequest request;
  request.method = "GET";
  request.url = url;
  request.max_response_bytes = limit;
  request.proxy = link_->account.proxy;
  request.ca_file = link_->account.ca_file;
  link_->http.submit(std::move(request), [done = std::move(done)](HttpAnswer answer) {
    if (answer.kind != HttpAnswer::Kind::Answered) return done({}, answer.too_large ? "the file of a manager is too large" : answer.error);
    if (answer.status != 200) return done({}, "the file of a manager cannot be had: status " + std::to_string(answer.status));
    done(std::move(answer.body), {});
  });
}

}  // namespace sufler::amocrm
