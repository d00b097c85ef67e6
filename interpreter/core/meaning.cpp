#include "interpreter/core/meaning.h"

#include "interpreter/core/crm/order.h"
#include "interpreter/core/crm_handoff.h"
#include "interpreter/core/happenings.h"
#include "interpreter/core/http/order.h"
#include "interpreter/core/mail/html_template.h"
#include "interpreter/core/tables/similarity.h"

namespace sufler {
namespace {

class Writer {
 public:
  Writer(const Program& program, With with) : program_(program), with_(with) {}

  std::string take() { return std::move(out_); }

  void word(std::string_view text) {
    out_ += text;
    out_ += '\x1f';
  }
  void number(std::uint64_t value) { word(std::to_string(value)); }
  void text(const Text& text) { word(with_ == With::Texts ? source_of(text) : text.empty() ? "" : "…"); }
  void text(const std::optional<Text>& one) { text(one ? *one : Text{}); }
  void expression(const Expression& one) { word(one.source()); }
  void expression(const std::optional<Expression>& one) { word(source_of(one)); }
  void duration(const std::optional<Duration>& one) { word(one ? one->to_string() : "-"); }
  void branch(BranchId id) { word(id ? program_.branch(id).name : "-"); }

  void target(const Target& target) {
    if (target.go) word("go"), branch(target.go);
    if (target.call) word("call"), branch(target.call);
    if (target.steps) block(target.steps);
    out_ += ';';
  }
  void block(BlockId id) {
    out_ += '(';
    if (id)
      for (const StepId step : program_.block(id).steps) this->step(program_.step(step));
    out_ += ')';
  }
  void assignments(const std::vector<Assignment>& all) {
    for (const Assignment& one : all) {
      for (const std::string& part : one.path) word(part);
      expression(one.value);
    }
  }
  void attach(const Attach& attach) {
    for (const Attachment& file : attach.files) word(file.reference);
    for (const Expression& one : attach.expressions) expression(one);
  }
  void buttons(const Buttons& buttons) {
    for (const Option& option : buttons.options) {
      word(source_of(option.label));
      target(option.target);
      assignments(option.set);
      word(source_of(option.url));
      expression(option.when);
      word(option.value ? to_json(*option.value) : "-");
    }
    if (!buttons.from) return;
    expression(buttons.from->from);
    expression(buttons.from->label);
    expression(buttons.from->value);
  }
  /// Where a place leads, without what it shows.
  void ways(const Buttons& buttons) {
    for (const Option& option : buttons.options)
      if (option.target.steps) target(option.target);
  }
  void ways(const std::optional<Timeout>& timeout) {
    if (timeout) target(timeout->target);
  }
  void values(const std::vector<ColumnValue>& all) {
    for (const ColumnValue& one : all) word(one.column), expression(one.value);
  }
  void table(TableId id) { word(id ? program_.tables[id.value].name : "-"); }

  void step(const Step& step) {
    out_ += '[';
    number(step.verb.index());
    expression(step.when);
    std::visit([this](const auto& verb) { this->verb(verb); }, step.verb);
    out_ += ']';
  }

 private:
  void verb(const Say& say) {
    text(say.text);
    attach(say.attach);
    if (say.buttons) buttons(*say.buttons);
    number(say.remove_keyboard ? 1 : 0);
    duration(say.typing);
  }
  void verb(const Choose& choose) {
    word(choose.into);
    ways(choose.buttons);
    target(choose.otherwise);
    ways(choose.timeout);
  }
  void verb(const Ask& ask) {
    for (const QuestionId id : ask.questions) {
      if (!id) continue;
      const Question& question = program_.question(id);
      word(question.name);
      ways(question.buttons);
      target(question.otherwise);
      ways(question.timeout);
    }
  }
  void verb(const If& condition) {
    expression(condition.condition);
    target(condition.then_target);
    target(condition.else_target);
  }
  void verb(const Match& match) {
    expression(match.subject);
    for (const Match::Case& one : match.cases) word(to_json(one.value)), target(one.target);
    target(match.otherwise);
  }
  void verb(const For& loop) {
    word(loop.name);
    expression(loop.in);
    block(loop.body);
  }
  void verb(const Set& set) { assignments(set.assignments); }
  void verb(const Go& go) { branch(go.branch); }
  void verb(const Call& call) {
    branch(call.branch);
    assignments(call.with);
    word(call.into);
  }
  void verb(const Return& result) { expression(result.value); }
  void verb(const Back&) {}
  void verb(const Restart&) {}
  void verb(const End&) {}
  void verb(const Wait& wait) { expression(wait.until), expression(wait.duration_expression); }
  void verb(const ScheduleStep& schedule) {
    branch(schedule.branch);
    word(schedule.name);
    duration(schedule.in);
    expression(schedule.in_expression);
    expression(schedule.at);
  }
  void verb(const BroadcastStep& broadcast) {
    text(broadcast.text);
    branch(broadcast.branch);
    assignments(broadcast.with);
    attach(broadcast.attach);
    expression(broadcast.where);
    word(broadcast.name);
    number(broadcast.rate);
    number(broadcast.quiet ? static_cast<std::uint64_t>(broadcast.quiet->from.seconds) : 0);
    number(broadcast.quiet ? static_cast<std::uint64_t>(broadcast.quiet->to.seconds) : 0);
  }
  void verb(const CancelStep& cancel) { word(cancel.name); }
  void verb(const Save& save) {
    table(save.table);
    if (save.values) values(*save.values);
    word(save.into);
  }
  void verb(const Find& find) {
    table(find.table);
    expression(find.where);
    for (const SortKey& key : find.sort) word(key.column), number(key.descending ? 1 : 0);
    expression(find.limit);
    word(find.into);
    if (find.similar) similar(*find.similar);
  }
  void similar(const Similarity& similarity) {
    for (const Similarity::Near& one : similarity.near) {
      word(one.column);
      expression(one.to);
      word(std::to_string(one.weight));
      word(one.within ? std::to_string(one.within->amount) + (one.within->of_wanted ? "%" : "") : "-");
    }
  }
  void verb(const Count& count) { table(count.table), expression(count.where), word(count.into); }
  void verb(const Update& update) { table(update.table), expression(update.where), values(update.values); }
  void verb(const Delete& removal) { table(removal.table), expression(removal.where); }
  void verb(const Notify& notify) {
    word(notify.role);
    expression(notify.user);
    text(notify.text);
    attach(notify.attach);
    if (notify.buttons) buttons(*notify.buttons);
    number(notify.history ? 1 : 0);
  }
  void verb(const HandoffStep& handoff) {
    word(handoff.rule ? program_.handoffs[handoff.rule.value].name : "-");
    for (const Target& one : handoff.outcomes) target(one);
  }
  void verb(const Run& run) {
    word(run.program);
    assignments(run.with);
    word(run.into);
    target(run.on_error);
  }
  void verb(const Mail& mail) {
    for (const Template& one : mail.to) word(one.source());
    text(mail.subject);
    text(mail.text);
    word(mail.html_file);
    if (mail.html) word(mail.html->source());
    if (mail.report) expression(mail.report);
    attach(mail.attach);
    number(mail.history ? 1 : 0);
    target(mail.on_error);
  }
  void fields(const std::vector<CrmField>& all) {
    for (const CrmField& one : all) {
      word(one.name);
      if (one.value) expression(one.value);
      for (const Expression& item : one.items) expression(item);
      if (one.is_map) out_ += '{', fields(one.parts), out_ += '}';
    }
  }
  void verb(const HttpStep& http) {
    word(http.order->meaning);
    word(http.into);
    target(http.on_error);
  }
  void verb(const CrmStep& crm) {
    word(crm_word(crm.order->what));
    fields(crm.order->values);
    text(crm.order->text);
    number(crm.order->history ? 1 : 0);
    if (crm.order->what == CrmOrder::Do::Chat) number(crm.order->shown);
    duration(crm.order->in);
    expression(crm.order->in_expression);
    expression(crm.order->at);
    word(crm.into);
    target(crm.on_error);
  }
  void verb(const ReportStep& report) {
    word(report.name);
    number(static_cast<std::uint64_t>(report.format));
    text(report.title);
    table(report.table);
    number(report.this_talk ? 1 : 0);
    expression(report.where);
    for (const SortKey& key : report.sort) word(key.column), number(key.descending ? 1 : 0);
    for (const ReportStep::Column& column : report.columns) word(column.heading), expression(column.value);
    number(static_cast<std::uint64_t>(report.period.kind));
    duration(report.period.last);
    expression(report.period.from);
    expression(report.period.to);
    word(report.into);
    target(report.on_error);
  }
  void verb(const AssistantStep& step) {
    number(static_cast<std::uint64_t>(step.task));
    word(step.assistant ? program_.assistant(step.assistant).name : "-");
    expression(step.until);
    for (const std::string& one : step.of) word(one);
    for (const QuestionId field : step.fields) {
      word(program_.question(field).name);
      number(static_cast<std::uint64_t>(program_.question(field).type));
    }
    text(step.text);
    text(step.prompt);
    word(step.into);
    target(step.otherwise);
  }
  void verb(const Log& log) { text(log.text); }
  void verb(const Track& track) { word(track.event); }

  const Program& program_;
  With with_;
  std::string out_;
};

}  // namespace

std::string source_of(const Text& text) {
  std::string all;
  for (const Template& one : text.any_of) {
    if (!all.empty()) all += '\x1e';
    all += one.source();
  }
  return all;
}
std::string source_of(const std::optional<Text>& text) { return text ? source_of(*text) : std::string(); }
std::string source_of(const std::optional<Expression>& expression) {
  return expression ? expression->source() : std::string();
}

std::string meaning_of(const Program& program, const Target& target, With with) {
  Writer writer(program, with);
  writer.target(target);
  return writer.take();
}

std::string meaning_of(const Buttons& buttons, const Program& program) {
  Writer writer(program, With::Texts);
  writer.buttons(buttons);
  return writer.take();
}

std::vector<std::string> steps_of(const Program& program, BranchId branch, With with) {
  std::vector<std::string> steps;
  const BlockId block = program.branch(branch).block;
  if (!block) return steps;
  for (const StepId step : program.block(block).steps) {
    Writer writer(program, with);
    writer.step(program.step(step));
    steps.push_back(writer.take());
  }
  return steps;
}

std::string meaning_of(const Program& program, const Command& command) {
  Writer writer(program, With::Texts);
  writer.word(command.pattern);
  writer.number(command.means.size());
  for (const Intent intent : command.means) writer.number(static_cast<std::uint64_t>(intent));
  for (const std::string& argument : command.args) writer.word(argument);
  writer.word(command.role);
  writer.text(command.about);
  writer.number(command.during_handoff ? 1 : 0);
  writer.number(static_cast<std::uint64_t>(command.action));
  writer.target(command.target);
  return writer.take();
}

std::string meaning_of(const Program& program, const HandoffRule& rule) {
  Writer writer(program, With::Texts);
  writer.number(static_cast<std::uint64_t>(rule.mode));
  writer.word(rule.role);
  for (const std::string& word : rule.user_words) writer.word(word);
  writer.word("/");
  for (const std::string& word : rule.staff_words) writer.word(word);
  writer.duration(rule.resume_after);
  writer.branch(rule.resume_go);
  writer.number(rule.on_staff_message ? 1 : 0);
  if (rule.crm) {
    for (const std::string& stage : rule.crm->silent_at) writer.word(stage);
    writer.word("/");
    for (const std::string& stage : rule.crm->wakes_at) writer.word(stage);
    writer.word("/");
    writer.number(rule.crm->wakes_when_closed ? 1 : 0);
    writer.number(rule.crm->history);
  }
  if (rule.hours) {
    const HandoffRule::Hours& hours = *rule.hours;
    writer.number(hours.days);
    writer.word(hours.from.to_string());
    writer.word(hours.to.to_string());
    for (const auto& day : hours.holidays)
      writer.word(std::to_string(day.year) + "-" + std::to_string(day.month) + "-" + std::to_string(day.day));
    writer.branch(hours.otherwise);
  }
  writer.word(rule.desk ? program.desks[rule.desk.value].name : "-");
  for (const HandoffRule::Assign& assign : rule.assign) {
    writer.number(static_cast<std::uint64_t>(assign.how));
    writer.expression(assign.condition);
  }
  writer.number(rule.ask_name ? 1 : 0);
  for (const auto* text : {&rule.queue, &rule.greeting, &rule.closed_text}) writer.text(*text);
  writer.number(rule.rate ? 1 : 0);
  for (const auto* after :
       {&rule.remind_agent, &rule.reassign, &rule.close_idle, &rule.queue_timeout, &rule.reopen})
    writer.duration(*after);
  return writer.take();
}

std::string meaning_of(const Program& program, const Assistant& assistant) {
  Writer writer(program, With::Texts);
  writer.word(assistant.model);
  writer.word(assistant.instructions ? assistant.instructions->source() : "-");
  for (const std::string& file : assistant.knowledge) writer.word(file);
  const Assistant::Memory& memory = assistant.memory;
  writer.number(memory.last);
  writer.expression(memory.facts);
  writer.number(memory.budget);
  writer.number((memory.shared ? 1U : 0U) + (memory.summary ? 2U : 0U));
  for (const Assistant::Tool& tool : assistant.tools) {
    writer.word(tool.name);
    writer.branch(tool.branch);
    writer.word(tool.about);
    for (const QuestionId id : tool.with) {
      writer.word(program.question(id).name);
      writer.number(static_cast<std::uint64_t>(program.question(id).type));
    }
  }
  writer.number(assistant.per_user ? assistant.per_user->count : 0);
  writer.number(assistant.per_user ? static_cast<std::uint64_t>(assistant.per_user->per) : 0);
  writer.number(assistant.reply);
  writer.duration(assistant.gather);
  for (const std::string& host : assistant.links) writer.word(host);
  writer.target(assistant.otherwise);
  return writer.take();
}

std::string meaning_of(const Program& program, const Happening& event) {
  Writer writer(program, With::Texts);
  writer.number(static_cast<std::uint64_t>(event.kind));
  writer.branch(event.branch);
  writer.word(event.webhook);
  writer.word(event.secret_variable);
  writer.number(static_cast<std::uint64_t>(event.proof));
  writer.word(event.header);
  writer.expression(event.find_user);
  writer.expression(event.id);
  writer.word(event.answer ? event.answer->source() : "");
  writer.number(event.limit);
  writer.duration(event.period);
  for (const std::string& stage : event.stages) writer.word(stage);
  writer.word(event.pipeline);
  return writer.take();
}

std::string meaning_of(const Program& program, const Schedule& schedule) {
  Writer writer(program, With::Texts);
  writer.word(schedule.when.source);
  writer.branch(schedule.branch);
  writer.number(static_cast<std::uint64_t>(schedule.missed));
  writer.number(static_cast<std::uint64_t>(schedule.whom));
  writer.branch(schedule.resting_in);
  writer.duration(schedule.idle);
  writer.expression(schedule.where);
  return writer.take();
}

std::string meaning_of(const Desk& desk) {
  std::string all = desk.register_word + '\x1f' + desk.token_variable + '\x1f' + desk.topics + '\x1f' +
                    std::to_string(desk.capacity) + '\x1f' + (desk.accept ? desk.accept->to_string() : "-");
  for (const std::string& word : desk.commands) all += '\x1f' + word;
  for (const Desk::Reply& reply : desk.replies) all += '\x1e' + reply.name + '\x1f' + source_of(reply.text);
  return all;
}

}  // namespace sufler
