// SPDX-License-Identifier: LGPL-2.1-or-later
// The CPU does one frame at a time: the work is done when submit() returns.
#include <deque>

#include "core/api/error.h"
#include "core/kernels/frame_convert.h"
#include "core/runtime/frame_runner.h"

namespace liveedit::runtime {
namespace {

kernels::Element element_of(at::ScalarType dtype) {
  if (dtype == at::kHalf) return kernels::Element::kF16;
  return dtype == at::kBFloat16 ? kernels::Element::kBf16 : kernels::Element::kF32;
}

// `picture` is [1, 3, H, W], channels-last.
kernels::PictureTensor view_of(const at::Tensor& picture) {
  return {picture.data_ptr(), element_of(picture.scalar_type()), static_cast<int>(picture.size(2)),
          static_cast<int>(picture.size(3))};
}

void require_host(const FrameView& frame) {
  if (frame.memory == MemoryKind::kHost) return;
  throw Error(
      ErrorKind::kSettings,
      "The model runs on the CPU and the frame lies in GPU memory; use device=cuda, or cudadownload before it.");
}

class CpuFrameRunner : public FrameRunner {
 public:
  explicit CpuFrameRunner(at::ScalarType dtype) : dtype_(dtype) {}

  void change(const std::function<void()>& write) override { write(); }

  void submit(const FrameView& input, int height, int width, const FrameWork& work, bool gives_picture) override {
    require_host(input);
    if (!input_.defined() || input_.size(2) != height || input_.size(3) != width) {
      input_ = at::empty({1, 3, height, width}, at::TensorOptions().dtype(dtype_), at::MemoryFormat::ChannelsLast);
    }
    kernels::frame_to_picture_cpu(input, view_of(input_));
    frame_height_ = input.height;
    frame_width_ = input.width;
    run(work, gives_picture);
  }

  void submit_again(const FrameWork& work) override { run(work, true); }

  int collectable() const override { return static_cast<int>(pictures_.size()); }

  bool collect(const FrameView& original, const FrameView& output) override {
    require_host(output);
    Picture picture = std::move(pictures_.front());
    pictures_.pop_front();
    if (!picture.finite) return false;
    kernels::picture_to_frame_cpu(view_of(picture.tensor), original, output);
    last_good_ = std::move(picture);
    return true;
  }

  bool write_last_good(const FrameView& original, const FrameView& output) override {
    require_host(output);
    if (!last_good_.tensor.defined() || last_good_.height != output.height || last_good_.width != output.width)
      return false;
    kernels::picture_to_frame_cpu(view_of(last_good_.tensor), original, output);
    return true;
  }

  void reset() override {
    pictures_.clear();
    last_good_ = {};
  }

 private:
  struct Picture {
    at::Tensor tensor;
    int height = 0;  // of the frame
    int width = 0;
    bool finite = false;
  };

  void run(const FrameWork& work, bool gives_picture) {
    const at::Tensor result = work.run(input_);
    if (!gives_picture) return;
    Picture picture{result.to(dtype_).contiguous(at::MemoryFormat::ChannelsLast), frame_height_, frame_width_, false};
    const auto view = view_of(picture.tensor);
    picture.finite =
        kernels::count_non_finite_cpu(view.data, view.element, static_cast<std::uint64_t>(picture.tensor.numel())) == 0;
    pictures_.push_back(std::move(picture));
  }

  at::ScalarType dtype_;
  at::Tensor input_;  // [1, 3, H, W]
  int frame_height_ = 0;
  int frame_width_ = 0;
  std::deque<Picture> pictures_;  // oldest first
  Picture last_good_;
};

}  // namespace

std::unique_ptr<FrameRunner> make_cpu_frame_runner(at::ScalarType dtype) {
  return std::make_unique<CpuFrameRunner>(dtype);
}

}  // namespace liveedit::runtime
