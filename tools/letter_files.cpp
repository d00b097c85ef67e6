#include "tools/letter_files.h"

#include <chrono>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <utility>

namespace sufler {
namespace {

/// Of a file that nobody brings; another attempt may have more luck.
constexpr std::chrono::seconds kPatience{120};
constexpr std::chrono::milliseconds kLook{50};

using Promise = std::promise<FetchedFile>;

FetchedFile await(std::future<FetchedFile> coming, const std::function<bool()>& stop) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (coming.wait_for(kLook) != std::future_status::ready)
    if (stop() || std::chrono::steady_clock::now() > until) return {{}, "it does not come", true};
  return coming.get();
}

FetchedFile read(FoundFile found, std::size_t limit) {
  FetchedFile file;
  file.reason = std::move(found.reason);
  if (!file.reason.empty()) return file;
  file.bytes = std::move(found.bytes);
  if (!found.path.empty()) {
    std::ifstream in(found.path, std::ios::binary);
    if (!in) return {{}, "it cannot be read", true};
    file.bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  if (file.bytes.size() > limit) return {{}, "it is too large", false};
  return file;
}

}  // namespace

FetchFile fetch_of(ScenarioFiles& files, Couriers& couriers) {
  return [&files, &couriers](const std::string& bot, const Attachment& file, std::size_t limit, const std::function<bool()>& stop) {
    // Whoever waits may be gone before the file comes.
    const auto promise = std::make_shared<Promise>();
    if (file.origin == "stored") {
      if (file.size > static_cast<std::int64_t>(limit)) return FetchedFile{{}, "it is too large", false};
      files.find(file, [promise, limit](FoundFile found) { promise->set_value(read(std::move(found), limit)); });
      return await(promise->get_future(), stop);
    }
    Transport* holder = couriers.find(bot, file.origin);
    if (!holder) return FetchedFile{{}, "the bot is not served on " + file.origin + " that holds it", false};
    holder->fetch_file(file, limit, [promise](std::string bytes, std::string reason) {
      promise->set_value({std::move(bytes), std::move(reason), true});
    });
    return await(promise->get_future(), stop);
  };
}

}  // namespace sufler
