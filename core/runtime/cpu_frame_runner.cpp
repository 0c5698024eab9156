// SPDX-License-Identifier: LGPL-2.1-or-later
// The CPU does frames that depend on nothing but their picture side by side, others one at a time: their work is done
// when submit() returns.
#include <deque>
#include <future>

#include "core/api/error.h"
#include "core/kernels/frame_convert.h"
#include "core/kernels/matte_bounds.h"
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

struct Picture {
  at::Tensor tensor;
  int height = 0;  // of the frame
  int width = 0;
  bool finite = false;
};

class CpuFrameRunner : public FrameRunner {
 public:
  CpuFrameRunner(at::ScalarType dtype, LanePlan plan) : dtype_(dtype), plan_(plan) {}

  bool side_by_side() const override { return plan_.count > 1; }

  int depth(bool independent) const override { return independent ? plan_.count : 1; }

  // Frames in the lanes read nothing that is written after they were submitted.
  void change(const std::function<void()>& write) override { write(); }

  void submit(const FrameView& input, int height, int width, const FrameWork& work, bool gives_picture) override {
    require_host(input);
    // A new tensor: the last one may still be read.
    input_ = at::empty({1, 3, height, width}, at::TensorOptions().dtype(dtype_), at::MemoryFormat::ChannelsLast);
    kernels::frame_to_picture_cpu(input, view_of(input_));
    frame_height_ = input.height;
    frame_width_ = input.width;
    if (work.independent && gives_picture && side_by_side()) {
      run_in_lane(work);
    } else {
      run_here(work, gives_picture);
    }
  }

  void submit_again(const FrameWork& work) override { run_here(work, true); }

  int collectable() const override { return static_cast<int>(pictures_.size()); }

  bool collect(const FrameView& original, const FrameView& output, kernels::Blend blend) override {
    require_host(output);
    std::future<Picture> next = std::move(pictures_.front());
    pictures_.pop_front();
    Picture picture = next.get();
    if (!picture.finite) return false;
    kernels::picture_to_frame_cpu(view_of(picture.tensor), original, output, blend);
    last_good_ = std::move(picture);
    return true;
  }

  bool write_last_good(const FrameView& original, const FrameView& output, kernels::Blend blend) override {
    require_host(output);
    if (!last_good_.tensor.defined() || last_good_.height != output.height || last_good_.width != output.width)
      return false;
    kernels::picture_to_frame_cpu(view_of(last_good_.tensor), original, output, blend);
    return true;
  }

  kernels::FrameBox matte_bounds(const FrameView& input, kernels::Blend blend, int least) override {
    require_host(input);
    return kernels::matte_bounds_cpu(input, blend, least);
  }

  void reset() override {
    if (lanes_) lanes_->clear();
    pictures_.clear();
    last_good_ = {};
  }

 private:
  // The whole work on one frame, in any thread.
  std::packaged_task<Picture()> task(const FrameWork& work) const {
    return std::packaged_task<Picture()>(
        [run = work.run, input = input_, height = frame_height_, width = frame_width_, dtype = dtype_] {
          Picture picture{run(input).to(dtype).contiguous(at::MemoryFormat::ChannelsLast), height, width, false};
          const auto view = view_of(picture.tensor);
          const auto count = static_cast<std::uint64_t>(picture.tensor.numel());
          picture.finite = kernels::count_non_finite_cpu(view.data, view.element, count) == 0;
          return picture;
        });
  }

  void run_in_lane(const FrameWork& work) {
    if (!lanes_) lanes_ = std::make_unique<CpuLanes>(plan_);
    const auto job = std::make_shared<std::packaged_task<Picture()>>(task(work));
    pictures_.push_back(job->get_future());
    lanes_->add([job] { (*job)(); });
  }

  void run_here(const FrameWork& work, bool gives_picture) {
    if (lanes_) lanes_->wait();  // this frame wants all cores
    if (!gives_picture) {
      work.run(input_);
      return;
    }
    std::packaged_task<Picture()> job = task(work);
    pictures_.push_back(job.get_future());
    job();
  }

  at::ScalarType dtype_;
  LanePlan plan_;
  at::Tensor input_;  // [1, 3, H, W]
  int frame_height_ = 0;
  int frame_width_ = 0;
  std::deque<std::future<Picture>> pictures_;  // oldest first
  Picture last_good_;
  std::unique_ptr<CpuLanes> lanes_;  // from the first frame that wants them on; last, so that it ends first
};

}  // namespace

std::unique_ptr<FrameRunner> make_cpu_frame_runner(at::ScalarType dtype, LanePlan plan) {
  return std::make_unique<CpuFrameRunner>(dtype, plan);
}

}  // namespace liveedit::runtime
