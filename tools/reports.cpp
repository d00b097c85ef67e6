#include "tools/reports.h"

#include <atomic>
#include <mutex>
#include <optional>

#include "interpreter/runtime/reports.h"
#include "tools/between_turns.h"

namespace sufler {
namespace {

/// Each connection would have another one.
constexpr std::string_view kOfOneConnection = "sqlite::memory:";

StorageError stopping() { return {StorageError::Kind::Busy, "the process is stopping"}; }

}  // namespace

struct ServedReports::Impl {
  std::string database;
  Durability durability = Durability::Full;
  std::atomic<bool> stopped{false};
  std::mutex engine_mutex;  ///< held while the engine is asked, so that it is not asked once it has stopped
  std::unique_ptr<BetweenTurns> turns;
  std::mutex reading_mutex;
  std::optional<Storage> reading;

  Stored<Done> between_turns(const std::function<Stored<Done>(Storage&)>& job) {
    const std::lock_guard lock(engine_mutex);
    if (stopped || !turns) return Error{stopping()};
    return (*turns)(job);
  }

  Stored<Done> read(const std::function<Stored<Done>(Storage&)>& job) {
    if (database == kOfOneConnection) return between_turns(job);
    const std::lock_guard lock(reading_mutex);
    if (stopped) return Error{stopping()};
    if (!reading) {
      Storage::Options options;
      options.durability = durability;
      options.migrate = false;  // the engine has done that
      auto opened = Storage::open(database, options);
      if (!opened) return Error{opened.error()};
      reading.emplace(std::move(*opened));
    }
    return job(*reading);
  }
};

ServedReports::ServedReports(const Config& config) : impl_(std::make_unique<Impl>()) {
  impl_->database = config.database;
  impl_->durability = config.durability;
}

ServedReports::~ServedReports() { stop(); }

MakeReport ServedReports::maker() {
  return [own = impl_.get()](const Job& job, const std::function<bool()>& stop) {
    ReportTools tools;
    tools.look = [own](const auto& work) { return own->read(work); };
    tools.write = [own](const auto& work) { return own->between_turns(work); };
    tools.stop = [own, &stop] { return own->stopped || stop(); };
    return make_report(tools, job);
  };
}

void ServedReports::start(Engine& engine) { impl_->turns = std::make_unique<BetweenTurns>(engine); }

void ServedReports::stop() {
  impl_->stopped = true;
  if (impl_->turns) impl_->turns->stop();
  const std::lock_guard lock(impl_->engine_mutex);  // whoever asks the engine now comes back first
}

}  // namespace sufler
