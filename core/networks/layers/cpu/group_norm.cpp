// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/layers/cpu/group_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/Parallel.h>

#include "core/networks/layers/cpu/vector_math.h"

namespace liveedit::networks::cpu {
namespace {

constexpr std::int64_t kChunk = 256;  // pixels whose sums are taken together

constexpr std::int64_t kLanes = 32;  // channels whose sums stay in registers

// Per channel: the sums of x - shift and of its square. The shift, a value of the channel itself, keeps the squares
// small.
template <typename Element>
LIVEEDIT_INLINE void sum_pixels(const Element* x, std::int64_t pixels, std::int64_t channels, const float* shift,
                                float* sums, float* squares) {
  std::int64_t first = 0;
  for (; first + kLanes <= channels; first += kLanes) {
    float sum[kLanes] = {};
    float square[kLanes] = {};
    for (std::int64_t p = 0; p < pixels; ++p) {
      const Element* pixel = x + p * channels + first;
      for (std::int64_t c = 0; c < kLanes; ++c) {
        const float value = load(pixel[c]) - shift[first + c];
        sum[c] += value;
        square[c] += value * value;
      }
    }
    for (std::int64_t c = 0; c < kLanes; ++c) {
      sums[first + c] = sum[c];
      squares[first + c] = square[c];
    }
  }
  for (std::int64_t p = 0; p < pixels; ++p) {
    for (std::int64_t c = first; c < channels; ++c) {
      const float value = load(x[p * channels + c]) - shift[c];
      sums[c] += value;
      squares[c] += value * value;
    }
  }
}

template <typename Element>
LIVEEDIT_INLINE void scale_pixels(const Element* x, Element* y, std::int64_t pixels, std::int64_t channels,
                                  const float* scale, const float* offset, bool silu) {
  for (std::int64_t p = 0; p < pixels; ++p) {
    const Element* from = x + p * channels;
    Element* to = y + p * channels;
    if (silu) {
      for (std::int64_t c = 0; c < channels; ++c) {
        const float value = load(from[c]) * scale[c] + offset[c];
        store(value / (1.0f + exp_clamped(-value)), to[c]);
      }
    } else {
      for (std::int64_t c = 0; c < channels; ++c) store(load(from[c]) * scale[c] + offset[c], to[c]);
    }
  }
}

}  // namespace

LIVEEDIT_CPU_CLONES void sum_pixels_f32(const float* __restrict x, std::int64_t pixels, std::int64_t channels,
                                        const float* __restrict shift, float* __restrict sums,
                                        float* __restrict squares) {
  sum_pixels(x, pixels, channels, shift, sums, squares);
}
LIVEEDIT_CPU_CLONES void sum_pixels_bf16(const Bf16* __restrict x, std::int64_t pixels, std::int64_t channels,
                                         const float* __restrict shift, float* __restrict sums,
                                         float* __restrict squares) {
  sum_pixels(x, pixels, channels, shift, sums, squares);
}
LIVEEDIT_CPU_CLONES void scale_pixels_f32(const float* __restrict x, float* __restrict y, std::int64_t pixels,
                                          std::int64_t channels, const float* __restrict scale,
                                          const float* __restrict offset, bool silu) {
  scale_pixels(x, y, pixels, channels, scale, offset, silu);
}
LIVEEDIT_CPU_CLONES void scale_pixels_bf16(const Bf16* __restrict x, Bf16* __restrict y, std::int64_t pixels,
                                           std::int64_t channels, const float* __restrict scale,
                                           const float* __restrict offset, bool silu) {
  scale_pixels(x, y, pixels, channels, scale, offset, silu);
}

namespace {

void sum_pixels_of(const float* x, std::int64_t pixels, std::int64_t channels, const float* shift, float* sums,
                   float* squares) {
  sum_pixels_f32(x, pixels, channels, shift, sums, squares);
}
void sum_pixels_of(const Bf16* x, std::int64_t pixels, std::int64_t channels, const float* shift, float* sums,
                   float* squares) {
  sum_pixels_bf16(x, pixels, channels, shift, sums, squares);
}
void scale_pixels_of(const float* x, float* y, std::int64_t pixels, std::int64_t channels, const float* scale,
                     const float* offset, bool silu) {
  scale_pixels_f32(x, y, pixels, channels, scale, offset, silu);
}
void scale_pixels_of(const Bf16* x, Bf16* y, std::int64_t pixels, std::int64_t channels, const float* scale,
                     const float* offset, bool silu) {
  scale_pixels_bf16(x, y, pixels, channels, scale, offset, silu);
}

struct GroupNormShape {
  std::int64_t pixels;
  std::int64_t channels;
  std::int64_t groups;
  double eps;
};

// What each channel is multiplied by and what is added then, from the picture's sums.
void channel_factors(const GroupNormShape& shape, const std::vector<double>& sums, const std::vector<double>& squares,
                     const std::vector<float>& shift, const float* weight, const float* bias, float* scale,
                     float* offset) {
  const std::int64_t width = shape.channels / shape.groups;
  const double count = static_cast<double>(shape.pixels);
  for (std::int64_t group = 0; group < shape.groups; ++group) {
    double mean = 0;
    for (std::int64_t c = group * width; c < (group + 1) * width; ++c) mean += shift[c] + sums[c] / count;
    mean /= static_cast<double>(width);
    double variance = 0;
    for (std::int64_t c = group * width; c < (group + 1) * width; ++c) {
      const double own = sums[c] / count;
      const double distance = shift[c] + own - mean;
      variance += squares[c] / count - own * own + distance * distance;
    }
    const double factor = 1 / std::sqrt(variance / static_cast<double>(width) + shape.eps);
    for (std::int64_t c = group * width; c < (group + 1) * width; ++c) {
      scale[c] = static_cast<float>(factor * weight[c]);
      offset[c] = static_cast<float>(bias[c] - mean * factor * weight[c]);
    }
  }
}

template <typename Element>
void normalise_picture(const GroupNormShape& shape, const Element* x, Element* y, const float* weight,
                       const float* bias, bool silu) {
  const std::int64_t channels = shape.channels;
  const std::int64_t chunks = (shape.pixels + kChunk - 1) / kChunk;
  std::vector<float> shift(channels);
  for (std::int64_t c = 0; c < channels; ++c) shift[c] = load(x[c]);
  std::vector<float> partial(2 * chunks * channels);  // a chunk's sums, then its squares
  const auto each_chunk = [&](const auto& visit) {
    at::parallel_for(0, chunks, std::max<std::int64_t>(1, 16384 / (kChunk * channels)),
                     [&](std::int64_t begin, std::int64_t end) {
                       for (std::int64_t chunk = begin; chunk < end; ++chunk) {
                         visit(chunk, chunk * kChunk, std::min(kChunk, shape.pixels - chunk * kChunk));
                       }
                     });
  };
  each_chunk([&](std::int64_t chunk, std::int64_t first, std::int64_t pixels) {
    float* sums = partial.data() + 2 * chunk * channels;
    sum_pixels_of(x + first * channels, pixels, channels, shift.data(), sums, sums + channels);
  });
  std::vector<double> sums(channels);
  std::vector<double> squares(channels);
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    for (std::int64_t c = 0; c < channels; ++c) {
      sums[c] += partial[2 * chunk * channels + c];
      squares[c] += partial[(2 * chunk + 1) * channels + c];
    }
  }
  std::vector<float> scale(channels);
  std::vector<float> offset(channels);
  channel_factors(shape, sums, squares, shift, weight, bias, scale.data(), offset.data());
  each_chunk([&](std::int64_t, std::int64_t first, std::int64_t pixels) {
    scale_pixels_of(x + first * channels, y + first * channels, pixels, channels, scale.data(), offset.data(), silu);
  });
}

template <typename Element>
void normalise(const GroupNormShape& shape, const at::Tensor& x, const at::Tensor& y, const at::Tensor& weight,
               const at::Tensor& bias, bool silu) {
  const std::int64_t size = shape.pixels * shape.channels;
  for (std::int64_t b = 0; b < x.size(0); ++b) {
    normalise_picture(shape, static_cast<const Element*>(x.const_data_ptr()) + b * size,
                      static_cast<Element*>(y.data_ptr()) + b * size, weight.const_data_ptr<float>(),
                      bias.const_data_ptr<float>(), silu);
  }
}

}  // namespace

at::Tensor group_norm_silu(const at::Tensor& x, std::int64_t groups, const at::Tensor& weight, const at::Tensor& bias,
                           double eps, bool silu) {
  if (!x.is_cpu() || !x.is_contiguous(at::MemoryFormat::ChannelsLast)) return {};
  const GroupNormShape shape{x.size(2) * x.size(3), x.size(1), groups, eps};
  const at::Tensor y = at::empty_like(x, at::MemoryFormat::ChannelsLast);
  const at::Tensor weight32 = weight.to(at::kFloat);
  const at::Tensor bias32 = bias.to(at::kFloat);
  if (x.scalar_type() == at::kFloat) {
    normalise<float>(shape, x, y, weight32, bias32, silu);
  } else if (x.scalar_type() == at::kBFloat16) {
    normalise<Bf16>(shape, x, y, weight32, bias32, silu);
  } else {
    return {};
  }
  return y;
}

}  // namespace liveedit::networks::cpu
