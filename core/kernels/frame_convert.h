// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "core/api/frame_view.h"
#include "core/kernels/blend.h"
#include "core/kernels/element.h"

namespace liveedit::kernels {

// A picture as the networks want it: channels-last (row, column, channel), 3 channels R G B, values -1..1, tightly
// packed. height and width are the padded size.
struct PictureTensor {
  void* data = nullptr;
  Element element = Element::kF32;
  int height = 0;
  int width = 0;
};

// Frame -> picture: R'G'B' / 127.5 - 1 (Y'CbCr by the frame's matrix and range, chroma bilinear, sited as MPEG-2: left,
// centred vertically). Where the picture is larger than the frame, the frame stands in its top left corner and its last
// column and row are repeated. Precondition: picture at least as large as the frame.
void frame_to_picture_cpu(const FrameView& frame, const PictureTensor& picture);

// Picture -> frame: clamp, round half to even, crop to the frame's size; chroma of NV12 and I420 averaged over 2x2.
// Bytes X are set to 255; alpha is taken from `original` where both have it, else set to 255. A blend other than kNone
// needs both to have alpha, in one format and in different memory; bytes are rounded before they are blended.
void picture_to_frame_cpu(const PictureTensor& picture, const FrameView& original, const FrameView& frame,
                          Blend blend = Blend::kNone);

// How many of `count` values are NaN or infinite.
std::uint64_t count_non_finite_cpu(const void* data, Element element, std::uint64_t count);

// Copies the picture of `from` to `to`: same format and size, any strides.
void copy_frame_cpu(const FrameView& from, const FrameView& to);

// The same, but where the format has alpha, alpha comes from `original` if that has it too (else it is copied as well),
// and `blend` is followed as above.
void copy_frame_keep_alpha_cpu(const FrameView& from, const FrameView& original, const FrameView& to,
                               Blend blend = Blend::kNone);

// The same work in device memory, in order on `stream` (a cudaStream_t of the current device); the same bits come out.
// They return when the work is queued and throw Error (kInference, kDeviceLost) if it cannot be.
void frame_to_picture_cuda(const FrameView& frame, const PictureTensor& picture, void* stream);
void picture_to_frame_cuda(const PictureTensor& picture, const FrameView& original, const FrameView& frame, Blend blend,
                           void* stream);

// Adds the number of NaN and infinite values to `counter`, which lies in device memory.
void count_non_finite_cuda(const void* data, Element element, std::uint64_t count, std::uint32_t* counter,
                           void* stream);

}  // namespace liveedit::kernels
