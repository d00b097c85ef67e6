#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/result.h"
#include "interpreter/core/text.h"

/// What an assistant knows (LANGUAGE 8): files cut into pieces that answer a question each. Pure.
namespace sufler {

/// A piece of a file of knowledge.
struct KnowledgeCut {
  std::string id;     ///< of its title and text: the same for the same, 32 hexadecimal digits
  std::string title;  ///< headings above it, `Доставка › По Москве`; the file's name where there are none
  std::string text;   ///< as it is shown to a model; UTF-8 without control characters
  std::uint32_t line = 1;  ///< of the file where it begins; of HTML and CSV that of its beginning, too
  friend bool operator==(const KnowledgeCut&, const KnowledgeCut&) = default;
};

/// Code points, as servers of models count roughly by them.
struct CutSizes {
  std::size_t usual = 900;    ///< a piece ends behind the block with which it has grown so long
  std::size_t most = 1'400;   ///< a list or a table that is no longer than this is never parted
  std::size_t overlap = 160;  ///< of running text, said again at the beginning of the next piece at most
};

enum class KnowledgeFormat : std::uint8_t { Markdown, Text, Csv, Html };
/// By the ending of the name: `.md .markdown .txt .csv .html .htm`.
std::optional<KnowledgeFormat> knowledge_format_of(std::string_view path);

/// Why a file cannot be read.
struct KnowledgeProblem {
  enum class What : std::uint8_t {
    NotKnowledge,  ///< its name has another ending
    NotUtf8,
    Windows1251,
    Utf16,
    Binary,         ///< control characters
    Empty,          ///< no words
    UnclosedQuote,  ///< of CSV
    TooBig,
  } what = What::NotUtf8;
  std::uint32_t line = 0;  ///< from 1; 0: of the whole file
  friend bool operator==(const KnowledgeProblem&, const KnowledgeProblem&) = default;
};
/// What is wrong and the way out, one line without the file's name.
std::string explain(const KnowledgeProblem& problem, Language language);

inline constexpr std::size_t kMostKnowledgeBytes = std::size_t{32} << 20;
/// Of one file; what is longer is a problem of the kind TooBig.
inline constexpr std::size_t kMostKnowledgePieces = 60'000;

/// `path` as the scenario names it: its ending tells the format. Any bytes give pieces or a problem. No piece is longer
/// than `sizes.most`, and none is without words.
Result<std::vector<KnowledgeCut>, KnowledgeProblem> cut_knowledge(std::string_view path, std::string_view bytes,
                                                                  const CutSizes& sizes = {});

}  // namespace sufler
