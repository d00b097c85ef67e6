#pragma once
#include <string>
#include <string_view>

#include "storage/storage.h"

namespace sufler {

/// An outbox row as a dead letter keeps it: all that sending it again needs, files and the key of
/// repeats included; without its id and state.
std::string to_json(const OutboxRow& row);
/// False where `json` is no such letter: those of the first versions held a text for people.
bool from_json(std::string_view json, OutboxRow& row);

}  // namespace sufler
