#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/core/result.h"
#include "interpreter/core/value.h"
#include "interpreter/services/amocrm/directory.h"

/// Bodies of requests of API v4, and what contacts hold.
namespace sufler::amocrm {

/// A person's phone as amoCRM compares them, `+79123456789`; what is no valid phone keeps its digits.
std::string plain_phone(std::string_view text);

/// An entry of `custom_fields_values`. Numbers, texts, booleans, moments and days as the field's type wants them; a choice by its
/// name; a list of them for a field of several. The error names the field and what it takes.
Result<Value, std::string> encode_field(const Field& field, const Value& value, const Zone& zone);

/// What a contact, a lead or a company is told. Names and texts that are empty, ids that are 0 and lists that are empty are left out.
struct Entity {
  std::int64_t id = 0;  ///< of an update
  std::string name, first_name, last_name;
  std::optional<std::int64_t> price;
  std::int64_t pipeline_id = 0, status_id = 0, responsible_user_id = 0, created_at = 0, loss_reason_id = 0;
  std::optional<std::int64_t> created_by, updated_by;
  std::int64_t closed_at = 0;
  List fields;  ///< of `custom_fields_values`
  std::vector<std::string> tags, tags_to_delete;
  std::string request_id;
  std::vector<Entity> contacts, companies;  ///< of a lead
};
Value encode(const Entity& entity);
/// A name as amoCRM will have it: without spaces around, and not longer than it takes.
std::string plain_name(std::string_view text);
/// Each is a list of one.
Value encode_note(std::int64_t entity_id, const std::string& text, const std::string& request_id);
Value encode_task(const std::string& entity_type, std::int64_t entity_id, const std::string& text, std::int64_t complete_till,
                  std::int64_t type_id, std::int64_t responsible_id, const std::string& request_id);

/// A field with the code PHONE or EMAIL that gets these values, each of kind WORK.
Value multitext(std::string_view code, const std::vector<std::string>& values);
/// Values of such a field of a contact that is there.
std::vector<std::string> values_of(const Value& contact, std::string_view code);
/// The field with what it has and what is added; nothing when all is there. Writing such a field replaces what it held.
std::optional<Value> merged(const Value& contact, std::string_view code, const std::vector<std::string>& added);

/// The text and below it the talk.
std::string note_text(std::string_view text, std::string_view talk);

}  // namespace sufler::amocrm
