// One bot on both platforms at once: people and admins in either, and files on their way between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/loader.h"
#include "talks/fake_audience.h"
#include "tools/stage.h"

namespace sufler {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Anna is in VK and Boris in Telegram; so are Vera and Tatiana, who are admins.
class TwoPlatformsTest : public testing::Test {
 protected:
  TwoPlatformsTest() {
    const Loaded loaded = load_scenario(std::string(SUFLER_SOURCE_DIR) + "/scenarios/orders");
    StageOptions options;
    options.now = loaded.program->zone.to_moment(*LocalTime::parse_iso("2026-03-15T12:00"));
    options.user = {"anna", {}, "Анна", {}, {}, {}};
    options.others = {{"boris", {}, "Борис", {}, {}, {}}, {"vera", {}, "Вера", {}, {}, {}}, {"tatiana", {}, "Татьяна", {}, {}, {}}};
    options.roles["admins"] = {"vera", "tatiana"};
    FakeAudienceOptions fakes;
    fakes.platforms = {make_vk_platform, make_telegram_platform};
    fakes.elsewhere = {{"boris", 1}, {"tatiana", 1}};
    auto opened = Stage::open(loaded.program, std::move(options), make_fake_audience(std::move(fakes)));
    if (!opened) throw std::runtime_error(opened.error().message);
    stage = std::move(*opened);
  }

  void say(const std::string& who, const std::string& text, const std::vector<std::string>& files = {}) {
    UserMessage message;
    message.text = text;
    for (const std::string& name : files) message.attachments.push_back(stage_file(name));
    const auto done = stage->say(who, std::move(message));
    ASSERT_TRUE(done) << who << ": " << text << ": " << done.error().message;
    collect();
  }
  void press(const std::string& who, const std::string& label) {
    const auto pressed = stage->press(who, label);
    ASSERT_TRUE(pressed) << who << ": " << label << ": " << pressed.error().message;
    ASSERT_TRUE(*pressed) << who << " sees no button " << label;
    collect();
  }
  void wait(Duration time) {
    const auto done = stage->advance(time);
    ASSERT_TRUE(done) << done.error().message;
    collect();
  }
  void collect() {
    for (Arrival& one : stage->take_arrivals()) got[one.to].push_back(std::move(one.message));
  }

  void begin_order(const std::string& who) {
    say(who, "/start");
    press(who, "Сделать заказ");
    say(who, "Анна Петрова");
    say(who, "8 912 345-67-89");
    press(who, "Часть работы");
    say(who, "завтра");
    say(who, "Нужно починить старый шкаф");
    wait(Duration{3000});
  }
  void end_order(const std::string& who) {
    press(who, "Готово");
    press(who, "Пропустить");
    press(who, "Всё верно");
  }

  static std::vector<std::string> names(const Message& message) {
    std::vector<std::string> all;
    for (const Attachment& file : message.attachments) all.push_back(file.name);
    return all;
  }
  /// The only message that somebody got since the last question, which is forgotten then.
  Message only(const std::string& who) {
    std::vector<Message> all = std::exchange(got[who], {});
    EXPECT_EQ(all.size(), 1U) << who;
    return all.empty() ? Message{} : all.back();
  }

  std::unique_ptr<Stage> stage;
  std::map<std::string, std::vector<Message>> got;
};

TEST_F(TwoPlatformsTest, AdminsOfEitherGetEveryFileOfPeopleOfEither) {
  begin_order("anna");
  begin_order("boris");
  say("anna", "", {"hall.jpg", "door.jpg", "window.jpg"});
  say("boris", "", {"shelf.jpg", "wall.jpg"});
  say("anna", "", {"plan.pdf"});
  say("boris", "", {"estimate.docx"});
  wait(Duration{2000});
  end_order("anna");
  for (const std::string admin : {"vera", "tatiana"}) {
    const Message digest = only(admin);
    EXPECT_THAT(to_markup(digest.text), HasSubstr("**Заказ №1**")) << admin;
    EXPECT_THAT(names(digest), ElementsAre("hall.jpg", "door.jpg", "window.jpg", "plan.pdf")) << admin;
  }
  end_order("boris");
  for (const std::string admin : {"vera", "tatiana"}) {
    const Message digest = only(admin);
    EXPECT_THAT(to_markup(digest.text), HasSubstr("**Заказ №2**")) << admin;
    EXPECT_THAT(names(digest), ElementsAre("shelf.jpg", "wall.jpg", "estimate.docx")) << admin;
  }
}

TEST_F(TwoPlatformsTest, TenPhotosGoOverInOneOrder) {
  const std::vector<std::string> photos = {"1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg",
                                           "6.jpg", "7.jpg", "8.jpg", "9.jpg", "10.jpg"};
  for (const std::string who : {"anna", "boris"}) {
    begin_order(who);
    say(who, "", photos);
    press(who, "Пропустить");
    press(who, "Всё верно");
    for (const std::string admin : {"vera", "tatiana"})
      EXPECT_THAT(names(only(admin)), ElementsAreArray(photos)) << who << " to " << admin;
  }
}

TEST_F(TwoPlatformsTest, AnAdminWakesTheBotForAPersonOfTheOtherPlatformByTheNumberOfTheOrder) {
  for (const std::string who : {"anna", "boris"}) {
    begin_order(who);
    say(who, "", {"hall.jpg"});
    wait(Duration{2000});
    end_order(who);
  }
  got.clear();
  say("anna", "Есть кто?");
  say("boris", "Есть кто?");
  EXPECT_THAT(got["anna"], IsEmpty());
  EXPECT_THAT(got["boris"], IsEmpty());
  say("tatiana", "/bot_on 1");
  EXPECT_EQ(got["anna"].size(), 2U);  // the greeting and the menu
  EXPECT_THAT(got["boris"], IsEmpty());
  say("vera", "/bot_on №2");
  EXPECT_EQ(got["anna"].size(), 2U);
  EXPECT_EQ(got["boris"].size(), 2U);
}

// VK's addresses of files live some hours, and a person may take longer over an order: the message that brought the
// photo has a fresh one.
TEST_F(TwoPlatformsTest, AnOrderOfHoursComesOverWithItsFiles) {
  begin_order("anna");
  say("anna", "", {"hall.jpg"});
  wait(Duration{2000});
  press("anna", "Готово");
  wait(Duration{2 * 3600 * 1000});
  press("anna", "Пропустить");
  press("anna", "Всё верно");
  EXPECT_THAT(names(only("vera")), ElementsAre("hall.jpg"));
  const Message digest = only("tatiana");
  EXPECT_THAT(to_markup(digest.text), HasSubstr("**Заказ №1**"));
  EXPECT_THAT(digest.text.text, Not(HasSubstr("✗")));
  EXPECT_THAT(names(digest), ElementsAre("hall.jpg"));
}

}  // namespace
}  // namespace sufler
