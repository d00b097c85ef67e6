#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "interpreter/runtime/clock.h"
#include "interpreter/runtime/courier.h"
#include "storage/storage.h"

namespace sufler {

class Renderer;

/// What people see of a result that is still being made: "typing", and where the platform edits messages, a message that
/// grows. Stands before the courier: when the bot says the whole, the grown message becomes that; when the bot says
/// something else, it is taken away first. Nothing here lasts: a process that is killed leaves what was shown, and the
/// result comes as a message of its own. Thread-safe.
class GrowingAnswers : public Courier {
 public:
  struct Settings {
    std::chrono::milliseconds first{1'000};   ///< who gets the result sooner sees nothing of this
    std::chrono::milliseconds pace{1'500};    ///< between two forms of one message
    std::chrono::milliseconds typing{4'500};  ///< before a platform forgets it
    std::chrono::milliseconds forgotten{15'000};  ///< a result that comes later than so is a new message
    std::size_t calls_a_second = 10;          ///< of a bot; what would be more is left out
  };
  /// How a bot's messages look on a platform; null where it is not served. Must be callable for as long as this lives.
  using FindRenderer = std::function<const Renderer*(std::string_view bot, std::string_view transport)>;

  /// `courier` and `clock` must outlive it; what it has given to the courier may be called later.
  GrowingAnswers(Courier& courier, FindRenderer renderers, const Clock& clock, Settings settings);
  GrowingAnswers(Courier& courier, FindRenderer renderers);
  GrowingAnswers(const GrowingAnswers&) = delete;
  GrowingAnswers& operator=(const GrowingAnswers&) = delete;
  ~GrowingAnswers() override;

  /// Whether this process sends what the bot says; until it does, people see "typing" alone.
  void lead(std::string_view bot, bool leads);

  void begun(std::int64_t job_id, std::string_view bot, const DialogKey& whose);
  /// The words so far; empty: work has begun, and somebody waits for it. Unless told so nothing is shown.
  void grew(std::int64_t job_id, const std::string& text);
  void ended(std::int64_t job_id);
  /// Shows nothing more, and takes away what is not whole.
  void stop();

  void deliver(std::string_view bot, const ChatAddress& chat, const ApiCall& call,
               std::function<void(Outcome)> done) override;
  void later(Duration delay, std::function<void()> job) override;

 private:
  struct Impl;
  const std::shared_ptr<Impl> impl_;
};

}  // namespace sufler
