// Methods about photos and documents on their way to VK.
#include "fakes/common/bytes.h"
#include "fakes/vk/world.h"

namespace sufler::fakes::vk {

Json World::photos_upload_server(CallContext& call) {
  const std::int64_t peer = call.params.integer("peer_id");
  if (peer != 0) writable(call.community, peer);
  const std::string ticket = random_hex(32);
  call.community.tickets[ticket] = {"photo", false};
  return {{"upload_url", root() + "/upload/" + ticket + "?act=do_add&mid=0&aid=-64"},
          {"album_id", -64},
          {"user_id", 0},
          {"group_id", call.community.group_id}};
}

Json World::photos_save(CallContext& call) {
  const Params& params = call.params;
  const std::string photo = params.text("photo");
  const auto found = call.community.uploads.find(photo);
  if (photo.empty() || photo == "[]" || found == call.community.uploads.end()) throw api_error(129);
  Uploaded& uploaded = found->second;
  if (uploaded.kind != "photo" || uploaded.saved) throw api_error(129);
  if (params.text("hash") != uploaded.hash) throw api_error(121);
  if (params.integer("server") != uploaded.server) throw api_error(118);
  uploaded.saved = true;
  const auto size = image_size(*uploaded.bytes);
  File file;
  file.kind = "photo";
  file.owner = -call.community.group_id;
  file.name = uploaded.name;
  file.ext = "jpg";
  file.bytes = uploaded.bytes;
  file.width = size->width;
  file.height = size->height;
  const File& stored = add_file(call.community, std::move(file));
  return Json::array({file_json(call.community, stored)});
}

Json World::docs_upload_server(CallContext& call) {
  const std::string type = call.params.has("type") ? call.params.text("type") : "doc";
  if (type != "doc" && type != "audio_message" && type != "graffiti") throw invalid("type");
  const std::int64_t peer = call.params.integer("peer_id");
  if (peer != 0) writable(call.community, peer);
  const std::string ticket = random_hex(32);
  call.community.tickets[ticket] = {type, false};
  return {{"upload_url", root() + "/upload/" + ticket + "?act=add_doc_new&mid=0&type=" + type}};
}

Json World::docs_save(CallContext& call) {
  const std::string text = call.params.text("file");
  const auto found = call.community.uploads.find(text);
  if (text.empty() || found == call.community.uploads.end() || found->second.kind == "photo" ||
      found->second.saved) {
    throw api_error(105);
  }
  Uploaded& uploaded = found->second;
  uploaded.saved = true;
  File file;
  file.kind = uploaded.kind == "audio_message" ? "audio_message" : "doc";
  file.owner = -call.community.group_id;
  file.name = call.params.has("title") ? call.params.text("title") : uploaded.name;
  const std::size_t dot = uploaded.name.rfind('.');
  file.ext = dot == std::string::npos ? "" : ascii_lower(uploaded.name.substr(dot + 1));
  if (file.kind == "audio_message") file.ext = "ogg";
  file.bytes = uploaded.bytes;
  if (const auto size = image_size(*uploaded.bytes)) file.width = size->width;
  const File& stored = add_file(call.community, std::move(file));
  return {{"type", stored.kind}, {stored.kind, file_json(call.community, stored)}};
}

}  // namespace sufler::fakes::vk
