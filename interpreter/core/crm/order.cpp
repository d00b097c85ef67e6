#include "interpreter/core/crm/order.h"

#include "interpreter/core/json_text.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

using Do = CrmOrder::Do;

constexpr unsigned bit(Do what) { return 1U << static_cast<unsigned>(what); }
constexpr unsigned kContact = bit(Do::Contact), kLead = bit(Do::Lead), kNote = bit(Do::Note), kTask = bit(Do::Task), kStage = bit(Do::Stage);

/// Not words of the language: names of fields, as the fields of the account are.
struct Name {
  std::string_view english, russian;
  unsigned of;
};
constexpr Name kNames[] = {
    {"name", "имя", kContact},
    {"name", "название", kLead},
    {"first_name", "имя_человека", kContact},
    {"last_name", "фамилия", kContact},
    {"phone", "телефон", kContact | kLead},
    {"email", "почта", kContact | kLead},
    {"price", "бюджет", kLead},
    {"pipeline", "воронка", kLead | kStage},
    {"stage", "этап", kLead | kStage},
    {"responsible", "ответственный", kContact | kLead | kTask},
    {"tags", "теги", kContact | kLead},
    {"company", "компания", kLead},
    {"contact", "контакт", kLead | kNote | kTask},
    {"lead", "сделка", kNote | kTask | kStage},
    {"type", "тип", kTask},
    {"id", "id", kContact | kLead},
};

}  // namespace

std::string_view crm_word(Do what) {
  constexpr std::string_view kWords[] = {"contact", "lead", "note", "task", "stage", "chat"};
  return kWords[static_cast<std::size_t>(what)];
}

std::string_view crm_name(Do what, std::string_view written) {
  const std::string folded = to_lower(written);
  for (const Name& one : kNames)
    if ((one.of & bit(what)) != 0 && (folded == one.english || folded == one.russian)) return one.english;
  return {};
}

void add_talk(std::string& order, std::string_view lines) {
  if (!order.ends_with('}') || lines.empty()) return;
  order.pop_back();
  order += ",\"talk\":";
  append_json_string(order, lines);
  order += '}';
}

std::vector<std::string_view> crm_names(Do what) {
  std::vector<std::string_view> all;
  for (const Name& one : kNames)
    if ((one.of & bit(what)) != 0) all.push_back(one.english), all.push_back(one.russian);
  return all;
}

}  // namespace sufler
