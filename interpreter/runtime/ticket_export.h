#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/program.h"
#include "storage/desk_store.h"

namespace sufler {

enum class TicketFormat : std::uint8_t { Text, Html, Csv };
/// `txt`, `html` or `csv`.
std::optional<TicketFormat> ticket_format(std::string_view name);

/// A ticket as a file, in the scenario's language and time zone. HTML runs no script and loads nothing; in CSV no cell
/// begins with what a spreadsheet takes for a formula (RELIABILITY 4, 24).
Attachment export_ticket(const Program& program, const TicketRow& ticket, const std::vector<TicketMessage>& messages,
                         TicketFormat format);

}  // namespace sufler
