// `sufler agents`, `sufler invite` and `sufler tickets`.
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iostream>
#include <nlohmann/json.hpp>

#include "interpreter/core/sha256.h"
#include "interpreter/runtime/log.h"
#include "interpreter/runtime/ticket_export.h"
#include "schema/loader.h"
#include "tools/commands.h"
#include "tools/operator_link.h"

namespace sufler {
namespace {

using json = nlohmann::ordered_json;

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

/// Nothing when it failed, which is told then.
std::optional<json> ask(OperatorLink& link, const json& request) {
  const auto answer = link.ask(dump(request));
  if (answer) return json::parse(*answer, nullptr, false);
  complain(answer.error().empty() ? "the process has stopped meanwhile; try again" : answer.error());
  return std::nullopt;
}

bool in_russian() { return tool_language({}) == Language::Russian; }
std::string in(const char* russian, const char* english) { return in_russian() ? russian : english; }

std::string text_of(const json& line, const char* name) { return printable(line[name].get<std::string>()); }

std::string duration_text(std::int64_t ms) {
  const std::int64_t minutes = ms / 60'000;
  if (minutes < 1) return std::to_string(ms / 1000) + in(" с", " s");
  if (minutes < 60) return std::to_string(minutes) + in(" мин", " min");
  const std::int64_t hours = minutes / 60;
  if (hours < 48) return std::to_string(hours) + in(" ч", " h");
  return std::to_string(hours / 24) + in(" дн", " days");
}

/// Lines below their headings, each column as wide as it needs to be.
void print_columns(const std::vector<std::vector<std::string>>& lines) {
  std::vector<std::size_t> widths;
  for (const auto& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], count_code_points(line[i]));
  }
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      text += line[i];
      if (i + 1 < line.size()) text.append(widths[i] - count_code_points(line[i]) + 2, ' ');
    }
    std::cout << text << "\n";
  }
}

// ---- agents

int list_agents(OperatorLink& link, const AgentsOptions& options) {
  const auto answer = ask(link, {{"op", "agents"}, {"bot", options.bot}});
  if (!answer) return kExitErrors;
  if (options.format == "json") {
    std::cout << redact(dump(*answer)) << "\n";
    return kExitClean;
  }
  std::vector<std::vector<std::string>> lines = {{in("бот", "bot"), in("линия", "desk"), in("имя", "name"),
                                                  in("кто", "person"), in("смена", "duty"), in("открыто", "open"),
                                                  in("писал", "seen"), in("за 30 дней", "in 30 days"),
                                                  in("первый ответ", "first answer"), in("оценка", "rating")}};
  for (const json& agent : (*answer)["agents"]) {
    const bool answered = agent["answered"] != 0;
    const bool rated = agent["rated"] != 0;
    lines.push_back({text_of(agent, "bot"), text_of(agent, "desk"), text_of(agent, "name"), text_of(agent, "user"),
                     agent["on_duty"] == true ? in("на смене", "on") : in("нет", "off"), agent["open"].dump(),
                     shown_time(agent["seen_at_unix_ms"].get<std::int64_t>()),
                     agent["closed"].dump(),
                     answered ? duration_text(agent["first_answer_ms"].get<std::int64_t>()) : "-",
                     rated ? text_of(agent, "rating") + " (" + agent["rated"].dump() + ")" : "-"});
  }
  if (lines.size() == 1) {
    std::cout << in("операторов нет\n", "no agents\n");
  } else {
    print_columns(lines);
  }
  return kExitClean;
}

int change_agent(OperatorLink& link, const AgentsOptions& options) {
  const bool remove = options.what == AgentsOptions::What::Remove;
  const auto answer = ask(link, {{"op", remove ? "remove_agent" : "restore_agent"},
                                 {"bot", options.bot},
                                 {"desk", options.desk},
                                 {"user", options.person}});
  if (!answer) return kExitErrors;
  const std::string name = text_of(*answer, "name");
  if (!remove) {
    std::cout << name << in(" снова оператор и на смене\n", " is an agent again, and on duty\n");
    return kExitClean;
  }
  std::cout << name << in(" больше не оператор", " is no agent any more");
  if ((*answer)["open"] != 0)
    std::cout << in("; обращений переходит к другим: ", "; tickets that go to others: ") << (*answer)["open"].dump();
  std::cout << "\n";
  if (!link.live())
    std::cout << in("бот сейчас не работает: обращения перейдут, когда он запустится\n",
                    "no process serves now: the tickets go on with the next start\n");
  return kExitClean;
}

// ---- invitations

constexpr std::size_t kCodeBytes = 16;  // 128 bits

std::optional<std::string> fresh_code() {
  std::array<unsigned char, kCodeBytes> bytes{};
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t got = ::getrandom(bytes.data() + at, bytes.size() - at, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    at += static_cast<std::size_t>(got);
  }
  constexpr const char* kDigits = "0123456789abcdef";
  std::string code;
  for (const unsigned char byte : bytes) code.append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
  return code;
}

/// The scenario of a bot, as far as it can be read here: null otherwise.
std::shared_ptr<const Program> scenario_of(const BotConfig& bot) {
  return bot.scenario.empty() ? nullptr : load_scenario(bot.scenario).program;
}

struct Entrance {
  std::string bot;
  std::string command;  ///< of registration; empty: the scenario cannot be read here
};

/// By which bot and command people become agents of the desk; the error is told already.
std::optional<Entrance> entrance_of(const Config& config, const InviteOptions& options) {
  std::vector<Entrance> found;
  bool named = false;
  std::string without;
  for (const BotConfig& bot : config.bots) {
    if (!options.bot.empty() && bot.name != options.bot) continue;
    named = true;
    const auto program = scenario_of(bot);
    if (!program) {
      if (!options.bot.empty()) return Entrance{bot.name, {}};
      continue;
    }
    for (const Desk& desk : program->desks) {
      if (desk.name != options.desk) continue;
      if (desk.register_word.empty()) {
        without = bot.name;
      } else {
        found.push_back({bot.name, desk.register_word});
      }
    }
  }
  if (found.size() == 1) return found.front();
  if (!options.bot.empty() && !named) {
    complain("there is no bot `" + options.bot + "` in the configuration");
  } else if (found.size() > 1) {
    complain("several bots have a desk `" + options.desk + "`: name one with --bot");
  } else if (!without.empty()) {
    complain("nobody registers at the desk `" + options.desk + "`: those whom its `agents` names answer in its group");
  } else {
    complain("no bot has a desk `" + options.desk + "`, as far as the scenarios can be read here; with --bot it is "
             "tried nonetheless");
  }
  return std::nullopt;
}

// ---- tickets

int list_tickets(OperatorLink& link, const TicketsOptions& options) {
  const auto answer =
      ask(link, {{"op", "tickets"}, {"bot", options.bot}, {"limit", options.limit}, {"closed", options.closed}});
  if (!answer) return kExitErrors;
  if (options.format == "json") {
    std::cout << redact(dump(*answer)) << "\n";
    return kExitClean;
  }
  std::vector<std::vector<std::string>> lines = {{in("бот", "bot"), in("линия", "desk"), in("номер", "number"),
                                                  in("состояние", "state"), in("клиент", "client"),
                                                  in("оператор", "agent"), in("ждёт", "waits"),
                                                  in("начато", "opened")}};
  for (const json& ticket : (*answer)["tickets"]) {
    const std::string state = ticket["state"].get<std::string>();
    std::string shown = in(state == "queued" ? "в очереди" : state == "open" ? "открыто" : "закрыто", state.c_str());
    if (state == "closed") shown += " (" + text_of(ticket, "outcome") + ")";
    const auto waits = ticket["waits_ms"].get<std::int64_t>();
    const auto or_none = [](std::string text) { return text.empty() ? std::string("-") : text; };
    lines.push_back({text_of(ticket, "bot"), text_of(ticket, "desk"), ticket["number"].dump(), shown,
                     or_none(text_of(ticket, "client")), or_none(text_of(ticket, "agent")),
                     waits == 0 ? "-" : duration_text(waits),
                     shown_time(ticket["opened_at_unix_ms"].get<std::int64_t>())});
  }
  if (lines.size() == 1) {
    std::cout << in("обращений нет\n", "no tickets\n");
  } else {
    print_columns(lines);
  }
  if ((*answer)["more"] == true) std::cout << in("есть ещё: --limit покажет больше\n", "there are more: --limit shows them\n");
  return kExitClean;
}

int export_one(OperatorLink& link, const TicketsOptions& options) {
  TicketRow ticket;
  std::vector<TicketMessage> messages;
  for (std::int64_t after = 0;;) {
    const auto answer = ask(link, {{"op", "ticket"},
                                   {"bot", options.bot},
                                   {"desk", options.desk},
                                   {"number", options.number},
                                   {"after", after}});
    if (!answer) return kExitErrors;
    const json& row = (*answer)["ticket"];
    ticket.bot = options.bot;
    ticket.desk = options.desk;
    ticket.number = options.number;
    ticket.client_name = row["client"].get<std::string>();
    ticket.opened_at = Moment{row["opened_at_unix_ms"].get<std::int64_t>()};
    ticket.closed_at = Moment{row["closed_at_unix_ms"].get<std::int64_t>()};
    ticket.outcome = row["outcome"].get<std::string>();
    ticket.rating = row["rating"].get<std::int64_t>();
    const std::string state = row["state"].get<std::string>();
    ticket.state = state == "closed" ? TicketRow::State::Closed
                   : state == "open" ? TicketRow::State::Open
                                     : TicketRow::State::Queued;
    for (const json& one : (*answer)["messages"]) {
      TicketMessage message;
      message.id = after = one["id"].get<std::int64_t>();
      message.from = static_cast<TicketMessage::From>(std::clamp(one["from"].get<int>(), 0, 3));
      message.author = one["author"].get<std::string>();
      message.at = Moment{one["at_unix_ms"].get<std::int64_t>()};
      message.event = one["event"].get<std::string>();
      messages.push_back(std::move(message));
    }
    if ((*answer)["more"] != true) break;
  }
  // The scenario's language and time zone, as in what agents export; the tool's where it cannot be read here.
  Program fallback;
  fallback.language = tool_language({});
  std::shared_ptr<const Program> program;
  for (const BotConfig& bot : link.config().bots)
    if (bot.name == options.bot) program = scenario_of(bot);
  const auto format = ticket_format(options.file_format);
  if (!format) return kExitMisuse;
  const std::string text = redact(export_ticket(program ? *program : fallback, ticket, messages, *format).reference);
  if (::isatty(STDOUT_FILENO) == 0) {
    std::cout << text;
    return kExitClean;
  }
  // What people wrote must not act on a terminal.
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::cout << printable(std::string_view(text).substr(at, end - at)) << "\n";
    at = end + 1;
  }
  return kExitClean;
}

}  // namespace

int run_agents(const AgentsOptions& options) {
  auto link = OperatorLink::open(options.config);
  if (!link) return kExitErrors;
  return options.what == AgentsOptions::What::List ? list_agents(*link, options) : change_agent(*link, options);
}

int run_invite(const InviteOptions& options) {
  auto link = OperatorLink::open(options.config);
  if (!link) return kExitErrors;
  const auto entrance = entrance_of(link->config(), options);
  if (!entrance) return kExitErrors;
  const auto code = fresh_code();
  if (!code) return complain("the system gives no random numbers");
  // The process that serves gets to know the hash alone.
  const auto answer =
      ask(*link, {{"op", "invite"}, {"bot", entrance->bot}, {"desk", options.desk}, {"hash", sha256_hex(*code)}});
  if (!answer) return kExitErrors;
  const auto until = (*answer)["until_unix_ms"].get<std::int64_t>();
  const std::string command = entrance->command.empty() ? *code : entrance->command + " " + *code;
  if (options.format == "json") {
    std::cout << dump({{"bot", entrance->bot}, {"desk", options.desk}, {"text", command}, {"until_unix_ms", until}}) << "\n";
    return kExitClean;
  }
  std::cout << in("Пусть один человек напишет боту в личный чат (до ", "Let one person write this to the bot in a private chat (until ")
            << shown_time(until) << "):\n"
            << printable(command) << "\n";
  if (entrance->command.empty())
    std::cout << in("перед кодом стоит команда регистрации из сценария, который отсюда не прочитать\n",
                    "before the code stands the command of registration, from the scenario that cannot be read here\n");
  return kExitClean;
}

int run_tickets(const TicketsOptions& options) {
  auto link = OperatorLink::open(options.config);
  if (!link) return kExitErrors;
  return options.what == TicketsOptions::What::List ? list_tickets(*link, options) : export_one(*link, options);
}

}  // namespace sufler
