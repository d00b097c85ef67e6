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
/// | `status` | | `database`, `queues`, `desks`, `deployments` |
/// | `versions` | `bot` | `versions`, the newest first |
/// | `reload`, `rollback`, `rehearse` | of the process that serves alone: tools/reloader.h | `bots`: what became of each |
/// | `dialogs` | `bot`, `limit` | `dialogs` |
/// | `places` | `bot` | `places`: how many dialogs wait at each |
/// | `journal` | `dialogs`: ids, at most kDialogsAtOnce | `dialogs` with the `rows` of their journal, `gone`; `left`: those to be asked for again |
/// | `agents` | `bot` | `agents` of all desks, with figures of 30 days |
/// | `remove_agent`, `restore_agent` | `bot`, `desk`, `user` | `name`, `open` |
/// | `invite` | `bot`, `desk`, `hash` | `until_unix_ms` |
/// | `tickets` | `bot`, `limit`, `closed`: those, too | `tickets`, `more` |
/// | `ticket` | `bot`, `desk`, `number`, `after`: a message's id | `ticket`, `messages`, `more` |
/// | `schedules` | `bot` | `schedules` |
/// | `pause_schedule`, `resume_schedule`, `run_schedule` | `bot`, `name` | `bot`, `name` |
/// | `erase` | `user`, `bot`, `really` | `counts`, `left`: what could not be overwritten, and why |
struct Operated {
  std::string answer;
  // For the process that serves:
  std::vector<OutboxRow> to_send;        ///< rows that are in the outbox now
  std::vector<std::int64_t> forgotten;   ///< rows that are there no more
  bool jobs_filled = false;  ///< somebody may begin them
  bool inbox_filled = false;
};

inline constexpr std::size_t kIdsAtOnce = 200;
/// Of whole journals, so that no answer grows too large.
inline constexpr std::size_t kDialogsAtOnce = 20;

Operated operate(Storage& storage, std::string_view request, Moment now);

}  // namespace sufler
