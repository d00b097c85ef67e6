#include "tools/crm_memory.h"

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "interpreter/runtime/log.h"
#include "storage/crm_store.h"

namespace sufler {
namespace {

using amocrm::Begun;
using amocrm::Links;
using amocrm::Mark;
using amocrm::Person;
using amocrm::Recalled;
using amocrm::Row;
using amocrm::TokenPair;

Moment now() {
  return {std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

CrmStore::Person stored(const Person& person) { return {person.bot, person.transport, person.user_id}; }

class StoredMemory : public amocrm::Memory {
 public:
  StoredMemory(std::string database, Durability durability, bool migrate, Errands* errands)
      : database_(std::move(database)), errands_(errands) {
    options_.durability = durability;
    options_.migrate = migrate;
  }

  Known<Duration> next_request(const std::string& account, Duration between, Duration most, const Begun* begun) override {
    return change<Duration>([&](CrmStore& store) { return take_place(store, account, {between, most}, begun); });
  }
  Known<Done> pause(const std::string& account, Duration wait) override {
    return change<Done>([&](CrmStore& store) { return store.pause(account, wait); });
  }

  Known<TokenPair> tokens(const std::string& account) override {
    auto stored = change<CrmStore::Tokens>([&](CrmStore& store) { return store.tokens(account); });
    if (!stored) return Error{stored.error()};
    hide(stored->access);
    hide(stored->refresh);
    return TokenPair{stored->access, stored->refresh, stored->expires, stored->generation, stored->begun_with};
  }
  Known<bool> begin_refresh(const std::string& account, std::int64_t generation, Duration lease) override {
    return change<bool>([&](CrmStore& store) { return store.begin_refresh(account, generation, lease); });
  }
  Known<Done> keep_tokens(const std::string& account, TokenPair& pair) override {
    hide(pair.access);
    hide(pair.refresh);
    auto generation = change<std::int64_t>(
        [&](CrmStore& store) { return store.keep_tokens(account, {pair.access, pair.refresh, pair.begun_with, pair.expires, pair.generation}); });
    if (!generation) return Error{generation.error()};
    pair.generation = *generation;
    return Done{};
  }
  Known<Done> end_refresh(const std::string& account, std::int64_t generation) override {
    return change<Done>([&](CrmStore& store) { return store.end_refresh(account, generation); });
  }

  Known<Links> links(const std::string& account, const Person& person) override {
    auto links = change<CrmStore::Links>([&](CrmStore& store) { return store.links(account, stored(person)); });
    if (!links) return Error{links.error()};
    return Links{links->contact_id, links->lead_id};
  }
  Known<Recalled> recall(const std::string& account, std::int64_t job_id, const Begun& order, const Row& row, bool begin) override {
    return change<Recalled>([&](CrmStore& store) -> Stored<Recalled> {
      Recalled recalled;
      auto first = store.is_first_job(job_id);
      if (!first) return Error{first.error()};
      recalled.first = *first;
      if (!recalled.first) return recalled;
      auto links = store.links(account, stored(order.person));
      if (!links) return Error{links.error()};
      recalled.links = {links->contact_id, links->lead_id};
      auto made = store.made(order.mark, order.what);
      if (!made) return Error{made.error()};
      if (*made) recalled.mark = Mark{(*made)->begun_unix_s, (*made)->made_id, (*made)->contact_id};
      begin = begin && !recalled.mark;
      auto wait = take_place(store, account, row, begin ? &order : nullptr);
      if (!wait) return Error{wait.error()};
      if (*wait > row.most) return recalled;
      recalled.place = *wait;
      recalled.begun = begin;
      return recalled;
    });
  }
  Known<Done> made(const std::string& account, const std::string& mark, const std::string& what, const Person& person,
                   const Mark& became, const Links& links) override {
    return change<Done>([&](CrmStore& store) -> Stored<Done> {
      if (!mark.empty())
        if (auto set = store.set_made(mark, what, {became.begun_unix_s, became.made_id, became.contact_id}); !set) return set;
      if (links.contact_id == 0 && links.lead_id == 0) return Done{};
      return store.link(account, stored(person), {links.contact_id, links.lead_id}, now());
    });
  }
  Known<Done> not_made(const std::string& mark, const std::string& what) override {
    return change<Done>([&](CrmStore& store) { return store.not_made(mark, what); });
  }
  Known<bool> is_made(const std::string& account, const std::string& what, std::int64_t id) override {
    return change<bool>([&](CrmStore& store) { return store.is_made(account, what, id); });
  }

 private:
  static Stored<Duration> take_place(CrmStore& store, const std::string& account, const Row& row, const Begun* begun) {
    auto wait = store.next_request(account, row.between, row.most);
    if (!wait || *wait > row.most || !begun) return wait;
    if (auto noted = store.begin(account, begun->mark, begun->what, stored(begun->person), begun->now_unix_s + (wait->ms + 999) / 1000); !noted) return Error{noted.error()};
    return wait;
  }
  static void hide(const std::string& token) {
    if (!token.empty()) hide_secret(token);
  }

  template <class T>
  Known<T> change(const std::function<Stored<T>(CrmStore&)>& work) {
    std::optional<T> result;
    const auto done = transact([&](Transaction& tx) -> Stored<Done> {
      CrmStore store(tx);
      auto came = work(store);
      if (!came) return Error{came.error()};
      result = std::move(*came);
      return Done{};
    });
    if (!done) return Error{done.error().message};
    return std::move(*result);
  }

  Stored<Done> transact(const Errands::Body& body) {
    if (errands_ && errands_->is_served()) return errands_->run(body);
    const std::lock_guard lock(mutex_);
    if (!storage_) {
      auto opened = Storage::open(database_, options_);
      if (!opened) return Error{opened.error()};
      storage_.emplace(std::move(*opened));
    }
    auto done = storage_->transact(body);
    if (!done && done.error().kind == StorageError::Kind::Lost) storage_.reset();
    return done;
  }

  const std::string database_;
  Errands* const errands_;
  Storage::Options options_;
  std::mutex mutex_;
  std::optional<Storage> storage_;
};

}  // namespace

std::unique_ptr<amocrm::Memory> crm_memory(std::string database, Durability durability, bool migrate, Errands* errands) {
  // Of its own, and gone with it: there each connection is a database.
  if (database == "sqlite::memory:") migrate = true;
  return std::make_unique<StoredMemory>(std::move(database), durability, migrate, errands);
}

}  // namespace sufler
