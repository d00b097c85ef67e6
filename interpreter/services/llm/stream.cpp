#include "interpreter/services/llm/stream.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "interpreter/core/text.h"
#include "interpreter/services/llm/errors.h"
#include "interpreter/services/llm/wire_json.h"

namespace sufler::llm {
namespace {

constexpr std::size_t kMostCalls = 128;

Failure bad_answer(std::string about) { return {Fault::BadAnswer, std::move(about), false, {}, false}; }

}  // namespace

StreamDecoder::StreamDecoder(std::size_t most_bytes)
    : most_bytes_(most_bytes), parser_([this](std::string_view name, std::string_view data) { take_event(name, data); }) {}

bool StreamDecoder::feed(std::string_view bytes) {
  if (failure_ || done_) return false;
  bytes_ += bytes.size();
  // Padding and envelopes make a stream many times as long as what it says.
  const std::size_t held = whole_.size() + parser_.held_bytes() + bytes.size() + draft_.text.size() + argument_bytes_;
  if (held > most_bytes_ || bytes_ / 64 > most_bytes_) {
    failure_ = bad_answer("the answer is larger than allowed");
    return false;
  }
  if (form_ == Form::Unknown) {
    whole_ += bytes;
    const std::size_t first = whole_.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
    if (first == std::string::npos) return true;
    const char c = whole_[first];
    form_ = c == '{' || c == '[' || c == '<' ? Form::Whole : Form::Events;
    if (form_ == Form::Whole) return true;
    const std::string begun = std::move(whole_);
    whole_.clear();
    parser_.feed(begun);
  } else if (form_ == Form::Whole) {
    whole_ += bytes;
  } else {
    parser_.feed(bytes);
  }
  return !failure_ && !done_;
}

Result<ChatAnswer, Failure> StreamDecoder::finish(bool broken) {
  if (form_ == Form::Events && !broken) parser_.end();
  if (failure_) return Error{*failure_};
  if (form_ != Form::Events) {
    auto answer = read_answer(whole_);
    // Half a JSON is no answer of the server's.
    if (!answer && broken && answer.error().fault == Fault::BadAnswer)
      return Error{Failure{Fault::Unavailable, "the connection broke in the middle of the answer", true, {}, false}};
    return answer;
  }
  if (!done_ && draft_.finish.empty())
    return Error{Failure{Fault::Unavailable, "the stream broke off before its end", true, {}, false}};
  for (auto& [index, call] : calls_) draft_.calls.push_back(std::move(call));
  calls_.clear();
  return finished(std::move(draft_));
}

std::string StreamDecoder::text() const {
  std::string text = without_thoughts(mended(draft_.text), false);
  // Half a character, perhaps.
  while (text.ends_with("\xEF\xBF\xBD")) text.resize(text.size() - 3);
  return text;
}

void StreamDecoder::take_event(std::string_view name, std::string_view data) {
  if (failure_ || done_) return;
  const std::string_view bare = trim(data);
  if (bare == "[DONE]") {
    done_ = true;
    return;
  }
  if (name == "error") {
    const Json json = parse_wire(bare);
    auto failure = json.is_object() ? failure_inside(json) : std::nullopt;
    failure_ = failure ? std::move(*failure) : failure_of(500, bare);
    return;
  }
  if (take_chunk(bare)) return;
  // Some servers forget the empty line between events.
  for (std::size_t at = 0; at < data.size() && !failure_ && !done_;) {
    const std::size_t end = std::min(data.find('\n', at), data.size());
    const std::string_view line = trim(data.substr(at, end - at));
    at = end + 1;
    if (line == "[DONE]") {
      done_ = true;
    } else if (line.starts_with('{') && !take_chunk(line)) {
      failure_ = bad_answer("a piece of the stream is no JSON");
    }
  }
}

/// False: it is no JSON.
bool StreamDecoder::take_chunk(std::string_view data) {
  const Json json = parse_wire(data);
  if (json.is_discarded()) return false;
  if (!json.is_object()) return true;
  if (auto failure = failure_inside(json)) {
    failure_ = std::move(*failure);
    return true;
  }
  read_usage(json, draft_);
  const Json* choices = member(json, "choices");
  if (!choices || !choices->is_array()) return true;
  for (const Json& choice : *choices) {
    if (number_of(choice, "index").value_or(0) != 0) continue;
    if (const Json* delta = member(choice, "delta")) {
      read_delta(*delta);
    } else if (const Json* message = member(choice, "message")) {
      read_delta(*message);
    }
    const std::string finish = text_of(choice, "finish_reason");
    if (!finish.empty()) draft_.finish = finish;
  }
  return true;
}

void StreamDecoder::read_delta(const nlohmann::json& delta) {
  read_message(delta, draft_);
  const Json* calls = member(delta, "tool_calls");
  if (calls && calls->is_array() && !calls->empty()) {
    for (const Json& piece : *calls) take_call_piece(piece);
  } else if (const Json* call = member(delta, "function_call"); call && call->is_object()) {
    ToolCall& one = calls_[0];
    if (one.id.empty()) one.id = text_of(delta, "functions_state_id");
    if (one.name.empty()) one.name = text_of(*call, "name");
    one.arguments += arguments_text(*call);
  }
}

void StreamDecoder::take_call_piece(const nlohmann::json& piece) {
  if (!piece.is_object()) return;
  const std::string id = text_of(piece, "id");
  const Json* function = member(piece, "function");
  const std::string name = function ? text_of(*function, "name") : std::string();
  std::optional<std::int64_t> index = number_of(piece, "index");
  const auto of_this_id = [&](const auto& one) { return one.second.id == id; };
  const std::int64_t next = calls_.empty() ? 0 : calls_.rbegin()->first + 1;
  if (!id.empty()) {
    // Some servers say the same index, or none, for every call.
    const auto known = std::find_if(calls_.begin(), calls_.end(), of_this_id);
    const bool is_other = index && calls_.contains(*index) && !calls_[*index].id.empty() && calls_[*index].id != id;
    if (known != calls_.end()) {
      index = known->first;
    } else if (!index || is_other) {
      index = next;
    }
  } else if (!index) {
    index = last_call_ && name.empty() ? *last_call_ : next;
  }
  if (!calls_.contains(*index) && calls_.size() == kMostCalls) return;
  last_call_ = index;
  ToolCall& call = calls_[*index];
  if (call.id.empty()) call.id = id;
  if (call.name != name) call.name += name;
  if (!function) return;
  const std::string arguments = arguments_text(*function);
  argument_bytes_ += arguments.size();
  call.arguments += arguments;
}

}  // namespace sufler::llm
