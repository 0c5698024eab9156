// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/api/frame_view.h"
#include "core/kernels/frame_convert.h"

namespace liveedit::kernels::test {

inline constexpr PixelFormat kAllFormats[] = {PixelFormat::kRgb,  PixelFormat::kRgbx, PixelFormat::kBgrx,
                                              PixelFormat::kRgba, PixelFormat::kBgra, PixelFormat::kNv12,
                                              PixelFormat::kI420};
inline constexpr Element kAllElements[] = {Element::kF32, Element::kF16, Element::kBf16};

std::string name_of(PixelFormat format);

// A frame and its memory: rows at odd strides, unaligned planes, guard bytes between rows and around planes.
class OwnedFrame {
 public:
  OwnedFrame(PixelFormat format, int width, int height, std::uint8_t fill);

  const FrameView& view() const { return view_; }
  FrameView& view() { return view_; }
  // All of the memory, guards included, and the same view over a copy of it at `base`.
  const std::vector<std::uint8_t>& bytes() const { return memory_; }
  FrameView view_at(void* base, MemoryKind memory) const;
  void fill_random(std::uint32_t seed);
  std::uint8_t at(int plane, int row, int byte) const;

  // True where every byte outside the picture still has the value given at construction.
  bool guards_are_intact() const;
  bool same_picture(const OwnedFrame& other) const;

 private:
  std::uint8_t fill_;
  std::vector<std::uint8_t> memory_;
  FrameView view_;
};

// A picture tensor and its memory.
class OwnedPicture {
 public:
  OwnedPicture(Element element, int height, int width);

  const PictureTensor& tensor() const { return tensor_; }
  double value(int row, int column, int channel) const;
  void set(int row, int column, int channel, double value);
  void fill_random(std::uint32_t seed, double low, double high);
  const std::vector<std::uint8_t>& bytes() const { return memory_; }

 private:
  std::vector<std::uint8_t> memory_;
  PictureTensor tensor_;
};

}  // namespace liveedit::kernels::test
