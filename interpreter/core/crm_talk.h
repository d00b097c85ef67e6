#pragma once
#include <cstdint>

namespace sufler {

struct Play;

/// The dialog is shown in the CRM's chat from now on, with its last `history` messages; `call_people`: a manager is
/// notified.
void open_crm_chat(Play& play, std::uint32_t history, bool call_people);

}  // namespace sufler
