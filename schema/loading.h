#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "interpreter/core/happenings.h"
#include "schema/loader.h"
#include "schema/node.h"
#include "schema/vocabulary.h"

/// What the parts of the loader share. Only load_*.cpp and checks/ include it.
///
/// Loading goes in three passes. First the files become Nodes and every name is declared (of branches, questions,
/// tables, commands, handoff rules, texts, settings), so that the second pass, which reads the bodies, can turn
/// each reference into an index at once. What must be known of the whole scenario (which variables are
/// ever set, what leads where) is noted on the way and judged by the third pass, checks/.
namespace sufler {

/// Where a name was declared.
struct Declared {
  std::uint32_t index = 0;
  const Node* key = nullptr;
  const Node* value = nullptr;
};
/// The keys live as long as the Loading.
using NameIndex = std::unordered_map<std::string_view, Declared>;

/// A variable read by an expression, to be judged when all that is ever set is known.
struct NameUseAt {
  std::vector<std::string> path;
  const Node* node = nullptr;
  std::uint32_t offset = 0, length = 0;
  bool guarded = false;
};

/// An expression with its place, to be judged when the whole scenario is known.
struct ExpressionAt {
  Expression written;             ///< as the author wrote it: its offsets are those of the text
  const void* identity = nullptr; ///< of the one in the program, whose names may have become English
  const Node* node = nullptr;
  std::uint32_t offset = 0;       ///< where it begins in the node's text
  bool exact = true;              ///< false: a YAML list or map, whose parts have no known place
  std::uint32_t table = UINT32_MAX;  ///< whose columns are names in it
  bool any_name = false;
  std::vector<std::string_view> local_names;
  bool of_agent = false;  ///< a condition of `assign`: its names are what is known of an agent
};

/// A reference to a branch, for the map of what leads where.
struct BranchUse {
  BranchId from;  ///< none: from outside of all branches (a command, `start`, a question)
  BranchId to;
  bool is_call = false;
  SourceSpan span;
  bool elsewhere = false;  ///< it begins in other people's dialogs
};

/// A question named by a step, resolved after all bodies are read, since steps may define questions themselves.
struct QuestionUse {
  StepId step;
  std::uint32_t position = 0;
  std::string_view name;
  const Node* node = nullptr;
};

/// An argument of a tool, or a field of `extract`, that is named like a question: resolved like QuestionUse.
struct FieldUse {
  StepId step;                           ///< none: of a tool
  std::uint32_t assistant = 0, tool = 0;
  std::uint32_t position = 0;
  std::string_view name;
  const Node* node = nullptr;
};

/// What a promise speaks of: `{handoff: after_order}`, or a branch.
struct PromisePoint {
  enum class Kind : std::uint8_t { Branch, Verb, Unknown } kind = Kind::Unknown;
  BranchId branch;
  Word verb = Word::None;
  std::string name;     ///< of the rule, role, table, question …; empty: any
  std::string written;  ///< as messages say it
  SourceSpan span;
};

/// One line of `ensure` (LANGUAGE 12): before a point all of a list is answered, or a branch comes to one of some points.
struct Promise {
  bool is_before = false;
  PromisePoint before;
  std::vector<Located<std::string>> answered;
  BranchId branch;
  SourceSpan branch_span;
  std::vector<PromisePoint> reaches;
  SourceSpan span;
};

struct FlowAnalysis;  // checks/flow_analysis.h

struct Loading {
  Loading(SourceMap& sources_, Diagnostics& diagnostics_, const LoadOptions& options_)
      : sources(sources_), diagnostics(diagnostics_), options(options_) {}

  SourceMap& sources;
  Diagnostics& diagnostics;
  const LoadOptions& options;
  Program program;
  std::deque<Document> documents;          ///< by file
  std::vector<Language> words_of_file;     ///< which form of the words the author uses there
  std::deque<std::string> kept;            ///< texts made during loading that views point to
  std::deque<Node> kept_nodes;             ///< the same of nodes
  std::map<std::string, std::shared_ptr<const HtmlTemplate>> html_files;  ///< of letters, by their names
  bool on_disk = false;                    ///< files named by the scenario can be looked for

  std::set<std::string> files;             ///< of the scenario's folder, that it sends

  NameIndex branches, questions, tables, commands, handoffs, desks, assistants, texts, settings;
  NameIndex schedules, events;
  Happenings happenings;                   ///< the program's `events`, until they are read
  std::deque<Node> made_nodes;             ///< parts of scalars that are read like scalars of their own
  std::vector<std::pair<std::string, const Node*>> cancels;  ///< what `cancel` names
  std::unordered_map<std::string_view, std::vector<std::uint32_t>> inline_questions;

  // Noted for the checks.
  std::unordered_set<std::string> variables, user_names, shared_names;  ///< that something sets
  std::vector<NameUseAt> uses;
  std::vector<ExpressionAt> expressions;
  std::vector<BranchUse> branch_uses;
  std::vector<QuestionUse> question_uses;
  std::vector<std::uint8_t> question_is_asked;  ///< by QuestionId
  std::vector<FieldUse> field_uses;
  std::vector<std::uint8_t> assistant_is_used;  ///< by AssistantId
  std::vector<const Node*> message_texts;  ///< texts that are sent, for the platforms' limits
  std::vector<const Node*> labels;
  struct ButtonCount {
    const Node* node;
    std::size_t count;
    bool is_inline;
  };
  std::vector<ButtonCount> button_counts;

  /// Names that may still be compared for suggestions: a file of nonsense must not take minutes.
  std::size_t suggestion_budget = 100'000;

  /// False when something that may lead to a branch was not understood: what follows of it is not worth saying.
  bool flow_is_known = true;

  std::vector<std::pair<StepId, const Node*>> cases;  ///< the `cases` of each `match`
  std::vector<Promise> promises;
  std::shared_ptr<FlowAnalysis> flow;  ///< made by the first check that asks for it

  bool questions_are_known = true;  ///< the same for questions that steps ask
  bool tables_are_known = true, handoffs_are_known = true, desks_are_known = true, assistants_are_known = true;  ///< and for what else steps name

  /// Tables that no file describes, made of what `save` puts into them (only when there is no `tables`).
  struct ImpliedTable {
    const Node* first_use = nullptr;
    std::vector<std::pair<std::string, ValueType>> columns;  ///< named by `values`
    bool saved = false, takes_answers = false;
    bool of_report = false;  ///< `report: NAME` is all that is said of it
  };
  std::unordered_map<std::uint32_t, ImpliedTable> implied_tables;
  bool tables_described = false;

  /// What a desk's author named, to be held against the scenario's commands when those are known.
  struct DeskWord {
    DeskId desk;
    std::optional<Desk::Command> command;  ///< none: the word of `register`
    std::string word;                      ///< folded; empty: switched off
    const Node* node = nullptr;
  };
  std::vector<DeskWord> desk_words;
  std::vector<std::vector<const Node*>> reply_keys;  ///< by DeskId, in the order of `Desk::replies`
  std::vector<std::uint8_t> desk_is_used;            ///< by DeskId: as a role

  /// Where each word of a command stands, by the folded word, a line end and the command.
  std::unordered_map<std::string, SourceSpan> command_words;  ///< and of what it `means`: see meaning_key

  // Where the reader stands.
  BranchId branch;
  StepId parent;
  const Node* last_key = nullptr;             ///< whose value is being read: the place of a value that is missing
  const Table* table_in_scope = nullptr;      ///< columns are names in `where` and `values`
  std::vector<std::string_view> local_names;  ///< loop variables, `value`, `item`
  bool of_agent = false;                      ///< a condition of `assign` is read
  bool any_name = false;                      ///< the fields of an item are not known before it is there

  Diagnostic& report(DiagnosticId id, SourceSpan span, std::vector<std::string> arguments = {}) {
    return diagnostics.report(id, span, std::move(arguments));
  }
  /// The word as the author of this file writes.
  std::string say(Word word, SourceSpan place) const;
};

/// Calls `body` for each name of a section, in the author's order.
template <class Body>
void in_order(const NameIndex& index, Body body) {
  std::vector<const Declared*> order(index.size());
  for (const auto& [name, declared] : index) order[declared.index] = &declared;
  for (const Declared* declared : order) {
    if (declared) body(*declared);
  }
}

/// The way out. `%ask%` stands for a word of the language and becomes the form that the file uses.
void hint(const Loading& loading, Diagnostic& diagnostic, std::string en, std::string ru);

/// Whether so many names may still be looked through; ask before listing them.
bool may_offer(const Loading& loading, std::size_t names);
/// `suggest`, as long as the budget lasts.
void offer(Loading& loading, Diagnostic& problem, std::string_view wrong,
           const std::vector<std::string>& known, bool fix_is_safe);

/// The entries of a mapping by the words of the language. Reports what it does not know when it ends.
class Fields {
 public:
  /// `where` is what the author calls this map (`choose`, `questions.phone`), for messages.
  Fields(Loading& loading, const Node& map, Contexts contexts, std::string where);
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;
  /// Reports entries that nobody took. Call once, after all `take`s.
  void finish();

  /// The value of a word, or null when it is not there. Marks it as read.
  const Node* take(Word word);
  bool has(Word word) const;
  /// Whether a key is no word at all: what seems missing may be that, misspelt.
  bool has_unknown() const;
  /// The key that is no word here but one of `elsewhere`, to say more of it than finish() would.
  const Node* take_unknown(Contexts elsewhere);
  /// The value, or null with a MissingField.
  const Node* require(Word word);
  /// The key as the author wrote it, or would write it here.
  std::string spelled(Word word) const;
  /// Place of the key; of the map when it is not there.
  SourceSpan key_span(Word word) const;
  const Node& node() const { return map_; }
  const std::string& where() const { return where_; }
  void set_where(std::string where) { where_ = std::move(where); }
  /// Takes every entry left without a word of the language said about it.
  void forgive();

  struct Item {
    Word word;
    const Node::Entry* entry;
    bool taken;
  };
  const std::vector<Item>& items() const { return items_; }

 private:
  Loading& loading_;
  const Node& map_;
  Contexts contexts_;
  std::string where_;
  std::vector<Item> items_;
};

// ---- expressions that cannot work (expression_problems.cpp)

/// Whether the error says which sign or word was meant in the place of another.
bool says_what_is_meant(const ExpressionError& error);
/// `offset`: where the expression begins in the node's text.
void report_expression_error(Loading& loading, const ExpressionError& error, const Node& node,
                             std::uint32_t offset = 0, bool exact = true);
/// `text - number` with the types in the words of the file.
std::string with_types_of_file(const Loading& loading, std::string_view what, SourceSpan place);

// ---- values (load_values.cpp). Each reports what is wrong and gives nothing then. `what` names the field.

/// The text in NFC: the same characters when they are, else a kept copy.
std::string_view nfc(Loading& loading, std::string_view text);
/// A name being declared: checks LANGUAGE 2, gives its NFC form, empty when it cannot be one.
std::string_view read_name(Loading& loading, const Node& node);
/// A letter, then letters, digits and `_`.
bool is_identifier(std::string_view text);
std::optional<std::string_view> read_scalar(Loading& loading, const Node& node, std::string_view what);
std::optional<bool> read_boolean(Loading& loading, const Node& node, std::string_view what);
std::optional<Duration> read_duration(Loading& loading, const Node& node, std::string_view what);
std::optional<std::int64_t> read_integer(Loading& loading, const Node& node, std::string_view what,
                                         std::int64_t least, std::int64_t most);
std::optional<Decimal> read_number(Loading& loading, const Node& node, std::string_view what);
std::optional<std::int64_t> read_size(Loading& loading, const Node& node, std::string_view what);
std::optional<TimeOfDay> read_time(Loading& loading, const Node& node, std::string_view what);
std::optional<Zone> read_zone(Loading& loading, const Node& node, std::string_view what);
/// One word of a set of values: a type, a colour, a mode.
Word read_word(Loading& loading, const Node& node, Contexts contexts, std::string_view what);
/// A scalar or a list of scalars.
std::vector<const Node*> read_strings(Loading& loading, const Node& node, std::string_view what);
/// A canonical decimal without quotes is a number, everything else text (LANGUAGE 14).
Value read_constant(Loading& loading, const Node& node);
/// A variable that a step sets: `into`, `for`.
std::string read_variable(Loading& loading, const Node& node, std::string_view what);
/// A pattern of RE2; empty when it is broken.
std::string read_pattern(Loading& loading, const Node& node, std::string_view what);
/// A role of the configuration; empty when it cannot be one.
std::string read_role(Loading& loading, const Node& node, std::string_view what);

// ---- expressions and texts (load_expressions.cpp), files (load_attachments.cpp)

std::optional<Expression> read_expression(Loading& loading, const Node& node, std::string_view what);
/// An expression that is asked whether it holds. Says what always does: a setting that is a word such as `no`.
std::optional<Expression> read_condition(Loading& loading, const Node& node, std::string_view what);
std::optional<Template> read_template(Loading& loading, const Node& node, std::string_view what);
/// A text that no turn could send.
void report_too_large(Loading& loading, const Node& node);
/// The same of a file's text, which has no places of its own: what is wrong stands at the node that names the file.
std::optional<Template> read_file_template(Loading& loading, const Node& node, std::string_view text);
/// The expression of a value that is one `{{ … }}`.
std::optional<Expression> read_inserted(Loading& loading, const Node& node, std::string_view what);
/// A text, or `any_of`.
Text read_text(Loading& loading, const Node& node, std::string_view what);
std::vector<Assignment> read_assignments(Loading& loading, const Node& node, std::string_view what,
                                         bool declares_variables);
Attach read_attach(Loading& loading, const Node& node, std::string_view what);
/// A file of the scenario's folder; reports what keeps it from being used.
std::optional<Attachment> read_file_name(Loading& loading, const Node& node);
/// The bytes of another file of the scenario; nothing when nobody knows them.
std::optional<std::string> bytes_of(const Loading& loading, const std::string& reference);

// ---- letters (load_mail.cpp)

Mail read_mail(Loading& loading, Fields& fields, const Node& value);

// ---- requests (load_http.cpp)

HttpStep read_http(Loading& loading, Fields& fields, const Node& value);
// ---- a CRM (load_crm.cpp)

/// Nothing when it cannot be a step.
std::optional<CrmStep> read_crm(Loading& loading, Fields& fields, const Node& value);

// ---- reports (load_period.cpp)

/// `last 24 hours`, `yesterday`, `this month`, or `{from: …, to: …}`.
Period read_period(Loading& loading, const Node& node, std::string_view what);

// ---- references (load_references.cpp)

/// `steps_fit`: a list of steps may stand here as well, and so may a text as one of them.
BranchId read_branch_name(Loading& loading, const Node& node, std::string_view what, bool is_call = false,
                          bool steps_fit = false);
/// Whether a table may have this name; reports when it may not.
bool check_table_name(Loading& loading, std::string_view name, SourceSpan span);
TableId read_table_name(Loading& loading, const Node& node, std::string_view what);
/// `name`: what of the node names the desk, all of it or the end of `agents of DESK`.
DeskId read_desk_name(Loading& loading, const Node& node, std::string_view name, std::string_view what);

AssistantId read_assistant_name(Loading& loading, const Node& node, std::string_view what);

/// `${NAME}` that the environment lacks: a note, an error where the scenario is to run.
void report_unset_variable(Loading& loading, SourceSpan span, const std::string& name);

/// Says that a construct belongs to the language and cannot be played by this version.
void not_available_yet(Loading& loading, SourceSpan span, std::string_view what);

// ---- bodies

/// Moves what stands to the left of where it belongs, with a problem for each (load_indentation.cpp).
void mend_indentation(Loading& loading, Node& root);

BlockId read_block(Loading& loading, const Node& list);
Target read_target(Loading& loading, const Node& node, std::string_view what);
/// `number_labels`: a label that is written as a number stands for that number (LANGUAGE 14).
Buttons read_buttons(Loading& loading, const Node& node, std::string_view what, bool for_question,
                     bool number_labels = false);
void read_button_layout(Loading& loading, Fields& fields, Buttons& buttons);
std::vector<Reminder> read_reminders(Loading& loading, const Node& node, std::string_view what);
/// Says which reminders can never come; `fields` has them and the timeout.
void check_reminders(Loading& loading, const Fields& fields, const std::vector<Reminder>& reminders,
                     const std::optional<Timeout>& timeout);
std::optional<Timeout> read_timeout(Loading& loading, const Node& node, std::string_view what);
/// The fields of a question, over what is already in it.
void read_question(Loading& loading, Fields& fields, Question& question);
QuestionType question_type(Word word);
/// Names with types: `[name, phone]` as questions have them, or `{name: type}`. `use` says whose they are.
std::vector<QuestionId> read_fields(Loading& loading, const Node& node, std::string_view what, FieldUse use);

/// Nothing when it says nothing; why is reported.
std::optional<BroadcastStep> read_broadcast(Loading& loading, Fields& fields, const Node& value);

// ---- tables that are read from a file (load_table_data.cpp)

struct TableFileNodes {
  const Node* data = nullptr;         ///< names the file
  const Node* key = nullptr;          ///< null: the author named none
  std::vector<std::string> headings;  ///< by column: its heading in the file where it has another; else empty
  std::vector<SourceSpan> spans;      ///< by column
};
/// Reads and checks the file; `table.data` is set when its headings fit.
void load_table_file(Loading& loading, Table& table, const TableFileNodes& nodes);
/// Whether a step may write into the table; says that the file alone does.
bool check_writable(Loading& loading, TableId table, SourceSpan span);
/// `similar:` of a `find`.
std::shared_ptr<const Similarity> read_similar(Loading& loading, const Node& node, const Find& find, std::string_view what);

void load_settings(Loading& loading);
void load_texts(Loading& loading);
void load_phrases(Loading& loading, const Node& node);
void load_questions(Loading& loading);
void load_branches(Loading& loading);
void load_commands(Loading& loading);
/// The word that `means:` of a command says.
Word word_of(Intent intent);
/// In `command_words`, before the command's name.
std::string meaning_key(Intent intent);
void load_tables(Loading& loading);
void load_desks(Loading& loading);
void load_assistants(Loading& loading);
void load_schedules(Loading& loading);
void load_events(Loading& loading);
/// Once all steps and questions are known: types of arguments, what tools are for, and whether the budget is enough.
void complete_assistants(Loading& loading);
void load_handoffs(Loading& loading);
void load_moved(Loading& loading, const Node& node);
/// Takes the default commands away that the scenario has other uses for, and says which words stand twice.
void complete_desks(Loading& loading);
void load_ensure(Loading& loading, const Node& node);
void resolve_questions(Loading& loading);
/// Gives tables that nobody described their columns.
void complete_tables(Loading& loading);
void name_places(Loading& loading);

// ---- checks of the whole (checks/)

/// Whether one of the options of a question gives exactly this value, as far as that is certain.
bool is_option(const Question& question, const Value& value);
/// What the options give, those that are texts.
std::vector<std::string> option_values(const Question& question);

void check_names(Loading& loading);
void check_types(Loading& loading);
void check_cases(Loading& loading);
void check_flow(Loading& loading);
void check_handoff_circles(Loading& loading);
void check_unset(Loading& loading);
void check_ways_out(Loading& loading);
void check_promises(Loading& loading);
void check_commands(Loading& loading);
void check_platform_limits(Loading& loading);
void check_secrets(Loading& loading);
void check_secret_columns(Loading& loading);
void check_unused(Loading& loading);
void check_schedules(Loading& loading);
void check_events(Loading& loading);
/// Says which steps speak to a person where there is none. `begin`: the branches that begin so, the name and the place of
/// what begins them.
struct Lonely {
  BranchId branch;
  std::string name;
  SourceSpan span;
};
void check_lonely_branches(Loading& loading, const std::vector<Lonely>& begin, DiagnosticId id, const char* way_out_en,
                           const char* way_out_ru);
/// `NAME` of `${NAME}`; empty when the text is anything else.
std::string environment_variable_of(std::string_view text);

}  // namespace sufler
