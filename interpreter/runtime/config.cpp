#include "interpreter/runtime/config.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <utility>

#include "interpreter/runtime/config_models.h"
#include "interpreter/runtime/config_proxy.h"
#include "schema/node.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kTopKeys = {"database", "durability", "http", "proxy", "bots", "mail", "models",
                                           "crm", "programs", "allow_hosts", "log", "retention", "socket",
                                           "flood", "reload", "api"};
const std::vector<std::string> kRetentionKeys = {"journal", "dead_letters", "messages", "track", "files", "dialogs"};
const std::vector<std::string> kLogKeys = {"level", "format", "turns"};
const std::vector<std::string> kReloadKeys = {"notify", "watch"};
const std::vector<std::string> kFloodKeys = {"messages", "seconds"};
constexpr int kMostMessages = 10'000, kMostSeconds = 3'600;
/// Programs whose first argument is the file that they run.
const std::vector<std::string> kInterpreters = {"python", "node", "bash", "sh", "perl", "ruby", "php", "Rscript"};
const std::vector<std::string> kProgramKeys = {"command", "timeout", "memory", "env"};
/// Who waits longer has left; and the rest of a dialog that waits for a program is given up after ten minutes.
constexpr Duration kLongestProgram{5 * 60'000};
constexpr std::int64_t kLeastMemory = std::int64_t{16} << 20, kMostMemory = std::int64_t{64} << 30;
const std::vector<std::string> kApiKeys = {"token", "tokens", "calls_per_minute"};
const std::vector<std::string> kApiTokenKeys = {"token", "rights", "bots"};
constexpr std::int64_t kMostCalls = 100'000;
const std::vector<std::string> kHttpKeys = {"listen", "public_url"};
/// What must never be shown: it may come from a file, and is hidden from the log.
const std::vector<std::string> kSecretKeys = {"token", "secret"};
constexpr std::size_t kMaxSecretBytes = 4096;
/// The platform's pace, where a transport has such a key, and the least it may be.
const std::map<std::string, int, std::less<>> kPaceKeys = {{"requests_per_second", 1},
                                                           {"messages_per_second", 0},
                                                           {"chat_messages_per_second", 0},
                                                           {"chat_burst", 1},
                                                           {"group_messages_per_minute", 0}};
constexpr int kMostPace = 100'000;
/// Less would clear away what a dialog still needs.
constexpr Duration kShortestTerm{3'600'000};

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// What of the configuration somebody needs.
enum class Wanted : std::uint8_t {
  All,
  Place,     ///< where the database and the process are: no token is needed
  Programs,  ///< that, and the programs
  Check,     ///< all, but for the environment and for secrets
};

class Reader {
 public:
  Reader(LoadedConfig& loaded, std::string path, const KnownTransports& transports, Wanted wanted)
      : loaded_(loaded),
        path_(std::move(path)),
        folder_(fs::absolute(path_).parent_path()),
        transports_(transports),
        lenient_(wanted == Wanted::Check),
        place_only_(wanted == Wanted::Place || wanted == Wanted::Programs),
        programs_(wanted != Wanted::Place) {
    bot_keys_ = {"scenario", "roles", "crm"};
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
      if (key == "database") {
        read_database(entry.value);
      } else if (key == "durability") {
        read_durability(entry.value);
      } else if (key == "socket") {
        const std::string path = expand(entry.value);
        if (!path.empty()) config_.socket = (folder_ / path).lexically_normal().string();
      } else if (key == "bots" && place_only_) {
        bots = &entry.value;
        for (const Node::Entry& bot : entry.value.entries) config_.bots.push_back(place_of(bot));
      } else if (key == "programs") {
        read_programs(entry.value);
      } else if (key == "models") {
        read_models_of(entry.value);
      } else if (key == "allow_hosts") {
        read_hosts_of(entry.value);
      } else if (key == "mail") {
        read_mail_of(entry.value);
      } else if (key == "crm") {
        config_.crm = read_crm_of(entry.value);
      } else if (key == "proxy" && programs_) {
        const SectionReader reader = section_reader();
        config_.proxy = read_proxy(entry.value, reader);
        if (config_.proxy == "direct") config_.proxy.clear();
      } else if (place_only_) {
        continue;
      } else if (key == "retention") {
        read_retention(entry.value);
      } else if (key == "http") {
        read_http(entry.value);
      } else if (key == "api") {
        api_ = &entry;
      } else if (key == "reload") {
        read_reload(entry.value);
      } else if (key == "flood") {
        read_flood(entry.value);
      } else if (key == "log") {
        read_log(entry.value);
      } else if (key == "bots") {
        bots = &entry.value;
        read_bots(entry.value);
      }
    }
    config_.folder = folder_.lexically_normal().string();
    if (!bots) report(DiagnosticId::ConfigMissing, root.span, {"bots"});
    if (reload_role_) check_reload_role();
    if (api_) read_api(*api_);
    if (config_.database == Config().database)
      config_.database = "sqlite:" + (folder_ / "sufler.db").lexically_normal().string();
    if (lenient_ || !loaded_.diagnostics.has_errors()) loaded_.config = std::move(config_);
  }

  /// Places of what cannot be judged here; only with Wanted::Check.
  bool is_forgiven(const Diagnostic& problem) const {
    return problem.id == DiagnosticId::ConfigUnsetVariable ||
           std::any_of(forgiven_.begin(), forgiven_.end(), [&](const SourceSpan& span) {
             return span.offset <= problem.span.offset && problem.span.offset < span.offset + std::max(span.length, 1u);
           });
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

  /// Of a bot what needs no secret. A scenario whose path is in the environment of the process that serves is left
  /// out.
  BotConfig place_of(const Node::Entry& entry) {
    BotConfig bot;
    bot.name = std::string(entry.key.scalar);
    bot.span = entry.key.span;
    for (const Node::Entry& field : entry.value.entries) {
      if (field.key.scalar == "scenario" && field.value.is_scalar()) {
        std::vector<std::string> unset;
        const std::string path = expand(field.value.scalar, unset);
        if (unset.empty() && !path.empty()) bot.scenario = (folder_ / path).lexically_normal().string();
      } else if (field.key.scalar == "roles") {
        for (const Node::Entry& role : field.value.entries) bot.roles.try_emplace(std::string(role.key.scalar));
      } else if (field.key.scalar == "crm") {
        bot.crm = read_crm_of(field.value);
      }
    }
    return bot;
  }

  /// The scalar with `${NAME}` replaced from the environment.
  std::string expand(const Node& node) {
    if (!node.is_scalar()) {
      if (node.kind != Node::Kind::Null)
        report(DiagnosticId::ConfigBadValue, node.span, {"a list or a map", "one value"});
      return {};
    }
    std::vector<std::string> unset;
    std::string out = expand(node.scalar, unset);
    for (const std::string& name : unset) report(DiagnosticId::ConfigUnsetVariable, node.span, {name});
    if (!unset.empty()) forgiven_.push_back(node.span);
    return out;
  }

  /// What is not set is empty: whoever tries a scenario has no keys.
  static std::string expand_known(const Node& node) {
    std::vector<std::string> unset;
    return node.is_scalar() ? expand(node.scalar, unset) : std::string();
  }

  static std::string expand(std::string_view rest, std::vector<std::string>& unset) {
    std::string out;
    for (;;) {
      const std::size_t begin = rest.find("${");
      if (begin == std::string_view::npos) break;
      const std::size_t end = rest.find('}', begin);
      if (end == std::string_view::npos) break;
      out.append(rest.substr(0, begin));
      const std::string name(rest.substr(begin + 2, end - begin - 2));
      const char* value = std::getenv(name.c_str());
      if (!value) {
        unset.push_back(name);
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
        {"track", &terms.track},     {"files", &terms.files},   {"dialogs", &terms.dialogs}};
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

  void read_reload(const Node& node) {
    if (!node.is_map()) {
      report(DiagnosticId::ConfigBadValue, node.span, {"reload", "{notify: admins, watch: true}"});
      return;
    }
    for (const Node::Entry& entry : node.entries) {
      if (!known(entry.key, kReloadKeys, "`reload`")) continue;
      const std::string word = expand(entry.value);
      if (entry.key.scalar == "notify") {
        config_.reload_notify = word;
        reload_role_ = entry.value.span;
      } else if (word == "true" || word == "false") {
        config_.reload_watch = word == "true";
      } else {
        report(DiagnosticId::ConfigBadValue, entry.value.span, {word, "true, false"});
      }
    }
  }

  /// A role that no bot has would tell nobody.
  void check_reload_role() {
    std::vector<std::string> roles;
    for (const BotConfig& bot : config_.bots)
      for (const auto& [role, members] : bot.roles) roles.push_back(role);
    if (config_.reload_notify.empty() || contains(roles, config_.reload_notify)) return;
    suggest(report(DiagnosticId::ConfigBadValue, *reload_role_, {config_.reload_notify, "a role of one of the bots"}),
            config_.reload_notify, roles, true);
  }

  void read_log(const Node& node) {
    if (!node.is_map()) {
      report(DiagnosticId::ConfigBadValue, node.span, {"log", "{level: info, format: text}"});
      return;
    }
    for (const Node::Entry& entry : node.entries) {
      if (!known(entry.key, kLogKeys, "`log`")) continue;
      const std::string word = expand(entry.value);
      if (entry.key.scalar == "turns") {
        if (const auto share = share_of(word))
          config_.log_turns = *share;
        else
          report(DiagnosticId::ConfigBadValue, entry.value.span, {word, "none, all, 10%"});
      } else if (entry.key.scalar == "format") {
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

  /// `all`, `none`, `10%`: of a hundred.
  static std::optional<int> share_of(std::string_view text) {
    if (text == "all" || text == "none") return text == "all" ? 100 : 0;
    int share = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), share);
    const std::string_view unit(read.ptr, static_cast<std::size_t>(text.data() + text.size() - read.ptr));
    if (read.ec != std::errc() || share < 0 || share > 100 || unit != "%") return std::nullopt;
    return share;
  }

  void read_programs(const Node& node) {
    if (!node.is_map()) {
      report(DiagnosticId::ConfigBadValue, node.span, {"programs", "{estimate: {command: [python3, calc/estimate.py], timeout: 5s}}"});
      return;
    }
    for (const Node::Entry& entry : node.entries) {
      ProgramConfig program;
      program.name = std::string(entry.key.scalar);
      if (programs_ && !read_program(entry, program)) continue;
      config_.programs.push_back(std::move(program));
    }
  }

  void read_models_of(const Node& node) {
    if (!programs_) {  // their names
      for (const Node::Entry& entry : node.entries) config_.models.emplace_back().name = std::string(entry.key.scalar);
      return;
    }
    config_.models = read_models(node, section_reader());
  }

  void read_mail_of(const Node& node) {
    if (!programs_) {
      config_.mail.emplace();
      return;
    }
    config_.mail = read_mail_server(node, section_reader());
  }

  void read_hosts_of(const Node& node) {
    if (programs_) {
      config_.hosts = read_hosts(node, section_reader());
      return;
    }
    // Their names; what is wrong with them is nothing to whoever looks for the database.
    Diagnostics unsaid;
    SectionReader reader{unsaid, folder_.lexically_normal().string(), false, {}, {}, {}};
    reader.expand = reader.secret = [](const Node& value) { return expand_known(value); };
    reader.known = [](const Node& key, const std::vector<std::string>& names, const char*) { return contains(names, key.scalar); };
    config_.hosts = read_hosts(node, reader);
  }

  std::optional<CrmAccount> read_crm_of(const Node& node) {
    if (!programs_) {
      CrmAccount account;
      account.off = node.is_scalar() && node.scalar == "off";
      return account;
    }
    return read_crm(node, section_reader());
  }

  SectionReader section_reader() {
    SectionReader reader{loaded_.diagnostics, folder_.lexically_normal().string(), !place_only_, {}, {}, {}};
    reader.expand = [this](const Node& value) { return place_only_ ? expand_known(value) : expand(value); };
    reader.secret = [this](const Node& value) { return place_only_ ? known_token(value) : read_token(value); };
    reader.known = [this](const Node& key, const std::vector<std::string>& names, const char* where) { return known(key, names, where); };
    return reader;
  }

  /// What is not set, or not readable, is empty.
  std::string known_token(const Node& node) {
    const std::string text = expand_known(node);
    std::error_code unknown;
    if (!text.starts_with("file:")) {
      hide_secret(text);
      return text;
    }
    const bool readable = fs::is_regular_file(folder_ / text.substr(5), unknown) && std::ifstream(folder_ / text.substr(5)).good();
    return readable ? read_token(node) : std::string();
  }

  bool read_program(const Node::Entry& entry, ProgramConfig& program) {
    if (!entry.value.is_map()) {
      report(DiagnosticId::ConfigBadValue, entry.value.span, {program.name, "{command: [python3, calc/estimate.py], timeout: 5s}"});
      return false;
    }
    for (const Node::Entry& field : entry.value.entries) {
      if (!known(field.key, kProgramKeys, "a program")) continue;
      const std::string_view key = field.key.scalar;
      if (key == "command") {
        read_command(field.value, program);
      } else if (key == "env") {
        read_environment(field.value, program);
      } else if (key == "timeout") {
        const std::string text = expand(field.value);
        const std::optional<Duration> timeout = Duration::parse(text);
        if (!timeout || timeout->ms <= 0 || *timeout > kLongestProgram)
          report(DiagnosticId::ConfigBadValue, field.value.span, {text, "5s; 5m at most"});
        else
          program.timeout = *timeout;
      } else {
        const std::string text = expand(field.value);
        const std::optional<std::int64_t> bytes = size_of(text);
        if (!bytes || *bytes < kLeastMemory || *bytes > kMostMemory)
          report(DiagnosticId::ConfigBadValue, field.value.span, {text, "512MB; 16MB at least"});
        else
          program.memory_bytes = *bytes;
      }
    }
    if (program.command.empty()) report(DiagnosticId::ConfigMissing, entry.key.span, {"command"});
    if (lenient_) look_for(entry, program);
    return !program.command.empty();
  }

  /// Whether the command is there, on this machine: that it is not, is worth a warning, since it may be the bot's that has it.
  void look_for(const Node::Entry& entry, const ProgramConfig& program) {
    const auto command = std::find_if(entry.value.entries.begin(), entry.value.entries.end(), [](const Node::Entry& one) { return one.key.scalar == "command"; });
    if (command == entry.value.entries.end() || program.command.empty() || program.command.front().empty()) return;
    const auto& words = command->value.items;
    if (std::any_of(words.begin(), words.end(), [](const Node& word) { return word.scalar.find("${") != std::string_view::npos; })) return;
    const std::string& name = program.command.front();
    const auto tell = [&](DiagnosticId id, const Node& word, const std::string& what, const char* en, const char* ru) {
      Diagnostic& problem = report(id, word.span, {program.name, what});
      problem.hint_en = en;
      problem.hint_ru = ru;
    };
    std::error_code unknown;
    const auto runs = [](const std::string& path) { return ::access(path.c_str(), X_OK) == 0; };
    if (name.find('/') != std::string::npos) {
      const std::string path = (folder_ / name).string();
      if (!fs::exists(path, unknown))
        tell(DiagnosticId::ProgramNotFound, words.front(), name, "it is looked for from the folder of this file", "его ищут от папки этого файла");
      else if (!fs::is_regular_file(path, unknown) || !runs(path))
        tell(DiagnosticId::ProgramNotRunnable, words.front(), name, "give it the right (`chmod +x`), or name what runs it: `[python3, calc/estimate.py]`",
             "дайте его (`chmod +x`) или назовите, чем его запускать: `[python3, calc/estimate.py]`");
    } else if (!in_path(name)) {
      const bool beside = fs::exists(folder_ / name, unknown);
      tell(DiagnosticId::ProgramNotFound, words.front(), name,
           beside ? "a program beside this file is named with its folder: `./NAME`" : "it is looked for in the folders of `PATH`; is it installed, on the bot's machine too?",
           beside ? "программу рядом с этим файлом называют с папкой: `./ИМЯ`" : "её ищут в папках `PATH`; установлена ли она, и на машине бота тоже?");
    }
    // What an interpreter is to read.
    const std::string base = fs::path(name).filename().string();
    const bool interpreter = std::any_of(kInterpreters.begin(), kInterpreters.end(), [&](const std::string& one) {
      return base.starts_with(one) && base.find_first_not_of("0123456789.", one.size()) == std::string::npos;
    });
    if (!interpreter || program.command.size() < 2 || program.command[1].empty() || program.command[1].front() == '-') return;
    if (!fs::exists(folder_ / program.command[1], unknown))
      tell(DiagnosticId::ProgramNotFound, words[1], program.command[1], "it is looked for from the folder of this file", "его ищут от папки этого файла");
  }

  /// As a program is found when it is started.
  bool in_path(const std::string& name) const {
    const char* path = std::getenv("PATH");
    std::string_view rest = path && *path ? path : "/usr/local/bin:/usr/bin:/bin";
    while (!rest.empty()) {
      const std::size_t colon = std::min(rest.find(':'), rest.size());
      const fs::path candidate = folder_ / std::string(rest.substr(0, colon)) / name;
      if (colon > 0 && ::access(candidate.c_str(), X_OK) == 0) return true;
      rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
    return false;
  }

  /// A list of words. A line is none: there is no shell that would cut it.
  void read_command(const Node& node, ProgramConfig& program) {
    constexpr const char* kExpected = "[python3, calc/estimate.py]";
    if (!node.is_list()) {
      report(DiagnosticId::ConfigBadValue, node.span, {std::string(node.is_scalar() ? node.scalar : "command"), kExpected});
      return;
    }
    for (const Node& word : node.items) {
      std::string text = expand(word);
      if (text.find('\0') != std::string::npos) text.clear();
      if (text.empty() && program.command.empty())
        report(DiagnosticId::ConfigBadValue, word.span, {"", kExpected});
      program.command.push_back(std::move(text));
    }
  }

  /// May hold keys: they are hidden as tokens are.
  void read_environment(const Node& node, ProgramConfig& program) {
    if (!node.is_map()) {
      report(DiagnosticId::ConfigBadValue, node.span, {"env", "{API_KEY: \"${API_KEY}\"}"});
      return;
    }
    for (const Node::Entry& entry : node.entries) {
      const bool from_outside = entry.value.is_scalar() && entry.value.scalar.find("${") != std::string_view::npos;
      const bool good = !entry.key.scalar.empty() && entry.key.scalar.find_first_of("=\0") == std::string_view::npos;
      if (!good) report(DiagnosticId::ConfigBadValue, entry.key.span, {std::string(entry.key.scalar), "API_KEY"});
      std::string value = place_only_ ? expand_known(entry.value) : expand(entry.value);
      if (from_outside) hide_secret(value);
      program.environment[std::string(entry.key.scalar)] = std::move(value);
    }
  }

  /// `512MB`, `1GB`.
  static std::optional<std::int64_t> size_of(std::string_view text) {
    std::int64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || number < 0 || number > 1'000'000) return std::nullopt;
    const std::string_view unit(read.ptr, static_cast<std::size_t>(text.data() + text.size() - read.ptr));
    if (unit == "MB" || unit == "МБ") return number << 20;
    if (unit == "GB" || unit == "ГБ") return number << 30;
    return std::nullopt;
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

  void read_api(const Node::Entry& entry) {
    const Node& node = entry.value;
    if (!node.is_map()) {
      report(DiagnosticId::ConfigBadValue, node.span, {"api", "{token: \"${API_TOKEN}\"}"});
      return;
    }
    ApiConfig api;
    for (const Node::Entry& field : node.entries) {
      if (!known(field.key, kApiKeys, "`api`")) continue;
      if (field.key.scalar == "token") {
        ApiToken token;
        token.name = "api";
        if (read_api_token(field.value, token)) api.tokens.push_back(std::move(token));
      } else if (field.key.scalar == "tokens") {
        if (!field.value.is_map())
          report(DiagnosticId::ConfigBadValue, field.value.span, {"tokens", "{crm: {token: \"${CRM_TOKEN}\", rights: read}}"});
        for (const Node::Entry& one : field.value.entries) read_named_token(one, api);
      } else {
        const std::string text = expand(field.value);
        std::int64_t number = 0;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
        if (read.ec != std::errc() || read.ptr != text.data() + text.size() || number < 1 || number > kMostCalls)
          report(DiagnosticId::ConfigBadValue, field.value.span, {text, "a number from 1 to 100000"});
        else
          api.limit = static_cast<std::uint32_t>(number);
      }
    }
    if (api.tokens.empty() && !lenient_ && !loaded_.diagnostics.has_errors())
      report(DiagnosticId::ConfigMissing, entry.key.span, {"token"});
    for (std::size_t i = 0; i < api.tokens.size(); ++i)
      for (std::size_t k = 0; k < i; ++k)
        if (api.tokens[i].token == api.tokens[k].token && !api.tokens[i].token.empty() && !lenient_)
          report(DiagnosticId::ConfigBadValue, entry.key.span, {api.tokens[i].name, "a token of its own"});
    if (!config_.http && !loaded_.diagnostics.has_errors()) report(DiagnosticId::ConfigMissing, entry.key.span, {"http"});
    config_.api = std::move(api);
  }

  /// False when it is none, which is said.
  bool read_api_token(const Node& node, ApiToken& token) {
    const std::size_t before = loaded_.diagnostics.errors();
    token.token = read_token(node);
    if (token.token.size() >= ApiConfig::kShortestToken) return true;
    if (lenient_ || loaded_.diagnostics.errors() > before) return false;
    // What it is must not be shown.
    report(DiagnosticId::ConfigBadValue, node.span, {"token", "16 characters or more, such as `openssl rand -hex 16` gives"});
    return false;
  }

  void read_named_token(const Node::Entry& entry, ApiConfig& api) {
    ApiToken token;
    token.name = std::string(entry.key.scalar);
    if (!entry.value.is_map()) {
      report(DiagnosticId::ConfigBadValue, entry.value.span, {token.name, "{token: \"${CRM_TOKEN}\", rights: read, bots: [shop]}"});
      return;
    }
    bool good = false, named = false;
    for (const Node::Entry& field : entry.value.entries) {
      if (!known(field.key, kApiTokenKeys, "a token of `api`")) continue;
      if (field.key.scalar == "token") {
        named = true;
        good = read_api_token(field.value, token);
      } else if (field.key.scalar == "rights") {
        const std::string text = expand(field.value);
        token.may_write = text == "write";
        if (text != "write" && text != "read") report(DiagnosticId::ConfigBadValue, field.value.span, {text, "`read` or `write`"});
      } else {
        std::vector<const Node*> names;
        if (field.value.is_scalar()) names.push_back(&field.value);
        for (const Node& one : field.value.items) names.push_back(&one);
        for (const Node* one : names) {
          const std::string bot = expand(*one);
          if (std::none_of(config_.bots.begin(), config_.bots.end(), [&](const BotConfig& known) { return known.name == bot; }) &&
              !loaded_.diagnostics.has_errors())
            report(DiagnosticId::ConfigBadValue, one->span, {bot, "a bot of this configuration"});
          token.bots.push_back(bot);
        }
        if (names.empty()) report(DiagnosticId::ConfigBadValue, field.value.span, {"bots", "[shop]"});
      }
    }
    if (!named) report(DiagnosticId::ConfigMissing, entry.key.span, {"token"});
    if (good) api.tokens.push_back(std::move(token));
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
    bool known_path = true;
    if (!entry.value.is_map()) {
      report(DiagnosticId::ConfigMissing, entry.key.span, {"scenario"});
      return;
    }
    for (const Node::Entry& field : entry.value.entries) {
      const std::string name(field.key.scalar);
      if (!known(field.key, bot_keys_, "a bot")) continue;
      if (name == "scenario") {
        const std::size_t unset = forgiven_.size();
        const std::string path = expand(field.value);
        known_path = !lenient_ || forgiven_.size() == unset;
        if (!path.empty() && known_path) bot.scenario = (folder_ / path).lexically_normal().string();
      } else if (name == "roles") {
        read_roles(field.value, bot);
      } else if (name == "crm") {
        bot.crm = read_crm_of(field.value);
      } else {
        bot.transports.push_back(read_transport(field));
      }
    }
    if (bot.scenario.empty() && known_path) report(DiagnosticId::ConfigMissing, entry.key.span, {"scenario"});
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
        if (key == "proxy") {
          const SectionReader reader = section_reader();
          transport.options[key] = read_proxy(entry.value, reader);
          continue;
        }
        std::string value = contains(kSecretKeys, key) ? read_token(entry.value) : expand(entry.value);
        while (key == "api" && value.ends_with('/')) value.pop_back();
        if (const auto pace = kPaceKeys.find(key); pace != kPaceKeys.end() && !is_pace(value, pace->second))
          report(DiagnosticId::ConfigBadValue, entry.value.span,
                 {value, "a whole number from " + std::to_string(pace->second) + " to " + std::to_string(kMostPace)});
        transport.options[key] = std::move(value);
      }
    }
    if (transport.options["token"].empty() && !loaded_.diagnostics.has_errors())
      report(DiagnosticId::ConfigMissing, field.key.span, {"token"});
    return transport;
  }

  static bool is_pace(std::string_view text, int least) {
    int number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    return read.ec == std::errc() && read.ptr == text.data() + text.size() && number >= least && number <= kMostPace;
  }

  std::string read_token(const Node& node) {
    std::string token = expand(node);
    if (token.starts_with("file:")) {
      const fs::path path = folder_ / token.substr(5);
      std::error_code unknown;
      std::ifstream file(path);
      if (!file || fs::is_directory(path, unknown)) {  // reading a folder throws
        forgiven_.push_back(node.span);
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
  bool lenient_;
  bool place_only_;
  bool programs_;
  std::vector<SourceSpan> forgiven_;
  std::vector<std::string> bot_keys_;
  Config config_;
  std::optional<SourceSpan> reload_role_;
  const Node::Entry* api_ = nullptr;  // read when the bots are known
};

}  // namespace

namespace {

LoadedConfig load(const std::string& path, const KnownTransports& transports, Wanted wanted) {
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
  Reader reader(loaded, path, transports, wanted);
  reader.read(document.root);
  if (wanted != Wanted::Check) return loaded;
  const std::vector<Diagnostic> all = std::exchange(loaded.diagnostics, Diagnostics()).sorted();
  for (const Diagnostic& one : all)
    if (!reader.is_forgiven(one)) loaded.diagnostics.report(one.id, one.span, {}) = one;
  return loaded;
}

}  // namespace

bool ApiToken::may_see(std::string_view bot) const {
  return bots.empty() || std::find(bots.begin(), bots.end(), bot) != bots.end();
}

LoadedConfig load_config(const std::string& path, const KnownTransports& transports) {
  return load(path, transports, Wanted::All);
}
LoadedConfig load_to_check(const std::string& path, const KnownTransports& transports) {
  return load(path, transports, Wanted::Check);
}
LoadedConfig load_place(const std::string& path) { return load(path, {}, Wanted::Place); }
LoadedConfig load_programs(const std::string& path) { return load(path, {}, Wanted::Programs); }

}  // namespace sufler
