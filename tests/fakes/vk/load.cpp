// A closed loop: each user sends the next input as soon as the reply to the last one has come. All
// state belongs to the HTTP server's thread, which also ticks the phases; the main thread only
// starts the bot and waits. Nothing here is strict: the fake's rules have their own tests, and what
// is measured is the bot.
#include "fakes/vk/load.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "fakes/vk/load_run.h"

namespace sufler::fakes::vk {
namespace {

constexpr milliseconds kTick{10};

double seconds(Clock::duration span) { return std::chrono::duration<double>(span).count(); }

}  // namespace

int Load::play() {
  HttpServer::Handlers handlers;
  handlers.on_request = [this](HttpRequest&& request) { serve(std::move(request)); };
  handlers.on_close = [this](ConnectionId connection) {
    if (poll_ && poll_->connection == connection) poll_.reset();
  };
  if (!server_.start(options_.port, 64u << 20, std::move(handlers))) {
    throw std::runtime_error("the port is taken");
  }
  root_ = "http://127.0.0.1:" + std::to_string(server_.port());
  std::fprintf(stderr, "fake_vk: %s\n", root_.c_str());
  began_ = Clock::now();
  bot_ = options_.exec.empty() ? options_.pid : start_bot();
  server_.call_after(kTick, [this] { tick(); });
  std::future<void> finished = finished_.get_future();
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  const timespec patience{0, 20'000'000};
  while (finished.wait_for(milliseconds(0)) != std::future_status::ready) {
    if (sigtimedwait(&signals, nullptr, &patience) > 0) interrupted_ = true;
  }
  if (!options_.exec.empty()) stop_bot();
  server_.stop();
  return report() ? 0 : 1;
}

int Load::start_bot() {
  std::vector<std::string> given = {
      "VK_API=" + root_,
      "VK_TOKEN=" + options_.token,
      "VK_GROUP=" + std::to_string(options_.group_id),
      "ADMIN_CHAT=" + std::to_string(options_.admin),
  };
  for (char** variable = environ; *variable != nullptr; ++variable) given.emplace_back(*variable);
  std::vector<char*> environment;
  for (std::string& variable : given) environment.push_back(variable.data());
  environment.push_back(nullptr);
  const int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int output = open(options_.log.empty() ? "/dev/null" : options_.log.c_str(),
                          O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const int pid = fork();
  if (pid < 0) throw std::runtime_error("fork failed");
  if (pid == 0) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(input, 0);
    dup2(output, 1);
    dup2(output, 2);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    char shell[] = "sh";
    char option[] = "-c";
    char* const arguments[] = {shell, option, options_.exec.data(), nullptr};
    execve("/bin/sh", arguments, environment.data());
    _exit(127);
  }
  ::close(input);
  ::close(output);
  return pid;
}

void Load::stop_bot() {
  if (bot_gone_) return;
  kill(-bot_, SIGTERM);
  for (int i = 0; i < 500; ++i) {
    if (waitpid(bot_, nullptr, WNOHANG) == bot_) return;
    usleep(10'000);
  }
  kill(-bot_, SIGKILL);
  waitpid(bot_, nullptr, 0);
}

void Load::enter(Phase phase) {
  phase_ = phase;
  phase_since_ = Clock::now();
}

void Load::finish(const std::string& why) {
  if (phase_ == Phase::Done) return;
  if (phase_ == Phase::WaitForBot) begin_measuring();
  if (!why.empty()) end_ = why;
  use_end_ = use_of_tree(bot_);
  machine_end_ = machine_busy_s();
  own_end_ = own_cpu_s();
  measured_until_ = Clock::now();
  enter(Phase::Done);
  finished_.set_value();
}

void Load::tick() {
  if (phase_ == Phase::Done) return;
  const auto now = Clock::now();
  const double in_phase = seconds(now - phase_since_);
  if (interrupted_) return finish("interrupted");
  if (seconds(now - began_) > options_.timeout_s) return finish("timeout");
  if (!options_.exec.empty() && waitpid(bot_, nullptr, WNOHANG) == bot_) {
    bot_gone_ = true;
    return finish("the bot ended by itself");
  }
  switch (phase_) {
    case Phase::WaitForBot:
      if (polled_) {
        startup_ms_ = seconds(first_poll_ - began_) * 1000;
        enter(Phase::Settle);
      } else if (seconds(now - began_) > options_.start_timeout_s) {
        return finish("the bot did not poll");
      }
      break;
    case Phase::Settle:
      if (in_phase * 1000 < options_.settle_ms) break;
      use_idle_ = use_of_tree(bot_);
      enter(Phase::Load);
      begin_measuring();
      for (int i = 0; i < options_.users; ++i) next_input(i);
      break;
    case Phase::Load:
      if (users_left_ == 0) {
        enter(Phase::Drain);
      } else if (seconds(now - progress_) > options_.stall_s) {
        end_ = "stalled";
        enter(Phase::Drain);
      }
      break;
    case Phase::Drain: {
      const bool complete =
          admin_right_ >= runs_.size() * script_.admin.size() && callbacks_.empty();
      if ((complete && in_phase > 0.3) || in_phase > 3) return finish("");
      break;
    }
    case Phase::Done:
      return;
  }
  server_.call_after(kTick, [this] { tick(); });
}

void Load::begin_measuring() {
  use_start_ = use_of_tree(bot_);
  machine_start_ = machine_busy_s();
  own_start_ = own_cpu_s();
  warm_steps_ = steps_done_;
  warm_deliveries_ = delivered_ + redelivered_ + echoes_delivered_;
  requests_.clear();
  http_requests_ = 0;
  batches_ = 0;
  latencies_us_.clear();
  load_since_ = last_ = progress_ = Clock::now();
}

double Load::percentile(double share) {
  if (latencies_us_.empty()) return 0;
  const auto at =
      std::min(latencies_us_.size() - 1,
               static_cast<std::size_t>(share * static_cast<double>(latencies_us_.size())));
  std::nth_element(latencies_us_.begin(), latencies_us_.begin() + static_cast<std::ptrdiff_t>(at),
                   latencies_us_.end());
  return latencies_us_[at] / 1000.0;
}

bool Load::report() {
  const std::uint64_t wanted_dialogs = runs_.size();
  const std::uint64_t wanted_steps = wanted_dialogs * script_.steps.size();
  const std::uint64_t wanted_admin = wanted_dialogs * script_.admin.size();
  const std::uint64_t missing = (wanted_steps > steps_done_ ? wanted_steps - steps_done_ : 0) +
                                (wanted_admin > admin_right_ ? wanted_admin - admin_right_ : 0);
  std::uint64_t differ = 0;
  for (const Run& run : runs_) {
    differ += run.number_user >= 0 && run.number_admin >= 0 && run.number_user != run.number_admin
                  ? 1
                  : 0;
  }
  const double wall = std::max(0.0, seconds(last_ - load_since_));
  const double user_s = use_end_.user_s - use_start_.user_s;
  const double system_s = use_end_.system_s - use_start_.system_s;
  const std::uint64_t measured = steps_done_ - warm_steps_;
  const double own = own_end_ - own_start_;
  const double span = seconds(measured_until_ - load_since_);
  const auto processors = static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN));
  const double foreign = machine_end_ - machine_start_ - own - user_s - system_s;
  const bool valid = end_.empty() && dialogs_done_ == wanted_dialogs && wrong_ == 0 &&
                     missing == 0 && differ == 0 && callbacks_.empty() && duplicate_ == 0;
  const auto rounded = [](double value, double scale) {
    return std::round(value * scale) / scale;
  };
  nlohmann::ordered_json out;
  out["valid"] = valid;
  out["end"] = end_.empty() ? "complete" : end_;
  out["users"] = options_.users;
  out["dialogs_per_user"] = options_.dialogs;
  out["dialogs"] = dialogs_done_;
  out["dialogs_expected"] = wanted_dialogs;
  out["updates"] = measured;
  out["warmup_updates"] = warm_steps_;
  out["delivered"] = delivered_;
  out["redelivered"] = redelivered_;
  out["echoes"] = echoes_delivered_;
  out["resent"] = 0;
  out["wall_s"] = rounded(wall, 1000);
  out["updates_per_s"] = wall > 0 ? rounded(static_cast<double>(measured) / wall, 10) : 0;
  out["lat_ms"] = {{"p50", percentile(0.5)},
                   {"p90", percentile(0.9)},
                   {"p99", percentile(0.99)},
                   {"max", percentile(1.0)}};
  out["wrong"] = wrong_;
  out["missing"] = missing;
  out["duplicate"] = duplicate_;
  out["numbers_differ"] = differ;
  out["callbacks_unanswered"] = callbacks_.size();
  out["admin_messages"] = admin_right_;
  out["kills"] = 0;
  out["requests"] = requests_;
  out["unknown_methods"] = unknown_methods_;
  Json errors = Json::object();
  for (const auto& [code, count] : api_errors_) errors[std::to_string(code)] = count;
  out["api_errors"] = errors;
  out["http_requests"] = http_requests_;
  out["updates_per_poll"] =
      batches_ > 0 ? rounded(static_cast<double>(delivered_ + redelivered_ + echoes_delivered_ -
                                                 warm_deliveries_) /
                                 static_cast<double>(batches_),
                             10)
                   : 0;
  const auto updates = static_cast<double>(std::max<std::uint64_t>(1, measured));
  out["bot"] = {{"startup_ms", rounded(startup_ms_, 10)},
                {"idle_rss_kb", use_idle_.rss_kb},
                {"peak_rss_kb", use_end_.peak_rss_kb},
                {"cpu_user_s", rounded(user_s, 1000)},
                {"cpu_sys_s", rounded(system_s, 1000)},
                {"cpu_ms_per_update", rounded((user_s + system_s) * 1000 / updates, 10000)},
                {"processes", use_end_.processes}};
  // The names of the peers' load generator, so that their scripts read this line too.
  out["fakegram_cpu_s"] = rounded(own, 1000);
  out["fakegram_cpu_ms_per_update"] = rounded(own * 1000 / updates, 10000);
  out["foreign_cpu_pct"] =
      span > 0 ? rounded(std::max(0.0, foreign * 100 / span / processors), 10) : 0;
  out["wrong_samples"] = samples_;
  std::puts(wire_text(out).c_str());
  std::fflush(stdout);
  return valid;
}

int run_load(LoadOptions options) {
  LoadScript script = read_load_script(options.script);
  if (options.users < 1 || options.dialogs < 1) {
    throw std::runtime_error("--users and --dialogs are at least 1");
  }
  const std::uint64_t updates = static_cast<std::uint64_t>(options.users) *
                                static_cast<std::uint64_t>(options.dialogs) * script.steps.size();
  if (options.warmup >= updates) throw std::runtime_error("--warmup leaves nothing to measure");
  return Load(std::move(options), std::move(script)).play();
}

}  // namespace sufler::fakes::vk
