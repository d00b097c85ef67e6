// The step `crm` (LANGUAGE 9).
#include <algorithm>
#include <memory>

#include "interpreter/core/crm/order.h"
#include "schema/loading.h"

namespace sufler {
namespace {

using Do = CrmOrder::Do;

/// What is long or too many, amoCRM would refuse.
constexpr std::size_t kMostFields = 40;

class CrmReader {
 public:
  CrmReader(Loading& loading, Fields& fields, Do what) : loading_(loading), fields_(fields) { order_.what = what; }

  CrmStep read(const Node& value) {
    const Node* values = fields_.take(Word::Values);
    if (values) order_.values = read_fields(*values, fields_.spelled(Word::Values), order_.what);
    const bool speaks = order_.what == Do::Note || order_.what == Do::Task || order_.what == Do::Stage;
    const Node* text = speaks ? fields_.take(Word::TextWord) : nullptr;
    if (text) order_.text = read_text(loading_, *text, fields_.spelled(Word::TextWord));
    if (order_.what == Do::Note) {
      if (const Node* history = fields_.take(Word::History))
        order_.history = read_boolean(loading_, *history, fields_.spelled(Word::History)).value_or(false);
      if (!text && !order_.history) fields_.require(Word::TextWord);
    }
    if (order_.what == Do::Task) {
      if (!text) fields_.require(Word::TextWord);
      read_due(value);
    }
    if (order_.what == Do::Stage) check_stage(value, text);
    CrmStep step;
    if (order_.what == Do::Chat) {
      // It goes on at once: rows of the outbox have nobody who waits for them.
      if (values) loading_.report(DiagnosticId::NotTogether, fields_.key_span(Word::Values), {fields_.spelled(Word::Values), fields_.where()});
      if (const Node* history = fields_.take(Word::History))
        if (const auto count = read_integer(loading_, *history, fields_.spelled(Word::History), 0, 200)) order_.shown = static_cast<std::uint32_t>(*count);
      step.order = std::make_shared<const CrmOrder>(std::move(order_));
      return step;
    }
    if (const Node* into = fields_.take(Word::Into)) step.into = read_variable(loading_, *into, fields_.spelled(Word::Into));
    if (const Node* target = fields_.take(Word::OnError)) step.on_error = read_target(loading_, *target, fields_.spelled(Word::OnError));
    step.order = std::make_shared<const CrmOrder>(std::move(order_));
    return step;
  }

 private:
  bool has(std::string_view name) const {
    return std::any_of(order_.values.begin(), order_.values.end(), [&](const CrmField& one) { return one.ours && one.name == name; });
  }

  void check_stage(const Node& value, const Node* text) {
    if (text && has("stage")) {
      loading_.report(DiagnosticId::NotTogether, fields_.key_span(Word::TextWord), {fields_.spelled(Word::TextWord), "stage"});
    } else if (!text && !has("stage") && !fields_.has_unknown()) {
      hint(loading_, loading_.report(DiagnosticId::CrmWithoutStage, value.span, {fields_.where()}),
           "name the stage as amoCRM shows it: `%text%: Negotiations`, and its pipeline, if there are several: `%values%: {pipeline: \"'Sales'\"}`",
           "назовите этап, как он подписан в amoCRM: `%text%: Переговоры`, и воронку, если их несколько: `%values%: {воронка: \"'Продажи'\"}`");
    }
  }

  void read_due(const Node& value) {
    const Node* in = fields_.take(Word::In);
    const Node* at = fields_.take(Word::At);
    if (in) {
      const bool starts_like_number = in->is_scalar() && !in->scalar.empty() && in->scalar[0] >= '0' && in->scalar[0] <= '9';
      if (in->is_scalar()) order_.in = Duration::parse(in->scalar);
      if (!order_.in && in->is_scalar() && !starts_like_number && Expression::parse(in->scalar)) {
        order_.in_expression = read_expression(loading_, *in, fields_.spelled(Word::In));
      } else if (!order_.in) {
        read_duration(loading_, *in, fields_.spelled(Word::In));
      }
    }
    if (at) {
      const auto time = at->is_scalar() ? TimeOfDay::parse(trim(at->scalar)) : std::nullopt;
      if (time) {
        if (auto text = Expression::parse("'" + time->to_string() + "'")) order_.at = std::move(*text);
      } else {
        order_.at = read_expression(loading_, *at, fields_.spelled(Word::At));
      }
    }
    if (in && at) {
      loading_.report(DiagnosticId::NotTogether, fields_.key_span(Word::At), {fields_.spelled(Word::At), fields_.spelled(Word::In)});
    } else if (!in && !at && !fields_.has_unknown()) {
      hint(loading_, loading_.report(DiagnosticId::CrmWithoutTime, value.span, {fields_.where()}),
           "say until when the manager has to do it: `%in%: 1d`, or a moment: `%at%: visit_at`",
           "скажите, к какому сроку менеджер должен её сделать: `%in%: 1д`, или назовите момент: `%at%: осмотр`");
    }
  }

  std::vector<CrmField> read_fields(const Node& node, const std::string& what, Do action) {
    std::vector<CrmField> all;
    if (!node.is_map()) {
      loading_.report(DiagnosticId::WantsMap, node.span, {what});
      return all;
    }
    for (const Node::Entry& entry : node.entries) {
      CrmField field;
      const std::string_view written = trim(nfc(loading_, entry.key.scalar));
      const std::string_view known = crm_name(action, written);
      field.ours = !known.empty();
      field.name = std::string(known.empty() ? written : known);
      if (written.empty() || (!field.ours && !has_own_fields(action))) {
        unknown(entry.key, action);
        continue;
      }
      const bool twice = std::any_of(all.begin(), all.end(), [&](const CrmField& one) { return one.ours == field.ours && one.name == field.name; });
      if (twice) {
        hint(loading_, loading_.report(DiagnosticId::CrmFieldTwice, entry.key.span, {std::string(written)}), "leave one of them out", "оставьте что-то одно");
        continue;
      }
      if (read_one(entry.value, std::string(written), field)) all.push_back(std::move(field));
    }
    if (all.size() > kMostFields)
      loading_.report(DiagnosticId::CrmTooMany, node.span, {std::to_string(kMostFields)});
    return all;
  }

  bool read_one(const Node& value, const std::string& what, CrmField& field) {
    if (value.is_map() && field.ours && field.name == "contact" && order_.what == Do::Lead) {
      field.is_map = true;
      field.parts = read_fields(value, what, Do::Contact);
      return true;
    }
    if (value.is_list()) {
      for (const Node& item : value.items)
        if (auto read = read_expression(loading_, item, what)) field.items.push_back(std::move(*read));
      return true;
    }
    field.value = read_expression(loading_, value, what);
    return field.value.has_value();
  }

  void unknown(const Node& key, Do action) {
    Diagnostic& problem = loading_.report(DiagnosticId::CrmUnknownField, key.span, {std::string(key.scalar), std::string(fields_.where())});
    std::vector<std::string> known;
    std::string english, russian;
    bool is_russian = false;
    for (const std::string_view one : crm_names(action)) {
      known.emplace_back(one);
      std::string& all = is_russian ? russian : english;
      all += (all.empty() ? "`" : ", `") + std::string(one) + "`";
      is_russian = !is_russian;
    }
    offer(loading_, problem, key.scalar, known, false);
    if (!problem.hint_en.empty()) return;
    if (english.empty()) return hint(loading_, problem, "leave it out", "уберите его");
    hint(loading_, problem, "it can have " + english, "можно: " + russian);
  }

  Loading& loading_;
  Fields& fields_;
  CrmOrder order_;
};

}  // namespace

std::optional<CrmStep> read_crm(Loading& loading, Fields& fields, const Node& value) {
  const Word word = read_word(loading, value, in::CrmAction, fields.where());
  if (loading.options.crm && !*loading.options.crm) {
    hint(loading, loading.report(DiagnosticId::NoCrm, loading.last_key ? loading.last_key->span : value.span),
         "add it to sufler.yaml: `crm: {amocrm: {url: \"https://example.amocrm.ru\", token: \"${AMO_TOKEN}\"}}`, or `crm: off` to do without",
         "добавьте в sufler.yaml: `crm: {amocrm: {url: \"https://example.amocrm.ru\", token: \"${AMO_TOKEN}\"}}`; без amoCRM — `crm: off`");
  }
  const auto what = word == Word::CrmContact ? std::optional(Do::Contact)
                    : word == Word::Lead     ? std::optional(Do::Lead)
                    : word == Word::Note     ? std::optional(Do::Note)
                    : word == Word::Task     ? std::optional(Do::Task)
                    : word == Word::Stage    ? std::optional(Do::Stage)
                    : word == Word::CrmChat  ? std::optional(Do::Chat)
                                             : std::nullopt;
  if (what) {
    fields.set_where(fields.where() + ": " + std::string(value.scalar));
    return CrmReader(loading, fields, *what).read(value);
  }
  fields.forgive();
  return std::nullopt;
}

}  // namespace sufler
