// `sufler agents`, `sufler invite` and `sufler tickets` where no process serves.
#include "interpreter/core/event.h"
#include "interpreter/core/sha256.h"
#include "storage/desk_store.h"
#include "tools/tool_run.h"

#include <nlohmann/json.hpp>

#include <cstdlib>

namespace sufler {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class DesksTest : public ToolTest {
 protected:
  DesksTest() {
    setenv("LC_ALL", "C", 1);
    write("scenario.yaml", R"(
scenario: desk
language: en
start: home
branches:
  home:
    - handoff: support
handoff:
  support: {desk: support}
desks:
  support: {register: {command: /join, token: "${DESKS_TEST_TOKEN}"}}
)");
    write("sufler.yaml", "bots: {shop: {scenario: scenario.yaml, telegram: {token: \"${NO_SUCH}\"}}}\ndatabase: sqlite:data.db\n");
    transact([](Transaction& tx) -> Stored<Done> {
      AgentRow olga;
      olga.bot = "shop";
      olga.desk = "support";
      olga.chat = {"telegram", "21"};
      olga.user_id = "21";
      olga.name = "Ольга";
      if (auto saved = tx.desk().save_agent(olga); !saved) return saved;
      const DialogKey key{"shop", {"telegram", "7"}, "7"};
      auto dialog = tx.load_dialog(key);
      if (!dialog) return Error{dialog.error()};
      if (auto saved = tx.save_dialog(key, *dialog, false, Moment{1000}); !saved) return saved;
      TicketRow ticket;
      ticket.bot = "shop";
      ticket.desk = "support";
      ticket.rule = "support";
      ticket.state = TicketRow::State::Open;
      ticket.dialog_id = dialog->id;
      ticket.client_name = "Anna\x1b[31m";
      ticket.agent_id = olga.id;
      ticket.opened_at = Moment{1000};
      if (auto opened = tx.desk().open_ticket(ticket); !opened) return opened;
      for (int i = 1; i <= 1200; ++i) {  // more than come at once
        UserMessage said;
        said.text = "line " + std::to_string(i) + " <b>";
        TicketMessage line;
        line.ticket_id = ticket.id;
        line.author = "Anna";
        line.at = Moment{1000};
        line.event = to_json(Event{Moment{1000}, 0, said});
        if (auto added = tx.desk().add_message(line); !added) return added;
      }
      return Done{};
    });
  }

  template <class Body>
  void transact(Body body) {
    auto storage = Storage::open("sqlite:" + path("data.db"), Durability::Normal);
    ASSERT_TRUE(storage) << storage.error().message;
    const auto done = storage->transact([&](Transaction& tx) -> Stored<Done> { return body(tx); });
    ASSERT_TRUE(done) << done.error().message;
  }
  ToolRun agents(AgentsOptions options = {}) {
    options.config = path("sufler.yaml");
    return run_tool([&] { return run_agents(options); });
  }
  ToolRun invite(const std::string& desk, const std::string& bot = {}, const std::string& format = "text") {
    InviteOptions options;
    options.desk = desk;
    options.bot = bot;
    options.config = path("sufler.yaml");
    options.format = format;
    return run_tool([&] { return run_invite(options); });
  }
  ToolRun tickets(TicketsOptions options = {}) {
    options.config = path("sufler.yaml");
    return run_tool([&] { return run_tickets(options); });
  }
  static AgentsOptions of(AgentsOptions::What what, const std::string& person) {
    AgentsOptions options;
    options.what = what;
    options.bot = "shop";
    options.desk = "support";
    options.person = person;
    return options;
  }
};

TEST_F(DesksTest, AgentsAreListedInColumnsOfOneWidth) {
  const ToolRun run = agents();
  EXPECT_EQ(run.code, kExitClean) << run.err;
  EXPECT_THAT(run.out, HasSubstr("bot   desk     name   person       duty  open"));
  EXPECT_THAT(run.out, HasSubstr("shop  support  Ольга  telegram:21  on    1"));
  AgentsOptions other;
  other.bot = "another";
  EXPECT_EQ(agents(other).out, "no agents\n");
}

TEST_F(DesksTest, ARussianTerminalIsToldInRussian) {
  setenv("LC_ALL", "ru_RU.UTF-8", 1);
  EXPECT_THAT(agents().out, HasSubstr("на смене"));
  EXPECT_THAT(tickets().out, HasSubstr("открыто"));
}

TEST_F(DesksTest, AgentsComeAsJsonToo) {
  AgentsOptions options;
  options.format = "json";
  EXPECT_EQ(json::parse(agents(options).out)["agents"][0]["user"], "telegram:21");
}

TEST_F(DesksTest, ARemovedAgentIsGoneAndMayBeTakenBack) {
  const ToolRun removed = agents(of(AgentsOptions::What::Remove, "telegram:21"));
  EXPECT_EQ(removed.code, kExitClean);
  EXPECT_THAT(removed.out, AllOf(HasSubstr("Ольга is no agent any more; tickets that go to others: 1"),
                                 HasSubstr("no process serves now")));
  EXPECT_EQ(agents().out, "no agents\n");
  const ToolRun again = agents(of(AgentsOptions::What::Remove, "telegram:21"));
  EXPECT_EQ(again.code, kExitErrors);
  EXPECT_THAT(again.err, HasSubstr("is no agent of the desk `support`"));
  EXPECT_EQ(agents(of(AgentsOptions::What::Restore, "telegram:21")).code, kExitClean);
  EXPECT_THAT(agents().out, HasSubstr("telegram:21"));
  EXPECT_EQ(agents(of(AgentsOptions::What::Restore, "telegram:21")).code, kExitErrors);
}

TEST_F(DesksTest, AnInvitationIsPrintedOnceAndOnlyItsHashIsKept) {
  const ToolRun run = invite("support", {}, "json");
  ASSERT_EQ(run.code, kExitClean) << run.err;
  const json answer = json::parse(run.out);
  const std::string text = answer["text"].get<std::string>();
  ASSERT_TRUE(text.starts_with("/join ")) << text;
  const std::string code = text.substr(6);
  EXPECT_EQ(code.size(), 32u);  // 128 bits
  transact([&](Transaction& tx) -> Stored<Done> {
    auto found = tx.desk().invitations("shop", "support", Moment{answer["until_unix_ms"].get<std::int64_t>() - 1});
    if (!found) return Error{found.error()};
    EXPECT_EQ(found->size(), 1u);
    const std::string kept = found->empty() ? std::string() : found->front().hash;
    EXPECT_EQ(kept, sha256_hex(code));
    return Done{};
  });
  EXPECT_NE(json::parse(invite("support", {}, "json").out)["text"], answer["text"]);
}

TEST_F(DesksTest, NobodyIsInvitedToADeskThatIsNotThere) {
  EXPECT_EQ(invite("sales").code, kExitErrors);
  EXPECT_THAT(invite("sales").err, HasSubstr("no bot has a desk `sales`"));
  EXPECT_THAT(invite("support", "another").err, HasSubstr("there is no bot `another`"));
}

TEST_F(DesksTest, WhereSeveralBotsHaveTheDeskOneIsNamed) {
  write("sufler.yaml",
        "bots: {shop: {scenario: scenario.yaml, telegram: {token: x}}, sale: {scenario: scenario.yaml, telegram: {token: y}}}\n"
        "database: sqlite:data.db\n");
  EXPECT_THAT(invite("support").err, HasSubstr("name one with --bot"));
  EXPECT_THAT(invite("support", "sale").out, HasSubstr("/join "));
}

TEST_F(DesksTest, TicketsAreListedAndNothingInANameActsOnTheTerminal) {
  const ToolRun run = tickets();
  EXPECT_EQ(run.code, kExitClean) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("shop  support  1       open   Anna"), HasSubstr("Ольга"), Not(HasSubstr("\x1b"))));
}

TEST_F(DesksTest, ATicketIsExportedWhole) {
  TicketsOptions options;
  options.what = TicketsOptions::What::Export;
  options.bot = "shop";
  options.desk = "support";
  options.number = 1;
  const ToolRun text = tickets(options);
  EXPECT_EQ(text.code, kExitClean) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("line 1 "), HasSubstr("line 1200 ")));
  options.file_format = "html";
  EXPECT_THAT(tickets(options).out, AllOf(HasSubstr("line 1200 &lt;b&gt;"), Not(HasSubstr("line 1200 <b>"))));
  options.file_format = "csv";
  EXPECT_THAT(tickets(options).out, HasSubstr("\"line 7 <b>\""));
  options.number = 5;
  const ToolRun missing = tickets(options);
  EXPECT_EQ(missing.code, kExitErrors);
  EXPECT_THAT(missing.out, IsEmpty());
  EXPECT_THAT(missing.err, HasSubstr("has no such ticket"));
}

TEST_F(DesksTest, TheStatusHasALineForEachDesk) {
  StatusOptions options;
  options.config = path("sufler.yaml");
  const ToolRun run = run_tool([&] { return run_status(options); });
  EXPECT_THAT(run.out, HasSubstr("desk support: queue 0, open 1, on duty 1 of 1"));
}

}  // namespace
}  // namespace sufler
