#pragma once
#include <string>
#include <string_view>

#include "interpreter/core/crm/order.h"
#include "interpreter/core/job.h"
#include "interpreter/core/value.h"

namespace sufler {

/// What a job asks of a CRM, for whoever plays one.
struct AskedCrm {
  CrmOrder::Do what = CrmOrder::Do::Contact;
  ValueMap values;  ///< all by their names
  std::string text;
  bool waits = false;
};

/// False when it is none that can be read.
bool read_asked(const Job& job, AskedCrm& asked);
/// `lead: name: …`, a line each.
std::string shown(const AskedCrm& asked, Language language);
/// What an empty account would answer to the `number`-th step, from 1 on.
Value pretended(const AskedCrm& asked, std::int64_t number);

}  // namespace sufler
