// What platforms cut or lack (LANGUAGE 14, Severities).
#include <algorithm>

#include "schema/loading.h"

namespace sufler {
namespace {

/// The platform that takes the least of something.
const Platform& narrowest(const std::vector<Platform>& platforms, std::size_t Capabilities::*limit) {
  return *std::ranges::min_element(platforms, {}, [&](const Platform& one) { return one.can.*limit; });
}

void check_labels(Loading& loading) {
  const Platform& platform = narrowest(loading.options.platforms, &Capabilities::label_code_points);
  const std::size_t limit = platform.can.label_code_points;
  for (const Node* label : loading.labels) {
    if (label->scalar.size() <= limit || label->scalar.find("{{") != std::string_view::npos) continue;
    const std::size_t length = count_code_points(label->scalar);
    if (length <= limit) continue;
    hint(loading, loading.report(DiagnosticId::LabelTooLong, label->span,
                        {std::to_string(length), std::to_string(limit), platform.title}),
         "shorten it, and say the rest in the text", "сократите её, остальное скажите в тексте");
  }
}

void check_button_counts(Loading& loading) {
  for (const Loading::ButtonCount& buttons : loading.button_counts) {
    const auto which = buttons.is_inline ? &Capabilities::inline_buttons : &Capabilities::reply_buttons;
    const Platform& platform = narrowest(loading.options.platforms, which);
    if (buttons.count <= platform.can.*which) continue;
    hint(loading, loading.report(buttons.is_inline ? DiagnosticId::TooManyInlineButtons : DiagnosticId::TooManyButtons,
                        buttons.node->span,
                        {std::to_string(buttons.count), std::to_string(platform.can.*which), platform.title}),
         "spread them over two questions", "разделите их на два вопроса");
  }
}

/// What of a text is sent whatever its templates come to.
std::size_t constant_bytes(std::string_view text) {
  std::size_t bytes = text.size();
  for (std::size_t at = 0; (at = text.find("{{", at)) != std::string_view::npos;) {
    const std::size_t end = text.find("}}", at);
    if (end == std::string_view::npos) break;
    bytes -= end + 2 - at;
    at = end + 2;
  }
  return bytes;
}

/// What no platform is asked about: the bot itself makes no such text.
void check_sizes(Loading& loading) {
  for (const Node* text : loading.message_texts)
    if (text->is_scalar() && constant_bytes(text->scalar) > loading.program.limits.text_bytes) report_too_large(loading, *text);
}

void check_texts(Loading& loading) {
  const std::size_t limit =
      narrowest(loading.options.platforms, &Capabilities::message_units).can.message_units;
  const std::size_t most = loading.program.limits.text_bytes;
  for (const Node* text : loading.message_texts) {
    if (!text->is_scalar() || text->scalar.size() <= limit || constant_bytes(text->scalar) > most) continue;
    const std::size_t length = count_code_points(text->scalar);
    if (length > limit) loading.report(DiagnosticId::TextTooLong, text->span, {std::to_string(length), std::to_string(limit)});
  }
}

/// What a platform lacks altogether: each is said once, at the first place that wants it.
void note_lacks(Loading& loading, const Platform& platform) {
  const auto asked = [&](QuestionType type) {
    return std::ranges::find(loading.program.questions, type, &Question::type);
  };
  const auto end = loading.program.questions.end();
  if (!platform.can.contact_request) {
    if (const auto found = asked(QuestionType::Contact); found != end)
      loading.report(DiagnosticId::NoContactButton, found->span, {platform.title});
  }
  if (!platform.can.location_request) {
    if (const auto found = asked(QuestionType::Location); found != end)
      loading.report(DiagnosticId::NoLocationButton, found->span, {platform.title});
  }
  if (!platform.can.monospace) {
    const auto found = std::ranges::find_if(loading.message_texts, [](const Node* text) {
      return text->is_scalar() && std::ranges::count(text->scalar, '`') > 1;
    });
    if (found != loading.message_texts.end())
      loading.report(DiagnosticId::NoMonospace, (*found)->span, {platform.title});
  }
  if (!platform.can.command_menu) {
    const auto found = std::ranges::find_if(loading.program.commands,
                                            [](const Command& command) { return !command.about.empty(); });
    if (found != loading.program.commands.end())
      loading.report(DiagnosticId::NoCommandMenu, found->span, {platform.title});
  }
}

}  // namespace

void check_platform_limits(Loading& loading) {
  check_sizes(loading);
  if (loading.options.platforms.empty()) return;
  check_labels(loading);
  check_button_counts(loading);
  check_texts(loading);
  if (!loading.options.platforms_are_chosen) return;
  for (const Platform& platform : loading.options.platforms) note_lacks(loading, platform);
}

}  // namespace sufler
