// What amoCRM answers, and what is made of it for the next request. The first byte is the status.
#include <string>

#include "fuzz/targets.h"
#include "interpreter/core/plain_json.h"
#include "interpreter/core/text.h"
#include "interpreter/services/amocrm/connection.h"
#include "interpreter/services/amocrm/directory.h"
#include "interpreter/services/amocrm/encode.h"

namespace sufler::fuzz {

void play_amocrm(std::string_view bytes) {
  using namespace amocrm;
  constexpr int kStatuses[] = {200, 201, 202, 204, 301, 400, 401, 402, 403, 404, 422, 429, 500, 502, 504};
  if (bytes.empty()) return;
  const int status = kStatuses[static_cast<unsigned char>(bytes[0]) % std::size(kStatuses)];
  const Outcome outcome = read_answer(status, bytes.substr(1));
  require(is_utf8(outcome.error) && outcome.error.size() < 2'000, "an error is a short text");
  for (const char c : outcome.error) require(static_cast<unsigned char>(c) >= 0x20, "an error is one line");
  require(outcome.good() == (status < 300 && !outcome.value.is_null()), "only a good answer has a value");
  require(outcome.wait.ms >= 0, "nobody waits for the past");
  const std::vector<Pipeline> pipelines = read_pipelines(outcome.value);
  for (const Pipeline& one : pipelines) (void)find_named(one.stages, Value("x"));
  (void)names_of(read_users(outcome.value));
  (void)read_task_types(outcome.value);
  const std::vector<std::string> all = {"text", "1", "2026-03-15"};
  for (const Field& own : read_fields(outcome.value)) {
    for (const std::string& text : all) {
      const auto encoded = encode_field(own, Value(text), Zone());
      require(encoded.has_value() || is_utf8(encoded.error()), "why not is a text");
    }
  }
  for (const char* kind : {"contacts", "leads", "notes", "tasks"}) {
    for (const Value& one : embedded(outcome.value, kind)) {
      const std::size_t before = values_of(one, "PHONE").size();
      const auto more = merged(one, "PHONE", {"+79123456789"});
      if (!more) continue;
      require(field(*more, "values").list()->size() > before, "no phone is lost");
      require(from_plain_json(to_plain_json(*more, Zone())).has_value(), "a request is JSON");
    }
  }
  (void)note_text(bytes.substr(1), outcome.error);
}

}  // namespace sufler::fuzz
