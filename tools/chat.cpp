#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <optional>
#include <random>
#include <sstream>
#include <utility>

#include "interpreter/core/http/order.h"
#include "interpreter/core/text.h"
#include "interpreter/runtime/config.h"
#include "interpreter/runtime/log.h"
#include "interpreter/services/mail/compose.h"
#include "interpreter/transports/console/console.h"
#include "schema/loader.h"
#include "tools/commands.h"
#include "tools/crm_orders.h"
#include "tools/desk_tokens.h"
#include "tools/knowledge.h"
#include "tools/services.h"
#include "tools/stage.h"

namespace sufler {
namespace {

volatile std::sig_atomic_t stopped = 0;

std::int64_t system_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Ctrl+C and a closed terminal end the talk as Ctrl+D does. Blocked but for the wait of read_line.
void hear_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { stopped = 1; };
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    ::sigaction(number, &action, nullptr);
    ::sigaddset(&set, number);
  }
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
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
      const std::size_t end = buffer_.find('\n', searched_);
      if (end != std::string::npos || (closed_ && !buffer_.empty())) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end == std::string::npos ? end : end + 1);
        searched_ = 0;
        if (line.ends_with('\r')) line.pop_back();
        if (std::exchange(cut_, false))
          std::cerr << (language_ == Language::Russian ? "слишком длинная строка обрезана\n" : "a line is too long and was cut\n");
        return mended(line);
      }
      if (closed_) return std::nullopt;
      if (interactive_ && !wait_for_input()) return std::nullopt;
      char chunk[65536];
      const ssize_t got = ::read(STDIN_FILENO, chunk, sizeof chunk);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {
        closed_ = true;
        continue;
      }
      append(std::string_view(chunk, static_cast<std::size_t>(got)));
    }
  }

  /// Of an endless line only the beginning is kept.
  void append(std::string_view chunk) {
    searched_ = buffer_.size();
    if (searched_ >= kMaxLine) {
      cut_ = true;
      const std::size_t end = chunk.find('\n');
      chunk.remove_prefix(std::min(end, chunk.size()));
    }
    buffer_.append(chunk);
  }

  /// What a person typed may be bytes of any kind; the bot reads UTF-8.
  static std::string mended(std::string_view line) {
    if (is_utf8(line)) return std::string(line);
    std::string out;
    for (std::size_t i = 0; i < line.size();) append_utf8(out, next_code_point(line, i));
    return out;
  }

  /// False when the talk was ended with a signal.
  bool wait_for_input() {
    for (;;) {
      std::optional<timespec> limit;
      auto next = stage_.next_timer();
      if (next && *next) {
        const std::int64_t ms = std::clamp<std::int64_t>((*next)->unix_ms - system_now() - offset_, 0, 60'000);
        limit = timespec{static_cast<time_t>(ms / 1000), static_cast<long>(ms % 1000) * 1'000'000};
      }
      pollfd input{STDIN_FILENO, POLLIN, 0};
      // The signals are heard only in here, so that none slips in between the look and the wait.
      sigset_t none;
      ::sigemptyset(&none);
      const int ready = ::ppoll(&input, 1, limit ? &*limit : nullptr, &none);
      if (stopped) return false;
      if (ready > 0) return true;
      if (ready < 0) continue;
      std::cout << "\r";
      if (!catch_up()) return false;
      std::cout << "> " << std::flush;
    }
  }

  static constexpr std::size_t kMaxLine = std::size_t{1} << 20;

  Stage& stage_;
  bool interactive_;
  Language language_;
  std::int64_t offset_;
  std::size_t told_ = 0;
  std::string buffer_;
  std::size_t searched_ = 0;  ///< so much of the buffer holds no line end
  bool cut_ = false;
  bool closed_ = false;
};

KnowledgeSearch search_of(FolderKnowledge* knowledge) {
  if (!knowledge) return {};
  return [knowledge](const std::string& bot, const KnowledgeQuery& query) {
    auto found = knowledge->search({bot, query.version, query.assistant, query.question, query.pieces});
    if (found) return as_knowledge_pieces(*found);
    std::cerr << "sufler: " << found.error().message << "\n";
    return std::vector<KnowledgePiece>();
  };
}

/// A letter is shown and does not leave: whoever tries a scenario writes to nobody.
JobResult show_letter(const Job& job, Language language) {
  MailOrder order;
  if (!from_json(job.request, order)) return JobResult{JobResult::Kind::Failed, {}, "a letter that cannot be read", {}, {}};
  std::string people;
  for (const Mailbox& one : order.to) people += (people.empty() ? "" : ", ") + to_string(one);
  std::string out = "mail: " + people + "\n  " + (language == Language::Russian ? "Тема: " : "Subject: ") + order.subject + "\n";
  std::istringstream lines(letter_text(order));
  for (std::string line; std::getline(lines, line);) out += "  " + line + "\n";
  for (const Attachment& file : order.files) out += "  @" + (file.name.empty() ? file.reference : file.name) + "\n";
  std::cout << out << std::flush;
  return JobResult{JobResult::Kind::Done, Value(true), {}, {}, {}};
}

/// Nothing is written to a CRM either; the step is told what an empty account would answer.
JobResult show_crm(const Job& job, Language language) {
  static std::int64_t number = 0;
  AskedCrm asked;
  if (!read_asked(job, asked)) return JobResult{JobResult::Kind::Failed, {}, "a job that cannot be read", {}, {}};
  std::cout << "crm: " << shown(asked, language) << std::flush;
  return JobResult{JobResult::Kind::Done, pretended(asked, ++number), {}, {}, {}};
}

/// Without a configuration a program fails, as it would where the operator forgot it.
Result<JobResult, std::string> do_job(Services* services, const Job& job, Language language) {
  if (job.service == kMailService) return show_letter(job, language);
  if (job.service == kCrmService) return show_crm(job, language);
  if (!services && job.service == "assistant") {
    std::cerr << (language == Language::Russian
                      ? "! модели нет, ассистент не ответил: подключите её (models: в sufler.yaml и --config sufler.yaml) или "
                        "пропишите ответы в разговоре (подмена: {ассистент: …}) и сыграйте его через sufler test\n"
                      : "! there is no model, the assistant did not answer: connect one (models: in sufler.yaml, and --config "
                        "sufler.yaml), or write its answers into a talk (mock: {assistant: …}) and play it with sufler test\n");
    return JobResult{JobResult::Kind::Failed, {}, "no model", {}, {}};
  }
  if (!services && job.service == kHttpService) {
    std::cerr << (language == Language::Russian
                      ? "! запрос `" + job.name + "` не отправлен: назовите настройки, где разрешён сервер (allow_hosts): --config sufler.yaml\n"
                      : "! the request `" + job.name + "` was not sent: name the configuration that allows the host (allow_hosts): --config sufler.yaml\n");
    return JobResult{JobResult::Kind::Failed, {}, "no configuration", {}, {}};
  }
  if (!services) {
    std::cerr << (language == Language::Russian
                      ? "! программа `" + job.name + "` не запускалась: назовите настройки, где она описана: --config sufler.yaml\n"
                      : "! the program `" + job.name + "` was not run: name the configuration that has it: --config sufler.yaml\n");
    return JobResult{JobResult::Kind::Failed, {}, "no configuration", {}, {}};
  }
  JobResult result = services->do_now(job);
  if (!result.log.empty()) std::cerr << redact(result.log) << (result.log.ends_with('\n') ? "" : "\n");
  if (result.kind != JobResult::Kind::Done) std::cerr << "! " << job.service << " " << job.name << ": " << redact(result.error) << "\n";
  return result;
}

}  // namespace

int run_chat(const ChatOptions& options) {
  const Language language = tool_language(options.language);
  if (std::error_code error; !std::filesystem::exists(options.path, error)) {
    std::cerr << "sufler: " << (language == Language::Russian ? "нет такого файла или папки: " : "no such file or folder: ")
              << options.path << "\n";
    return kExitMisuse;
  }
  LoadOptions load;
  std::optional<Config> connected;
  if (!options.config.empty()) {
    LoadedConfig config = load_programs(options.config);
    if (!config.config) {
      std::cerr << redact(render_text(config.diagnostics.sorted(), config.sources, language));
      return kExitErrors;
    }
    load.programs = program_names(*config.config);
    load.models = model_names(*config.config);
    load.hosts = host_places(*config.config);
    connected = std::move(config.config);
  }
  Loaded loaded = load_scenario(options.path, load);
  if (!loaded.program) {
    std::cerr << render_text(loaded.diagnostics.sorted(), loaded.sources, language);
    return kExitErrors;
  }
  std::unique_ptr<FolderKnowledge> knowledge;
  std::unique_ptr<Services> services;
  if (connected) {
    if (!knowledge_of(*loaded.program).empty()) {
      auto opened = FolderKnowledge::open(*loaded.program);
      if (!opened) {
        std::cerr << "sufler: " << opened.error().message << "\n";
        return kExitErrors;
      }
      knowledge = std::move(*opened);
    }
    services = std::make_unique<Services>(*connected, search_of(knowledge.get()));
  }
  const bool interactive = ::isatty(STDIN_FILENO) != 0;
  if (interactive) hear_signals();

  StageOptions stage_options;
  stage_options.now = {system_now()};
  stage_options.seed = options.seed != 0 ? options.seed : std::random_device{}();
  // A greeting by name is the first thing that many scenarios say.
  stage_options.user.first_name =
      options.name.value_or(loaded.program->language == Language::Russian ? "Анна" : "Anna");
  stage_options.secrets = desk_tokens(*loaded.program);
  stage_options.jobs = [&](const Job& job) { return do_job(services.get(), job, language); };
  auto stage = Stage::open(loaded.program, std::move(stage_options));
  if (!stage) {
    std::cerr << "sufler: " << stage.error().message << "\n";
    return kExitErrors;
  }
  return Chat(**stage, interactive, language).run();
}

}  // namespace sufler
