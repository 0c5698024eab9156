// SPDX-License-Identifier: LGPL-2.1-or-later
// Frames in lanes: at the same time, in order, each with its own error.
#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <limits>
#include <stdexcept>
#include <thread>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "core/runtime/frame_runner.h"

namespace liveedit::runtime {
namespace {

using Work = std::function<at::Tensor(const at::Tensor&)>;

constexpr LanePlan kThreeLanes{3, 1};

class CpuFrameRunnerTest : public ::testing::Test {
 protected:
  // A grey frame of this level.
  void submit(std::uint8_t level, Work work, bool independent = true) {
    bytes_.fill(level);
    runner_->submit(view(bytes_), 2, 2, {std::move(work), 1, independent}, true);
    bytes_.fill(0);  // the caller may use it again at once
  }

  // The level that comes out; -1: nothing was written.
  int collect() {
    std::array<std::uint8_t, 12> out{};
    return runner_->collect(view(bytes_), view(out), kernels::Blend::kNone) ? out[0] : -1;
  }

  static FrameView view(std::array<std::uint8_t, 12>& bytes) {
    FrameView frame;
    frame.width = 2;
    frame.height = 2;
    frame.planes[0] = bytes.data();
    frame.strides[0] = 6;
    return frame;
  }

  const c10::InferenceMode inference_;
  std::array<std::uint8_t, 12> bytes_{};
  std::unique_ptr<FrameRunner> runner_ = make_cpu_frame_runner(at::kFloat, kThreeLanes);
};

TEST_F(CpuFrameRunnerTest, AsManyRunAtTheSameTimeAsThereAreLanes) {
  EXPECT_TRUE(runner_->side_by_side());
  EXPECT_EQ(runner_->depth(true), 3);
  EXPECT_EQ(runner_->depth(false), 1);
  std::atomic<int> started{0};
  std::atomic<int> most{0};
  const Work meet = [&](const at::Tensor& x) {
    ++started;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (started < 3 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    most = std::max<int>(most, started);
    return x;
  };
  for (int i = 0; i < 3; ++i) submit(static_cast<std::uint8_t>(10 * i), meet);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(collect(), 10 * i);
  EXPECT_EQ(most, 3);
}

TEST_F(CpuFrameRunnerTest, EachLaneHasItsShareOfTheCores) {
  std::atomic<int> threads{0};
  submit(1, [&](const at::Tensor& x) {
    threads = at::get_num_threads();
    return x;
  });
  collect();
  EXPECT_EQ(threads, 1);
}

TEST_F(CpuFrameRunnerTest, AQuickFrameDoesNotOvertakeASlowOne) {
  std::promise<void> second_done;
  auto done = second_done.get_future().share();
  submit(10, [done](const at::Tensor& x) {
    done.wait_for(std::chrono::seconds(60));
    return x;
  });
  submit(20, [&](const at::Tensor& x) {
    second_done.set_value();
    return x;
  });
  EXPECT_EQ(runner_->collectable(), 2);
  EXPECT_EQ(collect(), 10);
  EXPECT_EQ(collect(), 20);
}

TEST_F(CpuFrameRunnerTest, AnErrorIsItsOwnFrames_n) {
  const Work pass = [](const at::Tensor& x) { return x; };
  submit(10, pass);
  submit(20, [](const at::Tensor&) -> at::Tensor { throw std::runtime_error("as asked for"); });
  submit(30, pass);
  EXPECT_EQ(collect(), 10);
  EXPECT_THROW(collect(), std::runtime_error);
  EXPECT_EQ(collect(), 30);
  EXPECT_EQ(runner_->collectable(), 0);
}

TEST_F(CpuFrameRunnerTest, WhatIsNotFiniteIsHeldByTheFrameBeforeIt_n) {
  submit(10, [](const at::Tensor& x) { return x; });
  submit(20, [](const at::Tensor& x) { return x * std::numeric_limits<float>::infinity(); });
  submit(30, [](const at::Tensor& x) { return x; });
  EXPECT_EQ(collect(), 10);
  EXPECT_EQ(collect(), -1);
  std::array<std::uint8_t, 12> out{};
  EXPECT_TRUE(runner_->write_last_good(view(bytes_), view(out), kernels::Blend::kNone));
  EXPECT_EQ(out[0], 10) << "not the newer picture, which another lane has made already";
  EXPECT_EQ(collect(), 30);
}

TEST_F(CpuFrameRunnerTest, DependentFramesHaveTheMachineForThemselves) {
  std::atomic<bool> at_work{false};
  std::atomic<bool> alone{true};
  submit(10, [&](const at::Tensor& x) {
    at_work = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    at_work = false;
    return x;
  });
  const std::thread::id here = std::this_thread::get_id();
  submit(
      20,
      [&, here](const at::Tensor& x) {
        alone = !at_work && std::this_thread::get_id() == here;
        return x;
      },
      /*independent=*/false);
  EXPECT_TRUE(alone);
  EXPECT_EQ(collect(), 10);
  EXPECT_EQ(collect(), 20);
}

TEST_F(CpuFrameRunnerTest, ResetForgetsWhatWaitsAndEndsWhatRuns) {
  std::atomic<int> at_work{0};
  std::atomic<int> begun{0};
  const Work slow = [&](const at::Tensor& x) {
    ++at_work;
    ++begun;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    --at_work;
    return x;
  };
  for (int i = 0; i < 50; ++i) submit(1, slow);
  runner_->reset();
  EXPECT_EQ(at_work, 0);
  const int before = begun;
  EXPECT_EQ(runner_->collectable(), 0);
  submit(70, [](const at::Tensor& x) { return x; });
  EXPECT_EQ(collect(), 70);
  EXPECT_EQ(begun, before);
  for (int i = 0; i < 50; ++i) submit(1, slow);
  runner_.reset();
  EXPECT_EQ(at_work, 0);
}

TEST(PlanLanes, SmallNetworksRunSideBySideLargeOnesOnAllCores) {
  constexpr std::uint64_t kSmall = 16 << 20;
  constexpr std::uint64_t kLarge = 2ULL << 30;
  EXPECT_EQ(plan_lanes(1, kSmall).count, 1);
  for (const int threads : {2, 3, 4, 7, 8, 64}) {
    const LanePlan small = plan_lanes(threads, kSmall);
    EXPECT_GT(small.count, 1) << threads;
    EXPECT_GE(small.threads, 1) << threads;
    EXPECT_LE(small.count * small.threads, threads);
    const LanePlan large = plan_lanes(threads, kLarge);
    EXPECT_EQ(large.count, 1);
    EXPECT_EQ(large.threads, threads);
  }
}

}  // namespace
}  // namespace liveedit::runtime
