#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpreter/core/program.h"
#include "interpreter/core/turn.h"

/// What a turn asks of the service `report`, as the JSON of its job: all that the report needs to be made, so that a
/// reload in between changes nothing of it.
namespace sufler {

/// As jobs call the service.
inline constexpr std::string_view kReportService = "report";

struct ReportOrder {
  std::string name;   ///< of the file, with its ending
  std::string title;
  ReportStep::Format format = ReportStep::Format::Html;
  Language language = Language::Russian;
  std::string zone;   ///< IANA
  Moment at;          ///< when it was asked for
  Moment from, to;    ///< `to` is not in it
  bool all_time = false;  ///< the two say nothing

  // ---- of talks

  bool talks = false;
  /// The one talk that is wanted; all of them when its `chat_id` is empty.
  ChatAddress chat;
  std::string user_id;
  std::vector<std::string> counted;  ///< tables that steps write to: how many rows came

  // ---- of rows

  Table table;        ///< its name and columns
  std::vector<Condition> conditions;
  std::string where;  ///< may be empty
  ValueMap names;     ///< what `where` and columns read beside the row
  std::vector<SortKey> sort;
  struct Column {
    std::string heading, expression;
  };
  std::vector<Column> columns;
  std::vector<std::string> secret;  ///< columns whose values nobody sees
};

std::string to_json(const ReportOrder& order);
bool from_json(std::string_view json, ReportOrder& order);

/// Where a report's file is kept: what begins so is no file of a version, and is not put where those are kept on disk.
inline constexpr std::string_view kReportKey = "report-";
/// Behind the key: the same for a letter, which is shorter.
inline constexpr std::string_view kReportLetter = ".letter";
/// In the HTML of a letter: it has not all of the report.
inline constexpr std::string_view kReportCut = "<!--cut-->";
/// Of a letter that has not all: says no longer that the file is attached, but that it is not.
std::string without_report_file(std::string letter);
/// What the letter says of its file, between the first two, and what is true when it is missing, in a comment of the third.
inline constexpr std::string_view kReportFile = "<!--file-->", kReportFileEnd = "<!--/file-->", kReportNoFile = "<!--no file:";

}  // namespace sufler
