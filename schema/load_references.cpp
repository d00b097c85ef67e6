// Names of branches and tables where they are used.
#include <algorithm>

#include "interpreter/core/reserved_tables.h"
#include "schema/loading.h"

namespace sufler {
namespace {

/// What was written where a branch's name belongs, and cannot be one: a name with spaces, or a text.
void explain_bad_target(Loading& loading, Diagnostic& problem, std::string_view text, bool steps_fit) {
  if (text.empty()) return;
  // `Спасибо`: a name may begin with a capital letter, and a text does.
  const bool one_word = is_identifier(text);
  if (one_word && to_lower(text).compare(0, 2, text, 0, 2) == 0) return;
  std::string joined(text);
  std::replace(joined.begin(), joined.end(), ' ', '_');
  const auto spaces = std::count(text.begin(), text.end(), ' ');
  const std::string name =
      !one_word && is_identifier(joined) && spaces <= 3 ? "`" + joined + "`" : std::string();
  const std::string shown = text.find('\n') == text.npos ? std::string(first_code_points(text, 40)) : "…";
  const std::string say = "`- %say%: " + (shown.size() < text.size() ? shown + "…" : shown) + "`";
  std::string en, ru;
  if (!name.empty()) {
    en = "a name has no spaces: " + name;
    ru = "в имени не бывает пробелов: " + name;
  }
  if (steps_fit) {
    en += (en.empty() ? "" : "; ") + ("to send a text, write " + say + " on the next line");
    ru += (ru.empty() ? "" : "; ") + ("чтобы отправить текст, напишите на следующей строке " + say);
  }
  if (!en.empty()) hint(loading, problem, std::move(en), std::move(ru));
}

}  // namespace

BranchId read_branch_name(Loading& loading, const Node& node, std::string_view what, bool is_call,
                          bool steps_fit) {
  const auto text = read_scalar(loading, node, what);
  if (!text) return {};
  const std::string_view name = nfc(loading, *text);
  const auto found = loading.branches.find(name);
  if (found == loading.branches.end()) {
    loading.flow_is_known = false;
    Diagnostic& problem = loading.report(DiagnosticId::UnknownTarget, node.span,
                                         {std::string(what), std::string(*text)});
    if (may_offer(loading, loading.branches.size())) {
      std::vector<std::string> known;
      known.reserve(loading.branches.size());
      for (const Branch& branch : loading.program.branches) known.push_back(branch.name);
      offer(loading, problem, name, known, false);
    }
    if (problem.hint_en.empty()) explain_bad_target(loading, problem, trim(*text), steps_fit);
    return {};
  }
  const BranchId id{found->second.index};
  loading.branch_uses.push_back({loading.branch, id, is_call, node.span});
  return id;
}

bool check_table_name(Loading& loading, std::string_view name, SourceSpan span) {
  if (!is_reserved_table_name(name)) return true;
  hint(loading, loading.report(DiagnosticId::ReservedTable, span, {std::string(name)}),
       "give it another name, such as `my_" + std::string(name) + "`",
       "дайте ей другое имя, например `my_" + std::string(name) + "`");
  return false;
}

TableId read_table_name(Loading& loading, const Node& node, std::string_view what) {
  const auto text = read_scalar(loading, node, what);
  if (!text) return {};
  const std::string_view name = nfc(loading, *text);
  const auto found = loading.tables.find(name);
  if (found == loading.tables.end() && !loading.tables_described) {
    // A first scenario saves without describing a table: its columns are what is saved.
    if (read_name(loading, node).empty()) return {};
    check_table_name(loading, name, node.span);
    const auto index = static_cast<std::uint32_t>(loading.program.tables.size());
    Table table;
    table.name = std::string(name);
    table.span = node.span;
    loading.program.tables.push_back(std::move(table));
    loading.tables.emplace(name, Declared{index, &node, nullptr});
    loading.implied_tables[index].first_use = &node;
    return TableId{index};
  }
  if (found == loading.tables.end()) {
    loading.tables_are_known = false;
    Diagnostic& problem = loading.report(DiagnosticId::UnknownTable, node.span,
                                         {std::string(what), std::string(*text)});
    if (!may_offer(loading, loading.tables.size())) return {};
    std::vector<std::string> known;
    for (const Table& table : loading.program.tables) known.push_back(table.name);
    offer(loading, problem, name, known, false);
    if (known.empty()) {
      hint(loading, problem, "describe it in `%tables%`", "опишите её в `%tables%`");
    }
    return {};
  }
  return TableId{found->second.index};
}

DeskId read_desk_name(Loading& loading, const Node& node, std::string_view name, std::string_view what) {
  const auto found = loading.desks.find(name);
  if (found != loading.desks.end()) return DeskId{found->second.index};
  loading.desks_are_known = false;
  const std::size_t at = node.scalar.find(name);
  const SourceSpan span = name.empty() || at == node.scalar.npos
                              ? node.span
                              : span_inside(node, loading.sources, at, name.size());
  Diagnostic& problem =
      loading.report(DiagnosticId::UnknownDesk, span, {std::string(what), std::string(name)});
  std::vector<std::string> known;
  for (const Desk& desk : loading.program.desks) known.push_back(desk.name);
  offer(loading, problem, name, known, false);
  if (known.empty()) hint(loading, problem, "describe it in `%desks%`", "опишите её в `%desks%`");
  return {};
}

}  // namespace sufler
