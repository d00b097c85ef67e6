// Indexes Russian text and searches it: `knowledge_bench [MEGABYTES [SEARCHES [DATABASE…]]]`, a megabyte and 200 searches
// on a SQLite file of its own unless told otherwise. The text is made up, but its words are as frequent as words are: the
// hundredth is a hundredth as frequent as the first.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>

#include "interpreter/runtime/knowledge.h"

namespace {

using namespace sufler;
using Clock = std::chrono::steady_clock;

double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

class Writer {
 public:
  Writer() {
    constexpr const char* kBegin[] = {"", "по", "за", "пере", "вы", "от", "при", "рас", "под", "на"};
    constexpr const char* kRoot[] = {"став", "воз", "плат", "цвет", "ход", "бук", "мер", "стол", "верн", "лист", "зелен", "пис",
                                     "каз",  "вар", "рез",  "крас", "тепл", "вод", "лом", "круж", "свет", "гор", "мыл", "крош"};
    constexpr const char* kMiddle[] = {"", "к", "ник", "ов", "ен", "ист", "тель", "очк", "альн"};
    for (const char* begin : kBegin)
      for (const char* root : kRoot)
        for (const char* middle : kMiddle) words_.push_back(std::string(begin) + root + middle);
    std::shuffle(words_.begin(), words_.end(), random_);
    // And names, models, numbers: half of all words of a catalogue are seen in it once or twice.
    for (int i = 0; i < 20'000; ++i) words_.push_back(words_[random_() % 2'000] + "о" + words_[random_() % 2'000]);
    double sum = 0;
    for (std::size_t i = 0; i < words_.size(); ++i) shares_.push_back(sum += 1.0 / static_cast<double>(i + 3));
  }

  std::string word() {
    constexpr const char* kEnd[] = {"а", "ы", "у", "ой", "е", "", "ом", "ами", "ый", "ого", "ая", "ить", "ает"};
    return stem() + kEnd[random_() % std::size(kEnd)];
  }
  std::string sentence() {
    std::string out = word();
    for (std::size_t i = 4 + random_() % 12; i > 0; --i) out += " " + word() + (random_() % 9 == 0 ? "," : "");
    return out + ". ";
  }
  std::string file(std::size_t bytes) {
    std::string out = "# " + word() + " " + word() + "\n\n";
    while (out.size() < bytes) {
      out += "## " + word() + " " + word() + "\n\n";
      for (std::size_t i = 2 + random_() % 10; i > 0; --i) out += sentence() + (i % 4 == 0 ? "\n\n" : "");
      out += "\n\n";
    }
    return out;
  }
  std::string question() {
    constexpr const char* kAsk[] = {"сколько стоит ", "подскажите, ", "можно ли ", "а если ", "здравствуйте, есть ли ", ""};
    std::string out = kAsk[random_() % std::size(kAsk)];
    for (std::size_t i = 1 + random_() % 6; i > 0; --i) out += word() + " ";
    if (random_() % 10 == 0) out += "доставляете";
    return out;
  }

 private:
  const std::string& stem() {
    const double at = std::uniform_real_distribution<double>(0, shares_.back())(random_);
    return words_[static_cast<std::size_t>(std::lower_bound(shares_.begin(), shares_.end(), at) - shares_.begin())];
  }

  std::mt19937_64 random_{4711};
  std::vector<std::string> words_;
  std::vector<double> shares_;
};

int measure(const std::string& url, double megabytes, std::size_t searches) {
  auto storage = Storage::open(url, Durability::Full);
  if (!storage) {
    std::fprintf(stderr, "%s\n", storage.error().message.c_str());
    return 1;
  }
  Writer writer;
  std::map<std::string, std::string> files;
  std::vector<std::string> names;
  std::size_t bytes = 0;
  while (static_cast<double>(bytes) < megabytes * 1e6) {
    names.push_back("file" + std::to_string(names.size()) + ".md");
    bytes += (files[names.back()] = writer.file(100'000)).size();
  }
  const auto cutting = Clock::now();
  std::size_t pieces = 0;
  for (const auto& [name, text] : files) pieces += cut_knowledge(name, text)->size();
  const double cut = milliseconds(Clock::now() - cutting);

  double longest = 0;
  const OnStorage on_storage = [&](const std::function<Stored<Done>(Storage&)>& job) {
    const auto began = Clock::now();
    auto done = job(*storage);
    longest = std::max(longest, milliseconds(Clock::now() - began));
    return done;
  };
  const auto stored = storage->transact([](Transaction& tx) { return tx.versions().save({"bench", "v1", "", "", {}, {}, {}}); });
  if (!stored) return 1;
  const auto index = [&](const std::string& version) {
    return index_knowledge(on_storage, "bench", version, {{"bot", names}},
                           [&](const std::string& path) { return std::optional(files[path]); }, Moment{1});
  };
  const auto indexing = Clock::now();
  const auto report = index("v1");
  const double indexed = milliseconds(Clock::now() - indexing);
  if (!report) {
    std::fprintf(stderr, "%s\n", report.error().message.c_str());
    return 1;
  }
  const double longest_job = longest;
  files[names.front()] += "\n\nновая строка\n";
  const auto again = Clock::now();
  if (!index("v1")) return 1;
  const double indexed_again = milliseconds(Clock::now() - again);

  KnowledgeSearcher searcher({url, 1, {}});
  std::vector<double> times;
  std::size_t found = 0;
  for (std::size_t i = 0; i < searches + 5; ++i) {
    const std::string question = writer.question();
    const auto began = Clock::now();
    const auto pieces_found = searcher.search({"bench", "v1", "bot", question, 5});
    if (!pieces_found) {
      std::fprintf(stderr, "%s\n", pieces_found.error().message.c_str());
      return 1;
    }
    if (i < 5) continue;  // opening, preparing
    times.push_back(milliseconds(Clock::now() - began));
    if (!pieces_found->empty()) ++found;
  }
  std::sort(times.begin(), times.end());
  std::printf("%-10s | %.1f MB, %zu pieces | cut %.2f s | indexed %.2f s, longest job %.0f ms | one file changed %.2f s | "
              "%zu searches, %zu found: p50 %.1f ms, p99 %.1f ms, max %.1f ms\n",
              url.substr(0, url.find(':')).c_str(), static_cast<double>(bytes) / 1e6, pieces, cut / 1e3, indexed / 1e3,
              longest_job, indexed_again / 1e3, times.size(), found, times[times.size() / 2], times[times.size() * 99 / 100],
              times.back());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const double megabytes = argc > 1 ? std::clamp(std::atof(argv[1]), 0.1, 100.0) : 1;
  const auto searches = static_cast<std::size_t>(argc > 2 ? std::clamp(std::atoi(argv[2]), 1, 100'000) : 200);
  if (argc > 3) {
    for (int i = 3; i < argc; ++i)
      if (const int code = measure(argv[i], megabytes, searches); code != 0) return code;
    return 0;
  }
  std::string folder = (std::filesystem::temp_directory_path() / "sufler_knowledge_XXXXXX").string();
  if (!::mkdtemp(folder.data())) return 1;
  const int code = measure("sqlite:" + folder + "/sufler.db", megabytes, searches);
  std::filesystem::remove_all(folder);
  return code;
}
