// The first byte says which format the rest is. Whatever it is, pieces are texts of bounded length with words in them,
// and a question made of it finds its words without meaning anything.
#include "fuzz/targets.h"
#include "interpreter/core/knowledge/piece.h"
#include "interpreter/core/knowledge/words.h"

namespace sufler::fuzz {

void play_knowledge(std::string_view bytes) {
  if (bytes.empty()) return;
  constexpr const char* kNames[] = {"a.md", "a.txt", "a.csv", "a.html"};
  const auto first = static_cast<unsigned char>(bytes[0]);
  CutSizes sizes;
  if (first & 4) sizes = {40, 60, 20};
  bytes.remove_prefix(1);
  const auto pieces = cut_knowledge(kNames[first % 4], bytes, sizes);
  if (pieces) {
    require(!pieces->empty(), "a file that was read has pieces");
    for (const KnowledgeCut& piece : *pieces) {
      require(is_utf8(piece.text) && is_utf8(piece.title), "pieces are UTF-8");
      require(!trim(piece.text).empty(), "pieces have words");
      require(count_code_points(piece.text) <= sizes.most, "pieces are bounded");
      require(piece.id.size() == 32, "pieces have an id");
      require(piece.line >= 1, "lines count from 1");
    }
    require(*pieces == *cut_knowledge(kNames[first % 4], bytes, sizes), "the same is cut in the same way");
  } else {
    require(!explain(pieces.error(), Language::Russian).empty(), "a problem says what it is");
  }
  for (const std::string& stem : stems_of(bytes)) {
    require(!stem.empty(), "stems are words");
    for (const char c : stem)
      require((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80,
              "no character of a stem means anything to a database");
  }
  require(words_of_question(bytes).size() <= kMostQuestionWords, "questions are bounded");
}

}  // namespace sufler::fuzz
