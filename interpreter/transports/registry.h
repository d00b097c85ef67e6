#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/result.h"
#include "interpreter/network/http_client.h"
#include "interpreter/transports/files.h"
#include "interpreter/transports/transport.h"

namespace sufler {

/// What any transport of a bot is made from.
struct TransportSettings {
  std::string bot_name;
  /// The keys under the transport in `sufler.yaml`: `token`, `api`, `mode`, …
  std::map<std::string, std::string, std::less<>> options;
  /// Where the platform reaches this bot from outside, `https://bot.example.com/telegram/shop`; empty when the
  /// configuration has no `http: public_url`.
  std::string webhook_url;
  /// Chats of this platform: groups that desks use, a topic for each client. All that is written in their topics is
  /// of interest.
  std::vector<std::string> topic_groups = {};
  std::function<std::string()> scenario_folder;  ///< for files of the origin `scenario`
  FindFile find_file;                            ///< for those of the origin `stored`
  std::function<void(const Attachment& file, std::size_t limit,
                     std::function<void(std::string bytes, std::string reason)> done)>
      fetch_elsewhere;

  /// The value under a key; `otherwise` when it is absent or empty.
  std::string option(std::string_view key, std::string_view otherwise = {}) const;
};

/// A transport, or one line that says what to mend in the configuration; it holds no secret.
using MadeTransport = Result<std::unique_ptr<Transport>, std::string>;

/// A platform that the program knows.
struct TransportKind {
  std::string_view name;
  std::string_view title;  ///< as people know it
  Capabilities capabilities;
  std::vector<std::string_view> options;  ///< the keys it understands
  /// `client` must outlive the transport.
  std::function<MadeTransport(HttpClient& client, TransportSettings)> make;
};

/// Every transport, one entry each in registry.cpp.
const std::vector<TransportKind>& transport_kinds();
const TransportKind* find_transport(std::string_view name);
/// What `check` is told of them.
std::vector<Platform> known_platforms();

}  // namespace sufler
