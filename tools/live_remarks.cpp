#include "tools/live_remarks.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <set>

#include "interpreter/runtime/config.h"
#include "interpreter/runtime/log.h"
#include "schema/change_text.h"
#include "storage/live_dialogs.h"
#include "tools/commands.h"
#include "tools/operator_link.h"

namespace sufler {
namespace {

/// What a problem is about: the nearest thing that begins before it in its file.
struct About {
  std::set<std::string> places;
  std::string branch;  ///< where no place is meant, all that wait in it
};

About about_of(const SourceSpan& problem, const Program& program) {
  std::uint32_t nearest = 0;
  const Branch* branch = nullptr;
  const Step* step = nullptr;
  QuestionId question;
  const auto is_nearer = [&](const SourceSpan& span) {
    if (span.file != problem.file || span.offset > problem.offset || span.offset < nearest) return false;
    nearest = span.offset;
    return true;
  };
  for (const Branch& one : program.branches)
    if (is_nearer(one.span)) branch = &one;
  for (const Step& one : program.steps)
    if (is_nearer(one.span)) step = &one;
  for (std::uint32_t i = 0; i < program.questions.size(); ++i)
    if (is_nearer(program.questions[i].span)) question = QuestionId{i};

  About about;
  if (question) {
    for (const Step& one : program.steps) {
      const auto* ask = std::get_if<Ask>(&one.verb);
      for (std::size_t q = 0; ask && q < ask->questions.size() && q < ask->places.size(); ++q)
        if (ask->questions[q] == question) about.places.insert(ask->places[q]);
    }
  } else if (step) {
    if (const auto* ask = std::get_if<Ask>(&step->verb)) {
      about.places.insert(ask->places.begin(), ask->places.end());
    } else if (!step->place.empty()) {
      about.places.insert(step->place);
    } else if (const BranchId own = program.block(step->block).branch) {
      about.branch = program.branch(own).name;
    }
  } else if (branch) {
    about.branch = branch->name;
  }
  return about;
}

bool same_path(const std::string& a, const std::string& b) {
  std::error_code unknown;
  return !a.empty() && std::filesystem::equivalent(a, b, unknown);
}

}  // namespace

std::optional<LiveRemarks> LiveRemarks::open(const std::string& config) {
  LoadedConfig loaded = load_place(config);
  if (!loaded.config) {
    std::cerr << redact(render_text(loaded.diagnostics.sorted(), loaded.sources, tool_language({})));
    return std::nullopt;
  }
  auto dialogs = LiveDialogs::open(loaded.config->database);
  if (!dialogs) {
    complain(dialogs.error().message);
    return std::nullopt;
  }
  LiveRemarks remarks;
  for (const BotConfig& bot : loaded.config->bots) {
    auto places = dialogs->places(bot.name);
    if (!places) {
      complain(places.error().message);
      return std::nullopt;
    }
    Waiting& waiting = remarks.bots_.emplace_back(Waiting{bot.name, bot.scenario, {}});
    for (const LiveDialogs::AtPlace& at : *places) waiting.places[at.place] = at.dialogs;
  }
  return remarks;
}

void LiveRemarks::tell(Diagnostic& problem, const std::string& path, const Program& program) {
  const About about = about_of(problem.span, program);
  const bool named = std::any_of(bots_.begin(), bots_.end(),
                                 [&](const Waiting& bot) { return same_path(bot.scenario, path); });
  std::int64_t dialogs = 0;
  for (const Waiting& bot : bots_) {
    if (named && !same_path(bot.scenario, path)) continue;
    for (const auto& [place, count] : bot.places) {
      const bool in_branch = !about.branch.empty() && place.starts_with(about.branch + "/");
      if (about.places.contains(place) || (about.places.empty() && in_branch)) dialogs += count;
    }
  }
  if (dialogs == 0) return;
  const bool here = !about.places.empty();
  const auto add = [&](std::string& hint, Language language) {
    if (!hint.empty()) hint += "; ";
    const bool russian = language == Language::Russian;
    hint += counted(dialogs, language, "dialog waits", "dialogs wait", "диалог ждёт", "диалога ждут", "диалогов ждут");
    hint += russian ? (here ? " здесь" : " в ветке `" + about.branch + "`") : here ? " here" : " in the branch `" + about.branch + "`";
  };
  add(problem.hint_en, Language::English);
  add(problem.hint_ru, Language::Russian);
}

}  // namespace sufler
