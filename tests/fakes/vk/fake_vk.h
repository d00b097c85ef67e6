#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sufler::fakes {

/// A community with its token: what an administrator has set up before a bot comes.
struct VkCommunity {
  std::int64_t group_id = 0;
  std::string token = {};
  std::string name = "Суфлёр";
  std::string screen_name = "sufler";
  /// What the Callback API expects in answer to `confirmation`.
  std::string confirmation = "c0nf1rm5";
  /// Rights of the token; a method beyond them answers error 15.
  std::vector<std::string> permissions = {"messages", "manage", "photos", "docs"};
  bool bot_features = true;  ///< off: a keyboard answers error 912
  /// Long poll with every event of messages on. A new community of VK has it off, and an event that
  /// is not switched on never comes: a bot switches them on itself.
  bool long_poll = false;
};

inline constexpr std::int64_t kVkTestGroup = 123456;
/// The token of the only community of a fake that was given none.
inline constexpr std::string_view kVkTestToken = "vk1.a.CANARY-token-of-the-fake-vk";

/// When the `message_reply` of the bot's own message comes, seen from the answer to messages.send.
enum class VkEcho { Mixed, BeforeAnswer, AfterAnswer, Never };

struct FakeVkOptions {
  int port = 0;  ///< 0: a free one
  std::vector<VkCommunity> communities = {};
  /// Refuses what VK forgives but no careful bot sends: unknown parameters and fields, GET,
  /// crossing of limits that VK only cuts.
  bool strict = true;
  VkEcho echo = VkEcho::Mixed;
  bool rate_limit = false;  ///< error 6 above `calls_per_second` of one token
  int calls_per_second = 20;
  int calls_slack = 0;  ///< so many more: a machine with much to do hands over together what was sent apart
  std::chrono::seconds event_answer_lifetime{60};
  std::chrono::seconds random_id_lifetime{3600};
  std::chrono::seconds file_link_lifetime{3600};
  std::chrono::seconds edit_lifetime{24 * 3600};
  std::size_t photo_limit_bytes = 50u << 20;
  std::size_t doc_limit_bytes = 200u << 20;
  /// vk-io refuses a confirmation request without the secret; the page of VK shows one without.
  bool secret_in_confirmation = true;
  double callback_time_scale = 1;     ///< 0.001: the retry after 10 s comes after 10 ms
  /// So many refused deliveries in a row, and a callback server hears nothing for `suspension`, which is scaled
  /// too. VK tells neither number. 0: never.
  int suspend_after = 20;
  std::chrono::seconds suspension{3600};
  std::size_t kept_events = 100'000;  ///< older ones are lost to long poll: `failed` 1
  std::size_t kept_calls = 200'000;
  /// Takes a random_id beyond int32 by its low bits, as VK seems to: a client of others sends such.
  bool fold_random_ids = false;
  bool escape_incoming = false;  ///< people's `<`, `>`, `&`, `"` arrive as HTML entities
};

struct VkUser {
  std::int64_t id = 0;
  std::string first_name = "Иван";
  std::string last_name = "Петров";
  std::string deactivated = {};  ///< "deleted" or "banned"
};

/// Where a person acts: their dialog with the first community unless said otherwise.
struct VkPlace {
  std::int64_t peer = 0;  ///< a chat (2000000000 + n); 0: the dialog with the community
  std::size_t community = 0;
};

/// What came of an act. `event_id` is that of the envelope, empty when the bot is not told.
struct VkEvent {
  std::string event_id = {};
  std::int64_t cmid = 0;         ///< conversation_message_id
  std::int64_t message_id = 0;   ///< 0 in chats
  std::int64_t date = 0;         ///< of the message, Unix seconds
  std::string callback_id = {};  ///< the inner event_id of a callback button, for its answer
  std::string link = {};         ///< of an open_link button; nothing is sent then
};

struct VkUpload {
  std::string kind = "photo";  ///< photo, doc, audio_message
  std::string bytes = {};      ///< empty: a small valid file of the kind
  std::string name = {};       ///< of a doc
};

struct VkButton {
  std::string type = {};  ///< text, callback, open_link, location, vkpay, open_app
  std::string label = {};
  std::string payload = {};  ///< JSON text
  std::string link = {};
  std::string color = {};
};

/// One item of format_data; offsets in UTF-16 code units.
struct VkSpan {
  std::string type = {};
  int offset = 0;
  int length = 0;
  std::string url = {};
  bool operator==(const VkSpan&) const = default;
};

struct VkAttachment {
  std::string kind = {};  ///< photo, doc, audio_message, sticker …
  std::string id = {};    ///< `photo-1_2`, without the key
  std::string name = {};
  std::string sha256 = {};
  std::size_t size = 0;
};

/// A message of the community as the dialog shows it now.
struct VkSentMessage {
  std::int64_t peer = 0;
  std::int64_t message_id = 0;
  std::int64_t cmid = 0;
  std::int64_t random_id = 0;
  std::string text = {};
  std::vector<VkSpan> spans = {};
  std::vector<std::vector<VkButton>> inline_keyboard = {};
  std::vector<std::vector<VkButton>> keyboard = {};
  bool one_time = false;
  bool removes_keyboard = false;
  std::vector<VkAttachment> attachments = {};
  std::int64_t reply_to = 0;                 ///< cmid
  std::vector<std::int64_t> forwarded = {};  ///< cmids
  bool deleted = false;
  int edits = 0;
  std::string json = {};  ///< the message object of VK
};

struct VkCall {
  std::int64_t number = 0;
  std::int64_t at_unix_ms = 0;
  std::size_t community = 0;
  std::string method = {};  ///< also `longpoll` (answered polls), `upload`, `file`
  std::int64_t peer = 0;
  bool ok = false;
  bool applied = false;   ///< false: a fault or a limit answered instead of the method
  bool executed = false;  ///< inside of `execute`
  int error_code = 0;
  std::string error = {};
  std::string params = {};  ///< JSON object without the token; uploads as {"file","size","sha256"}
  std::string result = {};  ///< JSON
};

/// Makes the next calls fail. `kind` is one of those in README.md.
struct VkFault {
  std::string kind = {};
  int code = 0;                        ///< of `error`
  std::string method = {};             ///< empty: any API method; also `longpoll`, `upload`, `file`
  std::int64_t peer = 0;               ///< 0: any
  int community = -1;                  ///< index; -1: any
  int times = 1;                       ///< -1: for ever
  int skip = 0;                        ///< lets that many matching calls pass first
  std::chrono::milliseconds delay{0};  ///< delay; the step of slow_body
  int status = 0;                      ///< of `custom`
  std::string body = {};               ///< of `custom`
};

/// How a webhook answered a forged body; status 0: not at all.
struct VkPosted {
  int status = 0;
  std::string body = {};
};

/// An event as the Callback API has tried to deliver it.
struct VkDelivery {
  std::string event_id = {};
  std::string type = {};
  int attempts = 0;
  bool delivered = false;
  bool given_up = false;
  int last_status = 0;  ///< 0: no answer
};

/// VK's API for communities on a free port of 127.0.0.1, with people who write to them.
/// Thread-safe. What a test asks wrongly (an unknown button, say) ends as std::runtime_error.
class FakeVk {
 public:
  explicit FakeVk(FakeVkOptions options = {});
  ~FakeVk();
  FakeVk(const FakeVk&) = delete;
  FakeVk& operator=(const FakeVk&) = delete;

  std::string url() const;  ///< http://127.0.0.1:port, in the place of https://api.vk.ru
  int port() const;
  std::string token(std::size_t community = 0) const;
  std::int64_t group_id(std::size_t community = 0) const;
  std::string confirmation(std::size_t community = 0) const;  ///< as it is now

  // People. Whoever acts exists from then on; `allowed`: they have allowed messages.
  void add_user(const VkUser& user, bool allowed = false, std::size_t community = 0);
  /// A chat (2000000000 + n) with the community in it.
  void add_chat(std::int64_t peer, const std::string& title, std::size_t community = 0);
  /// How the community may not write to a user: 900 (blacklist), 902 (privacy), 0 for none.
  void refuse_messages(std::int64_t user, int error_code, std::size_t community = 0);

  // What people do.
  VkEvent say(std::int64_t user, const std::string& text, VkPlace place = {});
  /// The Start button: a first message with the payload {"command":"start"}.
  VkEvent start(std::int64_t user, VkPlace place = {});
  /// A first message after a link vk.me/club?ref=…&ref_source=….
  VkEvent come_by_link(std::int64_t user, const std::string& text, const std::string& ref,
                       const std::string& ref_source = {}, VkPlace place = {});
  /// Presses the newest inline button with this label, else one of the keyboard that is open. A
  /// text or location button sends a message, a callback button a message_event, a link nothing.
  VkEvent press(std::int64_t user, const std::string& label, VkPlace place = {});
  /// A message_event with any payload (JSON text): a client may send what it likes.
  VkEvent press_payload(std::int64_t user, const std::string& payload, std::int64_t cmid = 0,
                        VkPlace place = {});
  /// A message_new with any payload (JSON text, or what is none).
  VkEvent say_payload(std::int64_t user, const std::string& text, const std::string& payload,
                      VkPlace place = {});
  /// One message with up to 10 files: an album is one message in VK.
  VkEvent send_files(std::int64_t user, const std::vector<VkUpload>& files,
                     const std::string& text = {}, VkPlace place = {});
  VkEvent send_location(std::int64_t user, double latitude, double longitude, VkPlace place = {});
  VkEvent send_sticker(std::int64_t user, VkPlace place = {});
  /// An attachment of any type: `json` is what stands under the type's name.
  VkEvent send_attachment(std::int64_t user, const std::string& type, const std::string& json,
                          VkPlace place = {});
  VkEvent edit_message(std::int64_t user, std::int64_t cmid, const std::string& text,
                       VkPlace place = {});
  void delete_message(std::int64_t user, std::int64_t cmid, VkPlace place = {});  ///< no event
  VkEvent allow(std::int64_t user, const std::string& key = {}, std::size_t community = 0);
  VkEvent deny(std::int64_t user, std::size_t community = 0);
  VkEvent type(std::int64_t user, VkPlace place = {});  ///< message_typing_state
  VkEvent read(std::int64_t user, VkPlace place = {});  ///< message_read

  // What the community's people and other systems do: both come as message_reply.
  VkEvent staff_says(std::int64_t admin, std::int64_t peer, const std::string& text,
                     std::size_t community = 0);
  VkEvent mailing_says(std::int64_t peer, const std::string& text, std::size_t community = 0);
  /// Any event; `object` is JSON. Comes even when its type is not switched on.
  VkEvent push_event(const std::string& type, const std::string& object, std::size_t community = 0);

  // What the bot did.
  std::vector<VkSentMessage> messages(std::int64_t peer, std::size_t community = 0) const;
  /// Waits until the bot has sent `count` messages to the peer in all; returns what is there then.
  std::vector<VkSentMessage> wait_for_messages(
      std::int64_t peer, std::size_t count,
      std::chrono::milliseconds timeout = std::chrono::seconds(5), std::size_t community = 0) const;
  /// Calls of the method (empty: all but long polls) in order.
  std::vector<VkCall> calls(const std::string& method = {}) const;
  /// Waits for so many successful calls.
  bool wait_for_calls(const std::string& method, std::size_t count,
                      std::chrono::milliseconds timeout = std::chrono::seconds(5)) const;
  /// Waits until a later `ts` was asked for, or a webhook has said `ok`.
  bool wait_until_confirmed(const std::string& event_id,
                            std::chrono::milliseconds timeout = std::chrono::seconds(5),
                            std::size_t community = 0) const;
  /// Waits until a long poll is held open (or none is): the bot has started, or has gone.
  bool wait_until_polling(bool polling = true,
                          std::chrono::milliseconds timeout = std::chrono::seconds(5),
                          std::size_t community = 0) const;
  bool wait_until_answered(const std::string& callback_id,
                           std::chrono::milliseconds timeout = std::chrono::seconds(5)) const;
  std::size_t pending_events(std::size_t community = 0) const;  ///< not confirmed by long poll
  /// The event_data of the answer to a callback button: JSON, `null` when there was none.
  std::string callback_answer(const std::string& callback_id) const;
  bool is_answered(const std::string& callback_id) const;
  /// How often "typing" was shown to the peer.
  std::size_t typing_shown(std::int64_t peer, std::size_t community = 0) const;
  std::string file_bytes(const std::string& attachment_id, std::size_t community = 0) const;

  // Misfortunes.
  void fail_next(const VkFault& fault);
  void clear_faults();
  void revoke_token(bool revoked = true, std::size_t community = 0);
  void close_connections();
  void advance_clock(std::chrono::milliseconds by);
  /// `failed` 1: what was not yet fetched is gone from long poll and stays only in the history.
  void lose_events(std::size_t community = 0);
  /// The next `count` events never reach long poll: a poll that is held open gets `failed` 1.
  void lose_next_events(int count, std::size_t community = 0);
  void expire_long_poll_key(std::size_t community = 0);  ///< `failed` 2, nothing is lost
  /// `failed` 3: the key and what was not fetched are gone, and `ts` counts anew.
  void lose_long_poll(std::size_t community = 0);
  void reset();  ///< people, messages, events, calls, faults; communities and servers stay

  // The Callback API.
  /// As an administrator would: adds a server with the events of messages on, and confirms it.
  /// Returns its id.
  std::int64_t add_webhook(const std::string& url, const std::string& secret,
                           std::size_t community = 0);
  bool wait_until_webhook_is(const std::string& status,  ///< ok, failed, wait, deleted
                             std::int64_t server,
                             std::chrono::milliseconds timeout = std::chrono::seconds(5),
                             std::size_t community = 0) const;
  std::vector<VkDelivery> deliveries(std::size_t community = 0) const;
  bool wait_for_delivery(const std::string& event_id, int attempts,
                         std::chrono::milliseconds timeout = std::chrono::seconds(5),
                         std::size_t community = 0) const;
  /// The body of an event as a server of the community gets it, secret included.
  std::string webhook_body(const std::string& event_id, std::int64_t server,
                           std::size_t community = 0) const;
  /// POSTs any body to the server's URL, as a forger would. Blocks until the answer.
  VkPosted forge(const std::string& body, std::int64_t server, std::size_t community = 0) const;
  /// POSTs the body of an earlier event once more.
  VkPosted replay(const std::string& event_id, std::int64_t server,
                  std::size_t community = 0) const;

  /// The control API of README.md without HTTP: `path` after /control/, JSON in, JSON out.
  std::string control(const std::string& path, const std::string& json = "{}") const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A valid grey PNG, for tests that upload photos.
std::string make_png(int width, int height);

}  // namespace sufler::fakes
