#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "interpreter/core/api_call.h"
#include "interpreter/core/program.h"
#include "interpreter/core/step.h"
#include "storage/storage.h"

namespace sufler {

/// How messages become calls of a platform; given by whoever owns the transports.
class Renderer {
 public:
  virtual ~Renderer() = default;
  virtual std::vector<ApiCall> render(const ChatAddress& chat, const Message& message) const = 0;
  virtual ApiCall render_press_answer(const ChatAddress& chat, const std::string& press_id,
                                   const std::string& text) const = 0;
};

/// A bot as the player needs it.
struct BotSetup {
  std::string name;                                  ///< key in `bots:` of the configuration
  std::shared_ptr<const Program> program;
  std::map<std::string, std::vector<ChatAddress>> roles;
  std::map<std::string, const Renderer*> renderers;  ///< by transport
};

/// What a batch of events led to, once committed.
struct Played {
  std::vector<OutboxRow> outbox;     ///< new rows, in order
  bool timers_changed = false;
  std::vector<WriteLog> logs;
  std::vector<ReportFault> faults;
  std::vector<Relocated> relocated;
  std::vector<TrackEvent> tracked;
  std::vector<StepId> visited;       ///< when tracing
  std::size_t turns = 0;
};

/// Plays events of one bot against the storage: every event of a batch is one turn, and the batch commits
/// as one transaction (ARCHITECTURE, "Storage"). The engine of `run`, `test` and `chat` alike. No threads, no
/// clock of its own.
class Player {
 public:
  Player(Storage& storage, BotSetup setup);

  /// Stores position and plays all updates; all or nothing. A position that is not new plays nothing twice.
  Stored<Played> play(const std::vector<Incoming>& updates, std::string_view transport,
                      std::string_view position);
  /// Plays timers due at `now`, oldest first, at most `limit`.
  Stored<Played> play_timers(Moment now, std::size_t limit);
  Stored<std::optional<Moment>> next_timer();
  void set_trace(bool trace);
  const BotSetup& setup() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace sufler
