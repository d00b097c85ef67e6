// The fake itself: what it refuses must be refused for the reason that is meant.
#include <gmock/gmock.h>

#include "fakes/amocrm/fake_chats.h"
#include "fakes/common/http_post.h"

namespace sufler::fakes {
namespace {

using testing::HasSubstr;

TEST(FakeChatsTest, AnUnsignedRequestIsRefusedAndCounted) {
  FakeChats chats;
  const std::string url = chats.url() + "/v2/origin/custom/" + chats.options().channel + "/connect";
  EXPECT_EQ(http_post(url, {{"Content-Type", "application/json"}}, "{}", [] { return false; }).status, 403);
  EXPECT_EQ(http_post(url, {{"Content-Type", "application/json"}, {"Date", "Wed, 15 Dec 2021 23:12:55 +0000"}}, "{}", [] { return false; }).status, 403);
  const auto came = chats.requests("connect");
  ASSERT_EQ(came.size(), 2u);
  EXPECT_THAT(came[0].error, HasSubstr("no RFC 2822 date"));
  EXPECT_THAT(came[1].error, HasSubstr("too old"));
  EXPECT_EQ(chats.scope(), "");
}

}  // namespace
}  // namespace sufler::fakes
