#include "interpreter/runtime/config.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "schema/node.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kTopKeys = {"database", "durability", "http", "proxy", "bots", "mail", "models",
                                           "crm", "programs", "allow_hosts", "log", "retention", "socket",
                                           "flood"};
/// Keys of the design whose time has not come: said plainly, instead of being passed over in silence.
const std::vector<std::string> kLaterTopKeys = {"mail", "models", "crm", "programs", "allow_hosts"};
const std::vector<std::string> kRetentionKeys = {"journal", "dead_letters", "messages", "track", "dialogs"};
const std::vector<std::string> kLogKeys = {"level", "format"};
const std::vector<std::string> kFloodKeys = {"messages", "seconds"};
constexpr int kMostMessages = 10'000, kMostSeconds = 3'600;
const std::vector<std::string> kHttpKeys = {"listen", "public_url"};
/// What must never be shown: it may come from a file, and is hidden from the log.
const std::vector<std::string> kSecretKeys = {"token", "secret"};
constexpr std::size_t kMaxSecretBytes = 4096;
/// The platform's pace, where a transport has such a key.
constexpr std::string_view kPaceKey = "requests_per_second";
constexpr int kMostPace = 100'000;
/// Less would clear away what a dialog still needs.
constexpr Duration kShortestTerm{3'600'000};

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

class Reader {
 public:
  Reader(LoadedConfig& loaded, std::string path, const KnownTransports& transports, bool place_only)
      : loaded_(loaded),
        path_(std::move(path)),
        folder_(fs::absolute(path_).parent_path()),
        transports_(transports),
        place_only_(place_only) {
    bot_keys_ = {"scenario", "roles"};
    for (const auto& [name, keys] : transports_) bot_keys_.push_back(name);
  }

  void read(const Node& root) {
    if (!root.is_map()) {
      report(DiagnosticId::ConfigBadValue, root.span, {"sufler.yaml", "`bots:` and other keys"});
      return;
    }
    const Node* bots = nullptr;
    for (const Node::Entry& entry : root.entries) {
      if (entry.key.scalar != "scenario" && entry.key.scalar != "сценарий") continue;
      report(DiagnosticId::ConfigIsScenario, entry.key.span, {path_});
      return;
    }
    for (const Node::Entry& entry : root.entries) {
      const std::string_view key = entry.key.scalar;
      if (!known(entry.key, kTopKeys, "the configuration")) continue;
      if (contains(kLaterTopKeys, key)) {
        report(DiagnosticId::ConfigNotYet, entry.key.span, {std::string(key)});
      } else if (key == "database") {
        read_database(entry.value);
      } else if (key == "durability") {
        read_durability(entry.value);
      } else if (key == "socket") {
        const std::string path = expand(entry.value);
        if (!path.empty()) config_.socket = (folder_ / path).lexically_normal().string();
      } else if (key == "bots" && place_only_) {
        bots = &entry.value;
        for (const Node::Entry& bot : entry.value.entries) {
          config_.bots.emplace_back();
          config_.bots.back().name = std::string(bot.key.scalar);
        }
      } else if (place_only_) {
        continue;
      } else if (key == "retention") {
        read_retention(entry.value);
      } else if (key == "proxy") {
        config_.proxy = expand(entry.value);
      } else if (key == "http") {
        read_http(entry.value);
      } else if (key == "flood") {
        read_flood(entry.value);
      } else if (key == "log") {
        read_log(entry.value);
      } else if (key == "bots") {
        bots = &entry.value;
        read_bots(entry.value);
      }
    }
    if (!bots) report(DiagnosticId::ConfigMissing, root.span, {"bots"});
    if (config_.database == Config().database)
      config_.database = "sqlite:" + (folder_ / "sufler.db").lexically_normal().string();
    if (!loaded_.diagnostics.has_errors()) loaded_.config = std::move(config_);
  }

 private:
  Diagnostic& report(DiagnosticId id, SourceSpan span, std::vector<std::string> arguments) {
    return loaded_.diagnostics.report(id, span, std::move(arguments));
  }

  bool known(const Node& key, const std::vector<std::string>& names, const char* where) {
    if (contains(names, key.scalar)) return true;
    Diagnostic& problem = report(DiagnosticId::ConfigUnknownKey, key.span, {std::string(key.scalar), where});
    suggest(problem, key.scalar, names, true);
    return false;
  }

  /// The scalar with `${NAME}` replaced from the environment.
  std::string expand(const Node& node) {
    if (!node.is_scalar()) {
      if (node.kind != Node::Kind::Null)
        report(DiagnosticId::ConfigBadValue, node.span, {"a list or a map", "one value"});
      return {};
    }
    std::string out;
    std::string_view rest = node.scalar;
    for (;;) {
      const std::size_t begin = rest.find("${");
      if (begin == std::string_view::npos) break;
      const std::size_t end = rest.find('}', begin);
      if (end == std::string_view::npos) break;
      out.append(rest.substr(0, begin));
      const std::string name(rest.substr(begin + 2, end - begin - 2));
      const char* value = std::getenv(name.c_str());
      if (!value) {
        report(DiagnosticId::ConfigUnsetVariable, node.span, {name});
      } else {
        out += value;
      }
      rest.remove_prefix(end + 1);
    }
    out.append(rest);
    return out;
  }

  void read_database(const Node& node) {
    std::string url = expand(node);
    if (url.starts_with("sqlite:")) {
      const std::string path = url.substr(7);
      if (path != ":memory:") url = "sqlite:" + (folder_ / path).lexically_normal().string();
      config_.database = std::move(url);
    } else if (url.starts_with("postgresql://") || url.starts_with("postgres://")) {
      hide_password(url);
      config_.database = std::move(url);
    } else {
      // Whatever it is, what stands before an `@` may be a password; the line itself is shown too.
      hide_password(url);
      const std::size_t at = url.find('@');
      report(DiagnosticId::ConfigBadValue, node.span,
             {at == std::string::npos ? url : "…" + url.substr(at), "sqlite:sufler.db, postgresql://user@host/name"});
    }
  }

  /// Of `postgresql://user:password@host` and of `?password=`.
  static void hide_password(std::string_view url) {
    const std::size_t slashes = url.find("//");
    const std::string_view rest = url.substr(slashes == std::string_view::npos ? 0 : slashes + 2);
    const std::string_view user = rest.substr(0, rest.find_first_of("/?"));
    if (const std::size_t at = user.rfind('@'); at != std::string_view::npos) {
      const std::size_t colon = user.substr(0, at).rfind(':');
      if (colon < at) hide_secret(user.substr(colon + 1, at - colon - 1));
    }
    constexpr std::string_view kParameter = "password=";
    if (const std::size_t at = rest.find(kParameter); at != std::string_view::npos) {
      const std::string_view value = rest.substr(at + kParameter.size());
      hide_secret(value.substr(0, value.find('&')));
    }
  }

  void read_durability(const Node& node) {
    const std::string word = to_lower(expand(node));
    if (word == "full") {
      config_.durability = Durability::Full;
    } else if (word == "normal") {
      config_.durability = Durability::Normal;
    } else {
      report(DiagnosticId::ConfigBadValue, node.span, {word, "full, normal"});
    }
  }

  void read_retention(const Node& node) {
    if (!node.is_map()) {
      report(DiagnosticId::ConfigBadValue, node.span, {"retention", "{journal: 90d, messages: 30d}"});
      return;
    }
    Retention& terms = config_.retention;
    const std::map<std::string, std::optional<Duration>*, std::less<>> places = {
        {"journal", &terms.journal}, {"dead_letters", &terms.dead_letters}, {"messages", &terms.messages},
        {"track", &terms.track},     {"dialogs", &terms.dialogs}};
    for (const Node::Entry& entry : node.entries) {
      if (!known(entry.key, kRetentionKeys, "`retention`")) continue;
      const std::string text = expand(entry.value);
      const std::optional<Duration> term = Duration::parse(text);
      if (text != "forever" && (!term || term->ms < kShortestTerm.ms)) {
        report(DiagnosticId::ConfigBadValue, entry.value.span, {text, "90d, forever"});
        continue;
      }
      *places.find(entry.key.scalar)->second = text == "forever" ? std::nullopt : term;
    }
  }

  void read_flood(const Node& node) {
    if (!node.is_map()) {
      report(DiagnosticId::ConfigBadValue, node.span, {"flood", "{messages: 30, seconds: 10}"});
      return;
    }
    for (const Node::Entry& entry : node.entries) {
      if (!known(entry.key, kFloodKeys, "`flood`")) continue;
      const bool messages = entry.key.scalar == "messages";
      const std::string word = expand(entry.value);
      int number = 0;
      const auto read = std::from_chars(word.data(), word.data() + word.size(), number);
      if (read.ec != std::errc() || read.ptr != word.data() + word.size() || number < (messages ? 0 : 1) ||
          number > (messages ? kMostMessages : kMostSeconds)) {
        report(DiagnosticId::ConfigBadValue, entry.value.span, {word, messages ? "0–10000" : "1–3600"});
      } else if (messages) {
        config_.flood.messages = static_cast<std::size_t>(number);
      } else {
        config_.flood.within = Duration{number * std::int64_t{1000}};
      }
    }
  }

  void read_log(const Node& node) {
    if (!node.is_map()) {
      report(DiagnosticId::ConfigBadValue, node.span, {"log", "{level: info, format: text}"});
      return;
    }
    for (const Node::Entry& entry : node.entries) {
      if (!known(entry.key, kLogKeys, "`log`")) continue;
      const std::string word = expand(entry.value);
      if (entry.key.scalar == "format") {
        if (word == "json") {
          config_.log_format = LogFormat::Json;
        } else if (word != "text") {
          report(DiagnosticId::ConfigBadValue, entry.value.span, {word, "text, json"});
        }
      } else if (word == "debug") {
        config_.log_level = LogLevel::Debug;
      } else if (word == "warning" || word == "warn") {
        config_.log_level = LogLevel::Warning;
      } else if (word == "error") {
        config_.log_level = LogLevel::Error;
      } else if (word != "info") {
        report(DiagnosticId::ConfigBadValue, entry.value.span, {word, "debug, info, warning, error"});
      }
    }
  }

  void read_http(const Node& node) {
    if (!node.is_map()) {
      report(DiagnosticId::ConfigBadValue, node.span, {"http", "{listen: \"127.0.0.1:8080\"}"});
      return;
    }
    HttpConfig http;
    for (const Node::Entry& entry : node.entries) {
      if (!known(entry.key, kHttpKeys, "`http`")) continue;
      std::string value = expand(entry.value);
      if (entry.key.scalar == "public_url") {
        while (value.ends_with('/')) value.pop_back();
        if (!value.starts_with("https://") && !value.starts_with("http://"))
          report(DiagnosticId::ConfigBadValue, entry.value.span, {value, "https://bot.example.com"});
        http.public_url = std::move(value);
      } else if (!read_address(value, http)) {
        report(DiagnosticId::ConfigBadValue, entry.value.span, {value, "127.0.0.1:8080"});
      }
    }
    if (http.host.empty() && !loaded_.diagnostics.has_errors())
      report(DiagnosticId::ConfigMissing, node.span, {"listen"});
    config_.http = std::move(http);
  }

  /// `127.0.0.1:8080`, `[::1]:8080`, `localhost:0`.
  static bool read_address(std::string_view text, HttpConfig& http) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
      host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
      return false;
    }
    const std::string_view port = text.substr(colon + 1);
    const auto read = std::from_chars(port.data(), port.data() + port.size(), http.port);
    if (read.ec != std::errc() || read.ptr != port.data() + port.size() || http.port < 0 || http.port > 65'535)
      return false;
    http.host = std::string(host);
    return !http.host.empty();
  }

  void read_bots(const Node& node) {
    if (!node.is_map() || node.entries.empty()) {
      report(DiagnosticId::ConfigBadValue, node.span, {"bots", "a name for each bot, with `scenario:` below"});
      return;
    }
    for (const Node::Entry& entry : node.entries) read_bot(entry);
  }

  void read_bot(const Node::Entry& entry) {
    BotConfig bot;
    bot.name = std::string(entry.key.scalar);
    bot.span = entry.key.span;
    if (!entry.value.is_map()) {
      report(DiagnosticId::ConfigMissing, entry.key.span, {"scenario"});
      return;
    }
    for (const Node::Entry& field : entry.value.entries) {
      const std::string name(field.key.scalar);
      if (!known(field.key, bot_keys_, "a bot")) continue;
      if (name == "scenario") {
        const std::string path = expand(field.value);
        if (!path.empty()) bot.scenario = (folder_ / path).lexically_normal().string();
      } else if (name == "roles") {
        read_roles(field.value, bot);
      } else {
        bot.transports.push_back(read_transport(field));
      }
    }
    if (bot.scenario.empty()) report(DiagnosticId::ConfigMissing, entry.key.span, {"scenario"});
    if (bot.transports.empty() && !loaded_.diagnostics.has_errors())
      report(DiagnosticId::ConfigMissing, entry.key.span, {"telegram"});
    config_.bots.push_back(std::move(bot));
  }

  TransportConfig read_transport(const Node::Entry& field) {
    TransportConfig transport;
    transport.name = std::string(field.key.scalar);
    const std::vector<std::string>& keys = transports_.find(transport.name)->second;
    if (field.value.is_map()) {
      for (const Node::Entry& entry : field.value.entries) {
        if (!known(entry.key, keys, "this platform")) continue;
        const std::string key(entry.key.scalar);
        std::string value = contains(kSecretKeys, key) ? read_token(entry.value) : expand(entry.value);
        while (key == "api" && value.ends_with('/')) value.pop_back();
        if (key == kPaceKey && !is_pace(value))
          report(DiagnosticId::ConfigBadValue, entry.value.span,
                 {value, "a whole number from 1 to " + std::to_string(kMostPace)});
        transport.options[key] = std::move(value);
      }
    }
    if (transport.options["token"].empty() && !loaded_.diagnostics.has_errors())
      report(DiagnosticId::ConfigMissing, field.key.span, {"token"});
    return transport;
  }

  static bool is_pace(std::string_view text) {
    int number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    return read.ec == std::errc() && read.ptr == text.data() + text.size() && number >= 1 && number <= kMostPace;
  }

  std::string read_token(const Node& node) {
    std::string token = expand(node);
    if (token.starts_with("file:")) {
      const fs::path path = folder_ / token.substr(5);
      std::error_code unknown;
      std::ifstream file(path);
      if (!file || fs::is_directory(path, unknown)) {  // reading a folder throws
        report(DiagnosticId::ConfigBadValue, node.span, {token, "a file that can be read"});
        return {};
      }
      token.resize(kMaxSecretBytes + 1);
      file.read(token.data(), static_cast<std::streamsize>(token.size()));
      token.resize(static_cast<std::size_t>(file.gcount()));
      if (token.size() > kMaxSecretBytes) {
        report(DiagnosticId::ConfigBadValue, node.span, {path.string(), "a file that holds nothing but the secret"});
        return {};
      }
      token = std::string(trim(token));
    }
    hide_secret(token);
    return token;
  }

  void read_roles(const Node& node, BotConfig& bot) {
    if (!node.is_map()) {
      report(DiagnosticId::ConfigBadValue, node.span, {"roles", "admins: [\"telegram:111\"]"});
      return;
    }
    for (const Node::Entry& role : node.entries) {
      std::vector<ChatAddress>& members = bot.roles[std::string(role.key.scalar)];
      const auto add = [&](const Node& member) {
        const std::string text = expand(member);
        const std::size_t colon = text.find(':');
        const std::string transport = text.substr(0, colon);
        if (colon == std::string::npos || !transports_.contains(transport)) {
          report(DiagnosticId::ConfigBadValue, member.span, {text, "telegram:111"});
          return;
        }
        // An unset optional id (`telegram:${ADMIN}` with ADMIN empty) is nobody.
        if (colon + 1 < text.size()) members.push_back({transport, text.substr(colon + 1)});
      };
      if (role.value.is_list()) {
        for (const Node& member : role.value.items) add(member);
      } else {
        add(role.value);
      }
    }
  }

  LoadedConfig& loaded_;
  std::string path_;
  fs::path folder_;
  const KnownTransports& transports_;
  bool place_only_;
  std::vector<std::string> bot_keys_;
  Config config_;
};

}  // namespace

namespace {

LoadedConfig load(const std::string& path, const KnownTransports& transports, bool place_only) {
  LoadedConfig loaded;
  std::string text;
  bool readable = false;
  std::error_code unknown;
  if (!fs::is_directory(path, unknown)) {  // reading a folder throws
    std::ifstream file(path, std::ios::binary);
    if (file) text.assign(std::istreambuf_iterator<char>(file), {});
    readable = static_cast<bool>(file);
  }
  const std::uint32_t index = loaded.sources.add(path, std::move(text));
  if (!readable) {
    if (fs::exists(fs::path(path) / "scenario.yaml", unknown)) {
      loaded.diagnostics.report(DiagnosticId::ConfigIsScenario, {index, 0, 0}, {path});
    } else {
      const char* reason = fs::is_directory(path, unknown) ? "a folder" : "no such file";
      loaded.diagnostics.report(DiagnosticId::CannotRead, {index, 0, 0}, {path, reason});
    }
    return loaded;
  }
  const Document document = read_yaml(index, loaded.sources, loaded.diagnostics);
  if (!document.parsed) return loaded;
  Reader(loaded, path, transports, place_only).read(document.root);
  return loaded;
}

}  // namespace

LoadedConfig load_config(const std::string& path, const KnownTransports& transports) {
  return load(path, transports, false);
}
LoadedConfig load_place(const std::string& path) { return load(path, {}, true); }

}  // namespace sufler
