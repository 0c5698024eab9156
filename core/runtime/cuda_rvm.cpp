// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/cuda_rvm.h"

#include "core/kernels/rvm_layers.h"
#include "core/runtime/cuda_stream.h"

namespace liveedit::runtime {
namespace {

using kernels::RvmActivation;
using networks::rvm::Activation;
using networks::rvm::Conv;
using networks::rvm::GuidedFilter;
using networks::rvm::Refiner;

RvmActivation of(Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return RvmActivation::kNone;
    case Activation::kRelu:
      return RvmActivation::kRelu;
    case Activation::kHardSwish:
      return RvmActivation::kHardSwish;
    case Activation::kHardSigmoid:
      return RvmActivation::kHardSigmoid;
    case Activation::kSigmoid:
      return RvmActivation::kSigmoid;
    case Activation::kTanh:
      return RvmActivation::kTanh;
  }
  return RvmActivation::kNone;
}

int small(std::int64_t value) {
  return static_cast<int>(value);
}

at::Tensor new_picture(std::int64_t channels, std::int64_t height, std::int64_t width, const at::Tensor& like,
                       at::ScalarType dtype) {
  return at::empty({1, channels, height, width}, like.options().dtype(dtype), at::MemoryFormat::ChannelsLast);
}

const float* floats(const at::Tensor& x) {
  return x.defined() ? x.const_data_ptr<float>() : nullptr;
}

std::int64_t pixels_of(const at::Tensor& x) {
  return x.size(2) * x.size(3);
}

// [1, C, h, w], channels-last, or some of its channels.
kernels::RvmConv::Source source_of(const at::Tensor& x) {
  return {x.const_data_ptr(), small(x.size(1)), small(x.stride(3))};
}

std::int64_t out_size(const Conv& conv, std::int64_t size) {
  return (size + 2 * conv.padding() - conv.shape.dilation * (conv.shape.kernel - 1) - 1) / conv.shape.stride + 1;
}

// All but what goes in besides x, and what comes out.
kernels::RvmConv work_of(const Conv& conv, const at::Tensor& x) {
  kernels::RvmConv work;
  work.a = source_of(x);
  work.height = small(x.size(2));
  work.width = small(x.size(3));
  work.out_height = small(out_size(conv, x.size(2)));
  work.out_width = small(out_size(conv, x.size(3)));
  work.kernel = small(conv.shape.kernel);
  work.stride = small(conv.shape.stride);
  work.dilation = small(conv.shape.dilation);
  work.padding = small(conv.padding());
  work.weight = conv.weight.const_data_ptr();
  work.bias = floats(conv.float_bias);
  work.out_channels = small(conv.shape.out);
  work.activation = of(conv.shape.activation);
  return work;
}

at::Tensor depthwise(const Conv& conv, const at::Tensor& x) {
  kernels::RvmDepthwise work;
  work.in = x.const_data_ptr();
  work.channels = small(x.size(1));
  work.height = small(x.size(2));
  work.width = small(x.size(3));
  work.out_height = small(out_size(conv, x.size(2)));
  work.out_width = small(out_size(conv, x.size(3)));
  work.kernel = small(conv.shape.kernel);
  work.stride = small(conv.shape.stride);
  work.dilation = small(conv.shape.dilation);
  work.padding = small(conv.padding());
  work.weight = conv.taps.const_data_ptr();
  work.bias = floats(conv.float_bias);
  work.activation = of(conv.shape.activation);
  at::Tensor out = new_picture(x.size(1), work.out_height, work.out_width, x, at::kHalf);
  work.out = out.data_ptr();
  kernels::rvm_depthwise_cuda(work, current_cuda_stream());
  return out;
}

at::Tensor conv(const Conv& conv, const at::Tensor& x, const at::Tensor& residual, const at::Tensor& scale,
                const at::Tensor& in_scale) {
  if (conv.shape.groups > 1) return depthwise(conv, x);
  kernels::RvmConv work = work_of(conv, x);
  at::Tensor out = new_picture(conv.shape.out, work.out_height, work.out_width, x, at::kHalf);
  work.residual = residual.defined() ? residual.const_data_ptr() : nullptr;
  work.scale = floats(scale);
  work.in_scale = floats(in_scale);
  work.out = out.data_ptr();
  kernels::rvm_conv_cuda(work, current_cuda_stream());
  return out;
}

// in [parts, columns] -> [1, rows].
at::Tensor dense(const Conv& conv, const at::Tensor& in) {
  at::Tensor out = at::empty({1, conv.shape.out}, in.options());
  kernels::RvmDense work;
  work.weight = conv.weight.const_data_ptr();
  work.bias = floats(conv.float_bias);
  work.in = floats(in);
  work.in_parts = small(in.size(0));
  work.out = out.data_ptr<float>();
  work.rows = small(conv.shape.out);
  work.columns = small(conv.shape.in);
  work.activation = of(conv.shape.activation);
  kernels::rvm_dense_cuda(work, current_cuda_stream());
  return out;
}

at::Tensor squeeze(const at::Tensor& x, const Conv& first, const Conv* second) {
  const at::Tensor means = at::empty({kernels::rvm_mean_parts(pixels_of(x)), x.size(1)}, x.options().dtype(at::kFloat));
  kernels::rvm_channel_means_cuda(x.const_data_ptr(), pixels_of(x), small(x.size(1)), means.data_ptr<float>(),
                                  current_cuda_stream());
  const at::Tensor out = dense(first, means);
  return (second == nullptr ? out : dense(*second, out)).squeeze(0);
}

at::Tensor normalise(const at::Tensor& picture, const std::array<float, 3>& mean,
                     const std::array<float, 3>& deviation) {
  at::Tensor out = new_picture(8, picture.size(2), picture.size(3), picture, at::kHalf);
  kernels::rvm_normalise_cuda(floats(picture), pixels_of(picture), mean.data(), deviation.data(), out.data_ptr(),
                              current_cuda_stream());
  return out;
}

std::array<at::Tensor, 3> pyramid(const at::Tensor& picture) {
  std::array<at::Tensor, 3> smaller;
  std::int64_t height = picture.size(2);
  std::int64_t width = picture.size(3);
  for (at::Tensor& one : smaller) {
    height = (height + 1) / 2;
    width = (width + 1) / 2;
    one = new_picture(3, height, width, picture, at::kFloat);
  }
  kernels::rvm_pyramid_cuda(floats(picture), small(picture.size(2)), small(picture.size(3)),
                            smaller[0].data_ptr<float>(), smaller[1].data_ptr<float>(), smaller[2].data_ptr<float>(),
                            current_cuda_stream());
  return smaller;
}

at::Tensor join(const at::Tensor& still, const at::Tensor& state, const at::Tensor& features,
                const at::Tensor& picture) {
  kernels::RvmJoin work;
  work.still = source_of(still);
  work.state = source_of(state);
  work.low_height = small(still.size(2));
  work.low_width = small(still.size(3));
  if (features.defined()) {
    work.features = features.const_data_ptr();
    work.feature_channels = small(features.size(1));
  }
  work.picture = floats(picture);
  work.height = small(picture.size(2));
  work.width = small(picture.size(3));
  const std::int64_t channels = still.size(1) + state.size(1) + work.feature_channels + 8;
  at::Tensor out = new_picture(channels, picture.size(2), picture.size(3), still, at::kHalf);
  work.out = out.data_ptr();
  kernels::rvm_join_cuda(work, current_cuda_stream());
  return out;
}

void gru(const Conv& gates, const Conv& candidate, const at::Tensor& x, const at::Tensor& state) {
  const at::Tensor reset_state = at::empty_like(state);
  const at::Tensor update = at::empty_like(state);
  kernels::RvmConv first = work_of(gates, x);
  first.b = source_of(state);
  first.gru = kernels::RvmConv::Gru::kGates;
  first.out = reset_state.data_ptr();
  first.state = state.data_ptr();
  first.update = update.data_ptr();
  kernels::rvm_conv_cuda(first, current_cuda_stream());
  kernels::RvmConv second = work_of(candidate, x);
  second.b = source_of(reset_state);
  second.gru = kernels::RvmConv::Gru::kCandidate;
  second.state = state.data_ptr();
  second.update = update.data_ptr();
  kernels::rvm_conv_cuda(second, current_cuda_stream());
}

GuidedFilter field(const Conv& project, const Refiner& refiner, const at::Tensor& picture, const at::Tensor& hidden,
                   bool refine) {
  GuidedFilter filter;
  kernels::RvmField work;
  work.hidden = hidden.const_data_ptr();
  work.picture = floats(picture);
  work.height = small(picture.size(2));
  work.width = small(picture.size(3));
  work.project_weight = floats(project.weight);
  work.project_bias = floats(project.bias);
  work.refine = refine;
  filter.b = new_picture(4, picture.size(2), picture.size(3), picture, at::kFloat);
  work.b = filter.b.data_ptr<float>();
  if (refine) {
    filter.a = new_picture(4, picture.size(2), picture.size(3), picture, at::kFloat);
    work.a = filter.a.data_ptr<float>();
    if (const auto& deep = refiner.deep()) {
      work.box = floats(deep->box.weight);
      work.weight0 = floats(deep->conv0.weight);
      work.bias0 = floats(deep->conv0.bias);
      work.weight1 = floats(deep->conv1.weight);
      work.bias1 = floats(deep->conv1.bias);
      work.weight2 = floats(deep->conv2.weight);
      work.bias2 = floats(deep->conv2.bias);
    }
  }
  kernels::rvm_field_cuda(work, current_cuda_stream());
  return filter;
}

}  // namespace

networks::rvm::GpuLayers cuda_rvm_layers() {
  return {&conv, &squeeze, &normalise, &pyramid, &join, &gru, &field};
}

}  // namespace liveedit::runtime
