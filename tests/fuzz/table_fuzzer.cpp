// The bytes are the CSV file of a scenario's table. Whatever they are, the scenario loads, and then each row can be read again
// as it was checked; or there are problems whose places lie in the file.
#include <set>

#include "fuzz/targets.h"
#include "interpreter/core/tables/table_data.h"
#include "schema/loader.h"

namespace sufler::fuzz {
namespace {

constexpr const char* kScenario = R"(scenario: shop
language: en
start: welcome
tables:
  things:
    data: things.csv
    key: code
    code: text
    price: number
    rooms: {type: integer, default: 1}
    balcony: yes_no
    built: date
    opens: time
    seen: {type: datetime, from: "Last seen"}
    district: {type: choice, options: [North, South]}
    tags: list
branches:
  welcome:
    - find: things
      similar: {price: 40, built: {to: "date('2020-01-01')", within: 30d}}
      limit: 3
      into: found
    - say: "{{ found | length }}"
)";

}  // namespace

void play_table(std::string_view bytes) {
  LoadOptions options;
  options.read = [&](const std::string&) { return std::optional(std::string(bytes)); };
  Loaded loaded = load_scenario_text({{"shop.yaml", kScenario}}, options);
  const std::string shown = render_text(loaded.diagnostics.sorted(), loaded.sources, Language::Russian);
  require(is_utf8(shown), "problems are told in UTF-8");
  if (!loaded.program) {
    require(!shown.empty(), "a table that is refused says why");
    for (const Diagnostic& one : loaded.diagnostics.sorted())
      require(one.span.offset + one.span.length <= loaded.sources.text(one.span.file).size(), "problems lie in their file");
    return;
  }
  const Table& table = loaded.program->tables[0];
  require(table.data != nullptr, "a scenario without problems has its rows");
  require(is_utf8(*table.data->text), "what is kept is UTF-8");
  std::set<std::string> keys;
  std::int64_t rows = 0;
  TableRow row;
  TableRows file(table);
  for (std::vector<CellProblem> problems; file.next(row, &problems); ++rows) {
    require(problems.empty(), "rows are read as they were checked");
    require(!row.key.empty() && keys.insert(row.key).second, "keys are there, and differ");
    require(row.values.size() == table.columns.size(), "a row has all columns");
    require(row.values[1].is_null() || row.values[1].number(), "a number is one");
    require(row.values[2].number() && row.values[2].number()->is_integer(), "an empty cell has the default");
    require(row.values[4].is_null() || row.values[4].date(), "a date is one");
    require(row.values[6].is_null() || row.values[6].moment(), "a moment is one");
    require(mark_of(row) == mark_of(row), "marks are settled");
  }
  require(!file.broken() && rows == table.data->rows, "as many rows as were counted");
  const TableLoad same = difference(table, table);
  require(same.added == 0 && same.changed == 0 && same.removed == 0, "a file does not differ from itself");
}

}  // namespace sufler::fuzz
