// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cmath>
#include <fstream>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>

#include "server/picture/jpeg.h"
#include "server/picture/scale.h"
#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

using streaming::Error;

std::vector<uint8_t> plain(PictureSize size, uint8_t red, uint8_t green, uint8_t blue) {
  std::vector<uint8_t> pixels(static_cast<size_t>(size.width) * size.height * 4);
  for (size_t i = 0; i < pixels.size(); i += 4) {
    pixels[i] = red;
    pixels[i + 1] = green;
    pixels[i + 2] = blue;
    pixels[i + 3] = 255;
  }
  return pixels;
}

std::string jpeg(PictureSize size) {
  return JpegWriter().write(plain(size, 200, 40, 90).data(), size, 90);
}

std::string why(const std::string& file, const PictureLimits& limits = {}) {
  std::vector<uint8_t> pixels(512 * 512 * 4);
  try {
    JpegReader(limits).read(file, {512, 512}, pixels.data());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Scale, IsTheMeanOfWhatIsCovered) {
  // Compared with sums in double precision, for sizes that divide and sizes that do not.
  for (const auto& [from, to] : {std::pair<PictureSize, PictureSize>{{64, 48}, {32, 24}},
                                 {{64, 48}, {63, 47}},
                                 {{101, 37}, {16, 16}},
                                 {{40, 40}, {40, 40}},
                                 {{33, 17}, {16, 17}}}) {
    std::vector<uint8_t> pixels(static_cast<size_t>(from.width) * from.height * 4);
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i * 7919 % 251);
    std::vector<uint8_t> scaled(static_cast<size_t>(to.width) * to.height * 4);
    scale_picture(pixels.data(), from, scaled.data(), to);
    for (uint32_t y = 0; y < to.height; ++y) {
      for (uint32_t x = 0; x < to.width; ++x) {
        const double left = static_cast<double>(x) * from.width / to.width, right = (x + 1.0) * from.width / to.width,
                     top = static_cast<double>(y) * from.height / to.height,
                     bottom = (y + 1.0) * from.height / to.height;
        double sum = 0, area = 0;
        for (auto row = static_cast<uint32_t>(top); row < bottom && row < from.height; ++row) {
          for (auto column = static_cast<uint32_t>(left); column < right && column < from.width; ++column) {
            const double part = (std::min(right, column + 1.0) - std::max(left, 1.0 * column)) *
                                (std::min(bottom, row + 1.0) - std::max(top, 1.0 * row));
            sum += part * pixels[(static_cast<size_t>(row) * from.width + column) * 4 + 1];
            area += part;
          }
        }
        ASSERT_NEAR(scaled[(static_cast<size_t>(y) * to.width + x) * 4 + 1], sum / area, 2.5) << x << "," << y;
      }
    }
  }
}

TEST(Pictures, FitAndKeepTheirShape) {
  const auto fit = [](PictureSize size) {
    const PictureSize to = fitted(size, {512, 384});
    return std::pair(to.width, to.height);
  };
  EXPECT_EQ(fit({512, 384}), std::pair(512u, 384u));
  EXPECT_EQ(fit({1024, 768}), std::pair(512u, 384u));
  EXPECT_EQ(fit({100, 50}), std::pair(100u, 50u));
  EXPECT_EQ(fit({4096, 16}), std::pair(512u, 16u));
  EXPECT_EQ(fit({16, 4096}), std::pair(16u, 384u));
  EXPECT_EQ(fit({333, 333}), std::pair(332u, 332u));
}

TEST(Pictures, AreReadAndWritten) {
  for (const PictureSize size : {PictureSize{512, 512}, {640, 480}, {4096, 4096}, {16, 16}, {513, 511}, {2000, 100}}) {
    std::vector<uint8_t> pixels(512 * 512 * 4 + 1, 77);
    const PictureSize got = JpegReader({}).read(jpeg(size), {512, 512}, pixels.data());
    const PictureSize wanted = fitted(size, {512, 512});
    EXPECT_EQ(got.width, wanted.width);
    EXPECT_EQ(got.height, wanted.height);
    const size_t middle = (static_cast<size_t>(got.height / 2) * got.width + got.width / 2) * 4;
    EXPECT_NEAR(pixels[middle], 200, 6);
    EXPECT_NEAR(pixels[middle + 1], 40, 6);
    EXPECT_NEAR(pixels[middle + 2], 90, 6);
    EXPECT_EQ(pixels.back(), 77) << "nothing is written beyond the slot";
  }
}

TEST(Pictures, BeyondTheLimitsAreRefused_n) {
  const std::string file = jpeg({300, 200});
  EXPECT_EQ(why(file, {file.size(), 300}), "");
  EXPECT_NE(why(file, {file.size() - 1, 300}).find("bytes"), std::string::npos);
  EXPECT_NE(why(file, {file.size(), 299}).find("299"), std::string::npos);
  EXPECT_NE(why(jpeg({15, 16})).find("16"), std::string::npos);
}

TEST(Pictures, ThatAreNoneAreRefused_n) {
  const std::string file = jpeg({300, 200});
  for (const std::string& text : {std::string(), std::string("\xff\xd8\xff"), std::string("GIF89a"),
                                  std::string(1000, '\0'), file.substr(1), file.substr(0, 100)})
    EXPECT_EQ(why(text), "This is not a JPEG picture.") << text.size();
}

TEST(Pictures, ABombIsRefusedByItsHead_n) {
  // 65500 x 65500 in the head of a small file.
  std::string file = jpeg({300, 200});
  const size_t head = file.find("\xff\xc0");
  ASSERT_NE(head, std::string::npos);
  file.replace(head + 5, 4, "\xff\xdc\xff\xdc");
  EXPECT_NE(why(file).find("65500x65500"), std::string::npos);
}

TEST(Pictures, EveryCutAndEveryFlipIsSurvived_n) {
  const std::string file = jpeg({96, 80});
  JpegReader reader({});
  std::vector<uint8_t> pixels(512 * 512 * 4);
  const auto read = [&](const std::string& text) {
    try {
      reader.read(text, {512, 512}, pixels.data());
    } catch (const Error&) {
      // Refused, which is as good.
    }
  };
  for (size_t length = 0; length < file.size(); ++length) read(file.substr(0, length));
  for (size_t i = 0; i < file.size(); ++i) {
    std::string flipped = file;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
    read(flipped);
  }
  EXPECT_NO_THROW(reader.read(file, {512, 512}, pixels.data()));  // and it still reads
  EXPECT_NEAR(pixels[0], 200, 6);
}

}  // namespace
}  // namespace liveedit::server
