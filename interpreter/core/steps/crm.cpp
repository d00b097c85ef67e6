// crm: something in amoCRM. With `into` or `on_error` the dialog waits for what came of it; else it goes on at once, and the
// job is done when amoCRM can be reached, in the order of the steps. A border: what it did there is not taken back, nor is it
// given up when a command leads elsewhere.
#include <algorithm>

#include "interpreter/core/crm/order.h"
#include "interpreter/core/crm_talk.h"
#include "interpreter/core/jobs.h"
#include "interpreter/core/sha256.h"
#include "interpreter/core/steps/steps.h"
#include "interpreter/core/text.h"

namespace sufler {
namespace {

constexpr std::size_t kMostOrderBytes = 256 * 1024;
constexpr std::string_view kFields = "fields";

/// Ours under their names, those of the account together. What is null is not written.
void put(ValueMap& values, ValueMap& own, bool ours, std::string_view name, Value value) {
  if (!value.is_null()) (ours ? values : own).set(name, std::move(value));
}

/// A map that came as data, such as a contact of another step.
Value named(const ValueMap& map, CrmOrder::Do what) {
  ValueMap values, own;
  for (const auto& [name, value] : map) {
    if (name == "url" || name == "made" || name == "merged" || name.ends_with("_id")) continue;  // of a result
    const std::string_view known = crm_name(what, name);
    put(values, own, !known.empty(), known.empty() ? std::string_view(name) : known, value);
  }
  if (!own.empty()) values.set(kFields, std::move(own));
  return Value(std::move(values));
}

/// False after a fault.
bool collect(Play& play, const std::vector<CrmField>& fields, ValueMap& values) {
  ValueMap own;
  for (const CrmField& field : fields) {
    Value value;
    if (field.is_map) {
      ValueMap parts;
      if (!collect(play, field.parts, parts)) return false;
      value = Value(std::move(parts));
    } else if (!field.value) {
      List items;
      for (const Expression& item : field.items)
        if (!play.evaluate(item, items.emplace_back())) return false;
      value = Value(std::move(items));
    } else {
      if (!play.evaluate(*field.value, value)) return false;
      if (field.ours && field.name == "contact" && value.map()) value = named(*value.map(), CrmOrder::Do::Contact);
    }
    put(values, own, field.ours, field.name, std::move(value));
  }
  if (!own.empty()) values.set(kFields, std::move(own));
  return true;
}

/// Nobody else's, and the same whenever this turn is played again.
std::string mark_of(Play& play) {
  const UserRecord& user = play.user;
  std::string all = play.program.id + '\x1f' + user.platform + '\x1f' + user.id + '\x1f' + std::to_string(play.next_serial());
  all += '\x1f' + std::to_string(play.now().unix_ms) + '\x1f' + std::to_string(play.event.seed);
  return sha256_hex(all).substr(0, 32);
}

bool collect_due(Play& play, const CrmOrder& order, std::optional<Moment>& due) {
  if (order.at) {
    if (!moment_of(play, *order.at, due, PassedTime::Tomorrow)) return false;
    return due ? true : play.fail("`" + order.at->source() + "` gives no moment for the task");
  }
  std::optional<Duration> in = order.in;
  if (order.in_expression && !duration_of(play, *order.in_expression, in)) return false;
  if (!in) return order.in_expression ? play.fail("`" + order.in_expression->source() + "` gives no length of time for the task") : true;
  due = later(play.event.at, *in);
  return true;
}

}  // namespace

Flow play_verb(Play& play, StepId id, const Step&, const CrmStep& crm) {
  const CrmOrder& order = *crm.order;
  if (order.what == CrmOrder::Do::Chat) {
    play.mark_border();
    open_crm_chat(play, order.shown, false);
    return Flow::Next;
  }
  ValueMap values;
  RichText text;
  std::optional<Moment> due;
  if (!collect(play, order.values, values) || !play.render(order.text, text) || !collect_due(play, order, due)) return Flow::Next;
  const UserRecord& user = play.user;
  ValueMap person;
  person.set("transport", user.platform);
  person.set("id", user.id);
  person.set("first_name", user.first_name);
  person.set("last_name", user.last_name);
  person.set("phone", user.phone);
  ValueMap request;
  request.set("do", std::string(crm_word(order.what)));
  request.set("mark", mark_of(play));
  request.set("at", play.now());
  request.set("person", std::move(person));
  request.set("zone", play.program.zone.name());
  request.set("values", std::move(values));
  if (!text.text.empty()) request.set("text", text.text);
  if (due) request.set("due", *due);
  if (waits(crm)) request.set("waits", true);
  StartJob job;
  job.service = std::string(kCrmService);
  job.name = std::string(crm_word(order.what));
  job.request = to_json(Value(std::move(request)));
  if (order.history) {
    job.talk = StartJob::Talk::Lines;
    job.talk_room = kMostNote - std::min(kMostNote, count_code_points(text.text));
  }
  if (job.request.size() > kMostOrderBytes) {
    play.fail("more than " + std::to_string(kMostOrderBytes) + " bytes for amoCRM");
    return Flow::Next;
  }
  play.mark_border();
  if (!waits(crm)) {
    play.effect(std::move(job));
    return Flow::Next;
  }
  Waiting waiting;
  waiting.step = id;
  return begin_job(play, std::move(waiting), std::move(job));
}

Flow take_result(Play& play, const Waiting&, const CrmStep& crm, const Value& result, const std::string& error) {
  if (error.empty()) {
    if (!crm.into.empty()) play.set_variable(crm.into, result);
    return Flow::Next;
  }
  ValueMap why;
  why.set("error", error);
  if (!crm.into.empty() && !play.set_variable(crm.into, std::move(why))) return Flow::Next;
  if (crm.on_error) {
    play.effect(WriteLog{"amoCRM: " + error});
    play.enter(crm.on_error);
  } else {
    play.fail("amoCRM: " + error);
  }
  return Flow::Next;
}

}  // namespace sufler
