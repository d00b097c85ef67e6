#include "tools/record_runs.h"

#include <algorithm>

#include "interpreter/core/mail/order.h"
#include "tools/crm_orders.h"
#include "tools/mocked_model.h"
#include "tools/yaml_text.h"

namespace sufler {

std::string talk_yaml(const Value& value, Masker& masker, Value& played) {
  played = value;
  if (const std::string* text = value.text()) {
    std::string masked = masker.text(*text);
    std::string yaml = quoted_yaml(masked);
    played = Value(std::move(masked));
    return yaml;
  }
  if (value.number()) return value.number()->to_string();
  if (value.boolean()) return *value.boolean() ? "true" : "false";
  if (const List* list = value.list()) {
    List items;
    std::string yaml = "[";
    for (const Value& item : *list) {
      yaml += yaml.size() > 1 ? ", " : "";
      yaml += talk_yaml(item, masker, items.emplace_back());
    }
    played = Value(std::move(items));
    return yaml + "]";
  }
  if (const ValueMap* map = value.map()) {
    ValueMap items;
    std::string yaml = "{";
    for (const auto& [name, item] : *map) {
      Value one;
      yaml += (yaml.size() > 1 ? ", " : "") + quoted_yaml(name) + ": " + talk_yaml(item, masker, one);
      items.set(name, std::move(one));
    }
    played = Value(std::move(items));
    return yaml + "}";
  }
  played = Value();
  return "null";
}

RecordedRuns::RecordedRuns(const RecordedDialog& dialog, std::size_t first) {
  for (std::size_t i = first; i < dialog.rows.size(); ++i) {
    const JournalRow& row = dialog.rows[i];
    Event event;
    if (from_json(row.event, event)) {
      if (const auto* done = std::get_if<JobDone>(&event.what)) {
        const std::string serial = std::to_string(done->serial);
        Call* of = nullptr;
        for (auto& [name, program] : programs_)
          for (Call& call : program.calls)
            if (!call.done && (call.serial == serial || (call.serial.empty() && !of))) of = &call;
        if (of) {
          of->done = true;
          of->result = done->result;
          of->error = done->error;
        }
      }
    }
    for (const RecordedJob& job : jobs_of(row.turn)) programs_[job.name].calls.push_back({job.serial, false, {}, {}});
  }
}

JobResult RecordedRuns::next(const Job& job, const Zone& zone, Masker& masker) {
  Program& program = programs_[job.service + " " + job.name];
  if (job.service == kMailService) {  // nobody waits for most letters; a talk says of one that it was refused
    const bool refused = program.called < program.calls.size() && !program.calls[program.called].error.empty();
    const std::string why = refused ? masker.text(program.calls[program.called].error) : std::string();
    ++program.called;
    letters_.push_back(refused ? "{error: " + quoted_yaml(why) + "}" : "ok");
    letters_refused_ = letters_refused_ || refused;
    return refused ? JobResult{JobResult::Kind::Failed, {}, why, {}, {}} : JobResult{};
  }
  if (AskedCrm asked; read_asked(job, asked) && !asked.waits) {  // nobody looks at what came of it
    ++program.called;
    return {};
  }
  const std::optional<std::string> assistant = assistant_of_request(job);
  Mock& mock = mocks_[job.service + " " + assistant.value_or(job.name)];
  Call call;
  if (program.called < program.calls.size()) call = program.calls[program.called];
  ++program.called;
  if (!call.done) call.error = "no result";
  if (!call.error.empty()) {
    const std::string why = masker.text(call.error);
    mock.given.push_back("{error: " + quoted_yaml(why) + "}");
    return {JobResult::Kind::Failed, {}, why, {}, {}};
  }
  Value played;
  mock.given.push_back(talk_yaml(assistant ? mock_of_answer(call.result) : call.result, masker, played));
  if (assistant) return answer_of_mock(played, job, zone);
  mock.is_list = played.list() != nullptr;
  return {JobResult::Kind::Done, std::move(played), {}, {}, {}};
}

std::string RecordedRuns::mock() const {
  std::map<std::string, std::string> services;
  for (const auto& [of, mock] : mocks_) {
    const std::size_t space = of.find(' ');
    std::string& lines = services[of.substr(0, space)];
    lines += "        " + quoted_yaml(of.substr(space + 1)) + ":";
    // A list is one entry a call.
    if (mock.given.size() == 1 && !mock.is_list) {
      lines += " " + mock.given.front() + "\n";
      continue;
    }
    lines += "\n";
    for (const std::string& given : mock.given) lines += "          - " + given + "\n";
  }
  if (letters_refused_)
    for (const std::string& given : letters_) services["mail"] += "        - " + given + "\n";
  std::string out;
  for (const auto& [service, lines] : services) out += "      " + service + ":\n" + lines;
  return out.empty() ? out : "    mock:\n" + out;
}

}  // namespace sufler
