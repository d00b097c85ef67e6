// Wire facts: the support matrix of the servers, from their own documentation. A flag that is off costs a feature; one
// that is on without need costs a refused request.
#include "interpreter/core/model_connection.h"

#include <algorithm>

namespace sufler {
namespace {

std::string_view host_and_port(std::string_view url) {
  const std::size_t slashes = url.find("//");
  if (slashes != std::string_view::npos) url.remove_prefix(slashes + 2);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const std::size_t at = url.rfind('@'); at != std::string_view::npos) url.remove_prefix(at + 1);
  return url;
}

bool is_of(std::string_view host, std::string_view domain) {
  return host == domain ||
         (host.size() > domain.size() && host.ends_with(domain) && host[host.size() - domain.size() - 1] == '.');
}

}  // namespace

const std::vector<ModelKindInfo>& model_kinds() {
  static const std::vector<ModelKindInfo> kinds = {
      {ModelKind::OpenAi, "openai"},     {ModelKind::Yandex, "yandex"},
      {ModelKind::GigaChat, "gigachat"}, {ModelKind::Ollama, "ollama"},
      {ModelKind::Vllm, "vllm"},         {ModelKind::LlamaCpp, "llamacpp"},
      {ModelKind::LmStudio, "lmstudio"}, {ModelKind::Compatible, "compatible"}};
  return kinds;
}

std::string_view name_of(ModelKind kind) {
  for (const ModelKindInfo& one : model_kinds())
    if (one.kind == kind) return one.name;
  return "compatible";
}

std::optional<ModelKind> model_kind_of(std::string_view name) {
  for (const ModelKindInfo& one : model_kinds())
    if (one.name == name) return one.kind;
  return std::nullopt;
}

ModelKind guess_model_kind(std::string_view url) {
  const std::string_view place = host_and_port(url);
  const std::size_t colon = place.rfind(':');
  const std::string_view host = place.substr(0, colon);
  const std::string_view port = colon == std::string_view::npos ? std::string_view() : place.substr(colon + 1);
  if (is_of(host, "openai.com")) return ModelKind::OpenAi;
  if (is_of(host, "cloud.yandex.net") || is_of(host, "yandexcloud.net")) return ModelKind::Yandex;
  if (is_of(host, "sberbank.ru") || is_of(host, "sber.ru")) return ModelKind::GigaChat;
  if (port == "11434") return ModelKind::Ollama;
  if (port == "1234") return ModelKind::LmStudio;
  if (port == "8000") return ModelKind::Vllm;
  if (port == "8080") return ModelKind::LlamaCpp;
  return ModelKind::Compatible;
}

void set_usual(ModelConnection& connection) {
  ModelFlags& flags = connection.flags;
  flags = {};
  switch (connection.kind) {
    case ModelKind::Compatible: break;
    case ModelKind::OpenAi:
      flags.max_tokens_field = "max_completion_tokens";
      flags.tool_choice = flags.strict = flags.stream_usage = true;
      flags.embeddings_batch = 512;
      connection.at_once = 256;
      break;
    case ModelKind::Vllm:
      flags.tool_choice = flags.stream_usage = true;
      flags.embeddings_batch = 64;
      connection.at_once = 256;
      break;
    case ModelKind::LlamaCpp:
      flags.tool_choice = flags.stream_usage = true;
      connection.at_once = 4;
      break;
    case ModelKind::Ollama:
      flags.stream_usage = true;
      connection.at_once = 4;
      break;
    case ModelKind::LmStudio:
      flags.tool_choice = flags.stream_usage = true;
      connection.at_once = 4;
      break;
    case ModelKind::Yandex:
      // Ten generations at a time by the quotas; one text of embeddings a call.
      flags.json_schema = SchemaStyle::Bare;
      flags.embeddings_batch = 1;
      connection.at_once = 10;
      break;
    case ModelKind::GigaChat:
      flags.json_schema = SchemaStyle::TopLevel;
      flags.tools = ToolStyle::Functions;
      flags.embeddings_batch = 16;
      connection.at_once = 10;
      connection.oauth_url = "https://ngw.devices.sberbank.ru:9443/api/v2/oauth";
      connection.scope = "GIGACHAT_API_PERS";
      break;
  }
}

}  // namespace sufler
