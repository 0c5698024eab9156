// SPDX-License-Identifier: LGPL-2.1-or-later
// A network that fails on single frames: the room behind the person must not be shown for it.
#include <deque>
#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "core/api/error.h"
#include "core/matting/matter.h"

namespace liveedit::matting {
namespace {

// What StreamMatter asked of it, frame by frame.
class RunnerDouble final : public MatteRunner {
 public:
  void restart(const FrameLayout&) override { calls.push_back("restart"); }
  void begin(const FrameView&) override { calls.push_back("begin"); }
  void look() override {}
  double difference_to_last() override { return 1; }
  void run_network(int times) override {
    if (fails.contains(++frame)) throw std::runtime_error("the network fails as asked for");
    calls.push_back("run " + std::to_string(times));
  }
  void forget_state() override { calls.push_back("forget"); }
  void end(std::shared_ptr<const MatteParams>) override {
    calls.push_back("end");
    ++inside;
  }
  int collectable() const override { return inside; }
  bool collect(const FrameView&, const FrameView&) override {
    --inside;
    return true;
  }
  void reset() override { inside = 0; }

  std::vector<std::string> calls;
  std::set<int> fails;
  int frame = 0;
  int inside = 0;
};

class FailingNetwork : public testing::Test {
 protected:
  void SetUp() override {
    auto runner = std::make_unique<RunnerDouble>();
    runner_ = runner.get();
    const auto file = std::filesystem::path(LIVEEDIT_BUILD_DIR) / "golden/rvm/mobilenetv3.safetensors";
    stream_ = std::make_unique<StreamMatter>(load_model(file, {}, [](const ProgressStep&) { return true; }),
                                             std::move(runner), 1);
  }

  MatteResult matte() {
    std::vector<std::uint8_t> bytes(16 * 16 * 4);
    FrameView input;
    input.width = 16;
    input.height = 16;
    input.planes[0] = bytes.data();
    input.strides[0] = 48;
    FrameView output = input;
    output.format = PixelFormat::kRgba;
    output.strides[0] = 64;
    stream_->submit(0, input, std::make_shared<const MatteParams>(params_));
    return stream_->collect(input, output);
  }

  RunnerDouble* runner_ = nullptr;
  std::unique_ptr<StreamMatter> stream_;
  MatteParams params_;
};

TEST_F(FailingNetwork, TheFrameWearsTheLastMatteAndTheNextBeginsAnew_n) {
  params_.warm_up = 2;
  runner_->fails = {3};
  const auto kMatted = MatteOutcome::kMatted;
  std::vector<MatteOutcome> outcomes;
  std::vector<std::string> warnings;
  for (int i = 0; i < 5; ++i) {
    const MatteResult result = matte();
    outcomes.push_back(result.outcome);
    warnings.push_back(result.warning);
  }
  EXPECT_EQ(outcomes, (std::vector{kMatted, kMatted, MatteOutcome::kHeld, kMatted, kMatted}));
  EXPECT_NE(warnings[2].find("fails as asked for"), std::string::npos) << warnings[2];
  EXPECT_EQ(warnings[1] + warnings[3], "");
  EXPECT_EQ(runner_->calls,
            (std::vector<std::string>{"restart", "begin", "run 3", "end", "begin", "run 1", "end", "begin", "forget",
                                      "end", "begin", "run 3", "end", "begin", "run 1", "end"}));
  EXPECT_EQ(stream_->stats().frames_held, 1U);
}

TEST_F(FailingNetwork, AFrameThatWouldReuseAMatteDoesNotAfterAFailure_n) {
  params_.inference_interval = 10;
  runner_->fails = {1};
  EXPECT_EQ(matte().outcome, MatteOutcome::kHeld);
  EXPECT_EQ(matte().outcome, MatteOutcome::kMatted);
  EXPECT_EQ(matte().outcome, MatteOutcome::kReused);
}

}  // namespace
}  // namespace liveedit::matting
