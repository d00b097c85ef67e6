#pragma once
// Inside of the fake; tests include fake_telegram.h.
#include <condition_variable>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "fakes/common/http_server.h"
#include "fakes/telegram/fake_telegram.h"
#include "fakes/telegram/formatted_text.h"
#include "fakes/telegram/params.h"
#include "fakes/telegram/reply_markup.h"

namespace sufler::fakes {

struct StoredFile {
  std::string id;
  std::string unique_id;
  std::string kind;  ///< photo, document, voice, video, audio, sticker, animation, video_note
  std::string name;
  std::string mime_type;
  std::string url;  ///< sent by URL: there are no bytes
  std::shared_ptr<const std::string> bytes;
  std::string sha256;
  int width = 0;
  int height = 0;
  int duration = 0;
  std::string thumbnail_id;  ///< a photo's smaller copy
  std::string path;          ///< given out by getFile; empty before
  std::int64_t path_at_ms = 0;
};

struct StoredMessage {
  Json message;
  bool from_bot = false;
  bool deleted = false;
  bool service = false;
  bool is_protected = false;
  bool silent = false;
  int edits = 0;
  std::string method;
  ReplyMarkup markup;
  std::vector<std::string> files;
  std::int64_t at_ms = 0;
};

struct Bucket {
  double tokens = -1;  ///< negative: not used yet
  std::int64_t at_ms = 0;
};

struct Chat {
  Json json;  ///< the Chat object
  bool started = false;
  bool blocked = false;
  bool deactivated = false;
  bool kicked = false;
  std::int64_t migrated_to = 0;
  std::map<std::int64_t, StoredMessage> messages;
  std::vector<std::int64_t> sent;  ///< ids of the bot's messages in order
  ReplyMarkup keyboard;            ///< what stands under the input field now
  std::int64_t next_message_id = 1;
  Bucket bucket;
  std::deque<std::int64_t> minute_ms;  ///< times of sends in the last minute, for groups
  std::int64_t id() const { return json["id"].get<std::int64_t>(); }
  bool is_private() const { return json["type"] == "private"; }
};

struct Update {
  std::int64_t id = 0;
  std::string kind;
  std::string json;  ///< the whole Update
  std::int64_t chat = 0;
  std::int64_t pushed_ms = 0;
  std::int64_t confirmed_ms = 0;  ///< 0: not yet
  int deliveries = 0;
  // Webhook only.
  int failures = 0;
  bool dropped = false;
};

struct Callback {
  std::int64_t user = 0;
  std::int64_t chat = 0;
  std::int64_t at_ms = 0;
  bool answered = false;
  Json answer;
};

struct Poll {
  ConnectionId connection{};
  std::int64_t offset = 0;
  std::size_t limit = 100;
  std::uint64_t serial = 0;
  HttpReply manner;  ///< delay and ending that a fault asked for
  Json params;
};

struct Bot {
  std::string token;
  std::size_t index = 0;
  Json user;
  bool revoked = false;
  bool reads_all = false;
  std::map<std::int64_t, Json> people;
  std::map<std::int64_t, Chat> chats;
  std::deque<Update> updates;  ///< every update since the start, for the log
  std::size_t head = 0;        ///< the first one not confirmed
  std::int64_t next_update_id = 0;
  std::optional<std::set<std::string>> allowed;
  std::optional<Poll> poll;
  std::int64_t last_offset = -1;
  std::chrono::steady_clock::time_point last_poll_at{};
  std::chrono::steady_clock::time_point last_conflict_at{};
  std::int64_t next_message_id = 1;
  std::map<std::string, Callback> callbacks;
  std::map<std::string, StoredFile> files;
  std::map<std::string, std::string> paths;  ///< file_path -> file_id
  std::map<std::string, Json> commands;      ///< by scope and language
  Bucket bucket;
  Json webhook = nullptr;  ///< the parameters of setWebhook
  std::int64_t webhook_set_ms = 0;
  std::map<std::int64_t, std::int64_t> webhook_blocked_until_ms;  ///< by chat, unscaled clock
  std::int64_t webhook_error_ms = 0;
  std::string webhook_error;
};

struct ApiCall {
  std::int64_t number = 0;
  std::int64_t at_ms = 0;
  std::size_t bot = 0;
  std::string method;
  Json params;
  bool ok = false;
  bool applied = false;  ///< false: a fault or a limit answered instead
  int error_code = 0;
  std::string description;
  Json result;
  std::string fault;
  std::int64_t chat = 0;
};

struct FaultRule {
  std::string method;  ///< lower case; empty for any but getUpdates
  std::optional<std::int64_t> chat;
  std::optional<std::size_t> bot;
  std::int64_t skip = 0;
  std::int64_t times = 1;  ///< negative: for ever
  std::string kind;
  Json json;  ///< as given
};

/// What one method call may look at and change.
struct CallContext {
  Bot& bot;
  const Params& params;
  std::string method;       ///< as the table spells it
  std::string description;  ///< of a success, for the webhook methods
};

/// All state of the fake. Every public function takes the lock.
class World {
 public:
  World(FakeTelegramOptions options, HttpServer& server);
  ~World();

  bool on_head(const HttpRequest& request);
  void on_request(HttpRequest&& request);
  void on_close(ConnectionId connection);

  /// The control API without HTTP; `path` is what follows /control/. Throws ApiError.
  Json control(const std::string& path, const Json& params);
  bool wait(const Json& params, std::chrono::milliseconds timeout);
  std::string token(std::size_t bot);
  std::string file_bytes(std::size_t bot, const std::string& file_id);
  void stop();

 private:
  friend struct MethodTable;
  using Method = Json (World::*)(CallContext&);
  struct MethodInfo {
    const char* name;
    Method call;
    std::set<std::string> params;
    bool sends;  ///< counts against the rate limits
  };

  // world.cpp
  std::int64_t now_ms() const;
  std::int64_t now_s() const { return now_ms() / 1000; }
  void add_bot(const BotAccount& account);
  Bot* bot_by_token(std::string_view token);
  void serve_api(HttpRequest&& request);
  void serve_file(const HttpRequest& request);
  void serve_control(HttpRequest&& request);
  HttpReply run_method(Bot& bot, const MethodInfo& info, const Params& params, ApiCall call);
  static const std::map<std::string, MethodInfo>& methods();
  std::optional<FaultRule> take_fault(Bot& bot, const std::string& method,
                                      std::optional<std::int64_t> chat, bool head_only);
  void rate_limit(Bot& bot, const Params& params);
  void log(ApiCall call);
  void changed();
  void serve_waiters();
  bool satisfied(const Json& params);
  std::int64_t push_update(Bot& bot, const std::string& kind, Json content, std::int64_t chat);
  std::int64_t push_raw(Bot& bot, Json update, const std::string& kind, std::int64_t chat);
  void get_updates(Bot& bot, const Params& params, ConnectionId connection, HttpReply manner);
  void conflict(Bot& bot, ConnectionId connection, const std::string& text);
  bool answer_poll(Bot& bot, const Poll& poll, bool even_empty);
  void confirm_below(Bot& bot, std::int64_t offset);
  void set_allowed(Bot& bot, const Params& params);
  static HttpReply ok_reply(const Json& result, const std::string& description = {});
  static HttpReply error_reply(const ApiError& error);
  void apply_manner(HttpReply& reply, const FaultRule& fault);
  void webhook_loop();
  bool deliver_one(std::unique_lock<std::mutex>& lock);

  // methods.cpp
  Chat& chat_of(CallContext& call, const char* name = "chat_id");
  Chat& writable_chat(CallContext& call);
  FormattedText text_of(const CallContext& call, const char* text, const char* entities);
  FormattedText caption_of(const CallContext& call, const std::string& text,
                           const std::string& mode, const Json& entities, bool edit);
  ReplyMarkup markup_of(const CallContext& call, const Chat& chat, bool inline_only);
  void check_link_preview(const Json& options);
  std::string reply_target(const CallContext& call, Chat& chat, Json& message);
  StoredMessage draft(CallContext& call, Chat& chat);
  Json commit(CallContext& call, Chat& chat, StoredMessage stored, ReplyMarkup markup);
  StoredFile& resolve_file(CallContext& call, const std::string& kind, const std::string& param,
                           const std::string& value, bool photo_rules);
  StoredFile& add_file(Bot& bot, StoredFile file);
  void attach(Bot& bot, StoredMessage& stored, const StoredFile& file);
  static Json media_json(Bot& bot, const StoredFile& file);
  Json send_media(CallContext& call, const std::string& kind);
  StoredMessage& own_message(CallContext& call, Chat& chat, const char* missing);
  Json finish_edit(StoredMessage& stored, const Json& before, const ReplyMarkup& markup,
                   const Json& markup_before);
  Json copy_content(Bot& bot, const StoredMessage& source, StoredMessage& target);
  StoredMessage& source_message(CallContext& call, std::int64_t id, const char* missing);

  Json get_me(CallContext& call);
  Json send_message(CallContext& call);
  Json send_photo(CallContext& call) { return send_media(call, "photo"); }
  Json send_document(CallContext& call) { return send_media(call, "document"); }
  Json send_voice(CallContext& call) { return send_media(call, "voice"); }
  Json send_video(CallContext& call) { return send_media(call, "video"); }
  Json send_audio(CallContext& call) { return send_media(call, "audio"); }
  Json send_animation(CallContext& call) { return send_media(call, "animation"); }
  Json send_video_note(CallContext& call) { return send_media(call, "video_note"); }
  Json send_sticker(CallContext& call) { return send_media(call, "sticker"); }
  Json send_media_group(CallContext& call);
  Json send_location(CallContext& call);
  Json send_venue(CallContext& call);
  Json send_contact(CallContext& call);
  Json copy_message(CallContext& call);
  Json copy_messages(CallContext& call);
  Json forward_message(CallContext& call);
  Json edit_text(CallContext& call);
  Json edit_caption(CallContext& call);
  Json edit_media(CallContext& call);
  Json edit_markup(CallContext& call);
  Json delete_message(CallContext& call);
  Json delete_messages(CallContext& call);
  Json answer_callback(CallContext& call);
  Json send_chat_action(CallContext& call);
  Json set_commands(CallContext& call);
  Json get_commands(CallContext& call);
  Json delete_commands(CallContext& call);
  std::string commands_key(const CallContext& call);
  Json get_file(CallContext& call);
  Json get_chat(CallContext& call);
  Json get_chat_member(CallContext& call);
  Json leave_chat(CallContext& call);
  Json set_webhook(CallContext& call);
  Json delete_webhook(CallContext& call);
  Json get_webhook_info(CallContext& call);
  Json polls_elsewhere(CallContext& call);

  // control.cpp
  Json control_locked(const std::string& path, const Json& params);
  Bot& bot_of(const Json& params);
  Json& person(Bot& bot, std::int64_t id);
  Chat& person_chat(Bot& bot, const Json& params);
  StoredMessage& incoming(Bot& bot, Chat& chat, const Json& params, Json content);
  Json say(Bot& bot, const Json& params);
  Json press(Bot& bot, const Json& params);
  Json tap(Bot& bot, const Json& params);
  Json send_file(Bot& bot, const std::string& kind, const Json& params);
  Json album(Bot& bot, const Json& params);
  Json edit_by_user(Bot& bot, const Json& params);
  Json membership(Bot& bot, const Json& params, bool blocked);
  Json deliver(Bot& bot, Chat& chat, StoredMessage& stored, const Json& params);
  bool group_message_visible(const Bot& bot, const Chat& chat, const Json& message) const;
  StoredFile& incoming_file(Bot& bot, const std::string& kind, const Json& params);
  Json message_report(const Bot& bot, const Chat& chat, const StoredMessage& stored) const;
  Json messages_report(Bot& bot, const Json& params);
  Json calls_report(const Json& params);
  Json updates_report(Bot& bot, const Json& params);
  Json answers_report(Bot& bot);
  Json add_fault(const Json& params);
  void set_options(const Json& params);
  void reset();

  FakeTelegramOptions options_;
  HttpServer& server_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Bot> bots_;
  std::deque<ApiCall> calls_;
  std::int64_t next_call_ = 1;
  std::unordered_map<std::string, std::int64_t> applied_;  ///< successful calls by method
  std::list<FaultRule> faults_;
  std::chrono::milliseconds clock_advance_{0};
  std::uint64_t serial_ = 1;  ///< for ids: files, callbacks, polls, albums
  struct Waiter {
    ConnectionId connection;
    Json params;
    std::uint64_t serial;
  };
  std::vector<Waiter> waiters_;
  bool stopping_ = false;
  std::condition_variable webhook_wake_;
  std::thread webhook_thread_;
};

}  // namespace sufler::fakes
