#include "interpreter/runtime/staff_call.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "interpreter/core/text.h"

namespace sufler {
namespace {

bool is_member(const std::vector<ChatAddress>& members, const Incoming& update) {
  return std::any_of(members.begin(), members.end(), [&](const ChatAddress& member) {
    return member.transport == update.chat.transport &&
           (member.chat_id == update.person.id || member.chat_id == update.chat.chat_id);
  });
}

/// `/bot_on@shop_bot` as the rule's words have it.
std::string without_bot_name(std::string_view word) {
  const std::size_t at = word.starts_with('/') ? word.find('@') : std::string_view::npos;
  if (at == std::string_view::npos || word.find_first_of(" \t\n") != std::string_view::npos) return fold(word);
  return fold(word.substr(0, at));
}

/// `15`, `№15`, `# 15`.
std::optional<std::int64_t> row_number(std::string_view text) {
  for (const std::string_view mark : {std::string_view("№"), std::string_view("#")})
    if (text.starts_with(mark)) text = trim(text.substr(mark.size()));
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || number <= 0) return std::nullopt;
  return number;
}

}  // namespace

std::optional<StaffWord> staff_word(const Program& program,
                                    const std::map<std::string, std::vector<ChatAddress>>& roles,
                                    const Incoming& update) {
  if (program.handoffs.empty() || roles.empty()) return std::nullopt;
  const auto* message = std::get_if<UserMessage>(&update.event.what);
  if (!message || message->edited || message->text.empty()) return std::nullopt;
  const std::string_view text = trim(message->text);
  // A word of a rule may itself hold spaces (`бот вернись`), so the longest beginning that is one counts.
  for (std::size_t end = text.size(); end > 0;) {
    const std::string word = without_bot_name(text.substr(0, end));
    for (const HandoffRule& rule : program.handoffs) {
      if (std::find(rule.staff_words.begin(), rule.staff_words.end(), word) == rule.staff_words.end()) continue;
      const auto members = roles.find(rule.role);
      if (members == roles.end() || !is_member(members->second, update)) continue;
      StaffWord found{word, std::nullopt, true};
      if (const std::string_view rest = trim(text.substr(end)); !rest.empty()) {
        found.number = row_number(rest);
        found.readable = found.number.has_value();
      }
      return found;
    }
    const std::size_t space = text.substr(0, end).find_last_of(" \t\n");
    if (space == std::string_view::npos) break;
    end = text.find_last_not_of(" \t\n", space) + 1;
  }
  return std::nullopt;
}

Stored<FoundCall> meant_by(Transaction& tx, const Program& program, const std::string& bot, const StaffWord& word,
                           const Incoming& update) {
  FoundCall found;
  found.call.word = word.word;
  found.call.staff_id = update.person.id;
  found.call.from = update.chat;
  std::set<std::int64_t> dialogs;
  const std::string& reply_to = std::get<UserMessage>(update.event.what).reply_to;
  if (word.number) {
    for (std::uint32_t i = 0; i < program.tables.size(); ++i) {
      if (!program.tables[i].data_file.empty()) continue;  // its rows are nobody's
      auto rows = tx.find_rows(program.tables[i], FindRows{TableId{i}, {{"id", "==", Value(Decimal(*word.number))}}, {}, 1});
      if (!rows) return Error{rows.error()};
      for (const Value& row : *rows) {
        const Value* dialog = row.map() ? row.map()->find("dialog_id") : nullptr;
        if (dialog && dialog->number()) dialogs.insert(dialog->number()->to_int64().value_or(0));
      }
    }
  } else if (word.readable && !reply_to.empty()) {
    auto dialog = tx.dialog_of_message(bot, update.chat, reply_to);
    if (!dialog) return Error{dialog.error()};
    if (*dialog) dialogs.insert(**dialog);
  } else if (word.readable) {
    found.call.meant = StaffCall::Meant::Unnamed;
    return found;
  }
  std::vector<DialogKey> keys;
  for (const std::int64_t id : dialogs) {
    auto key = tx.find_dialog(id);
    if (!key) return Error{key.error()};
    if (*key && (*key)->bot == bot) keys.push_back(std::move(**key));
  }
  if (keys.size() == 1) {
    found.dialog = std::move(keys.front());
  } else {
    found.call.meant = keys.empty() ? StaffCall::Meant::Nobody : StaffCall::Meant::Several;
  }
  return found;
}

}  // namespace sufler
