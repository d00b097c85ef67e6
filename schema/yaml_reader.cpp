// From bytes to a tree: refuse what is no text, let the pre-scan mend honest mistakes, then hear
// yaml-cpp's events and build nodes from them. The event API, because YAML::Node costs more than
// the parsing and YAML::LoadAll never returns on some inputs (",").
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <istream>
#include <streambuf>
#include <unordered_map>
#include <utility>

#include "interpreter/core/text.h"
#include "schema/node.h"
#include "schema/prescan.h"
#include "schema/yaml_errors.h"

namespace sufler {
namespace {

constexpr std::size_t kMaxBytes = 16u << 20;
constexpr std::size_t kMaxDepth = 100;
// A Node takes 80 bytes: what fits well under 100 MB with the text and the parser's own tokens.
constexpr std::size_t kMaxNodes = 300'000;

/// Characters of the scalars, in blocks that never move.
class Arena {
 public:
  std::string_view keep(std::string_view text) {
    if (text.empty()) return {};
    if (text.size() > left_) {
      const std::size_t size = std::max<std::size_t>(text.size(), kBlock);
      blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
      next_ = blocks_.back().get();
      left_ = size;
    }
    char* const at = next_;
    std::memcpy(at, text.data(), text.size());
    next_ += text.size();
    left_ -= text.size();
    return {at, text.size()};
  }

 private:
  static constexpr std::size_t kBlock = 64 << 10;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  std::size_t left_ = 0;
};

/// A stream over memory that is not ours, without a copy.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // std::streambuf reads only
    setg(begin, begin, begin + text.size());
  }
};

/// Ends the parsing from within an event; the reason is reported already.
struct Stop {};

/// Bytes that a scalar takes in the text, quotes included. `value` is what the parser made of it.
std::size_t scalar_length(std::string_view text, std::size_t offset, std::string_view value,
                          bool plain) {
  if (offset >= text.size()) return 0;
  if (plain) {
    if (text.compare(offset, value.size(), value) == 0) return value.size();
    // Several lines: their ends were folded, everything else stands as written.
    std::size_t at = offset, end = offset;
    for (std::size_t i = 0; i < value.size() && at < text.size(); ++i) {
      if (value[i] == ' ' || value[i] == '\n') {
        while (at < text.size() && std::strchr(" \t\r\n", text[at])) ++at;
        while (i + 1 < value.size() && (value[i + 1] == ' ' || value[i + 1] == '\n')) ++i;
      } else {
        if (text[at] != value[i]) break;
        end = ++at;
      }
    }
    return end - offset;
  }
  const char first = text[offset];
  if (first == '\'') {
    for (std::size_t at = offset + 1; at < text.size(); ++at) {
      if (text[at] != '\'') continue;
      if (at + 1 < text.size() && text[at + 1] == '\'')
        ++at;
      else
        return at + 1 - offset;
    }
    return text.size() - offset;
  }
  if (first == '"') {
    for (std::size_t at = offset + 1; at < text.size(); ++at) {
      if (text[at] == '\\')
        ++at;
      else if (text[at] == '"')
        return at + 1 - offset;
    }
    return text.size() - offset;
  }
  // A block scalar: to the end of its last line that is not blank. Its indentation is the first
  // such line's.
  std::size_t at = text.find('\n', offset);
  std::size_t end = std::min(at, text.size());
  std::size_t indent = 0;
  bool first_line = true;
  while (at != std::string_view::npos && at + 1 < text.size()) {
    const std::size_t start = at + 1;
    at = text.find('\n', start);
    const std::size_t stop = std::min(at, text.size());
    const std::size_t content = text.find_first_not_of(" \r", start);
    if (content >= stop) continue;
    if (first_line) {
      indent = content - start;
      first_line = false;
      if (indent == 0 || value.empty()) break;
    } else if (content - start < indent) {
      break;
    }
    end = stop;
  }
  while (end > offset && (text[end - 1] == '\r' || text[end - 1] == ' ')) --end;
  return end - offset;
}

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::uint32_t file, std::string_view original, const MendedText& mended, Arena& arena,
              Diagnostics& diagnostics)
      : file_(file),
        original_(original),
        mended_(mended),
        arena_(arena),
        diagnostics_(diagnostics) {}

  Node take_root() { return pending_.empty() ? Node{} : std::move(pending_.front()); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    Node& node = add();
    const std::uint32_t offset = offset_of(mark);
    node.span = {file_, offset, 0};
    // yaml-cpp takes these words for nothing at all; what they mean is for the language to say.
    // For a value that is absent the mark stands at whatever comes next, a key perhaps.
    const std::string_view rest = original_.substr(std::min<std::size_t>(offset, original_.size()));
    for (const std::string_view word : {"null", "Null", "NULL", "~"}) {
      if (!rest.starts_with(word)) continue;
      const std::size_t after = rest.find_first_not_of(" \t", word.size());
      if (after != std::string_view::npos && !std::strchr("\r\n,]}#", rest[after])) continue;
      node.kind = Node::Kind::Scalar;
      node.span.length = static_cast<std::uint32_t>(word.size());
      node.scalar = arena_.keep(word);
    }
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    const SourceSpan span = word_at(offset_of(mark));
    refuse(DiagnosticId::Alias, span, {slice(span)});
    add().span = {file_, offset_of(mark), 1};
  }

  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    const auto length = static_cast<std::uint32_t>(name.size() + 1);
    refuse(DiagnosticId::Anchor, {file_, offset_of(mark), length}, {"&" + name});
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    Node& node = add();
    node.kind = Node::Kind::Scalar;
    if (mended_.changed) {
      const auto position = static_cast<std::uint32_t>(mark.pos);
      if (const auto* substitute = mended_.substitute_at(position)) {
        node.quoted = !substitute->plain;
        node.span = {file_, substitute->original, substitute->length};
        node.scalar = arena_.keep(substitute->value);
        return;
      }
    }
    // yaml-cpp tags what is quoted or a block `!`, and plain scalars `?`.
    const bool plain = tag == "?";
    node.quoted = !plain;
    const std::uint32_t offset = offset_of(mark);
    check_tag(tag, offset);
    node.span = {file_, offset,
                 static_cast<std::uint32_t>(scalar_length(original_, offset, value, plain))};
    node.scalar = arena_.keep(value);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::Sequence, mark, tag);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::Mapping, mark, tag);
  }

  void OnSequenceEnd() override {
    const std::size_t first = open_.back().first_child;
    open_.pop_back();
    Node& parent = pending_[first - 1];
    const auto begin = pending_.begin() + static_cast<std::ptrdiff_t>(first);
    parent.items.assign(std::make_move_iterator(begin), std::make_move_iterator(pending_.end()));
    pending_.erase(begin, pending_.end());
  }

  void OnMapEnd() override {
    const std::size_t first = open_.back().first_child;
    open_.pop_back();
    const std::size_t count = (pending_.size() - first) / 2;
    std::vector<Node::Entry> entries;
    entries.reserve(count);
    for (std::size_t i = first; i + 1 < pending_.size(); i += 2) {
      Node& key = pending_[i];
      if (!key.is_scalar()) {
        refuse(DiagnosticId::ComplexKey, key.span);
        continue;
      }
      if (key.scalar == "<<" && !key.quoted) {
        refuse(DiagnosticId::MergeKey, key.span);
        continue;
      }
      entries.push_back({std::move(key), std::move(pending_[i + 1])});
    }
    pending_.resize(first);
    drop_repeated_keys(entries);
    pending_.back().entries = std::move(entries);
  }

 private:
  struct Open {
    std::size_t first_child;  ///< in pending_; the collection itself stands before it
  };

  Node& add() {
    if (++nodes_ > kMaxNodes) {
      diagnostics_.report(DiagnosticId::TooManyValues, {file_, 0, 0}, {std::to_string(kMaxNodes)});
      throw Stop{};
    }
    return pending_.emplace_back();
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag) {
    const std::uint32_t offset = offset_of(mark);
    if (open_.size() >= kMaxDepth) {
      diagnostics_.report(DiagnosticId::TooDeep, {file_, offset, 1}, {std::to_string(kMaxDepth)});
      throw Stop{};
    }
    check_tag(tag, offset);
    Node& node = add();
    node.kind = kind;
    node.span = {file_, offset, first_token_length(offset)};
    open_.push_back({pending_.size()});
  }

  // The first token of a collection: a bracket, a dash, or the first key up to its colon.
  std::uint32_t first_token_length(std::uint32_t offset) const {
    if (offset >= original_.size()) return 0;
    if (std::strchr("[{-", original_[offset])) return 1;
    std::size_t end = original_.find_first_of(":\r\n", offset);
    if (end == std::string_view::npos) end = original_.size();
    return static_cast<std::uint32_t>(end - offset);
  }

  void check_tag(const std::string& tag, std::uint32_t offset) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    refuse(DiagnosticId::Tag, word_at(offset), {tag});
  }

  void refuse(DiagnosticId id, SourceSpan span, std::vector<std::string> arguments = {}) {
    diagnostics_.report(id, span, std::move(arguments));
  }

  SourceSpan word_at(std::uint32_t offset) const {
    std::size_t end = std::min(original_.find_first_of(" \t\r\n,]}", offset), original_.size());
    if (end < offset) end = offset;
    return {file_, offset, static_cast<std::uint32_t>(end - offset)};
  }
  std::string slice(const SourceSpan& span) const {
    return std::string(original_.substr(span.offset, span.length));
  }

  void drop_repeated_keys(std::vector<Node::Entry>& entries) {
    constexpr std::size_t kFew = 12;
    bool repeated = false;
    if (entries.size() <= kFew) {
      for (std::size_t i = 1; i < entries.size() && !repeated; ++i)
        for (std::size_t j = 0; j < i && !repeated; ++j)
          repeated = entries[i].key.scalar == entries[j].key.scalar;
      if (!repeated) return;
    }
    std::unordered_map<std::string_view, SourceSpan> seen;
    seen.reserve(entries.size());
    std::erase_if(entries, [&](const Node::Entry& entry) {
      const auto [first, added] = seen.emplace(entry.key.scalar, entry.key.span);
      if (added) return false;
      Diagnostic& problem = diagnostics_.report(DiagnosticId::RepeatedKey, entry.key.span,
                                                {std::string(entry.key.scalar)});
      problem.hint_en = "the first one is at {0}; only one of them can stay";
      problem.hint_ru = "первое — {0}; остаться может только одно";
      problem.related.push_back({"", first->second});
      return true;
    });
  }

  std::uint32_t offset_of(const YAML::Mark& mark) const {
    const auto offset = static_cast<std::uint32_t>(std::max(mark.pos, 0));
    return mended_.changed ? mended_.original_offset(offset) : offset;
  }

  std::uint32_t file_;
  std::string_view original_;
  const MendedText& mended_;
  Arena& arena_;
  Diagnostics& diagnostics_;
  std::vector<Node> pending_;
  std::vector<Open> open_;
  std::size_t nodes_ = 0;
};

/// Whether the bytes after the first broken one look like Russian text in Windows-1251: most high
/// bytes are letters, and few of them form UTF-8.
bool looks_like_cp1251(std::string_view text) {
  std::size_t letters = 0, high = 0;
  for (const char c : text.substr(0, 64 << 10)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) continue;
    ++high;
    letters += byte >= 0xC0 || byte == 0xA8 || byte == 0xB8;
  }
  return high >= 2 && letters * 10 >= high * 8;
}

/// Refuses what is no text at all. False: there is nothing to parse.
bool check_bytes(std::uint32_t file, std::string_view text, Diagnostics& diagnostics) {
  if (text.size() > kMaxBytes) {
    diagnostics.report(DiagnosticId::FileTooLarge, {file, 0, 0}, {"16"});
    return false;
  }
  const std::string_view head = text.substr(0, 4);
  const bool utf16 = head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF") ||
                     (head.size() == 4 && (head[0] == 0) != (head[1] == 0) &&
                      (head[0] == 0) == (head[2] == 0) && (head[1] == 0) == (head[3] == 0));
  if (utf16) {
    Diagnostic& problem = diagnostics.report(DiagnosticId::Utf16, {file, 0, 0});
    problem.hint_en = "save the file as UTF-8";
    problem.hint_ru = "сохраните файл в кодировке UTF-8";
    return false;
  }
  std::size_t bad = 0;
  if (!is_utf8(text, &bad)) {
    const SourceSpan span{file, static_cast<std::uint32_t>(bad), 1};
    Diagnostic& problem = diagnostics.report(
        looks_like_cp1251(text) ? DiagnosticId::Windows1251 : DiagnosticId::NotUtf8, span);
    problem.hint_en = "save the file as UTF-8";
    problem.hint_ru = "сохраните файл в кодировке UTF-8";
    return false;
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const bool line_end = byte == '\n' || (byte == '\r' && text.substr(at + 1, 1) == "\n");
    if ((byte >= 0x20 && byte != 0x7F) || byte == '\t' || line_end) continue;
    constexpr char kHex[] = "0123456789ABCDEF";
    Diagnostic& problem = diagnostics.report(
        DiagnosticId::ControlCharacter, {file, static_cast<std::uint32_t>(at), 1},
        {std::string("U+00") + kHex[byte >> 4] + kHex[byte & 15]});
    problem.hint_en = "delete it and what looks like a space there";
    problem.hint_ru = "сотрите его вместе с тем, что похоже там на пробел";
    return false;
  }
  return true;
}

}  // namespace

SourceSpan span_inside(const Node& scalar, const SourceMap& sources, std::size_t offset,
                       std::size_t length) {
  const SourceSpan whole = scalar.span;
  const std::string_view text = sources.slice(whole);
  const auto part = [&](std::size_t from, std::size_t to) {
    from = std::min<std::size_t>(from, whole.length);
    to = std::clamp<std::size_t>(to, from, whole.length);
    return SourceSpan{whole.file, whole.offset + static_cast<std::uint32_t>(from),
                      static_cast<std::uint32_t>(to - from)};
  };
  if (text == scalar.scalar) return part(offset, offset + length);
  // Walks the written form beside the value. `at` is where value byte `i` was written.
  const std::string_view value = scalar.scalar;
  const std::size_t end = std::min(offset + length, value.size());
  const bool is_double = text.starts_with('"') && scalar.quoted;
  const bool is_single = text.starts_with('\'') && scalar.quoted;
  std::size_t at = is_double || is_single ? 1 : 0;
  if (scalar.quoted && !is_double && !is_single) {
    at = text.find('\n');
    at = at == std::string_view::npos ? text.size() : at + 1;
  }
  std::size_t from = at;
  for (std::size_t i = 0; i < end; ++i) {
    if (at < text.size() && text[at] != value[i]) {
      if (is_double && text[at] == '\\') {
        // An escape: what it stands for ends where the written text agrees with the value again.
        if (i == offset) from = at;
        const char kind = at + 1 < text.size() ? text[at + 1] : ' ';
        at += kind == 'x' ? 4 : kind == 'u' ? 6 : kind == 'U' ? 10 : 2;
        const bool wide = kind == 'u' || kind == 'U' || kind == 'N' || kind == '_' || kind == 'L' ||
                          kind == 'P' || kind == 'x';
        while (wide && i + 1 < end && (value[i + 1] & 0xC0) == 0x80) ++i;
        continue;
      }
      // Folded line ends and indentation.
      if (value[i] == ' ' || value[i] == '\n') {
        if (i == offset) from = at;
        while (at < text.size() && std::strchr(" \t\r\n", text[at])) ++at;
        continue;
      }
      while (at < text.size() && std::strchr(" \t\r\n", text[at])) ++at;
    }
    if (i == offset) from = at;
    if (is_single && value[i] == '\'') ++at;
    ++at;
  }
  if (offset >= end) from = at;
  return part(from, std::max(at, from));
}

Document read_yaml(std::uint32_t file, const SourceMap& sources, Diagnostics& diagnostics) {
  Document document;
  const std::string& original = sources.text(file);
  if (!check_bytes(file, original, diagnostics)) return document;
  const MendedText mended = prescan(file, sources, diagnostics);
  if (mended.hopeless) return document;

  const std::string& text = mended.changed ? mended.text : original;
  auto arena = std::make_shared<Arena>();
  TreeBuilder builder(file, original, mended, *arena, diagnostics);
  try {
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    document.root = builder.take_root();
    document.parsed = true;
  } catch (const Stop&) {
  } catch (const YAML::Exception& error) {
    explain_yaml_error(error.msg, static_cast<std::uint32_t>(std::max(error.mark.pos, 0)), file,
                       sources, mended, diagnostics);
  }
  document.storage = std::move(arena);
  return document;
}

}  // namespace sufler
