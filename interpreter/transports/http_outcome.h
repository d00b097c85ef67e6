#pragma once
#include "interpreter/core/api_call.h"
#include "interpreter/network/http_client.h"

namespace sufler {

/// What HTTP alone tells of a call, for a platform that says no more: 2xx sent; 429, 5xx and no way there, try
/// again; anything else, refused for good. An answer that was lost, or a gateway's 504, is `Unknown`, or tried again
/// when `repeats_are_known` (`ApiCall::repeat_key` went with the call, and the platform shows nothing twice).
Outcome outcome_of(const HttpAnswer& answer, bool repeats_are_known);

}  // namespace sufler
