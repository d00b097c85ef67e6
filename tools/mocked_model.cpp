#include "tools/mocked_model.h"

#include "interpreter/core/plain_json.h"
#include "schema/vocabulary.h"

namespace sufler {

std::optional<std::string> assistant_of_request(const Job& job) {
  if (job.service != "assistant") return std::nullopt;
  const auto request = from_plain_json(job.request);
  const Value* name = request && request->map() ? request->map()->find("assistant") : nullptr;
  return name && name->text() ? std::optional<std::string>(*name->text()) : std::nullopt;
}

JobResult answer_of_mock(const Value& mock, const Job& job, const Zone& zone) {
  ValueMap result;
  const ValueMap* map = mock.map();
  const Value* error = map && map->size() == 1 ? map->find("error") : nullptr;
  if (error && error->text()) return {JobResult::Kind::Failed, {}, *error->text(), {}, {}};
  const auto of = [&](std::string_view english, std::string_view russian) -> const Value* {
    if (!map) return nullptr;
    const Value* value = map->find(english);
    return value ? value : map->find(russian);
  };
  result.set("finish", "stop");
  if (const Value* tool = of("tool", spelling(Word::Tool, Language::Russian)); tool && tool->text()) {
    ValueMap call;
    call.set("id", "call_" + std::to_string(job.id));
    call.set("name", *tool->text());
    const Value* with = of("with", spelling(Word::With, Language::Russian));
    // A text stands as it is: arguments that are no JSON.
    call.set("arguments", with && with->text() ? *with->text() : to_plain_json(with ? *with : Value(ValueMap()), zone));
    result.set("calls", List{Value(std::move(call))});
    result.set("finish", "tools");
  } else {
    result.set("text", mock.text() ? *mock.text() : to_plain_json(mock, zone));
  }
  return {JobResult::Kind::Done, Value(std::move(result)), {}, {}, {}};
}

Value mock_of_answer(const Value& result) {
  const ValueMap* map = result.map();
  if (!map) return result;
  const Value* calls = map->find("calls");
  const List* list = calls ? calls->list() : nullptr;
  const ValueMap* call = list && !list->empty() ? list->front().map() : nullptr;
  if (!call) {
    const Value* text = map->find("text");
    return text && text->text() ? *text : Value(std::string());
  }
  ValueMap entry;
  if (const Value* name = call->find("name")) entry.set("tool", *name);
  const Value* arguments = call->find("arguments");
  const auto parsed = from_plain_json(arguments && arguments->text() ? *arguments->text() : std::string());
  if (parsed && parsed->map()) {
    if (parsed->map()->size() != 0) entry.set("with", *parsed);
  } else if (arguments) {
    entry.set("with", *arguments);
  }
  return Value(std::move(entry));
}

}  // namespace sufler
