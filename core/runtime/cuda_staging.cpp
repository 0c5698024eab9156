// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/cuda_staging.h"

#include "core/kernels/frame_layout.h"
#include "core/runtime/cuda_tensors.h"

namespace liveedit::runtime {
namespace {

// Grows `bytes` to at least `count`; keeps a larger one. Whether it was made anew.
bool grow(at::Tensor& bytes, std::int64_t count, const at::TensorOptions& options) {
  if (bytes.defined() && bytes.numel() >= count) return false;
  bytes = at::empty({count}, options.dtype(at::kByte));
  return true;
}

at::TensorOptions pinned_host() {
  return at::TensorOptions().device(at::kCPU).pinned_memory(true);
}

}  // namespace

std::int64_t packed_frame_bytes(const FrameView& frame) {
  std::size_t bytes = 0;
  for (int plane = 0; plane < kernels::plane_count(frame.format); ++plane) {
    bytes += kernels::plane_row_bytes(frame.format, plane, frame.width) *
             static_cast<std::size_t>(kernels::plane_rows(frame.format, plane, frame.height));
  }
  return static_cast<std::int64_t>(bytes);
}

FrameView packed_frame(const FrameView& like, void* bytes, MemoryKind memory) {
  FrameView frame = like;
  frame.memory = memory;
  auto* start = static_cast<std::uint8_t*>(bytes);
  for (int plane = 0; plane < kernels::plane_count(frame.format); ++plane) {
    const std::size_t row_bytes = kernels::plane_row_bytes(frame.format, plane, frame.width);
    frame.planes[static_cast<std::size_t>(plane)] = start;
    frame.strides[static_cast<std::size_t>(plane)] = static_cast<int>(row_bytes);
    start += row_bytes * static_cast<std::size_t>(kernels::plane_rows(frame.format, plane, frame.height));
  }
  return frame;
}

void queue_frame_copy(const FrameView& from, const FrameView& to, const c10::cuda::CUDAStream& stream) {
  for (int plane = 0; plane < kernels::plane_count(from.format); ++plane) {
    const auto index = static_cast<std::size_t>(plane);
    C10_CUDA_CHECK(cudaMemcpy2DAsync(to.planes[index], static_cast<std::size_t>(to.strides[index]), from.planes[index],
                                     static_cast<std::size_t>(from.strides[index]),
                                     kernels::plane_row_bytes(from.format, plane, from.width),
                                     static_cast<std::size_t>(kernels::plane_rows(from.format, plane, from.height)),
                                     cudaMemcpyDefault, stream.stream()));
  }
}

bool UploadSlot::reserve(const FrameView& frame, at::Device on) {
  const std::int64_t bytes = packed_frame_bytes(frame);
  uploaded.wait();
  if (device.defined() && device.numel() < bytes) converted.wait();
  const bool is_new = grow(device, bytes, at::TensorOptions().device(on));
  if (frame.memory == MemoryKind::kHost) grow(pinned, bytes, pinned_host());
  return is_new;
}

FrameView upload_frame(const FrameView& input, UploadSlot& slot, at::Device device, const c10::cuda::CUDAStream& up) {
  if (slot.reserve(input, device)) {
    // The allocator hands out memory again as soon as its last owner is gone, in the order of one stream's work: what
    // is queued there may still read and write it, and `up` must come after that.
    CudaEvent earlier_work;
    earlier_work.record(c10::cuda::getCurrentCUDAStream(device.index()));
    earlier_work.hold_back(up);
  }
  const FrameView staged = packed_frame(input, slot.device.data_ptr(), MemoryKind::kCuda);
  slot.converted.hold_back(up);
  if (input.memory == MemoryKind::kCuda) {
    queue_frame_copy(input, staged, up);
    slot.uploaded.record(up);
    slot.uploaded.wait();
    return staged;
  }
  kernels::copy_frame_cpu(input, packed_frame(input, slot.pinned.data_ptr(), MemoryKind::kHost));
  C10_CUDA_CHECK(cudaMemcpyAsync(slot.device.data_ptr(), slot.pinned.data_ptr(),
                                 static_cast<std::size_t>(packed_frame_bytes(input)), cudaMemcpyHostToDevice,
                                 up.stream()));
  slot.uploaded.record(up);
  return staged;
}

void PictureLane::reserve(const FrameView& new_frame, const at::Tensor& like) {
  frame = new_frame;
  if (!picture.defined() || picture.sizes() != like.sizes() || picture.scalar_type() != like.scalar_type()) {
    picture = at::empty(like.sizes(), like.options(), at::MemoryFormat::ChannelsLast);
  }
  const std::int64_t bytes = packed_frame_bytes(frame);
  grow(device, bytes, like.options());
  grow(pinned, bytes, pinned_host());
  grow(counter, sizeof(std::uint32_t), like.options());
  grow(pinned_counter, sizeof(std::uint32_t), pinned_host());
}

kernels::PictureTensor picture_view(const at::Tensor& picture) {
  return {picture.data_ptr(), *element_of(picture.scalar_type()), static_cast<int>(picture.size(2)),
          static_cast<int>(picture.size(3))};
}

}  // namespace liveedit::runtime
