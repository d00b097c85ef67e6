#pragma once
// A request as it comes in, read with limits.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sufler::listening {

std::string lowered(std::string_view text);
/// Whether the word, in lower case, stands in a list with commas.
bool has_word(std::string_view list, std::string_view word);

/// All of a request but its body.
struct Head {
  std::string method;
  std::string line;  ///< the first one, without its end
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
  std::size_t length = 0;
  bool chunked = false;
  bool close = false;
  bool wants_continue = false;
};

/// A whole request.
struct Request {
  std::uint64_t connection = 0;
  Head head;
  std::string body;
  bool close = false;  ///< the connection ends with the answer
};

/// 0, or the status of a refusal. Whatever two readers might read in two ways is refused: a proxy before us must not
/// see another request than we do.
int read_head(std::string_view text, Head& head);

/// Takes a body out of its chunks as they come.
class Chunks {
 public:
  enum class Now { More, Whole, Bad, TooLarge };

  /// Removes from `in` what it has read and adds it to `body`, which may grow to `limit`.
  Now read(std::string& in, std::string& body, std::size_t limit);

 private:
  Now read(std::string_view in, std::size_t& at, std::string& body, std::size_t limit);

  std::size_t left_ = 0;   // of the chunk at hand
  bool ending_ = false;    // its line break comes next
  int trailers_ = 0;       // lines after the last chunk, and one
};

}  // namespace sufler::listening
