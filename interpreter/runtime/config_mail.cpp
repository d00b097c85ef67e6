#include "interpreter/runtime/config_mail.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>
#include <vector>

#include "interpreter/core/text.h"
#include "interpreter/runtime/config_proxy.h"
#include "interpreter/runtime/log.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExample =
    "{server: \"smtps://smtp.example.com:465\", user: bot@example.com, password: \"${MAIL_PASSWORD}\", from: \"Bot <bot@example.com>\"}";
constexpr const char* kServers = "smtps://smtp.example.com:465, or smtp://smtp.example.com:587 (TLS is asked for there, too)";
const std::vector<std::string> kKeys = {"server", "user", "password", "from", "reply_to", "proxy", "ca", "hello", "timeout", "tls"};
constexpr Duration kShortest{1'000}, kLongest{10 * 60'000};

bool is_loopback(std::string_view host) {
  const bool numbers = std::all_of(host.begin(), host.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
  return host == "localhost" || host == "::1" || (numbers && host.starts_with("127."));
}

bool is_host_name(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':';
  });
}

class MailReader {
 public:
  explicit MailReader(const SectionReader& reader) : reader_(reader) {}

  std::optional<MailConfig> read(const Node& node) {
    if (!node.is_map()) {
      bad(node.span, "mail", kExample);
      return std::nullopt;
    }
    const std::size_t before = reader_.diagnostics.errors();
    for (const Node::Entry& field : node.entries)
      if (reader_.known(field.key, kKeys, "`mail`")) read_field(field.key.scalar, field.value);
    if (reader_.diagnostics.errors() > before) return std::nullopt;
    if (mail_.host.empty()) missing(node, "server");
    if (mail_.from.address.empty()) {
      // Most servers take only letters of whoever logged in.
      if (auto own = parse_mailbox(mail_.user)) mail_.from = *own;
      else if (reader_.needs_keys || !has(node, "user")) missing(node, "from");
    }
    if (!mail_.user.empty() && mail_.password.empty() && reader_.needs_keys) missing(node, "password");
    if (mail_.user.empty() && has(node, "password") && reader_.needs_keys) missing(node, "user");
    if (off_ && !is_loopback(mail_.host)) {
      Diagnostic& problem = reader_.diagnostics.report(DiagnosticId::PlainMail, *off_, {mail_.host});
      problem.hint_en = "leave `tls: off` out; it is for a mail server of this machine alone (localhost)";
      problem.hint_ru = "уберите `tls: off`: так можно только с почтовым сервером на этой же машине (localhost)";
    } else if (off_ && mail_.tls == MailConfig::Tls::Implicit) {
      bad(*off_, "off", "`smtp://` beside `tls: off`");
    } else if (off_) {
      mail_.tls = MailConfig::Tls::Off;
    }
    if (mail_.hello.empty() && !mail_.from.address.empty())
      mail_.hello = mail_.from.address.substr(mail_.from.address.rfind('@') + 1);
    if (reader_.diagnostics.errors() > before) return std::nullopt;
    return std::move(mail_);
  }

 private:
  static bool has(const Node& node, std::string_view key) {
    return std::any_of(node.entries.begin(), node.entries.end(), [&](const Node::Entry& one) { return one.key.scalar == key; });
  }

  void bad(SourceSpan span, std::string what, std::string expected) {
    reader_.diagnostics.report(DiagnosticId::ConfigBadValue, span, {std::move(what), std::move(expected)});
  }
  void missing(const Node& node, std::string key) {
    reader_.diagnostics.report(DiagnosticId::ConfigMissing, node.span, {std::move(key)});
  }

  void read_field(std::string_view key, const Node& value) {
    if (key == "password") {
      mail_.password = reader_.secret(value);
      return;
    }
    const std::string text = reader_.expand(value);
    if (text.empty() && !reader_.needs_keys) return;
    if (key == "server") {
      read_server(value, text);
    } else if (key == "user") {
      mail_.user = text;
    } else if (key == "from" || key == "reply_to") {
      const auto mailbox = parse_mailbox(text);
      if (!mailbox) return bad(value.span, text, "bot@example.com, or Bot <bot@example.com>");
      key == "from" ? void(mail_.from = *mailbox) : void(mail_.reply_to = *mailbox);
    } else if (key == "proxy") {
      mail_.proxy = read_proxy(value, reader_);
    } else if (key == "ca") {
      mail_.ca_file = (fs::path(reader_.folder) / text).lexically_normal().string();
      std::error_code unknown;
      if (!fs::is_regular_file(mail_.ca_file, unknown)) bad(value.span, text, "a file that can be read");
    } else if (key == "hello") {
      if (!is_host_name(text)) return bad(value.span, text, "bot.example.com");
      mail_.hello = text;
    } else if (key == "timeout") {
      const std::optional<Duration> timeout = Duration::parse(text);
      if (!timeout || *timeout < kShortest || *timeout > kLongest) return bad(value.span, text, "30s; 10m at most");
      mail_.timeout = *timeout;
    } else if (to_lower(text) == "off") {
      off_ = value.span;
    } else {
      bad(value.span, text, "off, for a mail server of this machine");
    }
  }

  void read_server(const Node& node, std::string_view text) {
    const std::string whole(text);
    const bool implicit = text.starts_with("smtps://");
    if (!implicit && !text.starts_with("smtp://")) return bad(node.span, whole, kServers);
    mail_.tls = implicit ? MailConfig::Tls::Implicit : MailConfig::Tls::StartTls;
    mail_.port = implicit ? 465 : 587;
    text.remove_prefix(implicit ? 8 : 7);
    while (text.ends_with('/')) text.remove_suffix(1);
    if (const std::size_t at = text.rfind('@'); at != text.npos) {
      // A password may stand there: it is not shown.
      hide_secret(text.substr(0, at));
      if (const std::size_t colon = text.substr(0, at).find(':'); colon != text.npos) hide_secret(text.substr(colon + 1, at - colon - 1));
      return bad(node.span, "…" + std::string(text.substr(at)), std::string(kServers) + "; the login goes into `user` and `password`");
    }
    std::string_view port;
    if (text.starts_with('[')) {  // [::1]:465
      const std::size_t end = text.find(']');
      if (end == text.npos) return bad(node.span, whole, kServers);
      if (end + 1 < text.size() && text[end + 1] == ':') port = text.substr(end + 2);
      text = text.substr(1, end - 1);
    } else if (const std::size_t colon = text.rfind(':'); colon != text.npos) {
      port = text.substr(colon + 1);
      text = text.substr(0, colon);
      if (port.empty()) return bad(node.span, whole, kServers);
    }
    if (!port.empty()) {
      const auto read = std::from_chars(port.data(), port.data() + port.size(), mail_.port);
      if (read.ec != std::errc() || read.ptr != port.data() + port.size() || mail_.port < 1 || mail_.port > 65'535)
        return bad(node.span, whole, kServers);
    }
    if (!is_host_name(text)) return bad(node.span, whole, kServers);
    mail_.host = std::string(text);
  }

  const SectionReader& reader_;
  MailConfig mail_;
  std::optional<SourceSpan> off_;
};

}  // namespace

std::optional<MailConfig> read_mail_server(const Node& node, const SectionReader& reader) { return MailReader(reader).read(node); }

}  // namespace sufler
