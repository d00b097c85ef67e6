#include "tools/recorded.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "interpreter/core/text.h"
#include "interpreter/runtime/operations.h"
#include "tools/commands.h"

namespace sufler {
namespace {

using Json = nlohmann::ordered_json;

/// The longest list that the process gives.
constexpr std::size_t kMostDialogs = 10'000;

std::optional<Json> ask(OperatorLink& link, const Json& request) {
  const auto answer = link.ask(request.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!answer) {
    complain(answer.error().empty() ? "the process has stopped meanwhile; try again" : answer.error());
    return std::nullopt;
  }
  return Json::parse(*answer, nullptr, false);
}

RecordedDialog dialog_of(const Json& line) {
  RecordedDialog dialog;
  dialog.id = line.value("id", std::int64_t{0});
  dialog.key = {line.value("bot", ""), {line.value("transport", ""), line.value("chat", "")}, line.value("user", "")};
  dialog.user = line.value("person", "");
  for (const Json& one : line["rows"]) {
    JournalRow row;
    row.dialog_id = dialog.id;
    row.at.unix_ms = one.value("at_unix_ms", std::int64_t{0});
    row.event = one.value("event", "");
    row.turn = one.value("turn", "");
    row.version = one.value("version", "");
    dialog.rows.push_back(std::move(row));
  }
  return dialog;
}

}  // namespace

std::optional<std::vector<DialogSummary>> recent_dialogs(OperatorLink& link, const std::string& bot, std::size_t limit) {
  const auto answer = ask(link, {{"op", "dialogs"}, {"bot", bot}, {"limit", std::min(limit, kMostDialogs)}});
  if (!answer) return std::nullopt;
  std::vector<DialogSummary> dialogs;
  for (const Json& line : (*answer)["dialogs"])
    dialogs.push_back({line.value("id", std::int64_t{0}), line.value("bot", ""),
                       Moment{line.value("changed_at_unix_ms", std::int64_t{0})}});
  return dialogs;
}

bool read_dialogs(OperatorLink& link, const std::vector<std::int64_t>& ids,
                  const std::function<void(const RecordedDialog&)>& each) {
  std::vector<std::int64_t> waiting(ids.rbegin(), ids.rend());
  while (!waiting.empty()) {
    std::vector<std::int64_t> some;
    for (; !waiting.empty() && some.size() < kDialogsAtOnce; waiting.pop_back()) some.push_back(waiting.back());
    const auto answer = ask(link, {{"op", "journal"}, {"dialogs", some}});
    if (!answer) return false;
    for (const Json& line : (*answer)["dialogs"]) each(dialog_of(line));
    // Too much for one answer.
    if (const auto left = answer->find("left"); left != answer->end())
      for (auto id = left->rbegin(); id != left->rend(); ++id) waiting.push_back(id->get<std::int64_t>());
  }
  return true;
}

std::optional<RecordedDialog> read_dialog(OperatorLink& link, const std::string& dialog, const std::string& bot) {
  std::int64_t id = 0;
  if (dialog.find(':') != std::string::npos) {
    const auto answer = ask(link, {{"op", "dialogs"}, {"bot", bot}, {"limit", kMostDialogs}});
    if (!answer) return std::nullopt;
    for (const Json& line : (*answer)["dialogs"])
      if (id == 0 && line.value("user", "") == dialog) id = line.value("id", std::int64_t{0});
  } else if (!dialog.empty() && dialog.size() < 19 && dialog.find_first_not_of("0123456789") == std::string::npos) {
    id = std::stoll(dialog);
  }
  std::optional<RecordedDialog> found;
  if (id != 0 && !read_dialogs(link, {id}, [&](const RecordedDialog& one) { found = one; })) return std::nullopt;
  if (!found) complain("there is no dialog " + dialog + "; `sufler dialogs` lists them, a person is written telegram:123");
  return found;
}

std::shared_ptr<const Program> program_at(const std::string& path, Language language, SourceMap& sources) {
  Loaded loaded = load_scenario(path);
  if (!loaded.program) {
    std::cerr << render_text(loaded.diagnostics.sorted(), loaded.sources, language);
    return nullptr;
  }
  sources = std::move(loaded.sources);
  return loaded.program;
}

std::shared_ptr<const Program> program_of(const OperatorLink& link, const std::string& bot, Language language,
                                          SourceMap& sources) {
  for (const BotConfig& one : link.config().bots)
    if (one.name == bot && !one.scenario.empty()) return program_at(one.scenario, language, sources);
  complain("the configuration names no scenario for the bot `" + bot + "`");
  return nullptr;
}

std::string one_line(std::string_view text, std::size_t most) {
  std::string line;
  for (const char c : printable(first_code_points(text, most))) line += c;
  std::string out;
  // `printable` writes ends of lines as \x0a.
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line.compare(i, 4, "\\x0a") == 0) {
      out += " ⏎ ";
      i += 3;
    } else {
      out += line[i];
    }
  }
  if (count_code_points(text) > most) out += "…";
  return out;
}

}  // namespace sufler
