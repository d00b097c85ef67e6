#include "interpreter/transports/vk/names.h"

#include <set>

namespace sufler::vk {
namespace {

constexpr std::size_t kNamesOfGeneration = 10'000;
constexpr std::size_t kPeopleOfCall = 1000;
/// After a failure people stay nameless for so long, rather than every batch of events wait again.
constexpr std::chrono::seconds kRest{30};

}  // namespace

const PersonName* Names::find(const std::string& id) {
  if (const auto found = young_.find(id); found != young_.end()) return &found->second;
  const auto found = old_.find(id);
  if (found == old_.end()) return nullptr;
  remember(id, std::move(found->second));
  return &young_[id];
}

void Names::remember(const std::string& id, PersonName name) {
  if (young_.size() >= kNamesOfGeneration) {
    old_ = std::move(young_);
    young_.clear();
  }
  young_[id] = std::move(name);
}

void Names::put_names(std::vector<Incoming>& events) {
  for (Incoming& event : events) {
    const PersonName* name = find(event.person.id);
    if (name == nullptr) continue;
    event.person.first_name = name->first_name;
    event.person.last_name = name->last_name;
    event.person.username = name->username;
  }
}

void Names::fill(std::vector<Incoming> events, Done done) {
  std::set<std::string> unknown;
  for (const Incoming& event : events) {
    if (unknown.size() < kPeopleOfCall && find(event.person.id) == nullptr) unknown.insert(event.person.id);
  }
  if (unknown.empty() || std::chrono::steady_clock::now() < rest_until_) {
    put_names(events);
    return done(std::move(events));
  }
  std::string ids;
  for (const std::string& id : unknown) {
    if (!ids.empty()) ids += ',';
    ids += id;
  }
  struct Pending {
    std::vector<Incoming> events;
    Done done;
    bool over = false;
  };
  auto pending = std::make_shared<Pending>();
  pending->events = std::move(events);
  pending->done = std::move(done);
  const auto finish = [self = shared_from_this(), pending](bool in_time) {
    if (std::exchange(pending->over, true)) return;
    if (!in_time) self->rest_until_ = std::chrono::steady_clock::now() + kRest;
    self->put_names(pending->events);
    pending->done(std::move(pending->events));
  };
  api_->ask("users.get", {{"user_ids", ids}, {"fields", "screen_name"}},
            [self = shared_from_this(), finish](CallResult result) {
              const std::map<std::string, PersonName> names =
                  result.ok() ? read_names(result.body) : std::map<std::string, PersonName>();
              for (const auto& [id, name] : names) self->remember(id, name);
              finish(result.ok());
            });
  client_.after(wait_, [finish] { finish(false); });
}

}  // namespace sufler::vk
