#include "interpreter/transports/vk/api_client.h"

#include <algorithm>
#include <array>
#include <set>

#include "interpreter/core/json_text.h"

namespace sufler::vk {
namespace {

constexpr std::size_t kCallsOfExecute = 25;
constexpr std::size_t kBytesOfExecute = 60'000;
constexpr std::string_view kVersion = "5.199";
constexpr std::size_t kAnswerBytes = std::size_t{32} << 20;

std::size_t size_of(const Fields& fields) {
  std::size_t size = 0;
  for (const auto& [name, value] : fields) size += name.size() + value.size() + 8;
  return size;
}

bool is_number_field(std::string_view name) {
  constexpr std::array<std::string_view, 4> kNumbers = {"peer_id", "random_id", "user_id", "disable_mentions"};
  return std::find(kNumbers.begin(), kNumbers.end(), name) != kNumbers.end();
}

/// What is written into code without quotes must be nothing else.
bool is_number(std::string_view value) {
  if (!value.empty() && value.front() == '-') value.remove_prefix(1);
  return !value.empty() && value.size() <= 18 &&
         std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string CallResult::reason() const {
  if (kind != HttpAnswer::Kind::Answered) return error;
  if (answer.ok) return {};
  const std::string code = answer.refusal.code != 0 ? std::to_string(answer.refusal.code) + " " : std::string();
  return code + answer.refusal.description;
}

std::string execute_code(const std::vector<std::pair<std::string_view, const Fields*>>& calls) {
  std::string code = "return [";
  for (const auto& [method, fields] : calls) {
    if (code.back() != '[') code += ',';
    code.append("API.").append(method).append("({");
    for (const auto& [name, value] : *fields) {
      if (code.back() != '{') code += ',';
      append_json_string(code, name);
      code += ':';
      if (is_number_field(name) && is_number(value)) {
        code += value;
      } else {
        append_json_string(code, value);
      }
    }
    code += "})";
  }
  return code += "];";
}

ApiClient::ApiClient(HttpClient& client, const VkSettings& settings)
    : client_(client),
      base_(settings.api),
      token_(settings.token),
      headers_(http_headers({"Authorization: Bearer " + token_, "Content-Type: application/x-www-form-urlencoded"})),
      proxy_(settings.proxy),
      timeout_(settings.call_timeout),
      spare_(settings.requests_a_window / 10),
      pacer_(settings.requests_a_window, settings.window) {
  while (!base_.empty() && base_.back() == '/') base_.pop_back();
  base_ += "/method/";
}

std::string ApiClient::hidden(std::string_view text) const {
  if (text.empty()) return {};
  std::string out(text);
  for (std::size_t at = 0; !token_.empty() && (at = out.find(token_, at)) != std::string::npos;) {
    out.replace(at, token_.size(), "<token>");
  }
  return redact_tokens(out);
}

void ApiClient::ask(std::string method, Fields fields, Done done) {
  enter({std::move(method), std::make_shared<const Fields>(std::move(fields)), {}, true, std::move(done)});
}

void ApiClient::call(std::string method, SharedFields fields, std::string peer, Done done) {
  enter({std::move(method), std::move(fields), std::move(peer), false, std::move(done)});
}

void ApiClient::rest(std::chrono::milliseconds pause) {
  std::lock_guard lock(mutex_);
  pacer_.rest(Pacer::Clock::now(), pause);
}

void ApiClient::close() {
  std::deque<Job> left;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    left = std::move(questions_);
    for (Job& job : calls_) left.push_back(std::move(job));
    questions_.clear();
    calls_.clear();
  }
  for (Job& job : left) {
    CallResult result;
    result.cancelled = true;
    result.error = "the process is stopping";
    job.done(std::move(result));
  }
}

void ApiClient::enter(Job job) {
  bool refused = false;
  {
    std::lock_guard lock(mutex_);
    refused = closed_;
    if (!refused) (job.question ? questions_ : calls_).push_back(std::move(job));
  }
  if (!refused) return pump();
  CallResult result;
  result.cancelled = true;
  result.error = "the process is stopping";
  job.done(std::move(result));
}

/// Sends what may go now, and comes again when more may.
void ApiClient::pump() {
  while (true) {
    std::vector<Job> jobs;
    {
      std::lock_guard lock(mutex_);
      if (questions_.empty() && (pump_is_due_ || calls_.empty())) return;
      const auto now = Pacer::Clock::now();
      if (const auto wait = pacer_.wait(now, questions_.empty() ? spare_ : 0); wait.count() > 0) {
        if (std::exchange(pump_is_due_, true)) return;
        client_.after(wait, [self = shared_from_this()] {
          {
            std::lock_guard again(self->mutex_);
            self->pump_is_due_ = false;
          }
          self->pump();
        });
        return;
      }
      pacer_.note(now);
      jobs = take_jobs();
    }
    submit(std::move(jobs));
  }
}

/// With the mutex held, and a job there: a question, a call, or several calls of different dialogs.
std::vector<ApiClient::Job> ApiClient::take_jobs() {
  std::vector<Job> jobs;
  std::deque<Job>& from = questions_.empty() ? calls_ : questions_;
  jobs.push_back(std::move(from.front()));
  from.pop_front();
  if (jobs.front().peer.empty() || calls_.empty()) return jobs;
  std::size_t bytes = size_of(*jobs.front().fields);
  std::set<std::string> peers = {jobs.front().peer};
  // Far down the queue there is nothing new to be found: not to walk through all of it every time.
  std::size_t looks = 8 * kCallsOfExecute;
  for (auto one = calls_.begin(); one != calls_.end() && jobs.size() < kCallsOfExecute && looks > 0; --looks) {
    const std::size_t more = size_of(*one->fields);
    // A later call to a dialog must not overtake an earlier one that stays behind.
    const bool joins = !one->peer.empty() && peers.insert(one->peer).second && bytes + more <= kBytesOfExecute;
    if (!joins) {
      ++one;
      continue;
    }
    bytes += more;
    jobs.push_back(std::move(*one));
    one = calls_.erase(one);
  }
  return jobs;
}

HttpRequest ApiClient::request_of(std::string_view method, const Fields& fields) const {
  HttpRequest request;
  request.url.reserve(base_.size() + method.size());
  request.url.append(base_).append(method);
  request.headers = headers_;
  request.body = form_body(fields);
  if (!request.body.empty()) request.body += '&';
  request.body.append("v=").append(kVersion);
  request.proxy = proxy_;
  request.timeout = timeout_;
  request.max_response_bytes = kAnswerBytes;
  return request;
}

void ApiClient::submit(std::vector<Job> jobs) {
  if (jobs.size() == 1) {
    HttpRequest request = request_of(jobs[0].method, *jobs[0].fields);
    request.repeatable = jobs[0].question;
    client_.submit(std::move(request),
                   [self = shared_from_this(), job = std::make_shared<Job>(std::move(jobs[0]))](HttpAnswer answer) {
                     self->on_answer(*job, std::move(answer));
                   });
    return;
  }
  std::vector<std::pair<std::string_view, const Fields*>> calls;
  calls.reserve(jobs.size());
  for (const Job& job : jobs) calls.emplace_back(job.method, job.fields.get());
  client_.submit(request_of("execute", {{"code", execute_code(calls)}}),
                 [self = shared_from_this(), shared = std::make_shared<std::vector<Job>>(std::move(jobs))](
                     HttpAnswer answer) { self->on_answer_of_execute(*shared, std::move(answer)); });
}

void ApiClient::on_answer(Job& job, HttpAnswer answer) {
  CallResult result;
  result.kind = answer.kind;
  result.cancelled = answer.cancelled;
  result.error = hidden(answer.error);
  if (answer.kind == HttpAnswer::Kind::Answered) {
    result.answer = read_answer(answer.status, answer.body);
    result.answer.refusal.description = hidden(result.answer.refusal.description);
    result.body = std::move(answer.body);
  }
  job.done(std::move(result));
}

void ApiClient::on_answer_of_execute(std::vector<Job>& jobs, HttpAnswer answer) {
  CallResult common;
  common.kind = answer.kind;
  common.cancelled = answer.cancelled;
  common.error = hidden(answer.error);
  std::vector<Answer> each;
  if (answer.kind == HttpAnswer::Kind::Answered) {
    std::vector<std::string_view> methods;
    for (const Job& job : jobs) methods.push_back(job.method);
    each = read_execute(answer.body, methods);
    if (each.empty()) {
      common.answer = read_answer(answer.status, answer.body);
      common.answer.refusal.description = hidden(common.answer.refusal.description);
      // The whole was refused. Where the cause may lie in one of the calls, each goes alone: repeats are known
      // by their `random_id`.
      const Meaning meaning = meaning_of(common.answer.refusal);
      const bool of_all = meaning == Meaning::TooFast || meaning == Meaning::Token || meaning == Meaning::Operator ||
                          common.answer.refusal.code == 0;
      if (!of_all || common.answer.ok) {
        for (Job& job : jobs) {
          job.peer.clear();
          enter(std::move(job));
        }
        return;
      }
    }
  }
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    CallResult result = common;
    if (!each.empty()) {
      result.answer = std::move(each[i]);
      result.answer.refusal.description = hidden(result.answer.refusal.description);
    }
    jobs[i].done(std::move(result));
  }
}

}  // namespace sufler::vk
