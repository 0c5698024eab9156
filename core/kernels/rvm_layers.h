// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

// The layers of Robust Video Matting on a GPU: fp16, channels-last, one kernel each with what follows the layer. All
// channel counts are multiples of 8 and all pointers are aligned to 16 bytes. Everything is queued on `stream` (a
// cudaStream_t of the current device); Error (kInference, kDeviceLost) if it cannot be.
namespace liveedit::kernels {

enum class RvmActivation { kNone, kRelu, kHardSwish, kHardSigmoid, kSigmoid, kTanh };

// A convolution on [height, width, a.channels + b.channels], whose channels come from one or two tensors.
struct RvmConv {
  struct Source {
    const void* data = nullptr;
    int channels = 0;
    int pixel_stride = 0;  // elements from pixel to pixel; a multiple of 8
  };
  Source a;
  Source b;
  int height = 0;
  int width = 0;
  int out_height = 0;
  int out_width = 0;
  int kernel = 1;
  int stride = 1;
  int dilation = 1;
  int padding = 0;
  const void* weight = nullptr;  // [out_channels, kernel, kernel, a.channels + b.channels]
  const float* bias = nullptr;   // [out_channels]
  int out_channels = 0;
  const float* in_scale = nullptr;  // [a.channels + b.channels], of the input; kernel = 1 only, aligned to 8 bytes

  // What follows: out = activation(conv + bias + residual) * scale.
  RvmActivation activation = RvmActivation::kNone;
  const void* residual = nullptr;  // [out_height, out_width, out_channels]
  const float* scale = nullptr;    // [out_channels]
  void* out = nullptr;             // [out_height, out_width, out_channels]

  // The two convolutions of a GRU over a state of `half` channels, instead of the above.
  //   kGates (out_channels = 2 half): out = sigmoid(first half) * state, update = sigmoid(second half)
  //   kCandidate (out_channels = half): state += update * (tanh(conv + bias) - state)
  enum class Gru { kNone, kGates, kCandidate };
  Gru gru = Gru::kNone;
  void* state = nullptr;   // [out_height, out_width, half]
  void* update = nullptr;  // the same
};
void rvm_conv_cuda(const RvmConv& conv, void* stream);

// A convolution of each channel by itself; `weight` is [kernel, kernel, channels].
struct RvmDepthwise {
  const void* in = nullptr;
  void* out = nullptr;
  int channels = 0;
  int height = 0;
  int width = 0;
  int out_height = 0;
  int out_width = 0;
  int kernel = 3;
  int stride = 1;
  int dilation = 1;
  int padding = 0;
  const void* weight = nullptr;
  const float* bias = nullptr;
  RvmActivation activation = RvmActivation::kNone;
};
void rvm_depthwise_cuda(const RvmDepthwise& work, void* stream);

// Into how many parts rvm_channel_means_cuda() takes a picture of so many pixels.
int rvm_mean_parts(std::int64_t pixels);
// means [parts, channels] of x [pixels, channels]: their sum over the parts is the mean of each channel.
void rvm_channel_means_cuda(const void* x, std::int64_t pixels, int channels, float* means, void* stream);
// out [rows] = activation(weight [rows, columns] * (sum of `in` over the parts) + bias [rows]); weight fp16.
struct RvmDense {
  const void* weight = nullptr;
  const float* bias = nullptr;
  const float* in = nullptr;  // [in_parts, columns]
  int in_parts = 1;
  float* out = nullptr;
  int rows = 0;
  int columns = 0;
  RvmActivation activation = RvmActivation::kNone;
};
void rvm_dense_cuda(const RvmDense& work, void* stream);

// (picture - mean) / deviation, fp16, with five channels of zeros behind the three: [pixels, 8].
void rvm_normalise_cuda(const float* picture, std::int64_t pixels, const float mean[3], const float deviation[3],
                        void* out, void* stream);

// The picture [height, width, 3] at a half, a quarter and an eighth (sizes rounded up): means of 2x2, at an odd edge of
// what is there.
void rvm_pyramid_cuda(const float* picture, int height, int width, float* half, float* quarter, float* eighth,
                      void* stream);

// [height, width, low_channels + feature_channels + 8]: what was made at the scale below, doubled (bilinear), the
// encoder's features, and the picture with five channels of zeros. The scale below lies in two tensors.
struct RvmJoin {
  RvmConv::Source still;
  RvmConv::Source state;
  int low_height = 0;
  int low_width = 0;
  const void* features = nullptr;  // null: none
  int feature_channels = 0;
  const float* picture = nullptr;  // [height, width, 3], fp32
  int height = 0;
  int width = 0;
  void* out = nullptr;
};
void rvm_join_cuda(const RvmJoin& join, void* stream);

// The matte of a coarse picture, and the guided filter from it (see networks/rvm/guided_filter.h); all fp32.
struct RvmField {
  const void* hidden = nullptr;    // [height, width, 16], fp16
  const float* picture = nullptr;  // [height, width, 3]
  int height = 0;
  int width = 0;
  const float* project_weight = nullptr;  // [4, 16]
  const float* project_bias = nullptr;    // [4]
  // refine = false: b is the matte and `a` is not written.
  bool refine = false;
  const float* box = nullptr;      // [4, 3, 3]; null: the fast guided filter
  const float* weight0 = nullptr;  // [16, 24]
  const float* bias0 = nullptr;
  const float* weight1 = nullptr;  // [16, 16]
  const float* bias1 = nullptr;
  const float* weight2 = nullptr;  // [4, 16]
  const float* bias2 = nullptr;
  float* a = nullptr;  // [height, width, 4]
  float* b = nullptr;  // [height, width, 4]
};
void rvm_field_cuda(const RvmField& field, void* stream);

// Adds the number of NaN and infinite values of all arrays to `counter`. Up to 8 arrays.
struct RvmArrays {
  struct Array {
    void* data = nullptr;
    std::int64_t count = 0;
    bool is_half = true;  // else fp32
  };
  Array arrays[8];
  int used = 0;
};
void rvm_count_non_finite_cuda(const RvmArrays& arrays, std::uint32_t* counter, void* stream);
// Zeros all of them where *counter is not 0.
void rvm_clear_if_bad_cuda(const RvmArrays& arrays, const std::uint32_t* counter, void* stream);

}  // namespace liveedit::kernels
