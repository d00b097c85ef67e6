#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/program.h"

/// What the step `crm` says (CrmStep::order).
namespace sufler {

/// As jobs call the service.
inline constexpr std::string_view kCrmService = "crm";

/// One of `values`.
struct CrmField {
  std::string name;  ///< one of ours (`crm_name`), or as the account's field is called
  bool ours = false;
  std::optional<Expression> value;      ///< none: `items`, or `parts`
  std::vector<Expression> items = {};   ///< of a list
  std::vector<CrmField> parts = {};     ///< of a map
  bool is_map = false;
};

/// Characters of a note, the talk with it. amoCRM takes a little more.
inline constexpr std::size_t kMostNote = 15'000;

struct CrmOrder {
  enum class Do : std::uint8_t { Contact, Lead, Note, Task, Stage, Chat } what = Do::Contact;
  std::vector<CrmField> values;
  Text text;             ///< of a note or a task; the name of a stage
  bool history = false;  ///< of a note: the talk is added
  std::uint32_t shown = 20;  ///< of a chat: so many messages of the talk so far
  /// When a task is to be done.
  std::optional<Duration> in;
  std::optional<Expression> in_expression, at;
};

/// `contact`, `lead` …
std::string_view crm_word(CrmOrder::Do what);
/// Fields of the action that are amoCRM's own, by either of their names; empty for all others.
std::string_view crm_name(CrmOrder::Do what, std::string_view written);
/// All of them, for whoever asks what there is.
std::vector<std::string_view> crm_names(CrmOrder::Do what);
/// Whether other names are fields that the account has defined.
constexpr bool has_own_fields(CrmOrder::Do what) { return what == CrmOrder::Do::Contact || what == CrmOrder::Do::Lead; }

/// Adds the talk to the order of a note in JSON, which has none.
void add_talk(std::string& order, std::string_view lines);

/// Whether the dialog rests until amoCRM has answered.
inline bool waits(const CrmStep& step) { return !step.into.empty() || step.on_error; }

/// Every expression of the step, beside those of its text.
template <class Visit>
void each_expression(const std::vector<CrmField>& fields, const Visit& visit) {
  for (const CrmField& one : fields) {
    if (one.value) visit(*one.value);
    for (const Expression& item : one.items) visit(item);
    each_expression(one.parts, visit);
  }
}
template <class Visit>
void each_expression(const CrmOrder& order, const Visit& visit) {
  each_expression(order.values, visit);
  if (order.in_expression) visit(*order.in_expression);
  if (order.at) visit(*order.at);
}

}  // namespace sufler
