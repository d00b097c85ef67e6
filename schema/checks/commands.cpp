// Words that commands answer to: no two may share one, and they win over labels (LANGUAGE 14, Commands).
#include "schema/loading.h"

namespace sufler {
namespace {

/// A button that does what the command does loses nothing to it: `Назад` beside the command `back`.
bool same_effect(const Program& program, const Command& command, const Target& target) {
  if (command.action == Command::Action::Target) {
    return (command.target.go && target.go == command.target.go) ||
           (command.target.call && target.call == command.target.call);
  }
  if (!target.steps) return false;
  const Block& block = program.block(target.steps);
  if (block.steps.size() != 1) return false;
  const auto& verb = program.step(block.steps[0]).verb;
  switch (command.action) {
    case Command::Action::Back: return std::holds_alternative<Back>(verb);
    case Command::Action::Restart: return std::holds_alternative<Restart>(verb);
    case Command::Action::End: return std::holds_alternative<End>(verb);
    default: return false;
  }
}

}  // namespace

void check_commands(Loading& loading) {
  const Program& program = loading.program;
  std::unordered_map<std::string_view, const Command*> by_word;
  for (const Command& command : program.commands) {
    for (std::size_t i = 0; i < command.folded.size(); ++i) {
      if (command.folded[i].empty()) continue;
      const auto [first, fresh] = by_word.emplace(command.folded[i], &command);
      if (fresh) continue;
      const auto place = [&](const Command& of) {
        const auto word = loading.command_words.find(command.folded[i] + '\n' + of.name);
        return word == loading.command_words.end() ? of.span : word->second;
      };
      Diagnostic& problem =
          loading.report(DiagnosticId::CommandWordTwice, place(command), {command.words[i]});
      problem.related.push_back({"", place(*first->second)});
      hint(loading, problem, "leave the word to one of them", "оставьте это слово одной из них");
    }
  }
  std::unordered_map<Intent, const Command*> by_meaning;
  for (const Command& command : program.commands) {
    for (const Intent intent : command.means) {
      const auto [first, fresh] = by_meaning.emplace(intent, &command);
      if (fresh || first->second == &command) continue;
      const auto place = [&](const Command& of) {
        const auto word = loading.command_words.find(meaning_key(intent) + of.name);
        return word == loading.command_words.end() ? of.span : word->second;
      };
      Diagnostic& problem = loading.report(DiagnosticId::CommandMeansTwice, place(command),
                                           {loading.say(word_of(intent), place(command)), first->second->name, command.name});
      problem.related.push_back({"", place(*first->second)});
      hint(loading, problem, "leave it to one of them", "оставьте это одной из них");
    }
  }
  if (by_word.empty()) return;
  auto check_labels = [&](const Buttons& buttons) {
    for (const Option& option : buttons.options) {
      if (option.label.any_of.size() != 1 || !option.label.any_of[0].is_constant()) continue;
      const std::string& label = option.label.any_of[0].source();
      const auto found = by_word.find(fold(label));
      if (found == by_word.end() || same_effect(program, *found->second, option.target)) continue;
      Diagnostic& problem = loading.report(DiagnosticId::CommandHidesLabel, option.span,
                                           {label, found->second->name});
      problem.related.push_back({"", found->second->span});
      hint(loading, problem, "give the button or the command another word",
           "дайте кнопке или команде другое слово");
    }
  };
  for (const Step& step : program.steps) {
    if (const auto* choose = std::get_if<Choose>(&step.verb)) check_labels(choose->buttons);
  }
  for (const Question& question : program.questions) {
    if (question.free_words_are_commands) check_labels(question.buttons);
  }
}

}  // namespace sufler
