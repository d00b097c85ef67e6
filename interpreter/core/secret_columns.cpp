#include "interpreter/core/secret_columns.h"

#include <optional>
#include <vector>

namespace sufler {
namespace {

class Followed {
 public:
  explicit Followed(const Program& program) : program_(program) {
    for (const Question& question : program.questions)
      if (question.secret) origin_.emplace(question.name, question.name);
    for (bool more = !origin_.empty(); more;) {
      more = false;
      for (const Step& step : program.steps) more = follow(step) || more;
      for (const Question& question : program.questions)
        for (const Option& option : question.buttons.options) more = follow(option.set) || more;
    }
  }

  /// The secret question whose answer stands under this name.
  const std::string* origin(const std::string& name) const {
    const auto found = origin_.find(name);
    return found == origin_.end() ? nullptr : &found->second;
  }
  const std::string* origin(const Expression& expression) const {
    for (const NameUse& use : expression.names()) {
      std::string name;
      for (const std::string& part : use.path) {
        name += (name.empty() ? "" : ".") + part;
        if (const std::string* found = origin(name)) return found;
      }
    }
    return nullptr;
  }

 private:
  bool follow(const std::vector<Assignment>& assignments) {
    bool more = false;
    for (const Assignment& one : assignments) {
      const std::string* from = origin(one.value);
      if (!from) continue;
      std::string name;
      for (const std::string& part : one.path) name += (name.empty() ? "" : ".") + part;
      more = origin_.emplace(std::move(name), std::string(*from)).second || more;
    }
    return more;
  }
  bool follow(const Step& step) {
    if (const auto* set = std::get_if<Set>(&step.verb)) return follow(set->assignments);
    if (const auto* call = std::get_if<Call>(&step.verb)) return follow(call->with);
    const auto* choose = std::get_if<Choose>(&step.verb);
    bool more = false;
    if (choose)
      for (const Option& option : choose->buttons.options) more = follow(option.set) || more;
    return more;
  }

  const Program& program_;
  std::map<std::string, std::string> origin_;
};

}  // namespace

std::map<std::string, SecretColumn> secret_columns(const Program& program, TableId table) {
  std::map<std::string, SecretColumn> found;
  const Followed followed(program);
  const std::vector<Column>& columns = program.tables[table.value].columns;
  for (const Column& column : columns) {
    for (const Question& question : program.questions)
      if (question.secret && question.name == column.name) found.emplace(column.name, SecretColumn{question.name, {}});
  }
  const auto add = [&](const std::string& name, const std::string* question, StepId step) {
    if (!question) return;
    for (const Column& column : columns)
      if (column.name == name && column.type != ColumnType::Boolean) found.emplace(name, SecretColumn{*question, step});
  };
  for (std::uint32_t i = 0; i < program.steps.size(); ++i) {
    const auto& verb = program.steps[i].verb;
    const auto* save = std::get_if<Save>(&verb);
    const auto* update = std::get_if<Update>(&verb);
    if (save && save->table == table && !save->values) {
      for (const Column& column : columns) add(column.name, followed.origin(column.name), StepId{i});
    } else if (save && save->table == table) {
      for (const ColumnValue& one : *save->values) add(one.column, followed.origin(one.value), StepId{i});
    } else if (update && update->table == table) {
      for (const ColumnValue& one : update->values) add(one.column, followed.origin(one.value), StepId{i});
    }
  }
  return found;
}

}  // namespace sufler
