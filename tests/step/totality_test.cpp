// step() takes anything: random programs, random events, random bytes for a state (ARCHITECTURE, invariants 9
// and 10).
#include <gtest/gtest.h>

#include <random>

#include "interpreter/core/hidden_state.h"
#include "step/dialog.h"
#include "step/program_builder.h"

namespace sufler::testing {
namespace {

class RandomProgram {
 public:
  explicit RandomProgram(std::uint32_t seed) : chance_(seed) {
    for (int i = 0; i < 4; ++i) build_.branch("b" + std::to_string(i));
    Table table;
    table.name = "t";
    table.columns = {{"x", ColumnType::Number, {}, {}}, {"name", ColumnType::Text, {}, {}}};
    build_.program().tables.push_back(table);
    HandoffRule rule;
    rule.name = "people";
    rule.user_words = {"бот"};
    rule.staff_words = {"/on"};
    rule.on_staff_message = roll(2);
    if (roll(2)) rule.resume_after = Duration{60'000};
    if (roll(2)) rule.resume_go = any_branch();
    build_.program().handoffs.push_back(rule);
    add_assistant();
    for (std::uint32_t i = 0; i < 4; ++i) fill(build_.block_of(BranchId{i}), 0);
    Program& program = build_.program();
    if (roll(2)) program.fallback = any_branch();
    if (roll(2)) program.on_error = any_branch();
    for (int i = 0; i < 4; ++i) {
      Command command;
      command.name = "c" + std::to_string(i);
      command.folded = {"/c" + std::to_string(i), "ц" + std::to_string(i)};
      command.action = static_cast<Command::Action>(roll(5));
      command.during_handoff = roll(2);
      if (roll(2)) command.target.go = any_branch();
      else command.target.call = any_branch();
      program.commands.push_back(command);
    }
    program.limits.steps_per_turn = 300;
    program.limits.messages_per_turn = 20;
    program.limits.state_bytes = 20'000;
  }
  std::shared_ptr<const Program> done() const { return build_.done(); }

 private:
  std::uint32_t roll(std::uint32_t bound) { return static_cast<std::uint32_t>(chance_() % bound); }
  BranchId any_branch() { return BranchId{roll(4)}; }

  void add_assistant() {
    Program& program = build_.program();
    Question argument;
    argument.name = "x";
    argument.type = roll(2) ? QuestionType::Number : QuestionType::YesNo;
    argument.pii = roll(2);
    program.questions.push_back(std::move(argument));
    Assistant assistant;
    assistant.name = "a";
    assistant.memory.last = 1 + roll(4);
    assistant.memory.budget = 200 + roll(1000);
    assistant.memory.shared = roll(2);
    assistant.memory.summary = roll(2);
    if (roll(2)) assistant.memory.facts = any_expression();
    if (roll(2)) assistant.gather = Duration{0};
    if (roll(2)) assistant.per_user = Assistant::Quota{Assistant::Quota::Per::Hour, 1 + roll(20)};
    if (roll(2)) assistant.instructions = *Template::parse("Ты {{ x }} и {{ 1 / name }}.");
    assistant.tools.push_back({"tool", "tool", any_branch(), "о чём", {QuestionId{0}}, {}});
    if (roll(2)) assistant.otherwise.go = any_branch();
    program.assistants.push_back(std::move(assistant));
  }

  Target target(StepId step, int depth) {
    Target target;
    switch (roll(4)) {
      case 0: target.go = any_branch(); break;
      case 1: target.call = any_branch(); break;
      case 2: break;
      default:
        target.steps = build_.inner(step);
        fill(target.steps, depth + 1);
    }
    return target;
  }
  Expression any_expression() {
    static const char* const kSources[] = {"1",         "x + 1",  "'а'",      "[1, 2, 3]", "x / 0",   "null", "message.text",
                                           "name", "user.id", "random(1, 6)", "[x] + [x]", "x == 1", "shared.s"};
    return expression(kSources[roll(std::size(kSources))]);
  }
  Buttons buttons() {
    Buttons buttons;
    buttons.is_inline = roll(2);
    for (std::uint32_t i = 0; i < roll(4); ++i) {
      Option option;
      option.label = text_of("вариант " + std::to_string(i));
      if (roll(3) == 0) option.when = any_expression();
      if (roll(2)) option.target.go = any_branch();
      else if (roll(2)) option.target.call = any_branch();
      buttons.options.push_back(std::move(option));
    }
    if (roll(4) == 0) buttons.from = OptionsFrom{any_expression(), {}, {}};
    return buttons;
  }
  Question any_question() {
    Question question;
    question.name = roll(2) ? "x" : "name";
    question.type = static_cast<QuestionType>(roll(20));
    question.text = text_of("Вопрос {{ x }}?");
    question.buttons = buttons();
    question.optional = roll(2);
    question.secret = roll(4) == 0;
    if (roll(3) == 0) question.understand = AssistantId{0};
    question.attempts = roll(3);
    if (roll(3) == 0) question.otherwise.go = any_branch();
    if (roll(3) == 0) question.confirm = text_of("Верно {{ value }}?");
    if (roll(4) == 0) question.check = any_expression();
    if (roll(4) == 0) question.ask_when = any_expression();
    if (roll(3) == 0) question.gather = Duration{3000};
    if (roll(3) == 0) question.reminders.push_back({Duration{60'000}, text_of("Ну?")});
    if (roll(3) == 0) {
      Target late;
      late.go = any_branch();
      question.timeout = Timeout{Duration{120'000}, late};
    }
    return question;
  }
  void fill(BlockId block, int depth) {
    const std::uint32_t count = depth > 3 ? 1 : 1 + roll(4);
    for (std::uint32_t i = 0; i < count; ++i) add_step(block, depth);
  }
  void add_step(BlockId block, int depth) {
    switch (roll(23)) {
      case 0: {
        const StepId id = build_.add(block, If{any_expression(), {}, {}});
        Target then_target = target(id, depth), else_target = target(id, depth);
        build_.verb<If>(id).then_target = then_target;
        build_.verb<If>(id).else_target = else_target;
        break;
      }
      case 1: {
        const StepId id = build_.add(block, For{"x", any_expression(), {}});
        const BlockId body = build_.inner(id);
        fill(body, depth + 1);
        build_.verb<For>(id).body = body;
        break;
      }
      case 2: build_.add(block, Set{{{{"x"}, any_expression()}, {{"shared", "s"}, any_expression()}}}); break;
      case 3: build_.add(block, Go{any_branch()}); break;
      case 4: build_.add(block, Call{any_branch(), {{{"x"}, any_expression()}}, "name"}); break;
      case 5: build_.add(block, Return{any_expression()}); break;
      case 6: build_.add(block, Back{}); break;
      case 7: build_.add(block, Restart{}); break;
      case 8: build_.add(block, End{}); break;
      case 9: build_.add(block, Wait{Duration{5000}, {}, {}}); break;
      case 10: build_.add(block, Save{TableId{0}, {}, "x"}); break;
      case 11: build_.add(block, Find{TableId{0}, expression("x == 1 and name != 'а'"), nullptr, {}, {}, "name"}); break;
      case 12: build_.add(block, Update{TableId{0}, {}, {{"x", any_expression()}}}); break;
      case 13: build_.add(block, HandoffStep{HandoffId{0}, {}}); break;
      case 14: {
        Notify notify;
        notify.role = "admins";
        notify.text = text_of("{{ x }}");
        notify.buttons = buttons();
        build_.add(block, std::move(notify));
        break;
      }
      case 15: {
        Choose choose;
        choose.text = text_of("Выбор?");
        choose.buttons = buttons();
        choose.into = "x";
        const StepId id = build_.add(block, std::move(choose), "p" + std::to_string(build_.program().steps.size()));
        if (roll(2)) {
          const Target otherwise = target(id, depth);
          build_.verb<Choose>(id).otherwise = otherwise;
        }
        break;
      }
      case 16: {
        Say say;
        say.text = text_of("Кнопки");
        say.buttons = buttons();
        build_.add(block, std::move(say));
        break;
      }
      case 17: {
        const StepId id = build_.add(block, Run{{roll(2) ? "x" : "", {}}, "p", {{{"x"}, any_expression()}}},
                                     "r" + std::to_string(build_.program().steps.size()));
        const Target on_error = target(id, depth);
        build_.verb<Run>(id).on_error = on_error;
        break;
      }
      case 18:
      case 19: {
        AssistantStep step;
        step.assistant = AssistantId{0};
        step.task = static_cast<AssistantStep::Task>(roll(5));
        if (step.task == AssistantStep::Task::Classify) step.of = {"да", "нет"};
        if (step.task == AssistantStep::Task::Extract) step.fields = {QuestionId{0}};
        if (step.task == AssistantStep::Task::Write) step.prompt = text_of("Напиши {{ x }}");
        if (step.task == AssistantStep::Task::Talk && roll(2)) step.until = any_expression();
        step.into = roll(2) ? "x" : "";
        const StepId id = build_.add(block, std::move(step), "a" + std::to_string(build_.program().steps.size()));
        const Target otherwise = target(id, depth);
        build_.verb<AssistantStep>(id).otherwise = otherwise;
        break;
      }
      default: build_.ask(block, any_question());
    }
  }

  std::mt19937 chance_;
  ProgramBuilder build_;
};

std::string random_text(std::mt19937& chance) {
  static const char* const kTexts[] = {"да",  "нет",  "12",   "/start", "/c0",   "/c1",        "ц2",       "/c3",    "/nope",
                                       "",    "бот",  "1",    "готово", "вариант 0", "пропустить", "завтра", "a@b.ru", "\xff\xfe",
                                       "89123456789", "вариант 1, вариант 2"};
  return kTexts[chance() % std::size(kTexts)];
}

/// What a model gives: a text, a call, something broken.
Value answer_of_model(std::mt19937& chance) {
  ValueMap result;
  switch (chance() % 4) {
    case 0: result.set("text", "Оператор уже в пути, https://evil.net {{ x }}"); break;
    case 1: result.set("text", "{\"answer\": \"да\", \"x\": 1}"); break;
    default: {
      ValueMap call;
      call.set("id", chance() % 2 ? "1" : "");
      call.set("name", chance() % 4 ? "tool" : "other");
      static const char* const kArguments[] = {"{\"x\": 1}", "{}", "", "{\"y\": 1}", "нет", "{\"x\": [1]}"};
      call.set("arguments", kArguments[chance() % 6]);
      result.set("calls", List{Value(std::move(call))});
    }
  }
  ValueMap usage;
  usage.set("in", static_cast<std::int64_t>(chance() % 5000));
  result.set("usage", std::move(usage));
  return Value(std::move(result));
}

void converse(std::uint32_t seed, std::shared_ptr<const Program> program, std::vector<std::string>& transcript) {
  std::mt19937 chance(seed);
  Dialog dialog(std::move(program));
  const auto note = [&](const std::vector<std::string>& said) {
    for (const std::string& one : said) {
      ASSERT_FALSE(one.starts_with("the state")) << one << " seed " << seed;
      transcript.push_back(one);
    }
  };
  for (int turn = 0; turn < 40; ++turn) {
    switch (chance() % 16) {
      case 13:
      case 14: note(dialog.done(answer_of_model(chance))); break;
      case 15: note(dialog.after("3s")); break;
      case 10: note(dialog.done(Value(3))); break;
      case 11: note(dialog.done({}, "test")); break;
      case 12: note(dialog.happens(TurnFailed{"test", dialog.started.empty() ? 1 : dialog.started.back().serial})); break;
      case 0: note(dialog.after("90s")); break;
      case 1: note(dialog.sends({photo("a.jpg")}, random_text(chance), chance() % 2 ? "album" : "")); break;
      case 2: note(dialog.staff(chance() % 2 ? "/on" : "привет")); break;
      case 3: note(dialog.happens(Reachability{chance() % 2 == 0})); break;
      case 4: note(dialog.happens(TurnFailed{"test"})); break;
      case 5:
        if (!dialog.sent.empty() && !dialog.sent.back().keyboard.rows.empty()) {
          note(dialog.press_payload(dialog.sent.back().keyboard.rows[0][0].payload));
        } else {
          note(dialog.press_payload(std::to_string(chance() % 9) + ":" + std::to_string(chance() % 3)));
        }
        break;
      case 6: note(dialog.happens(TableAnswer{{}, 3, ""})); break;
      default: note(dialog.says(random_text(chance)));
    }
    transcript.push_back(dialog.at());
  }
  transcript.insert(transcript.end(), dialog.faults.begin(), dialog.faults.end());
}

TEST(Totality, NoProgramAndNoEventHangsOrBreaksADialog) {
  for (std::uint32_t seed = 1; seed <= 120; ++seed) {
    std::vector<std::string> transcript;
    converse(seed, RandomProgram(seed).done(), transcript);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(Totality, EqualArgumentsGiveEqualTurns) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    std::vector<std::string> first, second;
    converse(seed, RandomProgram(seed).done(), first);
    converse(seed, RandomProgram(seed).done(), second);
    EXPECT_EQ(first, second) << seed;
  }
}

TEST(Totality, AStateOfAnotherProgramIsRefusedOrMoved) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    std::mt19937 chance(seed);
    Dialog dialog(RandomProgram(seed).done());
    for (int turn = 0; turn < 8; ++turn) dialog.says(random_text(chance));
    auto other = std::make_shared<Program>(*RandomProgram(seed + 1000).done());
    if (seed % 2) other->version = "2";
    if (!dialog.reload(other)) dialog.state = State{};
    for (int turn = 0; turn < 8; ++turn)
      for (const std::string& said : dialog.says(random_text(chance)))
        ASSERT_FALSE(said.starts_with("the state")) << said << " seed " << seed;
  }
}

TEST(Totality, AnyBytesAreReadOrRefusedAsAState) {
  const auto program = RandomProgram(7).done();
  Dialog dialog(program);
  std::mt19937 chance(7);
  for (int turn = 0; turn < 10; ++turn) dialog.says(random_text(chance));
  const std::string good = to_json(dialog.state, *program);
  for (int i = 0; i < 5000; ++i) {
    std::string bad = good;
    for (auto n = 1 + chance() % 3; n > 0 && !bad.empty(); --n)
      bad[chance() % bad.size()] = static_cast<char>(chance() % 4 ? "0123456789{}[],:\""[chance() % 17] : chance() % 256);
    State state;
    if (!from_json(bad, *program, state, nullptr)) continue;
    State shown;
    const auto hidden = blot_state(bad, Locale{program->language, program->zone}, true);
    EXPECT_TRUE(hidden && from_json(*hidden, *program, shown, nullptr)) << bad;
    UserRecord user;
    const Turn turn = step(*program, std::move(state), user, dialog.around, {dialog.now, 1, UserMessage{"", "да", {}, {}, {}, "", false}});
    EXPECT_LE(turn.effects.size(), 200u);
  }
}

TEST(Events, ReadBackExactly) {
  UserMessage message{"5", "текст \"и\" кавычки", {photo("a.jpg")}, Contact{"7912", "А", "Б", true},
                      Location{*Decimal::parse("1.5"), Decimal(2)}, "альбом", true, "17"};
  const std::vector<Event> events = {
      {Moment{1}, UINT64_MAX, message},       {Moment{-2}, 0, ButtonPress{"p", "m", "1:2"}},
      {Moment{3}, 4, TimerDue{"remind", 5}},  {Moment{3}, 4, StaffMessage{"т", "s"}},
      {Moment{3}, 4, StaffCall{StaffCall::Meant::Several, "/bot_on", "s", {"vk", "7"}}},
      {Moment{3}, 4, Reachability{false}},    {Moment{3}, 4, TableAnswer{{Value(1)}, 2, "e"}},
      {Moment{3}, 4, TurnFailed{"причина"}},  {Moment{3}, 4, TooMany{}},
      {Moment{3}, 4, TurnFailed{"причина", 7}},
      {Moment{3}, 4, JobDone{7, Value("да"), {}}}, {Moment{3}, 4, JobDone{7, {}, "signal 9"}},
      {Moment{3}, 4, HearKept{}},
      {Moment{3}, 4, TicketNews{TicketNews::What::Closed, 7, "Ольга", {{true, "да"}, {false, "нет"}}}},
  };
  for (const Event& event : events) {
    Event read;
    ASSERT_TRUE(from_json(to_json(event), read)) << to_json(event);
    EXPECT_EQ(to_json(read), to_json(event));
    EXPECT_EQ(read.what.index(), event.what.index());
    EXPECT_EQ(read.seed, event.seed);
  }
  Event read;
  for (const char* bad : {"", "{}", "{\"at\":1}", "{\"at\":1,\"what\":{}}", "[1]"}) EXPECT_FALSE(from_json(bad, read)) << bad;
}

}  // namespace
}  // namespace sufler::testing
