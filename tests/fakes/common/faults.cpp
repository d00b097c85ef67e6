#include "fakes/common/faults.h"

#include <algorithm>

namespace sufler::fakes {

using std::chrono::milliseconds;

void refuse(const std::string& why) { throw ApiError{400, why}; }

std::string wire_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const std::set<std::string>& network_faults() {
  static const std::set<std::string> kKinds = {
      "server_error", "bad_gateway", "drop",    "lost_answer", "delay",
      "slow_body",    "truncated",   "garbage", "custom"};
  return kKinds;
}

bool spoils_only_the_answer(const std::string& kind) {
  return kind == "lost_answer" || kind == "delay" || kind == "slow_body" || kind == "truncated" ||
         kind == "garbage";
}

bool spoil(HttpReply& reply, const FaultRule& fault, const std::string& garbage) {
  const std::string& kind = fault.kind;
  if (kind == "drop" || kind == "lost_answer") {
    reply.ending = Ending::Drop;
  } else if (kind == "delay") {
    reply.delay = milliseconds(fault.number("delay_ms", 1000));
  } else if (kind == "slow_body") {
    reply.ending = Ending::Slow;
    reply.slow_step = milliseconds(fault.number("delay_ms", 50));
    reply.slow_piece =
        static_cast<std::size_t>(std::max<std::int64_t>(1, fault.number("piece", 16)));
  } else if (kind == "truncated") {
    reply.ending = Ending::Truncated;
  } else if (kind == "garbage") {
    reply.body = garbage;
  } else {
    return false;
  }
  return true;
}

HttpReply custom_reply(const FaultRule& fault, int status) {
  HttpReply reply;
  reply.status = static_cast<int>(fault.number("status", status));
  const Json body = fault.json.value("body", Json());
  reply.body = body.is_string() ? body.get<std::string>() : body.dump();
  reply.content_type = fault.json.value("content_type", "application/json");
  return reply;
}

std::string error_page(const std::string& title, const std::string& server) {
  return "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title +
         "</h1></center>\r\n<hr><center>" + server + "</center>\r\n</body>\r\n</html>\r\n";
}

}  // namespace sufler::fakes
