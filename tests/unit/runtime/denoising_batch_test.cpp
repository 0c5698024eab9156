// SPDX-License-Identifier: LGPL-2.1-or-later
// Frames in a denoising batch: each comes out once, in order, under its own id, whatever happens to the stream.
#include <map>

#include "tests/unit/runtime/stream_fixture.h"

namespace liveedit::test {
namespace {

class DenoisingBatchTest : public CoreTest {
 protected:
  std::unique_ptr<Diffuser> stream_ = open(std::filesystem::path(LIVEEDIT_BUILD_DIR) / "golden/stream_batch/model");
  std::vector<Picture> inside_;

  static std::shared_ptr<const EditParams> batch_of(std::vector<int> list) {
    auto edited = params("oil paint of a cat");
    edited->t_index_list = std::move(list);
    return edited;
  }

  std::vector<Collected> feed(std::uint64_t id, const Picture& picture,
                              const std::shared_ptr<const EditParams>& edited) {
    return CoreTest::feed(*stream_, id, picture, edited, inside_);
  }
  std::vector<Collected> finish() {
    stream_->finish();
    return collect_all(*stream_, inside_);
  }

  // What each of `count` moving pictures becomes, undisturbed.
  std::map<std::uint64_t, Picture> undisturbed(int count, const std::shared_ptr<const EditParams>& edited) {
    std::map<std::uint64_t, Picture> pictures;
    for (int i = 0; i < count; ++i) {
      for (const auto& out : feed(i, moving_picture(24, 16, i), edited)) pictures.emplace(out.result.id, out.picture);
    }
    for (const auto& out : finish()) pictures.emplace(out.result.id, out.picture);
    return pictures;
  }
};

TEST_F(DenoisingBatchTest, FramesComeOutAfterTheDelay) {
  for (const std::vector<int>& list : {std::vector<int>{45}, {32, 45}, {0, 16, 32, 45}}) {
    const auto edited = batch_of(list);
    const int delay = static_cast<int>(list.size()) - 1;
    EXPECT_EQ(stream_->delay(*edited), delay);
    for (int i = 0; i < 12; ++i) {
      const auto out = feed(100 + i, moving_picture(24, 16, i), edited);
      ASSERT_EQ(out.size(), i < delay ? 0U : 1U) << "frame " << i;
      for (const auto& one : out) EXPECT_EQ(one.result.id, static_cast<std::uint64_t>(100 + i - delay));
    }
    const auto rest = finish();
    ASSERT_EQ(static_cast<int>(rest.size()), delay);
    for (int i = 0; i < delay; ++i) EXPECT_EQ(rest[i].result.id, static_cast<std::uint64_t>(112 - delay + i));
    EXPECT_EQ(stream_->collectable(), 0);
    EXPECT_TRUE(finish().empty());
  }
}

// finish() after any number of frames gives the pictures that a longer stream gives.
TEST_F(DenoisingBatchTest, FinishedFramesAreTheSamePictures) {
  const auto edited = batch_of({0, 16, 32, 45});
  const auto wanted = undisturbed(8, edited);
  ASSERT_EQ(wanted.size(), 8U);
  EXPECT_NE(wanted.at(0), wanted.at(7));
  for (int count = 1; count <= 6; ++count) {
    const auto pictures = undisturbed(count, edited);
    ASSERT_EQ(static_cast<int>(pictures.size()), count);
    for (const auto& [id, picture] : pictures)
      EXPECT_LE(largest_difference(picture, wanted.at(id)), 1) << count << " " << id;
  }
}

TEST_F(DenoisingBatchTest, ChangesOfSizeAndLengthFinishWhatIsInside) {
  std::vector<std::uint64_t> ids;
  std::uint64_t next = 0;
  const auto several = [&](int count, int width, const std::shared_ptr<const EditParams>& edited) {
    for (int i = 0; i < count; ++i) {
      for (const auto& out : feed(next++, moving_picture(width, 16, i), edited)) ids.push_back(out.result.id);
    }
  };
  auto off = params("oil paint of a cat");
  off->strength = 0;
  several(5, 24, batch_of({16, 32, 45}));
  several(2, 40, batch_of({16, 32, 45}));
  several(3, 40, batch_of({32, 45}));
  several(1, 40, params("oil paint of a cat"));
  several(1, 24, batch_of({0, 16, 32, 45}));
  several(2, 24, off);
  several(4, 24, batch_of({20, 40}));
  for (const auto& out : finish()) ids.push_back(out.result.id);
  ASSERT_EQ(ids.size(), next);
  for (std::uint64_t i = 0; i < next; ++i) EXPECT_EQ(ids[i], i);
}

TEST_F(DenoisingBatchTest, ResetForgetsTheFramesInside) {
  const auto edited = batch_of({0, 16, 32, 45});
  const auto wanted = undisturbed(6, edited);
  for (int i = 0; i < 5; ++i) feed(50 + i, moving_picture(24, 16, 20 - i), edited);
  stream_->reset();
  inside_.clear();
  EXPECT_EQ(stream_->collectable(), 0);
  EXPECT_TRUE(finish().empty());
  const auto after = undisturbed(6, edited);
  ASSERT_EQ(after.size(), 6U);
  for (const auto& [id, picture] : after) EXPECT_LE(largest_difference(picture, wanted.at(id)), 1);
}

TEST_F(DenoisingBatchTest, ANewListOfTheSameLengthKeepsTheBatchRunning) {
  feed(0, moving_picture(24, 16, 0), batch_of({16, 45}));
  const auto out = feed(1, moving_picture(24, 16, 1), batch_of({32, 45}));
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].result.id, 0U);
}

}  // namespace
}  // namespace liveedit::test
