// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/ATen.h>

#include "core/api/frame_view.h"
#include "core/kernels/frame_convert.h"
#include "core/runtime/cuda_event.h"

namespace liveedit::runtime {

// Bytes of a frame with tightly packed planes.
std::int64_t packed_frame_bytes(const FrameView& frame);

// `like`'s format, size and colours over tightly packed planes at `bytes`.
FrameView packed_frame(const FrameView& like, void* bytes, MemoryKind memory);

// Queues the copy of each plane's rows on `stream`: the same format and size, any strides, host (pinned, or the caller
// waits) or device memory.
void queue_frame_copy(const FrameView& from, const FrameView& to, const c10::cuda::CUDAStream& stream);

// Where a frame stands on its way to the device.
struct UploadSlot {
  at::Tensor pinned;  // uint8, host; undefined for frames that come from device memory
  at::Tensor device;  // uint8
  CudaEvent uploaded;
  CudaEvent converted;  // the device bytes were read

  // Makes room for `frame`; waits where the slot's last frame is still on its way. True: the device bytes are new, and
  // belong to the current stream, whose earlier work may still use that memory.
  bool reserve(const FrameView& frame, at::Device on);
};

// Takes a copy of `input` to device memory by way of `slot`, on the stream `up`: the frame there, safe from what the
// caller does with `input` next. What reads it waits for slot.uploaded, and records slot.converted.
FrameView upload_frame(const FrameView& input, UploadSlot& slot, at::Device device, const c10::cuda::CUDAStream& up);

// Where a picture stands on its way back.
struct PictureLane {
  at::Tensor picture;         // [1, 3, H, W], channels-last, device
  at::Tensor device;          // the frame's bytes in the format of `frame`
  at::Tensor pinned;          // the same, host
  at::Tensor counter;         // uint32 in device memory: values that are no number
  at::Tensor pinned_counter;  // the same, host
  FrameView frame;            // format, size and colours that `device` and `pinned` have
  CudaEvent computed;
  CudaEvent done;

  void reserve(const FrameView& frame, const at::Tensor& like);
  FrameView host_view() const { return packed_frame(frame, pinned.data_ptr(), MemoryKind::kHost); }
  FrameView device_view() const { return packed_frame(frame, device.data_ptr(), MemoryKind::kCuda); }
};

// `picture` is [1, 3, H, W], channels-last.
kernels::PictureTensor picture_view(const at::Tensor& picture);

}  // namespace liveedit::runtime
