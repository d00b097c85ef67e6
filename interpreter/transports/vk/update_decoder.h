#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/api_call.h"
#include "interpreter/transports/vk/answers.h"
#include "interpreter/transports/vk/sent_keys.h"

namespace sufler::vk {

/// Whose events they are.
struct Community {
  std::int64_t id = 0;             ///< positive
  std::shared_ptr<const SentKeys> sent;  ///< our own messages; null: none known
};

struct DecodedUpdate {
  std::optional<Incoming> incoming;
  std::string skipped;  ///< why there is no `incoming`
};

/// An answer of a long poll.
struct PollAnswer {
  enum class Kind : std::uint8_t {
    Broken,      ///< no answer of this platform: begin anew
    Updates,     ///< go on with `ts`
    SomeLost,    ///< `failed` 1: go on with `ts`, some events are gone
    KeyExpired,  ///< `failed` 2: a new key, the same ts
    AllLost,     ///< `failed` 3: a new key and a new ts, events are gone
  };
  Kind kind = Kind::Broken;
  std::string ts;
  std::size_t count = 0;  ///< updates in the answer, skipped ones too
  std::vector<Incoming> incoming;
  std::vector<std::string> skipped;
};

/// The body of a call to our address.
struct WebhookEvent {
  bool readable = false;
  std::string type;
  std::string secret;
  std::int64_t group_id = 0;
  DecodedUpdate update;
};

/// An answer of `messages.getConversations`.
struct Conversations {
  struct One {
    std::int64_t peer_id = 0;
    std::int64_t last_at = 0;  ///< unix seconds of the last message, or of its change
  };
  bool ok = false;
  std::vector<One> all;
};

/// An answer of `messages.getHistory`, newest first as it comes.
struct History {
  bool ok = false;
  std::size_t count = 0;     ///< messages on this page
  std::int64_t oldest = 0;   ///< unix seconds of the oldest of them
  std::vector<Incoming> incoming;
};

/// Reads what VK tells of. Any bytes may come: what cannot be used is skipped with a reason.
///
/// The id of a message is `m<peer>:<number in the dialog>`, whichever way it came: by long poll, by a
/// call to our address, or from the dialog's history; that of its change has the time behind: `e1700000000`.
/// Other events have VK's `event_id`.
///
/// Talk in a conversation of many is heard only when it is meant for the community: a command, its mention,
/// an answer to its message or a press of its button.
///
/// Keeps its buffers, so one decoder serves one thread.
class UpdateDecoder {
 public:
  UpdateDecoder();
  ~UpdateDecoder();
  UpdateDecoder(UpdateDecoder&&) noexcept;

  /// `now_unix_ms`: when the answer came. May change `body`.
  PollAnswer read_poll(std::string& body, const Community& community, std::int64_t now_unix_ms);
  WebhookEvent read_webhook(std::string& body, const Community& community, std::int64_t now_unix_ms);
  Conversations read_conversations(std::string& body);
  /// Messages from `since` on (unix seconds), and changes since then of those on the page.
  History read_history(std::string& body, const Community& community, std::int64_t since,
                       std::int64_t now_unix_ms);
  /// The files of the messages in an answer of `messages.getByConversationMessageId`, those sent on with them too.
  std::vector<Attachment> read_files(std::string& body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// `&lt;` `&gt;` `&amp;` `&quot;` `&#39;` and `<br>` as the characters they stand for.
std::string plain_text(std::string_view text);

}  // namespace sufler::vk
