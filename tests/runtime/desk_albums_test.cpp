// Albums between clients and agents: parts that come one by one go as one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/desk_fixture.h"

namespace sufler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class DeskAlbumsTest : public DeskTest {
 protected:
  static std::vector<std::string> files_of(const Message& message) {
    std::vector<std::string> files;
    for (const Attachment& file : message.attachments) files.push_back(file.reference);
    return files;
  }
};

TEST_F(DeskAlbumsTest, AnAlbumOfTheClientGoesAsOneWithItsWords) {
  open(kDeskScenario);
  client_with_agent();
  send_part("ann", "a", "1", "The till");
  send_part("ann", "a", "2");
  send_part("ann", "a", "3");
  EXPECT_THAT(texts("olga"), IsEmpty());
  play_timers(1000);
  const auto read_ = read("olga");
  ASSERT_THAT(read_, SizeIs(1));
  EXPECT_EQ(read_[0].message.text.text, "Name of ann: The till");
  EXPECT_THAT(files_of(read_[0].message), ElementsAre("1", "2", "3"));
  for (const Attachment& file : read_[0].message.attachments) EXPECT_EQ(file.caption, "");
}

TEST_F(DeskAlbumsTest, AnAlbumOfTheAgentDoesToo) {
  open(kDeskScenario);
  client_with_agent();
  send_part("olga", "a", "1");
  send_part("olga", "a", "2", "Like this");
  EXPECT_THAT(read("ann"), IsEmpty());
  play_timers(1000);
  const auto read_ = read("ann");
  ASSERT_THAT(read_, SizeIs(1));
  EXPECT_EQ(read_[0].message.text.text, "Like this");
  EXPECT_THAT(files_of(read_[0].message), ElementsAre("1", "2"));
}

TEST_F(DeskAlbumsTest, WordsOfSeveralPartsStayBelowTheirFiles) {
  open(kDeskScenario);
  client_with_agent();
  send_part("ann", "a", "1", "The bill");
  send_part("ann", "a", "2");
  send_part("ann", "a", "3", "The passport");
  play_timers(1000);
  const auto read_ = read("olga");
  ASSERT_THAT(read_, SizeIs(1));
  EXPECT_EQ(read_[0].message.text.text, "");
  EXPECT_THAT(files_of(read_[0].message), ElementsAre("1", "2", "3"));
  EXPECT_EQ(read_[0].message.attachments[0].caption, "Name of ann: The bill");
  EXPECT_EQ(read_[0].message.attachments[1].caption, "");
  EXPECT_EQ(read_[0].message.attachments[2].caption, "The passport");
}

TEST_F(DeskAlbumsTest, WhatIsSaidBehindItComesBehindIt) {
  open(kDeskScenario);
  client_with_agent();
  send_part("ann", "a", "1");
  send_part("ann", "a", "2");
  say("ann", "Do you see them?");
  auto read_ = read("olga");
  ASSERT_THAT(read_, SizeIs(2));
  EXPECT_THAT(files_of(read_[0].message), ElementsAre("1", "2"));
  EXPECT_EQ(read_[1].message.text.text, "Name of ann: Do you see them?");
  send_part("ann", "b", "3");
  send_part("ann", "c", "4");
  play_timers(1000);
  read_ = read("olga");
  ASSERT_THAT(read_, SizeIs(2));
  EXPECT_THAT(files_of(read_[0].message), ElementsAre("3"));
  EXPECT_THAT(files_of(read_[1].message), ElementsAre("4"));
  play_timers(5000);
  EXPECT_THAT(read("olga"), IsEmpty());
}

TEST_F(DeskAlbumsTest, TheAlbumThatBeginsTheTalkIsOneToo) {
  open(kDeskScenario);
  say("olga", "/join right");
  texts("olga");
  send_part("ann", "a", "1", "Broken");
  send_part("ann", "a", "2");
  EXPECT_THAT(texts("olga"), ElementsAre(HasSubstr("Ticket #1")));
  play_timers(1000);
  const auto read_ = read("olga");
  ASSERT_THAT(read_, SizeIs(1));
  EXPECT_THAT(files_of(read_[0].message), ElementsAre("1", "2"));
}

TEST_F(DeskAlbumsTest, WhatWaitedInTheQueueComesAsOneAsWell) {
  open(kDeskScenario);
  client_with_agent();
  say("bob", "Me too");
  send_part("bob", "a", "1");
  send_part("bob", "a", "2");
  play_timers(1000);
  say("bob", "Hello?");
  texts("olga");
  say("olga", "/end_chat");
  const auto read_ = read("olga");
  ASSERT_THAT(read_, SizeIs(5));  // closed, the next ticket, the first words, the album, the last words
  EXPECT_THAT(files_of(read_[3].message), ElementsAre("1", "2"));
  EXPECT_EQ(read_[4].message.text.text, "Name of bob: Hello?");
}

TEST_F(DeskAlbumsTest, AClosingDoesNotLoseIt) {
  open(kDeskScenario);
  client_with_agent();
  send_part("olga", "a", "1");
  send_part("olga", "a", "2");
  say("olga", "/end_chat");
  const auto read_ = read("ann");
  ASSERT_THAT(read_, SizeIs(3));
  EXPECT_THAT(files_of(read_[0].message), ElementsAre("1", "2"));
  EXPECT_EQ(read_[1].message.text.text, "Closed.");
}

TEST_F(DeskAlbumsTest, AnAnswerToALaterPartIsAnAnswerToTheAlbum) {
  open(kDeskScenario);
  client_with_agent();
  send_part("ann", "a", "1");
  const std::string second = send_part("ann", "a", "2");
  play_timers(1000);
  const auto got = read("olga");
  ASSERT_THAT(got, SizeIs(1));
  say("ann", "This one", second);
  const auto read_ = read("olga");
  ASSERT_THAT(read_, SizeIs(1));
  EXPECT_EQ(read_[0].message.reply_to, got[0].id);
}

TEST_F(DeskAlbumsTest, AnAlbumThatDidNotArriveInItsTopicIsCarriedOnceToTheNewOne) {
  open(kDeskInTopics);
  say("olga", "/join right");
  say("ann", "Help");
  texts("-100#101");
  send_part("ann", "a", "1");
  send_part("ann", "a", "2");
  play_timers(1000);
  EXPECT_THAT(read("-100#101"), SizeIs(1));
  refuse_["-100#101"] = "topic";
  holds_ = true;
  send_part("ann", "b", "3");
  send_part("ann", "b", "4");
  play_timers(1000);
  say("ann", "Well?");
  let_go();
  const auto read_ = read("-100#102");
  ASSERT_THAT(read_, SizeIs(3));
  EXPECT_THAT(files_of(read_[1].message), ElementsAre("3", "4"));
  EXPECT_EQ(read_[2].message.text.text, "Name of ann: Well?");
}

}  // namespace
}  // namespace sufler
