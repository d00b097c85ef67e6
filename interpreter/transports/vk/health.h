#pragma once
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "interpreter/transports/transport.h"

namespace sufler::vk {

/// Tells whether the bot is served, when that changes. Receiving and sending are troubled by different
/// things; the bot is well when neither is. On the network thread.
class Health {
 public:
  void use(TransportHandlers handlers) { handlers_ = std::move(handlers); }
  const TransportHandlers& handlers() const { return handlers_; }

  void receiving(bool well, std::string reason = {}) { set(receiving_, well, std::move(reason)); }
  void sending(bool well, std::string reason = {}) { set(sending_, well, std::move(reason)); }

  /// The bot cannot be served any more. Said once.
  void failed(const std::string& reason) {
    if (std::exchange(failed_, true)) return;
    receiving(false, reason);
    if (handlers_.failed) handlers_.failed(reason);
  }
  bool has_failed() const { return failed_; }

 private:
  struct Side {
    bool known = false;
    bool well = true;
    std::string reason;
  };
  void set(Side& side, bool well, std::string reason) {
    side.known = true;
    side.well = well;
    side.reason = std::move(reason);
    const bool now_well = receiving_.well && sending_.well;
    // Until receiving has begun, nothing good can be said.
    if (now_well && !receiving_.known) return;
    if (told_ == now_well) return;
    told_ = now_well;
    if (handlers_.health) handlers_.health(now_well, receiving_.well ? sending_.reason : receiving_.reason);
  }

  TransportHandlers handlers_;
  Side receiving_;
  Side sending_;
  std::optional<bool> told_;
  bool failed_ = false;
};

}  // namespace sufler::vk
