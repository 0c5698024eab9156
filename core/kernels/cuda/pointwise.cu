// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/kernels/pointwise.h"

#include "core/kernels/cuda/element.cuh"
#include "core/kernels/cuda/launch.h"

namespace liveedit::kernels {
namespace {

constexpr unsigned kThreads = 256;

template <typename T, bool kResidual, bool kRelu>
__global__ void add_bias(Vector<T, 16 / sizeof(T)>* x, const Vector<T, 16 / sizeof(T)>* bias,
                         const Vector<T, 16 / sizeof(T)>* residual, std::int64_t packs, int row_packs) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= packs) return;
  auto pack = x[i];
  const auto offset = bias[i % row_packs];
  Vector<T, 16 / sizeof(T)> other{};
  if (kResidual) other = residual[i];
  for (int k = 0; k < static_cast<int>(16 / sizeof(T)); ++k) {
    float value = to_float(pack.values[k]) + to_float(offset.values[k]);
    if (kResidual) value += to_float(other.values[k]);
    // NaN stays NaN: it is counted where frames end.
    if (kRelu) value = value < 0.0f ? 0.0f : value;
    pack.values[k] = from_float<T>(value);
  }
  x[i] = pack;
}

template <typename T>
__global__ void geglu(const Vector<T, 16 / sizeof(T)>* x, Vector<T, 16 / sizeof(T)>* y, std::int64_t packs,
                      int row_packs) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= packs) return;
  const std::int64_t row = i / row_packs;
  const auto gate = x[i + (row + 1) * row_packs];
  auto pack = x[i + row * row_packs];
  for (int k = 0; k < static_cast<int>(16 / sizeof(T)); ++k) {
    const float input = to_float(gate.values[k]);
    const float gelu = input * 0.5f * (1.0f + erff(input * 0.70710678f));
    pack.values[k] = from_float<T>(to_float(pack.values[k]) * gelu);
  }
  y[i] = pack;
}

template <typename T>
void launch(const AddBias& work, cudaStream_t stream) {
  using Pack = Vector<T, 16 / sizeof(T)>;
  const int row_packs = work.channels / static_cast<int>(16 / sizeof(T));
  const std::int64_t packs = work.rows * row_packs;
  if (packs == 0) return;
  auto* x = static_cast<Pack*>(work.x);
  const auto* bias = static_cast<const Pack*>(work.bias);
  const auto* residual = static_cast<const Pack*>(work.residual);
  const unsigned blocks = blocks_for(static_cast<std::uint64_t>(packs), kThreads);
  if (residual != nullptr && work.relu) {
    add_bias<T, true, true><<<blocks, kThreads, 0, stream>>>(x, bias, residual, packs, row_packs);
  } else if (residual != nullptr) {
    add_bias<T, true, false><<<blocks, kThreads, 0, stream>>>(x, bias, residual, packs, row_packs);
  } else if (work.relu) {
    add_bias<T, false, true><<<blocks, kThreads, 0, stream>>>(x, bias, residual, packs, row_packs);
  } else {
    add_bias<T, false, false><<<blocks, kThreads, 0, stream>>>(x, bias, residual, packs, row_packs);
  }
  check_launch("add_bias");
}

template <typename T>
void launch(const Geglu& work, cudaStream_t stream) {
  using Pack = Vector<T, 16 / sizeof(T)>;
  const int row_packs = work.channels / static_cast<int>(16 / sizeof(T));
  const std::int64_t packs = work.rows * row_packs;
  if (packs == 0) return;
  geglu<T><<<blocks_for(static_cast<std::uint64_t>(packs), kThreads), kThreads, 0, stream>>>(
      static_cast<const Pack*>(work.x), static_cast<Pack*>(work.y), packs, row_packs);
  check_launch("geglu");
}

template <typename Work>
void dispatch(const Work& work, void* stream) {
  const auto queue = static_cast<cudaStream_t>(stream);
  by_element(work.element, [&]<typename T>(T) { launch<T>(work, queue); });
}

}  // namespace

bool pointwise_supported(int channels, Element element) {
  return channels > 0 && static_cast<std::size_t>(channels) * element_bytes(element) % 16 == 0;
}

void add_bias_cuda(const AddBias& work, void* stream) {
  dispatch(work, stream);
}

void geglu_cuda(const Geglu& work, void* stream) {
  dispatch(work, stream);
}

}  // namespace liveedit::kernels
