#include "interpreter/transports/telegram/left_out.h"

#include <nlohmann/json.hpp>

#include "interpreter/core/text.h"
#include "interpreter/transports/telegram/renderer.h"

namespace sufler::telegram {
namespace {

using Json = nlohmann::ordered_json;

std::string method_of(const std::string& type) {
  std::string method = "send" + type;
  if (method[4] >= 'a' && method[4] <= 'z') method[4] = static_cast<char>(method[4] - 'a' + 'A');
  return method;
}

/// Appends a line to the text or caption of `holder`, marks before it stay.
void add_line(Json& holder, const char* key, const std::string& line, std::size_t limit) {
  std::string text = holder.value(key, "");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (!text.empty()) text += "\n\n";
  text += line;
  if (count_utf16_units(text) <= limit) holder[key] = std::move(text);
}

void move_caption(Json& from, Json& to, const char* text, const char* entities) {
  if (from.contains("caption")) to[text] = from["caption"];
  if (from.contains("caption_entities")) to[entities] = from["caption_entities"];
  from.erase("caption");
  from.erase("caption_entities");
}

void leave_out_of_album(ApiCall& call, Json& body, std::size_t file, const std::string& line) {
  Json& media = body["media"];
  Json gone = media[file];
  media.erase(file);
  call.files.erase(call.files.begin() + static_cast<std::ptrdiff_t>(file));
  Json* captioned = &media.front();
  for (Json& item : media)
    if (item.contains("caption")) captioned = &item;
  // What stood under the file alone stands under its neighbour, when that has nothing of its own.
  if (!captioned->contains("caption")) move_caption(gone, *captioned, "caption", "caption_entities");
  add_line(*captioned, "caption", line, kCaptionUnits);
  if (media.size() > 1) return;
  // An album has two files at least.
  Json last = media.front();
  const std::string type = last["type"];
  body.erase("media");
  body[type] = "attach://" + type;
  call.files.front().field = type;
  move_caption(last, body, "caption", "caption_entities");
  call.method = method_of(type);
}

}  // namespace

bool leave_out(ApiCall& call, std::size_t file, std::string_view name) {
  Json body = Json::parse(call.body, nullptr, false);
  if (!body.is_object() || file >= call.files.size()) return false;
  const std::string line = "📎 " + std::string(name) + " ✗";
  if (body.contains("media")) {
    if (!body["media"].is_array() || body["media"].size() != call.files.size() || call.files.size() < 2) return false;
    leave_out_of_album(call, body, file, line);
  } else {
    if (call.files.size() != 1) return false;
    body.erase(call.files.front().field);
    call.files.clear();
    call.method = "sendMessage";
    body["text"] = "";
    move_caption(body, body, "text", "entities");
    add_line(body, "text", line, kTextUnits);
  }
  call.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return true;
}

}  // namespace sufler::telegram
