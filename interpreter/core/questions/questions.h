#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "interpreter/core/options.h"

/// Questions: how they are asked, and what becomes of what people say to them (LANGUAGE 5, 14).
/// A type is one file beside this header and one line in kinds.cpp.
namespace sufler {

/// What a type makes of a message.
struct Reading {
  bool taken = false;
  Value value;
  Phrase why = Phrase::InvalidText;  ///< when not taken and the question has no `invalid`
  ValueMap details;                  ///< that the phrase names: `formats`, `min`
  /// Readings that the person is asked about instead: `1,250` may be 1250, or one and a quarter.
  struct Offered {
    Value value;
    std::string label;
  };
  std::vector<Offered> offered;
  bool of_many = false;  ///< they are several things that were said rather than one in doubt

  static Reading of(Value value) {
    Reading reading;
    reading.taken = true;
    reading.value = std::move(value);
    return reading;
  }
  static Reading refuse(Phrase why, ValueMap details = {}) {
    Reading reading;
    reading.why = why;
    reading.details = std::move(details);
    return reading;
  }
};

/// What a person did at a rest: wrote (`play.heard`), or pressed one of its buttons.
struct Input {
  std::optional<std::size_t> position;  ///< of a pressed option
  char code = 0;                        ///< of a pressed button of the bot's own
  bool pressed() const { return position || code != 0; }
};

struct QuestionKind {
  /// Reads `play.heard` as an answer.
  Reading (*read)(Play& play, const Question& question);
  /// Buttons of the type itself, besides Skip.
  std::vector<OwnButton> (*own_buttons)(const Question& question) = nullptr;
  /// For answers of several messages; instead of `read` on every message.
  Flow (*collect)(Play& play, const Question& question, const Input& input) = nullptr;
  /// Whether any text would do, so that a misspelt `/command` must not be taken for one.
  bool takes_any_text = false;
  /// An answer as it is told to the person who gave it, `7 000 000 ₽`; as `{{ }}` prints it without this.
  std::string (*shown)(Play& play, const Value& answer) = nullptr;
};
const QuestionKind& kind_of_type(QuestionType type);
inline const QuestionKind& kind_of(const Question& question) { return kind_of_type(question.type); }

/// Goes through the questions of an `ask` from `row` on and rests at the first that is to be asked.
Flow ask_from(Play& play, StepId id, const Ask& ask, std::uint32_t row);
Flow show_question(Play& play, Waiting waiting, const RichText* was);
Flow show_confirmation(Play& play, Waiting waiting);
/// The waiting question, or its confirmation, takes what the person did.
Flow hear_answer(Play& play, const Input& input);
/// A value that was read: `check`, `confirm`, and it is the answer.
Flow take_value(Play& play, const Question& question, Value value);
/// One message with the reason and the question's buttons, or with the readings that an unclear answer may have; or `otherwise`, after the last attempt.
Flow refuse(Play& play, const Question& question, const Reading& reading);
/// The question stays unanswered: its variable is null, and the dialog goes on at `target` or behind it.
void leave_question(Play& play, const Target& target);
/// The pause that ends a fragmented answer (or begins `Received: 3`) is over.
void collected_enough(Play& play, bool files);
/// The buttons of the present rest once more; where nothing waits, those of a `say` under the input line.
Keyboard keyboard_of_rest(Play& play);
/// A phrase that changes nothing, with the buttons that are there.
void tell(Play& play, RichText text);
/// Nobody hears of a press of a link, but its label can be typed: answered with the link.
void tell_link(Play& play, const Option& option, const std::string& label);

// ---- what readers share

bool has_format(const Attachment& file, const std::vector<std::string>& formats);
/// Why a file will not do for a question; nothing when it will.
std::optional<Reading> refuse_file(const Question& question, const Attachment& file);
/// Why a number outside of `min` and `max` will not do; nothing when it is within.
std::optional<Reading> refuse_out_of_range(const Question& question, const Decimal& number,
                                           Phrase why = Phrase::InvalidRange);
LocalTime local_now(const Play& play);

/// A value that is there already (of another version, or told by a model) as an answer to the question: read, and held
/// against its `check`. Nothing when it is none (takeover.cpp).
std::optional<Value> fit_answer(Play& play, const Question& question, const Value& value);

}  // namespace sufler
