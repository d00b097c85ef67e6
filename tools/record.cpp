// `sufler record`: what people did is taken from the journal, masked, and played on a stage; what the bot says there is
// what the test expects. So the test passes, whatever masks changed in it. What people of a desk did is found from what
// came of it (record_desk.h), and programs give what they gave then (record_runs.h).
#include "tools/record.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>

#include "interpreter/core/happenings.h"
#include "interpreter/core/plain_json.h"
#include "interpreter/core/text.h"
#include "interpreter/runtime/incoming_json.h"
#include "tools/commands.h"
#include "tools/desk_tokens.h"
#include "schema/loader.h"
#include "storage/live_dialogs.h"
#include "tools/masking.h"
#include "tools/record_desk.h"
#include "tools/record_runs.h"
#include "tools/recorded.h"
#include "tools/stage.h"
#include "tools/talk_words.h"
#include "tools/yaml_text.h"

namespace sufler {
namespace {

/// A longer talk is no test that anybody reads.
constexpr std::size_t kMostTurns = 200;
/// Pauses below it are left out where nothing comes due in them.
constexpr std::int64_t kPause = 60'000;
constexpr std::string_view kHidden = "•••";

/// Whether a question asks for somebody's name.
bool asks_name(const Question& question) {
  if (question.type == QuestionType::Name) return true;
  static const std::set<std::string, std::less<>> kNames = {"name", "имя", "фио", "fio", "client", "first_name", "last_name",
                                                            "фамилия", "surname"};
  return question.type == QuestionType::Text && kNames.contains(to_lower(question.name));
}

std::string duration_words(std::int64_t seconds) {
  for (const auto& [unit, length] : {std::pair{"d", 86400}, {"h", 3600}, {"m", 60}})
    if (seconds % length == 0) return std::to_string(seconds / length) + unit;
  return std::to_string(seconds) + "s";
}

class Recorder {
 public:
  Recorder(const RecordedDialog& dialog, std::shared_ptr<const Program> program, Language language,
           const VersionTexts& versions)
      : dialog_(dialog), program_(std::move(program)), language_(language), versions_(versions),
        masker_(program_->language) {}

  /// The test file; nothing after a complaint.
  std::optional<std::string> write() {
    const auto first = first_row();
    if (!first) {
      complain(words("the journal does not have the beginning of this talk any more",
                     "в журнале уже нет начала этого разговора"));
      return std::nullopt;
    }
    if (!set_up(*first)) return std::nullopt;
    for (std::size_t i = *first; i < dialog_.rows.size() && !ended_; ++i)
      if (!play(i)) return std::nullopt;
    if (!pass_time(until_, true)) return std::nullopt;
    const auto place = stage_->place();
    if (!place) return stage_failed(place.error());
    return head() + lines_ + "    expect:\n      at: " + (*place == "none" ? "none" : quoted_yaml(*place)) + "\n";
  }

 private:
  std::string words(const char* english, const char* russian) const {
    return language_ == Language::Russian ? russian : english;
  }
  std::nullopt_t stage_failed(const StorageError& error) const {
    complain(error.message);
    return std::nullopt;
  }
  void comment(const std::string& text) { lines_ += "      # " + one_line(text) + "\n"; }

  /// From where the talk can be told: the earliest beginning among its last turns.
  std::optional<std::size_t> first_row() const {
    const std::size_t count = dialog_.rows.size();
    for (std::size_t i = count > kMostTurns ? count - kMostTurns : 0; i < count; ++i) {
      const TurnGiven given = read_given(dialog_.rows[i].turn);
      if (given.is_new || (!given.known && i == 0 && count <= kMostTurns)) return i;
      State state;
      if (!given.state.empty() && from_json(given.state, *program_, state, nullptr) &&
          place_of(state, *program_) == "none")
        return i;
    }
    return std::nullopt;
  }

  bool set_up(std::size_t first) {
    const TurnGiven given = read_given(dialog_.rows[first].turn);
    StageOptions options;
    const LocalTime begins = program_->zone.to_local(Moment{dialog_.rows[first].at.unix_ms / 60'000 * 60'000});
    now_ = begins.to_iso();
    start_ = options.now = program_->zone.to_moment(begins);
    until_ = clock_ = start_;
    read_person(given.user.empty() ? dialog_.user : given.user, options.user);
    cast_.emplace(dialog_, first, *program_, masker_);
    runs_.emplace(dialog_, first);
    options.others = cast_->people();
    options.secrets = desk_tokens(*program_, cast_->tokens());
    for (const std::string& role : given.roles)
      if (!role.starts_with("agents of ")) options.roles[role] = {std::string(kTalkPerson)};
    for (auto& [role, agents] : cast_->roles())
      options.roles[role].insert(options.roles[role].end(), agents.begin(), agents.end());
    roles_ = options.roles;
    options.jobs = [this](const Job& job) -> Result<JobResult, std::string> { return runs_->next(job, program_->zone, masker_); };
    auto opened = Stage::open(program_, std::move(options));
    if (!opened) return stage_failed(opened.error()), false;
    stage_ = std::move(*opened);
    return give_variables(given) && give_rows(first) && perform(cast_->registration_of_person(given.roles));
  }

  void read_person(const std::string& json, StagePerson& person) {
    UserRecord user;
    if (!from_json(json, user)) return;
    const auto put = [&](const char* key, std::string value, std::string& into) {
      if (value.empty()) return;
      given_user_ += (given_user_.empty() ? "" : ", ") + std::string(key) + ": " + quoted_yaml(value);
      into = std::move(value);
    };
    put("first_name", masker_.name(user.first_name), person.first_name);
    put("last_name", masker_.last_name(user.last_name), person.last_name);
    if (!user.username.empty()) put("username", "person1", person.username);
    put("language", user.language, person.language);
  }

  /// A value that talks can write; nothing for others.
  std::optional<std::string> yaml_of(const Value& value, Value& as_played) {
    as_played = value;
    if (const std::string* text = value.text()) {
      if (text->find(kHidden) != std::string::npos) return std::nullopt;
      const std::string masked = masker_.text(*text);
      as_played = Value(masked);
      return quoted_yaml(masked);
    }
    if (value.number()) return value.number()->to_string();
    if (value.boolean()) return std::string(*value.boolean() ? "true" : "false");
    if (value.date()) return value.date()->to_iso();
    return std::nullopt;
  }

  bool give_variables(const TurnGiven& given) {
    State state;
    if (given.state.empty() || !from_json(given.state, *program_, state, nullptr)) return true;
    ValueMap variables;
    for (const auto& [name, value] : state.variables) {
      Value played;
      // Dates among the variables of a talk are texts.
      const auto yaml = value.date() ? std::nullopt : yaml_of(value, played);
      if (!yaml) continue;
      given_vars_ += "        " + quoted_yaml(name) + ": " + *yaml + "\n";
      variables.set(name, std::move(played));
    }
    auto set = variables.empty() ? Stored<Done>(Done{}) : stage_->set_variables(variables);
    return set ? true : (stage_failed(set.error()), false);
  }

  /// Rows that the talk found and did not save itself.
  bool give_rows(std::size_t first) {
    std::map<std::string, std::map<std::int64_t, ValueMap>> found;
    std::map<std::string, std::set<std::int64_t>> saved;
    for (std::size_t i = first; i < dialog_.rows.size(); ++i) {
      for (const TurnGiven::Result& result : read_given(dialog_.rows[i].turn).results) {
        const auto* answer = std::get_if<TableAnswer>(&result.event.what);
        const bool is_find = result.of.starts_with("find ");
        if (!answer || (!is_find && !result.of.starts_with("save "))) continue;
        const std::string table = result.of.substr(5);
        for (const Value& row : answer->rows) {
          const Value* id = row.map() ? row.map()->find("id") : nullptr;
          const auto number = id && id->number() ? id->number()->to_int64() : std::nullopt;
          if (!number) continue;
          if (is_find && !saved[table].contains(*number)) found[table].try_emplace(*number, *row.map());
          if (!is_find) saved[table].insert(*number);
        }
      }
    }
    for (const auto& [name, rows] : found) {
      const auto table = std::find_if(program_->tables.begin(), program_->tables.end(),
                                      [&, &named = name](const Table& one) { return one.name == named; });
      // Rows of a file are there in every talk.
      if (table == program_->tables.end() || table->data) continue;
      std::string yaml;
      for (const auto& [id, row] : rows) {
        std::string cells;
        ValueMap values;
        for (const Column& column : table->columns) {
          const Value* value = row.find(column.name);
          Value played;
          const auto cell = value ? yaml_of(*value, played) : std::nullopt;
          if (!cell) continue;
          cells += (cells.empty() ? "" : ", ") + quoted_yaml(column.name) + ": " + *cell;
          values.set(column.name, std::move(played));
        }
        yaml += "          - {" + cells + "}\n";
        auto added = stage_->add_row(name, values);
        if (!added) return stage_failed(added.error()), false;
      }
      given_rows_ += "        " + name + ":\n" + yaml;
    }
    return true;
  }

  bool play(std::size_t index) {
    const JournalRow& row = dialog_.rows[index];
    if (!come_to_version(row)) return false;
    Event event;
    if (ended_ || !from_json(row.event, event)) return true;
    until_ = std::max(until_, event.at);
    const TurnGiven given = read_given(row.turn);
    bool played = true;
    bool is_turn = given.known;
    if (const auto* message = std::get_if<UserMessage>(&event.what)) {
      if (message->edited) return true;
      played = pass_time(event.at, false) && bring_desk(index) && say(*message);
    } else if (const auto* press = std::get_if<ButtonPress>(&event.what)) {
      played = pass_time(event.at, false) && bring_desk(index) && push(*press);
    } else if (std::holds_alternative<TimerDue>(event.what) || std::holds_alternative<ScheduleDue>(event.what)) {
      timers_ = true;
      played = bring_desk(index);
    } else if (const auto* staff = std::get_if<StaffMessage>(&event.what)) {
      const auto writer = given.known ? std::nullopt : cast_->writer(*staff);
      is_turn &= !writer;
      played = pass_time(event.at, false) && bring_desk(index) && (writer ? answer(*writer, *staff) : tell_staff(staff->text));
    } else if (const auto* call = std::get_if<StaffCall>(&event.what)) {
      // From a chat of their own; written in the dialog the word does the same.
      played = pass_time(event.at, false) && bring_desk(index) && tell_staff(call->word);
    } else if (const auto* crm = std::get_if<CrmNews>(&event.what)) {
      played = pass_time(event.at, false) && bring_desk(index) && tell_crm(*crm);
    } else if (const auto* news = std::get_if<TicketNews>(&event.what)) {
      played = pass_time(event.at, false) && hear_news(*news);
    } else if (began_broadcast_ && (std::holds_alternative<BroadcastDue>(event.what) || std::holds_alternative<BroadcastEnded>(event.what))) {
      // The one on the stage has begun one, too, and heard of it.
      timers_ = true;
      played = bring_desk(index);
    } else if (std::holds_alternative<BroadcastDue>(event.what)) {
      comment(words("here a broadcast came: who began it is not of this talk, so a test of one person cannot tell it",
                    "дальше пришла рассылка: её начал кто-то другой, и в тесте с одним человеком её не рассказать"));
      ended_ = true;
    } else if (const auto* happened = std::get_if<Happened>(&event.what)) {
      played = pass_time(event.at, false) && bring_desk(index) && tell_event(*happened);
    } else if (std::holds_alternative<TurnFailed>(event.what)) {
      comment(words("here a failure went on with the talk: a test cannot tell it",
                    "дальше случился сбой: в тесте этого не рассказать"));
      ended_ = true;
    }
    began_broadcast_ |= row.turn.find("{\"broadcast\":") != std::string::npos;
    remember_labels(row);
    follow_jobs(row, event);
    return played && (!is_turn || timers_ || ended_ || !pending_.empty() || check_place(given.place));
  }

  bool check_place(const std::string& then) {
    const auto place = stage_->place();
    if (!place) return stage_failed(place.error()), false;
    if (*place != then) comment(words("in the journal the talk came to ", "в журнале разговор пришёл к ") + then);
    return true;
  }

  /// While the journal's dialog waits for a program, the one on the stage has its result already.
  void follow_jobs(const JournalRow& row, const Event& event) {
    if (const auto* done = std::get_if<JobDone>(&event.what)) pending_.erase(std::to_string(done->serial));
    for (const RecordedJob& job : jobs_of(row.turn)) pending_.insert(job.serial);
    if (row.turn.find("{\"job_cancelled\":") != std::string::npos) pending_.clear();
  }

  // ---- versions

  /// The dialog came to another version with this row, or begins with one.
  bool come_to_version(const JournalRow& row) {
    if (row.version.empty() || row.version == version_) return true;
    const bool begins = version_.empty();
    version_ = row.version;
    if (begins && row.version == program_->version) return true;
    const auto texts = versions_ ? versions_(row.version) : std::vector<std::pair<std::string, std::string>>();
    if (texts.empty()) {
      if (begins) {
        if (versions_)
          comment(words("the version that it began with is not kept any more; played with the present one: ",
                        "версии, с которой он начался, больше нет; проигран по нынешней: ") +
                  row.version);
        return true;
      }
      comment(words("here the dialog came to the version ", "здесь диалог перешёл на версию ") + row.version);
      return true;
    }
    Loaded loaded = load_scenario_text(texts);
    if (!loaded.program) {
      comment(words("the version cannot be read by this Sufler: ", "этот Sufler не читает версию ") + row.version);
      return true;
    }
    if (!begins && !pass_time(row.at, false)) return false;
    lines_ += "      - reload:\n";
    for (const auto& [path, text] : texts) lines_ += "          " + quoted_yaml(path) + ": " + quoted_yaml(text) + "\n";
    program_ = loaded.program;
    auto done = stage_->reload(program_);
    if (!done) return stage_failed(done.error()), false;
    return write_arrivals();
  }

  // ---- people of a desk

  bool perform(const std::vector<DeskCast::Act>& acts) {
    for (const DeskCast::Act& act : acts) {
      Stored<Done> done = Done{};
      if (act.presses) {
        const auto labels = stage_->visible_labels(act.who);
        if (labels.empty()) continue;
        lines_ += "      - press: {button: " + quoted_yaml(labels.front()) + ", as: " + act.who + "}\n";
        auto pressed = stage_->press(act.who, labels.front());
        if (!pressed) done = Error{pressed.error()};
      } else {
        lines_ += "      - user: {as: " + act.who + ", text: " + quoted_yaml(act.text) + "}\n";
        UserMessage message;
        message.text = act.text;
        done = stage_->say(act.who, std::move(message));
      }
      if (!done) return stage_failed(done.error()), false;
      if (!write_arrivals()) return false;
    }
    return true;
  }

  /// The desk has to answer what it answered to this row, or to the results of programs that follow it: on the stage
  /// they come at once.
  bool bring_desk(std::size_t index) {
    const auto relay = stage_->relay();
    if (!relay) return stage_failed(relay.error()), false;
    if (*relay && (*relay)->ticket != 0) return true;
    for (std::size_t i = index; i < dialog_.rows.size(); ++i) {
      const JournalRow& row = dialog_.rows[i];
      if (i > index) {
        Event event;
        const bool follows = from_json(row.event, event) && (std::holds_alternative<JobDone>(event.what) ||
                                                             std::holds_alternative<HearKept>(event.what));
        if (!follows) return true;
      }
      const TurnGiven given = read_given(row.turn);
      for (const TurnGiven::Result& result : given.results)
        if (const auto* answer = std::get_if<DeskAnswer>(&result.event.what))
          return perform(cast_->before(*answer, given.place));
    }
    return true;
  }

  bool hear_news(const TicketNews& news) {
    const auto relay = stage_->relay();
    if (!relay) return stage_failed(relay.error()), false;
    // Else the clock has done it.
    return !*relay || perform(cast_->before(news, **relay));
  }

  bool answer(const std::string& writer, const StaffMessage& staff) {
    UserMessage message;
    message.text = masker_.text(staff.text);
    std::string files;
    for (const Attachment& file : staff.attachments) {
      const std::string name = file_name(file);
      message.attachments.push_back(stage_file(name));
      if (staff.attachments.size() == 1) message.attachments[0].caption = message.text;
      files += (files.empty() ? "" : ", ") + quoted_yaml(name);
    }
    lines_ += "      - user: {as: " + writer;
    if (!message.text.empty()) lines_ += ", text: " + quoted_yaml(message.text);
    if (!files.empty()) lines_ += ", attach: [" + files + "]";
    lines_ += "}\n";
    auto done = stage_->say(writer, std::move(message));
    if (!done) return stage_failed(done.error()), false;
    return write_arrivals();
  }

  /// Moves the stage's clock to `moment` when something came due by then, or the pause was long.
  bool pass_time(Moment moment, bool at_end) {
    const std::int64_t ahead = moment.unix_ms - clock_.unix_ms;
    if (at_end ? !timers_ || ended_ : !timers_ && ahead < kPause) return true;
    const std::int64_t seconds = timers_ ? (ahead + 999) / 1000 : ahead / 1000;
    timers_ = false;
    if (seconds <= 0) return true;
    lines_ += "      - after: " + duration_words(seconds) + "\n";
    clock_ = Moment{clock_.unix_ms + seconds * 1000};
    auto done = stage_->advance(Duration{seconds * 1000});
    if (!done) return stage_failed(done.error()), false;
    return write_arrivals();
  }

  /// The client's name is what the desk asks for.
  bool asks_clients_name() const {
    const auto relay = stage_->relay();
    return relay && *relay && (*relay)->ticket == 0;
  }

  const Question* asked() const {
    const auto place = stage_->place();
    if (!place) return nullptr;
    const auto found = program_->places.find(*place);
    if (found == program_->places.end()) return nullptr;
    const Ask* ask = std::get_if<Ask>(&program_->step(found->second.step).verb);
    if (!ask || found->second.question >= ask->questions.size()) return nullptr;
    return &program_->question(ask->questions[found->second.question]);
  }

  bool say(const UserMessage& message) {
    const Question* question = asked();
    UserMessage played;
    std::string text = message.text;
    if (text == kHidden && question) {
      text = plausible_answer(*question);
      comment(words("the answer is secret: this one is made up", "ответ секретный: этот выдуман"));
    } else if (((question && asks_name(*question)) || asks_clients_name()) && !text.starts_with("/") && !is_label(text)) {
      text = masker_.name(text);
    } else {
      text = masker_.text(text);
    }
    played.text = text;
    std::string parts;
    const auto part = [&](const std::string& key, const std::string& value) {
      parts += (parts.empty() ? "" : ", ") + key + ": " + value;
    };
    if (!text.empty()) part("text", quoted_yaml(text));
    if (!message.attachments.empty()) {
      std::string names;
      for (const Attachment& file : message.attachments) {
        const std::string name = file_name(file);
        played.attachments.push_back(stage_file(name));
        names += (names.empty() ? "" : ", ") + quoted_yaml(name);
      }
      // As a talk reads it.
      if (played.attachments.size() == 1) played.attachments[0].caption = text;
      part("attach", "[" + names + "]");
    }
    if (message.contact) {
      Contact contact;
      contact.own = true;
      contact.phone = masker_.phone(message.contact->phone);
      part("contact", quoted_yaml(contact.phone));
      played.contact = std::move(contact);
    }
    if (message.location) {
      played.location = Location{*Decimal::parse("55.75"), *Decimal::parse("37.61")};
      part("location", "[55.75, 37.61]");
    }
    const bool only_text = played.attachments.empty() && !played.contact && !played.location;
    lines_ += "      - user: " + (only_text ? quoted_yaml(text) : "{" + parts + "}") + "\n";
    auto done = stage_->say(std::string(kTalkPerson), std::move(played));
    if (!done) return stage_failed(done.error()), false;
    return write_arrivals();
  }

  bool is_label(const std::string& text) const {
    for (const std::string& label : stage_->visible_labels(std::string(kTalkPerson)))
      if (fold(label) == fold(text)) return true;
    return false;
  }

  /// A name of the kind's, for files may be called after people.
  std::string file_name(const Attachment& file) {
    constexpr const char* kNames[] = {"photo.jpg", "file.pdf", "voice.ogg", "audio.mp3", "video.mp4", "sticker.webp", "file.bin"};
    std::string name = kNames[std::min<std::size_t>(static_cast<std::size_t>(file.kind), 6)];
    const std::size_t dot = file.name.rfind('.');
    if (dot != std::string::npos && file.name.size() - dot <= 6) name = name.substr(0, name.find('.')) + to_lower(file.name.substr(dot));
    const std::size_t number = ++files_[name];
    if (number > 1) name.insert(name.find('.'), std::to_string(number));
    return name;
  }

  bool push(const ButtonPress& press) {
    const auto label = labels_.find(press.payload);
    const std::string text = label == labels_.end() ? std::string() : masker_.text(label->second);
    auto pressed = text.empty() ? Stored<bool>(false) : stage_->press(std::string(kTalkPerson), text);
    if (!pressed) return stage_failed(pressed.error()), false;
    if (!*pressed) {
      comment(words("here a button was pressed that this version does not show: ",
                    "здесь была нажата кнопка, которой в этой версии не видно: ") +
              text);
      ended_ = true;
      return true;
    }
    lines_ += "      - press: " + quoted_yaml(text) + "\n";
    return write_arrivals();
  }

  bool tell_event(const Happened& happened) {
    const Happening* event = program_->events ? program_->events->find(happened.event) : nullptr;
    if (event && event->kind == Happening::Kind::UserJoined) return true;  // the talk's first message brings it, too
    if (event && event->kind == Happening::Kind::UserBlocked) {
      lines_ += std::string("      - event: user_blocked\n");
      auto done = stage_->reach(std::string(kTalkPerson), false);
      if (!done) return stage_failed(done.error()), false;
      return write_arrivals();
    }
    if (!event || event->kind != Happening::Kind::Webhook) {
      comment(words("here something happened outside that a test cannot tell: ", "дальше снаружи случилось то, чего в тесте не рассказать: ") +
              (happened.event.empty() ? "API" : happened.event));
      ended_ = true;
      return true;
    }
    const std::string json = masker_.text(to_plain_json(happened.data, program_->zone));
    auto data = from_plain_json(json);
    if (!data) {
      comment(words("here an event came whose data cannot be shown: ", "дальше пришло событие, данные которого не показать: ") + happened.event);
      ended_ = true;
      return true;
    }
    auto outcome = stage_->happen(event->webhook, std::move(*data));
    if (!outcome) return stage_failed(outcome.error()), false;
    if (outcome->what != EventIntake::Outcome::What::Stored) {
      comment(words("the person of this test is not found by `find_user`: give them what it asks for",
                    "человека этого теста `найти_человека` не находит: дайте ему то, о чём оно спрашивает"));
      ended_ = true;
      return true;
    }
    lines_ += "      - event: {webhook: " + event->webhook + ", json: " + json + "}\n";
    return write_arrivals();
  }

  bool tell_crm(const CrmNews& news) {
    CrmNews told = news;
    told.text = masker_.text(news.text);
    told.attachments.clear();
    told.manager.clear();
    if (news.what == CrmNews::What::Wrote) {
      lines_ += "      - manager: " + quoted_yaml(told.text) + "\n";
    } else if (news.what == CrmNews::What::Closed) {
      lines_ += "      - event: {crm: closed}\n";
    } else {
      lines_ += "      - event: {crm: {stage: " + quoted_yaml(news.stage) +
                (news.pipeline.empty() ? "" : ", pipeline: " + quoted_yaml(news.pipeline)) + "}}\n";
    }
    auto done = stage_->crm(std::move(told));
    if (!done) return stage_failed(done.error()), false;
    return write_arrivals();
  }

  bool tell_staff(const std::string& said) {
    const std::string text = masker_.text(said);
    lines_ += "      - staff: " + quoted_yaml(text) + "\n";
    auto done = stage_->staff(text);
    if (!done) return stage_failed(done.error()), false;
    return write_arrivals();
  }

  void remember_labels(const JournalRow& row) {
    for (const auto& [payload, label] : labels_of(row.turn)) labels_[payload] = label;
  }

  /// As a talk reads it: everything but notices to roles, which need not be read.
  bool write_arrivals() {
    std::string own, others, notices;
    for (const Arrival& arrival : stage_->take_arrivals()) {
      if (arrival.to_role) {
        const auto role = std::find_if(roles_.begin(), roles_.end(), [&](const auto& one) {
          return std::find(one.second.begin(), one.second.end(), arrival.to) != one.second.end();
        });
        write_message(quoted_yaml(role == roles_.end() ? arrival.to : role->first), {}, arrival.message, notices);
      } else if (arrival.to == kTalkPerson) {
        write_message("bot", {}, arrival.message, own);
      } else {
        write_message("bot", arrival.to, arrival.message, others);
      }
    }
    lines_ += own + others + notices;
    return true;
  }

  static void write_message(const std::string& key, const std::string& to, const Message& message, std::string& out) {
    const std::string text = to_markup(message.text);
    std::vector<std::string> buttons, files;
    for (const auto& row : message.keyboard.rows)
      for (const Button& button : row) buttons.push_back(button.label);
    for (const Attachment& file : message.attachments) files.push_back(!file.name.empty() ? file.name : file.reference);
    const auto list = [](const std::vector<std::string>& all) {
      std::string items = "[";
      for (const std::string& one : all) items += (items.size() > 1 ? ", " : "") + quoted_yaml(one);
      return items + "]";
    };
    out += "      - " + key + ":";
    if (buttons.empty() && files.empty() && to.empty()) {
      out += " " + yaml_text(text, 10) + "\n";
      return;
    }
    out += "\n";
    if (!to.empty()) out += "          to: " + quoted_yaml(to) + "\n";
    if (!text.empty()) out += "          text: " + yaml_text(text, 12) + "\n";
    if (!buttons.empty()) out += "          buttons: " + list(buttons) + "\n";
    if (!files.empty()) out += "          attach: " + list(files) + "\n";
  }

  std::string head() const {
    std::string out = words("# Written by `sufler record`. Telephones, mail and names are replaced by those of nobody; read it all the\n"
                            "# same before you give it away: an address or a story in free words is not known as personal.\n",
                            "# Записано командой `sufler record`. Телефоны, почта и имена заменены выдуманными. И всё же прочтите,\n"
                            "# прежде чем передавать: адрес или рассказ своими словами программа личным не считает.\n");
    out += "tests:\n  - name: " +
           quoted_yaml(words("Dialog ", "Диалог ") + std::to_string(dialog_.id) + ", " + now_.substr(0, 10)) + "\n    given:\n";
    if (!given_user_.empty()) out += "      user: {" + given_user_ + "}\n";
    out += "      now: " + quoted_yaml(now_) + "\n";
    if (!given_vars_.empty()) out += "      vars:\n" + given_vars_;
    if (!given_rows_.empty()) out += "      rows:\n" + given_rows_;
    return out + given_people() + runs_->mock() + "    talk:\n";
  }

  std::string given_people() const {
    std::string out;
    for (const StagePerson& person : cast_->people())
      out += (out.empty() ? "      people:\n" : "") + std::string("        ") + person.name + ": {first_name: " +
             quoted_yaml(person.first_name) + "}\n";
    const bool needs_tokens = lines_.find("token-of-the-desk-") != std::string::npos;
    if (needs_tokens) {
      out += "      env:\n";
      for (const auto& [variable, token] : cast_->tokens()) out += "        " + variable + ": " + token + "\n";
    }
    std::string roles;
    for (const auto& [role, members] : roles_) {
      std::string names;
      for (const std::string& member : members) names += (names.empty() ? "" : ", ") + member;
      roles += "        " + quoted_yaml(role) + ": [" + names + "]\n";
    }
    return out + (roles.empty() ? "" : "      roles:\n" + roles);
  }

  const RecordedDialog& dialog_;
  std::shared_ptr<const Program> program_;
  Language language_;
  const VersionTexts& versions_;
  Masker masker_;
  std::optional<DeskCast> cast_;
  std::optional<RecordedRuns> runs_;
  std::map<std::string, std::vector<std::string>> roles_;  ///< that the person has
  std::set<std::string> pending_;  ///< serials of jobs that the journal's dialog waits for
  std::string version_;            ///< of the row before
  std::unique_ptr<Stage> stage_;
  std::string now_, given_user_, given_vars_, given_rows_, lines_;
  Moment start_, clock_;  ///< of the stage
  Moment until_;          ///< of the journal
  bool timers_ = false;   ///< some came due since the clock was moved
  bool began_broadcast_ = false;  // by a turn of this dialog
  bool ended_ = false;    ///< the rest cannot be told
  std::map<std::string, std::string> labels_;
  std::map<std::string, std::size_t> files_;
};

/// As below the scenario's folder: files in two folders may have one name.
std::string name_in(const VersionRow& version, const VersionFile& file) {
  const std::filesystem::path path(file.path);
  const std::string below = path.lexically_relative(version.path).generic_string();
  return below.empty() || below == "." || below.starts_with("..") ? path.filename().generic_string() : below;
}

std::vector<std::pair<std::string, std::string>> texts_of(LiveDialogs& stored, const std::string& bot,
                                                          const std::string& version) {
  const auto row = stored.version(bot, version);
  if (!row || !*row) return {};
  std::vector<std::pair<std::string, std::string>> texts;
  for (const VersionFile& file : (*row)->files) {
    if (!file.yaml) continue;
    auto text = stored.content(file);
    if (!text || !*text) return {};
    texts.emplace_back(name_in(**row, file), std::move(**text));
  }
  return texts;
}

}  // namespace

std::optional<std::string> record_talk(const RecordedDialog& dialog, std::shared_ptr<const Program> program,
                                       Language language, const VersionTexts& versions) {
  return Recorder(dialog, std::move(program), language, versions).write();
}

int run_record(const RecordOptions& options) {
  const Language language = tool_language(options.language);
  auto link = OperatorLink::open(options.config);
  if (!link) return kExitErrors;
  const auto dialog = read_dialog(*link, options.dialog, options.bot);
  if (!dialog) return kExitErrors;
  if (dialog->key.chat.transport == kScheduleTransport)
    return complain(language == Language::Russian ? "это запуски по расписанию: разговора с человеком, который стал бы тестом, здесь нет"
                                                  : "these are runs of a schedule: there is no talk with a person that could become a test");
  SourceMap sources;
  auto program = program_of(*link, dialog->key.bot, language, sources);
  if (!program) return kExitErrors;
  VersionTexts versions;
  std::optional<LiveDialogs> stored;
  if (options.versions) {
    auto opened = LiveDialogs::open(link->config().database);
    if (!opened) return complain(opened.error().message);
    stored.emplace(std::move(*opened));
    versions = [&](const std::string& version) { return texts_of(*stored, dialog->key.bot, version); };
  }
  const auto test = record_talk(*dialog, std::move(program), language, versions);
  if (!test) return kExitErrors;
  std::cout << *test;
  return kExitClean;
}

}  // namespace sufler
