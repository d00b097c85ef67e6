#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/knowledge/piece.h"

/// What the readers of the formats have in common: blocks of sections become pieces.
namespace sufler::knowledge {

struct Block {
  /// Whole: a list or a table, which is parted between its lines only, and only when it must be.
  enum class Kind : std::uint8_t { Running, Whole } kind = Kind::Running;
  std::string text;
  std::uint32_t line = 1;
  std::string head = {};  ///< of a table: what stands above each of its parts
};
struct Section {
  std::string title;
  std::vector<Block> blocks;
  bool alone = false;  ///< one piece for each block: a row of CSV
};

/// Headings above a place, by level.
class Headings {
 public:
  explicit Headings(std::string file) : file_(std::move(file)) {}
  void put(std::size_t level, std::string text);
  std::string path() const;

 private:
  std::string file_;  // what a piece without headings is called
  std::vector<std::pair<std::size_t, std::string>> open_;
};

/// `dostavka_po-rf.md` → `dostavka po rf`.
std::string title_of_file(std::string_view path);

std::vector<KnowledgeCut> pack(const std::vector<Section>& sections, const CutSizes& sizes);

// Readers: UTF-8 without a mark at its beginning and without `\r`.
std::vector<Section> read_markdown(std::string_view path, std::string_view text);
std::vector<Section> read_plain_text(std::string_view path, std::string_view text);
Result<std::vector<Section>, KnowledgeProblem> read_csv(std::string_view path, std::string_view text);
std::vector<Section> read_html(std::string_view path, std::string_view text);

}  // namespace sufler::knowledge
