// `events`: what happens outside and begins a branch (LANGUAGE 9, 14).
#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>

#include "interpreter/core/happenings.h"
#include "schema/loading.h"

namespace sufler {
namespace {

constexpr std::array kWebhookOnly = {Word::Secret, Word::EventHeader, Word::EventSign,   Word::FindUser,
                                     Word::EventId, Word::EventAnswer, Word::EventLimit};
constexpr std::array kCrmOnly = {Word::EventStage, Word::EventPipeline};
constexpr std::size_t kLongestHeader = 64;

bool is_address(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

void report_kind(Loading& loading, const Happening& event) {
  hint(loading, loading.report(DiagnosticId::EventOfNothing, event.span, {event.name}),
       "add `%webhook%: pay` for what other systems send, `%crm%: %lead_stage_changed%`, `%user_joined%: true` or "
       "`%user_blocked%: true`",
       "добавьте `%webhook%: pay` для того, что шлют другие системы, `%crm%: %lead_stage_changed%`, `%user_joined%: да` или "
       "`%user_blocked%: да`");
}

void read_webhook_name(Loading& loading, const Node& node, const std::string& what, Happening& event) {
  const auto text = read_scalar(loading, node, what);
  if (!text) return;
  event.webhook = std::string(trim(*text));
  if (is_address(event.webhook)) return;
  hint(loading, loading.report(DiagnosticId::BadWebhookName, node.span, {event.webhook}),
       "it is the end of an address: latin letters, digits, `-` and `_`, such as `pay`",
       "это конец адреса: латинские буквы, цифры, `-` и `_`, например `pay`");
}

void read_secret(Loading& loading, Fields& fields, Happening& event) {
  const Node* node = fields.take(Word::Secret);
  if (!node) {
    hint(loading, loading.report(DiagnosticId::WebhookWithoutSecret, fields.key_span(Word::Webhook), {event.name}),
         "add `%secret%: \"${PAY_SECRET}\"`: a word of 16 characters or more that only the other system knows",
         "добавьте `%secret%: \"${PAY_SECRET}\"`: слово от 16 знаков, которое знает только та система");
    return;
  }
  const auto text = read_scalar(loading, *node, fields.spelled(Word::Secret));
  if (!text) return;
  event.secret_variable = environment_variable_of(*text);
  if (event.secret_variable.empty()) {
    hint(loading, loading.report(DiagnosticId::TokenInFile, node->span, {fields.spelled(Word::Secret)}),
         "put it into a variable of the environment and write `\"${PAY_SECRET}\"`",
         "положите его в переменную окружения и напишите `\"${PAY_SECRET}\"`");
  } else if (const char* set = std::getenv(event.secret_variable.c_str()); !set || !*set) {
    report_unset_variable(loading, node->span, event.secret_variable);
  }
}

void read_sign(Loading& loading, Fields& fields, Happening& event) {
  event.header = "x-webhook-secret";
  if (const Node* node = fields.take(Word::EventSign)) {
    event.proof = Happening::Proof::HmacSha256;
    event.header = "x-signature";
    const auto text = read_scalar(loading, *node, fields.spelled(Word::EventSign));
    if (text && to_lower(trim(*text)) != "hmac-sha256")
      hint(loading, loading.report(DiagnosticId::UnknownValue, node->span, {fields.spelled(Word::EventSign), std::string(*text)}),
           "`hmac-sha256` is what can be checked; without `%sign%` the header holds the secret itself",
           "проверяется `hmac-sha256`; без `%sign%` в заголовке ждут сам секрет");
  }
  const Node* node = fields.take(Word::EventHeader);
  if (!node) return;
  const auto text = read_scalar(loading, *node, fields.spelled(Word::EventHeader));
  if (!text) return;
  const std::string_view name = trim(*text);
  if (is_address(name) && name.size() <= kLongestHeader) {
    event.header = to_lower(name);
    return;
  }
  hint(loading, loading.report(DiagnosticId::BadHeaderName, node->span, {std::string(name)}),
       "its name alone, such as `X-Signature`", "только имя, например `X-Signature`");
}

/// Names that are known before anybody was found.
void check_names_of(Loading& loading, const Expression& expression, const Node& node, bool with_user) {
  for (const NameUse& use : expression.names()) {
    if (use.path.empty()) continue;
    const Word name = find_word(use.path[0], in::SystemName);
    if (name == Word::Event || name == Word::Settings || name == Word::Texts) continue;
    if (with_user && (name == Word::User || name == Word::Shared)) continue;
    Diagnostic& problem = loading.report(DiagnosticId::UnknownAboutEvent, node.span, {use.path[0]});
    if (with_user) {
      hint(loading, problem,
           "known are what came, `event.json`, and what is kept with each person, `user.phone`: `user.phone == event.json.phone`",
           "известно то, что пришло, `событие.json`, и то, что запомнено у человека, `человек.телефон`: `человек.телефон == событие.json.phone`");
    } else {
      hint(loading, problem, "what came is `event.json`", "то, что пришло, это `событие.json`");
    }
    return;
  }
}

void read_limit(Loading& loading, Fields& fields, Happening& event) {
  const Node* node = fields.take(Word::EventLimit);
  if (!node) return;
  const std::string what = fields.spelled(Word::EventLimit);
  const auto text = read_scalar(loading, *node, what);
  if (!text) return;
  const std::size_t slash = text->find('/');
  const auto count = Decimal::parse(trim(text->substr(0, slash)));
  const auto number = count ? count->to_int64() : std::nullopt;
  const std::string period = slash == text->npos ? "" : to_lower(trim(text->substr(slash + 1)));
  Duration length;
  if (find_word(period, in::ScheduleWord) == Word::PerMinute) length = Duration{60'000};
  if (find_word(period, in::QuotaPeriod) == Word::Hour) length = Duration{3'600'000};
  if (find_word(period, in::QuotaPeriod) == Word::Day) length = Duration{86'400'000};
  if (!number || *number < 1 || *number > 100'000 || length.ms == 0) {
    hint(loading, loading.report(DiagnosticId::WantsRate, node->span, {what, std::string(*text)}),
         "for example `60/minute`; also `/hour`, `/day`", "например `60/минуту`; ещё бывает `/час`, `/день`");
    return;
  }
  event.limit = static_cast<std::uint32_t>(*number);
  event.period = length;
}

void read_webhook(Loading& loading, Fields& fields, const Node& name, Happening& event) {
  event.kind = Happening::Kind::Webhook;
  read_webhook_name(loading, name, fields.spelled(Word::Webhook), event);
  read_secret(loading, fields, event);
  read_sign(loading, fields, event);
  if (const Node* node = fields.take(Word::FindUser)) {
    event.find_user = read_expression(loading, *node, fields.spelled(Word::FindUser));
    if (event.find_user) check_names_of(loading, *event.find_user, *node, true);
  }
  if (const Node* node = fields.take(Word::EventId)) {
    event.id = read_expression(loading, *node, fields.spelled(Word::EventId));
    if (event.id) check_names_of(loading, *event.id, *node, false);
  }
  if (const Node* node = fields.take(Word::EventAnswer)) {
    event.answer = read_template(loading, *node, fields.spelled(Word::EventAnswer));
    if (event.answer)
      for (const Expression& one : event.answer->expressions()) check_names_of(loading, one, *node, false);
  }
  read_limit(loading, fields, event);
}

void read_crm(Loading& loading, Fields& fields, const Node& what, Happening& event) {
  event.kind = Happening::Kind::LeadStageChanged;
  const auto text = read_scalar(loading, what, fields.spelled(Word::Crm));
  if (text && find_word(to_lower(trim(*text)), in::ScheduleWord) != Word::LeadStageChanged)
    hint(loading, loading.report(DiagnosticId::UnknownValue, what.span, {fields.spelled(Word::Crm), std::string(*text)}),
         "`%lead_stage_changed%`", "`%lead_stage_changed%`");
  if (const Node* stages = fields.take(Word::EventStage))
    for (const Node* stage : read_strings(loading, *stages, fields.spelled(Word::EventStage)))
      event.stages.emplace_back(trim(stage->scalar));
  if (const Node* pipeline = fields.take(Word::EventPipeline))
    if (const auto name = read_scalar(loading, *pipeline, fields.spelled(Word::EventPipeline)))
      event.pipeline = std::string(trim(*name));
}

/// The kind that a name says by itself: `user_joined: welcome`.
Word kind_of_name(std::string_view name) {
  const Word word = find_word(name, in::EventKey);
  return word == Word::UserBlocked || word == Word::UserJoined ? word : Word::None;
}

Happening::Kind kind_of_person(Word word) {
  return word == Word::UserBlocked ? Happening::Kind::UserBlocked : Happening::Kind::UserJoined;
}

template <std::size_t N>
void refuse(Loading& loading, Fields& fields, const std::array<Word, N>& words, const std::string& beside) {
  for (const Word word : words) {
    if (!fields.take(word)) continue;
    hint(loading, loading.report(DiagnosticId::NotTogether, fields.key_span(word), {fields.spelled(word), beside}),
         "leave it out", "уберите это");
  }
}

void read_event(Loading& loading, Fields& fields, Happening& event) {
  const Node* webhook = fields.take(Word::Webhook);
  const Node* crm = fields.take(Word::Crm);
  const Node* blocked = fields.take(Word::UserBlocked);
  const Node* joined = fields.take(Word::UserJoined);
  const Word named = kind_of_name(event.name);
  const int kinds = (webhook ? 1 : 0) + (crm ? 1 : 0) + (blocked ? 1 : 0) + (joined ? 1 : 0);
  if (kinds > 1) {
    const Word first = webhook ? Word::Webhook : crm ? Word::Crm : Word::UserBlocked;
    const Word second = joined ? Word::UserJoined : blocked ? Word::UserBlocked : Word::Crm;
    loading.report(DiagnosticId::NotTogether, fields.key_span(second), {fields.spelled(second), fields.spelled(first)});
  }
  if (webhook) {
    read_webhook(loading, fields, *webhook, event);
    refuse(loading, fields, kCrmOnly, fields.spelled(Word::Webhook));
    return;
  }
  if (crm) {
    read_crm(loading, fields, *crm, event);
    refuse(loading, fields, kWebhookOnly, fields.spelled(Word::Crm));
    return;
  }
  const Word kind = blocked ? Word::UserBlocked : joined ? Word::UserJoined : named;
  if (kind == Word::None) {
    for (const Word word : kWebhookOnly) fields.take(word);
    for (const Word word : kCrmOnly) fields.take(word);
    if (!fields.has_unknown()) report_kind(loading, event);
    return;
  }
  event.kind = kind_of_person(kind);
  if (const Node* value = blocked ? blocked : joined) {
    const std::string what = fields.spelled(kind);
    if (const auto holds = read_boolean(loading, *value, what); holds && !*holds) report_kind(loading, event);
  }
  refuse(loading, fields, kWebhookOnly, std::string(spelling(kind, Language::English)));
  refuse(loading, fields, kCrmOnly, std::string(spelling(kind, Language::English)));
}

void check_twice(Loading& loading) {
  std::map<std::string, const Happening*> webhooks;
  std::map<Happening::Kind, const Happening*> kinds;
  for (const Happening& event : loading.happenings.all) {
    const bool webhook = event.kind == Happening::Kind::Webhook;
    if (event.kind == Happening::Kind::LeadStageChanged || (webhook && event.webhook.empty())) continue;
    const Happening* before = webhook ? webhooks.try_emplace(event.webhook, &event).first->second
                                      : kinds.try_emplace(event.kind, &event).first->second;
    if (before == &event) continue;
    Diagnostic& problem = loading.report(DiagnosticId::EventTwice, event.span, {event.name, before->name});
    problem.related.push_back({"", before->span});
    hint(loading, problem,
         webhook ? "give it an address of its own: `%webhook%: " + event.webhook + "2`" : "do both in one branch",
         webhook ? "дайте ему свой адрес: `%webhook%: " + event.webhook + "2`" : "сделайте и то и другое в одной ветке");
  }
}

}  // namespace

std::string environment_variable_of(std::string_view text) {
  text = trim(text);
  if (text.size() < 4 || text.substr(0, 2) != "${" || text.back() != '}') return {};
  const std::string_view name = text.substr(2, text.size() - 3);
  const bool good = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
  return good ? std::string(name) : std::string();
}

void load_events(Loading& loading) {
  loading.branch = {};
  in_order(loading.events, [&](const Declared& declared) {
    const Node& node = *declared.value;
    const std::string name(declared.key->scalar);
    Happening event = loading.happenings.all[declared.index];
    if (node.is_scalar() && kind_of_name(event.name) != Word::None) {
      event.kind = kind_of_person(kind_of_name(event.name));
      event.branch = read_branch_name(loading, node, name);
    } else if (!node.is_map()) {
      hint(loading, loading.report(DiagnosticId::WantsMap, node.kind == Node::Kind::Null ? declared.key->span : node.span, {name}),
           "for example `{%webhook%: pay, %secret%: \"${PAY_SECRET}\", %branch%: paid}`",
           "например `{%webhook%: pay, %secret%: \"${PAY_SECRET}\", %branch%: оплачено}`");
    } else {
      Fields fields(loading, node, in::EventKey, name);
      read_event(loading, fields, event);
      if (const Node* branch = fields.require(Word::Branch))
        event.branch = read_branch_name(loading, *branch, fields.spelled(Word::Branch));
      fields.finish();
    }
    loading.happenings.all[declared.index] = std::move(event);
  });
  check_twice(loading);
  if (!loading.happenings.all.empty())
    loading.program.events = std::make_shared<const Happenings>(loading.happenings);
}

}  // namespace sufler
