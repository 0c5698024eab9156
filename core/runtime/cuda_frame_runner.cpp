// SPDX-License-Identifier: LGPL-2.1-or-later
#include <deque>
#include <memory>
#include <vector>

#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>

#include "core/api/error.h"
#include "core/kernels/frame_layout.h"
#include "core/kernels/matte_bounds.h"
#include "core/networks/layers/gpu_layers.h"
#include "core/runtime/cuda_graphs.h"
#include "core/runtime/cuda_group_norm.h"
#include "core/runtime/cuda_pointwise.h"
#include "core/runtime/cuda_staging.h"
#include "core/runtime/frame_runner.h"

// Three streams: frames go up, are worked on, and pictures come down, so that the copies of one frame run beside the
// work on another. Streams wait for each other on the device; the host waits only in collect(), and for a frame that it
// gave from device memory.
namespace liveedit::runtime {
namespace {

constexpr std::size_t kUploadSlots = 3;

using Stream = c10::cuda::CUDAStream;

class CudaFrameRunner : public FrameRunner {
 public:
  CudaFrameRunner(at::Device device, at::ScalarType dtype, bool use_graph)
      : device_(device),
        dtype_(dtype),
        work_(c10::cuda::getStreamFromPool(true, device.index())),
        up_(c10::cuda::getStreamFromPool(true, device.index())),
        down_(c10::cuda::getStreamFromPool(true, device.index())),
        graphs_(use_graph),
        slots_(kUploadSlots) {
    // The weights were written on another stream.
    c10::cuda::device_synchronize();
  }

  ~CudaFrameRunner() override {
    const c10::cuda::CUDAGuard guard(device_);
    for (const Stream& stream : {up_, work_, down_}) cudaStreamSynchronize(stream.stream());
  }

  void change(const std::function<void()>& write) override {
    const c10::cuda::CUDAStreamGuard guard(work_);
    write();
  }

  void submit(const FrameView& input, int height, int width, const FrameWork& work, bool gives_picture) override {
    const c10::cuda::CUDAStreamGuard guard(work_);
    if (!input_.defined() || input_.size(2) != height || input_.size(3) != width) {
      input_ = at::empty({1, 3, height, width}, at::TensorOptions().dtype(dtype_).device(device_),
                         at::MemoryFormat::ChannelsLast);
    }
    UploadSlot& slot = slots_[next_slot_];
    next_slot_ = (next_slot_ + 1) % kUploadSlots;
    const FrameView staged = upload_frame(input, slot, device_, up_);
    slot.uploaded.hold_back(work_);
    kernels::frame_to_picture_cuda(staged, picture_view(input_), work_.stream());
    slot.converted.record(work_);
    frame_ = input;
    run(work, gives_picture);
  }

  void submit_again(const FrameWork& work) override {
    const c10::cuda::CUDAStreamGuard guard(work_);
    run(work, true);
  }

  int collectable() const override { return static_cast<int>(pictures_.size()); }

  bool collect(const FrameView& original, const FrameView& output, kernels::Blend blend) override {
    const c10::cuda::CUDAStreamGuard guard(work_);
    std::unique_ptr<PictureLane> lane = std::move(pictures_.front());
    pictures_.pop_front();
    lane->done.wait();
    const bool finite = *static_cast<const std::uint32_t*>(lane->pinned_counter.const_data_ptr()) == 0;
    if (finite) write(*lane, original, output, blend);
    if (finite) std::swap(lane, last_good_);
    if (lane) free_.push_back(std::move(lane));
    return finite;
  }

  bool write_last_good(const FrameView& original, const FrameView& output, kernels::Blend blend) override {
    const c10::cuda::CUDAStreamGuard guard(work_);
    if (!last_good_ || last_good_->frame.height != output.height || last_good_->frame.width != output.width)
      return false;
    write(*last_good_, original, output, blend);
    return true;
  }

  kernels::FrameBox matte_bounds(const FrameView& input, kernels::Blend blend, int least) override {
    if (input.memory == MemoryKind::kHost) return kernels::matte_bounds_cpu(input, blend, least);
    const c10::cuda::CUDAStreamGuard guard(up_);
    // As everywhere, only copies touch the caller's memory.
    const auto options = at::TensorOptions().dtype(at::kByte).device(device_);
    const at::Tensor bytes = at::empty({packed_frame_bytes(input)}, options);
    const FrameView frame = packed_frame(input, bytes.data_ptr(), MemoryKind::kCuda);
    queue_frame_copy(input, frame, up_);
    const at::Tensor reach = at::zeros({4}, options.dtype(at::kInt));
    kernels::matte_bounds_cuda(frame, blend, least, reach.data_ptr<std::int32_t>(), up_.stream());
    const at::Tensor found = reach.cpu();
    return kernels::box_of_reach(input, found.const_data_ptr<std::int32_t>());
  }

  void reset() override {
    for (const Stream& stream : {up_, work_, down_}) stream.synchronize();
    for (auto& lane : pictures_) free_.push_back(std::move(lane));
    pictures_.clear();
    if (last_good_) free_.push_back(std::move(last_good_));
  }

 private:
  void run(const FrameWork& work, bool gives_picture) {
    const at::Tensor result = graphs_.run(work, input_);
    if (!gives_picture) return;
    std::unique_ptr<PictureLane> lane = take_lane();
    lane->reserve(frame_, result);
    lane->picture.copy_(result);
    C10_CUDA_CHECK(cudaMemsetAsync(lane->counter.data_ptr(), 0, sizeof(std::uint32_t), work_.stream()));
    const kernels::PictureTensor picture = picture_view(lane->picture);
    kernels::count_non_finite_cuda(picture.data, picture.element, static_cast<std::uint64_t>(lane->picture.numel()),
                                   static_cast<std::uint32_t*>(lane->counter.data_ptr()), work_.stream());
    const bool to_host = frame_.memory == MemoryKind::kHost;
    if (to_host)
      kernels::picture_to_frame_cuda(picture, FrameView{}, lane->device_view(), kernels::Blend::kNone, work_.stream());
    lane->computed.record(work_);
    lane->computed.hold_back(down_);
    if (to_host) {
      C10_CUDA_CHECK(cudaMemcpyAsync(lane->pinned.data_ptr(), lane->device.data_ptr(),
                                     static_cast<std::size_t>(packed_frame_bytes(lane->frame)), cudaMemcpyDeviceToHost,
                                     down_.stream()));
    }
    C10_CUDA_CHECK(cudaMemcpyAsync(lane->pinned_counter.data_ptr(), lane->counter.data_ptr(), sizeof(std::uint32_t),
                                   cudaMemcpyDeviceToHost, down_.stream()));
    lane->done.record(down_);
    pictures_.push_back(std::move(lane));
  }

  std::unique_ptr<PictureLane> take_lane() {
    if (free_.empty()) return std::make_unique<PictureLane>();
    std::unique_ptr<PictureLane> lane = std::move(free_.back());
    free_.pop_back();
    return lane;
  }

  // Precondition: lane.done is reached.
  void write(const PictureLane& lane, const FrameView& original, const FrameView& output, kernels::Blend blend) {
    const FrameView& frame = lane.frame;
    const bool same_form =
        frame.format == output.format && frame.matrix == output.matrix && frame.full_range == output.full_range;
    const bool on_host = original.memory == MemoryKind::kHost && output.memory == MemoryKind::kHost;
    if (same_form && on_host && frame.memory == MemoryKind::kHost) {
      kernels::copy_frame_keep_alpha_cpu(lane.host_view(), original, output, blend);
      return;
    }
    // Memory of the GPU, or another format than went in: the picture is finished in memory of our own, in the stream of
    // the copies that come down. Only copies touch the caller's memory, which may belong to another CUDA context.
    const c10::cuda::CUDAStreamGuard guard(down_);
    at::Tensor original_bytes;
    FrameView original_here;
    if (kernels::has_alpha(output.format) && kernels::has_alpha(original.format)) {
      original_bytes = at::empty({packed_frame_bytes(original)}, lane.device.options());
      original_here = packed_frame(original, original_bytes.data_ptr(), MemoryKind::kCuda);
      queue_frame_copy(original, original_here, down_);
    }
    const at::Tensor output_bytes = at::empty({packed_frame_bytes(output)}, lane.device.options());
    const FrameView output_here = packed_frame(output, output_bytes.data_ptr(), MemoryKind::kCuda);
    kernels::picture_to_frame_cuda(picture_view(lane.picture), original_here, output_here, blend, down_.stream());
    queue_frame_copy(output_here, output, down_);
    down_.synchronize();
  }

  at::Device device_;
  at::ScalarType dtype_;
  Stream work_;
  Stream up_;
  Stream down_;
  CudaGraphs graphs_;
  std::vector<UploadSlot> slots_;
  std::size_t next_slot_ = 0;
  at::Tensor input_;  // [1, 3, H, W], channels-last: what the work reads
  FrameView frame_;   // format, size and colours of the last input; its planes are the caller's
  std::deque<std::unique_ptr<PictureLane>> pictures_;  // oldest first
  std::vector<std::unique_ptr<PictureLane>> free_;
  std::unique_ptr<PictureLane> last_good_;
};

}  // namespace

std::unique_ptr<FrameRunner> make_cuda_frame_runner(at::Device device, at::ScalarType dtype, bool use_graph) {
  networks::set_gpu_layers({&cuda_group_norm, &cuda_add_bias, &cuda_geglu});
  const c10::cuda::CUDAGuard guard(device);  // events belong to the current device
  return std::make_unique<CudaFrameRunner>(device, dtype, use_graph);
}

}  // namespace liveedit::runtime
