#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "interpreter/core/assistants/answer.h"
#include "interpreter/core/assistants/masks.h"
#include "interpreter/core/assistants/request.h"
#include "interpreter/core/play.h"

/// What all work of assistants shares: a request is begun, counted, masked and sent; its answer is read. Not for other
/// folders.
namespace sufler {

/// As services and logs know it.
inline constexpr std::string_view kAssistantService = "assistant";
/// Of one message of a person, in code points; the rest does not reach a model (RELIABILITY, abuse 20).
inline constexpr std::size_t kMostHeard = 4'000;

const Assistant& assistant_of(const Play& play, AssistantId id);
std::uint32_t rate_of(const Play& play, const Assistant& assistant);
/// English or Russian, as the scenario speaks.
std::string_view in_words(const Play& play, std::string_view english, std::string_view russian);

/// The author's text with `{{ }}` filled in and everything else as it stands. False: why is in the log.
bool render_raw(Play& play, const Template& text, std::string& out);
bool render_raw(Play& play, const Text& text, std::string& out);

/// Instructions and the rules of the house as the system message. False: why is in the log.
bool begin_request(Play& play, const Assistant& assistant, std::string_view rules, ModelRequest& request);
/// Personal data stands by its names from here on.
void mask(const Play& play, ModelRequest& request);
/// Personal data is masked, and the job begins. The dialog rests at `waiting`.
Flow send_request(Play& play, Waiting waiting, const Assistant& assistant, ModelRequest request);

/// Counts one message of the person's; false when that is more than `per_user` allows.
bool count_message(Play& play, const Assistant& assistant);
/// The answer of a request, with masked data put back. Nothing when there is none: `why` says so.
std::optional<ModelAnswer> take_answer(Play& play, const Assistant& assistant, const Value& result,
                                       const std::string& error, std::string& why);

/// Says to the log why an assistant gives up, and enters the step's `otherwise` or its own. False when there is neither.
bool give_up(Play& play, StepId step, const Assistant& assistant, const Target& own, std::string_view why);

/// A value of the model's as an answer to a question; nothing when it is none. Null and an empty text are no answer.
std::optional<Value> read_told(Play& play, const Question& question, const Value& told);

// ---- conversations (steps/assistant.cpp)

/// A message at Waiting::For::Talk.
Flow hear_talk(Play& play);
/// The pause that ends a message in fragments is over.
Flow end_gathering(Play& play);
/// A conversation that a command interrupted goes on.
Flow show_talk(Play& play, Waiting waiting);
/// True when the job was summing a conversation up.
bool take_summary(Play& play, const JobDone& done);
void lose_summary(State& state, std::uint64_t serial);
/// What people of a handoff say, and what is said to them.
void note_people(Play& play, bool by_staff, std::string_view text);

// ---- `understand` of questions (questions/understanding.cpp)

/// The built-in reading has failed: a model is asked. False when the question has none, or it may not be asked.
bool ask_to_understand(Play& play, const Question& question);

}  // namespace sufler
