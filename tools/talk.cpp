// A talk is played line by line on a Stage. What the bot says goes to the queue of the person it was said to;
// a line `bot:` takes the next message from the queue, and the next input of a person demands an empty queue,
// so that a talk cannot pass over a message.
#include "tools/crm_orders.h"
#include "tools/talk.h"

#include <re2/re2.h>

#include <algorithm>
#include <deque>
#include <map>

#include "interpreter/core/http/order.h"
#include "interpreter/core/mail/html_template.h"
#include "interpreter/core/plain_json.h"
#include "interpreter/runtime/broadcasts.h"
#include "interpreter/core/rich_text.h"
#include "interpreter/services/mail/compose.h"
#include "interpreter/transports/console/console.h"
#include "tools/desk_tokens.h"
#include "tools/mocked_model.h"
#include "tools/stage.h"
#include "tools/talk_words.h"
#include "tools/yaml_text.h"

namespace sufler {
namespace {

const Node* get(const Node& map, std::string_view key, Contexts contexts = kTalkWords) {
  return talk_field(map, key, contexts);
}

std::string text_of(const Node* node) { return node && node->is_scalar() ? std::string(node->scalar) : std::string(); }

/// A value as a talk writes it: unquoted decimals, booleans and `null` are what they look like.
Value plain_value(const Node& node) {
  if (node.is_list()) {
    List list;
    for (const Node& item : node.items) list.push_back(plain_value(item));
    return Value(std::move(list));
  }
  if (node.is_map()) {
    ValueMap map;
    for (const Node::Entry& entry : node.entries) map.set(entry.key.scalar, plain_value(entry.value));
    return Value(std::move(map));
  }
  if (!node.is_scalar()) return {};
  if (!node.quoted) {
    if (auto number = Decimal::parse(node.scalar); number && number->to_string() == node.scalar) return Value(*number);
    const std::string_view word = node.scalar;
    if (word == "true" || word == "истина") return Value(true);
    if (word == "false" || word == "ложь") return Value(false);
    if (word == "null" || word == "пусто") return {};
  }
  return Value(node.scalar);
}

Value value_for_column(const Node& node, const Column& column) {
  if (node.is_scalar()) {
    switch (column.type) {
      case ColumnType::Number:
      case ColumnType::Integer:
        if (auto number = Decimal::parse(node.scalar)) return Value(*number);
        break;
      case ColumnType::Date:
        if (auto date = Date::parse_iso(node.scalar)) return Value(*date);
        break;
      case ColumnType::Time:
        if (auto time = TimeOfDay::parse(node.scalar)) return Value(*time);
        break;
      case ColumnType::Text:
        return Value(node.scalar);
      default:
        break;
    }
  }
  return plain_value(node);
}

struct Unread {
  Arrival arrival;
  bool read_by_role = false;
};

class TalkPlayer {
 public:
  TalkPlayer(const TalkFile& file, const Talk& talk, const SourceMap& sources, std::shared_ptr<const Program> program,
             Language language, bool update, Visits& visits, const AudienceFactory& audience)
      : file_(file), talk_(talk), sources_(sources), program_(std::move(program)), language_(language),
        update_(update), visits_(visits), audience_(audience) {}

  TalkResult play(const std::function<void(Stage&)>& at_end) {
    TalkResult result;
    result.name = talk_.name;
    result.file = file_.path;
    result.line = sources_.locate(talk_.span.file, talk_.span.offset).line;
    play_all();
    if (stage_ && at_end) at_end(*stage_);
    if (stage_) visits_.insert(stage_->visits().begin(), stage_->visits().end());
    result.passed = failure_.empty();
    result.failure = std::move(failure_);
    result.updates = std::move(updates_);
    return result;
  }

 private:
  std::string words(std::string_view en, std::string_view ru) const {
    return std::string(language_ == Language::Russian ? ru : en);
  }

  /// The first failure ends the talk.
  bool fail(const SourceSpan& span, const std::string& what, const std::string& details = {}) {
    if (!failure_.empty()) return false;
    const SourceMap::Place place = sources_.locate(span.file, span.offset);
    failure_ = sources_.path(span.file) + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": " + what;
    if (!details.empty()) failure_ += "\n" + details;
    if (stage_) {
      for (const TurnNote& note : stage_->notes())
        if (note.kind != TurnNote::Kind::Log) failure_ += "\n  " + words("the engine says: ", "движок сообщает: ") + note.text;
    }
    return false;
  }
  bool fail(const SourceSpan& span, const StorageError& error) { return fail(span, error.message); }

  bool play_all() {
    if (!set_up()) return false;
    const Node* lines = get(*talk_.node, "talk");
    if (lines)
      for (const Node& line : lines->items)
        if (!play_line(line)) return false;
    const SourceSpan end = lines && !lines->items.empty() ? line_span(lines->items.back()) : talk_.span;
    collect();
    if (!nothing_unread(end)) return false;
    for (const auto& [person, queue] : queues_)
      if (!nothing_unread(end, person)) return false;
    if (const Node* expect = get(*talk_.node, "expect")) return check_expectations(*expect);
    return true;
  }

  static SourceSpan line_span(const Node& line) {
    return line.is_map() && !line.entries.empty() ? line.entries.front().key.span : line.span;
  }

  // ---- before the talk

  bool set_up() {
    StageOptions options;
    // A fixed day, so that a talk without `now` gives the same result for ever.
    options.now = program_->zone.to_moment(*LocalTime::parse_iso("2026-01-15T12:00"));
    // A token that the talk does not give is none: nobody registers with it.
    options.secrets = desk_tokens(*program_, talk_.environment);
    const Node* given = get(*talk_.node, "given");
    if (given) {
      if (const Node* user = get(*given, "user")) read_person(*user, options.user);
      if (const Node* now = get(*given, "now")) {
        auto local = LocalTime::parse_iso(text_of(now));
        if (!local) return fail(now->span, words("`now` is written as 2026-03-15 12:00", "`сейчас` пишется так: 2026-03-15 12:00"));
        options.now = program_->zone.to_moment(*local);
      }
      if (const Node* seed = get(*given, "seed"))
        if (auto number = Decimal::parse(text_of(seed)); number && number->to_int64())
          options.seed = static_cast<std::uint64_t>(*number->to_int64());
      if (const Node* people = get(*given, "people"))
        for (const Node::Entry& entry : people->entries) {
          StagePerson person;
          person.name = std::string(entry.key.scalar);
          read_person(entry.value, person);
          options.others.push_back(std::move(person));
        }
      if (const Node* roles = get(*given, "roles"))
        for (const Node::Entry& entry : roles->entries) {
          std::vector<std::string>& members = options.roles[std::string(entry.key.scalar)];
          if (entry.value.is_scalar()) members.push_back(person_name(&entry.value));
          for (const Node& member : entry.value.items) members.push_back(person_name(&member));
        }
    }
    role_members_ = options.roles;
    options.jobs = [this](const Job& job) { return mocked(job); };
    auto opened = Stage::open(program_, std::move(options), audience_ ? audience_() : nullptr);
    if (!opened) return fail(talk_.span, opened.error());
    stage_ = std::move(*opened);
    if (!given) return true;
    if (const Node* vars = get(*given, "vars")) {
      ValueMap variables;
      for (const Node::Entry& entry : vars->entries) variables.set(entry.key.scalar, plain_value(entry.value));
      auto set = stage_->set_variables(variables);
      if (!set) return fail(vars->span, set.error());
    }
    const Node* rows = get(*given, "rows");
    return !rows || add_rows(*rows);
  }

  /// What the talk says that a job gives. A list has one entry a call.
  Result<JobResult, std::string> mocked(const Job& job) {
    if (job.service == kMailService) return take_letter(job);
    AskedCrm asked;
    if (read_asked(job, asked)) {
      asked_crm_.push_back(asked);
      // Nobody looks at what comes of it: the talk need not say.
      if (!asked.waits && !crm_mock(asked)) return JobResult{};
      return mocked_crm(asked);
    }
    const Node* mock = get(*talk_.node, "mock");
    const Node* service = mock ? get(*mock, job.service, in::MockKey) : nullptr;
    // A model is mocked by the assistant that speaks with it, whatever its connection is called.
    const std::optional<std::string> assistant = assistant_of_request(job);
    const std::string& name = assistant ? *assistant : job.name;
    const Node* given = service && service->is_map() ? entry_of(*service, name) : nullptr;
    const std::string named = job.service + ": " + name;
    if (!given)
      return Error{words("the talk does not say what `", "разговор не говорит, что даст `") + named + "`: mock: {" + job.service +
                   ": {" + name + (assistant ? ": […]}}" : ": {…}}}")};
    if (given->is_list()) {
      const std::size_t call = calls_[named]++;
      if (call >= given->items.size())
        return Error{words("`" + named + "` is called more often than `mock` has entries", "`" + named + "` вызвана чаще, чем записано в `подмена`")};
      given = &given->items[call];
    }
    if (assistant) return answer_of_mock(plain_value(*given), job, program_->zone);
    if (job.service == kHttpService) return http_answer(*given);
    Value value = plain_value(*given);
    const Value* error = value.map() && value.map()->size() == 1 ? value.map()->find("error") : nullptr;
    if (error && error->text()) return JobResult{JobResult::Kind::Failed, {}, *error->text(), {}, {}};
    return JobResult{JobResult::Kind::Done, std::move(value), {}, {}, {}};
  }

  /// `{status: 200, json: {…}}`, `{text: …}`: what is not said is as it would be; `{error: …}`: no answer.
  JobResult http_answer(const Node& given) const {
    constexpr Contexts kWords = in::MockKey | in::TalkMatch;
    if (const Node* error = get(given, "error", kWords)) return {JobResult::Kind::Failed, {}, text_of(error), {}, {}};
    const Node* status = get(given, "status", kWords);
    const Node* json = get(given, "json", kWords);
    const Node* text = get(given, "text", kWords);
    const auto number = status ? Decimal::parse(text_of(status)) : std::nullopt;
    const int code = static_cast<int>(number ? number->to_int64().value_or(200) : 200);
    if (!json) return {JobResult::Kind::Done, http_result(code, text_of(text), {}), {}, {}, {}};
    const Value value = plain_value(*json);
    Value result = http_result(code, text ? text_of(text) : to_plain_json(value, program_->zone), {});
    ValueMap members = *result.map();
    members.set("json", value);
    return {JobResult::Kind::Done, Value(std::move(members)), {}, {}, {}};
  }

  const Node* crm_mock(const AskedCrm& asked) const {
    const Node* mock = get(*talk_.node, "mock");
    const Node* service = mock ? get(*mock, "crm", in::MockKey) : nullptr;
    return service ? talk_field(*service, crm_word(asked.what), in::CrmAction) : nullptr;
  }
  /// As `mocked`; actions are words of the language.
  Result<JobResult, std::string> mocked_crm(const AskedCrm& asked) {
    const std::string word(crm_word(asked.what));
    const Node* given = crm_mock(asked);
    if (!given)
      return Error{words("the talk does not say what `crm: ", "разговор не говорит, что даст `crm: ") + word + "`: mock: {crm: {" + word + ": {id: 1}}}"};
    if (given->is_list()) {
      const std::size_t call = calls_["crm: " + word]++;
      if (call >= given->items.size())
        return Error{words("`crm: " + word + "` comes more often than `mock` has entries", "`crm: " + word + "` случается чаще, чем записано в `подмена`")};
      given = &given->items[call];
    }
    Value value = plain_value(*given);
    const Value* error = value.map() && value.map()->size() == 1 ? value.map()->find("error") : nullptr;
    if (error && error->text()) return JobResult{JobResult::Kind::Failed, {}, *error->text(), {}, {}};
    return JobResult{JobResult::Kind::Done, std::move(value), {}, {}, {}};
  }

  /// A letter comes into the talk's box, unless the talk says that its server refuses it.
  Result<JobResult, std::string> take_letter(const Job& job) {
    const Node* mock = get(*talk_.node, "mock");
    const Node* given = mock ? get(*mock, "mail", in::MockKey) : nullptr;
    if (given && given->is_list()) {
      const std::size_t call = calls_["mail"]++;
      if (call >= given->items.size())
        return Error{words("more letters leave than `mock: {mail: […]}` has entries", "писем больше, чем записано в `подмена: {письмо: […]}`")};
      given = &given->items[call];
    }
    if (given && given->is_map() && !given->entries.empty())
      return JobResult{JobResult::Kind::Failed, {}, std::string(given->entries[0].value.scalar), {}, {}};
    MailOrder order;
    if (!from_json(job.request, order)) return Error{words("a letter that cannot be read", "письмо, которое не прочитать")};
    letters_.push_back(std::move(order));
    return JobResult{JobResult::Kind::Done, Value(true), {}, {}, {}};
  }

  static const Node* entry_of(const Node& map, std::string_view name) {
    for (const Node::Entry& entry : map.entries)
      if (entry.key.scalar == name || trim(entry.key.scalar) == name) return &entry.value;
    return nullptr;
  }

  /// A person's `id` is the platform's; the talk calls them by their name all the same.
  static void read_person(const Node& node, StagePerson& person) {
    const auto read = [&](std::string_view key, std::string& into) {
      if (const Node* value = get(node, key, in::UserField)) into = text_of(value);
    };
    read("id", person.id);
    read("first_name", person.first_name);
    read("last_name", person.last_name);
    read("username", person.username);
    read("language", person.language);
  }

  const Table* table(std::string_view name) const {
    for (const Table& known : program_->tables)
      if (known.name == name) return &known;
    return nullptr;
  }

  bool add_rows(const Node& rows) {
    for (const Node::Entry& entry : rows.entries) {
      const Table* known = table(entry.key.scalar);
      if (!known) return fail(entry.key.span, words("the scenario has no such table", "в сценарии нет такой таблицы"));
      for (const Node& row : entry.value.items) {
        ValueMap values;
        for (const Node::Entry& cell : row.entries) {
          auto column = std::find_if(known->columns.begin(), known->columns.end(),
                                     [&](const Column& one) { return one.name == cell.key.scalar; });
          values.set(cell.key.scalar,
                     column == known->columns.end() ? plain_value(cell.value) : value_for_column(cell.value, *column));
        }
        auto added = stage_->add_row(known->name, values);
        if (!added) return fail(line_span(row), added.error());
      }
    }
    return true;
  }

  // ---- lines

  /// What a line says was checked when the file was read.
  bool play_line(const Node& line) {
    if (!line.is_map() || line.entries.empty()) return play_silent(line.span);
    const Node& key = line.entries.front().key;
    const Node& value = line.entries.front().value;
    const std::string_view word = talk_word(key.scalar, in::TalkStep);
    if (word == "user") return play_user(key.span, value);
    if (word == "press") return play_press(key.span, value);
    if (word == "bot") return play_bot(key.span, value);
    if (word == "after" || word == "stopped") return play_after(value, word == "stopped");
    if (word == "staff") return nothing_unread(key.span) && played(key.span, stage_->staff(text_of(&value)));
    if (word == "silent") return play_silent(key.span);
    if (word == "mail") return play_letter(key.span, value);
    if (word == "crm") return play_crm(key.span, value);
    if (word == "report") return play_report(key.span, value);
    if (word == "broadcast") return play_broadcast(key.span, value);
    if (word == "event") return play_event(key.span, value);
    if (word == "manager") {
      CrmNews news;
      news.text = text_of(&value);
      return nothing_unread(key.span) && played(key.span, stage_->crm(std::move(news)));
    }
    if (word == "reload") return play_reload(key.span, value);
    if (word == "refused") return play_refused(key.span, value);
    return play_role(key, value);
  }

  bool played(const SourceSpan& span, const Stored<Done>& done) {
    if (!done) return fail(span, done.error());
    collect();
    return true;
  }

  static std::string person_name(const Node* node) {
    const std::string name = text_of(node);
    return talk_word(name) == kTalkPerson ? std::string(kTalkPerson) : name;
  }

  /// Who acts: the talk's own person, unless `as` names another.
  static std::string actor(const Node& value) {
    const Node* as = value.is_map() ? get(value, "as", in::TalkMatch) : nullptr;
    return as ? person_name(as) : std::string(kTalkPerson);
  }

  /// Nothing that the bot said to the talk's person, or to who acts now, may be passed over.
  bool may_act(const SourceSpan& span, const std::string& person) {
    return nothing_unread(span) && nothing_unread(span, person);
  }

  bool play_user(const SourceSpan& span, const Node& value) {
    const std::string who = actor(value);
    if (!may_act(span, who)) return false;
    UserMessage message;
    if (value.is_map()) {
      message.text = text_of(get(value, "text"));
      if (const Node* attach = get(value, "attach")) {
        std::vector<const Node*> files;
        if (attach->is_scalar()) files.push_back(attach);
        if (attach->is_map()) files.push_back(attach);
        for (const Node& item : attach->items) files.push_back(&item);
        for (const Node* one : files) {
          Attachment attachment = stage_file(one->is_map() ? text_of(get(*one, "name", in::TestKey)) : text_of(one));
          if (one->is_map()) {
            if (const Node* size = get(*one, "size", in::QuestionKey))
              if (auto number = Decimal::parse(text_of(size)); number && number->to_int64()) attachment.size = *number->to_int64();
            attachment.caption = text_of(get(*one, "caption"));
          }
          if (files.size() == 1 && attachment.caption.empty()) attachment.caption = message.text;
          message.attachments.push_back(std::move(attachment));
        }
      }
      if (const Node* contact = get(value, "contact")) {
        Contact shared;
        shared.own = true;
        shared.phone = text_of(contact);
        if (contact->is_map()) {
          shared.phone = text_of(get(*contact, "phone", in::UserField));
          shared.first_name = text_of(get(*contact, "first_name", in::UserField));
          shared.last_name = text_of(get(*contact, "last_name", in::UserField));
        }
        message.contact = std::move(shared);
      }
      if (const Node* location = get(value, "location")) {
        std::optional<Decimal> latitude, longitude;
        if (location->is_list() && location->items.size() == 2) {
          latitude = Decimal::parse(location->items[0].scalar);
          longitude = Decimal::parse(location->items[1].scalar);
        } else if (location->is_map()) {
          latitude = Decimal::parse(text_of(get(*location, "latitude")));
          longitude = Decimal::parse(text_of(get(*location, "longitude")));
        }
        if (!latitude || !longitude)
          return fail(location->span, words("a location is [55.75, 37.61]", "место пишется так: [55.75, 37.61]"));
        message.location = Location{*latitude, *longitude};
      }
    } else {
      message.text = text_of(&value);
    }
    return played(span, stage_->say(who, std::move(message)));
  }

  bool play_press(const SourceSpan& span, const Node& value) {
    const std::string who = actor(value);
    if (!may_act(span, who)) return false;
    const std::string label = text_of(value.is_map() ? get(value, "button") : &value);
    auto pressed = stage_->press(who, label);
    if (!pressed) return fail(span, pressed.error());
    if (!*pressed) {
      std::string seen;
      for (const std::string& one : stage_->visible_labels(who)) seen += (seen.empty() ? "[" : " [") + one + "]";
      return fail(span, words("no message shows the button `", "ни в одном сообщении нет кнопки `") + label + "`",
                  seen.empty() ? std::string() : "  " + words("buttons on the screen: ", "кнопки на экране: ") + seen);
    }
    collect();
    return true;
  }

  bool play_event(const SourceSpan& span, const Node& value) {
    if (!nothing_unread(span)) return false;
    if (value.is_scalar())
      return played(span, stage_->reach(std::string(kTalkPerson), talk_word(value.scalar, in::EventKey) == "user_joined"));
    if (const Node* crm = get(value, "crm", in::EventKey)) {
      CrmNews news;
      news.what = crm->is_map() ? CrmNews::What::Staged : CrmNews::What::Closed;
      if (crm->is_map()) {
        news.stage = text_of(get(*crm, "stage", in::EventKey));
        news.pipeline = text_of(get(*crm, "pipeline", in::EventKey));
      }
      return played(span, stage_->crm(std::move(news)));
    }
    const Node* json = get(value, "json", in::TalkMatch);
    auto outcome = stage_->happen(text_of(get(value, "webhook", in::TalkMatch)), json ? plain_value(*json) : Value(ValueMap()));
    if (!outcome) return fail(span, outcome.error());
    using What = EventIntake::Outcome::What;
    const Node* people = get(value, "people");
    const std::string expected = people ? text_of(people) : "1";
    const bool found = outcome->what == What::Stored || outcome->what == What::Repeated;
    const bool fits = outcome->what == What::Nobody    ? expected == "0"
                      : outcome->what == What::Several ? expected != "0" && expected != "1"
                                                       : found && expected == "1";
    if (!fits) {
      const char* const en = outcome->what == What::Nobody    ? "nobody is as `find_user` says"
                             : outcome->what == What::Several ? "several people are as `find_user` says, so none of them gets it"
                             : found                          ? "somebody was found"
                                                              : "the event cannot be worked out with this";
      const char* const ru = outcome->what == What::Nobody    ? "никто не подошёл под `найти_человека`"
                             : outcome->what == What::Several ? "под `найти_человека` подошли несколько человек, и событие не досталось никому"
                             : found                          ? "человек нашёлся"
                                                              : "с такими данными событие не разобрать";
      return fail(span, words(en, ru), outcome->reason.empty() ? std::string() : "  " + outcome->reason);
    }
    collect();
    return true;
  }

  bool play_after(const Node& value, bool stopped) {
    auto duration = Duration::parse(text_of(&value));
    if (!duration) return fail(value.span, words("a duration such as 90s, 5m, 2h, 3d is expected", "нужна длительность: 90с, 5м, 2ч, 3д"));
    if (!nothing_unread(value.span)) return false;
    return played(value.span, stopped ? stage_->stand_still(*duration) : stage_->advance(*duration));
  }

  /// The scenario is replaced between two messages; what the bot says by itself because of it is read like the rest.
  bool play_reload(const SourceSpan& span, const Node& value) {
    if (!nothing_unread(span)) return false;
    const auto version = talk_.versions.find(&value);
    if (version == talk_.versions.end()) return fail(span, words("this version could not be loaded", "эта версия не загрузилась"));
    program_ = version->second;
    return played(span, stage_->reload(program_));
  }

  /// The version would lose data: the one before is played on.
  bool play_refused(const SourceSpan& span, const Node& value) {
    if (!nothing_unread(span)) return false;
    const auto version = talk_.versions.find(&value);
    if (version == talk_.versions.end()) return fail(span, words("this version could not be loaded", "эта версия не загрузилась"));
    const auto taken = stage_->reload(version->second);
    if (taken) return fail(span, words("this version was not refused", "эту версию приняли"));
    return taken.error().kind == StorageError::Kind::Refused || fail(span, taken.error());
  }

  /// The newest one that is over, of the name when the line has one. What people got of it is read like all else.
  bool play_broadcast(const SourceSpan& span, const Node& value) {
    collect();
    auto all = stage_->broadcasts();
    if (!all) return fail(span, all.error());
    const std::string name = text_of(get(value, "as", in::TalkMatch));
    const auto found = std::find_if(all->begin(), all->end(), [&](const BroadcastRow& row) {
      return row.is_over() && (name.empty() || row.name == name);
    });
    if (found == all->end())
      return fail(span, words("no such broadcast is over", "такая рассылка не закончилась"), expected_line(value));
    const std::pair<const char*, std::int64_t> figures[] = {{"people", found->people},
                                                            {"sent", found->sent},
                                                            {"failed", found->failed + found->unknown},
                                                            {"left_out", left_out_of(*found)}};
    for (const auto& [word, is] : figures) {
      const Node* const expected = get(value, word, in::TalkMatch);
      if (!expected || text_of(expected) == std::to_string(is)) continue;
      return fail(expected->span, words("the broadcast came out otherwise", "у рассылки другой итог"),
                  "  " + words("expected: ", "ожидалось: ") + word + " " + text_of(expected) + "\n  " + words("got:      ", "вышло:     ") +
                      word + " " + std::to_string(is));
    }
    return true;
  }

  bool play_silent(const SourceSpan& span) {
    collect();
    return nothing_unread(span);
  }

  /// A role's inbox is what notices brought to its people. The same notice to several of them is one message.
  bool play_role(const Node& key, const Node& value) {
    const std::string role(key.scalar);
    std::vector<std::string> inboxes;
    if (auto members = role_members_.find(role); members != role_members_.end()) inboxes = members->second;
    if (inboxes.empty()) inboxes.push_back(role);
    std::optional<Message> message;
    for (const std::string& inbox : inboxes) {
      for (Unread& unread : queues_[inbox]) {
        if (!unread.arrival.to_role || unread.read_by_role) continue;
        if (message && *message != unread.arrival.message) continue;
        unread.read_by_role = true;
        message = unread.arrival.message;
        break;
      }
    }
    if (message) return check_message(key.span, value, *message);
    return fail(key.span, words("`" + role + "` got no message", "`" + role + "` сообщений не получили"));
  }

  bool play_bot(const SourceSpan& span, const Node& value) {
    const Node* to = value.is_map() ? get(value, "to", in::TalkMatch) : nullptr;
    std::deque<Unread>& queue = queues_[to ? person_name(to) : std::string(kTalkPerson)];
    // Notices to a role may be passed over, so what the bot said in the person's own dialog comes first.
    auto next = std::find_if(queue.begin(), queue.end(), [](const Unread& one) { return !one.arrival.to_role; });
    if (next == queue.end()) next = queue.begin();
    if (next == queue.end())
      return fail(span, words("the bot said nothing", "бот ничего не сказал"), expected_line(value));
    const Message message = std::move(next->arrival.message);
    queue.erase(next);
    return check_message(span, value, message);
  }

  std::string expected_line(const Node& value) const {
    if (!value.is_scalar()) return {};
    return "  " + words("expected: ", "ожидалось: ") + std::string(value.scalar);
  }

  // ---- what the CRM is asked

  bool other_crm(const SourceSpan& span, const std::string& expected, const AskedCrm& asked) {
    return fail(span, words("amoCRM is asked something else", "в amoCRM записано другое"),
                "  " + words("expected: ", "ожидалось: ") + expected + "\n  " + words("got:      ", "получено:  ") + sufler::shown(asked, language_));
  }

  /// It need not be read, as letters; what is comes in its order.
  bool play_crm(const SourceSpan& span, const Node& value) {
    if (asked_crm_.empty()) return fail(span, words("nothing was written to amoCRM", "в amoCRM ничего не записано"), expected_line(value));
    const AskedCrm asked = std::move(asked_crm_.front());
    asked_crm_.pop_front();
    if (value.is_scalar() && value.scalar == "..." && !value.quoted) return true;
    const Node& word = value.is_map() ? value.entries.front().key : value;
    if (talk_word(word.scalar, in::CrmAction) != crm_word(asked.what)) return other_crm(word.span, std::string(word.scalar), asked);
    return !value.is_map() || check_crm(value.entries.front().value, asked.values, asked);
  }

  /// The named values alone.
  bool check_crm(const Node& wanted, const ValueMap& values, const AskedCrm& asked) {
    const Locale locale{program_->language, program_->zone};
    for (const Node::Entry& entry : wanted.entries) {
      const bool text = &values == &asked.values && talk_word(entry.key.scalar, in::TalkMatch) == "text";
      const std::string_view known = crm_name(&values == &asked.values ? asked.what : CrmOrder::Do::Contact, entry.key.scalar);
      const Value* value = values.find(known.empty() ? entry.key.scalar : known);
      if (entry.value.is_map()) {
        if (!value || !value->map()) return other_crm(entry.key.span, std::string(entry.key.scalar), asked);
        if (!check_crm(entry.value, *value->map(), asked)) return false;
        continue;
      }
      const std::string got = plain_spaces(text ? asked.text : value ? to_display(*value, locale) : std::string());
      const std::string expected = plain_spaces(to_display(plain_value(entry.value), locale));
      if (got != expected) return other_crm(entry.value.span, std::string(entry.key.scalar) + ": " + expected, asked);
    }
    return true;
  }

  // ---- letters

  static std::string people_of(const MailOrder& letter) {
    std::string all;
    for (const Mailbox& one : letter.to) all += (all.empty() ? "" : ", ") + one.address;
    return all;
  }

  static std::string shown(const MailOrder& letter) {
    std::string text = people_of(letter) + " · " + letter.subject + "\n" + letter_text(letter);
    for (const Attachment& file : letter.files) text += "@" + file_name(file) + " ";
    while (text.ends_with('\n') || text.ends_with(' ')) text.pop_back();
    std::string out;
    for (const char c : text) {
      out += c;
      if (c == '\n') out += "    ";
    }
    return out;
  }
  static std::string file_name(const Attachment& file) { return file.name.empty() ? file.reference : file.name; }

  bool other_letter(const SourceSpan& span, const std::string& expected, const MailOrder& letter) {
    return fail(span, words("the letter is another one", "письмо не такое"),
                "  " + words("expected: ", "ожидалось: ") + expected + "\n  " + words("got:      ", "письмо:    ") + shown(letter));
  }

  /// Letters need not be read, as the boxes of roles; those that are come in their order.
  bool play_letter(const SourceSpan& span, const Node& value) {
    if (letters_.empty()) return fail(span, words("no letter was sent", "писем не отправлено"), expected_line(value));
    const MailOrder letter = std::move(letters_.front());
    letters_.pop_front();
    if (value.is_scalar()) {
      if ((value.scalar == "..." && !value.quoted) || is_to(value, letter)) return true;
      return other_letter(value.span, std::string(value.scalar), letter);
    }
    for (const Node::Entry& entry : value.entries)
      if (!check_letter(entry, letter)) return false;
    return true;
  }

  static bool is_to(const Node& address, const MailOrder& letter) {
    const auto mailbox = parse_mailbox(address.scalar);
    return mailbox && std::any_of(letter.to.begin(), letter.to.end(), [&](const Mailbox& one) { return one.address == mailbox->address; });
  }

  /// Sums of money have spaces that do not break, which nobody types.
  static std::string plain_spaces(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
      const char32_t c = next_code_point(text, i);
      append_utf8(out, c == 0xA0 || c == 0x202F ? U' ' : c);
    }
    return out;
  }

  bool check_letter(const Node::Entry& entry, const MailOrder& letter) {
    const std::string_view word = talk_word(entry.key.scalar, in::TalkMatch);
    std::vector<const Node*> wanted;
    if (entry.value.is_scalar()) wanted.push_back(&entry.value);
    for (const Node& item : entry.value.items) wanted.push_back(&item);
    const std::string text = plain_spaces(letter_text(letter)), subject = plain_spaces(letter.subject);
    if (word == "attach") {
      bool same = wanted.size() == letter.files.size();
      for (std::size_t i = 0; same && i < wanted.size(); ++i)
        same = file_name(letter.files[i]) == wanted[i]->scalar || letter.files[i].reference == wanted[i]->scalar;
      return same || other_letter(entry.value.span, words("files", "файлы"), letter);
    }
    if (word == "to" && wanted.size() > 1 && wanted.size() != letter.to.size())
      return other_letter(entry.value.span, words("these addresses", "эти адреса"), letter);
    for (const Node* one : wanted) {
      const std::string part = plain_spaces(one->scalar);
      if (word == "to" && !is_to(*one, letter)) return other_letter(one->span, part, letter);
      if (word == "subject" && trim(part) != subject) return other_letter(one->span, part, letter);
      if (word == "text" && trim(part) != trim(text)) return other_letter(one->span, part, letter);
      if (word == "contains" && text.find(part) == std::string::npos && subject.find(part) == std::string::npos)
        return other_letter(one->span, words("… contains ", "… содержит ") + part, letter);
      if (word == "matches" && !re2::RE2::PartialMatch(text, re2::RE2(part, re2::RE2::Quiet)))
        return other_letter(one->span, words("… matches ", "… подходит под ") + part, letter);
    }
    return true;
  }

  // ---- reports

  /// As people read it: of HTML the words.
  static std::string words_of(const Stage::Report& report) {
    return plain_spaces(report.file.mime == "text/html" ? html_to_text(report.bytes) : report.bytes);
  }

  bool other_report(const SourceSpan& span, const std::string& expected, const Stage::Report& report) {
    std::string text = report.file.name + "\n" + words_of(report);
    while (text.ends_with('\n')) text.pop_back();
    std::string shown;
    for (const char c : text) {
      shown += c;
      if (c == '\n') shown += "    ";
    }
    return fail(span, words("the report is another one", "отчёт не такой"),
                "  " + words("expected: ", "ожидалось: ") + expected + "\n  " + words("got:      ", "отчёт:     ") + shown);
  }

  /// Reports need not be read, as letters; those that are come in their order.
  bool play_report(const SourceSpan& span, const Node& value) {
    for (Stage::Report& made : stage_->take_reports()) reports_.push_back(std::move(made));
    if (reports_.empty()) return fail(span, words("no report was made", "отчётов не было"), expected_line(value));
    const Stage::Report report = std::move(reports_.front());
    reports_.pop_front();
    if (value.is_scalar())
      return (value.scalar == "..." && !value.quoted) || value.scalar == report.file.name ||
             other_report(value.span, std::string(value.scalar), report);
    const std::string text = words_of(report);
    for (const Node::Entry& entry : value.entries) {
      const std::string_view word = talk_word(entry.key.scalar, in::TalkMatch | in::TestKey);
      std::vector<const Node*> wanted;
      if (entry.value.is_scalar()) wanted.push_back(&entry.value);
      for (const Node& item : entry.value.items) wanted.push_back(&item);
      for (const Node* one : wanted) {
        const std::string part = plain_spaces(one->scalar);
        if (word == "name" && part != report.file.name) return other_report(one->span, part, report);
        if (word == "text" && trim(part) != trim(text)) return other_report(one->span, part, report);
        if (word == "contains" && text.find(part) == std::string::npos)
          return other_report(one->span, words("… contains ", "… содержит ") + part, report);
        if (word == "matches" && !re2::RE2::PartialMatch(text, re2::RE2(part, re2::RE2::Quiet)))
          return other_report(one->span, words("… matches ", "… подходит под ") + part, report);
      }
    }
    return true;
  }

  // ---- messages

  void collect() {
    for (Arrival& arrival : stage_->take_arrivals()) {
      std::string to = arrival.to;
      queues_[std::move(to)].push_back({std::move(arrival), false});
    }
  }

  bool nothing_unread(const SourceSpan& span, const std::string& person = std::string(kTalkPerson)) {
    for (const Unread& unread : queues_[person]) {
      if (unread.arrival.to_role) continue;  // notices to a role need not be read
      const bool other = person != kTalkPerson;
      return fail(span,
                  other ? words("before this the bot said to `" + person + "` something that the talk does not read",
                                "перед этим бот сказал `" + person + "` то, чего в разговоре нет")
                        : words("before this the bot said something that the talk does not read",
                                "перед этим бот сказал то, чего в разговоре нет"),
                  "  " + words("the bot said: ", "бот сказал: ") + shown(unread.arrival.message));
    }
    return true;
  }

  static std::string shown(const Message& message) {
    std::string text = console_lines("bot", message);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    if (text.starts_with("bot: ")) text.erase(0, 5);
    return text;
  }

  static bool same_text(const std::string& expected, const RichText& actual) {
    const std::string_view wanted = trim(expected);
    if (trim(to_markup(actual)) == wanted) return true;
    if (actual.spans.empty() && trim(actual.text) == wanted) return true;
    return parse_markup(wanted) == actual;
  }

  bool differs(const SourceSpan& span, const std::string& expected, const Message& message) {
    return fail(span, words("the bot said something else", "бот сказал другое"),
                "  " + words("expected: ", "ожидалось: ") + expected + "\n  " + words("got:      ", "сказано:   ") + shown(message));
  }

  bool check_message(const SourceSpan& span, const Node& value, const Message& message) {
    if (value.is_scalar()) {
      if (value.scalar == "..." && !value.quoted) return true;
      return check_text(value, message);
    }
    if (!value.is_map()) return fail(span, words("a text or a map is expected here", "здесь нужен текст или карта"));
    for (const Node::Entry& entry : value.entries)
      if (!check_part(entry, message)) return false;
    return true;
  }

  /// The whole text. Told to update, notes the new one and goes on.
  bool check_text(const Node& expected, const Message& message) {
    if (same_text(std::string(expected.scalar), message.text)) return true;
    if (!update_) return differs(expected.span, std::string(expected.scalar), message);
    std::string fresh = quoted_yaml(to_markup(message.text));
    if (sources_.slice(expected.span).ends_with('\n')) fresh += '\n';  // a block at the end of the file
    updates_.push_back({expected.span, std::move(fresh)});
    return true;
  }

  bool check_part(const Node::Entry& entry, const Message& message) {
    const std::string_view word = talk_word(entry.key.scalar, in::TalkMatch);
    const Node& value = entry.value;
    if (word == "to") return true;
    if (word == "text") return check_text(value, message);
    if (word == "contains") {
      std::vector<const Node*> parts;
      if (value.is_scalar()) parts.push_back(&value);
      for (const Node& item : value.items) parts.push_back(&item);
      const std::string marked = to_markup(message.text);
      for (const Node* part : parts) {
        if (message.text.text.find(part->scalar) == std::string::npos && marked.find(part->scalar) == std::string::npos)
          return differs(part->span, words("… contains ", "… содержит ") + std::string(part->scalar), message);
      }
      return true;
    }
    if (word == "matches") {
      re2::RE2::Options quiet;
      quiet.set_log_errors(false);
      const re2::RE2 pattern(re2::StringPiece(value.scalar.data(), value.scalar.size()), quiet);
      if (!pattern.ok()) return fail(value.span, words("a pattern that cannot be read: ", "образец не читается: ") + pattern.error());
      return re2::RE2::PartialMatch(message.text.text, pattern) ||
             differs(value.span, words("… matches ", "… подходит под ") + std::string(value.scalar), message);
    }
    if (word == "buttons") return check_buttons(value, message);
    if (word == "attach") return check_attachments(value, message);
    return fail(entry.key.span, words("unknown word `", "неизвестное слово `") + std::string(entry.key.scalar) + "`");
  }

  bool check_buttons(const Node& value, const Message& message) {
    std::vector<std::string> wanted, got;
    const auto add = [&](const Node& node) { wanted.emplace_back(node.scalar); };
    if (value.is_scalar()) add(value);
    for (const Node& item : value.items) {
      if (item.is_list()) {
        for (const Node& label : item.items) add(label);
      } else {
        add(item);
      }
    }
    for (const auto& row : message.keyboard.rows)
      for (const Button& button : row) got.push_back(button.label);
    if (wanted == got) return true;
    const auto list = [](const std::vector<std::string>& labels) {
      std::string out;
      for (const std::string& label : labels) out += "[" + label + "]";
      return out;
    };
    return differs(value.span, words("buttons ", "кнопки ") + list(wanted), message);
  }

  bool check_attachments(const Node& value, const Message& message) {
    std::vector<std::string> wanted;
    if (value.is_scalar()) wanted.emplace_back(value.scalar);
    for (const Node& item : value.items) wanted.emplace_back(item.scalar);
    bool same = wanted.size() == message.attachments.size();
    for (std::size_t i = 0; same && i < wanted.size(); ++i) {
      const Attachment& file = message.attachments[i];
      same = file.name == wanted[i] || file.reference == wanted[i];
    }
    if (same) return true;
    std::string list;
    for (const std::string& name : wanted) list += " @" + name;
    return differs(value.span, words("files", "файлы") + list, message);
  }

  // ---- after the talk

  bool check_expectations(const Node& expect) {
    for (const Node::Entry& entry : expect.entries) {
      const std::string_view word = talk_word(entry.key.scalar);
      if (word == "rows") {
        if (!check_rows(entry.value)) return false;
      } else if (word == "at") {
        auto place = stage_->place();
        if (!place) return fail(entry.value.span, place.error());
        std::string wanted(entry.value.scalar);
        if (talk_word(wanted) == "none") wanted = "none";
        if (*place != wanted)
          return fail(entry.value.span, words("the dialog waits elsewhere", "диалог ждёт в другом месте"),
                      "  " + words("expected: ", "ожидалось: ") + wanted + "\n  " + words("got:      ", "на деле:   ") + *place);
      } else if (word == "vars") {
        auto variables = stage_->variables();
        if (!variables) return fail(entry.value.span, variables.error());
        for (const Node::Entry& variable : entry.value.entries)
          if (!check_value(variable, variables->find(variable.key.scalar))) return false;
      } else {
        return fail(entry.key.span, words("unknown word `", "неизвестное слово `") + std::string(entry.key.scalar) + "`");
      }
    }
    return true;
  }

  bool check_rows(const Node& tables) {
    for (const Node::Entry& entry : tables.entries) {
      auto rows = stage_->rows(std::string(entry.key.scalar));
      if (!rows) return fail(entry.key.span, rows.error());
      if (rows->size() != entry.value.items.size())
        return fail(entry.key.span, words("the table has another number of rows", "в таблице другое число строк"),
                    "  " + words("expected: ", "ожидалось: ") + std::to_string(entry.value.items.size()) + "\n  " +
                        words("got:      ", "на деле:   ") + std::to_string(rows->size()));
      for (std::size_t i = 0; i < rows->size(); ++i)
        for (const Node::Entry& cell : entry.value.items[i].entries)
          if (!check_value(cell, (*rows)[i].map() ? (*rows)[i].map()->find(cell.key.scalar) : nullptr)) return false;
    }
    return true;
  }

  bool check_value(const Node::Entry& cell, const Value* actual) {
    const Value got = actual ? *actual : Value();
    if (same_value(cell.value, got)) return true;
    return fail(cell.value.span, words("another value of `", "другое значение `") + std::string(cell.key.scalar) + "`",
                "  " + words("expected: ", "ожидалось: ") + to_display(plain_value(cell.value), locale()) + "\n  " +
                    words("got:      ", "на деле:   ") + (got.is_null() ? "null" : to_display(got, locale())));
  }

  Locale locale() const { return {program_->language, program_->zone}; }

  bool same_value(const Node& wanted, const Value& got) const {
    if (wanted.is_list()) {
      const List* list = got.list();
      if (!list || list->size() != wanted.items.size()) return false;
      for (std::size_t i = 0; i < list->size(); ++i)
        if (!same_value(wanted.items[i], (*list)[i])) return false;
      return true;
    }
    if (wanted.is_map()) {
      for (const Node::Entry& entry : wanted.entries) {
        const Value* member = got.map() ? got.map()->find(entry.key.scalar) : nullptr;
        if (!member || !same_value(entry.value, *member)) return false;
      }
      return got.map() != nullptr;
    }
    if (!wanted.is_scalar()) return got.is_null();
    if (plain_value(wanted) == got) return true;
    if (got.is_null()) return false;
    if (const Attachment* file = got.file()) return file->name == wanted.scalar || file->reference == wanted.scalar;
    if (const Date* date = got.date(); date && date->to_iso() == wanted.scalar) return true;
    if (const Moment* moment = got.moment()) {
      auto local = LocalTime::parse_iso(wanted.scalar);
      if (local && program_->zone.to_moment(*local) == *moment) return true;
    }
    return to_display(got, locale()) == wanted.scalar;
  }

  const TalkFile& file_;
  const Talk& talk_;
  const SourceMap& sources_;
  std::shared_ptr<const Program> program_;
  Language language_;
  bool update_;
  Visits& visits_;
  std::map<std::string, std::size_t> calls_;  ///< of mocked jobs, so far
  const AudienceFactory& audience_;
  std::map<std::string, std::vector<std::string>> role_members_;
  std::unique_ptr<Stage> stage_;
  std::map<std::string, std::deque<Unread>> queues_;  // by the name of the person or role
  std::deque<MailOrder> letters_;  // that nobody has read
  std::deque<AskedCrm> asked_crm_;  // the same
  std::deque<Stage::Report> reports_;
  std::string failure_;
  std::vector<FixEdit> updates_;
};

}  // namespace

TalkResult play_talk(const TalkFile& file, const Talk& talk, const SourceMap& sources,
                     std::shared_ptr<const Program> program, Language language, bool update,
                     Visits& visits, const AudienceFactory& audience,
                     const std::function<void(Stage&)>& at_end) {
  return TalkPlayer(file, talk, sources, std::move(program), language, update, visits, audience).play(at_end);
}

}  // namespace sufler
