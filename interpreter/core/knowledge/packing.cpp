#include "interpreter/core/knowledge/packing.h"

#include <algorithm>

// A section's blocks are put together until a piece is as long as usual. Running text that is too long is parted
// between sentences, and the next piece says the last of them again: an answer often stands on both sides of the cut.
// A list or a table begins a piece of its own rather than being parted.
namespace sufler::knowledge {
namespace {

constexpr std::size_t kMostTitle = 200;  // code points

/// Where a sentence ends within a text, behind the white space; at its end when there is no earlier.
std::size_t sentence_end(std::string_view text, std::size_t from) {
  for (std::size_t i = from; i < text.size(); ++i) {
    const char c = text[i];
    const bool ends = c == '\n' || ((c == '.' || c == '!' || c == '?') && i + 1 < text.size() &&
                                    (text[i + 1] == ' ' || text[i + 1] == '\n'));
    if (!ends) continue;
    ++i;
    while (i < text.size() && (text[i] == ' ' || text[i] == '\n')) ++i;
    return i;
  }
  return text.size();
}

/// The longest beginning of at most `most` code points that ends behind a space, else anywhere between code points.
std::size_t word_end(std::string_view text, std::size_t most) {
  const std::size_t end = first_code_points(text, most).size();
  if (end == text.size()) return end;
  const std::size_t space = text.substr(0, end).find_last_of(" \n\t");
  return space == text.npos || space == 0 ? end : space + 1;
}

/// Parts between sentences, none longer than `most`.
std::vector<std::string_view> sentences_of(std::string_view text, std::size_t most) {
  std::vector<std::string_view> all;
  while (!text.empty()) {
    std::string_view one = text.substr(0, sentence_end(text, 0));
    text.remove_prefix(one.size());
    while (count_code_points(one) > most) {
      const std::size_t end = word_end(one, most);
      all.push_back(one.substr(0, end));
      one.remove_prefix(end);
    }
    if (!one.empty()) all.push_back(one);
  }
  return all;
}

std::vector<std::string_view> lines_of(std::string_view text, std::size_t most) {
  std::vector<std::string_view> all;
  while (!text.empty()) {
    std::string_view one = text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
    text.remove_prefix(one.size());
    while (count_code_points(one) > most) {
      const std::size_t end = word_end(one, most);
      all.push_back(one.substr(0, end));
      one.remove_prefix(end);
    }
    if (!one.empty()) all.push_back(one);
  }
  return all;
}

class Packer {
 public:
  Packer(const CutSizes& sizes, std::vector<KnowledgeCut>& out) : sizes_(sizes), out_(out) {}

  void pack(const Section& section) {
    title_ = std::string(first_code_points(section.title, kMostTitle));
    said_again_ = false;
    for (const Block& block : section.blocks) {
      if (trim(block.text).empty()) continue;
      if (block.kind == Block::Kind::Whole) {
        put_whole(block);
      } else {
        put_running(block);
      }
      if (section.alone) finish();
    }
    finish();
  }

 private:
  static std::size_t size_of(std::string_view text) { return count_code_points(text); }

  void begin(std::uint32_t line) {
    if (text_.empty() || said_again_) line_ = line;
  }
  void add(std::string_view text, std::string_view joint) {
    if (!text_.empty()) {
      if (joint.starts_with('\n')) text_.erase(text_.find_last_not_of('\n') + 1);
      text_ += joint;
    }
    text_ += text;
    size_ = size_of(text_);
    said_again_ = false;
  }

  void finish() {
    const std::string_view text = trim(text_);
    const bool has_words = !said_again_ && std::any_of(text.begin(), text.end(), [](char c) {
      return static_cast<unsigned char>(c) >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    });
    if (has_words) out_.push_back({{}, title_, std::string(text), line_});
    text_.clear();
    size_ = 0;
    said_again_ = false;
  }

  void put_running(const Block& block) {
    const std::size_t size = size_of(block.text);
    if (size_ > 0 && !said_again_ && size_ + size > sizes_.usual) finish();
    if (size_ + size + 2 <= sizes_.usual) {
      begin(block.line);
      add(block.text, "\n\n");
      return;
    }
    // Longer than a piece: sentence by sentence.
    const std::size_t most = std::max<std::size_t>(1, std::min(sizes_.usual, sizes_.most));
    std::uint32_t line = block.line;
    std::vector<std::string_view> last;
    bool first = true;
    for (const std::string_view sentence : sentences_of(block.text, most)) {
      if (size_ > 0 && size_ + size_of(sentence) + (first ? 2 : 0) > most) {
        finish();
        say_again(last, most - std::min(most, size_of(sentence)));
        last.clear();
      }
      begin(line);
      add(sentence, first ? "\n\n" : "");
      last.push_back(sentence);
      line += static_cast<std::uint32_t>(std::count(sentence.begin(), sentence.end(), '\n'));
      first = false;
    }
  }

  /// The last sentences of the piece before, as far as they fit into `room`.
  void say_again(const std::vector<std::string_view>& last, std::size_t room) {
    const std::size_t most = std::min(sizes_.overlap, room);
    std::size_t from = last.size(), size = 0;
    while (from > 0 && size + size_of(last[from - 1]) <= most) size += size_of(last[--from]);
    for (std::size_t i = from; i < last.size(); ++i) text_ += last[i];
    size_ = size;
    said_again_ = size > 0;
  }

  void put_whole(const Block& block) {
    const std::string whole = block.head + block.text;
    const std::size_t size = size_of(whole);
    if (size_ > 0 && size_ + size + 2 > (size <= sizes_.usual / 2 ? sizes_.most : sizes_.usual)) finish();
    if (size_ + size + 2 <= sizes_.most) {
      begin(block.line);
      add(whole, "\n\n");
      if (size_ > sizes_.usual) finish();
      return;
    }
    finish();
    if (size <= sizes_.most) {
      begin(block.line);
      add(whole, "");
      finish();
      return;
    }
    // The head of a table stands above each part, unless it alone is half of a piece.
    const std::size_t head = size_of(block.head);
    const std::string_view repeated = head * 2 <= sizes_.usual ? std::string_view(block.head) : std::string_view();
    std::uint32_t line = block.line;
    const std::size_t room = std::max<std::size_t>(1, sizes_.usual - size_of(repeated));
    const std::string rest = repeated.empty() ? whole : block.text;
    for (const std::string_view one : lines_of(rest, room)) {
      if (size_ > 0 && size_ + size_of(one) > sizes_.usual) finish();
      begin(line);
      if (size_ == 0 && !repeated.empty()) add(repeated, "");
      add(one, "");
      line += static_cast<std::uint32_t>(std::count(one.begin(), one.end(), '\n'));
    }
    finish();
  }

  const CutSizes& sizes_;
  std::vector<KnowledgeCut>& out_;
  std::string title_, text_;
  std::size_t size_ = 0;       // of text_, in code points
  bool said_again_ = false;    // text_ holds nothing but the end of the piece before
  std::uint32_t line_ = 1;
};

}  // namespace

void Headings::put(std::size_t level, std::string text) {
  while (!open_.empty() && open_.back().first >= level) open_.pop_back();
  if (!text.empty()) open_.emplace_back(level, std::move(text));
}

std::string Headings::path() const {
  if (open_.empty()) return file_;
  std::string out;
  for (const auto& [level, text] : open_) {
    if (!out.empty()) out += " › ";
    out += text;
  }
  return out;
}

std::string title_of_file(std::string_view path) {
  path = path.substr(path.rfind('/') + 1);
  path = path.substr(0, path.rfind('.'));
  std::string out(path);
  for (char& c : out)
    if (c == '_' || c == '-') c = ' ';
  return std::string(trim(out));
}

std::vector<KnowledgeCut> pack(const std::vector<Section>& sections, const CutSizes& sizes) {
  std::vector<KnowledgeCut> out;
  Packer packer(sizes, out);
  for (const Section& section : sections) packer.pack(section);
  return out;
}

}  // namespace sufler::knowledge
