#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <variant>
#include <vector>

#include "interpreter/core/expression.h"
#include "interpreter/core/message.h"
#include "interpreter/core/phrases.h"
#include "interpreter/core/reading/intents.h"
#include "interpreter/core/recurrence.h"
#include "interpreter/core/source_span.h"
#include "interpreter/core/value.h"

/// A checked scenario, ready to play. Built by schema/, never changed afterwards, shared by all dialogs.
/// Everything that refers to something is an index that is known to exist.
namespace sufler {

class HtmlTemplate;
struct HttpOrder;
struct CrmOrder;
struct Similarity;
struct TableData;
struct Happenings;
struct CrmHandoff;

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
using DeskId = Index<struct DeskTag>;
using AssistantId = Index<struct AssistantTag>;

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
  AssistantId understand;  ///< turns free speech into the answer when it cannot be read; none: nobody does
  bool pii = false;        ///< personal data: language models do not see the value
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
  std::vector<std::uint64_t> expects;  ///< by question: what it accepts, as expects.h has it
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
/// `schedule`: a branch that begins later, in this dialog. One at a time has a name; another takes its place.
struct ScheduleStep {
  BranchId branch;
  std::string name;                    ///< `as`; default: the branch's
  std::optional<Duration> in;
  std::optional<Expression> in_expression;  ///< a length of time
  std::optional<Expression> at;        ///< a moment, as `Wait::until`
};
struct CancelStep {
  std::string name;
};
struct QuietHours {
  TimeOfDay from, to;  ///< over midnight when `to` is the earlier
};
/// `broadcast`: something that everybody gets for whom a condition holds, once each and paced.
struct BroadcastStep {
  Text text;                    ///< empty: a branch is played instead
  BranchId branch;
  std::vector<Assignment> with; ///< of the branch
  Attach attach;
  std::optional<Expression> where;
  std::string name;             ///< `as`; may be empty
  std::uint32_t rate = 0;       ///< people a second; 0: as many as the platform takes
  std::optional<QuietHours> quiet;
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
  std::shared_ptr<const Similarity> similar;  ///< sorts by distance; null: it does not
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
/// How people's part of a talk ended.
enum class HandoffOutcome : std::uint8_t { Closed, Timeout, NoAgents, ClientLeft, Rejected };
inline constexpr std::size_t kHandoffOutcomes = 5;
struct HandoffStep {
  HandoffId rule;
  std::array<Target, kHandoffOutcomes> outcomes;  ///< by HandoffOutcome; an empty one goes on with the next step
};
/// What the steps have in common that rest until a service has a result.
struct ServiceStep {
  std::string into;
  Target on_error;      ///< there is none; none: the scenario's
};
/// A program of the operator's (LANGUAGE 4): a job of the service `run`.
struct Run : ServiceStep {
  std::string program;  ///< of the configuration
  std::vector<Assignment> with;
};
/// A letter (LANGUAGE 4): a job of the service `mail`.
struct Mail {
  std::vector<Template> to;  ///< each an address or a list of them
  Text subject;
  Text text;                 ///< may be empty where there is HTML
  std::string html_file;     ///< of the scenario's folder; empty: none
  std::shared_ptr<const HtmlTemplate> html;  ///< null: none
  std::optional<Expression> report;          ///< instead of `html`: the file of a `report` in HTML
  Attach attach;
  bool history = false;
  Target on_error;           ///< none: nobody waits for the letter's way
};
/// A request to a server (LANGUAGE 4): a job of the service `http`.
struct HttpStep : ServiceStep {
  std::shared_ptr<const HttpOrder> order;  ///< never null
};
/// Something in amoCRM (LANGUAGE 9): a job of the service `crm`.
struct CrmStep : ServiceStep {
  std::shared_ptr<const CrmOrder> order;  ///< never null
};
/// What a report is about, in time, by the clock of Program::zone. Both ends are worked out when the step is played.
struct Period {
  enum class Kind : std::uint8_t {
    All, Last, Today, Yesterday, ThisWeek, LastWeek, ThisMonth, LastMonth,
    Between  ///< `from` is in it; of `to` a whole day is, a moment is not
  } kind = Kind::All;
  Duration last;                       ///< Last
  std::optional<Expression> from, to;  ///< Between: none is without end
};
/// Rows or talks as a file (LANGUAGE 4): a job of the service `report`.
struct ReportStep : ServiceStep {
  enum class Format : std::uint8_t { Html, Csv, Text };
  struct Column {
    std::string heading;
    Expression value;  ///< sees the row
  };
  std::string name;            ///< of the file, without its ending
  Format format = Format::Html;
  Text title;                  ///< may be empty
  TableId table;               ///< none: talks
  bool this_talk = false;      ///< of talks: the one that the step is played in
  std::optional<Expression> where;
  std::vector<SortKey> sort;
  std::vector<Column> columns; ///< none: all of the table
  Period period;
};
/// A language model (LANGUAGE 8): jobs of the service `assistant`.
struct AssistantStep {
  enum class Task : std::uint8_t {
    Talk,      ///< a conversation, from the next message on
    Classify,  ///< one of `of`
    Extract,   ///< `fields`, each read as an answer
    Write,     ///< a text
    Forget,    ///< the memory of the conversation
  } task = Task::Talk;
  AssistantId assistant;
  std::optional<Expression> until;  ///< Talk: asked behind each answer and each tool
  std::vector<std::string> of;
  std::vector<QuestionId> fields;   ///< whose names are the variables
  std::optional<Text> text;         ///< Classify, Extract: what is read; none: the message
  std::optional<Text> prompt;       ///< Write
  std::string into;
  Target otherwise;                 ///< none: the assistant's
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
  std::uint64_t expects = 0;  ///< of the place when it is no `ask`: what is accepted there, as expects.h has it
  SourceSpan span;
  std::optional<Expression> when;
  BlockId block;      ///< the list it stands in
  std::uint32_t index = 0;  ///< its position there
  std::variant<Say, Choose, Ask, If, Match, For, Set, Go, Call, Return, Back, Restart, End, Wait, ScheduleStep,
               CancelStep, BroadcastStep, Save,
               Find, Count, Update, Delete, Notify, HandoffStep, Run, Mail, HttpStep, CrmStep, ReportStep, AssistantStep, Log, Track>
      verb;
};

/// Null for other steps.
inline const ServiceStep* service_of(const Step& step) {
  return std::visit(
      [](const auto& verb) -> const ServiceStep* {
        if constexpr (std::is_base_of_v<ServiceStep, std::decay_t<decltype(verb)>>) return &verb;
        return nullptr;
      },
      step.verb);
}

struct Block {
  std::vector<StepId> steps;
  StepId parent;     ///< the step whose inner list this is; none for a branch's own list
  BranchId branch;
};

struct Branch {
  std::string name;
  std::string about;
  bool pin = false;  ///< finished on the version with which it was entered (LANGUAGE 11)
  BlockId block;
  SourceSpan span;
};

// ---- the rest of the nouns

struct Command {
  std::string name;
  std::vector<std::string> words;   ///< as written: `/menu`, `меню`
  std::vector<std::string> folded;  ///< the same, `fold`ed; `/menu` keeps its slash
  std::string pattern;              ///< RE2 over the folded text; empty when none
  std::vector<Intent> means;        ///< `{means: back}`: Back, Restart, Stop, Operator, by what short messages mean
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
  std::shared_ptr<const TableData> data;  ///< what `data_file` holds; null: nothing
  bool written = false;   ///< by some step
  SourceSpan span;
};

/// A group of people who answer clients through the bot, each in their own chat with it (LANGUAGE 7).
struct Desk {
  /// What an agent can ask for. A word is folded, with its slash; empty: the desk has no such command.
  enum class Command : std::uint8_t {
    Available,  ///< goes on duty and off
    Close, History, Stats,
    Transfer,   ///< `/transfer Ольга`, `/transfer sales`
    Take,       ///< `/take 12`: a ticket of the queue, or one that is offered
    Reject,     ///< ends the ticket with the outcome `rejected`
    Note,       ///< `/note …`: for agents only
    Tickets,    ///< what the agent has and what waits; `/tickets 12` goes on with that one
    Export,     ///< `/export 12 html`
    Replies,    ///< the ready answers
  };
  static constexpr std::size_t kCommands = 11;
  struct Reply {
    std::string name;  ///< the agent writes `/name`; folded
    Text text;         ///< rendered in the client's dialog
  };
  std::string name;
  std::string register_word;   ///< folded; empty: nobody can register by a token
  std::string token_variable;  ///< the environment variable that holds the token
  std::array<std::string, kCommands> commands;
  std::uint32_t capacity = 1;  ///< open tickets of one agent at a time
  std::vector<Reply> replies;
  std::optional<Duration> accept;  ///< of `transfer`: the other agent has so long to accept; none: it moves at once
  std::string topics;          ///< a role that names one group with topics: each client has a topic there
  std::string agents;          ///< with `topics`, a role: who answers there besides those who have registered
  SourceSpan span;
};

struct HandoffRule {
  enum class Mode : std::uint8_t {
    Silent,  ///< the bot keeps quiet, people write in the same dialog
    Relay,   ///< the bot carries messages between the client and an agent's own chat
  };
  std::string name;
  Mode mode = Mode::Silent;
  std::string role;                        ///< `to`
  std::vector<std::string> user_words;     ///< folded
  std::vector<std::string> staff_words;    ///< folded
  std::optional<Duration> resume_after;
  BranchId resume_go;                      ///< none: back to `none`
  bool on_staff_message = false;
  struct Hours {
    std::uint8_t days = 0x7f;  ///< bit 0 Monday … bit 6 Sunday
    TimeOfDay from, to;
    struct Holiday {
      int year = 0;  ///< 0: every year
      unsigned month = 1, day = 1;
    };
    std::vector<Holiday> holidays;      ///< closed all day
    std::optional<Zone> zone;           ///< none: the scenario's
    BranchId otherwise;                 ///< outside the hours; none: clients wait in the queue until opening
  };
  std::optional<Hours> hours;

  // ---- relay only

  /// Whom a ticket goes to: the first way that finds an agent with room. Among several the client's last agent
  /// comes first, then whoever has fewer open tickets, then whoever is free longest.
  struct Assign {
    enum class How : std::uint8_t {
      Condition,    ///< of `available`, `seen`, `idle` (durations), `open` (a number), `last`, `name`
      LastAgent,    ///< on duty, and answered this client last
      LongestIdle,  ///< anyone with room, on duty or not
      Claim,        ///< all agents on duty are asked, and the first to take it has it
    } how = How::Condition;
    std::optional<Expression> condition;
  };
  DeskId desk;
  std::vector<Assign> assign;
  bool ask_name = false;               ///< the client's `user.name` is asked for when it is not known
  std::optional<Text> queue;           ///< told to a client who has to wait; none: the built-in phrase
  std::optional<Text> greeting;        ///< told to the client when an agent has the ticket; none: nothing is told
  std::optional<Text> closed_text;     ///< none: the built-in phrase
  bool rate = false;
  std::optional<Duration> remind_agent;  ///< the agent has not answered for so long
  std::optional<Duration> reassign;      ///< the same, and the ticket goes to somebody else
  std::optional<Duration> close_idle;    ///< nobody has written for so long
  std::optional<Duration> queue_timeout; ///< nobody has taken the ticket for so long
  std::optional<Duration> reopen;        ///< a client who comes back within it goes on with the old ticket
  std::shared_ptr<const CrmHandoff> crm;  ///< managers answer in the CRM; null: they do not
  SourceSpan span;
};

/// A language model as the scenario describes it (LANGUAGE 8).
struct Assistant {
  /// A branch that the model may call.
  struct Tool {
    std::string name;
    std::string function;           ///< the name for models: `[A-Za-z0-9_-]{1,64}`
    BranchId branch;
    std::string about;
    std::vector<QuestionId> with;   ///< arguments are read as answers to these, and are locals of the branch
    SourceSpan span;
  };
  struct Memory {
    std::uint32_t last = 20;          ///< messages that a model is shown word for word
    std::optional<Expression> facts;  ///< what it always knows
    std::uint32_t budget = 4000;      ///< tokens of all that is sent
    bool shared = false;              ///< one conversation with all assistants that share it
    bool summary = true;              ///< older talk is summed up
  };
  struct Quota {
    enum class Per : std::uint8_t { Hour, Day, Week } per = Per::Day;
    std::uint32_t count = 0;
  };
  std::string name;
  std::string model = "default";      ///< a connection of the configuration
  std::optional<Template> instructions;
  std::vector<std::string> knowledge; ///< files of the scenario's folder, sorted
  Memory memory;
  std::vector<Tool> tools;
  std::optional<Quota> per_user;      ///< messages of one person
  std::uint32_t reply = 0;            ///< most tokens of an answer; 0: the server's own limit
  Duration gather{2'000};             ///< joins what a person writes in a row
  std::vector<std::string> links;     ///< hosts that answers may link to, lower case
  Target otherwise;                   ///< the model fails, is slow, or leaves its limits
  SourceSpan span;
};

/// What runs by the clock, without anybody typing (LANGUAGE 9).
struct Schedule {
  /// Times that passed while nothing ran, or while the run before was not finished.
  enum class Missed : std::uint8_t {
    Once,  ///< one run for all of them
    Skip,  ///< none
    All,   ///< one run for each
  };
  enum class For : std::uint8_t {
    Nobody,   ///< one run, in a dialog of the schedule's own
    Dialogs,  ///< in every dialog that rests in a branch and in which nothing has happened for `idle`
    Users,    ///< in the private dialog of everybody for whom `where` holds
  };
  std::string name;
  Recurrence when;        ///< by the clock of Program::zone
  BranchId branch;
  Missed missed = Missed::Once;
  For whom = For::Nobody;
  BranchId resting_in;
  Duration idle;
  std::optional<Expression> where;
  std::string people;     ///< `for` as the author wrote it, for lists; may be empty
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
  std::vector<Desk> desks;
  std::vector<Assistant> assistants;
  std::vector<Schedule> schedules;
  std::shared_ptr<const Happenings> events;  ///< `events:`; null: none
  bool broadcasts = false;      ///< some step begins one: words that ask for no more of it are heard
  std::map<std::string, std::string, std::less<>> moved;
  /// Places by name (LANGUAGE 11): the step, and the question's position in its `ask`.
  struct Place {
    StepId step;
    std::uint32_t question = 0;
  };
  std::unordered_map<std::string, Place> places;
  // Names once more, to be found at once (expects.h fills them); empty in a Program that no loader made.
  std::unordered_map<std::string, BranchId> branch_names;
  std::unordered_map<std::string, QuestionId> question_names;
  std::vector<std::string> files;  ///< by SourceSpan::file, relative to the working folder
  Limits limits;

  const Branch& branch(BranchId id) const { return branches[id.value]; }
  const Block& block(BlockId id) const { return blocks[id.value]; }
  const Step& step(StepId id) const { return steps[id.value]; }
  const Question& question(QuestionId id) const { return questions[id.value]; }
  const Assistant& assistant(AssistantId id) const { return assistants[id.value]; }
  BranchId find_branch(std::string_view name) const;
};

}  // namespace sufler
