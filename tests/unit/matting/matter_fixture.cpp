// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/matting/matter_fixture.h"

#include <cmath>
#include <cstring>

namespace liveedit::test {
namespace {

constexpr std::uint8_t kPaddingByte = 0xA5;
constexpr int kPadding = 5;

int pixel_bytes(PixelFormat format) {
  switch (format) {
    case PixelFormat::kRgb:
      return 3;
    case PixelFormat::kNv12:
    case PixelFormat::kI420:
    case PixelFormat::kGray8:
      return 1;
    default:
      return 4;
  }
}

float half_to_float(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  const float value = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -24)
                                    : std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
  return (bits & 0x8000) != 0 ? -value : value;
}

}  // namespace

Image::Image(PixelFormat format, int width, int height) : format_(format), width_(width), height_(height) {
  const auto add = [&](int row_bytes, int rows) {
    strides_.push_back(row_bytes + kPadding);
    offsets_.push_back(bytes_.size());
    bytes_.resize(bytes_.size() + static_cast<std::size_t>(row_bytes + kPadding) * rows, kPaddingByte);
    for (int y = 0; y < rows; ++y) std::memset(&bytes_[offsets_.back() + strides_.back() * y], 0, row_bytes);
  };
  const int half_width = (width + 1) / 2;
  const int half_height = (height + 1) / 2;
  add(width * pixel_bytes(format), height);
  if (format == PixelFormat::kNv12) add(2 * half_width, half_height);
  if (format == PixelFormat::kI420) add(half_width, half_height), add(half_width, half_height);
}

Image Image::rgb(int width, int height, const std::vector<std::uint8_t>& bytes) {
  Image image(PixelFormat::kRgb, width, height);
  for (int y = 0; y < height; ++y) std::memcpy(&image.at(0, y, 0), &bytes[3UL * width * y], 3UL * width);
  return image;
}

FrameView Image::view() {
  FrameView frame;
  frame.format = format_;
  frame.width = width_;
  frame.height = height_;
  for (std::size_t i = 0; i < strides_.size(); ++i) {
    frame.planes[i] = bytes_.data() + offsets_[i];
    frame.strides[i] = strides_[i];
  }
  return frame;
}

int Image::channels() const {
  return pixel_bytes(format_);
}

std::uint8_t& Image::at(int x, int y, int channel) {
  return bytes_[static_cast<std::size_t>(strides_[0]) * y + static_cast<std::size_t>(channels()) * x + channel];
}

bool Image::padding_is_untouched() const {
  for (int y = 0; y < height_; ++y) {
    const std::size_t end = static_cast<std::size_t>(strides_[0]) * (y + 1);
    for (std::size_t i = end - kPadding; i < end; ++i) {
      if (bytes_[i] != kPaddingByte) return false;
    }
  }
  return true;
}

Image moving_image(int width, int height, int index) {
  Image image(PixelFormat::kRgb, width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const bool box = std::abs(x - width / 2 - index) < width / 4 && y > height / 4;
      image.at(x, y, 0) = static_cast<std::uint8_t>(box ? 220 : 255 * x / width);
      image.at(x, y, 1) = static_cast<std::uint8_t>(box ? 180 : 255 * y / height);
      image.at(x, y, 2) = static_cast<std::uint8_t>(box ? 150 : (x + y) % 256);
    }
  }
  return image;
}

GoldenValues::GoldenValues(const std::filesystem::path& file) : file_(weights::Checkpoint::open(file)) {}

bool GoldenValues::has(const std::string& name) const {
  return file_->find(name).entry != nullptr;
}

std::vector<std::int64_t> GoldenValues::shape(const std::string& name) const {
  return file_->find(name).entry->shape;
}

std::vector<std::uint8_t> GoldenValues::bytes(const std::string& name) const {
  const weights::Checkpoint::Found found = file_->find(name);
  if (found.entry == nullptr) throw std::runtime_error("no value " + name);
  std::vector<std::uint8_t> bytes(found.entry->end - found.entry->begin);
  found.file->read(*found.entry, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

std::vector<float> GoldenValues::floats(const std::string& name) const {
  const std::vector<std::uint8_t> raw = bytes(name);
  if (file_->find(name).entry->dtype == weights::TensorDtype::kF32) {
    std::vector<float> values(raw.size() / 4);
    std::memcpy(values.data(), raw.data(), raw.size());
    return values;
  }
  std::vector<float> values(raw.size() / 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = half_to_float(static_cast<std::uint16_t>(raw[2 * i] | raw[2 * i + 1] << 8));
  }
  return values;
}

Image GoldenValues::frame(const std::string& name, int index) const {
  const std::vector<std::int64_t> size = shape(name);
  const std::vector<std::uint8_t> all = bytes(name);
  const std::size_t frame_bytes = 3UL * size[1] * size[2];
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(frame_bytes * index);
  return Image::rgb(static_cast<int>(size[2]), static_cast<int>(size[1]),
                    std::vector<std::uint8_t>(first, first + static_cast<std::ptrdiff_t>(frame_bytes)));
}

Core& MatterTest::core() {
  static Core* const one = liveedit_core_open(kCoreApiVersion, {});
  return *one;
}

std::filesystem::path MatterTest::golden(const std::string& file) {
  return std::filesystem::path(LIVEEDIT_BUILD_DIR) / "golden/rvm" / file;
}

std::unique_ptr<Matter> MatterTest::open(const std::filesystem::path& weights) {
  MatterConfig config;
  config.model = weights.string();
  config.device = "cpu";
  return core().create_matter(config, {});
}

MatteResult MatterTest::matte(Matter& stream, Image input, const MatteParams& params, Image& output) {
  Image submitted = input;
  stream.submit(7, submitted.view(), std::make_shared<const MatteParams>(params));
  submitted = Image(input.format(), input.width(), input.height());  // the caller may use it again at once
  EXPECT_EQ(stream.collectable(), 1);
  const MatteResult result = stream.collect(input.view(), output.view());
  EXPECT_EQ(result.id, 7U);
  EXPECT_EQ(stream.collectable(), 0);
  EXPECT_TRUE(output.padding_is_untouched());
  return result;
}

Image MatterTest::matte(Matter& stream, const Image& input, const MatteParams& params) {
  PixelFormat format = PixelFormat::kRgba;
  if (params.output == MatteOutput::kMatte) format = PixelFormat::kGray8;
  if (params.output == MatteOutput::kComposite) format = PixelFormat::kRgb;
  Image output(format, input.width(), input.height());
  EXPECT_NE(matte(stream, input, params, output).outcome, MatteOutcome::kHeld);
  return output;
}

}  // namespace liveedit::test
