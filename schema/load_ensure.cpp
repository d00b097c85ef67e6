// `ensure`: promises about the flow, proven by checks/promises.cpp.
#include <algorithm>

#include "schema/loading.h"

namespace sufler {
namespace {

/// Verbs that a promise can speak of.
constexpr Word kVerbs[] = {Word::Handoff, Word::Notify, Word::Save,  Word::Update, Word::Delete, Word::Find,
                           Word::Count,   Word::Ask,    Word::Track, Word::Go,     Word::Call, Word::Mail, Word::Run};

void explain_point(Loading& loading, Diagnostic& problem) {
  hint(loading, problem, "a promise speaks of a branch by its name, or of a step: `{%handoff%: rule}`, `{%notify%: role}`, `{%save%: table}`",
       "обещание называет ветку по имени или шаг: `{%handoff%: правило}`, `{%notify%: роль}`, `{%save%: таблица}`");
}

class PromiseReader {
 public:
  PromiseReader(Loading& loading, std::string where) : loading_(loading), where_(std::move(where)) {}

  void read(const Node& item) {
    if (!item.is_map()) {
      loading_.report(DiagnosticId::WantsMap, item.span, {where_});
      return;
    }
    Fields fields(loading_, item, in::EnsureKey, where_);
    Promise promise;
    promise.span = item.span;
    promise.is_before = fields.has(Word::Before);
    good_ = true;
    if (promise.is_before) {
      promise.before = read_point(*fields.take(Word::Before));
      if (const Node* answered = fields.require(Word::Answered)) read_answered(fields, *answered, promise);
    } else {
      if (const Node* branch = fields.require(Word::Branch)) {
        promise.branch = read_branch_name(loading_, *branch, fields.spelled(Word::Branch));
        promise.branch_span = branch->span;
      }
      if (const Node* reaches = fields.require(Word::Reaches)) {
        each(*reaches, [&](const Node& point) { promise.reaches.push_back(read_point(point)); });
      }
    }
    fields.finish();
    if (good_ && (promise.is_before || promise.branch)) loading_.promises.push_back(std::move(promise));
  }

 private:
  template <class Body>
  static void each(const Node& list, Body body) {
    if (!list.is_list()) return body(list);
    for (const Node& one : list.items) body(one);
  }

  void read_answered(const Fields& fields, const Node& list, Promise& promise) {
    each(list, [&](const Node& node) {
      if (!node.is_scalar()) {
        loading_.report(DiagnosticId::WantsText, node.span, {fields.spelled(Word::Answered)});
        good_ = false;
        return;
      }
      const std::string name(nfc(loading_, node.scalar));
      if (loading_.variables.count(name)) {
        promise.answered.push_back({name, node.span});
        return;
      }
      good_ = false;
      Diagnostic& problem = loading_.report(DiagnosticId::UnknownQuestion, node.span, {fields.spelled(Word::Answered), name});
      if (!may_offer(loading_, loading_.variables.size())) return;
      std::vector<std::string> known(loading_.variables.begin(), loading_.variables.end());
      std::sort(known.begin(), known.end());
      offer(loading_, problem, name, known, false);
    });
  }

  PromisePoint read_point(const Node& node) {
    PromisePoint point;
    point.span = node.span;
    if (node.is_scalar()) {
      const std::string_view name = nfc(loading_, node.scalar);
      const Word verb = loading_.branches.count(name) ? Word::None : find_word(name, in::Verb);
      point.written = std::string(name);
      if (verb == Word::End) {
        point.kind = PromisePoint::Kind::Verb;
        point.verb = verb;
        return point;
      }
      point.branch = read_branch_name(loading_, node, where_);
      point.kind = PromisePoint::Kind::Branch;
      good_ = good_ && point.branch;
      return point;
    }
    if (!node.is_map() || node.entries.empty()) {
      explain_point(loading_, loading_.report(DiagnosticId::WantsMap, node.span, {where_}));
      good_ = false;
      return point;
    }
    Fields fields(loading_, node, in::Verb, where_);
    for (const Fields::Item& item : fields.items()) {
      if (item.taken || item.word == Word::None) continue;
      fields.take(item.word);
      read_verb(item.word, item.entry->key, item.entry->value, point);
    }
    good_ = good_ && !fields.has_unknown();
    fields.finish();
    return point;
  }

  void read_verb(Word verb, const Node& key, const Node& value, PromisePoint& point) {
    const std::string what(key.scalar);
    if (point.kind != PromisePoint::Kind::Unknown) {
      loading_.report(DiagnosticId::TwoVerbs, key.span, {point.written.substr(0, point.written.find(':')), what});
      good_ = false;
      return;
    }
    point.kind = PromisePoint::Kind::Verb;
    point.verb = verb;
    point.written = what + ": " + std::string(value.is_scalar() ? value.scalar : "…");
    if (verb == Word::End) {
      point.written = what;
      return;
    }
    if (std::find(std::begin(kVerbs), std::end(kVerbs), verb) == std::end(kVerbs)) {
      explain_point(loading_, loading_.report(DiagnosticId::UnknownValue, key.span, {where_, what}));
      good_ = false;
      return;
    }
    const auto name = read_scalar(loading_, value, what);
    if (!name) {
      good_ = false;
      return;
    }
    point.name = std::string(trim(nfc(loading_, *name)));
    good_ = check_name(verb, key, value, point) && good_;
  }

  bool check_name(Word verb, const Node& key, const Node& value, PromisePoint& point) {
    const std::string what(key.scalar);
    switch (verb) {
      case Word::Go:
      case Word::Call:
        point.kind = PromisePoint::Kind::Branch;
        point.branch = read_branch_name(loading_, value, what);
        return bool(point.branch);
      case Word::Notify:
        point.name = read_role(loading_, value, what);
        return !point.name.empty();
      case Word::Handoff: return known(loading_.handoffs, DiagnosticId::UnknownHandoff, value, what, point.name);
      case Word::Ask:
        return loading_.variables.count(point.name) ||
               known(loading_.questions, DiagnosticId::UnknownQuestion, value, what, point.name);
      case Word::Save:
      case Word::Update:
      case Word::Delete:
      case Word::Find:
      case Word::Count: return known(loading_.tables, DiagnosticId::UnknownTable, value, what, point.name);
      default: return true;
    }
  }

  bool known(const NameIndex& index, DiagnosticId problem_id, const Node& value, const std::string& what,
             const std::string& name) {
    if (index.count(name)) return true;
    Diagnostic& problem = loading_.report(problem_id, value.span, {what, name});
    if (!may_offer(loading_, index.size())) return false;
    std::vector<std::string> names;
    for (const auto& [one, declared] : index) names.emplace_back(one);
    std::sort(names.begin(), names.end());
    offer(loading_, problem, name, names, false);
    return false;
  }

  Loading& loading_;
  std::string where_;
  bool good_ = true;  ///< of the promise being read
};

}  // namespace

void load_ensure(Loading& loading, const Node& node) {
  const std::string where = loading.say(Word::Ensure, node.span);
  if (!node.is_list()) {
    loading.report(DiagnosticId::WantsList, node.span, {where});
    return;
  }
  const std::size_t uses = loading.branch_uses.size();
  PromiseReader reader(loading, where);
  for (const Node& item : node.items) reader.read(item);
  loading.branch_uses.resize(uses);  // a promise leads nowhere
}

}  // namespace sufler
