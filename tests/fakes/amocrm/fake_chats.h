#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sufler::fakes {

struct FakeChatsOptions {
  int port = 0;  ///< 0: a free one
  std::string channel = "344a5002-f8ca-454d-af3d-396180102ac7";
  std::string secret = "CANARY-secret-of-the-fake-chats";
  std::string account = "f3c6340d-410e-4ad1-9f7e-c5e663599909";  ///< amojo id: that of FakeAmocrm
};

/// A request as it came, whether it was taken or not.
struct ChatRequest {
  std::string kind = {};  ///< connect, open, message, delivery, history; empty: of no such path
  std::string body = {};
  int status = 0;
  std::string error = {};  ///< why it was refused
};

/// A message as the account's chat shows it.
struct ChatMessage {
  std::string msgid = {}, id = {};  ///< ours, theirs
  std::string conversation = {}, text = {}, type = {}, media = {};
  bool by_bot = false, silent = false, edited = false;
  std::int64_t msec_timestamp = 0;
};
struct ChatStatus {
  std::string msgid = {};  ///< theirs
  int status = 0;
  int error_code = 0;
  std::string error = {};
};
struct ChatOpening {
  std::string conversation = {}, id = {}, name = {}, phone = {};
};

/// amoCRM's chats on a free port of 127.0.0.1: checks each request's date, its MD5 and its signature, by OpenSSL, and that
/// the account was connected; a repeated `msgid` makes no second message. Thread-safe.
class FakeChats {
 public:
  explicit FakeChats(FakeChatsOptions options = {});
  ~FakeChats();
  FakeChats(const FakeChats&) = delete;
  FakeChats& operator=(const FakeChats&) = delete;

  std::string url() const;  ///< in the place of https://amojo.amocrm.ru
  const FakeChatsOptions& options() const;
  std::string scope() const;  ///< of the account, once it is connected

  std::vector<ChatRequest> requests(const std::string& kind = {}) const;
  std::vector<ChatMessage> messages() const;
  std::vector<ChatStatus> statuses() const;
  std::vector<ChatOpening> openings() const;
  std::size_t repeats() const;  ///< messages that came again, and made no second one

  /// The next requests of this kind (empty: any) are answered so, though not carried out; `carried_out`: they are, and only
  /// the answer is so. Status 0: the connection ends without an answer.
  void fail_next(const std::string& kind, int status, int times = 1, bool carried_out = false);
  /// As when the integration is installed anew: whoever was connected is not any more.
  void disconnect();

  /// Whether `holds` comes true in time; asked again whenever something came.
  bool wait(const std::function<bool()>& holds, std::chrono::milliseconds timeout = std::chrono::seconds(10)) const;

  /// What a manager writes, sent to a webhook; its status. `conversation`: ours; empty: there is none yet.
  struct ManagerMessage {
    std::string id = {}, conversation = {}, text = {}, manager = "Ольга", media = {}, type = "text";
    std::string their_conversation = "8e4d4baa-9e6c-4a88-838a-5f62be227bdc";
  };
  int write(const std::string& webhook, const ManagerMessage& message) const;
  /// The same while nobody hears the webhook: only the chat's history has it.
  void write_unheard(const ManagerMessage& message) const;
  /// Any body, signed with this secret; empty: the channel's.
  int send_hook(const std::string& webhook, const std::string& body, const std::string& secret = {}) const;
  /// A file that a manager sent, served at `url() + "/attachments/NAME"`.
  void add_file(const std::string& name, const std::string& bytes);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A form-encoded webhook of API v4; its status.
int send_crm_hook(const std::string& webhook, const std::string& form);

}  // namespace sufler::fakes
