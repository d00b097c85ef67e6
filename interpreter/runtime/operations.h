#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "storage/storage.h"

/// What operators' commands do to the database, in the process that serves or, when there is none, in the command.
namespace sufler {

/// A request or an answer is one JSON object in one line; an answer with `error` tells why nothing was done.
///
/// | `op` | takes | gives |
/// | --- | --- | --- |
/// | `letters` | `bot`, `limit` | `letters`, `more` |
/// | `letter` | `id` | `letter` with all its parts |
/// | `letter_ids` | `bot` | `ids` |
/// | `retry`, `drop` | `ids`, at most kIdsAtOnce | `done`, `failed` with reasons |
/// | `status` | | `database`, `queues` |
/// | `dialogs` | `bot`, `limit` | `dialogs` |
/// | `erase` | `user`, `bot`, `really` | `counts`, `left`: what could not be overwritten, and why |
struct Operated {
  std::string answer;
  // For the process that serves:
  std::vector<OutboxRow> to_send;        ///< rows that are in the outbox now
  std::vector<std::int64_t> forgotten;   ///< rows that are there no more
  bool inbox_filled = false;
};

inline constexpr std::size_t kIdsAtOnce = 200;

Operated operate(Storage& storage, std::string_view request, Moment now);

}  // namespace sufler
