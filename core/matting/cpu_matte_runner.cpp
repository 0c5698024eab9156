// SPDX-License-Identifier: LGPL-2.1-or-later
// The CPU does one frame at a time: the network has run when end() returns, and collect() makes the picture in one pass
// over the frame.
#include <deque>
#include <vector>

#include <ATen/Parallel.h>

#include "core/api/error.h"
#include "core/kernels/frame_convert.h"
#include "core/kernels/matte.h"
#include "core/matting/matte_runner.h"
#include "core/matting/scene_background.h"

namespace liveedit::matting {
namespace {

using networks::rvm::GuidedFilter;

void require_host(const FrameView& frame) {
  if (frame.memory == MemoryKind::kHost) return;
  throw Error(ErrorKind::kSettings,
              "Matting runs on the CPU and the frame lies in GPU memory; use device=cuda, or cudadownload before it.");
}

bool is_finite(const at::Tensor& x) {
  return !x.defined() || kernels::count_non_finite_cpu(x.const_data_ptr(), kernels::Element::kF32,
                                                       static_cast<std::uint64_t>(x.numel())) == 0;
}

at::Tensor channels_last(const at::Tensor& x) {
  return x.defined() ? x.contiguous(at::MemoryFormat::ChannelsLast) : x;
}

// What the frames of one layout wear.
struct Matte {
  explicit Matte(const FrameLayout& layout)
      : layout(layout), alpha(static_cast<std::size_t>(layout.height) * layout.width) {}

  FrameLayout layout;
  std::vector<std::uint16_t> alpha;  // as the network gave it
  GuidedFilter filter;               // undefined: the foreground wears the original's colours
};

struct Pending {
  std::shared_ptr<Matte> matte;
  GuidedFilter filter;  // undefined where the network did not run, or gave no numbers
  bool finite = true;
  std::shared_ptr<const MatteParams> params;
};

class CpuMatteRunner final : public MatteRunner {
 public:
  explicit CpuMatteRunner(std::shared_ptr<const Model> model) : model_(std::move(model)) {}

  void restart(const FrameLayout& layout) override {
    matte_ = std::make_shared<Matte>(layout);
    restart_state();
    coarse_ = new_coarse();
    last_seen_.reset();
  }

  void begin(const FrameView& input) override {
    require_host(input);
    input_ = input;
    next_ = {};
  }

  void look() override {
    const FrameLayout& layout = matte_->layout;
    at::parallel_for(0, layout.coarse_height, 16, [&](std::int64_t begin, std::int64_t end) {
      kernels::frame_to_unit_cpu(input_, view_of(coarse_), layout.ratio,
                                 {static_cast<int>(begin), static_cast<int>(end)});
    });
  }

  double difference_to_last() override {
    return last_seen_.defined() ? kernels::mean_difference_cpu(view_of(coarse_), view_of(last_seen_)) : 1;
  }

  void run_network(int times) override {
    GuidedFilter filter;
    for (int i = 0; i < times; ++i) filter = model_->network(coarse_, states_, matte_->layout.refines());
    next_.filter = {channels_last(filter.a), channels_last(filter.b)};
    next_.finite = is_finite(next_.filter.a) && is_finite(next_.filter.b);
    for (const at::Tensor& state : states_) next_.finite = next_.finite && is_finite(state);
    if (!next_.finite) {
      next_.filter = {};
      restart_state();
    }
    // The picture is kept for comparisons, and the next is made in the other tensor.
    std::swap(coarse_, last_seen_);
    if (!coarse_.defined()) coarse_ = new_coarse();
  }

  void forget_state() override { restart_state(); }

  void end(std::shared_ptr<const MatteParams> params) override {
    next_.matte = matte_;
    next_.params = std::move(params);
    pending_.push_back(std::move(next_));
    input_ = {};
  }

  int collectable() const override { return static_cast<int>(pending_.size()); }

  bool collect(const FrameView& original, const FrameView& output) override {
    const Pending frame = std::move(pending_.front());
    pending_.pop_front();
    require_host(original);
    require_host(output);
    write(frame, original, output);
    return frame.finite;
  }

  void reset() override {
    pending_.clear();
    matte_.reset();
    last_seen_.reset();
  }

 private:
  static kernels::UnitPicture view_of(const at::Tensor& picture) {
    return {picture.data_ptr<float>(), static_cast<int>(picture.size(2)), static_cast<int>(picture.size(3))};
  }

  static kernels::MatteField field_of(const GuidedFilter& filter) {
    if (!filter.b.defined()) return {};
    const float* a = filter.a.defined() ? filter.a.const_data_ptr<float>() : nullptr;
    return {a, filter.b.const_data_ptr<float>(), static_cast<int>(filter.b.size(2)),
            static_cast<int>(filter.b.size(3))};
  }

  at::Tensor new_coarse() const {
    return at::empty({1, 3, matte_->layout.coarse_height, matte_->layout.coarse_width}, at::kFloat,
                     at::MemoryFormat::ChannelsLast);
  }

  void restart_state() {
    states_ = model_->network.first_states(matte_->layout.coarse_height, matte_->layout.coarse_width);
  }

  void write(const Pending& frame, const FrameView& original, const FrameView& output) {
    const MatteParams& params = *frame.params;
    Matte& matte = *frame.matte;
    const bool fresh = frame.filter.b.defined();
    if (fresh) matte.filter = frame.filter;
    if (!frame.finite) matte.filter = {};
    kernels::MatteScene scene;
    scene.output = params.output;
    scene.original = original;
    scene.field = field_of(matte.filter);
    const bool reshaped = params.threshold > 0 || params.feather > 0;
    if (reshaped) shaped_.resize(matte.alpha.size());
    scene.alpha = reshaped ? shaped_.data() : matte.alpha.data();
    const auto make_alpha = [&](kernels::RowRange rows) {
      if (fresh) kernels::matte_alpha_cpu(original, scene.field, matte.alpha.data(), rows);
      if (!reshaped) return;
      const std::size_t first = static_cast<std::size_t>(rows.begin) * original.width;
      kernels::threshold_alpha_cpu(matte.alpha.data() + first, shaped_.data() + first,
                                   static_cast<std::uint64_t>(rows.end - rows.begin) * original.width,
                                   params.threshold);
    };
    const bool blurs =
        params.output == MatteOutput::kComposite && !params.background_image && params.background_blur > 0;
    if (params.feather > 0 || blurs) {
      each_band(original.height, make_alpha);
      if (params.feather > 0) background_.feather(shaped_, original.height, original.width, params.feather);
      scene.background = background_.prepare(params, original, scene.alpha);
      each_band(original.height, [&](kernels::RowRange rows) { kernels::write_scene_cpu(scene, output, rows); });
      return;
    }
    scene.background = background_.prepare(params, original, scene.alpha);
    each_band(original.height, [&](kernels::RowRange rows) {
      make_alpha(rows);
      kernels::write_scene_cpu(scene, output, rows);
    });
  }

  std::shared_ptr<const Model> model_;
  std::shared_ptr<Matte> matte_;
  networks::rvm::States states_;
  at::Tensor coarse_;     // [1, 3, h, w], channels-last, of the frame that began
  at::Tensor last_seen_;  // the last that went through the network; undefined: none
  FrameView input_;
  Pending next_;
  std::deque<Pending> pending_;  // oldest first
  std::vector<std::uint16_t> shaped_;
  SceneBackground background_;
};

}  // namespace

std::unique_ptr<MatteRunner> make_cpu_matte_runner(std::shared_ptr<const Model> model) {
  return std::make_unique<CpuMatteRunner>(std::move(model));
}

}  // namespace liveedit::matting
