// `broadcast`: what everybody gets for whom a condition holds (LANGUAGE 4).
#include <algorithm>

#include "schema/loading.h"

namespace sufler {
namespace {

void read_quiet(Loading& loading, Fields& fields, BroadcastStep& broadcast) {
  const Node* node = fields.take(Word::Quiet);
  if (!node) return;
  const std::string what = fields.spelled(Word::Quiet);
  if (!node->is_map()) {
    hint(loading, loading.report(DiagnosticId::WantsMap, node->span, {what}), "`{%from%: \"22:00\", %to%: \"09:00\"}`",
         "`{с: \"22:00\", до: \"09:00\"}`");
    return;
  }
  Fields hours(loading, *node, in::HoursKey, what);
  const Node* from = hours.require(Word::HoursFrom);
  const Node* to = hours.require(Word::HoursTo);
  hours.finish();
  if (!from || !to) return;
  const auto begins = read_time(loading, *from, hours.spelled(Word::HoursFrom));
  const auto ends = read_time(loading, *to, hours.spelled(Word::HoursTo));
  if (!begins || !ends) return;
  if (*begins == *ends) {
    hint(loading, loading.report(DiagnosticId::AlwaysQuiet, node->span, {what}),
         "name two different times: from `22:00` to `09:00` goes over midnight",
         "назовите два разных времени: с `22:00` до `09:00` идёт через полночь");
    return;
  }
  broadcast.quiet = QuietHours{*begins, *ends};
}

/// False when nothing is said.
bool read_what(Loading& loading, Fields& fields, const Node& value, BroadcastStep& broadcast) {
  const bool any_of = value.is_map() && std::any_of(value.entries.begin(), value.entries.end(), [](const Node::Entry& entry) {
                        return find_word(entry.key.scalar, in::TextKey) == Word::AnyOf;
                      });
  if (value.is_scalar() || any_of) {
    loading.message_texts.push_back(&value);
    broadcast.text = read_text(loading, value, fields.where());
    if (const Node* attach = fields.take(Word::Attach))
      broadcast.attach = read_attach(loading, *attach, fields.spelled(Word::Attach));
    return true;
  }
  if (value.is_map()) {
    Fields inner(loading, value, in::StepKey, fields.where());
    if (const Node* branch = inner.require(Word::Branch)) {
      const std::size_t uses = loading.branch_uses.size();
      broadcast.branch = read_branch_name(loading, *branch, inner.spelled(Word::Branch));
      for (std::size_t i = uses; i < loading.branch_uses.size(); ++i) loading.branch_uses[i].elsewhere = true;
    }
    if (const Node* with = inner.take(Word::With))
      broadcast.with = read_assignments(loading, *with, inner.spelled(Word::With), true);
    inner.finish();
    if (fields.has(Word::Attach)) {
      hint(loading, loading.report(DiagnosticId::NotTogether, fields.key_span(Word::Attach),
                                   {fields.spelled(Word::Attach), inner.spelled(Word::Branch)}),
           "put it into the branch, with `%say%`", "положите его в саму ветку, в шаг `%say%`");
      fields.take(Word::Attach);
    }
    return static_cast<bool>(broadcast.branch);
  }
  hint(loading, loading.report(DiagnosticId::WantsBroadcast, value.kind == Node::Kind::Null ? fields.node().span : value.span,
                               {fields.where()}),
       "`%broadcast%: \"New arrivals!\"` sends a text, `%broadcast%: {%branch%: offer}` plays a branch with everybody",
       "`%broadcast%: \"Новинки!\"` отправляет текст, `%broadcast%: {%branch%: предложение}` проходит со всеми ветку");
  return false;
}

}  // namespace

std::optional<BroadcastStep> read_broadcast(Loading& loading, Fields& fields, const Node& value) {
  loading.program.broadcasts = true;
  BroadcastStep broadcast;
  const bool says = read_what(loading, fields, value, broadcast);
  if (const Node* where = fields.take(Word::Where))
    broadcast.where = read_condition(loading, *where, fields.spelled(Word::Where));
  if (const Node* name = fields.take(Word::As))
    if (read_scalar(loading, *name, fields.spelled(Word::As))) broadcast.name = std::string(read_name(loading, *name));
  if (const Node* rate = fields.take(Word::BroadcastRate))
    broadcast.rate = static_cast<std::uint32_t>(
        read_integer(loading, *rate, fields.spelled(Word::BroadcastRate), 1, 1000).value_or(0));
  read_quiet(loading, fields, broadcast);
  if (fields.has(Word::Buttons)) {
    hint(loading, loading.report(DiagnosticId::ButtonsInBroadcast, fields.key_span(Word::Buttons),
                                 {fields.spelled(Word::Buttons), fields.where()}),
         "put the text and its buttons into a branch, `%say%` with `%buttons%`, and send that: `%broadcast%: {%branch%: offer}`",
         "вынесите текст с кнопками в ветку, в шаг `%say%` с `%buttons%`, и разошлите её: `%broadcast%: {%branch%: предложение}`");
    fields.take(Word::Buttons);
  }
  if (!says) return std::nullopt;
  return broadcast;
}

}  // namespace sufler
