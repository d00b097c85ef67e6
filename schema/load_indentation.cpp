// What a newcomer leaves to the left of where it belongs. YAML reads
//     branches:
//     welcome:
//       - say: Hello
// as a `branches` without anything and a word `welcome` beside it, and `options:` with its labels just below it
// in the same way. Here such lines are moved, in the tree alone, to where they were meant, with one message that
// speaks of the indentation, so that nothing is said of what would follow from it.
#include <algorithm>

#include "schema/loading.h"

namespace sufler {
namespace {

std::size_t last_byte(const Node& node) {
  std::size_t last = node.span.offset + node.span.length;
  for (const Node& item : node.items) last = std::max(last, last_byte(item));
  for (const Node::Entry& entry : node.entries) {
    last = std::max({last, last_byte(entry.key), last_byte(entry.value)});
  }
  return last;
}

/// Two spaces before each line of these entries, empty ones aside.
Fix indent_fix(const std::string& text, const std::vector<Node::Entry>& entries) {
  std::size_t last = 0;
  for (const Node::Entry& entry : entries) last = std::max({last, last_byte(entry.key), last_byte(entry.value)});
  constexpr std::size_t kMostLines = 2000;
  Fix fix{"indent by two spaces", {}, true};
  const std::size_t first = entries.front().key.span.offset;
  std::size_t line = first == 0 ? 0 : text.rfind('\n', first - 1) + 1;
  while (line < std::min(last, text.size())) {
    const std::size_t end = std::min(text.find('\n', line), text.size());
    const bool blank = text.find_first_not_of(" \t\r", line) >= end;
    if (!blank) {
      fix.edits.push_back({{entries.front().key.span.file, static_cast<std::uint32_t>(line), 0}, "  "});
    }
    line = end + 1;
    if (fix.edits.size() <= kMostLines) continue;
    fix.safe = false;  // a part of it would be worse than nothing
    fix.edits.clear();
    break;
  }
  return fix;
}

bool begins_line(const std::string& text, std::size_t offset) {
  while (offset > 0 && text[offset - 1] == ' ') --offset;
  return offset == 0 || text[offset - 1] == '\n';
}

/// Moves the entries behind `map.entries[at]` for which `is_inside` holds into that entry's value, which is empty.
template <class IsInside>
void move_inside(Loading& loading, Node& map, std::size_t at, IsInside is_inside) {
  std::size_t end = at + 1;
  while (end < map.entries.size() && is_inside(map.entries[end])) ++end;
  if (end == at + 1) return;
  const std::string& text = loading.sources.text(map.entries[at].key.span.file);
  if (!begins_line(text, map.entries[at + 1].key.span.offset)) return;  // between brackets nothing is indented
  Node& value = map.entries[at].value;
  value.kind = Node::Kind::Mapping;
  value.entries.reserve(end - at - 1);
  const auto begin = map.entries.begin() + static_cast<std::ptrdiff_t>(at) + 1;
  const auto stop = map.entries.begin() + static_cast<std::ptrdiff_t>(end);
  std::move(begin, stop, std::back_inserter(value.entries));
  map.entries.erase(begin, stop);
  const Node& first = value.entries.front().key;
  value.span = first.span;
  const std::string section(map.entries[at].key.scalar);
  Diagnostic& problem =
      loading.report(DiagnosticId::NotIndented, first.span, {std::string(first.scalar), section});
  const std::size_t more = value.entries.size() - 1;
  hint(loading, problem,
       "indent its lines by two spaces" +
           (more == 0 ? std::string() : ", and so what follows down to `" + std::string(value.entries.back().key.scalar) + "`"),
       "сдвиньте её строки вправо на два пробела" +
           (more == 0 ? std::string() : ", и так до `" + std::string(value.entries.back().key.scalar) + "`"));
  Fix fix = indent_fix(text, value.entries);
  if (!fix.edits.empty()) problem.fixes.push_back(std::move(fix));
}

bool is_empty(const Node& node) { return node.kind == Node::Kind::Null; }

bool is_one_of(Word word, std::initializer_list<Word> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Whether an entry of the top belongs to a section that stands empty before it.
bool belongs_to_section(Loading& loading, Word section, const Node::Entry& entry) {
  const Word word = find_word(nfc(loading, entry.key.scalar), in::Top);
  // `start:` with steps below it is a branch, not the name of one.
  const bool named_like_a_word =
      is_one_of(word, {Word::Start, Word::Fallback, Word::OnError, Word::Title, Word::Scenario,
                       Word::LanguageWord, Word::Timezone});
  if (word != Word::None && !(named_like_a_word && (entry.value.is_list() || entry.value.is_map()))) return false;
  if (word == Word::None) {
    if (find_word(entry.key.scalar, in::TalkFile) != Word::None) return false;
    static const std::vector<std::string> sections = spellings(in::Top);
    if (may_offer(loading, sections.size())) {
      loading.suggestion_budget -= sections.size();
      if (!nearest(entry.key.scalar, sections).empty()) return false;  // a section, misspelt
    }
  }
  switch (section) {
    case Word::Branches: return entry.value.is_list() || entry.value.is_map();
    case Word::Commands:
    case Word::Tables:
    case Word::Handoff:
    case Word::Desks: return entry.value.is_map();
    default: return true;
  }
}

/// The fields of a question or a command just below its name.
void indent_fields(Loading& loading, Node& section, Contexts fields, std::initializer_list<Word> first) {
  if (!section.is_map()) return;
  for (std::size_t i = 0; i + 1 < section.entries.size(); ++i) {
    if (!is_empty(section.entries[i].value)) continue;
    const Word next = find_word(section.entries[i + 1].key.scalar, fields);
    if (!is_one_of(next, first)) continue;
    move_inside(loading, section, i,
                [&](const Node::Entry& entry) { return find_word(entry.key.scalar, fields) != Word::None; });
  }
}

/// Labels, cases and values just below their `options:`, `cases:` or `values:`.
void indent_inside_steps(Loading& loading, Node& node) {
  constexpr Contexts kOfStep = in::Verb | in::StepKey | in::QuestionKey | in::OptionKey;
  for (Node& item : node.items) indent_inside_steps(loading, item);
  for (std::size_t i = 0; i < node.entries.size(); ++i) {
    const Word word = find_word(node.entries[i].key.scalar, kOfStep);
    const bool holds_names =
        is_one_of(word, {Word::Options, Word::Buttons, Word::Cases, Word::Values, Word::Set, Word::With});
    if (holds_names && is_empty(node.entries[i].value)) {
      move_inside(loading, node, i, [&](const Node::Entry& entry) {
        return find_word(nfc(loading, entry.key.scalar), kOfStep) == Word::None;
      });
    }
    indent_inside_steps(loading, node.entries[i].value);
  }
}

}  // namespace

void mend_indentation(Loading& loading, Node& root) {
  if (!root.is_map()) return;
  for (std::size_t i = 0; i < root.entries.size(); ++i) {
    const Word section = find_word(root.entries[i].key.scalar, in::Top);
    Node& value = root.entries[i].value;
    const bool holds_names =
        is_one_of(section, {Word::Branches, Word::Questions, Word::Commands, Word::Tables, Word::Texts,
                            Word::Settings, Word::Handoff, Word::Desks});
    if (holds_names && is_empty(value)) {
      move_inside(loading, root, i,
                  [&](const Node::Entry& entry) { return belongs_to_section(loading, section, entry); });
    }
    Node& inside = root.entries[i].value;
    if (section == Word::Questions) {
      indent_fields(loading, inside, in::QuestionKey, {Word::TextWord, Word::Type});
      indent_inside_steps(loading, inside);
    }
    if (section == Word::Commands) indent_fields(loading, inside, in::CommandKey, {Word::On});
    if (section == Word::Branches) indent_inside_steps(loading, inside);
  }
}

}  // namespace sufler
