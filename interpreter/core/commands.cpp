#include <algorithm>

#include "interpreter/core/patterns.h"
#include "interpreter/core/play.h"
#include "interpreter/core/questions/questions.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {
namespace {

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '@' ||
         static_cast<unsigned char>(c) >= 0x80;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (std::size_t i = 0; i < text.size() && words.size() < 100;) {
    const char32_t c = next_code_point(text, i);
    if (!is_space(c)) {
      append_utf8(word, c);
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty() && words.size() < 100) words.push_back(std::move(word));
  return words;
}

bool is_for(const Command& command, const std::vector<std::string>* roles) {
  return !roles || command.role.empty() ||
         std::find(roles->begin(), roles->end(), command.role) != roles->end();
}

bool repeat_pending(Play& play) {
  if (play.state.waiting.what == Waiting::For::Nothing) return false;
  if (play.state.waiting.what == Waiting::For::Pause) {
    tell_resting(play);
    return true;
  }
  if (play.state.waiting.what == Waiting::For::Job) {
    play.say_phrase(Phrase::Resting);
    return true;
  }
  Waiting waiting = std::move(play.state.waiting);
  play.drop_timers();
  play.state.waiting = Waiting{};
  if (play.show(std::move(waiting)) == Flow::Next) play.run();
  return true;
}

void restart(Play& play) {
  play.forget_answers();
  play.jump(play.program.start);
  play.run();
}

void carry_out(Play& play, const Command& command) {
  State& state = play.state;
  switch (command.action) {
    case Command::Action::Target:
      if (command.target.go) state.past.clear();
      play.interrupt(command.target);
      play.run();
      return;
    case Command::Action::Back:
      if (play.go_back()) {
        if (state.waiting.what == Waiting::For::Nothing) play.run();
        return;
      }
      if (!play.fault) tell_no_way_back(play);
      if (play.fault) play.run();
      return;
    case Command::Action::Restart: restart(play); return;
    case Command::Action::End:
      play.end_dialog();
      play.forget_answers();
      play.say_phrase(Phrase::Ended);
      return;
    case Command::Action::Resume:
      if (state.relay) {
        leave_relay(play, true, command.target);
      } else if (state.silence) {
        if (command.target) {
          state.silence.reset();
          state.waiting = Waiting{};
          play.interrupt(command.target);
          play.run();
        } else {
          wake(play, true);
        }
      } else if (command.target) {
        play.interrupt(command.target);
        play.run();
      } else if (!repeat_pending(play)) {
        play.jump(play.program.start);  // awake already, and nothing to return to
        play.run();
      }
      return;
  }
}

/// Whether the words are those of a button that is there: then they are an answer, whatever else they mean.
bool is_button_here(Play& play, std::string_view folded) {
  if (folded.empty()) return false;
  const std::string_view text = trim(play.heard.text);
  const Waiting& waiting = play.state.waiting;
  const Question* question = question_of(play.program, waiting);
  const bool chooses = waiting.what == Waiting::For::Choice ||
                       (question && waiting.what == Waiting::For::Answer && question->type == QuestionType::Choice);
  if (chooses ? find_label(text, waiting.shown) : find_same_label(text, waiting.shown)) return true;
  if (play.state.offer && find_same_label(text, play.state.offer->shown)) return true;
  if (!question) return false;
  // Buttons of the bot's own, as `phrases:` has them: `no: Отмена`.
  const auto is = [&](Phrase phrase) { return fold(play.phrase_text(phrase)) == folded; };
  if (question->optional && is(Phrase::Skip)) return true;
  const bool yes_no = question->type == QuestionType::YesNo || waiting.what == Waiting::For::Confirmation;
  if (yes_no && (is(Phrase::Yes) || is(Phrase::No))) return true;
  return (question->type == QuestionType::Choices || question->type == QuestionType::Files) && is(Phrase::Done);
}

/// Puts the arguments where the branch will look for them.
bool set_arguments(Play& play, const Command& command, std::string_view rest) {
  play.heard.args = words_of(rest);
  play.heard.payload = std::string(trim(rest));
  for (std::size_t i = 0; i < command.args.size(); ++i) {
    Value value;
    if (i < play.heard.args.size()) value = Value(play.heard.args[i]);
    if (!play.set_variable(command.args[i], std::move(value))) return false;
  }
  return true;
}

}  // namespace

std::string_view slash_command(std::string_view text) {
  text = trim(text);
  if (text.size() < 2 || text.front() != '/') return {};
  std::size_t end = 1;
  while (end < text.size() && is_word_byte(text[end])) ++end;
  // `/home/anna` and `/?` are no commands.
  if (end == 1 || (end < text.size() && text[end] != ' ' && text[end] != '\n' && text[end] != '\t')) return {};
  const std::string_view word = text.substr(1, end - 1);
  return word.substr(0, word.find('@'));
}

void tell_no_way_back(Play& play) {
  tell(play, play.phrase(Phrase::NoWayBack));
}

FoundCommand find_command(const Program& program, std::string_view text, std::string_view folded,
                          bool free_words, const std::vector<std::string>* roles) {
  const std::string_view slash = slash_command(text);
  if (!slash.empty()) {
    const std::string word = fold("/" + std::string(slash));
    for (const Command& command : program.commands) {
      if (!is_for(command, roles)) continue;
      for (const std::string& known : command.folded) {
        if (known != word) continue;
        const std::string_view trimmed = trim(text);
        std::size_t end = trimmed.find_first_of(" \n\t");
        if (end == std::string_view::npos) end = trimmed.size();
        return {&command, static_cast<std::size_t>(trimmed.data() - text.data()) + end};
      }
    }
  }
  if (!free_words || folded.empty()) return {};
  for (const Command& command : program.commands) {
    if (!is_for(command, roles)) continue;
    for (const std::string& known : command.folded) {
      if (known == folded) return {&command, text.size()};
    }
    if (command.args.empty()) continue;
    // `цена латте`: the word, then its arguments.
    const std::string_view trimmed = trim(text);
    const std::size_t end = trimmed.find_first_of(" \n\t");
    if (end == std::string_view::npos) continue;
    const std::string first = fold(trimmed.substr(0, end));
    for (const std::string& known : command.folded) {
      if (!first.empty() && known == first)
        return {&command, static_cast<std::size_t>(trimmed.data() - text.data()) + end};
    }
  }
  for (const Command& command : program.commands) {
    if (!command.pattern.empty() && is_for(command, roles) && matches_somewhere(command.pattern, folded))
      return {&command, text.size()};
  }
  return {};
}

namespace {

/// `asked_yes_no`: there `нет, стоп` is an answer.
const Command* find_meant_here(const Program& program, std::string_view text, bool as_answer, bool asked_yes_no,
                               const std::vector<std::string>* roles) {
  const bool any = std::any_of(program.commands.begin(), program.commands.end(),
                               [](const Command& command) { return !command.means.empty(); });
  if (!any || slash_command(text) == "start") return nullptr;
  const auto intent = read_control(text, as_answer, asked_yes_no);
  if (!intent) return nullptr;
  for (const Command& command : program.commands) {
    if (is_for(command, roles) && std::find(command.means.begin(), command.means.end(), *intent) != command.means.end())
      return &command;
  }
  return nullptr;
}

}  // namespace

const Command* find_meant(const Program& program, std::string_view text, bool as_answer,
                          const std::vector<std::string>* roles) {
  return find_meant_here(program, text, as_answer, true, roles);
}

bool hear_command(Play& play, std::string_view folded, bool only_during_handoff) {
  const Question* question = question_of(play.program, play.state.waiting);
  const bool free_words = !question || question->free_words_are_commands;
  const std::string_view text = play.heard.text;
  FoundCommand found = find_command(play.program, text, folded, free_words, &play.around.roles);
  if (!found.command && free_words && (only_during_handoff || !is_button_here(play, folded))) {
    const bool as_answer = !only_during_handoff && question && question->type != QuestionType::Name &&
                           play.state.waiting.what == Waiting::For::Answer && kind_of(*question).takes_any_text;
    const bool asked_yes_no =
        question && (question->type == QuestionType::YesNo || play.state.waiting.what == Waiting::For::Confirmation);
    found = {find_meant_here(play.program, text, as_answer, asked_yes_no, &play.around.roles), text.size()};
  }
  if (found.command) {
    if (only_during_handoff && !found.command->during_handoff) return false;
    const Command& command = *found.command;
    play.span = command.span;
    play.heard.command = command.name;
    if (play.traces()) {
      const auto index = static_cast<std::uint32_t>(&command - play.program.commands.data());
      play.note({Way::What::Command, {}, {}, index}, Value(command.name));
    }
    const std::string rest(text.substr(std::min(found.word_bytes, text.size())));
    if (!set_arguments(play, command, rest)) {
      play.run();
      return true;
    }
    carry_out(play, command);
    return true;
  }
  if (only_during_handoff || slash_command(text) != "start") return false;
  // Telegram's way to open a bot; what follows is the payload of a deep link.
  const std::string_view trimmed = trim(text);
  const std::size_t end = trimmed.find_first_of(" \n\t");
  play.heard.command = "start";
  if (play.traces()) play.note({Way::What::Start, {}, {}, 0});
  if (end != std::string_view::npos) {
    play.heard.args = words_of(trimmed.substr(end));
    play.heard.payload = std::string(trim(trimmed.substr(end)));
  }
  const bool in_dialog = play.state.waiting.what != Waiting::For::Nothing || !play.state.frames.empty();
  if (in_dialog) play.forget_answers();
  play.state.past.clear();
  if (!play.program.start) return true;
  play.jump(play.program.start);
  play.run();
  return true;
}

}  // namespace sufler
