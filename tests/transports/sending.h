#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "interpreter/network/http_client.h"
#include "interpreter/transports/files.h"
#include "interpreter/transports/transport.h"
#include "transports/receiving.h"

namespace sufler {

/// A transport with a folder of files to send, as the runtime would use it; what it tells goes to Receiving. Whoever
/// derives makes the transport, and calls `end` while the fake platform still stands.
class SendingTest : public testing::Test, protected Receiving {
 protected:
  static constexpr std::int64_t kAnna = 5;

  explicit SendingTest(std::string platform) : platform(std::move(platform)) {
    folder = std::filesystem::temp_directory_path() /
             ("sufler_" + this->platform + "_" + std::to_string(::getpid()) + "_" +
              testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder / "scenario");
  }
  ~SendingTest() override { std::filesystem::remove_all(folder); }

  virtual void make() = 0;
  void end() {
    transport.reset();
    client.stop(std::chrono::milliseconds(0));
  }
  /// What both platforms' settings have.
  template <class Settings, class Fake>
  void use(Settings& settings, const Fake& fake) {
    settings.token = fake.token();
    settings.api = fake.url();
    settings.backoff_first = std::chrono::milliseconds(2);
    settings.backoff_most = std::chrono::milliseconds(20);
    settings.scenario_folder = [this] { return (folder / "scenario").string(); };
    settings.find_file = [this](const Attachment& file, const std::function<void(FoundFile)>& done) {
      FoundFile found;
      const auto known = stored.find(file.reference);
      if (known == stored.end()) {
        found.reason = "this file is not stored any more";
      } else {
        found.bytes = known->second;
      }
      client.post([found, done] { done(found); });
    };
  }

  std::future<Outcome> deliver_later(const ApiCall& call, std::int64_t chat = kAnna) {
    make();
    auto promise = std::make_shared<std::promise<Outcome>>();
    transport->deliver({platform, std::to_string(chat)}, call,
                       [promise](Outcome outcome) { promise->set_value(std::move(outcome)); });
    return promise->get_future();
  }
  Outcome deliver(const ApiCall& call, std::int64_t chat = kAnna) { return deliver_later(call, chat).get(); }
  /// As the runtime stores it: with a key of its own.
  ApiCall keyed(ApiCall call) {
    call.repeat_key = ++last_key;
    return call;
  }
  std::vector<ApiCall> calls_of(const Message& message, std::int64_t chat = kAnna) {
    make();
    std::vector<ApiCall> calls;
    for (ApiCall& call : transport->render({platform, std::to_string(chat)}, message)) {
      calls.push_back(keyed(std::move(call)));
    }
    return calls;
  }
  /// Sends all calls of a message, in order; the last outcome.
  Outcome send(const Message& message, std::int64_t chat = kAnna) {
    Outcome last;
    for (const ApiCall& call : calls_of(message, chat)) {
      last = deliver(call, chat);
      if (last.kind != Outcome::Kind::Sent) break;
    }
    return last;
  }
  Outcome send(const std::string& words, std::int64_t chat = kAnna) { return send(text(words), chat); }
  static Message text(const std::string& words) {
    Message message;
    message.text.text = words;
    return message;
  }

  /// A file of the scenario's folder.
  Attachment file(const std::string& name, const std::string& bytes, AttachmentKind kind = AttachmentKind::Photo) {
    std::ofstream(folder / "scenario" / name, std::ios::binary) << bytes;
    Attachment attachment;
    attachment.kind = kind;
    attachment.origin = "scenario";
    attachment.reference = name;
    return attachment;
  }

  /// A file of a stored version.
  Attachment stored_file(const std::string& hash, const std::string& name) {
    Attachment attachment;
    attachment.kind = AttachmentKind::Photo;
    attachment.origin = "stored";
    attachment.reference = hash;
    attachment.name = name;
    attachment.size = static_cast<std::int64_t>(stored[hash].size());
    return attachment;
  }

  std::map<std::string, std::string> stored;  ///< contents of such files, by hash
  const std::string platform;
  HttpClient client;
  std::unique_ptr<Transport> transport;
  std::filesystem::path folder;
  std::int32_t last_key = 1000;
};

}  // namespace sufler
