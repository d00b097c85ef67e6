#include "tools/crm_orders.h"

namespace sufler {
namespace {

/// Fields of the account stand beside ours.
ValueMap flat(const ValueMap& values) {
  ValueMap all;
  for (const auto& [name, value] : values) {
    if (name == "fields" && value.map()) {
      for (const auto& [own, its] : *value.map()) all.set(own, its);
    } else {
      all.set(name, value.map() ? Value(flat(*value.map())) : value);
    }
  }
  return all;
}

void show(std::string& out, const std::string& indent, const ValueMap& values, const Locale& locale) {
  for (const auto& [name, value] : values) {
    if (value.map()) {
      out += indent + name + ":\n";
      show(out, indent + "  ", *value.map(), locale);
    } else {
      out += indent + name + ": " + to_display(value, locale) + "\n";
    }
  }
}

}  // namespace

bool read_asked(const Job& job, AskedCrm& asked) {
  Value request;
  if (job.service != kCrmService || !from_json(job.request, request) || !request.map()) return false;
  const ValueMap& members = *request.map();
  const Value* what = members.find("do");
  bool known = false;
  for (const auto one : {CrmOrder::Do::Contact, CrmOrder::Do::Lead, CrmOrder::Do::Note, CrmOrder::Do::Task, CrmOrder::Do::Stage})
    if (what && what->text() && *what->text() == crm_word(one)) asked.what = one, known = true;
  if (const Value* values = members.find("values"); values && values->map()) asked.values = flat(*values->map());
  if (const Value* text = members.find("text"); text && text->text()) asked.text = *text->text();
  if (const Value* waits = members.find("waits")) asked.waits = waits->truthy();
  return known;
}

std::string shown(const AskedCrm& asked, Language language) {
  std::string out = std::string(crm_word(asked.what)) + "\n";
  if (!asked.text.empty()) out += "  " + asked.text + "\n";
  show(out, "  ", asked.values, {language, Zone()});
  return out;
}

Value pretended(const AskedCrm& asked, std::int64_t number) {
  ValueMap result;
  result.set("id", number);
  result.set("url", "https://example.amocrm.ru/" + std::string(asked.what == CrmOrder::Do::Contact ? "contacts" : "leads") + "/detail/" + std::to_string(number));
  return Value(std::move(result));
}

}  // namespace sufler
