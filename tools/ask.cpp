// `sufler ask`: what an assistant's knowledge says to a question, and what a model would be sent.
#include "tools/ask.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "interpreter/core/plain_json.h"
#include "interpreter/runtime/clock.h"
#include "interpreter/runtime/log.h"
#include "schema/loader.h"
#include "storage/live_dialogs.h"
#include "tools/commands.h"
#include "tools/coverage.h"
#include "tools/knowledge.h"
#include "tools/live_version.h"
#include "tools/operator_link.h"
#include "tools/recorded.h"
#include "tools/services.h"
#include "tools/stage.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kBot = "ask";

struct Words {
  bool russian;
  const char* operator()(const char* english, const char* in_russian) const { return russian ? in_russian : english; }
};

std::string dump(const Json& value) { return value.dump(2, ' ', false, Json::error_handler_t::replace); }

/// The scenario and where its knowledge is searched.
struct Asked {
  std::shared_ptr<const Program> program;
  std::string bot = kBot;
  std::string database;  ///< empty: indexed now, in memory
  std::optional<Config> config = {};  ///< where there is one
};

/// Indexes what is on disk and searches that.
std::optional<std::vector<FoundPiece>> search_folder(const Asked& asked, const KnowledgeQuestion& question, Words words) {
  const auto trouble = [](const StorageError& error) {
    complain(error.message);
    return std::nullopt;
  };
  auto knowledge = FolderKnowledge::open(*asked.program, question.assistant);
  if (!knowledge) return trouble(knowledge.error());
  for (const KnowledgeReport::Unread& file : (*knowledge)->unread())
    complain(file.path + ": " +
             (file.problem ? explain(*file.problem, words.russian ? Language::Russian : Language::English)
                           : std::string(words("the file is not there", "такого файла нет"))));
  auto found = (*knowledge)->search(question);
  if (!found) return trouble(found.error());
  return std::move(*found);
}

/// What the process that serves searches.
std::optional<std::vector<FoundPiece>> search_database(const Asked& asked, const KnowledgeQuestion& question) {
  KnowledgeSearcher searcher({asked.database, 1, {}});
  auto found = searcher.search(question);
  if (found) return std::move(*found);
  complain(found.error().message);
  return std::nullopt;
}

std::optional<Config> read_models(const AskOptions& options, Language language) {
  LoadedConfig loaded = load_programs(options.config);
  if (!loaded.config) std::cerr << redact(render_text(loaded.diagnostics.sorted(), loaded.sources, language));
  return std::move(loaded.config);
}

std::optional<Asked> load_folder(const AskOptions& options, Language language) {
  Loaded loaded = load_scenario(options.scenario, {});
  if (!loaded.program) {
    std::cerr << render_text(loaded.diagnostics.sorted(), loaded.sources, language);
    return std::nullopt;
  }
  Asked asked;
  asked.program = loaded.program;
  if (options.send && !(asked.config = read_models(options, language))) return std::nullopt;
  return asked;
}

/// A bot of the configuration: the version that it is served with, as the database has it.
std::optional<Asked> load_bot(const AskOptions& options, Language language) {
  const Words words{language == Language::Russian};
  std::optional<Config> config = read_models(options, language);
  if (!config) return std::nullopt;
  for (const BotConfig& bot : config->bots) {
    if (bot.name != options.scenario) continue;
    auto dialogs = LiveDialogs::open(config->database);
    if (!dialogs) {
      complain(dialogs.error().message);
      return std::nullopt;
    }
    auto live = live_version(*dialogs, bot, {}, language);
    if (!live) return std::nullopt;
    if (live->program) return Asked{live->program, bot.name, config->database, config};
    complain(std::string(words("the bot has not been served yet: name the folder of its scenario, ",
                               "бот ещё не запускался: назовите папку его сценария, ")) + bot.scenario);
    return std::nullopt;
  }
  complain(std::string(words("there is neither a scenario nor a bot `", "нет ни сценария, ни бота `")) + options.scenario + "`");
  return std::nullopt;
}

std::string first_words(const std::string& text) { return one_line(text, 100); }

Json json_of(const FoundPiece& found) {
  Json one = {{"source", found.piece.path}, {"line", found.piece.cut.line}, {"title", found.piece.cut.title},
              {"rank", found.rank},         {"id", found.piece.cut.id},      {"text", redact(found.piece.cut.text)}};
  if (found.likeness != 0) one["likeness"] = found.likeness;
  return one;
}

void print_found(const std::vector<FoundPiece>& found, Words words) {
  if (found.empty()) std::cout << words("Nothing was found.\n", "Ничего не найдено.\n");
  std::size_t number = 0;
  for (const FoundPiece& one : found) {
    char rank[32];
    std::snprintf(rank, sizeof rank, "%.2f", one.rank);
    std::cout << ++number << ". " << one.piece.path << ":" << one.piece.cut.line << "  " << one.piece.cut.title << "  ("
              << words("rank ", "ранг ") << rank << ")\n   " << redact(first_words(one.piece.cut.text)) << "\n";
  }
}

std::string indented(const std::string& text) {
  std::string lines;
  for (const char c : text) {
    lines += c;
    if (c == '\n') lines += "  ";
  }
  return lines;
}

void print_request(const Job& job, bool sent, Words words) {
  const Json request = Json::parse(job.request, nullptr, false);
  std::cout << "\n" << words("The model `", "Модели `") << job.name
            << (sent ? words("` was sent", "` отправлено") : words("` would be sent", "` было бы отправлено"))
            << words(", with the pieces above:\n", ", вместе с найденным:\n");
  if (const auto messages = request.find("messages"); messages != request.end() && messages->is_array()) {
    for (const Json& message : *messages) {
      std::cout << "[" << message.value("role", std::string()) << "]\n  "
                << indented(redact(message.value("content", std::string()))) << "\n";
    }
  }
  if (const auto tools = request.find("tools"); tools != request.end() && tools->is_array())
    for (const Json& tool : *tools)
      std::cout << "[" << words("tool", "инструмент") << "] " << tool.value("name", std::string()) << ": "
                << redact(tool.value("about", std::string())) << "\n";
}

void print_answer(const JobResult& result, Words words) {
  const Json answer = Json::parse(to_plain_json(result.result, Zone()), nullptr, false);
  std::cout << "\n" << words("It answered:\n", "Ответ:\n");
  if (const auto text = answer.find("text"); text != answer.end() && text->is_string())
    std::cout << "  " << indented(redact(text->get<std::string>())) << "\n";
  if (const auto calls = answer.find("calls"); calls != answer.end() && calls->is_array())
    for (const Json& call : *calls)
      std::cout << "[" << words("tool", "инструмент") << "] " << redact(call.value("name", std::string())) << " "
                << redact(call.value("arguments", std::string())) << "\n";
  if (const auto usage = answer.find("usage"); usage != answer.end() && usage->is_object())
    std::cout << words("Tokens: ", "Токены: ") << usage->value("in", 0) << " + " << usage->value("out", 0) << "\n";
}

/// The model is asked what it would be asked in a talk, with what was found.
JobResult send(const Config& config, const Job& job, const std::vector<FoundPiece>& found) {
  Services services(config, [pieces = as_knowledge_pieces(found)](const std::string&, const KnowledgeQuery&) { return pieces; });
  return services.do_now(job);
}

}  // namespace

Result<Job, std::string> request_of(const Program& program, const std::string& assistant, const std::string& question) {
  // A scenario that has nothing to do but to talk with the assistant, beside all that it had.
  auto asking = std::make_shared<Program>(program);
  const auto known = std::find_if(asking->assistants.begin(), asking->assistants.end(),
                                  [&](const Assistant& one) { return one.name == assistant; });
  if (known == asking->assistants.end()) return Error{std::string("no such assistant")};
  known->gather = Duration{0};
  known->per_user.reset();
  AssistantStep talk;
  talk.assistant = AssistantId{static_cast<std::uint32_t>(known - asking->assistants.begin())};
  Step step;
  step.place = "ask/assistant";
  step.block = BlockId{static_cast<std::uint32_t>(asking->blocks.size())};
  step.verb = talk;
  Block block;
  block.branch = BranchId{static_cast<std::uint32_t>(asking->branches.size())};
  block.steps.push_back(StepId{static_cast<std::uint32_t>(asking->steps.size())});
  Branch branch;
  branch.name = "sufler ask";
  branch.block = step.block;
  asking->start = block.branch;
  asking->steps.push_back(std::move(step));
  asking->blocks.push_back(std::move(block));
  asking->branches.push_back(std::move(branch));
  asking->commands.clear();  // the question is a question, whatever it is

  std::optional<Job> asked;
  StageOptions options;
  options.now = system_clock().now();
  options.user.first_name = program.language == Language::Russian ? "Анна" : "Anna";
  options.jobs = [&](const Job& job) -> Result<JobResult, std::string> {
    if (!asked) asked = job;
    return JobResult{JobResult::Kind::Failed, {}, "unavailable", {}, {}};
  };
  auto stage = Stage::open(asking, std::move(options));
  if (!stage) return Error{stage.error().message};
  for (const std::string& text : {std::string("/start"), question}) {
    UserMessage message;
    message.text = text;
    if (auto said = (*stage)->say("user", std::move(message)); !said) return Error{said.error().message};
  }
  if (!asked)
    if (auto waited = (*stage)->advance(Duration{60'000}); !waited) return Error{waited.error().message};
  if (asked) return std::move(*asked);
  return Error{std::string("the assistant asks no model")};
}

int run_ask(const AskOptions& options) {
  const Language language = tool_language(options.language);
  const Words words{language == Language::Russian};
  std::error_code error;
  auto asked = fs::exists(options.scenario, error) ? load_folder(options, language) : load_bot(options, language);
  if (!asked) return kExitMisuse;
  const std::vector<Assistant>& assistants = asked->program->assistants;
  const auto known = std::find_if(assistants.begin(), assistants.end(),
                                  [&](const Assistant& one) { return one.name == options.assistant; });
  if (known == assistants.end()) {
    std::string names;
    for (const Assistant& one : assistants) names += (names.empty() ? "" : ", ") + one.name;
    complain(std::string(words("the scenario has no assistant `", "в сценарии нет ассистента `")) + options.assistant + "`; " +
             (names.empty() ? words("it has none at all", "в нём нет ни одного") : words("it has: ", "в нём есть: ")) + names);
    return kExitMisuse;
  }
  const KnowledgeQuestion question{asked->bot, asked->program->version, options.assistant, options.question, options.pieces};
  std::optional<std::vector<FoundPiece>> found = std::vector<FoundPiece>();
  if (!known->knowledge.empty())
    found = asked->database.empty() ? search_folder(*asked, question, words) : search_database(*asked, question);
  if (!found) return kExitErrors;
  const auto job = request_of(*asked->program, options.assistant, options.question);
  std::optional<JobResult> result;
  if (job && options.send) result = send(*asked->config, *job, *found);
  const bool answered = result && result->kind == JobResult::Kind::Done;

  if (options.format == "json") {
    Json out = {{"assistant", options.assistant}, {"question", redact(options.question)}, {"found", Json::array()}};
    for (const FoundPiece& one : *found) out["found"].push_back(json_of(one));
    if (job) {
      out["model"] = job->name;
      out["request"] = Json::parse(redact(job->request), nullptr, false);
    }
    if (answered) out["answer"] = Json::parse(redact(to_plain_json(result->result, Zone())), nullptr, false);
    if (result && !answered) out["error"] = result->error;
    std::cout << dump(out) << "\n";
  } else {
    if (known->knowledge.empty()) {
      std::cout << words("The assistant has no `knowledge`.\n", "У ассистента нет `знания`.\n");
    } else {
      print_found(*found, words);
    }
    if (job) print_request(*job, options.send, words);
    if (answered) print_answer(*result, words);
  }
  if (!job) return complain(job.error());
  if (result && !result->log.empty()) complain(result->log);
  if (result && !answered) return complain(words("the model did not answer: ", "модель не ответила: ") + result->error);
  return kExitClean;
}

}  // namespace sufler
