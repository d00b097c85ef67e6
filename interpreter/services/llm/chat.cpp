#include "interpreter/services/llm/chat.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "interpreter/core/text.h"
#include "interpreter/services/llm/wire_json.h"

namespace sufler::llm {
namespace {

std::string text_at(const OrderedJson& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const OrderedJson* array_at(const OrderedJson& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_array() ? &*found : nullptr;
}

std::optional<Role> role_of(std::string_view word) {
  if (word == "system") return Role::System;
  if (word == "user") return Role::User;
  if (word == "assistant") return Role::Assistant;
  if (word == "tool") return Role::Tool;
  return std::nullopt;
}

bool read_message(const OrderedJson& json, ChatMessage& message) {
  if (!json.is_object()) return false;
  const auto role = role_of(text_at(json, "role"));
  if (!role) return false;
  message.role = *role;
  message.content = text_at(json, "content");
  message.call = text_at(json, "call");
  if (const OrderedJson* calls = array_at(json, "calls"))
    for (const OrderedJson& call : *calls) {
      if (!call.is_object()) return false;
      message.calls.push_back({text_at(call, "id"), text_at(call, "name"), text_at(call, "arguments")});
    }
  return true;
}

bool read_tool(const OrderedJson& json, ToolSpec& tool) {
  if (!json.is_object()) return false;
  tool.name = text_at(json, "name");
  tool.about = text_at(json, "about");
  const auto parameters = json.find("parameters");
  tool.parameters = parameters != json.end() && parameters->is_object()
                        ? dumped(*parameters)
                        : R"({"type":"object","properties":{}})";
  return !tool.name.empty();
}

/// Messages that stay or go together: a call with its results.
std::vector<std::size_t> group_beginnings(const std::vector<ChatMessage>& messages, std::size_t from, std::size_t to) {
  std::vector<std::size_t> begins;
  for (std::size_t i = from; i < to; ++i)
    if (messages[i].role != Role::Tool || begins.empty()) begins.push_back(i);
  return begins;
}

}  // namespace

Result<ChatRequest, std::string> read_request(std::string_view json) {
  const OrderedJson root = OrderedJson::parse(json, nullptr, false);
  if (!root.is_object()) return Error{std::string("the request is no JSON object")};
  ChatRequest request;
  const OrderedJson* messages = array_at(root, "messages");
  if (!messages || messages->empty()) return Error{std::string("the request has no messages")};
  for (const OrderedJson& one : *messages)
    if (!read_message(one, request.messages.emplace_back())) return Error{std::string("a message of the request is broken")};
  if (const OrderedJson* tools = array_at(root, "tools"))
    for (const OrderedJson& one : *tools)
      if (!read_tool(one, request.tools.emplace_back())) return Error{std::string("a tool of the request is broken")};
  if (const auto schema = root.find("schema"); schema != root.end() && schema->is_object()) request.schema = dumped(*schema);
  if (const auto reply = root.find("reply"); reply != root.end() && reply->is_number_integer() && *reply > 0)
    request.reply = reply->get<std::int64_t>();
  if (const auto knowledge = root.find("knowledge"); knowledge != root.end() && knowledge->is_object()) {
    KnowledgeQuery& query = request.knowledge.emplace();
    query.assistant = text_at(*knowledge, "assistant");
    query.version = text_at(*knowledge, "version");
    query.question = text_at(*knowledge, "question");
    if (const auto pieces = knowledge->find("pieces"); pieces != knowledge->end() && pieces->is_number_integer())
      query.pieces = static_cast<std::size_t>(std::clamp<std::int64_t>(pieces->get<std::int64_t>(), 0, 100));
  }
  if (const auto show = root.find("show"); show != root.end() && show->is_object()) {
    request.awaited = true;
    if (const OrderedJson* links = array_at(*show, "links")) {
      ChatRequest::Shown& shown = request.shown.emplace();
      for (const OrderedJson& link : *links)
        if (link.is_string()) shown.links.push_back(link.get<std::string>());
      shown.removed = text_at(*show, "removed");
    }
  }
  return request;
}

void pair_calls(std::vector<ChatMessage>& messages) {
  std::vector<ChatMessage> out;
  out.reserve(messages.size());
  for (std::size_t i = 0; i < messages.size();) {
    if (messages[i].role == Role::Tool) {  // answers nothing
      ++i;
      continue;
    }
    out.push_back(std::move(messages[i++]));
    if (out.back().role != Role::Assistant) {
      out.back().calls.clear();
      continue;
    }
    // A copy: `out` grows below.
    const std::vector<ToolCall> calls = out.back().calls;
    std::vector<ChatMessage> results;
    while (i < messages.size() && messages[i].role == Role::Tool) results.push_back(std::move(messages[i++]));
    for (const ToolCall& call : calls) {
      const auto answers = [&](const ChatMessage& one) { return one.call == call.id; };
      auto found = std::find_if(results.begin(), results.end(), answers);
      ChatMessage none{Role::Tool, R"({"error":"no result"})", {}, call.id};
      out.push_back(found == results.end() ? std::move(none) : std::move(*found));
      if (found != results.end()) results.erase(found);
    }
  }
  messages = std::move(out);
}

std::optional<ChatRequest> trimmed(const ChatRequest& request) {
  const std::vector<ChatMessage>& all = request.messages;
  std::size_t first = 0;
  while (first < all.size() && all[first].role == Role::System) ++first;
  std::size_t last = all.size();
  for (std::size_t i = first; i < all.size(); ++i)
    if (all[i].role == Role::User) last = i;
  if (last == all.size()) return std::nullopt;  // nobody has asked anything
  const std::vector<std::size_t> groups = group_beginnings(all, first, last);
  if (groups.empty()) return std::nullopt;
  // Half of them by length, at least one.
  std::size_t whole = 0;
  for (std::size_t i = first; i < last; ++i) whole += count_code_points(all[i].content) + 8;
  std::size_t gone = 0, kept_from = last;
  for (std::size_t i = 0; i + 1 < groups.size(); ++i) {
    for (std::size_t at = groups[i]; at < groups[i + 1]; ++at) gone += count_code_points(all[at].content) + 8;
    if (gone * 2 < whole) continue;
    kept_from = groups[i + 1];
    break;
  }
  // Some servers want the person to speak first.
  while (kept_from < last && all[kept_from].role != Role::User) ++kept_from;
  ChatRequest shorter = request;
  shorter.messages.erase(shorter.messages.begin() + static_cast<std::ptrdiff_t>(first),
                         shorter.messages.begin() + static_cast<std::ptrdiff_t>(kept_from));
  return shorter;
}

std::int64_t estimated_tokens(std::string_view text) {
  return static_cast<std::int64_t>((count_code_points(text) + 1) / 2);
}

std::int64_t estimated_tokens(const ChatRequest& request) {
  std::int64_t tokens = estimated_tokens(request.schema);
  for (const ChatMessage& message : request.messages) {
    tokens += 4 + estimated_tokens(message.content);
    for (const ToolCall& call : message.calls) tokens += estimated_tokens(call.name) + estimated_tokens(call.arguments);
  }
  for (const ToolSpec& tool : request.tools)
    tokens += estimated_tokens(tool.name) + estimated_tokens(tool.about) + estimated_tokens(tool.parameters);
  return tokens;
}

std::string_view word_of(Finish finish) {
  switch (finish) {
    case Finish::Stop: return "stop";
    case Finish::Length: return "length";
    case Finish::Tools: return "tools";
    case Finish::Filtered: return "filtered";
  }
  return "stop";
}

std::string_view word_of(Fault fault) {
  switch (fault) {
    case Fault::Unavailable: return "unavailable";
    case Fault::Timeout: return "timeout";
    case Fault::Busy: return "busy";
    case Fault::Billing: return "billing";
    case Fault::Denied: return "denied";
    case Fault::Rejected: return "rejected";
    case Fault::TooLong: return "too_long";
    case Fault::Filtered: return "filtered";
    case Fault::BadAnswer: return "bad_answer";
  }
  return "unavailable";
}

}  // namespace sufler::llm
