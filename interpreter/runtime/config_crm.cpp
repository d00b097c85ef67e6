#include "interpreter/runtime/config_crm.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "interpreter/runtime/config_proxy.h"
#include "interpreter/runtime/log.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExample = "{amocrm: {url: \"https://example.amocrm.ru\", token: \"${AMO_TOKEN}\"}}, or off";
const std::vector<std::string> kSystems = {"amocrm"};
const std::vector<std::string> kKeys = {"url",  "token", "client_id", "client_secret", "redirect_uri", "code", "refresh_token",
                                        "proxy", "ca",   "timeout",   "requests_per_second", "hooks", "chats"};
const std::vector<std::string> kChatsKeys = {"url", "channel", "secret", "title", "bot_id", "bot_name", "status"};
/// Of what an address is made of, and long enough not to be guessed.
constexpr std::size_t kShortestHooks = 16;
constexpr Duration kShortest{1'000}, kLongest{5 * 60'000};
/// Of the documentation. A little less than that fits into each second, whatever the network does to the pauses.
constexpr int kMostRequests = 1000;  ///< amoCRM takes 7; a test server takes more
constexpr std::int64_t kSpare = 1050;

class CrmReader {
 public:
  explicit CrmReader(const SectionReader& reader) : reader_(reader) {}

  std::optional<CrmAccount> read(const Node& node) {
    if (node.is_scalar() && node.scalar == "off") {
      account_.off = true;
      return std::move(account_);
    }
    if (!node.is_map() || node.entries.empty()) {
      bad(node.span, "crm", kExample);
      return std::nullopt;
    }
    const std::size_t before = reader_.diagnostics.errors();
    const Node* amocrm = nullptr;
    for (const Node::Entry& entry : node.entries)
      if (reader_.known(entry.key, kSystems, "`crm`")) amocrm = &entry.value;
    if (amocrm && !amocrm->is_map()) bad(amocrm->span, "amocrm", kExample);
    if (reader_.diagnostics.errors() > before || !amocrm) return std::nullopt;
    for (const Node::Entry& field : amocrm->entries)
      if (reader_.known(field.key, kKeys, "`amocrm`")) read_field(field.key.scalar, field.value);
    if (reader_.diagnostics.errors() > before) return std::nullopt;
    check(*amocrm);
    if (reader_.diagnostics.errors() > before) return std::nullopt;
    return std::move(account_);
  }

 private:
  static bool has(const Node& node, std::string_view key) {
    return std::any_of(node.entries.begin(), node.entries.end(), [&](const Node::Entry& one) { return one.key.scalar == key; });
  }
  void bad(SourceSpan span, std::string what, std::string expected) {
    reader_.diagnostics.report(DiagnosticId::ConfigBadValue, span, {std::move(what), std::move(expected)});
  }
  void missing(const Node& node, std::string key) { reader_.diagnostics.report(DiagnosticId::ConfigMissing, node.span, {std::move(key)}); }

  /// One way to log in, and all of it.
  void check(const Node& node) {
    if (!has(node, "url")) missing(node, "url");
    const bool oauth = has(node, "client_id") || has(node, "client_secret") || has(node, "redirect_uri") || has(node, "code") || has(node, "refresh_token");
    if (has(node, "token") && oauth) {
      for (const Node::Entry& field : node.entries)
        if (field.key.scalar == "token") bad(field.key.span, "token", "either `token`, or `client_id`, `client_secret` and `redirect_uri`, not both");
    } else if (oauth) {
      for (const char* key : {"client_id", "client_secret", "redirect_uri"})
        if (!has(node, key)) missing(node, key);
    } else if (!has(node, "token")) {
      missing(node, "token");
    }
    if (!reader_.needs_keys) return;
    if (has(node, "token") && !oauth && account_.token.empty()) missing(node, "token");
  }

  /// The channel that amoCRM's support registered.
  void read_chats(const Node& node) {
    constexpr const char* kChatsExample = "{channel: \"344a5002-…\", secret: \"${AMO_CHATS_SECRET}\", bot_id: \"f1910c7f-…\"}";
    if (!node.is_map()) return bad(node.span, "chats", kChatsExample);
    const std::size_t before = reader_.diagnostics.errors();
    CrmChats chats;
    for (const Node::Entry& field : node.entries) {
      if (!reader_.known(field.key, kChatsKeys, "`chats`")) continue;
      const std::string_view key = field.key.scalar;
      if (key == "secret") {
        chats.secret = reader_.secret(field.value);
        continue;
      }
      const std::string text = reader_.expand(field.value);
      if (text.empty() && !reader_.needs_keys) continue;
      if (key == "url") {
        if (const auto url = address(field.value, text, "https://amojo.amocrm.ru")) chats.url = *url;
      } else if (key == "channel") {
        const bool good = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        });
        if (!good) bad(field.value.span, text, "the channel's id, as amoCRM's support gave it");
        chats.channel = text;
      } else if (key == "title") {
        chats.title = text;
      } else if (key == "bot_id") {
        chats.bot_id = text;
      } else if (key == "bot_name") {
        chats.bot_name = text;
      } else if (text == "delivery_status" || text == "status_code") {
        chats.by_status_code = text == "status_code";
      } else {
        bad(field.value.span, text, "`delivery_status` or `status_code`");
      }
    }
    if (!has(node, "channel")) missing(node, "channel");
    if (!has(node, "secret") || (reader_.needs_keys && chats.secret.empty())) missing(node, "secret");
    if (reader_.diagnostics.errors() == before) account_.chats = std::move(chats);
  }

  void read_field(std::string_view key, const Node& value) {
    if (key == "chats") return read_chats(value);
    if (key == "hooks") {
      account_.hooks = reader_.secret(value);
      const bool clean = std::all_of(account_.hooks.begin(), account_.hooks.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      });
      if (reader_.needs_keys && (!clean || account_.hooks.size() < kShortestHooks))
        bad(value.span, std::string(key), "16 or more latin letters and digits that nobody can guess: `openssl rand -hex 16` gives them");
      return;
    }
    if (key == "token" || key == "client_secret" || key == "code" || key == "refresh_token") {
      std::string secret = reader_.secret(value);
      const bool clean = std::all_of(secret.begin(), secret.end(), [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; });
      if (!clean) return bad(value.span, std::string(key), "one word, as amoCRM shows it");
      (key == "token" ? account_.token : key == "client_secret" ? account_.client_secret : key == "code" ? account_.code : account_.refresh_token) =
          std::move(secret);
      return;
    }
    const std::string text = reader_.expand(value);
    if (text.empty() && !reader_.needs_keys) return;
    if (key == "url") return read_url(value, text);
    if (key == "client_id") {
      if (text.empty() || text.find_first_of(" \n\t") != std::string::npos) return bad(value.span, text, "the integration's id");
      account_.client_id = text;
    } else if (key == "redirect_uri") {
      if (!text.starts_with("https://") && !text.starts_with("http://")) return bad(value.span, text, "https://bot.example.com, as the integration has it");
      account_.redirect_uri = text;
    } else if (key == "proxy") {
      account_.proxy = read_proxy(value, reader_);
    } else if (key == "ca") {
      account_.ca_file = (fs::path(reader_.folder) / text).lexically_normal().string();
      std::error_code unknown;
      if (reader_.needs_keys && !fs::is_regular_file(account_.ca_file, unknown)) bad(value.span, text, "a file that can be read");
    } else if (key == "timeout") {
      const std::optional<Duration> timeout = Duration::parse(text);
      if (!timeout || *timeout < kShortest || *timeout > kLongest) return bad(value.span, text, "20s; from 1s to 5m");
      account_.timeout = *timeout;
    } else {
      int number = 0;
      const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
      if (read.ec != std::errc() || read.ptr != text.data() + text.size() || number < 1 || number > kMostRequests)
        return bad(value.span, text, "a whole number from 1 to 7 (to 1000 for a test server of your own)");
      // A test server that bears the most bears any number.
      account_.between = Duration{number == kMostRequests ? 0 : (kSpare + number - 1) / number};
    }
  }

  void read_url(const Node& node, std::string url) {
    if (auto read = address(node, std::move(url), "https://example.amocrm.ru")) account_.url = std::move(*read);
  }

  /// Of a server, without a slash at the end.
  std::optional<std::string> address(const Node& node, std::string url, const char* expected) {
    while (url.ends_with('/')) url.pop_back();
    const std::size_t slashes = url.find("//");
    const std::string place = slashes == std::string::npos ? std::string() : url.substr(slashes + 2);
    if (const std::size_t at = place.rfind('@'); at != std::string::npos) {
      hide_secret(std::string_view(place).substr(0, at));
      bad(node.span, "…" + place.substr(at), expected);
      return std::nullopt;
    }
    const std::string host = place.substr(0, place.find(':'));
    const bool here = host == "localhost" || host.starts_with("127.") || place.starts_with("[::1]");
    const bool good = !place.empty() && std::all_of(place.begin(), place.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
    });
    // The token goes with each request: openly it goes nowhere but to this machine.
    if (!good || !(url.starts_with("https://") || (here && url.starts_with("http://")))) {
      bad(node.span, url, expected);
      return std::nullopt;
    }
    return url;
  }

  const SectionReader& reader_;
  CrmAccount account_;
};

}  // namespace

std::optional<CrmAccount> read_crm(const Node& node, const SectionReader& reader) { return CrmReader(reader).read(node); }

}  // namespace sufler
