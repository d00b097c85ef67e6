#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What our buttons show and carry. A button's `payload` comes back with a press, and any program can send
/// one: what is read here gives a person no more than typing would.
namespace sufler::vk {

inline constexpr std::size_t kLabelCodePoints = 40;
inline constexpr std::size_t kPayloadBytes = 255;

/// The label as a button shows it: one line of at most 40 code points, the end of a longer one as `…`.
std::string shown_label(std::string_view label);

/// `{"p":"…"}`, of a button inside a message; empty when it would be longer than VK takes.
std::string press_payload(std::string_view payload);
/// `{"t":"…"}`, of an ordinary button whose label is shown cut: the whole label, or as much of it as fits.
/// Empty when the label is shown whole, because the press sends the label itself.
std::string label_payload(std::string_view label);

/// Where a press is answered: `event_id:user_id:peer_id`.
struct PressPlace {
  std::string event_id;
  std::int64_t user_id = 0;
  std::int64_t peer_id = 0;
  std::string to_string() const;
  static std::optional<PressPlace> parse(std::string_view press_id);
};

}  // namespace sufler::vk
