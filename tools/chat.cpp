#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <iostream>
#include <random>

#include "interpreter/transports/console/console.h"
#include "schema/loader.h"
#include "tools/commands.h"
#include "tools/stage.h"

namespace sufler {
namespace {

volatile std::sig_atomic_t stopped = 0;

std::int64_t system_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// A talk in the terminal. In a pipe the clock stands still and only `+24h` moves it; at a terminal it runs.
class Chat {
 public:
  Chat(Stage& stage, bool interactive, Language language)
      : stage_(stage), interactive_(interactive), language_(language), offset_(stage.now().unix_ms - system_now()) {}

  int run() {
    if (interactive_) {
      std::cout << (language_ == Language::Russian
                        ? "Пишите боту. [Надпись] нажимает кнопку, @файл отправляет файл, +24ч переводит часы, Ctrl+D — выход.\n"
                        : "Write to the bot. [Label] presses a button, @file sends a file, +24h moves the clock, Ctrl+D ends.\n");
      if (!handle("/start")) return kExitErrors;
    }
    for (;;) {
      if (interactive_) std::cout << "> " << std::flush;
      const auto line = read_line();
      if (!line) break;
      if (trim(*line).empty()) continue;
      if (!handle(*line)) return kExitErrors;
    }
    if (interactive_) std::cout << "\n";
    return kExitClean;
  }

 private:
  bool handle(std::string_view line) {
    if (!catch_up()) return false;
    const ConsoleInput input = parse_console_line(line);
    Stored<Done> done = Done{};
    switch (input.kind) {
      case ConsoleInput::Kind::Press: {
        auto pressed = stage_.press("user", input.text);
        if (!pressed) {
          done = Error{pressed.error()};
        } else if (!*pressed) {
          std::cerr << (language_ == Language::Russian ? "такой кнопки нет: " : "there is no such button: ") << input.text << "\n";
        }
        break;
      }
      case ConsoleInput::Kind::File: {
        UserMessage message;
        message.attachments.push_back(stage_file(input.text));
        done = stage_.say("user", std::move(message));
        break;
      }
      case ConsoleInput::Kind::Clock:
        done = stage_.advance(input.clock);
        offset_ += input.clock.ms;
        break;
      case ConsoleInput::Kind::Text: {
        UserMessage message;
        message.text = input.text;
        done = stage_.say("user", std::move(message));
        break;
      }
    }
    return show(done);
  }

  bool show(const Stored<Done>& done) {
    for (const Arrival& arrival : stage_.take_arrivals())
      std::cout << console_lines(arrival.to == "user" ? "bot" : arrival.to, arrival.message);
    std::cout.flush();
    for (; told_ < stage_.notes().size(); ++told_) {
      const TurnNote& note = stage_.notes()[told_];
      if (note.kind != TurnNote::Kind::Log) std::cerr << "! " << note.text << "\n";
    }
    if (done) return true;
    std::cerr << "sufler: " << done.error().message << "\n";
    return false;
  }

  bool catch_up() { return !interactive_ || show(stage_.advance_to({system_now() + offset_})); }

  /// The next line of input; while a person thinks, timers go off in their time.
  std::optional<std::string> read_line() {
    for (;;) {
      const std::size_t end = buffer_.find('\n');
      if (end != std::string::npos) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        if (line.ends_with('\r')) line.pop_back();
        return line;
      }
      if (closed_) {
        if (buffer_.empty()) return std::nullopt;
        return std::exchange(buffer_, {});
      }
      if (interactive_) {
        auto next = stage_.next_timer();
        int wait = -1;
        if (next && *next) wait = static_cast<int>(std::clamp<std::int64_t>((*next)->unix_ms - system_now() - offset_, 0, 60'000));
        pollfd input{STDIN_FILENO, POLLIN, 0};
        const int ready = ::poll(&input, 1, wait);
        if (stopped) return std::nullopt;
        if (ready == 0) {
          std::cout << "\r";
          if (!catch_up()) return std::nullopt;
          std::cout << "> " << std::flush;
          continue;
        }
        if (ready < 0) continue;
      }
      char chunk[4096];
      const ssize_t got = ::read(STDIN_FILENO, chunk, sizeof chunk);
      if (stopped) return std::nullopt;
      if (got <= 0) {
        closed_ = true;
      } else {
        buffer_.append(chunk, static_cast<std::size_t>(got));
      }
    }
  }

  Stage& stage_;
  bool interactive_;
  Language language_;
  std::int64_t offset_;
  std::size_t told_ = 0;
  std::string buffer_;
  bool closed_ = false;
};

}  // namespace

int run_chat(const ChatOptions& options) {
  const Language language = tool_language(options.language);
  Loaded loaded = load_scenario(options.path);
  if (!loaded.program) {
    std::cerr << render_text(loaded.diagnostics.sorted(), loaded.sources, language);
    return kExitErrors;
  }
  struct sigaction action {};
  action.sa_handler = [](int) { stopped = 1; };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGHUP, &action, nullptr);

  StageOptions stage_options;
  stage_options.now = {system_now()};
  stage_options.seed = options.seed != 0 ? options.seed : std::random_device{}();
  auto stage = Stage::open(loaded.program, std::move(stage_options));
  if (!stage) {
    std::cerr << "sufler: " << stage.error().message << "\n";
    return kExitErrors;
  }
  return Chat(**stage, ::isatty(STDIN_FILENO) != 0, language).run();
}

}  // namespace sufler
