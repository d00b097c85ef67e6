// What VK and Telegram cut or refuse (LANGUAGE 14, Severities).
#include "schema/loading.h"

namespace sufler {
namespace {

constexpr std::size_t kLabelCodePoints = 40;   // VK; Telegram shows more
constexpr std::size_t kButtons = 40;           // VK, under a message
constexpr std::size_t kInlineButtons = 10;     // VK, inside a message
constexpr std::size_t kTextCodePoints = 4096;  // VK and Telegram alike

}  // namespace

void check_platform_limits(Loading& loading) {
  for (const Node* label : loading.labels) {
    if (label->scalar.size() <= kLabelCodePoints || label->scalar.find("{{") != std::string_view::npos) {
      continue;
    }
    const std::size_t length = count_code_points(label->scalar);
    if (length <= kLabelCodePoints) continue;
    hint(loading, loading.report(DiagnosticId::LabelTooLong, label->span,
                        {std::to_string(length), std::to_string(kLabelCodePoints)}),
         "shorten it, and say the rest in the text", "сократите её, остальное скажите в тексте");
  }
  for (const Loading::ButtonCount& buttons : loading.button_counts) {
    const std::size_t limit = buttons.is_inline ? kInlineButtons : kButtons;
    if (buttons.count <= limit) continue;
    hint(loading, loading.report(buttons.is_inline ? DiagnosticId::TooManyInlineButtons
                                          : DiagnosticId::TooManyButtons,
                        buttons.node->span, {std::to_string(buttons.count), std::to_string(limit)}),
         "spread them over two questions", "разделите их на два вопроса");
  }
  for (const Node* text : loading.message_texts) {
    if (!text->is_scalar() || text->scalar.size() <= kTextCodePoints) continue;
    const std::size_t length = count_code_points(text->scalar);
    if (length <= kTextCodePoints) continue;
    loading.report(DiagnosticId::TextTooLong, text->span,
                   {std::to_string(length), std::to_string(kTextCodePoints)});
  }
}

}  // namespace sufler
