#include <algorithm>

#include "interpreter/core/knowledge/packing.h"

// Paragraphs stand between empty lines.
namespace sufler::knowledge {

std::vector<Section> read_plain_text(std::string_view path, std::string_view text) {
  Section section{title_of_file(path), {}, false};
  Block block;
  std::uint32_t number = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, std::min(text.find('\n'), text.size()));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    ++number;
    if (trim(line).empty()) {
      if (!block.text.empty()) section.blocks.push_back(std::move(block));
      block = Block{};
      continue;
    }
    if (block.text.empty()) {
      block.line = number;
    } else {
      block.text += '\n';
    }
    block.text += trim(line);
  }
  if (!block.text.empty()) section.blocks.push_back(std::move(block));
  return {std::move(section)};
}

}  // namespace sufler::knowledge
