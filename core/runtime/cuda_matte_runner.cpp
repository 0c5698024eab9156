// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/cuda_matte_runner.h"

#include <atomic>
#include <deque>
#include <vector>

#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>

#include "core/kernels/cpu/frame_rows.h"
#include "core/kernels/frame_convert.h"
#include "core/kernels/frame_layout.h"
#include "core/kernels/matte.h"
#include "core/kernels/rvm_layers.h"
#include "core/runtime/cuda_event.h"
#include "core/runtime/cuda_graphs.h"
#include "core/runtime/cuda_matte_scene.h"
#include "core/runtime/cuda_rvm.h"
#include "core/runtime/cuda_staging.h"

// Three streams, as for edited frames: frames go up, are worked on, and pictures come down. The host waits only in
// collect(), for frames that it gave from device memory, and where similar frames are looked for.
namespace liveedit::runtime {
namespace {

using Stream = c10::cuda::CUDAStream;
using networks::rvm::GuidedFilter;
using networks::rvm::States;

constexpr std::size_t kUploadSlots = 3;

// All that the network reads and writes for frames of one layout; stays where it is, so that a graph can use it.
struct NetworkState {
  at::Tensor coarse;  // [1, 3, h, w], fp32
  States states;
  GuidedFilter filter;  // of the last run
  at::Tensor bad;       // [1], int32: values of the last run that are no numbers
};

kernels::RvmArrays arrays_of(const std::vector<at::Tensor>& tensors) {
  kernels::RvmArrays arrays;
  for (const at::Tensor& tensor : tensors) {
    if (!tensor.defined()) continue;
    arrays.arrays[arrays.used++] = {tensor.data_ptr(), tensor.numel(), tensor.scalar_type() == at::kHalf};
  }
  return arrays;
}

std::uint32_t* counter_of(const at::Tensor& tensor) {
  return reinterpret_cast<std::uint32_t*>(tensor.data_ptr<std::int32_t>());
}

// One frame through the network, and what it leaves: broken states begin anew at once, on the device.
at::Tensor run_once(const matting::Model& model, NetworkState& state, bool refine) {
  state.bad.zero_();
  States next = state.states;
  state.filter = model.network(state.coarse, next, refine);
  for (std::size_t i = 0; i < next.size(); ++i) {
    if (!next[i].is_same(state.states[i])) state.states[i].copy_(next[i]);
  }
  const States& s = state.states;
  void* stream = c10::cuda::getCurrentCUDAStream().stream();
  kernels::rvm_count_non_finite_cuda(arrays_of({s[0], s[1], s[2], s[3], state.filter.a, state.filter.b}),
                                     counter_of(state.bad), stream);
  kernels::rvm_clear_if_bad_cuda(arrays_of({s[0], s[1], s[2], s[3]}), counter_of(state.bad), stream);
  return state.filter.b;
}

kernels::MatteField field_of(const GuidedFilter& filter) {
  if (!filter.b.defined()) return {};
  return {filter.a.defined() ? filter.a.const_data_ptr<float>() : nullptr, filter.b.const_data_ptr<float>(),
          static_cast<int>(filter.b.size(2)), static_cast<int>(filter.b.size(3))};
}

// A frame inside, and its picture on the way down.
struct Lane {
  std::shared_ptr<const MatteParams> params;
  bool matted = false;
  FrameView written;  // format, size and colours of what `device` and `pinned` hold; width 0: nothing was written yet
  at::Tensor device;  // uint8
  at::Tensor pinned;
  at::Tensor pinned_bad;  // int32
  // What the picture is made from, where its format is not known yet.
  at::Tensor alpha;
  GuidedFilter filter;
  at::Tensor bad;
  CudaEvent computed;
  CudaEvent done;
};

class CudaMatteRunner final : public matting::MatteRunner {
 public:
  CudaMatteRunner(std::shared_ptr<const matting::Model> model, bool use_graph)
      : model_(std::move(model)),
        device_(model_->network.target().device),
        work_(c10::cuda::getStreamFromPool(true, device_.index())),
        up_(c10::cuda::getStreamFromPool(true, device_.index())),
        down_(c10::cuda::getStreamFromPool(true, device_.index())),
        graphs_(use_graph),
        slots_(kUploadSlots),
        scene_(device_) {
    // The weights were written on another stream.
    c10::cuda::device_synchronize();
  }

  ~CudaMatteRunner() override {
    const c10::cuda::CUDAGuard guard(device_);
    for (const Stream& stream : {up_, work_, down_}) cudaStreamSynchronize(stream.stream());
  }

  void restart(const matting::FrameLayout& layout) override {
    static std::atomic<std::uint64_t> restarts{0};
    const c10::cuda::CUDAStreamGuard guard(work_);
    layout_ = layout;
    key_ = ++restarts;
    const auto options = at::TensorOptions().device(device_);
    auto state = std::make_shared<NetworkState>();
    state->coarse = at::empty({1, 3, layout.coarse_height, layout.coarse_width}, options.dtype(at::kFloat),
                              at::MemoryFormat::ChannelsLast);
    state->states = model_->network.first_states(layout.coarse_height, layout.coarse_width);
    state->bad = at::zeros({1}, options.dtype(at::kInt));
    state_ = std::move(state);
    last_seen_.reset();
    alpha_ = at::zeros({layout.height, layout.width}, options.dtype(at::kShort));
  }

  void begin(const FrameView& input) override {
    const c10::cuda::CUDAStreamGuard guard(work_);
    slot_ = &slots_[next_slot_];
    next_slot_ = (next_slot_ + 1) % kUploadSlots;
    staged_ = upload_frame(input, *slot_, device_, up_);
    slot_->uploaded.hold_back(work_);
    matted_ = false;
  }

  void look() override {
    const c10::cuda::CUDAStreamGuard guard(work_);
    kernels::frame_to_unit_cuda(staged_,
                                {state_->coarse.data_ptr<float>(), layout_.coarse_height, layout_.coarse_width},
                                layout_.ratio, work_.stream());
  }

  double difference_to_last() override {
    const c10::cuda::CUDAStreamGuard guard(work_);
    compares_ = true;
    return last_seen_.defined() ? (state_->coarse - last_seen_).abs().mean().item<double>() : 1;
  }

  void run_network(int times) override {
    const c10::cuda::CUDAStreamGuard guard(work_);
    FrameWork work;
    work.key = key_;
    work.run = [model = model_, state = state_, refine = layout_.refines()](const at::Tensor&) {
      return run_once(*model, *state, refine);
    };
    for (int i = 0; i < times; ++i) graphs_.run(work, state_->coarse);
    if (compares_) last_seen_ = last_seen_.defined() ? last_seen_.copy_(state_->coarse) : state_->coarse.clone();
    kernels::matte_alpha_cuda(staged_, field_of(state_->filter), alpha_values(alpha_), counter_of(state_->bad),
                              work_.stream());
    matted_ = true;
  }

  void forget_state() override {
    const c10::cuda::CUDAStreamGuard guard(work_);
    for (const at::Tensor& state : state_->states) state.zero_();
  }

  void end(std::shared_ptr<const MatteParams> params) override {
    const c10::cuda::CUDAStreamGuard guard(work_);
    std::unique_ptr<Lane> lane = take_lane();
    lane->params = std::move(params);
    lane->matted = matted_;
    lane->written = FrameView{};
    lane->written.width = 0;
    if (!lane->pinned_bad.defined()) lane->pinned_bad = pinned(sizeof(std::int32_t)).view(at::kInt);
    const MatteParams& settings = *lane->params;
    if (known_ && known_output_ == settings.output) {
      write(*lane, known_format_, settings, staged_, alpha_, state_->filter, state_->bad);
    } else {
      lane->alpha = alpha_.clone();
      lane->filter = state_->filter;
      if (lane->filter.a.defined()) lane->filter.a = lane->filter.a.clone();
      if (lane->filter.b.defined()) lane->filter.b = lane->filter.b.clone();
      lane->bad = state_->bad.clone();
      lane->computed.record(work_);
      lane->computed.hold_back(down_);
    }
    slot_->converted.record(work_);
    C10_CUDA_CHECK(cudaMemcpyAsync(lane->pinned_bad.data_ptr(), state_->bad.data_ptr(), sizeof(std::int32_t),
                                   cudaMemcpyDeviceToHost, work_.stream()));
    lane->computed.record(work_);
    lane->computed.hold_back(down_);
    if (lane->written.width > 0 && lane->written.memory == MemoryKind::kHost) {
      C10_CUDA_CHECK(cudaMemcpyAsync(lane->pinned.data_ptr(), lane->device.data_ptr(),
                                     static_cast<std::size_t>(packed_frame_bytes(lane->written)),
                                     cudaMemcpyDeviceToHost, down_.stream()));
    }
    lane->done.record(down_);
    lanes_.push_back(std::move(lane));
  }

  int collectable() const override { return static_cast<int>(lanes_.size()); }

  bool collect(const FrameView& original, const FrameView& output) override {
    const c10::cuda::CUDAStreamGuard guard(work_);
    std::unique_ptr<Lane> lane = std::move(lanes_.front());
    lanes_.pop_front();
    lane->done.wait();
    known_ = true;
    known_output_ = lane->params->output;
    known_format_ = output;
    if (!fits(lane->written, output)) write_late(*lane, original, output);
    if (output.memory == MemoryKind::kHost) {
      kernels::copy_frame_cpu(packed_frame(output, lane->pinned.data_ptr(), MemoryKind::kHost), output);
    } else {
      queue_frame_copy(packed_frame(output, lane->device.data_ptr(), MemoryKind::kCuda), output, down_);
      down_.synchronize();
    }
    const bool finite = !lane->matted || *lane->pinned_bad.const_data_ptr<std::int32_t>() == 0;
    lane->alpha.reset();
    lane->filter = GuidedFilter{};
    free_.push_back(std::move(lane));
    return finite;
  }

  void reset() override {
    for (const Stream& stream : {up_, work_, down_}) stream.synchronize();
    for (auto& lane : lanes_) free_.push_back(std::move(lane));
    lanes_.clear();
  }

 private:
  static std::uint16_t* alpha_values(const at::Tensor& alpha) {
    return reinterpret_cast<std::uint16_t*>(alpha.data_ptr<std::int16_t>());
  }

  static at::Tensor pinned(std::int64_t bytes) {
    return at::empty({bytes}, at::TensorOptions().dtype(at::kByte).pinned_memory(true));
  }

  static bool fits(const FrameView& written, const FrameView& wanted) {
    return written.width == wanted.width && written.height == wanted.height && written.format == wanted.format &&
           written.matrix == wanted.matrix && written.full_range == wanted.full_range &&
           written.memory == wanted.memory;
  }

  std::unique_ptr<Lane> take_lane() {
    if (free_.empty()) return std::make_unique<Lane>();
    std::unique_ptr<Lane> lane = std::move(free_.back());
    free_.pop_back();
    return lane;
  }

  // Makes the lane's picture in `like`'s format, on the current stream.
  void write(Lane& lane, const FrameView& like, const MatteParams& params, const FrameView& original,
             const at::Tensor& alpha, const GuidedFilter& filter, const at::Tensor& bad) {
    FrameView form = like;
    form.width = original.width;
    form.height = original.height;
    const std::int64_t bytes = packed_frame_bytes(form);
    if (!lane.device.defined() || lane.device.numel() < bytes) {
      lane.device = at::empty({bytes}, at::TensorOptions().dtype(at::kByte).device(device_));
    }
    if (form.memory == MemoryKind::kHost && (!lane.pinned.defined() || lane.pinned.numel() < bytes)) {
      lane.pinned = pinned(bytes);
    }
    scene_.write(params, original, alpha_values(alpha), field_of(filter), counter_of(bad),
                 packed_frame(form, lane.device.data_ptr(), MemoryKind::kCuda));
    lane.written = form;
  }

  // The picture was made for another format, or for none: it is made now.
  void write_late(Lane& lane, const FrameView& original, const FrameView& output) {
    if (!lane.alpha.defined()) return convert(lane, output);
    UploadSlot& slot = slots_[next_slot_];
    next_slot_ = (next_slot_ + 1) % kUploadSlots;
    const FrameView staged = upload_frame(original, slot, device_, up_);
    slot.uploaded.hold_back(work_);
    write(lane, output, *lane.params, staged, lane.alpha, lane.filter, lane.bad);
    slot.converted.record(work_);
    if (output.memory == MemoryKind::kHost) {
      C10_CUDA_CHECK(cudaMemcpyAsync(lane.pinned.data_ptr(), lane.device.data_ptr(),
                                     static_cast<std::size_t>(packed_frame_bytes(output)), cudaMemcpyDeviceToHost,
                                     work_.stream()));
    }
    work_.synchronize();
  }

  // The frame's format changed while it was inside: its finished picture is brought into the new one on the host.
  void convert(Lane& lane, const FrameView& output) {
    const at::Tensor made = lane.device.cpu();
    const FrameView from = packed_frame(lane.written, made.data_ptr(), MemoryKind::kHost);
    const std::int64_t bytes = packed_frame_bytes(output);
    lane.pinned = pinned(bytes);
    kernels::FrameRowReader reader(from);
    kernels::FrameRowWriter writer(packed_frame(output, lane.pinned.data_ptr(), MemoryKind::kHost));
    for (int y = 0; y < output.height; ++y) {
      const std::uint8_t* alpha = kernels::has_alpha(from.format) ? kernels::row_of(from, 0, y) + 3 : nullptr;
      writer.write(y, reader.rgb(y), alpha, 4);
    }
    if (lane.device.numel() < bytes) lane.device = at::empty({bytes}, lane.device.options());
    lane.device.narrow(0, 0, bytes).copy_(lane.pinned);
    lane.written = output;
  }

  std::shared_ptr<const matting::Model> model_;
  at::Device device_;
  Stream work_;
  Stream up_;
  Stream down_;
  CudaGraphs graphs_;
  std::vector<UploadSlot> slots_;
  std::size_t next_slot_ = 0;
  CudaMatteScene scene_;

  matting::FrameLayout layout_;
  std::uint64_t key_ = 0;  // of the graph
  std::shared_ptr<NetworkState> state_;
  at::Tensor alpha_;      // [height, width], the bits of uint16
  at::Tensor last_seen_;  // the coarse picture that went through the network last; only where somebody compares
  bool compares_ = false;

  // The frame that began.
  UploadSlot* slot_ = nullptr;
  FrameView staged_;
  bool matted_ = false;

  // The format of the last picture that left: the next will most likely have it too.
  bool known_ = false;
  MatteOutput known_output_ = MatteOutput::kRgba;
  FrameView known_format_;

  std::deque<std::unique_ptr<Lane>> lanes_;  // oldest first
  std::vector<std::unique_ptr<Lane>> free_;
};

}  // namespace

std::unique_ptr<matting::MatteRunner> make_cuda_matte_runner(std::shared_ptr<const matting::Model> model,
                                                             bool use_graph) {
  networks::rvm::set_gpu_layers(cuda_rvm_layers());
  const c10::cuda::CUDAGuard guard(model->network.target().device);  // events belong to the current device
  return std::make_unique<CudaMatteRunner>(std::move(model), use_graph);
}

}  // namespace liveedit::runtime
