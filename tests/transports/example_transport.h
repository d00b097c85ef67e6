#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "interpreter/transports/http_client.h"
#include "interpreter/transports/transport.h"

/// A platform made up for whoever writes a new transport: copy these two files, and read docs/transports.md.
/// Its whole API, JSON both ways:
///   GET  /updates?after=N  →  {"updates": [{"id": 7, "chat": "12", "name": "Анна", "text": "…"}]}
///   POST /send                {"chat": "12", "text": "…", "buttons": ["Да", "Нет"], "key": 4711}  →  {"message": "31"}
/// A repeated `key` is answered like the first time, and nothing is shown twice. 429 means later.
namespace sufler::example {

struct ExampleSettings {
  std::string api;
  std::string token;
  std::chrono::milliseconds poll_pause{1'000};  ///< after an answer without updates
  std::chrono::milliseconds backoff_first{500}, backoff_most{30'000};
};

Capabilities example_capabilities();

/// `client` must outlive the transport.
std::unique_ptr<Transport> make_example_transport(HttpClient& client, ExampleSettings settings);

}  // namespace sufler::example
