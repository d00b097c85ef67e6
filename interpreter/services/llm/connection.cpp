// A task is in one of four states: in the queue, waiting for a token, asking, or resting before its next attempt. Those
// that wait for a token or ask hold one of the connection's places. Whatever happens, its deadline ends it.
#include "interpreter/services/llm/connection.h"

#include <algorithm>
#include <utility>

#include "interpreter/services/llm/encode.h"
#include "interpreter/services/llm/errors.h"

namespace sufler::llm {
namespace {

using std::chrono::milliseconds;

/// A token is renewed so long before its end.
constexpr std::int64_t kRenewBeforeMs = 60'000;
constexpr milliseconds kTokenTimeout{20'000};
/// Nobody waits longer than this because a server says so.
constexpr milliseconds kLongestWait{60'000};
/// With less left, another attempt would only be cut.
constexpr milliseconds kShortestAttempt{500};
constexpr milliseconds kLongestPause{8'000};

milliseconds ms(Duration duration) { return milliseconds(duration.ms); }

Failure of(Fault fault, std::string about, bool again) { return {fault, std::move(about), again, {}, false}; }

/// There was no answer, or not a whole one.
Failure failure_of(const HttpAnswer& answer) {
  if (answer.too_large) return of(Fault::BadAnswer, "the answer is larger than allowed", false);
  if (answer.timed_out && answer.kind == HttpAnswer::Kind::Lost) return of(Fault::Timeout, "no answer in time: " + answer.error, true);
  std::string about = answer.error.empty() ? "no answer" : answer.error;
  if (about.find("certificate") != std::string::npos) about += "; `ca` names the file of its authority";
  return of(Fault::Unavailable, std::move(about), true);
}

}  // namespace

Connection::Connection(ModelConnection settings, Outside outside)
    : settings_(std::move(settings)),
      outside_(std::move(outside)),
      breaker_(settings_.breaker_failures, ms(settings_.breaker_rest)) {}

Connection::~Connection() { *alive_ = false; }

void Connection::begin(Id id, std::unique_ptr<Exchange> exchange) {
  abandon(id);
  const auto now = outside_.now();
  Task task{std::move(exchange), State::Queued, now + ms(settings_.budget),
            Backoff(ms(settings_.first_repeat), std::max(kLongestPause, ms(settings_.first_repeat)), outside_.chance),
            0, ++serials_, 0, false, false, false, {}, {}};
  tasks_.emplace(id, std::move(task));
  queue_.push_back(id);
  outside_.http->after(ms(settings_.budget), [this, alive = alive_, id] {
    if (!*alive) return;
    const auto found = tasks_.find(id);  // the same job may have been begun again meanwhile
    if (found != tasks_.end() && found->second.deadline <= outside_.now()) at_deadline(id);
  });
  pump();
}

void Connection::abandon(Id id) {
  const auto found = tasks_.find(id);
  if (found == tasks_.end()) return;
  leave(found->second);
  end(id);
  pump();
}

/// Gives back the place and what is under way for the present attempt.
void Connection::leave(Task& task) {
  if (task.state == State::Token || task.state == State::Asking) {
    --asking_;
    breaker_.gave_back();
  }
  if (task.state == State::Asking) outside_.http->cancel(task.request);
  task.state = State::Resting;
  task.serial = ++serials_;
}

void Connection::end(Id id) {
  std::erase(queue_, id);
  tasks_.erase(id);
}

void Connection::pump() {
  while (!queue_.empty() && asking_ < settings_.at_once && outside_.now() >= paused_until_) {
    const Id id = queue_.front();
    queue_.pop_front();
    start(id, tasks_.at(id));
  }
  publish();
}

void Connection::start(Id id, Task& task) {
  if (!breaker_.allows(outside_.now())) {
    return give_up(id, task, task.last ? *task.last : of(Fault::Busy, "the server has failed several times in a row and is left alone for a while", false));
  }
  ++task.attempts;
  ++asking_;
  if (settings_.kind == ModelKind::GigaChat && !token_is_good()) {
    task.state = State::Token;
    return fetch_token();
  }
  send(id, task);
}

void Connection::send(Id id, Task& task) {
  task.state = State::Asking;
  task.serial = ++serials_;
  task.token = token_ ? token_->token : std::string();
  if (!headers_ || headers_token_ != task.token) {
    headers_ = http_headers(request_headers(settings_, task.token));
    headers_token_ = task.token;
  }
  HttpRequest request;
  request.url = settings_.url + task.exchange->path();
  request.headers = headers_;
  request.body = task.exchange->body();
  request.timeout = std::min(ms(settings_.timeout), std::chrono::duration_cast<milliseconds>(left(task)));
  request.timeout = std::max(request.timeout, milliseconds(1));
  request.connect_timeout = ms(settings_.connect_timeout);
  request.stall = ms(settings_.stall);
  request.ca_file = settings_.ca_file;
  request.proxy = settings_.proxy;
  request.on_piece = task.exchange->pieces();
  task.streams = static_cast<bool>(request.on_piece);
  // The envelopes of a stream are many times what it says, which the reader of the stream counts.
  request.max_response_bytes = task.streams ? settings_.most_answer_bytes * 64 : settings_.most_answer_bytes;
  {
    std::lock_guard lock(figures_mutex_);
    ++figures_.requests;
  }
  task.request = outside_.http->submit(std::move(request), [this, alive = alive_, id, serial = task.serial](HttpAnswer answer) {
    if (*alive) answered(id, serial, std::move(answer));
  });
}

void Connection::answered(Id id, std::uint64_t serial, HttpAnswer answer) {
  const auto found = tasks_.find(id);
  if (found == tasks_.end() || found->second.serial != serial || answer.cancelled) return;
  Task& task = found->second;
  --asking_;
  task.state = State::Resting;
  auto failure = judge(task, answer);
  if (!failure) {
    breaker_.succeeded();
    {
      std::lock_guard lock(figures_mutex_);
      ++figures_.answered;
    }
    end(id);
  } else {
    failed(id, task, std::move(*failure));
  }
  pump();
}

std::optional<Failure> Connection::judge(Task& task, const HttpAnswer& answer) {
  if (answer.kind == HttpAnswer::Kind::Answered) {
    if (answer.status >= 200 && answer.status < 300) return task.exchange->take(answer.body);
    Failure failure = llm::failure_of(answer.status, answer.body);
    failure.wait = Duration{answer.retry_after.count() * 1000};
    if (!answer.redirect.empty()) failure.about += ": " + brief(answer.redirect);
    return failure;
  }
  if (task.streams && answer.kind == HttpAnswer::Kind::Lost && !answer.too_large) {
    // What has come may be enough.
    auto failure = task.exchange->take_broken();
    if (!failure || !answer.timed_out) return failure;
  }
  return failure_of(answer);
}

void Connection::failed(Id id, Task& task, Failure failure) {
  const bool of_server = failure.fault == Fault::Unavailable || failure.fault == Fault::Timeout;
  if (of_server) {
    breaker_.failed(outside_.now());
  } else {
    breaker_.succeeded();  // it is there, and says so
  }
  if (mend(id, task, failure)) return;
  if (!failure.again || task.attempts > settings_.repeats) return give_up(id, task, std::move(failure));
  auto pause = std::max<Clock::duration>(task.backoff.next(), ms(failure.wait));
  if (failure.wait.ms > 0) {
    // Everybody else would hear the same; and not all at once afterwards.
    pause += milliseconds(static_cast<std::int64_t>(outside_.chance() * 250));
    if (failure.fault == Fault::Busy && ms(failure.wait) <= kLongestWait) pause_all(ms(failure.wait));
  }
  if (ms(failure.wait) > kLongestWait || pause + kShortestAttempt > left(task)) {
    if (failure.wait.ms > 0) failure.about += "; it asks to wait for " + failure.wait.to_string();
    return give_up(id, task, std::move(failure));
  }
  task.last = std::move(failure);
  rest(id, task, pause);
}

void Connection::pause_all(milliseconds pause) {
  paused_until_ = std::max(paused_until_, outside_.now() + pause);
  outside_.http->after(pause + milliseconds(1), [this, alive = alive_] {
    if (*alive) pump();
  });
}

/// What another attempt of the same question cannot mend, but a small change can. Such an attempt is not counted.
bool Connection::mend(Id id, Task& task, const Failure& failure) {
  if (failure.token_is_old && settings_.kind == ModelKind::GigaChat && !task.renewed) {
    task.renewed = true;
    if (token_ && token_->token == task.token) token_.reset();
  } else if (failure.fault == Fault::TooLong && !task.shortened) {
    task.shortened = true;
    if (!task.exchange->shorten()) return false;
  } else {
    return false;
  }
  --task.attempts;
  task.last = failure;
  task.state = State::Queued;
  queue_.push_front(id);
  return true;
}

void Connection::rest(Id id, Task& task, Clock::duration pause) {
  task.state = State::Resting;
  task.serial = ++serials_;
  outside_.http->after(std::chrono::ceil<milliseconds>(pause), [this, alive = alive_, id, serial = task.serial] {
    if (!*alive) return;
    const auto found = tasks_.find(id);
    if (found == tasks_.end() || found->second.serial != serial) return;
    found->second.state = State::Queued;
    queue_.push_back(id);
    pump();
  });
}

void Connection::give_up(Id id, Task& task, Failure failure) {
  if (task.attempts > 1) failure.about += " (" + std::to_string(task.attempts) + " attempts)";
  failure.about = redacted(std::move(failure.about));
  {
    std::lock_guard lock(figures_mutex_);
    ++figures_.failed[std::string(word_of(failure.fault))];
  }
  const std::unique_ptr<Exchange> exchange = std::move(task.exchange);
  end(id);
  exchange->fail(failure);
}

void Connection::at_deadline(Id id) {
  Task& task = tasks_.at(id);
  const bool asked = task.state == State::Asking || task.state == State::Token;
  const bool never = task.state == State::Queued && task.attempts == 0;
  leave(task);
  if (asked) breaker_.failed(outside_.now());
  Failure failure = task.last && !asked ? *task.last
                    : never             ? of(Fault::Busy, "its turn did not come in time: others ask this model", false)
                                        : of(Fault::Timeout, "no answer within the `budget`", false);
  give_up(id, task, std::move(failure));
  pump();
}

std::string Connection::redacted(std::string text) const {
  std::vector<std::string> secrets = {settings_.key};
  // Shorter ones are words, which may stand in any text.
  constexpr std::size_t kLikeSecret = 16;
  for (const auto& [name, value] : settings_.headers)
    if (value.size() >= kLikeSecret) secrets.push_back(value);
  if (token_) secrets.push_back(token_->token);
  return without_secrets(std::move(text), secrets);
}

// ---- the token

bool Connection::token_is_good() const { return token_ && token_->expires.unix_ms - kRenewBeforeMs > outside_.wall().unix_ms; }

void Connection::fetch_token() {
  if (std::exchange(fetching_, true)) return;
  const auto number = [&] { return static_cast<std::uint64_t>(outside_.chance() * 18446744073709549568.0); };
  const std::uint64_t high = number();
  OauthRequest oauth = oauth_request(settings_, uuid4(high, number()));
  HttpRequest request;
  request.url = settings_.oauth_url;
  request.headers = http_headers(std::move(oauth.headers));
  request.body = std::move(oauth.body);
  request.timeout = std::min(kTokenTimeout, ms(settings_.timeout));
  request.connect_timeout = ms(settings_.connect_timeout);
  request.ca_file = settings_.ca_file;
  request.proxy = settings_.proxy;
  request.max_response_bytes = std::size_t{64} << 10;
  request.repeatable = true;
  token_request_ = outside_.http->submit(std::move(request), [this, alive = alive_](HttpAnswer answer) {
    if (*alive && !answer.cancelled) token_came(answer);
  });
}

void Connection::token_came(const HttpAnswer& answer) {
  fetching_ = false;
  std::optional<Failure> failure;
  if (answer.kind != HttpAnswer::Kind::Answered) {
    failure = failure_of(answer);
  } else if (answer.status < 200 || answer.status >= 300) {
    failure = llm::failure_of(answer.status, answer.body);
    failure->token_is_old = false;
    failure->wait = Duration{answer.retry_after.count() * 1000};
  } else if (auto token = read_access_token(answer.body)) {
    token_ = std::move(token);
  } else {
    failure = of(Fault::BadAnswer, "the answer to the request for a token is none", false);
  }
  if (failure) failure->about = "no token: " + failure->about;
  std::vector<Id> waiting;
  for (const auto& [id, task] : tasks_)
    if (task.state == State::Token) waiting.push_back(id);
  for (const Id id : waiting) {
    Task& task = tasks_.at(id);
    if (!failure) {
      send(id, task);
      continue;
    }
    --asking_;
    failed(id, task, *failure);
  }
  pump();
}

// ---- figures

void Connection::count(const Usage& usage) {
  std::lock_guard lock(figures_mutex_);
  figures_.tokens_in += static_cast<std::uint64_t>(std::max<std::int64_t>(0, usage.in));
  figures_.tokens_out += static_cast<std::uint64_t>(std::max<std::int64_t>(0, usage.out));
}

void Connection::publish() {
  std::lock_guard lock(figures_mutex_);
  figures_.asking = asking_;
  figures_.waiting = tasks_.size() - asking_;
  figures_.open = breaker_.open(outside_.now());
}

Connection::Figures Connection::figures() const {
  std::lock_guard lock(figures_mutex_);
  return figures_;
}

}  // namespace sufler::llm
