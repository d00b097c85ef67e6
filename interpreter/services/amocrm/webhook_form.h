#pragma once
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Webhooks of amoCRM's API v4: forms whose keys nest as PHP writes them (`leads[status][0][id]=1`). Anybody may send
/// bytes here: nothing of them is believed, and what an item says is read again over the API.
namespace sufler::amocrm {

/// Of keys that are numbers the smaller comes first, whatever their length; they may have gaps.
struct FormOrder {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const;
};

/// What stands at one path of a form: a text, further keys, or both, for amoCRM sends both at one path.
struct FormNode {
  std::optional<std::string> value;
  std::map<std::string, FormNode, FormOrder> entries;
  std::uint64_t next = 0;  ///< what `[]` is: behind all numbers that are there

  const FormNode* find(std::string_view key) const;
  /// The text of an entry; empty when there is none.
  std::string text(std::string_view key) const;
};

struct FormLimits {
  std::size_t keys = 20'000;
  std::size_t depth = 16;  ///< of one key
};
/// Nothing when it goes over the limits. A key that is not closed is a name as it stands; of a repeated one the last
/// counts; `a[]` is the next number, and behind one of more than 18 digits there is none. Bytes that are no UTF-8 are kept.
std::optional<FormNode> decode_form(std::string_view body, const FormLimits& limits = {});

/// One thing that a webhook tells of.
struct HookItem {
  std::string entity;  ///< `leads`, `contacts`, `talk`, …
  std::string action;  ///< `status`, `update`, `delete`, …
  std::string id;
  std::string last_modified;     ///< seconds; of a task a date and time; may be empty
  std::string modified_user_id;  ///< may be empty
  std::string status_id, pipeline_id;
  std::string contact_id;        ///< of a talk
  std::string lead_id;           ///< the same
  std::string chat_id;           ///< the same
  bool closed = false;           ///< the same: nobody works on it any more
};
/// In the order of the form.
std::vector<HookItem> hook_items(const FormNode& form);

/// The same for every repetition of a hook; empty when repetitions cannot be told (a digital pipeline sends once).
std::string key_of(const HookItem& item);

}  // namespace sufler::amocrm
