#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "interpreter/core/program.h"

/// Programs made by hand, without the loader: for what no scenario file can say, and for random ones.
namespace sufler::testing {

inline Text text_of(std::string_view source) {
  auto parsed = Template::parse(source);
  Text text;
  text.any_of.push_back(parsed ? *parsed : Template::plain(source));
  return text;
}
inline Expression expression(std::string_view source) {
  auto parsed = Expression::parse(source);
  return parsed ? *parsed : *Expression::parse("null");
}

class ProgramBuilder {
 public:
  ProgramBuilder() : program_(std::make_shared<Program>()) {
    program_->id = "test";
    program_->version = "1";
    program_->zone = *Zone::find("Europe/Moscow");
  }

  BranchId branch(const std::string& name) {
    if (const BranchId known = program_->find_branch(name)) return known;
    const BranchId id{static_cast<std::uint32_t>(program_->branches.size())};
    Branch added;
    added.name = name;
    added.block = block({}, id);
    program_->branches.push_back(std::move(added));
    if (!program_->start) program_->start = id;
    return id;
  }
  BlockId block(StepId parent, BranchId branch) {
    program_->blocks.push_back({{}, parent, branch});
    return BlockId{static_cast<std::uint32_t>(program_->blocks.size() - 1)};
  }
  BlockId block_of(BranchId branch) const { return program_->branch(branch).block; }
  /// An empty list inside a step, as `then:` has it.
  BlockId inner(StepId step) { return block(step, program_->block(program_->step(step).block).branch); }

  template <class Verb>
  StepId add(BlockId block, Verb verb, std::string place = {}) {
    const StepId id{static_cast<std::uint32_t>(program_->steps.size())};
    Step step;
    step.block = block;
    step.index = static_cast<std::uint32_t>(program_->blocks[block.value].steps.size());
    step.place = std::move(place);
    step.verb = std::move(verb);
    if (!step.place.empty()) program_->places[step.place] = {id, 0};
    program_->steps.push_back(std::move(step));
    program_->blocks[block.value].steps.push_back(id);
    return id;
  }
  template <class Verb>
  Verb& verb(StepId step) { return std::get<Verb>(program_->steps[step.value].verb); }

  QuestionId question(Question question) {
    program_->questions.push_back(std::move(question));
    return QuestionId{static_cast<std::uint32_t>(program_->questions.size() - 1)};
  }
  StepId say(BlockId block, std::string_view text) {
    Say say;
    say.text = text_of(text);
    return add(block, std::move(say));
  }
  StepId ask(BlockId block, Question asked) {
    const std::string place =
        program_->branch(program_->block(block).branch).name + "/" + asked.name;
    Ask ask;
    ask.questions = {question(std::move(asked))};
    ask.places = {place};
    return add(block, std::move(ask), place);
  }

  Program& program() { return *program_; }
  std::shared_ptr<const Program> done() const { return program_; }

 private:
  std::shared_ptr<Program> program_;
};

}  // namespace sufler::testing
