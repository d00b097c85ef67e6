#include "interpreter/runtime/config_models.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <utility>

#include "interpreter/core/json_text.h"
#include "interpreter/core/text.h"
#include "interpreter/runtime/config_proxy.h"
#include "interpreter/runtime/log.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExample = "{url: \"https://api.openai.com/v1\", key: \"${OPENAI_KEY}\", model: gpt-4o-mini}";

const std::vector<std::string> kKeys = {
    "url", "key", "model", "kind", "header", "prefix", "headers", "project", "ca", "proxy", "timeout", "connect_timeout",
    "stall", "budget", "max_answer", "at_once", "repeats", "stream", "temperature", "parameters", "scope", "oauth",
    "embeddings", "embeddings_query", "embeddings_batch", "max_tokens_field", "system_role", "tool_choice",
    "parallel_calls", "strict", "stream_usage", "json_schema", "tools"};

const std::vector<std::pair<const char*, SchemaStyle>> kSchemaStyles = {{"openai", SchemaStyle::OpenAi},
                                                                        {"bare", SchemaStyle::Bare},
                                                                        {"json_object", SchemaStyle::JsonObject},
                                                                        {"top_level", SchemaStyle::TopLevel},
                                                                        {"none", SchemaStyle::None}};
const std::vector<std::pair<const char*, ToolStyle>> kToolStyles = {
    {"tools", ToolStyle::Tools}, {"functions", ToolStyle::Functions}, {"none", ToolStyle::None}};

/// A dialog gives up a rest that takes ten minutes.
constexpr Duration kLongest{9 * 60'000};

bool is_header_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

bool is_one_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

/// As JSON writes numbers.
bool is_number(std::string_view text) {
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  const bool begins = !digits.empty() && digits[0] >= '0' && digits[0] <= '9' && !(digits.size() > 1 && digits[0] == '0' && digits[1] != '.');
  return begins && read.ec == std::errc() && read.ptr == text.data() + text.size() && !text.ends_with('.');
}

class ModelReader {
 public:
  ModelReader(const SectionReader& reader, std::string name) : reader_(reader) { model_.name = std::move(name); }

  ModelConnection read(const Node::Entry& entry) {
    // What is usual depends upon the kind, and the kind upon the URL.
    if (const Node* url = find(entry.value, "url")) read_url(*url);
    read_kind(entry.value);
    set_usual(model_);
    for (const Node::Entry& field : entry.value.entries) {
      const std::string_view key = field.key.scalar;
      if (!reader_.known(field.key, kKeys, "a model") || key == "url" || key == "kind") continue;
      read_field(key, field.value);
    }
    check(entry);
    return std::move(model_);
  }

 private:
  static const Node* find(const Node& map, std::string_view key) {
    for (const Node::Entry& entry : map.entries)
      if (entry.key.scalar == key) return &entry.value;
    return nullptr;
  }

  Diagnostic& wrong(const Node& node, std::string value, std::string expected) {
    return reader_.diagnostics.report(DiagnosticId::ConfigBadValue, node.span, {std::move(value), std::move(expected)});
  }

  void read_url(const Node& node) {
    std::string url = reader_.expand(node);
    while (url.ends_with('/')) url.pop_back();
    model_.url = url;
    if (url.empty()) return;
    const bool web = url.starts_with("https://") || url.starts_with("http://");
    const std::string_view behind = std::string_view(url).substr(web ? url.find("//") + 2 : 0);
    const std::string_view place = behind.substr(0, behind.find('/'));
    if (place.find('@') != std::string_view::npos) {
      hide_secret(place.substr(0, place.find('@')));
      wrong(node, "…@" + std::string(place.substr(place.rfind('@') + 1)), "an address without a name and a password; the key has its own `key`");
    } else if (!web || place.empty() || !is_one_line(url) || url.find_first_of(" ?#") != std::string::npos) {
      wrong(node, url, "https://api.openai.com/v1");
    } else if (constexpr std::string_view kTail = "/chat/completions"; url.ends_with(kTail)) {
      wrong(node, url, url.substr(0, url.size() - kTail.size()));
    }
  }

  void read_kind(const Node& map) {
    model_.kind = guess_model_kind(model_.url);
    const Node* node = find(map, "kind");
    if (!node) return;
    const std::string word = reader_.expand(*node);
    std::vector<std::string> names;
    std::string all;
    for (const ModelKindInfo& one : model_kinds()) {
      names.emplace_back(one.name);
      all += (all.empty() ? "" : ", ") + std::string(one.name);
    }
    if (const auto kind = model_kind_of(word)) {
      model_.kind = *kind;
    } else {
      suggest(wrong(*node, word, all), word, names, true);
    }
  }

  void read_field(std::string_view key, const Node& node) {
    ModelFlags& flags = model_.flags;
    if (key == "key") return read_key(node);
    if (key == "headers") return read_headers(node);
    if (key == "parameters") return read_parameters(node);
    if (key == "model") return read_line(node, model_.model);
    if (key == "header") return read_header_name(node);
    if (key == "prefix") return read_line(node, model_.prefix, true);
    if (key == "project") return read_project(node);
    if (key == "ca") return read_ca(node);
    if (key == "proxy") {
      model_.proxy = read_proxy(node, reader_);
      return;
    }
    if (key == "timeout") return read_duration(node, model_.timeout, Duration{1'000}, "60s; from 1s to 9m");
    if (key == "connect_timeout") return read_duration(node, model_.connect_timeout, Duration{100}, "10s; 9m at most");
    if (key == "stall") return read_duration(node, model_.stall, Duration{100}, "30s; 9m at most");
    if (key == "budget") return read_duration(node, model_.budget, Duration{1'000}, "2m; from 1s to 9m");
    if (key == "max_answer") return read_size(node);
    if (key == "at_once") return read_count(node, model_.at_once, 1, 2'000);
    if (key == "repeats") return read_repeats(node);
    if (key == "stream") return read_flag(node, model_.stream);
    if (key == "temperature") return read_temperature(node);
    if (key == "scope") return read_scope(node);
    if (key == "oauth") return read_oauth(node);
    if (key == "embeddings") return read_line(node, model_.embeddings_model);
    if (key == "embeddings_query") return read_line(node, model_.embeddings_query_model);
    if (key == "embeddings_batch") return read_count(node, flags.embeddings_batch, 1, 2'048);
    if (key == "max_tokens_field") return read_max_tokens_field(node);
    if (key == "system_role") return read_word(node, flags.system_role, {"system", "developer"});
    if (key == "tool_choice") return read_flag(node, flags.tool_choice);
    if (key == "parallel_calls") return read_flag(node, flags.parallel_calls.emplace());
    if (key == "strict") return read_flag(node, flags.strict);
    if (key == "stream_usage") return read_flag(node, flags.stream_usage);
    if (key == "json_schema") return read_style(node, flags.json_schema, kSchemaStyles);
    if (key == "tools") return read_style(node, flags.tools, kToolStyles);
  }

  void check(const Node::Entry& entry) {
    const auto missing = [&](const char* what) {
      reader_.diagnostics.report(DiagnosticId::ConfigMissing, entry.key.span, {what});
    };
    if (!find(entry.value, "url")) missing("url");
    if (!find(entry.value, "model")) missing("model");
    const bool of_a_company = model_.kind == ModelKind::OpenAi || model_.kind == ModelKind::Yandex || model_.kind == ModelKind::GigaChat;
    if (reader_.needs_keys && of_a_company && !find(entry.value, "key")) missing("key");
    if (model_.budget < model_.timeout) model_.budget = model_.timeout;
  }

  void read_line(const Node& node, std::string& place, bool may_be_empty = false) {
    place = reader_.expand(node);
    if ((place.empty() && !may_be_empty && reader_.needs_keys) || !is_one_line(place)) wrong(node, place, "a name, on one line");
  }

  void read_key(const Node& node) {
    model_.key = reader_.secret(node);
    if (!is_one_line(model_.key)) wrong(node, "key", "a key on one line");
  }

  void read_header_name(const Node& node) {
    model_.header = reader_.expand(node);
    if (!is_header_name(model_.header)) wrong(node, model_.header, "Authorization");
  }

  void read_headers(const Node& node) {
    if (!node.is_map()) {
      wrong(node, "headers", "{X-Title: shop}");
      return;
    }
    for (const Node::Entry& entry : node.entries) {
      const std::string name(entry.key.scalar);
      // What is written openly is no secret: hiding it would take common words out of the log.
      const std::string_view written = entry.value.scalar;
      const bool from_outside = written.find("${") != std::string_view::npos || written.starts_with("file:");
      std::string value = from_outside ? reader_.secret(entry.value) : reader_.expand(entry.value);
      if (!is_header_name(name)) {
        wrong(entry.key, name, "X-Title");
      } else if (!is_one_line(value)) {
        wrong(entry.value, name, "a value on one line");
      } else {
        model_.headers.emplace_back(name, std::move(value));
      }
    }
  }

  void read_project(const Node& node) {
    std::string project = reader_.expand(node);
    if ((project.empty() && reader_.needs_keys) || !is_one_line(project)) {
      wrong(node, project, "the folder's id, b1g…");
    } else {
      model_.headers.emplace_back("OpenAI-Project", std::move(project));
    }
  }

  void read_ca(const Node& node) {
    const std::string path = reader_.expand(node);
    model_.ca_file = path.empty() ? std::string() : (fs::path(reader_.folder) / path).lexically_normal().string();
    std::error_code unknown;
    if (reader_.needs_keys && !fs::is_regular_file(model_.ca_file, unknown)) wrong(node, path, "a file that can be read, of an authority in PEM");
  }

  void read_duration(const Node& node, Duration& place, Duration least, const char* expected) {
    const std::string text = reader_.expand(node);
    const std::optional<Duration> duration = Duration::parse(text);
    if (!duration || *duration < least || *duration > kLongest)
      wrong(node, text, expected);
    else
      place = *duration;
  }

  void read_size(const Node& node) {
    const std::string text = reader_.expand(node);
    std::string_view digits = text;
    for (const std::string_view unit : {"MB", "МБ"})
      if (digits.ends_with(unit)) digits.remove_suffix(unit.size());
    const auto number = digits.size() == text.size() ? std::nullopt : whole_number(digits);
    if (!number || *number < 1 || *number > 64)
      wrong(node, text, "2MB; from 1MB to 64MB");
    else
      model_.most_answer_bytes = static_cast<std::size_t>(*number) << 20;
  }

  void read_count(const Node& node, std::size_t& place, std::int64_t least, std::int64_t most) {
    const std::string text = reader_.expand(node);
    const auto number = whole_number(text);
    if (!number || *number < least || *number > most)
      wrong(node, text, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    else
      place = static_cast<std::size_t>(*number);
  }

  void read_repeats(const Node& node) {
    std::size_t repeats = 2;
    read_count(node, repeats, 0, 5);
    model_.repeats = static_cast<std::uint32_t>(repeats);
  }

  void read_flag(const Node& node, bool& place) {
    const std::string word = reader_.expand(node);
    if (word != "true" && word != "false") wrong(node, word, "true, false");
    place = word == "true";
  }

  void read_temperature(const Node& node) {
    const std::string text = reader_.expand(node);
    double number = -1;
    std::from_chars(text.data(), text.data() + text.size(), number);
    if (!is_number(text) || number < 0 || number > 2)
      wrong(node, text, "a number from 0 to 2, such as 0.2");
    else
      model_.temperature = text;
  }

  void read_scope(const Node& node) {
    model_.scope = reader_.expand(node);
    static const std::vector<std::string> scopes = {"GIGACHAT_API_PERS", "GIGACHAT_API_B2B", "GIGACHAT_API_CORP"};
    if (std::find(scopes.begin(), scopes.end(), model_.scope) == scopes.end())
      suggest(wrong(node, model_.scope, "GIGACHAT_API_PERS, GIGACHAT_API_B2B, GIGACHAT_API_CORP"), model_.scope, scopes, true);
  }

  void read_oauth(const Node& node) {
    model_.oauth_url = reader_.expand(node);
    if ((!model_.oauth_url.starts_with("https://") && !model_.oauth_url.starts_with("http://")) || !is_one_line(model_.oauth_url))
      wrong(node, model_.oauth_url, "https://ngw.devices.sberbank.ru:9443/api/v2/oauth");
  }

  void read_max_tokens_field(const Node& node) {
    std::string& place = model_.flags.max_tokens_field;
    read_word(node, place, {"max_tokens", "max_completion_tokens", "none"});
    if (place == "none") place.clear();
  }

  void read_word(const Node& node, std::string& place, const std::vector<std::string>& words) {
    place = reader_.expand(node);
    if (std::find(words.begin(), words.end(), place) != words.end()) return;
    std::string all;
    for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
    suggest(wrong(node, place, all), place, words, true);
  }

  template <class Style>
  void read_style(const Node& node, Style& place, const std::vector<std::pair<const char*, Style>>& styles) {
    std::vector<std::string> words;
    for (const auto& [word, style] : styles) words.emplace_back(word);
    std::string word;
    read_word(node, word, words);
    for (const auto& [name, style] : styles)
      if (word == name) place = style;
  }

  /// Further fields of the request: what stands there without quotes as a number or a yes or no goes as such.
  void read_parameters(const Node& node) {
    static const std::vector<std::string> own = {"model", "messages", "tools", "functions", "stream", "stream_options", "response_format", "tool_choice", "n"};
    if (!node.is_map()) {
      wrong(node, "parameters", "{top_p: 0.9, reasoning_effort: low}");
      return;
    }
    for (const Node::Entry& entry : node.entries) {
      const std::string name(entry.key.scalar);
      if (std::find(own.begin(), own.end(), name) != own.end()) {
        wrong(entry.key, name, "a field that is not set by itself, such as top_p");
        continue;
      }
      const std::string text = reader_.expand(entry.value);
      std::string json;
      if (!entry.value.quoted && (text == "true" || text == "false" || is_number(text))) {
        json = text;
      } else {
        append_json_string(json, text);
      }
      model_.parameters.emplace_back(name, std::move(json));
    }
  }

  const SectionReader& reader_;
  ModelConnection model_;
};

}  // namespace

std::vector<ModelConnection> read_models(const Node& node, const SectionReader& reader) {
  std::vector<ModelConnection> models;
  if (!node.is_map()) {
    reader.diagnostics.report(DiagnosticId::ConfigBadValue, node.span, {"models", std::string("{default: ") + kExample + "}"});
    return models;
  }
  for (const Node::Entry& entry : node.entries) {
    const std::string name(entry.key.scalar);
    if (entry.value.is_map()) {
      models.push_back(ModelReader(reader, name).read(entry));
    } else if (entry.value.is_scalar() && entry.value.scalar == "off") {
      models.emplace_back().name = name;
      models.back().off = true;
    } else {
      reader.diagnostics.report(DiagnosticId::ConfigBadValue, entry.value.span, {name, kExample});
    }
  }
  return models;
}

}  // namespace sufler
