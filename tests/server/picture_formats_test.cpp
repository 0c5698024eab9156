// SPDX-License-Identifier: LGPL-2.1-or-later
// PNG and WebP as JPEG: the same picture in all three, and what is no picture.
#include <png.h>
#include <webp/encode.h>

#include <vector>

#include <gtest/gtest.h>

#include "server/picture/picture_reader.h"
#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

using streaming::Error;

// Left half red, right half blue, with that alpha.
std::vector<uint8_t> halves(PictureSize size, uint8_t alpha = 255) {
  std::vector<uint8_t> pixels;
  for (uint32_t y = 0; y < size.height; ++y) {
    for (uint32_t x = 0; x < size.width; ++x) {
      const bool left = x < size.width / 2;
      pixels.insert(pixels.end(),
                    {static_cast<uint8_t>(left ? 220 : 20), 30, static_cast<uint8_t>(left ? 20 : 220), alpha});
    }
  }
  return pixels;
}

std::string png_of(const std::vector<uint8_t>& pixels, PictureSize size, uint32_t format = PNG_FORMAT_RGBA) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = size.width;
  image.height = size.height;
  image.format = format;
  png_alloc_size_t bytes = 0;
  EXPECT_TRUE(png_image_write_to_memory(&image, nullptr, &bytes, 0, pixels.data(), 0, nullptr));
  std::string file(bytes, '\0');
  EXPECT_TRUE(png_image_write_to_memory(&image, file.data(), &bytes, 0, pixels.data(), 0, nullptr));
  file.resize(bytes);
  return file;
}

std::string webp_of(const std::vector<uint8_t>& pixels, PictureSize size, bool lossless) {
  uint8_t* made = nullptr;
  const auto width = static_cast<int>(size.width), height = static_cast<int>(size.height);
  const size_t bytes = lossless ? WebPEncodeLosslessRGBA(pixels.data(), width, height, width * 4, &made)
                                : WebPEncodeRGBA(pixels.data(), width, height, width * 4, 90, &made);
  std::string file(reinterpret_cast<const char*>(made), bytes);
  WebPFree(made);
  return file;
}

struct Pixel {
  int red, green, blue;
};

struct Picture {
  PictureSize size;
  std::vector<uint8_t> pixels;
  Pixel at(double x, double y) const {
    const auto column = static_cast<size_t>(x * size.width), row = static_cast<size_t>(y * size.height);
    const uint8_t* pixel = &pixels[(row * size.width + column) * 4];
    return {pixel[0], pixel[1], pixel[2]};
  }
};

constexpr PictureSize kBox{512, 512};

Picture read(const std::string& file, PictureSize box = kBox, const PictureLimits& limits = PictureLimits()) {
  Picture picture;
  picture.pixels.resize(static_cast<size_t>(box.width) * box.height * 4);
  PictureReader reader(limits);
  picture.size = reader.read(file, box, picture.pixels.data());
  return picture;
}

std::string why(const std::string& file, const PictureLimits& limits = PictureLimits()) {
  try {
    read(file, kBox, limits);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

void expect_halves(const Picture& picture, PictureSize size, int tolerance) {
  EXPECT_EQ(picture.size.width, size.width);
  EXPECT_EQ(picture.size.height, size.height);
  const Pixel left = picture.at(0.2, 0.5), right = picture.at(0.8, 0.5);
  EXPECT_NEAR(left.red, 220, tolerance);
  EXPECT_NEAR(left.blue, 20, tolerance);
  EXPECT_NEAR(right.red, 20, tolerance);
  EXPECT_NEAR(right.blue, 220, tolerance);
  EXPECT_NEAR(left.green, 30, tolerance);
}

// A chunk that says it is a picture of that size, with nothing in it.
std::string png_head(uint32_t width, uint32_t height) {
  std::string file("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
  for (const uint32_t side : {width, height}) {
    for (int shift = 24; shift >= 0; shift -= 8) file += static_cast<char>(side >> shift);
  }
  return file + std::string("\x08\x02\0\0\0\0\0\0\0", 9);
}

TEST(PictureFormats, AllThreeGiveThePicture) {
  const PictureSize size{96, 64};
  const std::vector<uint8_t> pixels = halves(size);
  expect_halves(read(JpegWriter().write(pixels.data(), size, 95)), size, 8);
  expect_halves(read(png_of(pixels, size)), size, 0);
  expect_halves(read(webp_of(pixels, size, false)), size, 12);
  expect_halves(read(webp_of(pixels, size, true)), size, 0);
}

TEST(PictureFormats, FitIntoTheBox) {
  const PictureSize size{1000, 500};
  const std::vector<uint8_t> pixels = halves(size);
  for (const std::string& file : {png_of(pixels, size), webp_of(pixels, size, false), webp_of(pixels, size, true)})
    expect_halves(read(file, {256, 256}), {256, 128}, 12);
}

TEST(PictureFormats, GreyAndPaletteAreColoursToo) {
  const PictureSize size{32, 32};
  const Picture grey = read(png_of(std::vector<uint8_t>(size_t{32} * 32, 77), size, PNG_FORMAT_GRAY));
  EXPECT_EQ(grey.at(0.5, 0.5).red, 77);
  EXPECT_EQ(grey.at(0.5, 0.5).blue, 77);
}

TEST(PictureFormats, WhatIsTransparentIsSeenOnWhite) {
  const PictureSize size{64, 64};
  for (const bool webp : {false, true}) {
    const auto file = [&](uint8_t alpha) {
      return webp ? webp_of(halves(size, alpha), size, true) : png_of(halves(size, alpha), size);
    };
    const Pixel none = read(file(0)).at(0.2, 0.5), half = read(file(128)).at(0.2, 0.5);
    EXPECT_EQ(none.red, 255);
    EXPECT_EQ(none.blue, 255);
    EXPECT_NEAR(half.red, 237, 2);
    EXPECT_NEAR(half.blue, 137, 2);
  }
}

TEST(PictureFormats, SizesAreLimited_n) {
  const PictureLimits limits{1 << 20, 100};
  const auto file = [](PictureSize size, int format) {
    const std::vector<uint8_t> pixels = halves(size);
    return format == 0   ? JpegWriter().write(pixels.data(), size, 90)
           : format == 1 ? png_of(pixels, size)
                         : webp_of(pixels, size, true);
  };
  for (int format = 0; format < 3; ++format) {
    EXPECT_EQ(why(file({100, 16}, format), limits), "");
    EXPECT_EQ(why(file({16, 100}, format), limits), "");
    EXPECT_EQ(why(file({101, 16}, format), limits), "A picture has 16 to 100 pixels a side, not 101x16.");
    EXPECT_EQ(why(file({16, 101}, format), limits), "A picture has 16 to 100 pixels a side, not 16x101.");
    EXPECT_EQ(why(file({15, 32}, format), limits), "A picture has 16 to 100 pixels a side, not 15x32.");
  }
  const std::string whole = file({64, 64}, 1);
  EXPECT_EQ(why(whole, {whole.size(), 100}), "");
  EXPECT_EQ(why(whole, {whole.size() - 1, 100}),
            "A picture has " + std::to_string(whole.size() - 1) + " bytes at most.");
}

// Nothing but the head is there: if it were decoded, that would be what is said.
TEST(PictureFormats, BombsAreRefusedByTheirHead_n) {
  EXPECT_EQ(why(png_head(0x7fffffff, 0x7fffffff)),
            "A picture has 16 to 4096 pixels a side, not 2147483647x2147483647.");
  EXPECT_EQ(why(png_head(4097, 16)), "A picture has 16 to 4096 pixels a side, not 4097x16.");
  EXPECT_EQ(why(png_head(0, 0)), "A picture has 16 to 4096 pixels a side, not 0x0.");
  EXPECT_TRUE(why(png_head(4096, 4096)).starts_with("The PNG picture is damaged"));
  // VP8L: 14 bits of width and height.
  std::string webp("RIFF\x1a\0\0\0WEBPVP8L\x0e\0\0\0\x2f\xff\xff\xff\x0f\0\0\0\0\0\0\0\0\0", 34);
  EXPECT_EQ(why(webp), "A picture has 16 to 4096 pixels a side, not 16384x16384.");
}

TEST(PictureFormats, DamagedAndForeignFilesAreRefused_n) {
  const PictureSize size{64, 64};
  const std::vector<uint8_t> pixels = halves(size);
  const std::string png = png_of(pixels, size), webp = webp_of(pixels, size, true);
  EXPECT_TRUE(why(png.substr(0, png.size() / 2)).starts_with("The PNG picture is damaged"));
  EXPECT_EQ(why(png.substr(0, 10)), "This PNG picture has no head.");
  EXPECT_EQ(why(webp.substr(0, webp.size() / 2)), "The WebP picture is damaged.");
  EXPECT_EQ(why(webp.substr(0, 14)), "This WebP picture has no head that can be read.");
  for (const char* text : {"", "GIF89a....................", "<svg></svg>........", "BM......"})
    EXPECT_EQ(why(text), "This is not a JPEG, PNG or WebP picture.");
}

TEST(PictureFormats, AnimatedWebpIsRefused_n) {
  // VP8X with the animation bit.
  const std::string film("RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x3f\0\0\x3f\0\0", 30);
  EXPECT_EQ(why(film), "This WebP file is a film, not a picture.");
}

}  // namespace
}  // namespace liveedit::server
