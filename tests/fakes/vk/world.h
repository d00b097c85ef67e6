#pragma once
// Inside of the fake; tests include fake_vk.h.
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "fakes/common/platform.h"
#include "fakes/vk/fake_vk.h"
#include "fakes/vk/params.h"

namespace sufler::fakes::vk {

struct File {
  std::string kind;  ///< photo, doc, audio_message
  std::int64_t owner = 0;
  std::int64_t id = 0;
  std::string access_key;
  std::string name;
  std::string ext;
  std::shared_ptr<const std::string> bytes;
  std::string sha256;
  int width = 0;
  int height = 0;
  std::int64_t date = 0;
  /// As it stands in `attachment`; a voice message is written as a doc there.
  std::string key() const {
    return (kind == "photo" ? "photo" : "doc") + std::to_string(owner) + "_" + std::to_string(id);
  }
};

struct Attachment {
  std::string file;  ///< key of a File; empty: `raw` is the whole attachment
  Json raw;
};

struct Message {
  std::int64_t id = 0;  ///< 0 in chats
  std::int64_t cmid = 0;
  std::int64_t peer = 0;
  std::int64_t from = 0;
  std::int64_t at_ms = 0;
  std::string text;
  bool out = false;
  bool by_bot = false;  ///< by messages.send
  std::int64_t random_id = 0;
  std::vector<Attachment> attachments;
  Json geo;
  Json keyboard;
  Json carousel;
  Json spans = Json::array();
  std::string payload;
  std::int64_t reply_to = 0;
  std::vector<std::int64_t> forwarded;  ///< cmids in their own dialog
  Json copies = Json::array();          ///< what they say
  std::int64_t admin = 0;
  std::string ref;
  std::string ref_source;
  std::int64_t updated_ms = 0;
  bool deleted = false;
  int edits = 0;
};

struct SentOnce {
  std::int64_t random_id = 0;
  std::int64_t at_ms = 0;
  std::int64_t message_id = 0;
  std::int64_t cmid = 0;
};

struct Dialog {
  std::int64_t peer = 0;
  std::string title;  ///< of a chat
  bool wrote = false;
  bool allowed = false;
  bool denied = false;
  int refusal = 0;                           ///< 900 or 902
  std::map<std::int64_t, Message> messages;  ///< by cmid
  std::vector<std::int64_t> sent;            ///< cmids of the bot's messages, in order
  std::deque<SentOnce> sent_once;
  Json keyboard;  ///< what stands under the input field
  std::int64_t next_cmid = 1;
  std::int64_t in_read = 0;   ///< cmid up to which the community has read
  std::int64_t out_read = 0;  ///< cmid up to which the user has read
  std::size_t typing = 0;
};

struct Event {
  std::int64_t number = 0;  ///< the long poll's ts after it; 0: not for long poll
  std::string id;
  std::string type;
  std::int64_t peer = 0;
  Json envelope;
  std::string text;  ///< the envelope as long poll gives it
  bool confirmed = false;
  int deliveries = 0;
  std::int64_t at_ms = 0;
};

struct Delivery {
  std::shared_ptr<Event> event;  ///< null: the confirmation
  std::int64_t server = 0;
  std::int64_t due_ms = 0;
  int attempts = 0;
  int failures = 0;  ///< refusals with a Retry-After are none
  bool delivered = false;
  bool given_up = false;
  bool in_work = false;
  int last_status = 0;
};

struct Server {
  std::int64_t id = 0;
  std::string url;
  std::string title;
  std::string secret;
  std::string status = "unconfigured";
  std::string api_version = "5.199";
  std::set<std::string> events;
  int refusals = 0;  ///< in a row
  std::int64_t suspended_until_ms = 0;
};

struct Callback {
  std::string id;
  std::size_t community = 0;
  std::int64_t user = 0;
  std::int64_t peer = 0;
  std::int64_t at_ms = 0;
  bool answered = false;
  Json answer;
};

struct Poll {
  ConnectionId connection{};
  std::int64_t ts = 0;
  std::uint64_t serial = 0;
  HttpReply manner;  ///< delay and ending that a fault asked for
};

struct UploadTicket {
  std::string kind;  ///< photo, doc, audio_message, graffiti
  bool used = false;
};
struct Uploaded {
  std::string kind;
  std::shared_ptr<const std::string> bytes;
  std::string name;
  std::string hash;
  std::int64_t server = 0;
  bool saved = false;
};

struct Community {
  std::size_t index = 0;
  std::int64_t group_id = 0;
  std::string token;
  std::string name;
  std::string screen_name;
  std::string confirmation;
  std::set<std::string> permissions;
  bool revoked = false;
  bool bot_features = true;
  bool start_button = true;
  bool messages_on = true;

  std::map<std::int64_t, Dialog> dialogs;
  std::map<std::string, File> files;  ///< by key; also people's, as the community sees them
  std::int64_t next_message_id = 1;
  std::int64_t next_file_id = 457239017;

  bool long_poll = false;
  std::string long_poll_version = "5.199";
  std::set<std::string> events;
  std::string key;
  std::int64_t ts = 1;       ///< of the newest event
  std::int64_t first = 0;    ///< a lower ts is of a queue that is gone
  std::int64_t lost = 0;     ///< events up to this one cannot be had any more
  std::int64_t fetched = 0;  ///< the highest ts asked for
  int lose_next = 0;
  std::deque<std::shared_ptr<Event>> queue;
  std::vector<Poll> polls;
  std::deque<std::shared_ptr<Event>> log;
  std::unordered_map<std::string, std::shared_ptr<Event>> by_id;

  std::map<std::int64_t, Server> servers;
  std::int64_t next_server = 1;
  std::list<Delivery> deliveries;
  std::map<std::string, UploadTicket> tickets;
  std::map<std::string, Uploaded> uploads;  ///< by the `photo` or `file` string given out
  std::deque<std::int64_t> call_times_ms;
};

/// What one method call may look at and change.
struct CallContext {
  Community& community;
  const Params& params;
  std::string method;
};

/// All state of the fake. Every public function takes the lock.
class World : public Platform {
 public:
  World(FakeVkOptions options, HttpServer& server);
  ~World() override;

  /// Throws std::runtime_error when there is no such server or event.
  PostResult post_to_server(std::size_t community, std::int64_t server, const std::string& body,
                            const std::string& event_id);

 private:
  using Method = Json (World::*)(CallContext&);
  struct MethodInfo {
    Method call;
    std::set<std::string> params;
    const char* permission;  ///< of the token; empty: none
  };

  // world.cpp: what happens around a call
  bool admit(const HttpRequest& request) override;
  void serve(HttpRequest&& request) override;
  void forget(ConnectionId connection) override;
  const std::string* stored_file(const Json& params) override;
  bool holds(const Json& params) override;
  std::size_t sent_to(const Json& params) override;
  void add_community(VkCommunity community);
  Community* by_token(const std::string& token);
  void serve_method(const HttpRequest& request, const std::string& name);
  void serve_file(const HttpRequest& request);
  void serve_upload(const HttpRequest& request);
  static const std::map<std::string, MethodInfo>& methods();
  void check_rate(Community& community);
  /// Runs a method and writes it into the log; throws ApiError.
  Json run(Community& community, const std::string& name, const Params& params, ApiCall call);
  void apply_manner(HttpReply& reply, const FaultRule& fault, const Json& request_params);
  static HttpReply error_reply(const ApiError& error, const Json& request_params);
  std::string random_hex(std::size_t length);
  File& add_file(Community& community, File file);
  std::string link(const Community& community, const File& file, const std::string& size);
  Json file_json(const Community& community, const File& file);
  Json attachment_json(const Community& community, const Attachment& attachment);
  Json message_json(const Community& community, const Dialog& dialog, const Message& message,
                    bool nested = false);

  // events.cpp: long poll and the Callback API
  bool deliver_one(std::unique_lock<std::mutex>& lock) override;
  bool any_to_deliver() override;
  std::string push_event(Community& community, const std::string& type, Json object,
                         std::int64_t peer, bool even_unwanted = false);
  void serve_long_poll(const HttpRequest& request);
  bool answer_poll(Community& community, const Poll& poll, bool even_empty);
  void answer_polls(Community& community);
  void confirm(Community& community, std::int64_t ts);
  void lose(Community& community);
  void new_key(Community& community);
  void enqueue(Community& community, const Server& server, const std::shared_ptr<Event>& event);
  std::string body_for(const Community& community, const Server& server, const Event* event);
  void delivered(Community& community, Delivery& delivery, int status, const std::string& body,
                 const std::string& retry_after);

  // methods.cpp
  void check_group(CallContext& call);
  Dialog& writable(Community& community, std::int64_t peer);
  Message draft(CallContext& call);
  SentOnce send_to(CallContext& call, std::int64_t peer, const Message& draft);
  Attachment find_attachment(Community& community, const std::string& text);
  Dialog& dialog_of(CallContext& call);
  Message& message_of(CallContext& call, Dialog& dialog);
  Json profiles(const std::set<std::int64_t>& users) const;
  Json user_json(std::int64_t id, const std::vector<std::string>& fields) const;
  Server& server_of(CallContext& call);
  static Json conversation_json(const Dialog& dialog);

  Json groups_get_by_id(CallContext& call);
  Json groups_get_token_permissions(CallContext& call);
  Json groups_set_long_poll(CallContext& call);
  Json groups_get_long_poll(CallContext& call);
  Json groups_long_poll_server(CallContext& call);
  Json groups_add_server(CallContext& call);
  Json groups_edit_server(CallContext& call);
  Json groups_delete_server(CallContext& call);
  Json groups_get_servers(CallContext& call);
  Json groups_set_callback(CallContext& call);
  Json groups_get_callback(CallContext& call);
  Json groups_confirmation(CallContext& call);
  Json groups_set_settings(CallContext& call);
  Json messages_send(CallContext& call);
  Json messages_edit(CallContext& call);
  Json messages_delete(CallContext& call);
  Json messages_set_activity(CallContext& call);
  Json messages_event_answer(CallContext& call);
  Json messages_mark_as_read(CallContext& call);
  Json messages_mark_answered(CallContext& call);
  Json messages_history(CallContext& call);
  Json messages_conversations(CallContext& call);
  Json messages_by_cmid(CallContext& call);
  Json messages_is_allowed(CallContext& call);
  Json users_get(CallContext& call);
  Json photos_upload_server(CallContext& call);
  Json photos_save(CallContext& call);
  Json docs_upload_server(CallContext& call);
  Json docs_save(CallContext& call);
  Json execute(CallContext& call);

  // people.cpp: people and staff, reports, faults and options
  std::size_t account_of(const Json& params) override { return community_of(params).index; }
  Json act(const std::string& path, const Json& params) override;
  bool act_later(const std::string& path, const Json& params, ConnectionId connection) override;
  Json messages_report(const Json& params) override;
  const std::set<std::string>& own_faults() override;
  std::string wrong_with_fault(const Json& params) override;
  bool knows_method(const std::string& name) override;
  bool only_by_name(const std::string& method) override;
  bool drops_at_head(const FaultRule& rule, const std::string& method) override;
  bool set_option(const std::string& name, const Json& value) override;
  void forget_all() override;
  Community& community_of(const Json& params);
  Dialog& place_of(Community& community, const Json& params);
  Message& incoming(Community& community, Dialog& dialog, const Json& params);
  Json tell(Community& community, Dialog& dialog, Message& message);
  Json press(Community& community, const Json& params);
  Json press_payload(Community& community, Dialog& dialog, std::int64_t user, const Json& payload,
                     std::int64_t cmid);
  Json outgoing(Community& community, const Json& params, std::int64_t admin);
  File& people_file(Community& community, const Json& params, std::int64_t user);
  Json message_report(Community& community, const Dialog& dialog, const Message& message);
  Json events_report(Community& community, const Json& params);
  Json deliveries_report(Community& community);
  static void all_on(std::set<std::string>& events);

  FakeVkOptions options_;
  std::deque<Community> communities_;
  std::map<std::int64_t, VkUser> users_;
  std::map<std::string, Callback> callbacks_;
  /// What happens right after the answer of the call at hand has been handed to the connection.
  std::vector<std::function<void()>> after_reply_;
  struct Forged {
    ConnectionId connection;  ///< who wants to know the answer
    std::string url;
    std::string body;
  };
  std::deque<Forged> forged_;
};

/// Every type of event that the settings know.
const std::set<std::string>& event_types();
/// Those a bot of messages wants.
const std::set<std::string>& message_event_types();

}  // namespace sufler::fakes::vk
