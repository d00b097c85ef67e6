#pragma once
// Inside of the fakes.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "fakes/common/api_error.h"
#include "fakes/common/http_server.h"

namespace sufler::fakes {

/// Makes later calls fail: which of them, how many, and how.
struct FaultRule {
  std::string method;  ///< lower case; empty for any that need not be named
  std::optional<std::int64_t> place;
  std::optional<std::size_t> account;
  std::int64_t skip = 0;   ///< lets that many matching calls pass first
  std::int64_t times = 1;  ///< negative: for ever
  std::string kind;
  Json json;  ///< as given

  std::int64_t number(const char* name, std::int64_t otherwise) const {
    return json.value(name, otherwise);
  }
};

/// The kinds that every platform has, for they are the network's and not its own.
const std::set<std::string>& network_faults();
/// Faults that let the method work and spoil only its answer.
bool spoils_only_the_answer(const std::string& kind);
/// Makes of the answer what a network fault leaves of it. `garbage`: the beginning of an answer.
/// False: the fault is none of the network's.
bool spoil(HttpReply& reply, const FaultRule& fault, const std::string& garbage);
/// A `custom` fault that brings a body: the whole answer. `status`: unless the fault says another.
HttpReply custom_reply(const FaultRule& fault, int status);
/// A page as a front server shows it: no JSON.
std::string error_page(const std::string& title, const std::string& server);

}  // namespace sufler::fakes
