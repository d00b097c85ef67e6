#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "interpreter/core/expression.h"
#include "interpreter/core/message.h"
#include "interpreter/core/phrases.h"
#include "interpreter/core/source_span.h"
#include "interpreter/core/value.h"

/// A checked scenario, ready to play. Built by schema/, never changed afterwards, shared by all dialogs.
/// Everything that refers to something is an index that is known to exist.
namespace sufler {

template <class Tag>
struct Index {
  std::uint32_t value = UINT32_MAX;
  explicit operator bool() const { return value != UINT32_MAX; }
  auto operator<=>(const Index&) const = default;
};
using BranchId = Index<struct BranchTag>;
using BlockId = Index<struct BlockTag>;      ///< a list of steps
using StepId = Index<struct StepTag>;
using QuestionId = Index<struct QuestionTag>;
using CommandId = Index<struct CommandTag>;
using TableId = Index<struct TableTag>;
using HandoffId = Index<struct HandoffTag>;

/// A text where the language expects one: one template, or several (`any_of`) of which chance picks one.
struct Text {
  std::vector<Template> any_of;
  bool empty() const { return any_of.empty(); }
};

/// Where a step, an option or an outcome leads.
struct Target {
  BranchId go;    ///< jumps
  BlockId steps;  ///< plays them and goes on behind
  BranchId call;  ///< runs it and comes back
  explicit operator bool() const { return go || steps || call; }
};

/// `name` or `user.name` / `shared.name` ← expression.
struct Assignment {
  std::vector<std::string> path;
  Expression value;
};

struct Attach {
  std::vector<Attachment> files;         ///< of the scenario's folder
  std::vector<Expression> expressions;   ///< files that a person sent: one file or a list
  bool empty() const { return files.empty() && expressions.empty(); }
};

struct Option {
  Text label;
  Target target;
  std::vector<Assignment> set;
  std::optional<Text> url;
  std::optional<Expression> when;
  std::optional<Value> value;  ///< what a question of type `choice` stores; its label when absent
  ButtonColor color = ButtonColor::Default;
  ButtonAction action = ButtonAction::Payload;
  SourceSpan span;
};

/// `from:`: options made of data, one for each item of a list.
struct OptionsFrom {
  Expression from;
  std::optional<Expression> label;  ///< the item's fields in scope, and `item`; default: the item
  std::optional<Expression> value;  ///< default: the item
};

struct Buttons {
  std::vector<Option> options;
  std::optional<OptionsFrom> from;
  std::uint32_t columns = 0;  ///< 0: as many in a row as fit (see docs)
  bool is_inline = false;
};

struct Reminder {
  Duration after;
  Text text;
};
struct Timeout {
  Duration after;
  Target target;
};

// ---- questions (LANGUAGE 5)

enum class QuestionType : std::uint8_t {
  Text, Name, Number, Money, Phone, Email, Url, Date, Time, DateTime, YesNo, Choice, Choices,
  Rating, Location, Contact, Photo, File, Files, Any
};

struct Question {
  std::string name;
  QuestionType type = QuestionType::Text;
  ::sufler::Text text;
  Attach attach;
  std::optional<::sufler::Text> invalid;
  std::optional<Decimal> min, max;     ///< length of text, value of number, count of files
  std::optional<Date> earliest, latest;  ///< `min`, `max` of dates
  bool integer = false;
  std::string pattern;                 ///< RE2, empty when none; matches the whole answer
  std::vector<std::string> formats;    ///< lower case, no dot
  std::optional<std::int64_t> max_bytes;
  Buttons buttons;                     ///< `options`/`buttons` of the question
  bool optional = false;
  std::optional<Expression> default_value;
  std::optional<Expression> check;     ///< over `value`
  std::optional<::sufler::Text> confirm;
  std::optional<Expression> ask_when;
  bool secret = false;
  bool free_words_are_commands = true;  ///< `commands: off` makes it false
  std::uint32_t attempts = 0;           ///< 0: without end
  Target otherwise;
  std::vector<Reminder> reminders;
  std::optional<Timeout> timeout;
  std::optional<Duration> gather;
  SourceSpan span;
};

// ---- steps (LANGUAGE 4)

struct Say {
  Text text;
  Attach attach;
  std::optional<Buttons> buttons;
  bool remove_keyboard = false;
  Duration typing;
};
struct Choose {
  Text text;
  Attach attach;
  Buttons buttons;
  std::string into;  ///< variable for the value of a `from:` option
  Target otherwise;
  std::vector<Reminder> reminders;
  std::optional<Timeout> timeout;
};
struct Ask {
  std::vector<QuestionId> questions;
  std::vector<std::string> places;  ///< by question: `branch/question` (LANGUAGE 11)
};
struct If {
  Expression condition;
  Target then_target, else_target;
};
struct Match {
  struct Case {
    Value value;
    Target target;
  };
  Expression subject;
  std::vector<Case> cases;
  Target otherwise;
};
/// Whether a case of `match` is the subject's: equal, or shown alike where the types differ (`да` for true,
/// `1` for the text "1"). Null is only itself.
bool is_case_of(const Value& of_case, const Value& subject, const Locale& locale);
struct For {
  std::string name;
  Expression in;
  BlockId body;
};
struct Set {
  std::vector<Assignment> assignments;
};
struct Go {
  BranchId branch;
};
struct Call {
  BranchId branch;
  std::vector<Assignment> with;
  std::string into;
};
struct Return {
  std::optional<Expression> value;
};
struct Back {};
struct Restart {};
struct End {};
struct Wait {
  std::optional<Duration> duration;
  std::optional<Expression> until;     ///< a moment, or a date or time of today
  std::optional<Expression> duration_expression;
};
struct ColumnValue {
  std::string column;
  Expression value;
};
struct Save {
  TableId table;
  std::optional<std::vector<ColumnValue>> values;  ///< default: variables named like the columns
  std::string into;
};
struct SortKey {
  std::string column;
  bool descending = false;
};
struct Find {
  TableId table;
  std::optional<Expression> where;
  std::vector<SortKey> sort;
  std::optional<Expression> limit;
  std::string into;
};
struct Count {
  TableId table;
  std::optional<Expression> where;
  std::string into;
};
struct Update {
  TableId table;
  std::optional<Expression> where;
  std::vector<ColumnValue> values;
};
struct Delete {
  TableId table;
  std::optional<Expression> where;
};
struct Notify {
  std::string role;                       ///< of the configuration
  std::optional<Expression> user;         ///< instead of a role: `user.id`-like value
  Text text;
  Attach attach;
  std::optional<Buttons> buttons;
  bool history = false;
};
struct HandoffStep {
  HandoffId rule;
};
struct Log {
  Text text;
};
struct Track {
  std::string event;
};

struct Step {
  std::string id;     ///< `id:` of the author, or empty
  std::string place;  ///< where a dialog rests: `branch/question` (LANGUAGE 11); empty for others
  SourceSpan span;
  std::optional<Expression> when;
  BlockId block;      ///< the list it stands in
  std::uint32_t index = 0;  ///< its position there
  std::variant<Say, Choose, Ask, If, Match, For, Set, Go, Call, Return, Back, Restart, End, Wait, Save,
               Find, Count, Update, Delete, Notify, HandoffStep, Log, Track>
      verb;
};

struct Block {
  std::vector<StepId> steps;
  StepId parent;     ///< the step whose inner list this is; none for a branch's own list
  BranchId branch;
};

struct Branch {
  std::string name;
  std::string about;
  BlockId block;
  SourceSpan span;
};

// ---- the rest of the nouns

struct Command {
  std::string name;
  std::vector<std::string> words;   ///< as written: `/menu`, `меню`
  std::vector<std::string> folded;  ///< the same, `fold`ed; `/menu` keeps its slash
  std::string pattern;              ///< RE2 over the folded text; empty when none
  std::vector<std::string> args;
  Text about;                       ///< for Telegram's menu; may be empty
  std::string role;                 ///< only for this role's members; empty for everybody
  bool during_handoff = false;
  bool secret = false;
  enum class Action : std::uint8_t { Target, Back, Restart, End, Resume } action = Action::Target;
  Target target;
  SourceSpan span;
};

enum class ColumnType : std::uint8_t {
  Text, Number, Integer, Boolean, Date, Time, DateTime, File, Files, List, Map
};
struct Column {
  std::string name;
  ColumnType type = ColumnType::Text;
  std::vector<std::string> options;    ///< of a choice
  std::optional<Value> default_value;
};
struct Table {
  std::string name;
  std::vector<Column> columns;
  std::string data_file;  ///< CSV of the scenario's folder; empty when rows come from `save`
  std::string key;        ///< column that identifies a row of the CSV
  bool written = false;   ///< by some step
  SourceSpan span;
};

struct HandoffRule {
  std::string name;
  std::string role;                        ///< `to`
  std::vector<std::string> user_words;     ///< folded
  std::vector<std::string> staff_words;    ///< folded
  std::optional<Duration> resume_after;
  BranchId resume_go;                      ///< none: back to `none`
  bool on_staff_message = false;
  struct Hours {
    std::uint8_t days = 0x7f;  ///< bit 0 Monday … bit 6 Sunday
    TimeOfDay from, to;
  };
  std::optional<Hours> hours;
  SourceSpan span;
};

struct Limits {
  std::uint32_t steps_per_turn = 10'000;
  std::uint32_t messages_per_turn = 100;
  std::uint32_t call_depth = 50;        ///< LANGUAGE 14
  std::size_t text_bytes = 64 * 1024;   ///< one rendered text
  std::size_t state_bytes = 1024 * 1024;
};

struct Program {
  std::string id;       ///< `scenario:`
  std::string title;
  Language language = Language::Russian;
  Zone zone;
  BranchId start;
  BranchId fallback;
  BranchId on_error;
  std::string version;  ///< hash of the scenario's meaning: of all files' bytes for now
  std::string folder;   ///< absolute path that file names are relative to
  ValueMap settings;
  /// `texts:` by name; by language code (`ru`, `en`, …) inside.
  std::map<std::string, std::map<std::string, Template>, std::less<>> texts;
  Phrases phrases;      ///< built-in, with the scenario's overrides, by language

  std::vector<Branch> branches;
  std::vector<Block> blocks;
  std::vector<Step> steps;
  std::vector<Question> questions;
  std::vector<Command> commands;
  std::vector<Table> tables;
  std::vector<HandoffRule> handoffs;
  std::map<std::string, std::string, std::less<>> moved;
  /// Places by name (LANGUAGE 11): the step, and the question's position in its `ask`.
  struct Place {
    StepId step;
    std::uint32_t question = 0;
  };
  std::unordered_map<std::string, Place> places;
  std::vector<std::string> files;  ///< by SourceSpan::file, relative to the working folder
  Limits limits;

  const Branch& branch(BranchId id) const { return branches[id.value]; }
  const Block& block(BlockId id) const { return blocks[id.value]; }
  const Step& step(StepId id) const { return steps[id.value]; }
  const Question& question(QuestionId id) const { return questions[id.value]; }
  BranchId find_branch(std::string_view name) const;
};

}  // namespace sufler
