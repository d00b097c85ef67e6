#pragma once
#include <optional>

#include "interpreter/core/crm/account.h"
#include "interpreter/runtime/config_models.h"

namespace sufler {

/// `crm: {amocrm: {...}}` or `crm: off`, of the configuration or of one bot. Nothing when it is not usable, which is told.
std::optional<CrmAccount> read_crm(const Node& node, const SectionReader& reader);

}  // namespace sufler
