#include <gtest/gtest.h>

#include "fakes/vk/test_client.h"

namespace sufler::fakes {
namespace {

class VkMethodsTest : public ::testing::Test {
 protected:
  VkMethodsTest() { fake.say(5, "привет"); }
  Json send(Json params) {
    if (!params.contains("peer_id") && !params.contains("peer_ids")) params["peer_id"] = 5;
    if (!params.contains("random_id")) params["random_id"] = next_random++;
    return call_vk(fake, "messages.send", params);
  }
  FakeVk fake;
  int next_random = 1;
};

TEST_F(VkMethodsTest, SendsAndRemembers) {
  const Json answer = send({{"message", "здравствуйте & вам"}, {"random_id", 77}});
  EXPECT_TRUE(answer["response"].is_number_integer()) << answer;
  const auto sent = fake.messages(5);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].text, "здравствуйте & вам");
  EXPECT_EQ(sent[0].random_id, 77);
  EXPECT_EQ(sent[0].cmid, 2);
  EXPECT_EQ(answer["response"], sent[0].message_id);
}

}  // namespace
}  // namespace sufler::fakes
