#pragma once
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "schema/prescan.h"

namespace sufler {

/// The pre-scan's state: a reader of YAML's block structure that is as forgiving as a person. It
/// knows indentation, quotes, brackets, block texts and comments, and nothing of the language but
/// which words there are. Block structure is in line_scan.cpp, values in line_scan_values.cpp.
class LineScan {
 public:
  LineScan(std::uint32_t file, std::string_view text, Diagnostics& diagnostics);
  MendedText run();

 private:
  static constexpr std::size_t kNone = std::string_view::npos;
  static constexpr std::size_t kMostMistakes = 1000;
  static constexpr std::size_t kMostMends = 200'000;

  /// An open list or map; `column` is where its dashes or keys stand, in bytes of the mended line.
  struct Level {
    bool list;
    int column;
    bool expressions;  ///< under `set`, `where` and the like: values are formulas
  };
  /// What the line before allows the next one to be.
  enum class After {
    Whole,     ///< a finished value
    Expected,  ///< `key:` or `-` alone: deeper lines are its value
  };
  /// Where a value stands.
  struct Slot {
    int parent;            ///< column of its key or dash; what goes on with it is deeper
    std::string_view key;  ///< empty for a list's item
    bool known;            ///< the key is a word of the language
    bool text;             ///< its value is a text that people read
    bool formula;          ///< its value is an expression
    bool lines;            ///< it may well hold lines `word: value` of its own
  };
  /// Why a value cannot be read as written.
  struct Trouble {
    DiagnosticId id;
    std::string argument;
    bool safe = true;
    std::size_t begin = kNone;  ///< what to underline, if not the whole value
  };
  struct Mend {
    std::size_t begin, end;
    std::string text;
    bool substitute;
    bool plain;
    std::string value;
  };

  /// Mistakes that repeat on many lines become one problem with a fix for all of them.
  struct Repeated {
    std::size_t begin = kNone, end = 0;
    std::size_t lines = 0;
    std::vector<FixEdit> edits;
  };

  // Lines (line_scan.cpp).
  void scan_line();
  bool skip_document_mark();
  void mend_indentation(std::size_t content);
  void indent_line(std::size_t content, int column);
  void fit_level(std::size_t content);
  bool expects_item(int column) const;
  bool looks_like_item(std::size_t content, int column) const;
  bool scan_marker(std::size_t& content, bool first);
  void scan_entry(std::size_t content, int parent, bool item);
  void scan_key(std::size_t begin, std::size_t end, std::size_t colon);
  bool mend_colon(std::size_t content, std::size_t limit, bool item);
  bool first_key_lacks_colon(std::size_t content) const;
  bool begins_entry(std::size_t content) const;
  void no_colon(std::size_t content);
  void open_level(bool list, int column);
  bool is_structure(std::size_t content, std::size_t end) const;
  Slot slot_for(std::string_view key, int column) const;
  int column_of(std::size_t at) const;
  void expect_value(const Slot& slot);

  // Values (line_scan_values.cpp). Each leaves `at_` at the end of what it read.
  void scan_value(std::size_t begin, const Slot& slot);
  bool scan_special(std::size_t begin, const Slot& slot);
  std::optional<Trouble> special_start(std::size_t begin, const Slot& slot, bool in_flow);
  void scan_plain(std::size_t begin, const Slot& slot, std::optional<Trouble> trouble = {});
  void scan_quoted_value(std::size_t begin, const Slot& slot);
  std::size_t scan_quoted(std::size_t begin, int parent);
  void unclosed_quote(std::size_t begin);
  bool scan_block_text(std::size_t begin, const Slot& slot);
  void scan_flow(std::size_t begin, const Slot& slot);
  bool text_after_bracket(std::size_t begin, const Slot& slot);
  struct Bracket;
  struct Flow;
  void scan_flow_plain(Flow& flow);
  void scan_flow_quoted(Flow& flow);
  void end_flow_entry(Flow& flow);
  void settle(Bracket& bracket, const Slot& slot);
  void close_brackets(Flow& flow, std::size_t end);
  void check_typographic(std::size_t begin, std::size_t end, const Slot& slot);
  void quote_region(const Trouble& trouble, std::size_t begin, std::size_t end, const Slot& slot);

  // Tools.
  static std::string printable_hint(std::string_view text);
  bool first_of_line(std::size_t at) const;
  std::string_view look_ahead(std::size_t at);
  void give_up();
  std::size_t line_end(std::size_t from) const;
  std::size_t trimmed_end(std::size_t begin, std::size_t end) const;
  std::size_t next_content(std::size_t from, int* column) const;
  std::size_t skip_blanks(std::size_t from) const;
  bool ends_line(std::size_t at) const;
  bool starts_comment(std::size_t at) const;
  std::size_t odd_space(std::size_t at) const;
  std::string_view slice(std::size_t begin, std::size_t end) const {
    return text_.substr(begin, end - begin);
  }
  SourceSpan span(std::size_t begin, std::size_t end) const;
  Diagnostic& report(DiagnosticId id, std::size_t begin, std::size_t end,
                     std::vector<std::string> arguments = {});
  void fix(Diagnostic& problem, std::string title, std::vector<FixEdit> edits, bool safe);
  void replace(std::size_t begin, std::size_t end, std::string text);
  void substitute(std::size_t begin, std::size_t end, std::string value, bool plain = false);
  std::string name_of(std::size_t at) const;
  void report_odd_space(std::size_t at, std::size_t length, std::string with);
  void mend_odd_space(std::size_t at, std::size_t length, std::string with);
  void flush(Repeated& repeated, DiagnosticId id, std::vector<std::string> arguments);
  MendedText build();

  std::uint32_t file_;
  std::string_view text_;
  Diagnostics& diagnostics_;
  std::size_t at_ = 0;          ///< where reading goes on
  std::size_t line_start_ = 0;  ///< of the line in hand
  int shift_ = 0;               ///< mended column minus written column, on the line in hand
  std::vector<Level> levels_;
  After after_ = After::Expected;
  int after_parent_ = -1;
  bool after_text_ = false;     ///< the key that awaits its value holds a text
  bool after_formula_ = false;  ///< or formulas
  bool after_lines_ = false;    ///< or lines `word: value`
  bool seen_content_ = false;
  bool seen_mark_ = false;  ///< `---` on top
  bool stopped_ = false;
  std::size_t reported_ = 0;
  bool hopeless_ = false;
  int moved_column_ = -1;  ///< a line was moved right from here, and what is deeper below it goes along
  int moved_by_ = 0;
  int bad_column_ = -1;  ///< indentation reported last, not to be reported line by line
  std::vector<Mend> mends_;
  std::set<std::string, std::less<>> anchors_;
  std::size_t lookahead_budget_;

  Repeated tabs_;
  Repeated odd_spaces_;
  std::string odd_space_name_;
};

/// `text` in quotes as YAML wants them; line ends inside stay.
std::string quote_yaml(std::string_view text);

}  // namespace sufler
