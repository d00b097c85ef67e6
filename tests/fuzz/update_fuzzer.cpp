// What Telegram sends: updates and answers to calls.
#include "fuzz/incoming.h"
#include "interpreter/core/text.h"
#include "interpreter/transports/files.h"
#include "interpreter/transports/telegram/answers.h"
#include "interpreter/transports/telegram/update_decoder.h"

namespace sufler::fuzz {
using namespace telegram;

void play_update(std::string_view bytes) {
  static UpdateDecoder decoder;  // keeps its buffers, as the real one does
  constexpr std::int64_t kNow = 1773565200000;
  for (const BotIdentity& bot : {BotIdentity{123, "order_bot"}, BotIdentity{}}) {
    std::string body(bytes);
    const DecodedUpdates answer = decoder.read_answer(body, bot, kNow);
    require(answer.incoming.size() + answer.skipped.size() <= answer.count, "updates are counted");
    for (const Incoming& one : answer.incoming) check_taken(one);
    body = bytes;
    const DecodedUpdate update = decoder.read_update(body, bot, kNow);
    require(update.incoming.has_value() == update.skipped.empty() || update.needs_username,
            "an update is taken or skipped for a reason");
    if (update.incoming) check_taken(*update.incoming);
  }

  (void)says_ok(bytes);
  (void)message_id_in(bytes);
  (void)file_ids_in(bytes);
  (void)form_fields(bytes);
  BotName name;
  (void)read_bot_name(bytes, name);
  FilePlace place;
  (void)read_file_place(bytes, place);
  for (const int status : {200, 400, 429, 502}) {
    const Refusal refusal = read_refusal(status, bytes);
    const Outcome outcome = outcome_of(refusal, Duration{1000});
    require(outcome.after.ms >= 0, "nobody waits for the past");
    (void)is_about_file(refusal);
    (void)is_about_token(refusal);
  }

  const std::string file = sufler::clean_file_name(bytes);
  require(is_utf8(file) && file.find('/') == std::string::npos && count_code_points(file) <= 120,
          "a file's name is short and without a path");
}

}  // namespace sufler::fuzz
