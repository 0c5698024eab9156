// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/api/core.h"
#include "core/weights/checkpoint.h"

namespace liveedit::test {

// A picture in host memory, its rows padded by some bytes that must never be touched.
class Image {
 public:
  Image(PixelFormat format, int width, int height);
  static Image rgb(int width, int height, const std::vector<std::uint8_t>& bytes);

  FrameView view();
  PixelFormat format() const { return format_; }
  int width() const { return width_; }
  int height() const { return height_; }
  int channels() const;                         // of packed formats
  std::uint8_t& at(int x, int y, int channel);  // packed formats and luma
  std::uint8_t at(int x, int y, int channel) const { return const_cast<Image*>(this)->at(x, y, channel); }
  bool padding_is_untouched() const;
  bool operator==(const Image&) const = default;

 private:
  PixelFormat format_;
  int width_;
  int height_;
  std::vector<int> strides_;
  std::vector<std::size_t> offsets_;
  std::vector<std::uint8_t> bytes_;
};

// A slanted gradient with a bright box that moves with `index`.
Image moving_image(int width, int height, int index);

// A file of tensors as floats, in row-major order.
class GoldenValues {
 public:
  explicit GoldenValues(const std::filesystem::path& file);
  bool has(const std::string& name) const;
  std::vector<std::int64_t> shape(const std::string& name) const;
  std::vector<float> floats(const std::string& name) const;  // of F32 and F16
  std::vector<std::uint8_t> bytes(const std::string& name) const;
  // Frame `index` of a U8 tensor [n, H, W, 3].
  Image frame(const std::string& name, int index) const;

 private:
  std::shared_ptr<const weights::Checkpoint> file_;
};

// A matting stream on the small golden files, through the library's one door.
class MatterTest : public testing::Test {
 protected:
  static Core& core();
  static std::filesystem::path golden(const std::string& file);
  static std::unique_ptr<Matter> open(const std::filesystem::path& weights);

  // One frame in, one frame out; `format` for the output.
  static MatteResult matte(Matter& stream, Image input, const MatteParams& params, Image& output);
  // The same with an output of the usual format.
  static Image matte(Matter& stream, const Image& input, const MatteParams& params);
};

}  // namespace liveedit::test
