#include <algorithm>
#include <array>

#include "interpreter/core/knowledge/packing.h"

// RFC 4180, and what office programs make of it: semicolons or tabs for commas. A row becomes `Name: value` lines, so
// that each piece says by itself what its figures mean.
namespace sufler::knowledge {
namespace {

using Row = std::vector<std::string>;

/// Of the first line, outside of quotes.
char separator_of(std::string_view text) {
  std::array<std::size_t, 3> counts{};
  constexpr std::string_view kSeparators = ",;\t";
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (c == '\n' && !quoted) break;
    const std::size_t at = kSeparators.find(c);
    if (!quoted && at != kSeparators.npos) ++counts[at];
  }
  const auto most = std::max_element(counts.begin(), counts.end());
  return kSeparators[static_cast<std::size_t>(most - counts.begin())];
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text), separator_(separator_of(text)) {}

  bool at_end() const { return at_ >= text_.size(); }
  std::uint32_t line() const { return line_; }

  Result<Row, KnowledgeProblem> row() {
    Row row;
    for (;;) {
      auto cell = this->cell();
      if (!cell) return Error{cell.error()};
      row.push_back(std::move(*cell));
      if (at_end()) return row;
      const char c = text_[at_++];
      if (c == '\n') {
        ++line_;
        return row;
      }
    }
  }

 private:
  Result<std::string, KnowledgeProblem> cell() {
    std::string out;
    std::size_t quote = at_;
    while (quote < text_.size() && text_[quote] == ' ') ++quote;
    if (quote < text_.size() && text_[quote] == '"') {
      const std::uint32_t opened = line_;
      for (at_ = quote + 1;; ++at_) {
        if (at_end()) return Error{KnowledgeProblem{KnowledgeProblem::What::UnclosedQuote, opened}};
        if (text_[at_] == '"') {
          if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
          ++at_;
        }
        if (text_[at_] == '\n') ++line_;
        out += text_[at_];
      }
      ++at_;
    }
    // What stands behind a closing quote is kept: people write `"ООО" Ромашка`.
    while (!at_end() && text_[at_] != separator_ && text_[at_] != '\n') out += text_[at_++];
    return std::string(trim(out));
  }

  std::string_view text_;
  char separator_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
};

bool is_empty(const Row& row) {
  return std::all_of(row.begin(), row.end(), [](const std::string& cell) { return cell.empty(); });
}

}  // namespace

Result<std::vector<Section>, KnowledgeProblem> read_csv(std::string_view path, std::string_view text) {
  std::vector<Section> sections;
  // Office programs say by `sep=;` which separator they used.
  std::uint32_t skipped = 0;
  if (text.size() > 5 && text.starts_with("sep=") && text[5] == '\n') {
    text.remove_prefix(6);
    skipped = 1;
  }
  Reader reader(text);
  Row names;
  while (!reader.at_end()) {
    const std::uint32_t line = reader.line() + skipped;
    auto row = reader.row();
    if (!row) {
      KnowledgeProblem problem = row.error();
      problem.line += skipped;
      return Error{problem};
    }
    if (is_empty(*row)) continue;
    if (names.empty()) {
      names = std::move(*row);
      continue;
    }
    Section section{title_of_file(path), {}, true};
    Block block{Block::Kind::Whole, {}, line, {}};
    for (std::size_t i = 0; i < row->size(); ++i) {
      const std::string& cell = (*row)[i];
      if (cell.empty()) continue;
      if (block.text.empty()) {
        section.title += " › " + cell;
        std::replace(section.title.begin(), section.title.end(), '\n', ' ');
      }
      if (!block.text.empty()) block.text += '\n';
      const bool named = i < names.size() && !names[i].empty();
      block.text += named ? names[i] + ": " + cell : cell;
    }
    section.blocks.push_back(std::move(block));
    sections.push_back(std::move(section));
  }
  return sections;
}

}  // namespace sufler::knowledge
