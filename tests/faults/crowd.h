#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "faults/customers.h"
#include "faults/deployment.h"

namespace sufler::tests {

/// Customers who play on a thread of their own.
class Crowd {
 public:
  Crowd(Deployment& deployment, int count, std::chrono::seconds patience = kPatience)
      : customers_(*deployment.shop, count),
        played_(std::async(std::launch::async, [this, patience] { return customers_.play(patience); })) {}

  /// Lets everybody end the round; whether all did.
  bool finish() {
    customers_.finish();
    return played_.get();
  }
  Customers& operator*() { return customers_; }
  Customers* operator->() { return &customers_; }

 private:
  Customers customers_;
  std::future<bool> played_;
};

inline std::size_t total(const std::map<std::int64_t, int>& orders) {
  std::size_t sum = 0;
  for (const auto& [customer, count] : orders) sum += static_cast<std::size_t>(count);
  return sum;
}

/// Everybody ends, everything is sent, all processes stop; nothing may be wrong then.
inline void finish(Deployment& deployment, Crowd& crowd) {
  ASSERT_TRUE(crowd.finish()) << crowd->stuck() << deployment.output();
  deployment.shop->settle(total(crowd->orders()), kPatience);
  deployment.stop_all();
  EXPECT_THAT(deployment.audited(crowd->orders()), testing::IsEmpty()) << deployment.output();
}

}  // namespace sufler::tests
