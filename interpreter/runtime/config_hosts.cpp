#include "interpreter/runtime/config_hosts.h"

#include <algorithm>
#include <filesystem>

#include "interpreter/core/http/order.h"
#include "interpreter/core/text.h"
#include "interpreter/runtime/config_proxy.h"
#include "interpreter/runtime/log.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExample = "[api.example.com, {host: crm.example.com, headers: {Authorization: \"Bearer ${CRM_TOKEN}\"}}]";
constexpr const char* kPlaces = "api.example.com, or api.example.com:8443, without https:// and without a path";
const std::vector<std::string> kKeys = {"host", "private", "headers", "query", "user", "password", "proxy", "ca"};

class HostsReader {
 public:
  explicit HostsReader(const SectionReader& reader) : reader_(reader) {}

  std::vector<HostConfig> read(const Node& node) {
    if (!node.is_list()) {
      bad(node.span, node.is_scalar() ? std::string(node.scalar) : "allow_hosts", kExample);
      return {};
    }
    for (const Node& item : node.items) {
      HostConfig host;
      const std::size_t before = reader_.diagnostics.errors();
      SourceSpan place = item.span;
      if (item.is_map()) {
        read_fields(item, host, place);
      } else {
        read_place(item, host);
      }
      if (reader_.diagnostics.errors() > before || host.place.host.empty()) continue;
      host.in_private = host.in_private || is_named_address(host.place.host);
      const bool twice = std::any_of(hosts_.begin(), hosts_.end(), [&](const HostConfig& one) { return one.place == host.place; });
      if (twice) {
        reader_.diagnostics.report(DiagnosticId::RepeatedKey, place, {shown(host.place)});
        continue;
      }
      hosts_.push_back(std::move(host));
    }
    return std::move(hosts_);
  }

 private:
  void bad(SourceSpan span, std::string what, std::string expected) {
    reader_.diagnostics.report(DiagnosticId::ConfigBadValue, span, {std::move(what), std::move(expected)});
  }

  void read_place(const Node& node, HostConfig& host) {
    const std::string text = reader_.expand(node);
    if (text.empty() && !reader_.needs_keys) return;  // of a variable that is not set here
    auto place = parse_allowed_place(text);
    if (place) {
      host.place = std::move(*place);
    } else if (place.error() == UrlProblem::NumericHost) {
      bad(node.span, text, "an address in full: 127.0.0.1");
    } else if (const std::size_t at = text.rfind('@'); at != text.npos) {
      hide_secret(text.substr(0, at));
      bad(node.span, "…" + text.substr(at), std::string(kPlaces) + "; the login goes into `user` and `password`");
    } else {
      bad(node.span, text, kPlaces);
    }
  }

  void read_fields(const Node& node, HostConfig& host, SourceSpan& place) {
    bool named = false;
    for (const Node::Entry& field : node.entries) {
      if (!reader_.known(field.key, kKeys, "a host of `allow_hosts`")) continue;
      const std::string_view key = field.key.scalar;
      if (key == "host") {
        named = true;
        place = field.value.span;
        read_place(field.value, host);
      } else if (key == "private") {
        const std::string word = reader_.expand(field.value);
        if (word == "true" || word == "false") {
          host.in_private = word == "true";
        } else {
          bad(field.value.span, word, "true, false");
        }
      } else if (key == "headers") {
        read_pairs(field.value, "headers", host.headers, true);
      } else if (key == "query") {
        read_pairs(field.value, "query", host.query, false);
      } else if (key == "user") {
        host.user = reader_.expand(field.value);
        if (host.user.find(':') != host.user.npos) bad(field.value.span, host.user, "a name without `:`");
      } else if (key == "password") {
        host.password = reader_.secret(field.value);
      } else if (key == "proxy") {
        host.proxy = read_proxy(field.value, reader_);
      } else {
        const std::string text = reader_.expand(field.value);
        host.ca_file = (fs::path(reader_.folder) / text).lexically_normal().string();
        std::error_code unknown;
        if (!fs::is_regular_file(host.ca_file, unknown)) bad(field.value.span, text, "a file that can be read");
      }
    }
    if (!named) reader_.diagnostics.report(DiagnosticId::ConfigMissing, node.span, {"host"});
    if (!host.user.empty() && host.password.empty() && reader_.needs_keys) reader_.diagnostics.report(DiagnosticId::ConfigMissing, node.span, {"password"});
    if (host.user.empty() && !host.password.empty() && reader_.needs_keys) reader_.diagnostics.report(DiagnosticId::ConfigMissing, node.span, {"user"});
  }

  void read_pairs(const Node& node, const std::string& what, std::vector<std::pair<std::string, std::string>>& out, bool headers) {
    if (!node.is_map()) return bad(node.span, what, headers ? "{Authorization: \"Bearer ${API_TOKEN}\"}" : "{apikey: \"${API_KEY}\"}");
    for (const Node::Entry& entry : node.entries) {
      const std::string name(entry.key.scalar);
      if (headers && (!is_header_name(name) || is_own_header(name))) {
        bad(entry.key.span, name, "a header such as Authorization or X-Api-Key");
        continue;
      }
      std::string value = reader_.secret(entry.value);
      // What is worth hiding of `Bearer xyz` is the token alone.
      if (const std::size_t space = value.rfind(' '); space != value.npos) hide_secret(std::string_view(value).substr(space + 1));
      if (value.empty() && !reader_.needs_keys) continue;
      if (value.empty() || !is_header_value(value)) {
        bad(entry.value.span, name, "a value of one line");
        continue;
      }
      if (!headers) hide_secret(percent_encode(value));
      out.emplace_back(name, std::move(value));
    }
  }

  const SectionReader& reader_;
  std::vector<HostConfig> hosts_;
};

}  // namespace

std::vector<HostConfig> read_hosts(const Node& node, const SectionReader& reader) { return HostsReader(reader).read(node); }

}  // namespace sufler
