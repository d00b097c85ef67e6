#pragma once
// Inside of the fake; tests include fake_telegram.h.
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fakes/common/platform.h"
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

struct Topic {
  std::string name;
  bool by_bot = false;
  bool closed = false;
  bool deleted = false;
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
  std::map<std::int64_t, Topic> topics;  ///< by the id of the message that began it
  // What the bot may do in a group.
  bool manages_topics = true;
  bool writes = true;
  std::int64_t next_message_id = 1;
  Bucket bucket;
  std::deque<std::int64_t> minute_ms;  ///< times of sends in the last minute, for groups
  std::int64_t id() const { return json["id"].get<std::int64_t>(); }
  bool is_forum() const { return json.value("is_forum", false); }
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

/// What one method call may look at and change.
struct CallContext {
  Bot& bot;
  const Params& params;
  std::string method;       ///< as the table spells it
  std::string description;  ///< of a success, for the webhook methods
};

/// All state of the fake. Every public function takes the lock.
class World : public Platform {
 public:
  World(FakeTelegramOptions options, HttpServer& server);
  ~World() override;

  std::string token(std::size_t bot);

 private:
  friend struct MethodTable;
  using Method = Json (World::*)(CallContext&);
  struct MethodInfo {
    const char* name;
    Method call;
    std::set<std::string> params;
    bool sends;  ///< counts against the rate limits
  };

  // world.cpp: what happens around a call
  bool admit(const HttpRequest& request) override;
  void serve(HttpRequest&& request) override;
  void forget(ConnectionId connection) override;
  const std::string* stored_file(const Json& params) override;
  bool holds(const Json& params) override;
  std::size_t sent_to(const Json& params) override;
  void add_bot(const BotAccount& account);
  Bot* bot_by_token(std::string_view token);
  void serve_api(const HttpRequest& request);
  void serve_file(const HttpRequest& request);
  HttpReply run_method(Bot& bot, const MethodInfo& info, const Params& params, ApiCall call);
  static const std::map<std::string, MethodInfo>& methods();
  void rate_limit(Bot& bot, const Params& params);
  static HttpReply ok_reply(const Json& result, const std::string& description = {});
  static HttpReply error_reply(const ApiError& error);
  void apply_manner(HttpReply& reply, const FaultRule& fault);

  // updates.cpp: getUpdates and the webhook
  bool deliver_one(std::unique_lock<std::mutex>& lock) override;
  bool any_to_deliver() override;
  std::int64_t push_update(Bot& bot, const std::string& kind, Json content, std::int64_t chat);
  std::int64_t push_raw(Bot& bot, Json update, const std::string& kind, std::int64_t chat);
  void get_updates(Bot& bot, const Params& params, ConnectionId connection, HttpReply manner);
  void conflict(Bot& bot, ConnectionId connection, const std::string& text);
  bool answer_poll(Bot& bot, const Poll& poll, bool even_empty);
  void confirm_below(Bot& bot, std::int64_t offset);
  void set_allowed(Bot& bot, const Params& params);
  void call_in_answer(Bot& bot, const PostResult& result);

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
  Json create_topic(CallContext& call);
  Json close_topic(CallContext& call) { return set_topic_closed(call, true); }
  Json reopen_topic(CallContext& call) { return set_topic_closed(call, false); }
  Json set_topic_closed(CallContext& call, bool closed);
  std::int64_t add_topic(Chat& chat, const Json& author, Topic topic);
  Json get_chat(CallContext& call);
  Json get_chat_member(CallContext& call);
  Json leave_chat(CallContext& call);
  Json set_webhook(CallContext& call);
  Json delete_webhook(CallContext& call);
  Json get_webhook_info(CallContext& call);
  Json polls_elsewhere(CallContext& call);

  // control.cpp: people, reports, faults and options
  std::size_t account_of(const Json& params) override { return bot_of(params).index; }
  Json act(const std::string& path, const Json& params) override;
  Json messages_report(const Json& params) override;
  const std::set<std::string>& own_faults() override;
  bool knows_method(const std::string& name) override;
  bool only_by_name(const std::string& method) override;
  bool drops_at_head(const FaultRule& rule, const std::string& method) override;
  bool set_option(const std::string& name, const Json& value) override;
  void forget_all() override;
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
  Json updates_report(Bot& bot, const Json& params);
  Json answers_report(Bot& bot);

  FakeTelegramOptions options_;
  std::deque<Bot> bots_;
};

}  // namespace sufler::fakes
