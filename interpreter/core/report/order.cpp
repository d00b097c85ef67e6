#include "interpreter/core/report/order.h"

namespace sufler {
namespace {

using Format = ReportStep::Format;
constexpr std::string_view kFormats[] = {"html", "csv", "txt"};

Value texts(const std::vector<std::string>& all) {
  List list;
  for (const std::string& one : all) list.emplace_back(one);
  return list;
}

std::string text_of(const ValueMap& map, std::string_view name) {
  const Value* value = map.find(name);
  return value && value->text() ? *value->text() : std::string();
}
bool flag_of(const ValueMap& map, std::string_view name) {
  const Value* value = map.find(name);
  return value && value->truthy();
}
Moment moment_of(const ValueMap& map, std::string_view name) {
  const Value* value = map.find(name);
  return value && value->moment() ? *value->moment() : Moment{};
}
const List& list_of(const ValueMap& map, std::string_view name) {
  static const List kNone;
  const Value* value = map.find(name);
  return value && value->list() ? *value->list() : kNone;
}
std::vector<std::string> texts_of(const ValueMap& map, std::string_view name) {
  std::vector<std::string> all;
  for (const Value& one : list_of(map, name))
    if (one.text()) all.push_back(*one.text());
  return all;
}

}  // namespace

std::string without_report_file(std::string letter) {
  const std::size_t begin = letter.find(kReportFile), end = letter.find(kReportFileEnd), instead = letter.find(kReportNoFile);
  if (begin == letter.npos || end == letter.npos || instead == letter.npos || end < begin || instead < end) return letter;
  const std::size_t text = instead + kReportNoFile.size(), text_end = letter.find("-->", text);
  if (text_end == letter.npos) return letter;
  const std::string said = letter.substr(text, text_end - text);
  letter.replace(begin, text_end + 3 - begin, said);
  return letter;
}

std::string to_json(const ReportOrder& order) {
  ValueMap all;
  all.set("name", order.name);
  all.set("title", order.title);
  all.set("format", kFormats[static_cast<std::size_t>(order.format)]);
  all.set("russian", order.language == Language::Russian);
  all.set("zone", order.zone);
  all.set("at", order.at);
  if (order.all_time) {
    all.set("all_time", true);
  } else {
    all.set("from", order.from);
    all.set("to", order.to);
  }
  if (order.talks) {
    all.set("talks", true);
    if (!order.chat.chat_id.empty()) all.set("chat", List{order.chat.transport, order.chat.chat_id, order.user_id});
    if (!order.counted.empty()) all.set("counted", texts(order.counted));
    return to_json(Value(std::move(all)));
  }
  all.set("table", order.table.name);
  List columns, conditions, sort, shown;
  for (const Column& one : order.table.columns) columns.push_back(List{one.name, static_cast<int>(one.type)});
  for (const Condition& one : order.conditions) conditions.push_back(List{one.column, one.op, one.value});
  for (const SortKey& one : order.sort) sort.push_back(List{one.column, one.descending});
  for (const ReportOrder::Column& one : order.columns) shown.push_back(List{one.heading, one.expression});
  all.set("types", std::move(columns));
  if (!conditions.empty()) all.set("conditions", std::move(conditions));
  if (!order.where.empty()) all.set("where", order.where);
  if (!order.names.empty()) all.set("names", order.names);
  if (!sort.empty()) all.set("sort", std::move(sort));
  all.set("columns", std::move(shown));
  if (!order.secret.empty()) all.set("secret", texts(order.secret));
  return to_json(Value(std::move(all)));
}

bool from_json(std::string_view json, ReportOrder& order) {
  order = {};
  Value value;
  if (!from_json(json, value) || !value.map()) return false;
  const ValueMap& all = *value.map();
  order.name = text_of(all, "name");
  order.title = text_of(all, "title");
  const std::string format = text_of(all, "format");
  order.format = format == "csv" ? Format::Csv : format == "txt" ? Format::Text : Format::Html;
  order.language = flag_of(all, "russian") ? Language::Russian : Language::English;
  order.zone = text_of(all, "zone");
  order.at = moment_of(all, "at");
  order.all_time = flag_of(all, "all_time");
  order.from = moment_of(all, "from");
  order.to = moment_of(all, "to");
  order.talks = flag_of(all, "talks");
  if (const std::vector<std::string> chat = texts_of(all, "chat"); chat.size() == 3) {
    order.chat = {chat[0], chat[1]};
    order.user_id = chat[2];
  }
  order.counted = texts_of(all, "counted");
  order.table.name = text_of(all, "table");
  for (const Value& one : list_of(all, "types")) {
    if (!one.list() || one.list()->size() != 2 || !(*one.list())[0].text() || !(*one.list())[1].number()) return false;
    Column column;
    column.name = *(*one.list())[0].text();
    const auto type = (*one.list())[1].number()->to_int64().value_or(0);
    if (type < 0 || type > static_cast<std::int64_t>(ColumnType::Map)) return false;
    column.type = static_cast<ColumnType>(type);
    order.table.columns.push_back(std::move(column));
  }
  for (const Value& one : list_of(all, "conditions")) {
    if (!one.list() || one.list()->size() != 3 || !(*one.list())[0].text() || !(*one.list())[1].text()) return false;
    order.conditions.push_back({*(*one.list())[0].text(), *(*one.list())[1].text(), (*one.list())[2]});
  }
  order.where = text_of(all, "where");
  if (const Value* names = all.find("names"); names && names->map()) order.names = *names->map();
  for (const Value& one : list_of(all, "sort")) {
    if (!one.list() || one.list()->size() != 2 || !(*one.list())[0].text()) return false;
    order.sort.push_back({*(*one.list())[0].text(), (*one.list())[1].truthy()});
  }
  for (const Value& one : list_of(all, "columns")) {
    if (!one.list() || one.list()->size() != 2 || !(*one.list())[0].text() || !(*one.list())[1].text()) return false;
    order.columns.push_back({*(*one.list())[0].text(), *(*one.list())[1].text()});
  }
  order.secret = texts_of(all, "secret");
  return !order.name.empty() && (order.talks || !order.table.name.empty());
}

}  // namespace sufler
