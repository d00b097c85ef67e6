#include "tools/serving.h"

#include <gtest/gtest.h>

namespace sufler {
namespace {

TEST(ServingTest, OnlyThisMachinesOwnAddressesCountAsPrivate) {
  for (const char* host : {"localhost", "127.0.0.1", "127.1.2.3", "::1"}) EXPECT_TRUE(is_loopback(host)) << host;
  for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "192.168.1.5", "bot.example.com", "127.example.com", "fe80::1", ""})
    EXPECT_FALSE(is_loopback(host)) << host;
}

}  // namespace
}  // namespace sufler
