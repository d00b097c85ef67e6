#include "interpreter/services/llm/embedder.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <utility>

#include "interpreter/services/llm/chat_exchange.h"
#include "interpreter/services/llm/connection.h"
#include "interpreter/services/llm/outside.h"

namespace sufler::llm {
namespace {

HttpClient::Settings settings_with(const std::string& proxy) {
  HttpClient::Settings settings;
  settings.proxy = proxy;
  return settings;
}

/// What the requests of one call have brought so far.
struct Gathering {
  std::mutex mutex;
  std::condition_variable ready;
  std::size_t under_way = 0;
  Embeddings all;
  std::optional<Failure> failure;
  bool stopped = false;  ///< nobody waits for what is under way
};

Failure stopping() { return {Fault::Unavailable, "the process is stopping", false, {}, false}; }

}  // namespace

struct Embedder::Impl {
  Impl(ModelConnection one, const std::string& proxy, std::uint64_t seed)
      : settings(one), http(settings_with(proxy)), connection(std::move(one), outside_of(http, seed)) {}
  ~Impl() { http.stop(std::chrono::milliseconds(0)); }  // its thread calls the connection, which goes first

  const ModelConnection settings;
  HttpClient http;
  Connection connection;
  std::atomic<Connection::Id> last_id{0};

  std::mutex mutex;
  bool stopped = false;
  std::set<std::shared_ptr<Gathering>> gatherings;  ///< that are waited for

  bool begin(const std::shared_ptr<Gathering>& gathering) {
    const std::lock_guard lock(mutex);
    if (!stopped) gatherings.insert(gathering);
    return !stopped;
  }
  void end(const std::shared_ptr<Gathering>& gathering) {
    const std::lock_guard lock(mutex);
    gatherings.erase(gathering);
  }
};

Embedder::Embedder(ModelConnection connection, const std::string& proxy, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(std::move(connection), proxy, seed)) {}
Embedder::~Embedder() = default;

bool Embedder::able() const { return !impl_->settings.embeddings_model.empty(); }

void Embedder::stop() {
  const std::lock_guard lock(impl_->mutex);
  impl_->stopped = true;
  for (const auto& gathering : impl_->gatherings) {
    const std::lock_guard own(gathering->mutex);
    gathering->stopped = true;
    if (!gathering->failure) gathering->failure = stopping();
    gathering->ready.notify_all();
  }
}

Result<Embeddings, Failure> Embedder::embed(const std::vector<std::string>& texts, EmbeddingOf what) {
  if (texts.empty()) return Embeddings{};
  const auto gathering = std::make_shared<Gathering>();
  gathering->all.vectors.resize(texts.size());
  if (!impl_->begin(gathering)) return Error{stopping()};
  const std::size_t batch = std::max<std::size_t>(1, impl_->settings.flags.embeddings_batch);
  for (std::size_t from = 0; from < texts.size(); from += batch) {
    {
      // Not all at once: the time that a request may take counts its turn, and an index may be long.
      std::unique_lock lock(gathering->mutex);
      gathering->ready.wait(lock, [&] { return gathering->under_way < impl_->settings.at_once || gathering->failure; });
      if (gathering->failure) break;
      ++gathering->under_way;
    }
    const auto begin = texts.begin() + static_cast<std::ptrdiff_t>(from);
    std::vector<std::string> some(begin, begin + static_cast<std::ptrdiff_t>(std::min(batch, texts.size() - from)));
    auto done = [gathering, from](Result<Embeddings, Failure> came) {
      std::lock_guard lock(gathering->mutex);
      --gathering->under_way;
      if (came) {
        gathering->all.tokens += came->tokens;
        std::move(came->vectors.begin(), came->vectors.end(), gathering->all.vectors.begin() + static_cast<std::ptrdiff_t>(from));
      } else if (!gathering->failure) {
        gathering->failure = came.error();
      }
      gathering->ready.notify_all();
    };
    impl_->http.post([&impl = *impl_, id = ++impl_->last_id, some = std::move(some), what, done = std::move(done)]() mutable {
      impl.connection.begin(id, std::make_unique<EmbeddingsExchange>(std::move(some), what, impl.connection, std::move(done)));
    });
  }
  std::unique_lock lock(gathering->mutex);
  gathering->ready.wait(lock, [&] { return gathering->under_way == 0 || gathering->stopped; });
  lock.unlock();
  impl_->end(gathering);
  lock.lock();
  if (gathering->failure) return Error{*gathering->failure};
  const std::size_t length = gathering->all.vectors.front().size();
  for (const auto& vector : gathering->all.vectors)
    if (vector.size() != length) return Error{Failure{Fault::BadAnswer, "vectors of different lengths", false, {}, false}};
  return std::move(gathering->all);
}

}  // namespace sufler::llm
