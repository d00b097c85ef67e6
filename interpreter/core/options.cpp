#include "interpreter/core/options.h"

#include <algorithm>
#include <charconv>

#include "interpreter/core/expects.h"
#include "interpreter/core/reading/choice.h"

namespace sufler {
namespace {

constexpr std::size_t kMaxOptions = 100;

bool make_data_options(Play& play, const OptionsFrom& from, List& shown, List& values) {
  Value items;
  if (!play.evaluate(from.from, items)) return false;
  if (items.is_null()) return true;
  if (!items.list()) return play.fail("`" + from.from.source() + "` gives no list of options");
  for (const Value& item : *items.list()) {
    if (shown.size() >= kMaxOptions) break;
    ValueMap names;
    if (item.map()) names = *item.map();
    names.set("item", item);
    const ExtraNames extra(play.scope, names);
    Value label = item, value = item;
    if (from.label && !play.evaluate(*from.label, label)) return false;
    if (from.value && !play.evaluate(*from.value, value)) return false;
    shown.emplace_back(to_display(label, play.scope.locale()));
    values.emplace_back(List{std::move(value)});
  }
  return true;
}

/// As many in a row as fit a phone.
std::size_t columns_for(const std::vector<Button>& buttons) {
  std::size_t longest = 0;
  for (const Button& button : buttons) longest = std::max(longest, count_code_points(button.label));
  const std::size_t count = buttons.size();
  if (longest <= 3 && count <= 8) return count;
  if (longest <= 9 && count != 4 && count != 2) return 3;
  return longest <= 16 ? 2 : 1;
}

void lay_out(Keyboard& keyboard, std::vector<Button> buttons, std::size_t columns) {
  if (columns == 0) columns = columns_for(buttons);
  for (std::size_t i = 0; i < buttons.size(); ++i) {
    if (i % columns == 0) keyboard.rows.emplace_back();
    keyboard.rows.back().push_back(std::move(buttons[i]));
  }
}

template <class MakePayload>
Keyboard make(Play& play, const Buttons& buttons, const List& shown, const List& values,
              const std::vector<OwnButton>& own, bool is_inline, MakePayload make_payload) {
  Keyboard keyboard;
  const auto wants = [&](ButtonAction action) {
    return std::any_of(own.begin(), own.end(), [&](const OwnButton& one) { return one.action == action; }) ||
           std::any_of(buttons.options.begin(), buttons.options.end(),
                       [&](const Option& option) { return option.action == action; });
  };
  if (wants(ButtonAction::Contact) || wants(ButtonAction::Location)) {
    is_inline = false;  // only a reply keyboard can ask for them
  } else if (std::any_of(buttons.options.begin(), buttons.options.end(),
                         [](const Option& option) { return option.url.has_value(); })) {
    is_inline = true;  // only a button in the message can be a link
  }
  std::vector<Button> row;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    Button button;
    button.label = shown[i].text() ? *shown[i].text() : std::string();
    if (button.label.empty()) continue;
    const Option* option = option_at(buttons, values, i);
    if (option) button.color = option->color;
    if (option && option->url) {
      RichText url;
      if (!play.render(*option->url, url)) return {};
      button.action = ButtonAction::Url;
      button.url = std::move(url.text);
    } else if (option && (option->action == ButtonAction::Contact || option->action == ButtonAction::Location)) {
      button.action = option->action;
    } else if (is_inline) {
      button.action = ButtonAction::Payload;
      button.payload = make_payload(i, '\0');
    }
    row.push_back(std::move(button));
  }
  lay_out(keyboard, std::move(row), buttons.columns);
  std::vector<Button> own_row;
  for (const OwnButton& one : own) {
    Button button;
    button.label = play.phrase_text(one.label);
    button.action = one.action;
    if (is_inline && one.action == ButtonAction::Text) {
      button.action = ButtonAction::Payload;
      button.payload = make_payload(0, one.code);
    }
    own_row.push_back(std::move(button));
  }
  lay_out(keyboard, std::move(own_row), 0);
  if (!keyboard.rows.empty()) {
    keyboard.kind = is_inline ? Keyboard::Kind::Inline : Keyboard::Kind::Reply;
  }
  return keyboard;
}

/// Tells the buttons of a step from all others, in other versions, too (expects.h).
std::string mark_of(const Program& program, StepId step) {
  const std::uint64_t mark = program.step(step).expects;
  if (mark == 0) return program.version.substr(0, 12);  // a Program that no loader made
  char digits[17];
  const auto end = std::to_chars(digits, digits + sizeof digits, mark, 36);
  return std::string(digits, end.ptr);
}

}  // namespace

bool render_asked(Play& play, const Text& text, const Attach& attach, const RichText* was, Message& message) {
  if (!play.render(text, message.text) || !play.collect(attach, message.attachments)) return false;
  if (was) {
    message.text.append("\n");
    message.text.append(play.phrase(Phrase::Was));
    message.text.append(" ");
    message.text.append(*was);
  }
  return true;
}

bool make_options(Play& play, const Buttons& buttons, List& shown, List& values) {
  shown.clear();
  values.clear();
  shown.reserve(buttons.options.size());
  values.reserve(buttons.options.size());
  for (std::size_t i = 0; i < buttons.options.size() && shown.size() < kMaxOptions; ++i) {
    const Option& option = buttons.options[i];
    bool wanted = true;
    if (!play.holds(option.when, wanted)) return false;
    if (!wanted) continue;
    RichText label;
    if (!play.render(option.label, label)) return false;
    shown.emplace_back(std::move(label.text));
    values.emplace_back(static_cast<std::int64_t>(i));
  }
  return !buttons.from || make_data_options(play, *buttons.from, shown, values);
}

Keyboard make_keyboard(Play& play, const Buttons& buttons, const List& shown, const List& values,
                       std::uint64_t serial, const std::vector<OwnButton>& own) {
  return make(play, buttons, shown, values, own, buttons.is_inline,
              [serial](std::size_t position, char code) {
                return std::to_string(serial) + ":" + (code ? std::string(1, code) : std::to_string(position));
              });
}

Keyboard make_said_keyboard(Play& play, StepId step, const Buttons& buttons, const List& shown,
                            const List& values) {
  std::size_t item = buttons.options.size();
  return make(play, buttons, shown, values, {}, true, [&](std::size_t position, char) {
    const Decimal* index = values[position].number();
    const std::int64_t option =
        index ? index->to_int64().value_or(-1) : static_cast<std::int64_t>(item++);
    return "@" + std::to_string(step.value) + ":" + std::to_string(option) + ":" +
           mark_of(play.program, step);
  });
}

std::string label_at(const List& shown, std::size_t position) {
  return position < shown.size() && shown[position].text() ? *shown[position].text() : std::string();
}

const Option* option_at(const Buttons& buttons, const List& values, std::size_t position) {
  if (position >= values.size() || !values[position].number()) return nullptr;
  const auto index = values[position].number()->to_int64();
  if (!index || *index < 0 || static_cast<std::size_t>(*index) >= buttons.options.size()) return nullptr;
  return &buttons.options[static_cast<std::size_t>(*index)];
}

Value value_at(const Buttons& buttons, const List& shown, const List& values, std::size_t position) {
  if (const Option* option = option_at(buttons, values, position); option && option->value)
    return *option->value;
  if (position < values.size() && values[position].list() && values[position].list()->size() == 1)
    return values[position].list()->front();
  return position < shown.size() ? shown[position] : Value();
}

std::optional<std::size_t> find_same_label(std::string_view text, const List& shown) {
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (shown[i].text() && *shown[i].text() == text && !text.empty()) return i;
  }
  const std::string folded = fold(text);
  if (folded.empty()) return std::nullopt;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (shown[i].text() && fold(*shown[i].text()) == folded) return i;
  }
  return std::nullopt;
}

std::optional<std::size_t> find_label(std::string_view text, const List& shown) {
  if (text.empty()) return std::nullopt;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (shown[i].text() && *shown[i].text() == text) return i;  // pressed, most likely
  }
  std::vector<std::string> labels;
  labels.reserve(shown.size());
  for (const Value& label : shown) labels.push_back(label.text() ? *label.text() : std::string());
  return match_choice(text, labels);
}

std::optional<Payload> read_payload(std::string_view payload) {
  Payload read;
  const char* const end = payload.data() + payload.size();
  const auto serial = std::from_chars(payload.data(), end, read.serial);
  if (serial.ec != std::errc() || serial.ptr == end || *serial.ptr != ':') return std::nullopt;
  const char* const rest = serial.ptr + 1;
  if (end - rest == 1 && *rest >= 'a' && *rest <= 'z') {
    read.code = *rest;
    return read;
  }
  std::size_t position = 0;
  const auto number = std::from_chars(rest, end, position);
  if (number.ec != std::errc() || number.ptr != end) return std::nullopt;
  read.position = position;
  return read;
}

const Buttons* said_buttons(const Step& step) {
  if (const Say* say = std::get_if<Say>(&step.verb)) return say->buttons ? &*say->buttons : nullptr;
  const Notify* notify = std::get_if<Notify>(&step.verb);
  return notify && notify->buttons ? &*notify->buttons : nullptr;
}

std::optional<SaidButton> read_said_payload(const Program& program, std::string_view payload) {
  if (payload.empty() || payload.front() != '@') return std::nullopt;
  const char* const end = payload.data() + payload.size();
  std::uint32_t step = 0, index = 0;
  const auto first = std::from_chars(payload.data() + 1, end, step);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ':') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, index);
  if (second.ec != std::errc() || second.ptr == end || *second.ptr != ':') return std::nullopt;
  const std::string_view mark(second.ptr + 1, static_cast<std::size_t>(end - second.ptr - 1));
  if (step < program.steps.size() && said_buttons(program.steps[step]) && mark == mark_of(program, StepId{step}))
    return SaidButton{StepId{step}, index};
  std::uint64_t number = 0;
  const auto third = std::from_chars(mark.data(), end, number, 36);
  if (third.ec != std::errc() || third.ptr != end) return std::nullopt;
  const StepId moved = find_said(program, number, StepId{step});
  if (!moved) return std::nullopt;
  return SaidButton{moved, index};
}

Way way_of_option(StepId step, const Buttons& buttons, const List& values, std::size_t position) {
  if (const Option* option = option_at(buttons, values, position))
    return {Way::What::Option, step, {}, static_cast<std::uint32_t>(option - buttons.options.data())};
  return {Way::What::DataOption, step, {}, 0};
}

bool take_option(Play& play, const Option& option) {
  for (const Assignment& assignment : option.set) {
    if (!play.assign(assignment)) return false;
  }
  return play.enter(option.target);
}

}  // namespace sufler
