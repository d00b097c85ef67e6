#pragma once
#include "interpreter/runtime/player.h"

namespace sufler {

/// A message is one call, whose body is its text.
class PlainRenderer : public Renderer {
 public:
  std::vector<ApiCall> render(const ChatAddress&, const Message& message) const override {
    ApiCall call;
    call.body = message.text.text;
    return {call};
  }
  ApiCall render_press_answer(const ChatAddress&, const std::string&, const std::string&) const override { return {}; }
};

}  // namespace sufler
