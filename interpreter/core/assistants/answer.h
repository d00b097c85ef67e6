#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/assistants/memory.h"
#include "interpreter/core/value.h"

/// What a model says is data: read here, cleaned here, and never played as a template.
namespace sufler {

struct ModelAnswer {
  std::string text;                ///< may be empty when it calls something
  std::optional<ModelCall> call;   ///< the first, when it wants several
  bool cut = false;                ///< the server stopped it in the middle
  bool withheld = false;           ///< the server's filter took it away
  std::uint64_t tokens_in = 0, tokens_out = 0;  ///< 0: not told
  std::vector<std::string> found;  ///< titles, or files without one, of the pieces of knowledge that it was given
};

/// Nothing when the result of a job is no answer of a model.
std::optional<ModelAnswer> read_model_answer(const Value& result);

/// The one JSON object of an answer, also inside a fence of backquotes or among words. Nothing when there is none.
std::optional<ValueMap> object_in(std::string_view text);

/// Takes the marks `[1]` of pieces of knowledge out of an answer, and gives the titles of those that it names, each once.
/// Without `found` nothing is a mark.
std::vector<std::string> take_marks(std::string& text, const std::vector<std::string>& found);

/// Most code points of an answer that a person is shown.
inline constexpr std::size_t kMostShown = 3'500;

/// An answer as people read it: plain text without marks of Markdown, control characters and links to hosts that are not
/// `hosts` (in their place `removed`), at most `kMostShown` long. `cut`: it ends in the middle, so its last sentence goes.
std::string shown_answer(std::string_view text, const std::vector<std::string>& hosts, std::string_view removed, bool cut);

/// What may be shown of an answer that still grows: whole sentences, as `shown_answer` gives them, and nothing that only
/// the check of the whole answer can let through. The answer begins so, unless it is corrected.
std::string growing_answer(std::string_view text, const std::vector<std::string>& hosts, std::string_view removed,
                           const std::vector<std::string>& found = {});

/// Whether a text tells that people were called or will come: nobody is unless a tool did it (RELIABILITY, abuse 18).
bool claims_people(std::string_view text);

/// Hosts that a text names in links, lower case: what an author wrote a model may repeat.
std::vector<std::string> hosts_in(std::string_view text);

}  // namespace sufler
