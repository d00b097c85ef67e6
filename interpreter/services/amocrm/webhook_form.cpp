#include "interpreter/services/amocrm/webhook_form.h"

#include <algorithm>
#include <utility>

namespace sufler::amocrm {
namespace {

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out.push_back(' ');
    } else if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

/// `a[b][c]` as its parts. What is no such key is one part, as it stands.
std::vector<std::string_view> parts_of(std::string_view key) {
  const std::size_t open = key.find('[');
  if (open == 0 || open == key.npos || key.find(']', open) == key.npos) return {key};
  std::vector<std::string_view> parts{key.substr(0, open)};
  std::size_t at = open;
  while (at < key.size() && key[at] == '[') {
    const std::size_t close = key.find(']', at);
    if (close == key.npos) break;
    parts.push_back(key.substr(at + 1, close - at - 1));
    at = close + 1;
  }
  return parts;
}

/// Longer ones would not fit a number.
constexpr std::size_t kMostDigits = 18;
constexpr std::uint64_t kLastNumber = 999'999'999'999'999'999;

void read_item(const std::string& entity, const std::string& action, const std::string& key, const FormNode& node,
               std::vector<HookItem>& items) {
  HookItem item;
  item.entity = entity;
  item.action = action;
  if (node.entries.empty()) {
    // `leads[delete]=ID`, and `leads[delete][0]=ID`.
    item.id = node.value.value_or(std::string());
  } else {
    item.id = node.text("id");
    if (item.id.empty()) item.id = node.text("ID");
  }
  if (entity == "talk") {
    if (item.id.empty()) item.id = node.text("talk_id");
    item.contact_id = node.text("contact_id");
    item.chat_id = node.text("chat_id");
    const std::string type = node.text("entity_type");
    if (type == "lead" || type == "leads" || type == "2") item.lead_id = node.text("entity_id");
    const std::string works = node.text("is_in_work");
    item.closed = works == "0" || works == "false";
  }
  if (item.id.empty() && !node.entries.empty() && is_digits(key) && key.size() > 3) item.id = key;
  if (item.id.empty()) return;
  item.last_modified = node.text("last_modified");
  if (item.last_modified.empty()) item.last_modified = node.text("updated_at");
  item.modified_user_id = node.text("modified_user_id");
  item.status_id = node.text("status_id");
  item.pipeline_id = node.text("pipeline_id");
  items.push_back(std::move(item));
}

}  // namespace

bool FormOrder::operator()(std::string_view a, std::string_view b) const {
  const bool first = is_digits(a), second = is_digits(b);
  if (first != second) return first;
  if (first && a.size() != b.size()) return a.size() < b.size();
  return a < b;
}

const FormNode* FormNode::find(std::string_view key) const {
  const auto found = entries.find(key);
  return found == entries.end() ? nullptr : &found->second;
}

std::string FormNode::text(std::string_view key) const {
  const FormNode* const node = find(key);
  return node && node->value ? *node->value : std::string();
}

std::optional<FormNode> decode_form(std::string_view body, const FormLimits& limits) {
  while (!body.empty() && (body.back() == '\n' || body.back() == '\r')) body.remove_suffix(1);
  FormNode root;
  std::size_t keys = 0;
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('&'), body.size());
    const std::string_view pair = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (pair.empty()) continue;
    if (++keys > limits.keys) return std::nullopt;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string key = decoded(pair.substr(0, equals));
    const std::vector<std::string_view> parts = parts_of(key);
    if (parts.size() > limits.depth) return std::nullopt;
    FormNode* node = &root;
    for (const std::string_view part : parts) {
      std::string name(part);
      if (part.empty() && node != &root) {
        if (node->next > kLastNumber) return std::nullopt;
        name = std::to_string(node->next);
      }
      // Counted here, for a search among all that are there would take the square of their number.
      if (is_digits(name)) node->next = std::max<std::uint64_t>(node->next, (name.size() > kMostDigits ? kLastNumber : std::stoull(name)) + 1);
      node = &node->entries[std::move(name)];
    }
    node->value = decoded(pair.substr(std::min(equals + 1, pair.size())));
  }
  return root;
}

std::vector<HookItem> hook_items(const FormNode& form) {
  std::vector<HookItem> items;
  for (const auto& [entity, actions] : form.entries) {
    if (entity == "account") continue;
    for (const auto& [action, of_action] : actions.entries) {
      if (of_action.entries.empty()) {
        read_item(entity, action, {}, of_action, items);
        continue;
      }
      // `leads[delete][id]=1` has no number between.
      if (of_action.find("id") && of_action.find("id")->value) {
        read_item(entity, action, {}, of_action, items);
        continue;
      }
      for (const auto& [key, node] : of_action.entries) read_item(entity, action, key, node, items);
    }
  }
  return items;
}

std::string key_of(const HookItem& item) {
  if (item.last_modified.empty()) return {};
  // Two moves within one second differ in where they lead.
  return "hook:" + item.entity + ":" + item.action + ":" + item.id + ":" + item.last_modified + ":" + item.status_id +
         (item.closed ? ":closed" : "");
}

}  // namespace sufler::amocrm
