#include "interpreter/core/expression_vocabulary.h"

#include <string>
#include <unordered_map>

#include "interpreter/core/expression_calls.h"

namespace sufler {
namespace {

using Index = std::unordered_map<std::string_view, const ExpressionCall*>;

Index index_of(std::span<const ExpressionCall> table) {
  Index index;
  for (const ExpressionCall& call : table) {
    index.emplace(call.english, &call);
    index.emplace(call.russian, &call);
  }
  return index;
}

const ExpressionCall* find(const Index& index, std::string_view name) {
  const auto found = index.find(name);
  return found == index.end() ? nullptr : found->second;
}

std::vector<std::string> names_of(std::span<const ExpressionCall> table) {
  std::vector<std::string> names;
  for (const ExpressionCall& call : table) names.emplace_back(call.english);
  for (const ExpressionCall& call : table) names.emplace_back(call.russian);
  return names;
}

struct KeywordRow {
  Keyword keyword;
  std::string_view english, russian, usage, about;
};
constexpr KeywordRow kKeywords[] = {
    {Keyword::And, "and", "и", "a and b", "both hold"},
    {Keyword::Or, "or", "или", "a or b", "the first that holds, else the second"},
    {Keyword::Not, "not", "не", "not a", "does not hold"},
    {Keyword::In, "in", "в", "a in b", "is an item of a list, a part of a text, a name of a map"},
    {Keyword::If, "if", "если", "x if c else y", "x when c holds, else y"},
    {Keyword::Else, "else", "иначе", "x if c else y", "x when c holds, else y"},
    {Keyword::True, "true", "истина", "true", "yes"},
    {Keyword::False, "false", "ложь", "false", "no"},
    {Keyword::Null, "null", "пусто", "null", "nothing: what was never set or answered"},
};

struct MemberRow {
  MemberWord word;
  std::string_view english, russian, usage, about;
};
constexpr MemberRow kMembers[] = {
    {MemberWord::Name, "name", "имя", "file.name", "the name of a file"},
    {MemberWord::Size, "size", "размер", "file.size", "bytes of a file, or null"},
    {MemberWord::Kind, "kind", "вид", "file.kind",
     "photo, document, voice, audio, video, sticker or other"},
    {MemberWord::Caption, "caption", "подпись", "file.caption", "the text that came with a file"},
    {MemberWord::Mime, "mime", "тип", "file.mime", "such as image/jpeg, may be empty"},
    {MemberWord::Year, "year", "год", "date.year", "the year of a date"},
    {MemberWord::Month, "month", "месяц", "date.month", "the month of a date, 1 to 12"},
    {MemberWord::Day, "day", "день", "date.day", "the day of the month"},
    {MemberWord::Hour, "hour", "час", "time.hour", "the hour of a time, 0 to 23"},
    {MemberWord::Minute, "minute", "минута", "time.minute", "the minute of a time"},
};

}  // namespace

const ExpressionCall* find_filter(std::string_view name) {
  static const Index index = index_of(filter_table());
  return find(index, name);
}

const ExpressionCall* find_function(std::string_view name) {
  static const Index index = index_of(function_table());
  return find(index, name);
}

std::vector<std::string> filter_names() { return names_of(filter_table()); }
std::vector<std::string> function_names() { return names_of(function_table()); }

Keyword find_keyword(std::string_view word) {
  for (const KeywordRow& row : kKeywords) {
    if (word == row.english || word == row.russian) return row.keyword;
  }
  return Keyword::None;
}

bool is_expression_keyword(std::string_view word) { return find_keyword(word) != Keyword::None; }

bool is_like(std::string_view word) { return word == "like" || word == "похоже"; }

MemberWord find_member(std::string_view word) {
  for (const MemberRow& row : kMembers) {
    if (word == row.english || word == row.russian) return row.word;
  }
  return MemberWord::None;
}

const std::vector<ExpressionWord>& expression_words() {
  static const std::vector<ExpressionWord> words = [] {
    using Kind = ExpressionWord::Kind;
    std::vector<ExpressionWord> rows;
    for (const KeywordRow& row : kKeywords) {
      rows.push_back({Kind::Operator, row.english, row.russian, row.usage, row.about});
    }
    rows.push_back(
        {Kind::Operator, "like", "похоже", "a like b", "the same words as commands compare them"});
    for (const ExpressionCall& call : filter_table()) {
      rows.push_back({Kind::Filter, call.english, call.russian, call.usage, call.about});
    }
    for (const ExpressionCall& call : function_table()) {
      rows.push_back({Kind::Function, call.english, call.russian, call.usage, call.about});
    }
    for (const MemberRow& row : kMembers) {
      rows.push_back({Kind::Member, row.english, row.russian, row.usage, row.about});
    }
    return rows;
  }();
  return words;
}

std::string_view type_name(ValueType type) {
  switch (type) {
    case ValueType::Null:
      return "null";
    case ValueType::Boolean:
      return "boolean";
    case ValueType::Number:
      return "number";
    case ValueType::Text:
      return "text";
    case ValueType::Moment:
      return "moment";
    case ValueType::Date:
      return "date";
    case ValueType::Time:
      return "time";
    case ValueType::Duration:
      return "duration";
    case ValueType::List:
      return "list";
    case ValueType::Map:
      return "map";
    case ValueType::File:
      return "file";
  }
  return "null";
}

}  // namespace sufler
