#include "tools/scenario_files.h"

#include <chrono>
#include <utility>

#include "storage/version_store.h"

namespace sufler {
namespace {

/// The database did not answer: it is asked again.
constexpr std::chrono::milliseconds kAgain{500};

}  // namespace

ScenarioFiles::ScenarioFiles(std::string cache, HttpClient& client) : cache_(std::move(cache)), client_(client) {
  cache_.tidy();
}

ScenarioFiles::~ScenarioFiles() { client_.stop(std::chrono::milliseconds(0)); }

void ScenarioFiles::find(const Attachment& file, std::function<void(FoundFile)> done) {
  if (std::string path = cache_.find(file.reference, file.size); !path.empty()) return done({std::move(path), {}, {}});
  {
    std::lock_guard lock(mutex_);
    auto& waiting = waiting_[file.reference];
    waiting.push_back(std::move(done));
    if (waiting.size() > 1) return;  // it is being read
  }
  const auto wanted = std::make_shared<Wanted>();
  wanted->hash = file.reference;
  wanted->size = file.size;
  read_part(wanted);
}

void ScenarioFiles::read_from(Engine* engine) {
  std::lock_guard lock(mutex_);
  engine_ = engine;
}

/// A part between two turns, so that nobody waits for a film.
void ScenarioFiles::read_part(const std::shared_ptr<Wanted>& wanted) {
  std::lock_guard lock(mutex_);
  if (!engine_) return;
  engine_->ask([this, wanted](Storage& storage) {
    const auto part = static_cast<std::int64_t>(wanted->bytes.size()) / VersionStore::kPartBytes;
    std::optional<std::string> some;
    const auto read = storage.transact([&](Transaction& tx) -> Stored<Done> {
      auto found = tx.versions().content(wanted->hash, part);
      if (!found) return Error{found.error()};
      some = std::move(*found);
      return Done{};
    });
    if (!read) return client_.after(kAgain, [this, wanted] { read_part(wanted); });
    if (!some) return give(wanted, "this file is not stored any more");
    wanted->bytes += *some;
    const auto size = static_cast<std::int64_t>(wanted->bytes.size());
    const bool unknown = wanted->size < 0;
    if ((unknown || size < wanted->size) && static_cast<std::int64_t>(some->size()) == VersionStore::kPartBytes)
      return read_part(wanted);
    give(wanted, unknown || size == wanted->size ? std::string() : "this file was not stored whole");
  });
}

void ScenarioFiles::give(const std::shared_ptr<Wanted>& wanted, std::string reason) {
  client_.post([this, wanted, reason = std::move(reason)] {
    FoundFile found;
    found.reason = reason;
    if (reason.empty()) found.path = cache_.put(wanted->hash, wanted->bytes);
    if (reason.empty() && found.path.empty()) found.bytes = std::move(wanted->bytes);
    std::vector<std::function<void(FoundFile)>> waiting;
    {
      std::lock_guard lock(mutex_);
      auto all = waiting_.extract(wanted->hash);
      if (!all.empty()) waiting = std::move(all.mapped());
    }
    for (const auto& done : waiting) done(found);
  });
}

}  // namespace sufler
