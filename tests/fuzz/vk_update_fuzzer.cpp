// What VK sends: answers of a long poll, calls to our address, histories and answers to calls.
#include "fuzz/incoming.h"
#include "interpreter/core/text.h"
#include "interpreter/transports/vk/answers.h"
#include "interpreter/transports/vk/buttons.h"
#include "interpreter/transports/vk/file_reference.h"
#include "interpreter/transports/vk/update_decoder.h"

namespace sufler::fuzz {
namespace {

using namespace vk;

void check_file(const Attachment& file) {
  const FileReference reference = FileReference::parse(file.reference);
  require(reference.name.find_first_of(", ") == std::string::npos, "a file is named by one name");
  require(reference.url.empty() || reference.url.rfind("http", 0) == 0, "a file lies in the web");
  require(reference.url.find(' ') == std::string::npos, "an address ends where its message begins");
  require(reference.to_string() == file.reference, "a reference reads back as it was");
}

void check_incoming(const Incoming& incoming) {
  check_taken(incoming);
  if (const auto* said = std::get_if<UserMessage>(&incoming.event.what)) {
    for (const Attachment& file : said->attachments) check_file(file);
  }
  if (const auto* press = std::get_if<ButtonPress>(&incoming.event.what)) {
    require(PressPlace::parse(press->press_id).has_value(), "a press can be answered");
  }
}

}  // namespace

void play_vk_update(std::string_view bytes) {
  static UpdateDecoder decoder;  // keeps its buffers, as the real one does
  constexpr std::int64_t kNow = 1773565200000;
  const auto keys = std::make_shared<SentKeys>();
  keys->add(777);
  const Community community{123456, keys};

  std::string body(bytes);
  const PollAnswer poll = decoder.read_poll(body, community, kNow);
  require(poll.incoming.size() + poll.skipped.size() == poll.count, "updates are counted");
  require(poll.kind != PollAnswer::Kind::Updates || !poll.ts.empty(), "an answer says where to go on");
  for (const Incoming& one : poll.incoming) check_incoming(one);

  body = bytes;
  const WebhookEvent event = decoder.read_webhook(body, community, kNow);
  require(event.update.incoming.has_value() == event.update.skipped.empty(), "an event is taken or skipped for a reason");
  if (event.update.incoming) check_incoming(*event.update.incoming);

  body = bytes;
  const History history = decoder.read_history(body, community, 0, kNow);
  require(history.incoming.size() <= 2 * history.count, "a message and its change are counted");
  for (const Incoming& one : history.incoming) check_incoming(one);
  body = bytes;
  (void)decoder.read_conversations(body);
  body = bytes;
  for (const Attachment& file : decoder.read_files(body)) check_file(file);

  for (const int status : {200, 502}) {
    const Answer answer = read_answer(status, bytes);
    const Outcome outcome = outcome_of(answer.refusal, Duration{1000});
    require(outcome.after.ms >= 0, "nobody waits for the past");
  }
  require(read_execute(bytes, {"messages.send", "messages.send"}).size() % 2 == 0, "each call has its answer");
  PollServer server;
  (void)read_poll_server(bytes, server);
  (void)read_group_id(bytes);
  (void)read_names(bytes);
  std::vector<CallbackServer> servers;
  (void)read_callback_servers(bytes, servers);
  (void)read_upload_url(bytes);
  std::string reason;
  (void)read_uploaded(bytes, reason);
  (void)read_saved(bytes);
  (void)form_fields(bytes);

  require(count_code_points(shown_label(bytes)) <= kLabelCodePoints, "a label fits its button");
  require(label_payload(bytes).size() <= kPayloadBytes, "a payload is as short as VK wants");
  (void)plain_text(bytes);
}

}  // namespace sufler::fuzz
