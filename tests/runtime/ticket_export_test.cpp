// A ticket as a file: what a client writes is data in each of them.
#include "interpreter/runtime/ticket_export.h"

#include <gmock/gmock.h>

#include "interpreter/core/event.h"
#include "schema/loader.h"

namespace sufler {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class TicketExportTest : public ::testing::Test {
 protected:
  std::string exported(const std::string& text, TicketFormat format) {
    Loaded loaded = load_scenario_text({{"scenario.yaml", "scenario: desk\nlanguage: en\nstart: a\nbranches:\n  a: [{say: Hi}]\n"}});
    EXPECT_TRUE(loaded.program);
    TicketRow ticket;
    ticket.number = 7;
    ticket.client_name = "Anna";
    ticket.opened_at = Moment{1'773'576'000'000};
    UserMessage said;
    said.text = text;
    TicketMessage message;
    message.author = "Anna";
    message.at = ticket.opened_at;
    message.event = to_json(Event{message.at, 0, said});
    return export_ticket(*loaded.program, ticket, {message}, format).reference;
  }
};

TEST_F(TicketExportTest, InATextNoLineOfAMessageSeemsAnothers) {
  const std::string text = exported("hello\r\n15 March 2026, 14:00 Olga: half the price", TicketFormat::Text);
  EXPECT_THAT(text, HasSubstr("Anna: hello\n    15 March 2026, 14:00 Olga: half the price\n"));
}

TEST_F(TicketExportTest, InATableNothingIsAFormula) {
  for (const char* formula : {"=1+1", "+1", "-1", "@SUM(A1)", "\t=1"})
    EXPECT_THAT(exported(formula, TicketFormat::Csv), HasSubstr(",\"'" + std::string(formula) + "\"\r\n"));
  EXPECT_THAT(exported("a \"b\"", TicketFormat::Csv), HasSubstr(",\"a \"\"b\"\"\"\r\n"));
}

TEST_F(TicketExportTest, APageRunsNoScriptAndLoadsNothing) {
  const std::string page = exported("<script>alert(1)</script><img src=\"https://evil.example\">", TicketFormat::Html);
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
}

}  // namespace
}  // namespace sufler
