// A stored state is copied member by member, and what holds an answer to a secret question is written anew. Its places
// are not looked at: they are names and numbers of the version that wrote it, and that may be gone.
#include "interpreter/core/hidden_state.h"

#include <algorithm>

#include "interpreter/core/expects.h"
#include "interpreter/core/json_text.h"
#include "interpreter/core/play.h"
#include "interpreter/core/state.h"
#include "interpreter/core/value_json.h"

namespace sufler {
namespace {

constexpr std::string_view kBlot = "•••";

class StateBlotter {
 public:
  StateBlotter(const Locale& locale, bool all_rests) : locale_(locale), all_rests_(all_rests) {}

  /// Which variables are secret, and what they hold. Names come behind the values.
  bool look(std::string_view text) {
    JsonReader json(text);
    Value variables;
    const bool read = json.read_object([&](const std::string& name) {
      if (name == "vars") return read_value(json, variables);
      if (name == "sec") return json.read_array([&] { return json.read_string(secrets_.emplace_back()); });
      return pass_over(json);
    });
    if (!read || !json.at_end()) return false;
    for (const std::string& name : secrets_) {
      const Value* value = variables.map() ? variables.map()->find(name) : nullptr;
      if (value && !value->is_null()) texts_.push_back(to_display(*value, locale_));
    }
    return true;
  }

  std::optional<std::string> write(std::string_view text) {
    JsonReader json(text);
    std::string out;
    out.reserve(text.size());
    const bool written = object(json, out, [&](const std::string& name) {
      if (name == "vars") return map(json, out, true);
      if (name == "f") return array(json, out, [&] { return frame(json, out); });
      if (name == "w") return rest(json, out);
      if (name == "i") return array(json, out, [&] { return rest(json, out); });
      if (name == "p") return array(json, out, [&] { return past(json, out); });
      return copy(json, out);
    });
    return written && json.at_end() ? std::optional(std::move(out)) : std::nullopt;
  }

 private:
  bool is_secret(const std::string& name) const {
    return std::find(secrets_.begin(), secrets_.end(), name) != secrets_.end();
  }

  static bool copy(JsonReader& json, std::string& out) {
    json.peek();
    const std::string_view from = json.rest();
    if (!pass_over(json)) return false;
    out += from.substr(0, from.size() - json.rest().size());
    return true;
  }

  /// `member(name)` reads its value and appends it.
  template <class Member>
  static bool object(JsonReader& json, std::string& out, Member member) {
    out += '{';
    bool first = true;
    const bool read = json.read_object([&](const std::string& name) {
      if (!first) out += ',';
      first = false;
      append_json_string(out, name);
      out += ':';
      return member(name);
    });
    out += '}';
    return read;
  }
  template <class Item>
  static bool array(JsonReader& json, std::string& out, Item item) {
    out += '[';
    bool first = true;
    const bool read = json.read_array([&] {
      if (!first) out += ',';
      first = false;
      return item();
    });
    out += ']';
    return read;
  }

  /// Names and values; secrets among the dialog's own variables are known by their names.
  bool map(JsonReader& json, std::string& out, bool own) {
    Value values;
    if (!read_value(json, values) || !values.map()) return false;
    ValueMap clean = *values.map();
    for (const auto& [name, value] : *values.map())
      if (own && is_secret(name) && !value.is_null()) clean.set(name, Value(std::string(kBlot)));
    values = Value(std::move(clean));
    blot(values, texts_, locale_);
    append_json(out, values);
    return true;
  }

  bool frame(JsonReader& json, std::string& out) {
    return object(json, out, [&](const std::string& name) {
      return name == "l" ? map(json, out, false) : copy(json, out);
    });
  }

  bool rest(JsonReader& json, std::string& out) {
    json.peek();
    std::int64_t what = 0, expected = 0;
    JsonReader marks(json.rest());
    const bool read = marks.read_object([&](const std::string& name) {
      return name == "w" ? marks.read_int(what) : name == "e" ? marks.read_int(expected) : pass_over(marks);
    });
    if (!read) return false;
    const bool confirms = what == static_cast<std::int64_t>(Waiting::For::Confirmation);
    const bool asks = confirms || what == static_cast<std::int64_t>(Waiting::For::Answer);
    const bool secret = asks && (all_rests_ || Expects(static_cast<std::uint64_t>(expected)).secret());
    return object(json, out, [&](const std::string& name) {
      if (secret && name == "c") {
        out += "[]";
        return pass_over(json);
      }
      if (secret && confirms && name == "x") {
        append_json_string(out, kBlot);
        return pass_over(json);
      }
      return copy(json, out);
    });
  }

  bool past(JsonReader& json, std::string& out) {
    return object(json, out, [&](const std::string& name) {
      if (name == "f") return array(json, out, [&] { return frame(json, out); });
      if (name == "u") return array(json, out, [&] { return undo(json, out); });
      return copy(json, out);
    });
  }

  /// A name, and what it was, if it was anything.
  bool undo(JsonReader& json, std::string& out) {
    std::string name;
    if (!json.take('[') || !json.read_string(name)) return false;
    out += '[';
    append_json_string(out, name);
    if (json.take(',')) {
      Value value;
      if (!read_value(json, value)) return false;
      if (is_secret(name) && !value.is_null()) value = Value(std::string(kBlot));
      blot(value, texts_, locale_);
      out += ',';
      append_json(out, value);
    }
    out += ']';
    return json.take(']');
  }

  const Locale& locale_;
  const bool all_rests_;
  std::vector<std::string> secrets_, texts_;
};

}  // namespace

std::optional<std::string> blot_state(std::string_view json, const Locale& locale, bool all_rests) {
  StateBlotter blotter(locale, all_rests);
  if (!blotter.look(json)) return std::nullopt;
  return blotter.write(json);
}

}  // namespace sufler
