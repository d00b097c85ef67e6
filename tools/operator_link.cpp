#include "tools/operator_link.h"

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "interpreter/core/fnv.h"
#include "interpreter/core/moment.h"
#include "interpreter/runtime/control.h"
#include "interpreter/runtime/operations.h"
#include "tools/commands.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

constexpr std::string_view kSqlite = "sqlite:";
constexpr const char* kServiceSocket = "/run/sufler/sufler.sock";
/// Erasing writes the database anew, which takes its time.
constexpr std::chrono::minutes kPatience{10};

std::string sqlite_path(const Config& config) {
  if (!config.database.starts_with(kSqlite)) return {};
  std::string path = config.database.substr(kSqlite.size());
  return path == ":memory:" ? std::string() : path;
}

/// `shop.db` has `shop.sock` beside it.
std::string beside_database(const Config& config) {
  const std::string path = sqlite_path(config);
  return path.empty() ? path : fs::path(path).replace_extension(".sock").string();
}

std::string in_runtime_directory() {
  const char* given = std::getenv("RUNTIME_DIRECTORY");
  if (!given || *given == '\0') return {};
  const std::string folders(given);
  return folders.substr(0, folders.find(':')) + "/sufler.sock";
}

}  // namespace

std::string socket_place(const Config& config) {
  if (!config.socket.empty()) return config.socket;
  std::string place = in_runtime_directory();
  return place.empty() ? beside_database(config) : place;
}

std::string database_kind(const Config& config) {
  return config.database.starts_with(kSqlite) ? "sqlite" : "postgresql";
}

std::string database_mark(const Config& config) {
  std::string name = config.database;
  if (const std::string path = sqlite_path(config); !path.empty()) {
    std::error_code failed;
    const fs::path whole = fs::weakly_canonical(path, failed);
    if (!failed) name = whole.string();
  }
  return std::to_string(Fnv1a().bytes(name).value());
}

std::optional<OperatorLink> OperatorLink::open(const std::string& config) {
  LoadedConfig loaded = load_place(config);
  if (!loaded.config) {
    std::cerr << redact(render_text(loaded.diagnostics.sorted(), loaded.sources, tool_language({})));
    return std::nullopt;
  }
  OperatorLink link(std::move(*loaded.config));
  std::vector<std::string> places = {link.config_.socket};
  if (link.config_.socket.empty()) places = {in_runtime_directory(), beside_database(link.config_), kServiceSocket};
  for (const std::string& place : places) {
    if (place.empty()) continue;
    link.socket_ = place;
    const auto answer = link.ask(R"({"op":"hello"})");
    if (answer) return link;
    // Another installation's process, or nobody: an empty line. Else it is there and cannot be asked.
    if (!answer.error().empty()) {
      complain(answer.error());
      return std::nullopt;
    }
  }
  link.socket_.clear();
  const std::string path = sqlite_path(link.config_);
  std::error_code unknown;
  if (!path.empty() && !fs::exists(path, unknown)) {
    complain("no process serves, and there is no database " + path + " yet");
    return std::nullopt;
  }
  Storage::Options options;
  options.durability = link.config_.durability;
  // Of a database that others share, tables change only when somebody means it.
  options.migrate = !path.empty();
  auto storage = Storage::open(link.config_.database, options);
  if (!storage) {
    complain(storage.error().message);
    return std::nullopt;
  }
  link.storage_.emplace(std::move(*storage));
  return link;
}

Result<std::string, std::string> OperatorLink::ask(std::string request) {
  json whole = json::parse(request, nullptr, false);
  whole["database"] = database_mark(config_);
  request = whole.dump(-1, ' ', false, json::error_handler_t::replace);
  std::string text;
  if (live()) {
    auto answer = ask_control(socket_, request, kPatience);
    if (!answer) {
      if (answer.error().kind == ControlError::Kind::Nobody) return Error{std::string()};
      return Error{answer.error().message};
    }
    text = std::move(*answer);
  } else {
    text = operate(*storage_, request, system_clock().now()).answer;
  }
  const json answer = json::parse(text, nullptr, false);
  if (!answer.is_object()) return Error{std::string("the process gave an answer that cannot be read")};
  if (answer.contains("other_database")) return Error{std::string()};
  if (const auto error = answer.find("error"); error != answer.end() && error->is_string())
    return Error{error->get<std::string>()};
  return text;
}

std::string shown_time(std::int64_t unix_ms) { return Zone().to_local(Moment{unix_ms / 1000 * 1000}).to_iso() + "Z"; }

std::string printable(std::string_view text) {
  std::string out;
  const std::string safe = redact(text);
  for (std::size_t i = 0; i < safe.size(); ++i) {
    const auto c = static_cast<unsigned char>(safe[i]);
    // U+0080..U+009F are control characters of terminals, too.
    const bool high = c == 0xC2 && i + 1 < safe.size() && static_cast<unsigned char>(safe[i + 1]) < 0xA0;
    if (c >= 0x20 && c != 0x7F && !high) {
      out += safe[i];
      continue;
    }
    constexpr const char* kDigits = "0123456789abcdef";
    const unsigned char shown = high ? static_cast<unsigned char>(safe[++i]) : c;
    out.append("\\x").append(1, kDigits[shown >> 4]).append(1, kDigits[shown & 15]);
  }
  return out;
}

int complain(std::string_view line) {
  std::cerr << "sufler: " << printable(line) << "\n";
  return kExitErrors;
}

}  // namespace sufler
