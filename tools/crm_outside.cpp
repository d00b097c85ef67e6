#include "tools/crm_outside.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <utility>

#include "interpreter/core/crm_chat.h"
#include "interpreter/core/secret.h"
#include "interpreter/runtime/clock.h"
#include "interpreter/runtime/incoming_json.h"
#include "interpreter/runtime/log.h"
#include "interpreter/services/amocrm/chat_hook.h"
#include "interpreter/services/amocrm/chat_signature.h"
#include "interpreter/services/amocrm/webhook_form.h"
#include "storage/crm_store.h"
#include "storage/job_store.h"

namespace sufler {
namespace {

using amocrm::ChatHook;
using amocrm::HookItem;

constexpr std::string_view kPrefix = "/amocrm/", kHooks = "/amocrm/hooks/", kChats = "/amocrm/chats/";
/// From memory of the chats' documentation: no conversation can be begun.
constexpr int kNoConversation = 904;

/// Managers' messages that wait for the database. A body is a few kilobytes.
constexpr std::size_t kMostKept = 2'000;
constexpr std::chrono::seconds kAgain{1};

WebhookAnswer status(int code) { return {code, {}, {}, {}}; }

/// Where an id of a lead or a contact is one.
std::int64_t number_of(const std::string& text) {
  if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != text.npos) return 0;
  return std::stoll(text);
}

DialogKey key_of(const CrmStore::Person& person) { return {person.bot, {person.transport, person.user_id}, person.user_id}; }

/// Dialogs that an item of a webhook is about.
Stored<std::vector<DialogKey>> dialogs_of(Transaction& tx, const std::string& account, const std::vector<std::string>& bots, const HookItem& item) {
  std::vector<DialogKey> keys;
  CrmStore crm(tx);
  const auto add = [&](Stored<std::optional<CrmStore::Person>> person) -> Stored<Done> {
    if (!person) return Error{person.error()};
    if (*person && keys.empty()) keys.push_back(key_of(**person));
    return Done{};
  };
  const bool talk = item.entity == "talk";
  if (const std::int64_t lead = number_of(talk ? item.lead_id : item.id); lead != 0)
    if (auto done = add(crm.person_of_lead(account, lead)); !done) return Error{done.error()};
  if (const std::int64_t contact = talk ? number_of(item.contact_id) : 0; contact != 0 && keys.empty())
    if (auto done = add(crm.person_of_contact(account, contact)); !done) return Error{done.error()};
  if (!keys.empty() || item.chat_id.empty()) return keys;
  for (const std::string& bot : bots) {
    auto dialog = tx.dialog_of_message(bot, crm_chats(), item.chat_id);
    if (!dialog) return Error{dialog.error()};
    if (!*dialog) continue;
    auto key = tx.find_dialog(**dialog);
    if (!key) return Error{key.error()};
    if (*key) keys.push_back(std::move(**key));
  }
  return keys;
}

/// What is worth a look becomes a job of the dialog that it is about; the rest of an account's life is passed over.
Stored<Done> store_item(Transaction& tx, const std::string& account, const std::vector<std::string>& bots, const HookItem& item, Moment now, bool& stored) {
  const bool lead = item.entity == "leads" && item.action == "status";
  const bool talk = item.entity == "talk" && item.action == "update" && item.closed;
  if (!lead && !talk) return Done{};
  auto keys = dialogs_of(tx, account, bots, item);
  if (!keys) return Error{keys.error()};
  for (const DialogKey& key : *keys) {
    auto row = tx.load_dialog(key);
    if (!row) return Error{row.error()};
    if (row->id == 0) continue;
    if (const std::string name = amocrm::key_of(item); !name.empty()) {
      auto fresh = tx.claim_event(key.bot, kCrmTransport, name + ":" + std::to_string(row->id), now);
      if (!fresh) return Error{fresh.error()};
      if (!*fresh) continue;
    }
    ValueMap request;
    request.set("what", lead ? "lead" : "talk");
    request.set("id", item.id);
    if (!item.modified_user_id.empty()) request.set("modified_user_id", item.modified_user_id);
    JobRow job{0, key.bot, row->id, 0, kCrmNewsService, lead ? "lead" : "talk", to_json(Value(std::move(request))), now, 0, 0};
    if (auto put = tx.jobs().put(job); !put) return put;
    stored = true;
  }
  return Done{};
}

/// What a manager wrote, for its dialog. `rows`: what amoCRM is told where there is none. `fresh`: it did not come before.
Stored<Done> store_chat(Storage& storage, const CrmChats& chats, const std::vector<std::string>& bots, const ChatHook& hook, std::vector<OutboxRow>& rows, bool& fresh) {
  const Moment now = system_clock().now();
  return storage.transact([&](Transaction& tx) -> Stored<Done> {
    rows.clear();
    fresh = false;
    std::optional<DialogKey> key;
    if (const auto ours = read_conversation(hook.our_conversation)) key = DialogKey{ours->bot, ours->chat, ours->user_id};
    for (const std::string& bot : bots) {
      if (key || hook.conversation.empty()) break;
      auto dialog = tx.dialog_of_message(bot, crm_chats(), hook.conversation);
      if (!dialog) return Error{dialog.error()};
      if (!*dialog) continue;
      auto found = tx.find_dialog(**dialog);
      if (!found) return Error{found.error()};
      key = std::move(*found);
    }
    const bool served = key && std::find(bots.begin(), bots.end(), key->bot) != bots.end();
    std::int64_t dialog_id = 0;
    if (served) {
      auto row = tx.load_dialog(*key);
      if (!row) return Error{row.error()};
      dialog_id = row->id;
    }
    if (dialog_id == 0) {
      // Nobody is there to be told: the manager sees that.
      if (bots.empty()) return Done{};
      auto claimed = tx.claim_event(bots.front(), kCrmTransport, "message:" + hook.message, now);
      if (!claimed) return Error{claimed.error()};
      if (!*claimed) return Done{};
      OutboxRow row;
      row.bot = bots.front();
      row.chat = {std::string(kCrmTransport), "unknown:" + hook.conversation};
      CrmChatSettings settings;
      settings.by_status_code = chats.by_status_code;
      row.call = crm_delivery(hook.message, settings, "the bot has no dialog with this person", kNoConversation);
      auto id = tx.enqueue(row, now);
      if (!id) return Error{id.error()};
      row.id = *id;
      rows.push_back(std::move(row));
      return Done{};
    }
    CrmNews news;
    news.what = CrmNews::What::Wrote;
    news.id = hook.message;
    news.text = hook.text;
    news.attachments = hook.attachments;
    news.manager = hook.manager;
    Incoming update;
    update.id = "crm:message:" + hook.message;
    update.chat = key->chat;
    update.person.id = key->user_id;
    update.event = Event{now, 0, std::move(news)};
    InboxRow row;
    row.bot = key->bot;
    row.transport = key->chat.transport;
    row.event_id = update.id;
    row.user_id = key->user_id;
    row.incoming = to_json(update);
    auto claimed = tx.claim_event(row.bot, row.transport, row.event_id, now);
    if (!claimed) return Error{claimed.error()};
    if (!*claimed) return Done{};
    fresh = true;
    return tx.put_inbox(row);
  });
}

}  // namespace

struct CrmOutside::Account {
  std::string key, hooks;
  std::optional<CrmChats> chats;
  std::vector<std::string> bots;
  std::shared_ptr<amocrm::Connection> connection;
  std::unique_ptr<amocrm::ChatClient> client;
  std::mt19937_64 random{std::random_device{}()};
  std::mutex mutex;
  std::atomic<std::uint64_t> forged{0};
};

/// What managers wrote while no process listened: amoCRM tells of it once, and only its history knows it still. Each chat in
/// which something happened lately is looked at once, one after the other.
struct CrmOutside::Recovery : std::enable_shared_from_this<Recovery> {
  Recovery(CrmOutside& outside, Engine& runs, const Account& of) : owner(outside), account(of), engine(&runs) {}

  void begin() {
    ask([](const std::shared_ptr<Recovery>& self, Engine&, Storage& storage) {
      const Moment since = self->first();
      auto done = storage.look([&](Transaction& tx) -> Stored<Done> {
        self->chats.clear();
        for (const std::string& bot : self->account.bots) {
          auto some = CrmStore(tx).chats(bot, crm_chats(), since, kMostLookedAt);
          if (!some) return Error{some.error()};
          self->chats.insert(self->chats.end(), some->begin(), some->end());
        }
        return Done{};
      });
      if (!done) return write_log(LogLevel::Warning, "the chats of amoCRM could not be looked at: " + done.error().message, {{"service", "amocrm"}});
      self->next();
    });
  }
  /// Nobody is called any more.
  void stop() {
    const std::lock_guard lock(mutex);
    engine = nullptr;
  }

 private:
  /// Dialogs at rest for longer are not looked at: by then nobody waits. What came is known for a day longer than that.
  static constexpr std::int64_t kLately = std::int64_t{6} * 24 * 3600 * 1000;
  static constexpr std::size_t kMostLookedAt = 1'000, kMostPages = 4;

  static Moment first() { return {system_clock().now().unix_ms - kLately}; }

  void ask(std::function<void(const std::shared_ptr<Recovery>&, Engine&, Storage&)> what) {
    const std::lock_guard lock(mutex);
    if (!engine) return;
    engine->ask([self = shared_from_this(), runs = engine, what = std::move(what)](Storage& storage) { what(self, *runs, storage); });
  }

  void next() {
    pages.clear();
    read = 0;
    if (at == chats.size()) {
      if (found > 0)
        write_log(LogLevel::Info, "managers' messages that came while nobody listened are here now: " + std::to_string(found), {{"service", "amocrm"}});
      return;
    }
    page();
  }
  void page() {
    account.client->history(chats[at], read, [self = shared_from_this()](amocrm::ChatHistory history, const std::string& reason) {
      self->ask([history = std::move(history), reason](const std::shared_ptr<Recovery>& me, Engine& runs, Storage& storage) { me->came(runs, storage, history, reason); });
    });
  }
  void came(Engine& runs, Storage& storage, const amocrm::ChatHistory& history, const std::string& reason) {
    if (!reason.empty() && !std::exchange(complained, true))
      write_log(LogLevel::Warning, "what managers wrote while nobody listened cannot be asked for: " + reason, {{"service", "amocrm"}});
    read += history.count;
    pages.insert(pages.begin(), history.managers.begin(), history.managers.end());
    if (history.count == amocrm::kHistoryPage && read < kMostPages * amocrm::kHistoryPage && history.oldest > first()) return page();
    for (const ChatHook& hook : pages) {
      if (hook.at.unix_ms > 0 && hook.at < first()) continue;
      // What waits comes first.
      Stored<bool> done = Error{StorageError{StorageError::Kind::Busy, {}}};
      if (owner.kept_.empty()) done = owner.store(runs, account, hook, storage);
      if (done) {
        found += *done ? 1 : 0;
      } else if (may_pass(done.error().kind) && owner.kept_.size() < kMostKept) {
        owner.keep(runs, account, hook);
      } else {
        write_log(LogLevel::Error, "a manager's message could not be stored; it is asked for again at the next start: " + done.error().message, {{"service", "amocrm"}});
      }
    }
    ++at;
    next();
  }

  CrmOutside& owner;
  const Account& account;
  std::mutex mutex;
  Engine* engine;  ///< null: it is over
  // Of the engine's thread.
  std::vector<std::string> chats;
  std::size_t at = 0, read = 0, found = 0;
  std::vector<ChatHook> pages;  ///< of one chat, oldest first
  bool complained = false;
};

CrmOutside::CrmOutside(const Config& config, HttpClient& http, amocrm::Memory& memory) {
  for (const BotConfig& bot : config.bots) {
    const CrmAccount* const of_bot = crm_in_use(config, bot);
    if (!of_bot) continue;
    Account* known = nullptr;
    for (const auto& one : accounts_)
      if (one->key == of_bot->key()) known = one.get();
    if (!known) {
      known = accounts_.emplace_back(std::make_unique<Account>()).get();
      known->key = of_bot->key();
      known->hooks = of_bot->hooks;
      known->chats = of_bot->chats;
      if (of_bot->chats) {
        CrmAccount account = *of_bot;
        if (account.proxy.empty()) account.proxy = config.proxy;
        known->connection = std::make_shared<amocrm::Connection>(account, memory, http, [known] {
          const std::lock_guard lock(known->mutex);
          return std::uniform_real_distribution<double>(0, 1)(known->random);
        });
        known->client = std::make_unique<amocrm::ChatClient>(
            http, account, known->connection, [] { return system_clock().now(); },
            [](std::string line) { write_log(line.starts_with("ALARM") ? LogLevel::Error : LogLevel::Warning, line, {{"service", "amocrm"}}); });
      }
    }
    known->bots.push_back(bot.name);
    by_bot_[bot.name] = known;
  }
}

CrmOutside::~CrmOutside() { stop(); }

amocrm::ChatClient* CrmOutside::chats_of(std::string_view bot) const {
  const auto found = by_bot_.find(bot);
  return found == by_bot_.end() ? nullptr : found->second->client.get();
}

void CrmOutside::start(Engine& engine, Listener* listener) {
  bool hears = false;
  for (const auto& one : accounts_) {
    if (one->client) one->client->start();
    hears = hears || one->client || !one->hooks.empty();
  }
  if (!hears) return;
  if (!listener) {
    write_log(LogLevel::Warning, "the configuration has no `http:`: what managers write in amoCRM, and what they move, does not arrive",
              {{"service", "amocrm"}});
    return;
  }
  for (const auto& one : accounts_) {
    if (!one->client) continue;
    recoveries_.push_back(std::make_shared<Recovery>(*this, engine, *one));
    recoveries_.back()->begin();
  }
  listener->add_service(std::string(kPrefix), [this, &engine](WebhookRequest request, std::function<void(WebhookAnswer)> answer) {
    take(engine, std::move(request), std::move(answer));
  });
}

void CrmOutside::stop() {
  for (const auto& one : recoveries_) one->stop();
  {
    const std::lock_guard lock(again_mutex_);
    stopped_ = true;
  }
  again_wake_.notify_all();
  if (again_.joinable()) again_.join();
  if (const std::size_t left = std::exchange(kept_, {}).size(); left > 0)
    write_log(LogLevel::Error, "managers' messages that were kept are lost, for the database did not come back: " + std::to_string(left), {{"service", "amocrm"}});
  for (const auto& one : accounts_)
    if (one->client) one->client->stop();
}

void CrmOutside::take(Engine& engine, WebhookRequest request, std::function<void(WebhookAnswer)> answer) {
  if (request.method != "POST") return answer(status(405));
  if (request.path.starts_with(kHooks)) {
    const std::string_view given = std::string_view(request.path).substr(kHooks.size());
    // All are compared, whichever it is.
    const Account* meant = nullptr;
    for (const auto& one : accounts_)
      if (same_secret(one->hooks, given)) meant = one.get();
    if (!meant) return answer(status(404));
    return take_hook(engine, *meant, request.body, std::move(answer));
  }
  if (!request.path.starts_with(kChats)) return answer(status(404));
  const std::string signature = request.header("X-Signature");
  const Account* meant = nullptr;
  for (const auto& one : accounts_)
    if (one->chats && amocrm::is_signed(one->chats->secret, request.body, signature)) meant = one.get();
  if (meant) return take_chat(engine, *meant, request.body, std::move(answer));
  for (const auto& one : accounts_) {
    if (!one->chats) continue;
    // At 1, 10, 100…: whoever tries secrets is seen, and does not fill the log.
    const std::uint64_t count = ++one->forged;
    std::uint64_t power = 1;
    while (power < count && power <= count / 10) power *= 10;
    if (power == count)
      write_log(LogLevel::Warning, "chat webhooks with a wrong signature so far: " + std::to_string(count), {{"service", "amocrm"}});
    break;
  }
  answer(status(403));
}

void CrmOutside::take_hook(Engine& engine, const Account& account, const std::string& body, std::function<void(WebhookAnswer)> answer) {
  auto form = amocrm::decode_form(body);
  if (!form) return answer(status(400));
  auto items = amocrm::hook_items(*form);
  engine.ask([&engine, &account, items = std::move(items), answer = std::move(answer)](Storage& storage) {
    bool stored = false;
    auto done = storage.transact([&](Transaction& tx) -> Stored<Done> {
      stored = false;
      for (const HookItem& item : items)
        if (auto put = store_item(tx, account.key, account.bots, item, system_clock().now(), stored); !put) return put;
      return Done{};
    });
    if (!done) {
      write_log(LogLevel::Error, "a webhook of amoCRM could not be stored: " + done.error().message, {{"service", "amocrm"}});
      return answer({503, {}, std::chrono::seconds(1), {}});
    }
    if (stored) engine.look_for_jobs();
    answer(status(200));
  });
}

void CrmOutside::take_chat(Engine& engine, const Account& account, const std::string& body, std::function<void(WebhookAnswer)> answer) {
  auto hook = amocrm::decode_chat_hook(body);
  if (!hook) return answer(status(400));
  using Kind = ChatHook::Kind;
  if (hook->kind == Kind::OldVersion)
    write_log(LogLevel::Warning, "amoCRM sends chats in its old version 1, which is not read: connect the channel anew", {{"service", "amocrm"}});
  if (hook->kind == Kind::Comment)
    write_log(LogLevel::Info, "a manager answered below a post: that goes nowhere", {{"service", "amocrm"}});
  if (hook->kind != Kind::Message || hook->message.empty()) return answer(status(200));
  engine.ask([this, &engine, &account, hook = std::move(*hook), answer = std::move(answer)](Storage& storage) {
    // What waits comes first: a manager's words come in order.
    Stored<bool> done = Error{StorageError{StorageError::Kind::Busy, "what came before it waits"}};
    const bool behind = !kept_.empty();
    if (!behind) done = store(engine, account, hook, storage);
    if (done) return answer(status(200));
    const bool kept = may_pass(done.error().kind) && kept_.size() < kMostKept;
    if (!behind || !kept)
      write_log(LogLevel::Error, std::string("a manager's message could not be stored") + (kept ? "; it is kept until it can be: " : ": ") + done.error().message,
                {{"service", "amocrm"}});
    // amoCRM does not send it again, whatever the answer.
    if (!kept) return answer({503, {}, std::chrono::seconds(1), {}});
    keep(engine, account, hook);
    answer(status(200));
  });
}

Stored<bool> CrmOutside::store(Engine& engine, const Account& account, const ChatHook& hook, Storage& storage) {
  std::vector<OutboxRow> rows;
  bool fresh = false;
  auto done = store_chat(storage, *account.chats, account.bots, hook, rows, fresh);
  if (!done) return Error{done.error()};
  if (!rows.empty()) {
    engine.send(std::move(rows));
  } else if (fresh) {
    engine.play_inbox();
  }
  return fresh;
}

void CrmOutside::keep(Engine& engine, const Account& account, ChatHook hook) {
  kept_.emplace_back(&account, std::move(hook));
  if (kept_.size() > 1) return;  // somebody asks already
  const std::lock_guard lock(again_mutex_);
  again_wanted_ = true;
  if (!again_.joinable() && !stopped_) again_ = std::thread([this, &engine] { ask_again(engine); });
  again_wake_.notify_all();
}

void CrmOutside::ask_again(Engine& engine) {
  std::unique_lock lock(again_mutex_);
  for (;;) {
    again_wake_.wait(lock, [&] { return stopped_ || again_wanted_; });
    if (again_wake_.wait_for(lock, kAgain, [&] { return stopped_; })) return;
    again_wanted_ = false;
    lock.unlock();
    engine.ask([this, &engine](Storage& storage) { store_kept(engine, storage); });
    lock.lock();
  }
}

void CrmOutside::store_kept(Engine& engine, Storage& storage) {
  std::size_t stored = 0;
  while (!kept_.empty()) {
    auto done = store(engine, *kept_.front().first, kept_.front().second, storage);
    if (!done && may_pass(done.error().kind)) break;
    if (!done) write_log(LogLevel::Error, "a manager's message could not be stored: " + done.error().message, {{"service", "amocrm"}});
    stored += done ? 1 : 0;
    kept_.pop_front();
  }
  if (stored > 0) write_log(LogLevel::Info, "managers' messages that were kept are stored now: " + std::to_string(stored), {{"service", "amocrm"}});
  if (kept_.empty()) return;
  const std::lock_guard lock(again_mutex_);
  again_wanted_ = true;
  again_wake_.notify_all();
}

}  // namespace sufler
