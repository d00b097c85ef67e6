#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "interpreter/network/http_client.h"
#include "interpreter/transports/files.h"
#include "interpreter/transports/transport.h"

namespace sufler {

struct VkSettings {
  enum class Mode : std::uint8_t { LongPoll, Callback };

  std::string token;  ///< of the community; goes in a header, never in an address or a body
  std::int64_t group = 0;
  std::string api = "https://api.vk.ru";
  Mode mode = Mode::LongPoll;
  std::string bot_name;  ///< as `sufler.yaml` calls it, for reasons
  std::string proxy;     ///< empty: the client's

  // Of Callback.
  std::string secret;
  /// What VK wants to hear at our address; empty: the server is set up by the API at the start.
  std::string confirmation;
  std::string webhook_url;      ///< our address, for that
  bool remove_webhook = false;  ///< takes the server away when receiving stops

  /// The scenario's folder on disk, for files of the origin `scenario`. Asked at every upload, since a reload may move it.
  std::function<std::string()> scenario_folder;
  FindFile find_file;  ///< for files of the origin `stored`
  /// Bytes of a file that another transport holds; an empty reason means success.
  std::function<void(const Attachment& file, std::size_t limit,
                     std::function<void(std::string bytes, std::string reason)> done)>
      fetch_elsewhere;

  /// How long the server may hold a poll; 25 s because proxies cut at 30.
  std::chrono::seconds poll_time{25};
  /// After `poll_time`, how long the client still waits for the answer.
  std::chrono::milliseconds poll_margin{10'000};
  std::chrono::milliseconds call_timeout{30'000};
  std::chrono::milliseconds upload_timeout{600'000};
  std::chrono::milliseconds backoff_first{500};
  std::chrono::milliseconds backoff_most{30'000};
  /// How long events wait for the names of their people.
  std::chrono::milliseconds names_wait{3'000};

  /// VK allows 20 requests a second to a community's token. The window is a little longer than that second,
  /// since requests do not arrive as evenly as they leave.
  std::size_t requests_a_window = 20;
  std::chrono::milliseconds window{1'050};

  /// What the platform takes as an upload; a larger photo goes as a document.
  std::int64_t photo_bytes = std::int64_t{50} << 20;
  std::int64_t upload_bytes = std::int64_t{200} << 20;

  /// A poll waits while more than `poll_below` calls of this bot are under way, at most `poll_wait`:
  /// TelegramSettings says why.
  std::size_t poll_below = 8;
  std::chrono::milliseconds poll_wait{8};

  /// Seams for tests: unix time in ms, and a number in [0, 1).
  std::function<std::int64_t()> now;
  std::function<double()> random;
};

/// What the platform can do, known without a bot.
Capabilities vk_capabilities();

/// `client` must outlive the transport.
std::unique_ptr<Transport> make_vk_transport(HttpClient& client, VkSettings settings);

}  // namespace sufler
