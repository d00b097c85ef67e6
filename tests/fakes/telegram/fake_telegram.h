#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sufler::fakes {

struct BotAccount {
  std::string token = {};  ///< `id:secret`; the number before the colon is the bot's user id
  std::string username = "sufler_test_bot";
  std::string first_name = "Sufler";
  bool reads_all_group_messages = false;  ///< privacy mode is off
};

/// The token of the only bot of a fake that was given no bots. Every secret of the tests has the word in capitals:
/// nothing that a program writes may hold it (tests/canaries).
inline constexpr std::string_view kTestToken = "7000000001:AA-CANARY-of-the-fake-telegram-0000";

/// For a bot's configuration, beside `api`: people of tests write faster than Telegram lets a bot answer, and the
/// fake has no limits unless it is asked for them.
inline constexpr const char* kNoLimits =
    "messages_per_second: 0, chat_messages_per_second: 0, group_messages_per_minute: 0";

struct FakeTelegramOptions {
  int port = 0;  ///< 0: a free one
  std::vector<BotAccount> bots = {};
  /// Refuses what the real server forgives but no careful bot sends: unknown parameters and fields,
  /// crossing entities, two kinds of keyboard at once, texts over the limit in UTF-16 units.
  bool strict = true;
  bool check_images = true;      ///< a photo must have the header of an image
  bool any_chat_exists = false;  ///< unknown positive chat ids are people who have pressed Start
  /// A getUpdates with the same offset within 0.5 s gets one update at most, and a short timeout
  /// repeated within 3 s becomes 3 s, as on the real server.
  bool repeated_offset_rules = true;
  std::chrono::milliseconds conflict_delay{0};  ///< before a repeated 409; 3 s on the real server
  std::size_t photo_limit_bytes = 10u << 20;
  std::size_t upload_limit_bytes = 50u << 20;
  std::size_t download_limit_bytes = 20u << 20;
  std::chrono::seconds callback_lifetime{60};
  std::chrono::seconds file_link_lifetime{3600};
  bool rate_limit = false;
  double chat_messages_per_second = 1;
  double chat_burst = 1;
  double messages_per_second = 30;  ///< of one bot to all chats
  /// What may come at once after a silence; below `messages_per_second`: that. A machine with much to do hands over
  /// together what was sent apart.
  double bot_burst = 0;
  int group_messages_per_minute = 20;
  double webhook_time_scale = 1;  ///< 0.01: back-off of 2 s takes 20 ms
  std::size_t kept_calls = 200'000;
  std::int64_t first_update_id = 100'000'001;
};

struct User {
  std::int64_t id = 0;
  std::string first_name = "Иван";
  std::string last_name = {};
  std::string username = {};
  std::string language_code = "ru";
};

/// Where a person acts: their private chat with the first bot unless said otherwise.
struct Place {
  std::int64_t chat = 0;  ///< a group; 0: the private chat
  std::size_t bot = 0;
  std::int64_t topic = 0;  ///< of the group; 0: none
};

struct Upload {
  std::string kind = "photo";  ///< photo, document, voice, video, audio, sticker
  std::string bytes = {};      ///< empty: a small valid file of the kind
  std::string name = {};       ///< of a document
  std::string mime_type = {};
  std::string caption = {};
};

struct Entity {
  std::string type = {};
  int offset = 0;  ///< UTF-16 code units
  int length = 0;
  std::string url = {};
  std::string language = {};
  bool operator==(const Entity&) const = default;
};

struct Button {
  std::string label = {};
  std::string data = {};  ///< callback_data
  std::string url = {};
  bool asks_contact = false;
  bool asks_location = false;
};

struct SentFile {
  std::string kind = {};
  std::string file_id = {};
  std::string name = {};
  std::string mime_type = {};
  std::string url = {};  ///< when sent by URL
  std::string sha256 = {};
  std::size_t size = 0;
};

/// A message of the bot as the chat shows it now.
struct SentMessage {
  std::int64_t chat = 0;
  std::int64_t message_id = 0;
  std::string method = {};  ///< the call that made it
  std::string text = {};    ///< text or caption, markup resolved, trimmed
  std::vector<Entity> entities = {};
  std::vector<std::vector<Button>> inline_keyboard = {};
  std::vector<std::vector<Button>> reply_keyboard = {};
  bool removes_keyboard = false;
  std::vector<SentFile> files = {};
  std::string media_group_id = {};
  std::int64_t reply_to = 0;
  std::int64_t topic = 0;  ///< message_thread_id; 0: none
  bool silent = false;
  bool deleted = false;
  int edits = 0;
  std::string json = {};  ///< the whole Message object
};

struct CallRecord {
  std::int64_t number = 0;
  std::int64_t at_unix_ms = 0;
  std::string method = {};
  std::int64_t chat = 0;
  bool ok = false;
  bool applied = false;  ///< false: a fault or a limit answered instead of the method
  int error_code = 0;
  std::string description = {};
  std::string params = {};  ///< JSON object; uploads as {"file","size","sha256"}
  std::string result = {};  ///< JSON
};

/// Makes the next calls fail. `kind` is one of those in README.md.
struct Fault {
  std::string kind = {};
  std::string method = {};             ///< empty: any but getUpdates
  std::int64_t chat = 0;               ///< 0: any
  int times = 1;                       ///< -1: for ever
  int skip = 0;                        ///< lets that many matching calls pass first
  int retry_after_s = 1;               ///< rate_limit
  std::chrono::milliseconds delay{0};  ///< delay; the step of slow_body
  std::int64_t migrate_to = 0;
  int status = 0;                ///< of `custom`
  std::string description = {};  ///< of `custom`
};

/// A Telegram Bot API server on a free port of 127.0.0.1, with people who write to the bot.
/// Thread-safe. What a test asks wrongly (an unknown button, say) ends as std::runtime_error.
class FakeTelegram {
 public:
  explicit FakeTelegram(FakeTelegramOptions options = {});
  ~FakeTelegram();
  FakeTelegram(const FakeTelegram&) = delete;
  FakeTelegram& operator=(const FakeTelegram&) = delete;

  std::string url() const;  ///< http://127.0.0.1:port, in the place of https://api.telegram.org
  int port() const;
  std::string token(std::size_t bot = 0) const;

  // People. Whoever acts exists from then on; the rest must be added to be written to.
  void add_user(const User& user, bool started = true, std::size_t bot = 0);
  void add_group(std::int64_t id, const std::string& title, std::size_t bot = 0);
  /// A group with topics in which the bot is an administrator who may manage them.
  void add_forum(std::int64_t id, const std::string& title, std::size_t bot = 0);
  /// A person makes a topic; its id.
  std::int64_t add_topic(std::int64_t user, std::int64_t group, const std::string& name, std::size_t bot = 0);
  void delete_topic(std::int64_t group, std::int64_t topic, std::size_t bot = 0);

  // What people do. Each returns the id of the update, or 0 when the bot is not told of it.
  std::int64_t say(std::int64_t user, const std::string& text, Place place = {});
  /// Presses the newest inline button with this label; returns the callback query's id.
  std::string press(std::int64_t user, const std::string& label, Place place = {});
  /// By data, which need not stand on any button: a client may send what it likes.
  std::string press_data(std::int64_t user, std::int64_t message_id, const std::string& data,
                         Place place = {});
  /// Taps a button of the reply keyboard that is open; contact and location buttons send those.
  std::int64_t tap(std::int64_t user, const std::string& label, Place place = {});
  std::int64_t send_file(std::int64_t user, const Upload& upload, Place place = {});
  std::int64_t send_album(std::int64_t user, const std::vector<Upload>& items, Place place = {});
  std::int64_t send_contact(std::int64_t user, const std::string& phone, bool own = true,
                            Place place = {});
  std::int64_t send_location(std::int64_t user, double latitude, double longitude,
                             Place place = {});
  std::int64_t edit_message(std::int64_t user, std::int64_t message_id, const std::string& text,
                            Place place = {});
  void block(std::int64_t user, std::size_t bot = 0);
  void unblock(std::int64_t user, std::size_t bot = 0);
  /// A raw Update as JSON; `update_id` is set unless given.
  std::int64_t push_update(const std::string& json, std::size_t bot = 0);

  // What the bot did.
  std::vector<SentMessage> messages(std::int64_t chat, std::size_t bot = 0) const;
  /// Waits until the bot has sent `count` messages to the chat in all; returns what is there then.
  std::vector<SentMessage> wait_for_messages(
      std::int64_t chat, std::size_t count,
      std::chrono::milliseconds timeout = std::chrono::seconds(5), std::size_t bot = 0) const;
  /// Calls of the method (empty: all but getUpdates) in order.
  std::vector<CallRecord> calls(const std::string& method = {}) const;
  bool wait_for_calls(const std::string& method, std::size_t count,
                      std::chrono::milliseconds timeout = std::chrono::seconds(5)) const;
  bool wait_until_confirmed(std::int64_t update_id,
                            std::chrono::milliseconds timeout = std::chrono::seconds(5),
                            std::size_t bot = 0) const;
  /// Waits until a getUpdates is held open (or none is): the bot has started, or has gone.
  bool wait_until_polling(bool polling = true,
                          std::chrono::milliseconds timeout = std::chrono::seconds(5),
                          std::size_t bot = 0) const;
  std::size_t pending_updates(std::size_t bot = 0) const;
  bool is_answered(const std::string& callback_id) const;
  std::string file_bytes(const std::string& file_id, std::size_t bot = 0) const;

  // Misfortunes.
  void fail_next(const Fault& fault);
  void clear_faults();
  void revoke_token(bool revoked = true, std::size_t bot = 0);
  void close_connections();
  void advance_clock(std::chrono::milliseconds by);
  void reset();  ///< people, messages, updates, calls, faults; the bots stay

  /// The control API of README.md without HTTP: `path` after /control/, JSON in, JSON out.
  std::string control(const std::string& path, const std::string& json = "{}") const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A valid grey PNG, for tests that upload photos.
std::string make_png(int width, int height);

}  // namespace sufler::fakes
