#include "interpreter/transports/registry.h"

namespace sufler {

TransportKind telegram_kind();
TransportKind vk_kind();

const std::vector<TransportKind>& transport_kinds() {
  static const std::vector<TransportKind> kinds = {telegram_kind(), vk_kind()};
  return kinds;
}

std::string TransportSettings::option(std::string_view key, std::string_view otherwise) const {
  const auto found = options.find(key);
  return found == options.end() || found->second.empty() ? std::string(otherwise) : found->second;
}

std::vector<Platform> known_platforms() {
  std::vector<Platform> all;
  for (const TransportKind& kind : transport_kinds())
    all.push_back({std::string(kind.name), std::string(kind.title), kind.capabilities});
  return all;
}

const TransportKind* find_transport(std::string_view name) {
  for (const TransportKind& kind : transport_kinds()) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

}  // namespace sufler
