#include "tools/knowledge.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "interpreter/runtime/clock.h"
#include "interpreter/runtime/log.h"
#include "interpreter/services/llm/embedder.h"
#include "storage/version_store.h"
#include "tools/between_turns.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kConnections = 2;
/// After a model has refused to make vectors.
constexpr std::chrono::minutes kTryAgain{5};
/// Of a question for the server of vectors, whose answer the person waits for.
constexpr Duration kLongestVector{3'000};
constexpr const char* kBot = "folder";
constexpr std::string_view kOfOneConnection = "sqlite::memory:";

/// The one named `default`, else the first that makes vectors: all pieces have theirs from one model.
const ModelConnection* maker_of_vectors(const Config& config) {
  const ModelConnection* found = nullptr;
  for (const ModelConnection& model : config.models)
    if (!model.embeddings_model.empty() && (!found || model.name == "default")) found = &model;
  return found;
}

MakeVectors with(const std::shared_ptr<llm::Embedder>& embedder, llm::EmbeddingOf what) {
  return [embedder, what](const std::vector<std::string>& texts) -> Result<std::vector<std::vector<float>>, std::string> {
    auto made = embedder->embed(texts, what);
    if (made) return std::move(made->vectors);
    const llm::Failure& failure = made.error();
    return Error{std::string(word_of(failure.fault)) + (failure.about.empty() ? "" : ": " + failure.about)};
  };
}

struct Vectors {
  VectorMaker maker;
  std::vector<std::shared_ptr<llm::Embedder>> embedders;
};

Vectors vectors_of(const Config& config) {
  Vectors made;
  const ModelConnection* model = maker_of_vectors(config);
  if (!model) return made;
  // Words alone find enough: nobody waits long for a server of vectors that is not well.
  ModelConnection quick = *model;
  quick.repeats = 0;
  quick.timeout = std::min(quick.timeout, kLongestVector);
  quick.budget = std::min(quick.budget, kLongestVector);
  made.embedders = {std::make_shared<llm::Embedder>(*model, config.proxy), std::make_shared<llm::Embedder>(quick, config.proxy)};
  made.maker.model = llm::embedding_model(*model, llm::EmbeddingOf::Document);
  made.maker.documents = with(made.embedders[0], llm::EmbeddingOf::Document);
  made.maker.questions = with(made.embedders[1], llm::EmbeddingOf::Query);
  return made;
}

std::optional<std::string> bytes_of(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

std::vector<KnowledgePiece> as_knowledge_pieces(const std::vector<FoundPiece>& found) {
  std::vector<KnowledgePiece> pieces;
  for (const FoundPiece& one : found) pieces.push_back({one.piece.path, one.piece.cut.title, one.piece.cut.text});
  return pieces;
}

// ---- of a folder

Stored<std::unique_ptr<FolderKnowledge>> FolderKnowledge::open(const Program& program, const std::string& assistant) {
  auto storage = Storage::open(std::string(kOfOneConnection), Durability::Normal);
  if (!storage) return Error{storage.error()};
  std::unique_ptr<FolderKnowledge> made(new FolderKnowledge(std::move(*storage), program.version));
  std::vector<AssistantKnowledge> knowledge = knowledge_of(program);
  if (!assistant.empty())
    std::erase_if(knowledge, [&](const AssistantKnowledge& one) { return one.assistant != assistant; });
  auto saved = made->storage_.transact([&](Transaction& tx) {
    VersionRow row;
    row.bot = kBot;
    row.version = program.version;
    return tx.versions().save(row);
  });
  if (!saved) return Error{saved.error()};
  const OnStorage on_storage = [&](const std::function<Stored<Done>(Storage&)>& job) { return job(made->storage_); };
  const fs::path folder = program.folder;
  auto report = index_knowledge(on_storage, kBot, program.version, knowledge,
                                [&](const std::string& path) { return bytes_of(folder / path); }, system_clock().now());
  if (!report) return Error{report.error()};
  made->unread_ = std::move(report->unread);
  return made;
}

Stored<std::vector<FoundPiece>> FolderKnowledge::search(KnowledgeQuestion question) {
  question.bot = kBot;
  question.version = version_;
  std::vector<FoundPiece> found;
  const std::lock_guard lock(mutex_);
  auto looked = storage_.transact([&](Transaction& tx) -> Stored<Done> {
    auto pieces = search_knowledge(tx, question, nullptr, {});
    if (!pieces) return Error{pieces.error()};
    found = std::move(*pieces);
    return Done{};
  });
  if (!looked) return Error{looked.error()};
  return found;
}

// ---- of a process that serves

struct ServedKnowledge::Impl {
  explicit Impl(const Config& config)
      : vectors(vectors_of(config)), searcher({config.database, kConnections, vectors.maker}) {}

  /// A bot's live version, and whether its pieces have all the vectors they will get.
  struct Bot {
    std::string version;
    std::vector<std::string> assistants;
    bool leads = false;
    bool done = true;
    std::chrono::steady_clock::time_point not_before{};
  };

  const Vectors vectors;
  KnowledgeSearcher searcher;

  std::mutex mutex;
  std::condition_variable wake;
  std::map<std::string, Bot> bots;
  bool stopping = false;
  std::unique_ptr<BetweenTurns> turns;
  std::thread thread;

  /// With the lock. What is to be done now, and until when to rest otherwise.
  std::optional<std::string> next(std::optional<std::chrono::steady_clock::time_point>& rest) const {
    rest.reset();
    for (const auto& [name, bot] : bots) {
      if (bot.done || !bot.leads) continue;
      if (bot.not_before <= std::chrono::steady_clock::now()) return name;
      if (!rest || bot.not_before < *rest) rest = bot.not_before;
    }
    return std::nullopt;
  }

  void run() {
    std::unique_lock lock(mutex);
    while (!stopping) {
      std::optional<std::chrono::steady_clock::time_point> rest;
      const auto name = next(rest);
      if (!name) {
        if (rest) {
          wake.wait_until(lock, *rest);
        } else {
          wake.wait(lock);
        }
        continue;
      }
      const Bot bot = bots[*name];
      bots[*name].done = true;  // unless something is served meanwhile, or it fails
      lock.unlock();
      const bool well = make(*name, bot);
      lock.lock();
      if (well) continue;
      bots[*name].done = false;
      bots[*name].not_before = std::chrono::steady_clock::now() + kTryAgain;
    }
  }

  bool make(const std::string& name, const Bot& bot) {
    std::string trouble;
    const OnStorage on_storage = [this](const auto& job) { return (*turns)(job); };
    const auto made = make_vectors(on_storage, name, bot.version, bot.assistants, vectors.maker, trouble);
    if (made && *made > 0) {
      searcher.vectors_changed();
      write_log(LogLevel::Info, std::to_string(*made) + " pieces of knowledge have got their vectors",
                {{"bot", name}, {"version", bot.version}});
    }
    if (made && trouble.empty()) return true;
    if (std::lock_guard lock(mutex); stopping) return false;
    write_log(LogLevel::Warning, "no vectors for what assistants know; words alone are searched: " + (made ? trouble : made.error().message),
              {{"bot", name}, {"version", bot.version}});
    return false;
  }
};

ServedKnowledge::ServedKnowledge(const Config& config) {
  if (config.database != kOfOneConnection) impl_ = std::make_unique<Impl>(config);
}

ServedKnowledge::~ServedKnowledge() { stop(); }

KnowledgeSearch ServedKnowledge::search() {
  if (!impl_) return {};
  return [&own = *impl_](const std::string& bot, const KnowledgeQuery& query) {
    auto found = own.searcher.search({bot, query.version, query.assistant, query.question, query.pieces});
    if (found) return as_knowledge_pieces(*found);
    write_log(LogLevel::Warning, "what assistants know cannot be searched: " + found.error().message, {{"bot", bot}});
    return std::vector<KnowledgePiece>();
  };
}

void ServedKnowledge::start(Engine& engine) {
  if (!impl_ || impl_->vectors.maker.model.empty()) return;
  impl_->turns = std::make_unique<BetweenTurns>(engine);
  impl_->thread = std::thread([own = impl_.get()] { own->run(); });
}

void ServedKnowledge::serve(const std::string& bot, const Program& program) {
  if (!impl_) return;
  const std::lock_guard lock(impl_->mutex);
  Impl::Bot& one = impl_->bots[bot];
  if (one.version == program.version) return;
  one.version = program.version;
  one.assistants.clear();
  for (const AssistantKnowledge& known : knowledge_of(program)) one.assistants.push_back(known.assistant);
  one.done = one.assistants.empty();
  one.not_before = {};
  impl_->wake.notify_all();
}

void ServedKnowledge::lead(const std::string& bot, bool leads) {
  if (!impl_) return;
  const std::lock_guard lock(impl_->mutex);
  impl_->bots[bot].leads = leads;
  impl_->wake.notify_all();
}

void ServedKnowledge::stop() {
  if (!impl_ || !impl_->thread.joinable()) return;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->turns->stop();
    impl_->wake.notify_all();
  }
  for (const auto& embedder : impl_->vectors.embedders) embedder->stop();
  impl_->thread.join();
}

}  // namespace sufler
