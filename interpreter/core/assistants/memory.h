#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What assistants remember of a talk (LANGUAGE 8). Plain values and pure functions over them: no dialog, no program.
namespace sufler {

/// What a model wants called, in its own words: nothing of it is checked yet.
struct ModelCall {
  std::string id, name;
  std::string arguments;  ///< JSON, or whatever the model took for it
  friend bool operator==(const ModelCall&, const ModelCall&) = default;
};

struct TalkLine {
  enum class Who : std::uint8_t {
    Person,
    People,  ///< what was said while people of a handoff were talking, as one block
    Model,
    Tool,    ///< the result of the call in the line before
  } who = Who::Person;
  std::string text;
  std::optional<ModelCall> call;  ///< Model: the next line is its result
  friend bool operator==(const TalkLine&, const TalkLine&) = default;
};

struct TalkMemory {
  std::vector<TalkLine> lines;      ///< oldest first
  std::string summary;              ///< of what came before them
  std::uint64_t summary_job = 0;    ///< serial of the job that sums up; 0: none is under way
  std::uint32_t summary_lines = 0;  ///< so many of the oldest lines it was given
  std::uint32_t rounds = 0;         ///< how often the model was asked since the person's last words
  bool corrected = false;           ///< it was told of a mistake since then
  friend bool operator==(const TalkMemory&, const TalkMemory&) = default;
};

/// Of one person, within one window of `per_user`.
struct TalkUsage {
  std::int64_t window = 0;  ///< which hour, day or week, counted from 1970
  std::uint32_t count = 0;  ///< messages
  std::uint64_t tokens_in = 0, tokens_out = 0;  ///< as the servers count
  friend bool operator==(const TalkUsage&, const TalkUsage&) = default;
};

/// All that a dialog keeps for its assistants. It outlives `restart` and `end`.
struct Assisted {
  std::map<std::string, TalkMemory> talks;      ///< by the assistant's name; of those that share one, under ""
  std::map<std::string, TalkUsage> usage;       ///< by the assistant's name
  std::map<std::string, std::uint32_t> rates;   ///< by connection: code points of a hundred tokens, as learnt
  std::uint64_t asked_points = 0;               ///< code points of the request that is under way
  std::string people;                           ///< said by and to people of a handoff, not yet in a talk
  /// What people answered to questions with `pii` while an assistant was asked, by question: the talk's memory may hold
  /// it when the answer itself is forgotten.
  std::vector<std::pair<std::string, std::string>> hidden;
  friend bool operator==(const Assisted&, const Assisted&) = default;
};

// ---- tokens (platforms/llm.md, section 9)

/// Before a server has told: two code points a token, which no text of people exceeds by much.
inline constexpr std::uint32_t kFirstRate = 200;
inline constexpr std::int64_t kTokensOfMessage = 4;

/// How many tokens a text takes, rounded up; without those of a message around it.
std::int64_t estimate_tokens(std::string_view text, std::uint32_t rate = kFirstRate);
std::int64_t tokens_of(const TalkLine& line, std::uint32_t rate);
/// The rate after a request of `points` code points that the server counted as `tokens`. Moves slowly and within
/// bounds: one odd answer must not spoil the estimates.
std::uint32_t corrected_rate(std::uint32_t rate, std::uint64_t points, std::uint64_t tokens);

// ---- what is sent, and what is kept

/// The first line to send of a talk: as many whole exchanges from the end as hold at most `last` messages and `tokens`
/// tokens. An exchange begins with what people say and ends before they say something again, so a call is never cut
/// from its result. The newest exchange is sent whatever it takes.
std::size_t first_sent(const std::vector<TalkLine>& lines, std::uint32_t last, std::int64_t tokens, std::uint32_t rate);

/// Takes away the oldest `count` lines.
void forget_lines(TalkMemory& talk, std::size_t count);
/// Whole exchanges are dropped from the beginning until the talk is of a size that a state may have.
void keep_bounded(TalkMemory& talk);

/// Said while people talk: kept to the last of it.
void add_people(Assisted& assisted, std::string_view who, std::string_view text);

// ---- texts of others on their way to a model

/// Without control characters, marks that turn or hide text, and more than `most` code points; what is cut is shown by `…`.
std::string cleaned(std::string_view text, std::size_t most);
/// The same for a block of data: signs that could end the block are gone as well.
std::string quoted_data(std::string_view text, std::size_t most);

// ---- as part of the state

void append_json(std::string& out, const Assisted& assisted);
class JsonReader;
bool read_json(JsonReader& json, Assisted& assisted);

}  // namespace sufler
