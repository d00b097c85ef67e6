// Tables that are read from a CSV file (LANGUAGE 10). The whole file is read and checked here, so that a wrong price is
// told with its line and never reaches a customer: one bad cell refuses the file, and the version with it.
#include <algorithm>
#include <filesystem>
#include <map>
#include <unordered_map>

#include "interpreter/core/sha256.h"
#include "interpreter/core/tables/table_data.h"
#include "schema/loading.h"

namespace sufler {
namespace {

/// Of one file so many problems are told: a column that is wrong as a whole is understood from fewer.
constexpr std::size_t kMostProblems = 20;
constexpr std::int64_t kMaxBytes = std::int64_t{512} << 20;

/// Headings are typed by people: capitals, `ё`, spaces and dashes make no difference.
std::string heading_key(std::string_view text) {
  std::string key;
  const std::string lower = to_lower(to_nfc(trim(text)));
  for (std::size_t at = 0; at < lower.size();) {
    const char32_t point = next_code_point(lower, at);
    if (is_space(point) || point == U'-' || point == U'_') {
      if (!key.empty() && key.back() != '_') key += '_';
    } else {
      append_utf8(key, point == U'ё' ? U'е' : point);
    }
  }
  return key;
}

Word type_word(const Column& column) {
  switch (column.type) {
    case ColumnType::Number: return Word::Number;
    case ColumnType::Integer: return Word::Integer;
    case ColumnType::Boolean: return Word::YesNo;
    case ColumnType::Date: return Word::DateWord;
    case ColumnType::Time: return Word::TimeWord;
    case ColumnType::DateTime: return Word::DateTime;
    case ColumnType::File: return Word::FileWord;
    case ColumnType::Files: return Word::Files;
    case ColumnType::List: return Word::ListWord;
    case ColumnType::Map: return Word::MapWord;
    default: return Word::TextWord;
  }
}

class TableFile {
 public:
  TableFile(Loading& loading, Table& table, const TableFileNodes& nodes) : loading_(loading), table_(table), nodes_(nodes) {}

  void read() {
    const bool keyed = check_key();
    const auto file = read_file_name(loading_, *nodes_.data);
    if (!file || !keyed) return;
    table_.data_file = file->reference;
    if (file->size > kMaxBytes) return not_a_table("it is larger than 512 MB", "она больше 512 МБ", "keep the rows in a database of your own, and ask it with `%http%` or `%run%`",
                                                   "держите строки в своей базе и спрашивайте её шагом `%http%` или `%run%`");
    auto bytes = bytes_of(loading_, file->reference);
    if (!bytes) return;  // a scenario without its folder: nobody knows the rows
    auto text = decode_csv(*bytes);
    if (!text) return report_undecoded(*bytes, text.error());
    bytes.reset();
    data_ = std::make_shared<TableData>();
    data_->content = sha256_hex(*text);
    data_->text = std::make_shared<const std::string>(std::move(*text));
    data_->zone = loading_.program.zone;
    if (!read_headings()) return;
    table_.data = data_;
    read_rows();
  }

 private:
  bool check_key() {
    if (!nodes_.key) {
      hint(loading_, loading_.report(DiagnosticId::TableWithoutKey, nodes_.data->span, {table_.name}),
           "add `%key%: id`, with the heading of a column that has another value in each row",
           "добавьте `%key%: id`: столбец, в котором у каждой строки своё значение");
      return false;
    }
    if (table_.key == "id") return true;
    const auto found = std::find_if(table_.columns.begin(), table_.columns.end(), [&](const Column& one) { return one.name == table_.key; });
    if (found == table_.columns.end()) {
      std::vector<std::string> known = {"id"};
      for (const Column& one : table_.columns) known.push_back(one.name);
      Diagnostic& problem = loading_.report(DiagnosticId::BadTableKey, nodes_.key->span, {table_.key});
      offer(loading_, problem, table_.key, known, false);
      if (problem.hint_en.empty())
        hint(loading_, problem, "describe this column too: `" + table_.key + ": %text%`", "опишите и этот столбец: `" + table_.key + ": %text%`");
      return false;
    }
    if (found->type == ColumnType::Text || found->type == ColumnType::Number || found->type == ColumnType::Integer) return true;
    hint(loading_, loading_.report(DiagnosticId::BadTableKey, nodes_.key->span, {table_.key}),
         "choose a column of the type `%text%`, `%number%` or `%integer%`", "выберите столбец с типом `%text%`, `%number%` или `%integer%`");
    return false;
  }

  void not_a_table(const char* en, const char* ru, const char* way_en, const char* way_ru) {
    Diagnostic& problem = loading_.report(DiagnosticId::CsvNotTable, nodes_.data->span, {table_.data_file, en, ru});
    hint(loading_, problem, way_en, way_ru);
  }

  void report_undecoded(const std::string& bytes, const CsvProblem& problem) {
    switch (problem.fault) {
      case CsvFault::Workbook:
        return not_a_table("it is a workbook of Excel", "это книга Excel", "in Excel choose “Save as”, “CSV UTF-8”",
                           "в Excel выберите «Сохранить как», «CSV UTF-8»");
      case CsvFault::Binary:
        return not_a_table("it is no text", "это не текст", "save the table as CSV", "сохраните таблицу как CSV");
      default: break;
    }
    const auto line = std::count(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(problem.offset, bytes.size())), '\n') + 1;
    const std::string en = "line " + std::to_string(line) + " is neither UTF-8 nor Windows-1251";
    const std::string ru = "строка " + std::to_string(line) + " не в UTF-8 и не в Windows-1251";
    not_a_table(en.c_str(), ru.c_str(), "save the table as CSV in UTF-8", "сохраните таблицу как CSV в кодировке UTF-8");
  }

  /// The file as one of the sources, when there is something to be shown in it.
  SourceSpan span(std::uint32_t offset, std::uint32_t length) {
    if (!source_) {
      const std::filesystem::path beside = std::filesystem::path(loading_.sources.path(0)).parent_path();
      source_ = loading_.sources.add((beside / table_.data_file).generic_string(), *data_->text);
      loading_.program.files.resize(*source_);
      loading_.program.files.push_back(loading_.sources.path(*source_));
      const std::uint32_t yaml = nodes_.data->span.file;
      loading_.words_of_file.resize(*source_, Language::English);
      loading_.words_of_file.push_back(yaml < loading_.words_of_file.size() ? loading_.words_of_file[yaml] : Language::English);
    }
    return {*source_, offset, length};
  }

  std::string wanted_heading(std::size_t column) const {
    const std::string& named = nodes_.headings[column];
    return heading_key(named.empty() ? table_.columns[column].name : named);
  }

  std::size_t matches(const std::vector<CsvCell>& headings) const {
    std::size_t count = 0;
    for (const CsvCell& one : headings) {
      const std::string key = heading_key(one.text);
      if (table_.key == "id" && key == "id") ++count;
      for (std::size_t i = 0; i < table_.columns.size(); ++i) count += key == wanted_heading(i) ? 1 : 0;
    }
    return count;
  }

  /// The separator is the one by which most of the described columns are found.
  bool read_headings() {
    std::uint32_t begin = 0;
    std::vector<CsvCell> headings;
    std::size_t best = 0;
    std::optional<CsvProblem> broken;
    for (const char separator : csv_separators(*data_->text, begin)) {
      CsvReader reader(*data_->text, separator, begin);
      std::vector<CsvCell> row;
      if (!reader.next(row)) {
        if (!broken) broken = reader.problem();
        continue;
      }
      const std::size_t found = matches(row);
      if (!headings.empty() && found <= best) continue;
      best = found;
      headings = std::move(row);
      data_->separator = separator;
      data_->first_row = reader.offset();
    }
    if (headings.empty()) {
      if (broken) return report_broken(*broken), false;
      not_a_table("it is empty", "она пустая", "its first line names the columns", "в первой строке стоят названия столбцов");
      return false;
    }
    return match(headings);
  }

  bool match(const std::vector<CsvCell>& headings) {
    std::unordered_map<std::string, std::uint32_t> cell_of;
    std::vector<std::string> unused;
    bool good = true;
    for (std::uint32_t i = 0; i < headings.size(); ++i) {
      const std::string key = heading_key(headings[i].text);
      std::uint32_t column = TableData::kUnused;
      for (std::uint32_t c = 0; c < table_.columns.size(); ++c)
        if (key == wanted_heading(c)) column = c;
      if (table_.key == "id" && key == "id") column = TableData::kId;
      data_->columns.push_back(column);
      if (column == TableData::kUnused) {
        if (!headings[i].text.empty()) unused.push_back(headings[i].text);
        continue;
      }
      const auto [first, fresh] = cell_of.emplace(key, i);
      if (fresh) continue;
      Diagnostic& problem = loading_.report(DiagnosticId::CsvColumnTwice, span(headings[i].offset, headings[i].length), {headings[i].text});
      problem.related.push_back({"", span(headings[first->second].offset, headings[first->second].length)});
      hint(loading_, problem, "rename one of them, the first is {0}", "переименуйте один из них, первый: {0}");
      good = false;
    }
    const auto missing = [&](const std::string& name, SourceSpan described) {
      Diagnostic& problem =
          loading_.report(DiagnosticId::CsvMissingColumn, span(headings.front().offset, end_of(headings) - headings.front().offset), {name, table_.name});
      problem.related.push_back({"", described});
      offer(loading_, problem, name, unused, false);
      problem.fixes.clear();
      if (problem.hint_en.empty())
        hint(loading_, problem, "it is described in {0}; where the file has another heading, say so: `" + name + ": {%type%: …, %from%: \"heading\"}`",
             "он описан в {0}; если в файле он назван иначе, укажите это: `" + name + ": {%type%: …, %from%: \"заголовок\"}`");
      good = false;
    };
    if (table_.key == "id" && !cell_of.count("id")) missing("id", nodes_.key->span);
    for (std::size_t c = 0; c < table_.columns.size(); ++c)
      if (!cell_of.count(wanted_heading(c))) missing(nodes_.headings[c].empty() ? table_.columns[c].name : nodes_.headings[c], nodes_.spans[c]);
    return good;
  }

  static std::uint32_t end_of(const std::vector<CsvCell>& cells) { return cells.back().offset + cells.back().length; }

  void report_broken(const CsvProblem& problem) {
    if (problem.fault == CsvFault::UnclosedQuote) {
      hint(loading_, loading_.report(DiagnosticId::CsvUnclosedQuote, span(problem.offset, 1)), "close it; a quote inside of a cell is written twice",
           "закройте её; кавычку внутри ячейки пишут дважды");
    } else {
      hint(loading_, loading_.report(DiagnosticId::CsvBehindQuote, span(problem.offset, 1)), "a cell in quotes ends with its quote; one inside of it is written twice",
           "ячейка в кавычках кончается кавычкой; кавычку внутри пишут дважды");
    }
  }

  void report_cell(const CellProblem& problem) {
    if (problem.what == CellProblem::What::BadFile) return;  // said when it was looked for
    const SourceSpan where = span(problem.offset, problem.length);
    const std::string id = "id";
    const bool of_id = problem.column == TableData::kId;
    const Column* column = of_id || problem.column >= table_.columns.size() ? nullptr : &table_.columns[problem.column];
    const std::string& name = column ? column->name : id;
    switch (problem.what) {
      case CellProblem::What::BadValue: {
        const Word type = column ? type_word(*column) : Word::Integer;
        Diagnostic& told = loading_.report(DiagnosticId::CsvBadCell, where, {problem.text, name, loading_.say(type, where)});
        const char* en = "for example `1 200 000,50`";
        const char* ru = "например `1 200 000,50`";
        switch (type) {
          case Word::Integer:
            en = of_id ? "a whole number from 1 up; where rows have other names, take them as the key: `%key%: code`" : "for example `12`";
            ru = of_id ? "целое число от 1; если строки названы иначе, возьмите это ключом: `%key%: код`" : "например `12`";
            break;
          case Word::YesNo: en = "`yes` or `no`", ru = "`да` или `нет`"; break;
          case Word::DateWord: en = "for example `15.03.2026` or `2026-03-15`", ru = "например `15.03.2026` или `2026-03-15`"; break;
          case Word::TimeWord: en = "for example `09:30`", ru = "например `09:30`"; break;
          case Word::DateTime: en = "for example `15.03.2026 09:30`", ru = "например `15.03.2026 09:30`"; break;
          case Word::FileWord: en = "one name of a file", ru = "имя одного файла"; break;
          case Word::MapWord: en = "a file cannot hold values of this type", ru = "в файле таких значений не бывает"; break;
          default: break;
        }
        hint(loading_, told, en, ru);
        break;
      }
      case CellProblem::What::NoOption: {
        Diagnostic& told = loading_.report(DiagnosticId::CsvBadOption, where, {problem.text, name});
        if (may_offer(loading_, column->options.size())) offer(loading_, told, problem.text, column->options, false);
        told.fixes.clear();
        if (told.hint_en.empty()) {
          std::string all;
          for (const std::string& option : column->options) {
            if (all.size() > 200) break;
            all += (all.empty() ? "`" : ", `") + option + "`";
          }
          hint(loading_, told, "one of " + all, "можно: " + all);
        }
        break;
      }
      case CellProblem::What::NoKey:
        hint(loading_, loading_.report(DiagnosticId::CsvNoKey, where, {table_.key}), "fill it in, or take the row out", "заполните его или уберите строку");
        break;
      case CellProblem::What::ExtraCell:
        hint(loading_, loading_.report(DiagnosticId::CsvExtraCell, where), "put a text that has the separator in it in quotes: `\"Lesnaya, 5\"`",
             "текст, в котором есть разделитель, возьмите в кавычки: `\"Лесная, 5\"`");
        break;
      case CellProblem::What::BadFile:
        break;
    }
  }

  std::optional<Attachment> find_file(const std::string& path, const CsvCell& cell) {
    if (const auto known = data_->files.find(path); known != data_->files.end()) return known->second;
    if (std::find(missing_files_.begin(), missing_files_.end(), path) != missing_files_.end()) return std::nullopt;
    Node node;
    node.kind = Node::Kind::Scalar;
    node.scalar = loading_.kept.emplace_back(path);
    node.span = span(cell.offset, cell.length);
    auto file = read_file_name(loading_, node);
    if (file) {
      // Known by its content where the version is stored; a size would make the same row another when it is not.
      file->size = -1;
      data_->files.emplace(path, *file);
    } else {
      missing_files_.push_back(path);
    }
    return file;
  }

  void read_rows() {
    std::unordered_map<std::string, std::pair<std::uint32_t, std::uint32_t>> keys;
    std::size_t problems = 0;
    TableRows rows(table_, [this](const std::string& path, const CsvCell& cell) { return find_file(path, cell); });
    TableRow row;
    Short too_short;
    for (std::vector<CellProblem> wrong; rows.next(row, &wrong); wrong.clear()) {
      ++data_->rows;
      if (row.lacks && too_short.rows++ == 0) too_short.column = *row.lacks, too_short.end = row.end_offset;
      for (const CellProblem& one : wrong) report_cell(one);
      problems += wrong.size();
      if (!row.key.empty()) {
        const auto [first, fresh] = keys.try_emplace(row.key, row.key_offset, row.key_length);
        if (!fresh) {
          Diagnostic& problem = loading_.report(DiagnosticId::CsvKeyTwice, span(row.key_offset, row.key_length), {row.key, table_.key});
          problem.related.push_back({"", span(first->second.first, first->second.second)});
          hint(loading_, problem, "rows are told apart by it: change one of them, the first is {0}",
               "по нему различают строки: измените один из них, первый: {0}");
          ++problems;
        }
      }
      if (problems < kMostProblems) continue;
      hint(loading_, loading_.report(DiagnosticId::CsvMore, span(row.key_offset, 0), {table_.data_file}), "mend these first, then check again",
           "исправьте сначала эти и проверьте снова");
      return;
    }
    if (rows.broken()) report_broken(*rows.broken());
    if (too_short.rows > 0) report_short(too_short);
  }

  /// Rows that end early. Most often a separator is missing in the middle, and what stands behind it is in the wrong columns.
  struct Short {
    std::size_t rows = 0;
    std::uint32_t column = 0, end = 0;  ///< of the first one
  };
  void report_short(const Short& first) {
    Diagnostic& problem = loading_.report(DiagnosticId::CsvShortRow, span(first.end, 0), {table_.columns[first.column].name});
    const std::string more = std::to_string(first.rows - 1);
    hint(loading_, problem, "where nothing is to stand, leave the cell empty and keep its separator" + (first.rows > 1 ? "; more such rows: " + more : std::string()),
         "где ничего нет, оставьте пустую ячейку с разделителем" + (first.rows > 1 ? "; таких строк ещё " + more : std::string()));
  }

  Loading& loading_;
  Table& table_;
  const TableFileNodes& nodes_;
  std::shared_ptr<TableData> data_;
  std::optional<std::uint32_t> source_;
  std::vector<std::string> missing_files_;
};

}  // namespace

void load_table_file(Loading& loading, Table& table, const TableFileNodes& nodes) { TableFile(loading, table, nodes).read(); }

}  // namespace sufler
