#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace sufler {

/// `to: crm` of a rule for silence: managers answer in the CRM's chat (LANGUAGE 7, 9).
struct CrmHandoff {
  std::vector<std::string> silent_at;  ///< a lead that comes to one of these silences the bot
  std::vector<std::string> wakes_at;   ///< and one of these brings it back; `STAGE` or `PIPELINE/STAGE`, as written
  bool wakes_when_closed = false;      ///< the talk was closed in the CRM
  std::uint32_t history = 20;          ///< so many messages of the talk are shown there when the chat is opened
};

/// Whether a stage is one of those, whatever its case.
bool is_stage_of(const std::vector<std::string>& stages, const std::string& stage, const std::string& pipeline);

}  // namespace sufler
