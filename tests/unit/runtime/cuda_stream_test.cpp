// SPDX-License-Identifier: LGPL-2.1-or-later
// Streams on a GPU: the CPU's pictures to within rounding, and the same ones from every kind of memory.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <vector>

#include "tests/unit/kernels/device_memory.h"
#include "tests/unit/runtime/stream_fixture.h"

namespace liveedit::test {
namespace {

using kernels::test::has_gpu;
using kernels::test::require;

class CudaStreamTest : public CoreTest {
 protected:
  void SetUp() override {
    if (!has_gpu()) GTEST_SKIP() << "no NVIDIA GPU answers on this machine";
  }

  static std::unique_ptr<Diffuser> open_on(const std::string& device, const std::string& model,
                                           Acceleration acceleration = Acceleration::kAuto) {
    DiffuserConfig config;
    config.model = model_folder(model).string();
    config.device = device;
    config.dtype = Dtype::kFp32;
    config.acceleration = acceleration;
    return core().create_diffuser(config, {});
  }

  // Four steps of a stronger change than the model's own, so that there is something to compare.
  static std::shared_ptr<EditParams> strong(const std::string& prompt = "oil paint of a cat") {
    auto asked = params(prompt);
    asked->strength = 0.8F;
    asked->num_inference_steps = 4;
    return asked;
  }
};

// A picture in device memory with rows of its own stride.
class DevicePicture {
 public:
  DevicePicture(PixelFormat format, int width, int height, std::uint8_t fill) {
    view_.format = format;
    view_.width = width;
    view_.height = height;
    view_.memory = MemoryKind::kCuda;
    const bool packed = format == PixelFormat::kRgb || format == PixelFormat::kRgba;
    const int pixel = format == PixelFormat::kRgb ? 3 : format == PixelFormat::kRgba ? 4 : 1;
    stride_ = width * pixel + 37;
    rows_ = packed ? height : height + (height + 1) / 2;
    require(cudaMalloc(reinterpret_cast<void**>(&memory_), bytes()));
    require(cudaMemset(memory_, fill, bytes()));
    view_.planes = {memory_, packed ? nullptr : memory_ + static_cast<std::size_t>(stride_) * height, nullptr};
    view_.strides = {stride_, packed ? 0 : stride_, 0};
  }
  ~DevicePicture() { cudaFree(memory_); }
  DevicePicture(const DevicePicture&) = delete;
  DevicePicture& operator=(const DevicePicture&) = delete;

  const FrameView& view() const { return view_; }
  std::size_t bytes() const { return static_cast<std::size_t>(stride_) * rows_; }
  int stride() const { return stride_; }
  void write(const std::vector<std::uint8_t>& from) {
    require(cudaMemcpy(memory_, from.data(), bytes(), cudaMemcpyHostToDevice));
  }
  std::vector<std::uint8_t> read() const {
    std::vector<std::uint8_t> to(bytes());
    require(cudaMemcpy(to.data(), memory_, bytes(), cudaMemcpyDeviceToHost));
    return to;
  }

 private:
  FrameView view_;
  std::uint8_t* memory_ = nullptr;
  int stride_ = 0;
  int rows_ = 0;
};

FrameView host_view(const FrameView& like, std::vector<std::uint8_t>& bytes) {
  FrameView view = like;
  view.memory = MemoryKind::kHost;
  for (std::size_t plane = 0; plane < 3; ++plane) {
    if (like.planes[plane] != nullptr) view.planes[plane] = bytes.data() + (like.planes[plane] - like.planes[0]);
  }
  return view;
}

std::vector<std::uint8_t> some_bytes(std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 50);
  return bytes;
}

FrameResult edit_view(Diffuser& stream, const FrameView& input, const FrameView& output,
                      std::shared_ptr<const EditParams> params) {
  stream.submit(1, input, std::move(params));
  EXPECT_EQ(stream.collectable(), 1);
  return stream.collect(input, output);
}

TEST_F(CudaStreamTest, GivesTheCpusPictures) {
  for (const char* model : {"sd-turbo", "sd-euler-kl"}) {
    const auto on_cpu = open_on("cpu", model);
    const auto on_gpu = open_on("cuda", model);
    EXPECT_EQ(on_gpu->info().device, "cuda:0");
    for (int i = 0; i < 4; ++i) {  // the first as it is, the second captured, then replayed
      const Picture input = moving_picture(24, 16, i);
      const Collected expected = edit(*on_cpu, input, strong());
      const Collected got = edit(*on_gpu, input, strong());
      EXPECT_EQ(got.result.outcome, FrameOutcome::kEdited);
      EXPECT_LE(largest_difference(expected.picture, got.picture), 1) << model << ", frame " << i;
      EXPECT_GT(largest_difference(input, got.picture), 8) << model;
    }
  }
}

TEST_F(CudaStreamTest, AGraphGivesThePicturesOfTheOperationsOneByOne) {
  const auto graph = open_on("cuda", "sd-turbo", Acceleration::kGraph);
  const auto plain = open_on("cuda", "sd-turbo", Acceleration::kNone);
  for (int i = 0; i < 5; ++i) {
    // Sizes and prompts come and go: graphs of both sizes are kept, a prompt changes tensors that they read.
    const int width = i % 2 == 0 ? 24 : 40;
    const auto asked = strong(i < 3 ? "oil paint" : "a cat");
    graph->prepare(*asked, true);
    plain->prepare(*asked, true);
    const Picture input = moving_picture(width, 16, i);
    EXPECT_LE(largest_difference(edit(*graph, input, asked).picture, edit(*plain, input, asked).picture), 1) << i;
  }
}

TEST_F(CudaStreamTest, DeviceMemoryGivesThePicturesOfHostMemory) {
  const auto stream = open_on("cuda", "sd-turbo");
  for (const PixelFormat format : {PixelFormat::kRgb, PixelFormat::kRgba, PixelFormat::kNv12}) {
    DevicePicture input(format, 50, 34, 0);
    const std::vector<std::uint8_t> bytes = some_bytes(input.bytes());
    input.write(bytes);
    std::vector<std::uint8_t> host_bytes = bytes;
    const FrameView host_input = host_view(input.view(), host_bytes);
    std::vector<std::uint8_t> expected(input.bytes(), 9);
    const FrameView host_output = host_view(input.view(), expected);
    EXPECT_EQ(edit_view(*stream, host_input, host_output, strong()).outcome, FrameOutcome::kEdited);
    EXPECT_NE(expected, bytes);

    DevicePicture output(format, 50, 34, 9);
    EXPECT_EQ(edit_view(*stream, input.view(), output.view(), strong()).outcome, FrameOutcome::kEdited);
    EXPECT_EQ(output.read(), expected) << "device to device; the padding of rows stays too";

    DevicePicture mixed(format, 50, 34, 9);
    edit_view(*stream, host_input, mixed.view(), strong());
    EXPECT_EQ(mixed.read(), expected) << "host to device";

    std::vector<std::uint8_t> back(input.bytes(), 9);
    edit_view(*stream, input.view(), host_view(input.view(), back), strong());
    EXPECT_EQ(back, expected) << "device to host";
  }
}

TEST_F(CudaStreamTest, ADeviceFrameIsReadWhenSubmitReturns) {
  const auto stream = open_on("cuda", "sd-turbo");
  DevicePicture input(PixelFormat::kRgba, 64, 48, 0);
  input.write(some_bytes(input.bytes()));
  DevicePicture calm(PixelFormat::kRgba, 64, 48, 0);
  edit_view(*stream, input.view(), calm.view(), strong());
  DevicePicture original(PixelFormat::kRgba, 64, 48, 0);
  original.write(some_bytes(original.bytes()));
  stream->submit(2, input.view(), strong());
  input.write(std::vector<std::uint8_t>(input.bytes(), 255));
  DevicePicture hasty(PixelFormat::kRgba, 64, 48, 0);
  stream->collect(original.view(), hasty.view());
  EXPECT_EQ(hasty.read(), calm.read());
}

TEST_F(CudaStreamTest, FramesInFlightStayInOrder) {
  const auto stream = open_on("cuda", "sd-turbo");
  const int depth = stream->depth(*strong());
  EXPECT_GE(depth, 2);
  std::vector<Picture> alone;
  std::vector<Picture> inside;
  std::vector<Collected> out;
  for (int i = 0; i < 8; ++i) alone.push_back(edit(*stream, moving_picture(24, 16, i), strong()).picture);
  for (int i = 0; i < 8; ++i) {
    Picture input = moving_picture(24, 16, i);
    stream->submit(static_cast<std::uint64_t>(i), input.view(), strong());
    inside.push_back(input);
    if (stream->collectable() < depth && i < 7) continue;
    for (const Collected& one : collect_all(*stream, inside)) out.push_back(one);
  }
  ASSERT_EQ(out.size(), alone.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(out[i].result.id, i);
    EXPECT_EQ(out[i].picture, alone[i]) << i;
  }
}

TEST_F(CudaStreamTest, ADenoisingBatchGivesTheCpusPictures) {
  auto batch = params("oil paint of a cat");
  batch->num_inference_steps = 50;
  batch->t_index_list = {18, 26, 35, 45};
  const auto run = [&](const std::string& device) {
    const auto stream = open_on(device, "sd-turbo");
    std::vector<Picture> inside;
    std::vector<Collected> out;
    for (int i = 0; i < 10; ++i) {
      for (Collected& one : feed(*stream, static_cast<std::uint64_t>(i), moving_picture(24, 16, i), batch, inside)) {
        out.push_back(one);
      }
    }
    stream->finish();
    for (Collected& one : collect_all(*stream, inside)) out.push_back(one);
    return out;
  };
  const std::vector<Collected> expected = run("cpu");
  const std::vector<Collected> got = run("cuda");
  ASSERT_EQ(expected.size(), 10U);
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].result.id, i);
    EXPECT_LE(largest_difference(expected[i].picture, got[i].picture), 1) << i;
  }
}

TEST_F(CudaStreamTest, NumbersThatAreNoPictureNeverLeave_n) {
  const auto stream = open_on("cuda", "bad-unet");
  DevicePicture input(PixelFormat::kRgba, 24, 16, 0);
  input.write(some_bytes(input.bytes()));
  for (int i = 0; i < 3; ++i) {
    DevicePicture output(PixelFormat::kRgba, 24, 16, 0);
    EXPECT_EQ(edit_view(*stream, input.view(), output.view(), params("a cat")).outcome, FrameOutcome::kPassed);
    std::vector<std::uint8_t> got = output.read();
    std::vector<std::uint8_t> original = input.read();
    for (int row = 0; row < 16; ++row) {
      const auto start = static_cast<std::ptrdiff_t>(row) * input.stride();
      EXPECT_TRUE(std::equal(got.begin() + start, got.begin() + start + 24 * 4, original.begin() + start)) << row;
    }
  }
}

}  // namespace
}  // namespace liveedit::test
