#pragma once
#include "interpreter/network/http_client.h"
#include "interpreter/transports/transport.h"

/// A platform made up for whoever writes a new transport: copy these two files, and read docs/transports.md.
/// Its whole API, JSON both ways:
///   GET  /updates?after=N  →  {"updates": [{"id": 7, "chat": "12", "name": "Анна", "text": "…"}]}
///   POST /send                {"chat": "12", "text": "…", "buttons": ["Да", "Нет"], "key": 4711}  →  {"message": "31"}
/// A repeated `key` is answered like the first time, and nothing is shown twice. 429 means later.
/// It has neither files nor markup: a message's files are left out, its marks are shown as plain text.
namespace sufler::example {

struct ExampleSettings {
  std::string api, token;
  std::chrono::milliseconds pause{1'000};  ///< after an answer without updates; longer and longer after trouble
};

/// `client` must outlive the transport.
std::unique_ptr<Transport> make_example_transport(HttpClient& client, const ExampleSettings& settings);

}  // namespace sufler::example
