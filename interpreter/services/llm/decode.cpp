#include "interpreter/services/llm/decode.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "interpreter/core/text.h"
#include "interpreter/services/llm/errors.h"
#include "interpreter/services/llm/wire_json.h"

namespace sufler::llm {
namespace {

constexpr std::size_t kMostCalls = 128;

Failure bad_answer(std::string about) { return {Fault::BadAnswer, std::move(about), false, {}, false}; }

/// A text, or parts of which some are texts.
void append_content(const Json& content, Draft& draft) {
  if (content.is_string()) {
    draft.text += content.get_ref<const std::string&>();
    return;
  }
  if (!content.is_array()) return;
  for (const Json& part : content) {
    if (part.is_string()) draft.text += part.get_ref<const std::string&>();
    // Parts of other types are thoughts and pictures.
    const std::string type = text_of(part, "type");
    if (type.empty() || type == "text" || type == "output_text") draft.text += text_of(part, "text");
    if (type == "refusal") draft.refusal += text_of(part, "refusal");
    if (const Json* call = member(part, "function_call"); call && draft.calls.size() < kMostCalls)
      draft.calls.push_back({{}, text_of(*call, "name"), arguments_text(*call)});
  }
}

void read_calls(const Json& message, Draft& draft) {
  if (const Json* calls = member(message, "tool_calls"); calls && calls->is_array() && !calls->empty()) {
    for (const Json& call : *calls) {
      const Json* function = member(call, "function");
      if (!function || draft.calls.size() == kMostCalls) continue;
      draft.calls.push_back({text_of(call, "id"), text_of(*function, "name"), arguments_text(*function)});
    }
    return;
  }
  if (const Json* call = member(message, "function_call"); call && call->is_object())
    draft.calls.push_back({text_of(message, "functions_state_id"), text_of(*call, "name"), arguments_text(*call)});
}

/// GigaChat's second contract: `messages` instead of `choices`, content in parts.
void read_second_contract(const Json& body, const Json& messages, Draft& draft) {
  for (const Json& message : messages) {
    if (text_of(message, "role") != "assistant") continue;
    read_message(message, draft);
    std::string state = text_of(message, "tools_state_id");
    if (state.empty()) state = text_of(message, "tool_state_id");
    for (ToolCall& call : draft.calls)
      if (call.id.empty()) call.id = state;
  }
  draft.finish = text_of(body, "finish_reason");
}

bool reads_as_json(std::string_view text) { return !parse_wire(text).is_discarded(); }

Finish finish_of(const std::string& word) {
  if (word == "length" || word == "max_tokens") return Finish::Length;
  if (word == "content_filter" || word == "blacklist") return Finish::Filtered;
  return Finish::Stop;
}

/// Every call gets an id of its own: the results are told apart by it.
void set_ids(std::vector<ToolCall>& calls) {
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const auto is_taken = [&](const std::string& id) {
      return std::any_of(calls.begin(), calls.begin() + static_cast<std::ptrdiff_t>(i), [&](const ToolCall& one) { return one.id == id; });
    };
    for (int n = 1; calls[i].id.empty() || is_taken(calls[i].id); ++n) calls[i].id = "call" + std::to_string(10'000 + n);
  }
}

std::string_view without_fence(std::string_view text) {
  if (!text.starts_with("```")) return text;
  const std::size_t line = text.find('\n');
  if (line == std::string_view::npos) return text;
  text.remove_prefix(line + 1);
  if (const std::size_t end = text.rfind("```"); end != std::string_view::npos) text = text.substr(0, end);
  return trim(text);
}

}  // namespace

std::string arguments_text(const nlohmann::json& function) {
  const Json* arguments = member(function, "arguments");
  if (!arguments) return {};
  return arguments->is_string() ? arguments->get<std::string>() : dumped(*arguments);
}

void read_message(const nlohmann::json& message, Draft& draft) {
  if (const Json* content = member(message, "content")) append_content(*content, draft);
  draft.refusal += text_of(message, "refusal");
}

void read_usage(const nlohmann::json& body, Draft& draft) {
  const Json* usage = member(body, "usage");
  if (!usage || !usage->is_object()) return;
  const auto count = [&](const char* name, const char* other) -> std::optional<std::int64_t> {
    auto number = number_of(*usage, name);
    if (!number) number = number_of(*usage, other);
    if (number) number = std::clamp<std::int64_t>(*number, 0, 1'000'000'000);
    return number;
  };
  const auto in = count("prompt_tokens", "input_tokens");
  const auto out = count("completion_tokens", "output_tokens");
  if (in || out) draft.usage = Usage{in.value_or(0), out.value_or(0)};
}

std::string without_thoughts(std::string_view text, bool whole) {
  std::string out;
  static constexpr std::string_view kMarks[][2] = {{"<think>", "</think>"}, {"<thinking>", "</thinking>"}};
  for (const auto& mark : kMarks) {
    // The template of some models opens the thought before they begin to write.
    const std::size_t end = text.find(mark[1]);
    if (end != std::string_view::npos && text.substr(0, end).find(mark[0]) == std::string_view::npos)
      text.remove_prefix(end + mark[1].size());
  }
  for (;;) {
    std::size_t begin = std::string_view::npos;
    std::string_view closing;
    std::size_t behind = 0;
    for (const auto& mark : kMarks) {
      const std::size_t at = text.find(mark[0]);
      if (at >= begin) continue;
      begin = at;
      closing = mark[1];
      behind = at + mark[0].size();
    }
    if (begin == std::string_view::npos) break;
    out += text.substr(0, begin);
    const std::size_t end = text.find(closing, behind);
    if (end == std::string_view::npos) return std::string(trim(out));  // it thinks still, or was cut in thinking
    text.remove_prefix(end + closing.size());
  }
  out += text;
  if (whole) return std::string(trim(out));
  // `<thi` may become a mark.
  const std::size_t last = out.rfind('<');
  if (last != std::string::npos)
    for (const auto& mark : kMarks)
      for (const std::string_view one : mark)
        if (one.starts_with(std::string_view(out).substr(last))) return std::string(trim(std::string_view(out).substr(0, last)));
  return std::string(trim(out));
}

Result<ChatAnswer, Failure> finished(Draft draft) {
  ChatAnswer answer;
  const std::string finish = to_lower(draft.finish);
  answer.finish = finish_of(finish);
  answer.usage = draft.usage;
  std::string text = without_thoughts(mended(draft.text), true);
  for (ToolCall& call : draft.calls) {
    call.name = mended(call.name);
    call.arguments = mended(call.arguments);
    if (trim(call.arguments).empty()) call.arguments = "{}";
    if (answer.finish == Finish::Length && !reads_as_json(call.arguments))
      return Error{bad_answer("the answer was cut inside of a call: `reply` is too small")};
  }
  answer.calls = std::move(draft.calls);
  set_ids(answer.calls);
  if (!answer.calls.empty()) answer.finish = Finish::Tools;
  if (!text.empty()) answer.text = std::move(text);
  if (answer.text || !answer.calls.empty()) return answer;

  const std::string refusal = brief(draft.refusal);
  if (!refusal.empty()) return Error{Failure{Fault::Filtered, "the model refuses: " + refusal, false, {}, false}};
  if (answer.finish == Finish::Filtered) return Error{Failure{Fault::Filtered, "the server filters the answer", false, {}, false}};
  if (finish == "error") return Error{Failure{Fault::Unavailable, "the server broke off the answer", true, {}, false}};
  if (answer.finish == Finish::Length)
    return Error{bad_answer("the bound of the answer was reached before its first word: `reply` is too small, or the model thinks too long")};
  return Error{bad_answer("an empty answer")};
}

Result<ChatAnswer, Failure> read_answer(std::string_view body) {
  if (trim(body).empty()) return Error{bad_answer("an empty body")};
  const Json json = parse_wire(body);
  if (json.is_discarded()) return Error{bad_answer("no JSON: " + brief(body.substr(0, std::min<std::size_t>(body.size(), 2000))))};
  if (!json.is_object()) return Error{bad_answer("JSON of another form")};
  if (auto failure = failure_inside(json)) return Error{std::move(*failure)};
  Draft draft;
  read_usage(json, draft);
  const Json* choices = member(json, "choices");
  const Json* messages = member(json, "messages");
  if (choices && choices->is_array() && !choices->empty()) {
    const Json& choice = (*choices)[0];
    draft.finish = text_of(choice, "finish_reason");
    if (const Json* message = member(choice, "message")) {
      read_message(*message, draft);
      read_calls(*message, draft);
    } else {
      draft.text = text_of(choice, "text");  // of the older completions
    }
  } else if (messages && messages->is_array()) {
    read_second_contract(json, *messages, draft);
  } else {
    return Error{bad_answer("JSON without choices")};
  }
  return finished(std::move(draft));
}

bool keep_json(ChatAnswer& answer) {
  if (!answer.text || answer.finish == Finish::Length) return false;
  const std::string_view text = without_fence(trim(*answer.text));
  if (reads_as_json(text)) {
    answer.text = std::string(text);
    return true;
  }
  const std::size_t begin = text.find('{');
  const std::size_t end = text.rfind('}');
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) return false;
  const std::string_view inner = text.substr(begin, end + 1 - begin);
  if (!reads_as_json(inner)) return false;
  answer.text = std::string(inner);
  return true;
}

}  // namespace sufler::llm
