// One form for each format, and one way through all of them: a talk or a row becomes a piece of text at once, pieces are
// put in order at the end, and around them go figures that were counted on the way.
//
// The HTML keeps to what every mail program shows (tables, colours in the tags themselves, no style sheet), for the same
// pieces stand in a letter and in the file that is opened in a browser.
#include "interpreter/core/report/writer.h"

#include <algorithm>
#include <optional>
#include <set>

#include "interpreter/core/mail/html_template.h"
#include "interpreter/core/report/words.h"

namespace sufler {
namespace {

using Format = ReportStep::Format;

constexpr std::string_view kBom = "\xEF\xBB\xBF";
constexpr std::string_view kNoBreakSpace = "\u00A0";
constexpr std::string_view kBlot = "•••";
constexpr std::int64_t kHourMs = 3'600'000;
/// Beyond these a chart by hours, or by days, has too many lines to be read.
constexpr std::int64_t kHoursShown = 49 * kHourMs, kDaysShown = 62 * 24 * kHourMs;
constexpr std::size_t kMostBars = 120;
/// More columns than these are lines below each other: a telephone is narrow.
constexpr std::size_t kColumnsAside = 3;

std::string filled(std::string_view text, const std::vector<std::string>& with) {
  std::string out(text);
  for (std::size_t i = 0; i < with.size(); ++i) {
    const std::string mark = "{" + std::to_string(i) + "}";
    if (const std::size_t at = out.find(mark); at != std::string::npos) out.replace(at, mark.size(), with[i]);
  }
  return out;
}

/// `12 345`: digits of a whole number in threes, from five on.
std::string grouped(std::string digits) {
  const std::size_t begin = digits.starts_with('-') ? 1 : 0;
  std::size_t end = begin;
  while (end < digits.size() && digits[end] >= '0' && digits[end] <= '9') ++end;
  if (end - begin < 5) return digits;
  for (std::size_t at = end; at > begin + 3;) {
    at -= 3;
    digits.insert(at, kNoBreakSpace);
  }
  return digits;
}
std::string grouped(std::int64_t number) { return grouped(std::to_string(number)); }

std::string shown_date(Date date, Language language) {
  return language == Language::Russian ? format_date(date, language, "dd.MM.yyyy") : date.to_iso();
}
std::string shown_minute(TimeOfDay time) { return format_time(TimeOfDay{time.seconds - time.seconds % 60}); }

/// `UTC+3`, `UTC-4:30`.
std::string utc_offset(const Zone& zone, Moment at) {
  const LocalTime local = zone.to_local(at);
  const std::int64_t seconds = at.unix_ms >= 0 ? at.unix_ms / 1000 : -((-at.unix_ms + 999) / 1000);
  const std::int64_t minutes = (std::int64_t{local.date.days_since_epoch} * 86'400 + local.time.seconds - seconds) / 60;
  const std::int64_t size = minutes < 0 ? -minutes : minutes;
  std::string out = minutes < 0 ? "UTC-" : "UTC+";
  out += std::to_string(size / 60);
  if (size % 60 != 0) out += ":" + std::string(size % 60 < 10 ? "0" : "") + std::to_string(size % 60);
  return out;
}

/// What a row's expressions see.
class RowScope final : public Scope {
 public:
  RowScope(const ReportOrder& order, const Zone& zone) : order_(order), locale_{order.language, zone} {}
  void set_row(const ValueMap& row) { row_ = &row; }

  const Value* find(std::string_view name) const override {
    const Value* value = row_ ? row_->find(name) : nullptr;
    return value ? value : order_.names.find(name);
  }
  const Template* named_text(std::string_view) const override { return nullptr; }
  Moment now() const override { return order_.at; }
  const Locale& locale() const override { return locale_; }
  std::uint64_t random(std::uint64_t) const override { return 0; }
  bool is_working_time(std::string_view) const override { return false; }
  std::string_view default_currency() const override { return order_.language == Language::Russian ? "RUB" : "USD"; }

 private:
  const ReportOrder& order_;
  Locale locale_;
  const ValueMap* row_ = nullptr;
};

/// A spreadsheet takes a cell that begins so for a formula.
bool looks_like_formula(std::string_view text) {
  return !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
}

// ---- how often something happened, by the clock

class Chart {
 public:
  enum class Step : std::uint8_t { None, Hour, Day, Month };

  Chart(const ReportOrder& order, const Zone& zone) : order_(order), zone_(zone) {
    const std::int64_t length = order.to.unix_ms - order.from.unix_ms;
    if (order.all_time || length <= 0) return;
    step_ = length <= kHoursShown ? Step::Hour : length <= kDaysShown ? Step::Day : Step::Month;
    // In small steps, because a day may have 23 or 25 hours.
    const std::int64_t by = step_ == Step::Hour ? kHourMs / 4 : step_ == Step::Day ? 6 * kHourMs : 24 * kHourMs;
    for (std::int64_t at = order.from.unix_ms; at < order.to.unix_ms; at += by) add_bar(Moment{at});
    add_bar(Moment{order.to.unix_ms - 1});
    if (bars_.size() > kMostBars) step_ = Step::None;
  }

  Step step() const { return step_; }
  void count(Moment at) {
    if (step_ == Step::None) return;
    if (const auto found = places_.find(key_of(at)); found != places_.end()) ++bars_[found->second].count;
  }

  struct Bar {
    std::string label;
    std::int64_t count = 0;
  };
  /// From the first that has something to the last.
  std::vector<Bar> bars() const {
    std::size_t begin = 0, end = bars_.size();
    while (begin < end && bars_[begin].count == 0) ++begin;
    while (end > begin && bars_[end - 1].count == 0) --end;
    return {bars_.begin() + static_cast<std::ptrdiff_t>(begin), bars_.begin() + static_cast<std::ptrdiff_t>(end)};
  }

 private:
  /// An hour that the clock shows twice is one bar.
  std::int64_t key_of(Moment at) const {
    const LocalTime local = zone_.to_local(at);
    if (step_ == Step::Hour) return std::int64_t{local.date.days_since_epoch} * 24 + local.time.seconds / 3600;
    if (step_ == Step::Day) return local.date.days_since_epoch;
    int year = 0;
    unsigned month = 1, day = 1;
    local.date.to_ymd(year, month, day);
    return std::int64_t{year} * 12 + month;
  }

  void add_bar(Moment at) {
    const std::int64_t key = key_of(at);
    if (!places_.emplace(key, bars_.size()).second) return;
    const LocalTime local = zone_.to_local(at);
    std::string label;
    switch (step_) {
      case Step::Hour: label = format_time(TimeOfDay{local.time.seconds / 3600 * 3600}); break;
      case Step::Day: label = shown_date(local.date, order_.language); break;
      default: label = format_date(local.date, order_.language, order_.language == Language::Russian ? "MM.yyyy" : "yyyy-MM");
    }
    bars_.push_back({std::move(label), 0});
  }

  const ReportOrder& order_;
  const Zone& zone_;
  Step step_ = Step::None;
  std::vector<Bar> bars_;
  std::map<std::int64_t, std::size_t> places_;
};

struct Piece {
  std::vector<Value> key;  ///< by `sort`; of a talk when it began
  std::int64_t id = 0;     ///< of the row or the dialog
  std::string text;
};

// ---- HTML

constexpr std::string_view kFont = "font-family:Arial,sans-serif;";
constexpr std::string_view kText = "color:#1d2733;";
constexpr std::string_view kDim = "color:#5b6876;";

class Html {
 public:
  Html(const ReportOrder& order, const ReportWords& words) : order_(order), words_(words) {}

  struct Page {
    std::string title, period, note;
    std::vector<std::pair<std::string, std::string>> totals;
    std::string chart_title;
    std::vector<Chart::Bar> bars;
    std::string empty;   ///< said in the place of pieces when there are none
    std::string remark;  ///< before the pieces; may be empty
    std::string in_file, no_file;  ///< behind it: where the rest is, and what is said when it is not there
    std::string inbox;   ///< what a mail program shows beside the subject
    bool cut = false;
  };

  /// Up to where pieces begin.
  std::string head(const Page& page) const {
    const std::string width = "640";
    std::string out = "<!doctype html>\n<html lang=\"";
    out += order_.language == Language::Russian ? "ru" : "en";
    out += "\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
           "<meta name=\"color-scheme\" content=\"light\">\n<title>";
    out += escape_html(page.title) + "</title>\n</head>\n<body style=\"margin:0;padding:0\">\n";
    if (page.cut) out += kReportCut;
    out += "<div style=\"display:none;max-height:0;overflow:hidden\">" + escape_html(page.inbox) + "</div>\n";
    out += "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" bgcolor=\"#e9edf1\">\n<tr><td "
           "align=\"center\" style=\"padding:16px 8px\">\n";
    out += "<table role=\"presentation\" width=\"" + width + "\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" bgcolor=\"#ffffff\" "
           "style=\"width:100%;max-width:" + width + "px\">\n";
    out += "<tr><td style=\"" + style("font-size:22px;line-height:28px;font-weight:bold;padding:20px 20px 4px", kText) + "\">" +
           escape_html(page.title) + "</td></tr>\n";
    out += "<tr><td style=\"" + style("font-size:14px;line-height:20px;padding:0 20px 16px", kDim) + "\">" + escape_html(page.period) +
           "<br>" + escape_html(page.note) + "</td></tr>\n";
    add_totals(out, page);
    add_chart(out, page);
    if (!page.empty.empty())
      out += "<tr><td style=\"" + style("font-size:16px;line-height:24px;padding:12px 20px 24px", kText) + "\">" + escape_html(page.empty) +
             "</td></tr>\n";
    if (!page.remark.empty())
      out += "<tr><td bgcolor=\"#fff4d6\" style=\"" + style("font-size:14px;line-height:20px;padding:10px 20px", kText) + "\">" +
             escape_html(page.remark) + where_the_rest_is(page) + "</td></tr>\n";
    if (page.empty.empty() && is_table()) add_table_head(out);
    return out;
  }

  std::string foot(const Page& page) const {
    return std::string(page.empty.empty() && is_table() ? "</table>\n</td></tr>\n" : "") + "</table>\n</td></tr>\n</table>\n</body>\n</html>\n";
  }

  /// The beginning of a talk, `most` bytes of it, and what is said of the rest.
  static std::string cut(const std::string& talk, std::size_t most, const std::string& rest) {
    if (talk.size() <= most) return talk;
    // Between two messages no tag is open; what people write holds no such mark, for it is escaped.
    std::size_t end = talk.rfind(kNextSaying, most);
    if (end == talk.npos) end = talk.find(kNextSaying);
    if (end == talk.npos) return talk;
    return talk.substr(0, end) + of_the_rest(rest) + std::string(kEndOfTalk);
  }

  std::string talk(const std::string& who, const std::string& about, const std::vector<Saying>& said, const std::string& rest) const {
    std::string out = "<tr><td style=\"" + style("font-size:14px;line-height:20px;padding:14px 20px;border-top:1px solid #cfd7df", kText) +
                      "\"><b>" + escape_html(who) + "</b> <span style=\"color:#5b6876\">" + escape_html(about) + "</span>";
    std::string day;
    for (const Saying& one : said) {
      if (one.day != day) {
        if (!day.empty() || said.front().day != said.back().day)
          out += std::string(kNextSaying) + escape_html(one.day) + "</span>";
        day = one.day;
      }
      out += std::string(kNextSaying) + one.time + "</span> <b>" + escape_html(one.name) + ":</b> " + escape_html_text(one.text);
    }
    return out + of_the_rest(rest) + std::string(kEndOfTalk);
  }

  /// `numeric`: by column.
  std::string row(const std::vector<std::string>& cells, const std::vector<bool>& numeric) const {
    std::string out;
    if (is_table()) {
      out = "<tr>";
      for (std::size_t i = 0; i < cells.size(); ++i)
        out += "<td" + std::string(numeric[i] ? " align=\"right\"" : "") + " valign=\"top\" style=\"" +
               style(numeric[i] ? "font-size:14px;line-height:20px;padding:6px 8px;border-top:1px solid #cfd7df;white-space:nowrap"
                                : "font-size:14px;line-height:20px;padding:6px 8px;border-top:1px solid #cfd7df;word-break:break-word",
                     kText) + "\">" +
               escape_html_text(cells[i]) + "</td>";
      return out + "</tr>\n";
    }
    out = "<tr><td style=\"" + style("font-size:14px;line-height:20px;padding:12px 20px;border-top:1px solid #cfd7df", kText) + "\">";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (cells[i].empty()) continue;
      out += "<span style=\"color:#5b6876\">" + escape_html(order_.columns[i].heading) + ":</span> " + escape_html_text(cells[i]) + "<br>";
    }
    return out + "</td></tr>\n";
  }

 private:
  static constexpr std::string_view kNextSaying = "<br>\n<span style=\"color:#5b6876\">", kEndOfTalk = "</td></tr>\n";
  static std::string of_the_rest(const std::string& rest) {
    return rest.empty() ? std::string() : std::string(kNextSaying) + escape_html(rest) + "</span>";
  }
  static std::string where_the_rest_is(const Page& page) {
    if (page.in_file.empty()) return {};
    return " " + std::string(kReportFile) + escape_html(page.in_file) + std::string(kReportFileEnd) + std::string(kReportNoFile) +
           in_comment(escape_html(page.no_file)) + "-->";
  }
  /// A comment ends with the first `--`.
  static std::string in_comment(std::string text) {
    for (std::size_t at = text.find("--"); at != text.npos; at = text.find("--", at)) text.replace(at, 2, "- -");
    return text;
  }

  static std::string style(std::string_view own, std::string_view color) {
    return std::string(kFont) + std::string(color) + std::string(own);
  }
  bool is_table() const { return !order_.talks && order_.columns.size() <= kColumnsAside; }

  /// Known beforehand, for its heading: a column of numbers as it is.
  bool is_numeric(const std::string& expression) const {
    return expression == "id" || std::any_of(order_.table.columns.begin(), order_.table.columns.end(), [&](const Column& one) {
             return one.name == expression && (one.type == ColumnType::Number || one.type == ColumnType::Integer);
           });
  }

  void add_totals(std::string& out, const Page& page) const {
    if (page.totals.empty()) return;
    out += "<tr><td style=\"padding:0 20px 12px\">\n<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\">\n";
    for (const auto& [label, value] : page.totals)
      out += "<tr><td style=\"" + style("font-size:15px;line-height:22px;padding:3px 0", kText) + "\">" + escape_html(label) +
             "</td><td align=\"right\" style=\"" + style("font-size:15px;line-height:22px;padding:3px 0;font-weight:bold", kText) + "\">" +
             escape_html(value) + "</td></tr>\n";
    out += "</table>\n</td></tr>\n";
  }

  void add_chart(std::string& out, const Page& page) const {
    if (page.bars.empty()) return;
    std::int64_t most = 1;
    for (const Chart::Bar& bar : page.bars) most = std::max(most, bar.count);
    out += "<tr><td style=\"" + style("font-size:14px;line-height:20px;padding:8px 20px 4px", kDim) + "\">" + escape_html(page.chart_title) +
           "</td></tr>\n<tr><td style=\"padding:0 20px 16px\">\n<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" "
           "cellspacing=\"0\" border=\"0\">\n";
    for (const Chart::Bar& bar : page.bars) {
      // The number stands behind the bar, so the longest leaves room for it.
      const std::int64_t percent = bar.count == 0 ? 0 : std::max<std::int64_t>(1, bar.count * 85 / most);
      out += "<tr><td width=\"76\" style=\"" + style("font-size:12px;line-height:16px;padding:2px 8px 2px 0;white-space:nowrap", kDim) + "\">" +
             escape_html(bar.label) + "</td><td style=\"padding:2px 0\"><table role=\"presentation\" width=\"100%\" cellpadding=\"0\" "
             "cellspacing=\"0\" border=\"0\"><tr>";
      if (percent > 0)
        out += "<td width=\"" + std::to_string(percent) + "%\" bgcolor=\"#3b7dd8\" style=\"font-size:12px;line-height:14px\">&nbsp;</td>";
      out += "<td style=\"" + style("font-size:12px;line-height:14px;padding:0 0 0 6px", kText) + "\">" + grouped(bar.count) +
             "</td></tr></table></td></tr>\n";
    }
    out += "</table>\n</td></tr>\n";
  }

  void add_table_head(std::string& out) const {
    out += "<tr><td style=\"padding:8px 12px 20px\">\n<table width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\">\n<tr>";
    for (const ReportOrder::Column& column : order_.columns)
      out += "<th align=\"" + std::string(is_numeric(column.expression) ? "right" : "left") + "\" valign=\"bottom\" bgcolor=\"#e9edf1\" style=\"" + style("font-size:13px;line-height:18px;padding:6px 8px", kText) +
             "\">" + escape_html(column.heading) + "</th>";
    out += "</tr>\n";
  }

  const ReportOrder& order_;
  const ReportWords& words_;
};

}  // namespace

struct ReportWriter::Impl {
  const ReportOrder order;
  const std::size_t most;
  const ReportWords& words;
  Zone zone;
  Program reader;  ///< language and zone, for transcripts
  Chart chart;
  Html html;
  RowScope scope;
  std::optional<Expression> where;
  std::vector<Expression> columns;
  std::set<std::string, std::less<>> secret;
  std::string trouble;  ///< what of the order cannot be read

  std::vector<Piece> pieces;
  std::size_t bytes = 0;
  std::size_t all = 0;  ///< talks or rows, those without room too
  std::int64_t from_clients = 0, from_bot = 0, from_staff = 0, new_people = 0, with_staff = 0;

  Impl(const ReportOrder& given, std::size_t most_bytes)
      : order(given), most(most_bytes), words(report_words(given.language)), zone(Zone::find(given.zone).value_or(Zone())),
        chart(order, zone), html(order, words), scope(order, zone), secret(given.secret.begin(), given.secret.end()) {
    reader.language = order.language;
    reader.zone = zone;
    if (!order.where.empty()) where = parse(order.where);
    for (const ReportOrder::Column& column : order.columns) columns.push_back(parse(column.expression));
  }

  Expression parse(const std::string& source) {
    auto read = Expression::parse(source);
    if (read) return std::move(*read);
    trouble = "an expression of the report cannot be read: " + source;
    return {};
  }

  // ---- pieces in order

  bool before(const Piece& a, const Piece& b) const {
    for (std::size_t i = 0; i < a.key.size() && i < b.key.size(); ++i) {
      const bool descending = i < order.sort.size() && order.sort[i].descending;
      const Value &x = a.key[i], &y = b.key[i];
      // Nothing comes last either way, as in tables.
      if (x.is_null() != y.is_null()) return y.is_null();
      const auto order_of = compare(x, y);
      if (order_of == std::partial_ordering::less) return !descending;
      if (order_of == std::partial_ordering::greater) return descending;
    }
    return a.id < b.id;
  }

  void sort_pieces() {
    std::sort(pieces.begin(), pieces.end(), [this](const Piece& a, const Piece& b) { return before(a, b); });
  }

  void keep(Piece piece) {
    ++all;
    piece.text.shrink_to_fit();  // there may be many, and each grew by doubling
    bytes += piece.text.size();
    pieces.push_back(std::move(piece));
    if (bytes > 2 * most) drop_what_has_no_room();
  }

  void drop_what_has_no_room() {
    sort_pieces();
    std::size_t sum = 0, kept = 0;
    while (kept < pieces.size() && sum + pieces[kept].text.size() <= most) sum += pieces[kept++].text.size();
    pieces.resize(kept);
    bytes = sum;
  }

  // ---- talks

  static std::string name_of(const UserRecord& user) {
    std::string name = user.first_name;
    if (!user.last_name.empty()) name += (name.empty() ? "" : " ") + user.last_name;
    return name;
  }

  static std::string platform_of(const ChatAddress& chat) {
    if (chat.transport == "telegram") return "Telegram";
    if (chat.transport == "vk") return "VK";
    return chat.transport;
  }

  void add_talk(const ReportTalk& talk) {
    const std::string name = name_of(talk.user);
    std::vector<Saying> said = sayings(reader, talk.lines, name, SIZE_MAX);
    // Turns in which nobody said anything: a timer, a press that changed nothing.
    std::erase_if(said, [](const Saying& one) { return trim(one.text).empty(); });
    if (said.empty()) return;
    for (Saying& one : said) make_plain(one.name), make_plain(one.text);
    bool staff = false;
    for (const Saying& one : said) {
      if (one.who == Saying::Who::Client) ++from_clients, chart.count(one.at);
      if (one.who == Saying::Who::Bot) ++from_bot;
      if (one.who == Saying::Who::Staff) ++from_staff, staff = true;
    }
    if (staff) ++with_staff;
    if (!order.all_time && talk.user.created_at >= order.from && talk.user.created_at < order.to) ++new_people;
    Piece piece;
    piece.key.emplace_back(said.front().at);
    piece.id = talk.dialog_id;
    std::string who = name.empty() ? std::string(words.unknown) : name;
    std::string about = platform_of(talk.chat);
    if (!talk.user.username.empty()) about += " @" + talk.user.username;
    make_plain(who), make_plain(about);
    about += ", " + shown_date(zone.to_local(said.front().at).date, order.language) + " " + said.front().time + (said.back().time == said.front().time ? "" : "–" + said.back().time);
    const std::string rest = shorten(said) || talk.cut ? std::string(words.long_talk) : std::string();
    switch (order.format) {
      case Format::Html: piece.text = html.talk(who, about, said, rest); break;
      case Format::Text:
        piece.text = who + " (" + about + ")\n" + as_text(said) + (rest.empty() ? "" : rest + "\n") + "\n";
        break;
      case Format::Csv:
        for (const Saying& one : said) {
          const LocalTime local = zone.to_local(one.at);
          piece.text += csv({{shown_date(local.date, order.language), false}, {one.time, false}, {std::to_string(talk.dialog_id), false},
                             {who, true}, {platform_of(talk.chat), true}, {one.name, true}, {one.text, true}});
        }
        if (!rest.empty())
          piece.text += csv({{"", false}, {"", false}, {std::to_string(talk.dialog_id), false}, {who, true}, {platform_of(talk.chat), true}, {"", true}, {rest, true}});
        break;
    }
    keep(std::move(piece));
  }

  /// Leaves what one talk may take; whether that is not all.
  static bool shorten(std::vector<Saying>& said) {
    constexpr std::size_t kAround = 128;  // time, name, tags
    std::size_t size = 0, kept = 0;
    while (kept < said.size() && size + said[kept].text.size() + kAround <= kMostOfTalk) size += said[kept++].text.size() + kAround;
    if (kept == said.size()) return false;
    said.resize(std::max<std::size_t>(kept, 1));
    return true;
  }

  /// Marks that turn the order of what stands behind them around: with them one could write what another seems to say.
  static void make_plain(std::string& text) {
    for (std::size_t at = text.find("\xE2\x80"); at != text.npos; at = text.find("\xE2\x80", at)) {
      const auto third = at + 2 < text.size() ? static_cast<unsigned char>(text[at + 2]) : 0u;
      third >= 0xAA && third <= 0xAE ? void(text.erase(at, 3)) : void(at += 2);  // U+202A to U+202E
    }
    for (std::size_t at = text.find("\xE2\x81"); at != text.npos; at = text.find("\xE2\x81", at)) {
      const auto third = at + 2 < text.size() ? static_cast<unsigned char>(text[at + 2]) : 0u;
      third >= 0xA6 && third <= 0xA9 ? void(text.erase(at, 3)) : void(at += 2);  // U+2066 to U+2069
    }
  }

  // ---- rows

  std::string add_row(const ValueMap& row) {
    if (!trouble.empty()) return trouble;
    scope.set_row(row);
    if (where) {
      auto holds = where->evaluate(scope);
      if (!holds) return "`" + order.where + "`: " + holds.error().detail;
      if (!holds->truthy()) return {};
    }
    Piece piece;
    for (const SortKey& key : order.sort) {
      const Value* value = row.find(key.column);
      piece.key.push_back(value ? *value : Value());
    }
    const Value* id = row.find("id");
    piece.id = id && id->number() ? id->number()->to_int64().value_or(0) : 0;
    const Value* at = row.find("created_at");
    if (at && at->moment()) chart.count(*at->moment());
    std::vector<std::string> cells;
    std::vector<bool> numeric;
    std::vector<std::pair<std::string, bool>> plain;
    ValueMap hidden;
    if (!secret.empty()) {
      hidden = row;
      for (const std::string& one : secret)
        if (const Value* value = hidden.find(one); value && !value->is_null()) hidden.set(one, kBlot);
      scope.set_row(hidden);
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
      auto value = columns[i].evaluate(scope);
      if (!value) return "`" + order.columns[i].expression + "`: " + value.error().detail;
      numeric.push_back(value->number() != nullptr);
      if (order.format == Format::Csv) {
        plain.emplace_back(plain_cell(*value), value->number() == nullptr);
      } else {
        cells.push_back(cell(*value, order.columns[i].expression == "id"));
      }
    }
    switch (order.format) {
      case Format::Html: piece.text = html.row(cells, numeric); break;
      case Format::Csv: piece.text = csv(plain); break;
      case Format::Text:
        for (std::size_t i = 0; i < cells.size(); ++i)
          if (!cells[i].empty()) piece.text += order.columns[i].heading + ": " + indented(cells[i]) + "\n";
        piece.text += "\n";
        break;
    }
    keep(std::move(piece));
    return {};
  }

  static std::string indented(const std::string& text) {
    std::string out;
    for (const char c : text) {
      out += c;
      if (c == '\n') out += "  ";
    }
    return out;
  }

  /// As people read it.
  std::string cell(const Value& value, bool is_id) const {
    std::string text = as_it_is(value, is_id);
    make_plain(text);
    return text;
  }
  std::string as_it_is(const Value& value, bool is_id) const {
    if (value.number()) {
      std::string digits = to_display(value, scope.locale());
      return is_id ? digits : grouped(std::move(digits));
    }
    if (value.text()) {
      const std::string& text = *value.text();
      const bool digits = text.size() >= 8 && text.front() == '+' && text.find_first_not_of("0123456789", 1) == std::string::npos;
      return digits ? format_phone_display(text) : text;
    }
    if (value.date()) return shown_date(*value.date(), order.language);
    if (value.moment()) return shown_moment(*value.moment());
    return to_display(value, scope.locale());
  }

  /// As a spreadsheet reads it: numbers without spaces, a telephone in one piece.
  std::string plain_cell(const Value& value) const {
    std::string text = value.number() || value.text() ? to_display(value, scope.locale()) : as_it_is(value, false);
    make_plain(text);
    return text;
  }

  std::string shown_moment(Moment at) const {
    const LocalTime local = zone.to_local(at);
    return shown_date(local.date, order.language) + " " + shown_minute(local.time);
  }

  /// The flag: a text, which must not become a formula.
  std::string csv(const std::vector<std::pair<std::string, bool>>& cells) const {
    std::string out;
    for (const auto& [text, guarded] : cells) {
      if (!out.empty()) out += order.language == Language::Russian ? ';' : ',';
      out += '"';
      if (guarded && looks_like_formula(text)) out += '\'';
      for (const char c : text) {
        if (c == '\0') continue;
        if (c == '"') out += '"';
        out += c;
      }
      out += '"';
    }
    return out + "\r\n";
  }

  // ---- around them

  std::string period() const {
    if (order.all_time) return std::string(words.all_time);
    const LocalTime from = zone.to_local(order.from), to = zone.to_local(order.to);
    if (from.time.seconds == 0 && to.time.seconds == 0) {
      const Date last{to.date.days_since_epoch - 1};
      const std::string first = shown_date(from.date, order.language);
      return last <= from.date ? first : first + " — " + shown_date(last, order.language);
    }
    return shown_moment(order.from) + " — " + shown_moment(order.to);
  }

  std::string note() const {
    const Moment from = order.all_time ? order.at : order.from, to = order.all_time ? order.at : order.to;
    const std::string first = utc_offset(zone, from), last = utc_offset(zone, to);
    std::string out = std::string(words.zone) + ": " + zone.name() + ", " + first;
    if (last != first) out += ", " + std::string(words.then) + " " + last;
    return out + "; " + std::string(words.made) + " " + shown_moment(order.at);
  }

  std::vector<std::pair<std::string, std::string>> totals(const ReportCounts& counts) const {
    std::vector<std::pair<std::string, std::string>> lines;
    const auto add = [&](std::string_view label, std::int64_t number) { lines.emplace_back(std::string(label), grouped(number)); };
    if (!order.talks) {
      add(words.n_rows, static_cast<std::int64_t>(all));
      return lines;
    }
    add(words.n_talks, static_cast<std::int64_t>(all));
    add(words.n_client, from_clients);
    add(words.n_bot, from_bot);
    if (order.chat.chat_id.empty()) add(words.n_new, new_people);
    if (with_staff > 0) add(words.n_with_staff, with_staff), add(words.n_staff, from_staff);
    if (counts.tickets > 0) add(words.n_tickets, counts.tickets);
    for (const auto& [table, count] : counts.tables) add(filled(words.n_added, {table}), count);
    return lines;
  }

  std::string chart_title() const {
    switch (chart.step()) {
      case Chart::Step::Hour: return std::string(order.talks ? words.by_hour : words.rows_by_hour);
      case Chart::Step::Day: return std::string(order.talks ? words.by_day : words.rows_by_day);
      default: return std::string(order.talks ? words.by_month : words.rows_by_month);
    }
  }

  std::string title() const {
    if (!order.title.empty()) return order.title;
    return order.talks ? std::string(words.talks) : order.table.name;
  }

  ReportFile finish(const ReportCounts& counts) {
    drop_what_has_no_room();
    ReportFile file;
    file.left_out = all - pieces.size();
    const std::string full = file.left_out == 0 ? std::string() : filled(words.full, {grouped(static_cast<std::int64_t>(pieces.size())),
                                                                                     grouped(static_cast<std::int64_t>(all))});
    const std::string empty = all > 0 ? std::string() : std::string(order.talks ? words.nobody : words.no_rows);
    const auto lines = totals(counts);
    file.bytes.reserve(bytes + 16 * 1024);
    switch (order.format) {
      case Format::Html: return finish_html(std::move(file), lines, full, empty);
      case Format::Csv: {
        file.bytes = kBom;
        std::vector<std::pair<std::string, bool>> head;
        if (order.talks) {
          for (const std::string_view one : {words.date, words.time, words.number, words.client, words.platform, words.who, words.text})
            head.emplace_back(std::string(one), true);
        } else {
          for (const ReportOrder::Column& column : order.columns) head.emplace_back(column.heading, true);
        }
        file.bytes += csv(head);
        move_pieces(file.bytes);
        if (!full.empty()) file.bytes += csv({{full, true}});
        return file;
      }
      case Format::Text:
        file.bytes = title() + "\n" + period() + "\n" + note() + "\n\n";
        for (const auto& [label, value] : lines) file.bytes += label + ": " + value + "\n";
        file.bytes += "\n";
        if (!empty.empty()) file.bytes += empty + "\n";
        if (!full.empty()) file.bytes += full + "\n\n";
        move_pieces(file.bytes);
        while (file.bytes.ends_with("\n\n")) file.bytes.pop_back();
        return file;
    }
    return file;
  }

  ReportFile finish_html(ReportFile file, std::vector<std::pair<std::string, std::string>> lines, const std::string& full,
                         const std::string& empty) {
    Html::Page page;
    page.title = title();
    page.period = period();
    page.note = note();
    page.empty = empty;
    for (const auto& [label, value] : lines) page.inbox += (page.inbox.empty() ? "" : ", ") + label + ": " + value;
    page.totals = std::move(lines);
    page.chart_title = chart_title();
    page.bars = chart.bars();
    page.remark = full;
    const std::string head = html.head(page), foot = html.foot(page);
    if (head.size() + bytes + foot.size() > kMostLetter) file.letter = beginning(page);
    file.bytes += head;
    move_pieces(file.bytes);
    file.bytes += foot;
    if (file.letter.empty()) file.letter = file.bytes;
    return file;
  }

  /// Each is gone once it is written: nothing is in memory twice.
  void move_pieces(std::string& out) {
    for (Piece& piece : pieces) {
      out += piece.text;
      std::string().swap(piece.text);
    }
  }

  /// As much as a letter shows.
  std::string beginning(Html::Page page) const {
    // What goes on in the file is said before the talks: at the end nobody would look.
    page.cut = true;
    const auto remark = [&](std::size_t shown) {
      page.remark = filled(order.talks ? words.cut_talks : words.cut_rows,
                           {grouped(static_cast<std::int64_t>(shown)), grouped(static_cast<std::int64_t>(all))});
    };
    page.in_file = filled(words.in_file, {order.name});
    page.no_file = filled(words.no_file, {order.name});
    remark(pieces.size());
    std::size_t size = html.head(page).size() + html.foot(page).size(), shown = 0;
    // One long talk leaves the others their place; where there is but one it has it all.
    const std::string rest = filled(words.cut_talk, {order.name});
    const std::size_t room = kMostLetter - std::min(kMostLetter, size + 2 * rest.size());
    const std::size_t most = std::max(kMostOfTalkInLetter, pieces.empty() ? 0 : room / pieces.size());
    std::string all_shown;
    for (; shown < pieces.size(); ++shown) {
      const std::string text = order.talks ? Html::cut(pieces[shown].text, std::min(most, room), rest) : pieces[shown].text;
      if (size + text.size() > kMostLetter) break;
      size += text.size();
      all_shown += text;
    }
    remark(shown);
    return html.head(page) + all_shown + html.foot(page);
  }
};

ReportWriter::ReportWriter(const ReportOrder& order, std::size_t most_bytes) : impl_(std::make_unique<Impl>(order, most_bytes)) {}
ReportWriter::~ReportWriter() = default;
void ReportWriter::add(const ReportTalk& talk) { impl_->add_talk(talk); }
std::string ReportWriter::add(const ValueMap& row) { return impl_->add_row(row); }
ReportFile ReportWriter::finish(const ReportCounts& counts) { return impl_->finish(counts); }

}  // namespace sufler
