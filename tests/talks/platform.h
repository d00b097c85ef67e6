#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/event.h"
#include "interpreter/core/message.h"
#include "interpreter/network/http_client.h"
#include "interpreter/transports/transport.h"
#include "tools/audience.h"

namespace sufler {

/// A file on its way from a person.
struct FileToSend {
  Attachment file;
  std::string bytes;
};

struct ShownFile {
  AttachmentKind kind = AttachmentKind::Document;
  std::string name;  ///< empty where the platform shows none
  std::string sha256;
};

/// A message of the bot as a person sees it.
struct Shown {
  std::int64_t id = 0;  ///< what a reply names
  RichText text;
  Keyboard keyboard;
  std::vector<ShownFile> files;
};

/// What a transport is made with.
struct Wiring {
  std::function<std::int64_t()> now;
  std::function<std::string()> scenario_folder;
  std::function<void(const Attachment& file, std::size_t limit,
                     std::function<void(std::string bytes, std::string reason)> done)>
      fetch_elsewhere;
};

/// A platform's fake with its people, and the real transport to it. People are known by the platform's ids.
/// What is asked wrongly throws std::runtime_error.
class FakePlatform {
 public:
  virtual ~FakePlatform() = default;
  virtual std::string_view name() const = 0;  ///< as the transport's
  virtual std::unique_ptr<Transport> make_transport(HttpClient& client, Wiring wiring) = 0;
  /// Whether the bot began to listen.
  virtual bool wait_until_polling() = 0;
  virtual void advance_clock(std::chrono::milliseconds by) = 0;
  virtual void add_person(std::int64_t id, const StagePerson& person) = 0;

  // Each returns the `Incoming::id` of the last update that the bot is told of; empty when it is told of none.
  virtual std::string say(std::int64_t id, const UserMessage& message, const std::vector<FileToSend>& files,
                          std::int64_t reply_to) = 0;
  virtual std::string press(std::int64_t id, const std::string& label, Keyboard::Kind kind) = 0;
  virtual std::string reach(std::int64_t id, bool reachable) = 0;
  /// Nothing where people of the community cannot write in the dialog.
  virtual std::optional<std::string> staff(std::int64_t id, const std::string& text) = 0;

  virtual std::vector<Shown> shown(std::int64_t id) const = 0;
  /// What the newest press of a button inside a message was answered with; nothing while it was not.
  virtual std::optional<std::string> press_answer() const = 0;
};

std::unique_ptr<FakePlatform> make_telegram_platform();
std::unique_ptr<FakePlatform> make_vk_platform();

/// Bytes [0, …) of the first `units` UTF-16 units.
std::size_t bytes_of_units(std::string_view text, int units);

}  // namespace sufler
