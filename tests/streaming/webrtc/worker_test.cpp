// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/worker.h"

#include <atomic>
#include <future>
#include <vector>

#include <gtest/gtest.h>

namespace liveedit::testing {
namespace {

using std::chrono::steady_clock;
using streaming::Worker;

steady_clock::time_point soon() {
  return steady_clock::now() + std::chrono::seconds(60);
}

TEST(Worker, DoesOneThingAfterTheOther) {
  std::vector<int> done;
  {
    Worker worker("test");
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(worker.post([&done, i] { done.push_back(i); }));
    worker.finish();
    EXPECT_TRUE(worker.wait(soon()));
  }
  ASSERT_EQ(done.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(done[static_cast<std::size_t>(i)], i);
}

TEST(Worker, TicksUntilItIsTold) {
  Worker worker("test");
  std::promise<void> third;
  int ticks = 0;
  worker.every(std::chrono::milliseconds(1), [&] {
    if (++ticks == 3) {
      third.set_value();
      worker.every(std::chrono::milliseconds(1), nullptr);
    }
  });
  ASSERT_EQ(third.get_future().wait_until(soon()), std::future_status::ready);
  std::promise<int> later;
  worker.post([&] { later.set_value(ticks); });
  EXPECT_EQ(later.get_future().get(), 3);
  worker.finish();
  EXPECT_TRUE(worker.wait(soon()));
}

TEST(Worker, MayFinishItself) {
  Worker worker("test");
  worker.post([&] { worker.finish(); });
  EXPECT_TRUE(worker.wait(soon()));
}

TEST(Worker, TakesNothingOnceFinished_n) {
  Worker worker("test");
  worker.finish();
  std::atomic<bool> ran{false};
  EXPECT_FALSE(worker.post([&] { ran = true; }));
  EXPECT_TRUE(worker.wait(soon()));
  EXPECT_FALSE(ran);
}

TEST(Worker, OneThatHangsIsGivenUp_n) {
  std::promise<void> release;
  Worker worker("test");
  worker.post([wait = release.get_future().share()] { wait.wait(); });
  worker.finish();
  EXPECT_FALSE(worker.wait(steady_clock::now() + std::chrono::milliseconds(50)));
  release.set_value();
  EXPECT_TRUE(worker.wait(soon()));
}

}  // namespace
}  // namespace liveedit::testing
