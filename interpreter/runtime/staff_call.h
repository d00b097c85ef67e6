#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "interpreter/core/api_call.h"
#include "interpreter/core/program.h"
#include "storage/storage.h"

/// How people of a role wake the bot from their own chat (LANGUAGE 7): by the rule's word and the number of a
/// saved row, or by the word as a reply to a notice about the dialog.
namespace sufler {

struct StaffWord {
  std::string word;                    ///< folded, as the rule has it
  std::optional<std::int64_t> number;  ///< of a row of any of the scenario's tables
  bool readable = true;                ///< false: something else than a number stands behind the word
};

/// The word, when the update is such a call: said by somebody whom the rule's role names, or in a chat that it
/// names.
std::optional<StaffWord> staff_word(const Program& program,
                                    const std::map<std::string, std::vector<ChatAddress>>& roles,
                                    const Incoming& update);

struct FoundCall {
  StaffCall call;
  std::optional<DialogKey> dialog;  ///< set when `call.meant` is a dialog
};
/// Whose dialog is meant.
Stored<FoundCall> meant_by(Transaction& tx, const Program& program, const std::string& bot, const StaffWord& word,
                           const Incoming& update);

}  // namespace sufler
