// broadcast: what is said goes to many, and none of them is this dialog. Here it only begins: the order is written down
// with this turn, with everything it needs of the dialog, and the runtime takes it from there.
#include "interpreter/core/broadcast.h"
#include "interpreter/core/steps/steps.h"

namespace sufler {
namespace {

/// Larger ones would be copied into every person's event.
constexpr std::size_t kMostOrderBytes = 64 * 1024;

/// Whether a name means the one who gets it, or is the same for everybody.
bool is_theirs(std::string_view name) {
  return name == "user" || name == "chat" || name == "shared" || name == "settings" || name == "texts";
}

void keep_values(Play& play, const std::vector<NameUse>& names, ValueMap& values) {
  for (const NameUse& use : names) {
    if (use.path.empty() || is_theirs(use.path.front()) || values.find(use.path.front())) continue;
    const Value* const value = play.scope.find(use.path.front());
    values.set(use.path.front(), value ? *value : Value());
  }
}

}  // namespace

Flow play_verb(Play& play, StepId, const Step&, const BroadcastStep& broadcast) {
  BroadcastOrder order;
  order.name = broadcast.name;
  for (const Template& text : broadcast.text.any_of) {
    // What a person has typed must not be read as a template by anybody else: it goes along as a value.
    order.texts.push_back(text.source());
    keep_values(play, text.names(), order.values);
  }
  if (broadcast.branch) order.branch = play.program.branch(broadcast.branch).name;
  for (const Assignment& assignment : broadcast.with) {
    Value value;
    if (assignment.path.empty() || !play.evaluate(assignment.value, value)) return Flow::Next;
    order.with.set(assignment.path.front(), std::move(value));
  }
  if (!play.collect(broadcast.attach, order.files)) return Flow::Next;
  if (broadcast.where) {
    order.where = broadcast.where->source();
    keep_values(play, broadcast.where->names(), order.values);
  }
  order.rate = broadcast.rate;
  if (broadcast.quiet) {
    order.quiet_from = broadcast.quiet->from.seconds;
    order.quiet_to = broadcast.quiet->to.seconds;
  }
  BeginBroadcast begin{broadcast.name, to_json(order)};
  if (begin.order.size() > kMostOrderBytes) {
    play.fail("a broadcast is larger than " + std::to_string(kMostOrderBytes) + " bytes");
    return Flow::Next;
  }
  play.mark_border();
  play.effect(std::move(begin));
  return Flow::Next;
}

}  // namespace sufler
