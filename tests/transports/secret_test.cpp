#include "interpreter/core/secret.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sufler {
namespace {

TEST(SecretTest, OnlyTheSecretItselfIsTheSecret) {
  EXPECT_TRUE(same_secret("s3cret", "s3cret"));
  for (const char* wrong : {"", "s", "s3cre", "s3creT", "S3cret", "s3crets", "s3crets3cret", "\0", "xxxxxx"}) {
    EXPECT_FALSE(same_secret("s3cret", wrong)) << wrong;
  }
  EXPECT_FALSE(same_secret("aa", std::string("a\0", 2)));
}

TEST(SecretTest, NothingEqualsNoSecret) {
  EXPECT_FALSE(same_secret("", ""));
  EXPECT_FALSE(same_secret("", "a"));
}

TEST(SecretTest, EveryGuessCostsTheSame) {
  const std::string secret = "abcdefgh";
  for (const std::string guess : {"abcdefgh", "abcdefgx", "xbcdefgh", "xxxxxxxx", "a", "abcd", "abcdefghi",
                                  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}) {
    std::size_t looks = 0;
    same_secret(secret, guess.size(), [&](std::size_t at) {
      ++looks;
      return guess.at(at);
    });
    EXPECT_EQ(looks, secret.size()) << guess;
  }
}

}  // namespace
}  // namespace sufler
