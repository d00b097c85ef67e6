#pragma once
#include <memory>
#include <string>

#include "interpreter/runtime/errands.h"
#include "interpreter/services/amocrm/memory.h"
#include "storage/storage.h"

namespace sufler {

/// What the work with amoCRM remembers, in a database: as errands while these are served (null: never), else on a connection of
/// its own which is opened when it is needed first. `migrate`: whether tables of an older version are brought up to date there.
std::unique_ptr<amocrm::Memory> crm_memory(std::string database, Durability durability, bool migrate = false, Errands* errands = nullptr);

}  // namespace sufler
