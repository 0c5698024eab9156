// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/api/core.h"

namespace liveedit::test {

// An RGB picture in host memory.
struct Picture {
  Picture(int width, int height) : width(width), height(height), bytes(static_cast<std::size_t>(width) * height * 3) {}
  FrameView view() {
    FrameView frame;
    frame.width = width;
    frame.height = height;
    frame.planes[0] = bytes.data();
    frame.strides[0] = width * 3;
    return frame;
  }
  bool operator==(const Picture&) const = default;

  int width;
  int height;
  std::vector<std::uint8_t> bytes;
};

// Bars over a gradient, further to the right with each `index`.
Picture moving_picture(int width, int height, int index);

// The largest difference of two pictures of one size, in 8-bit levels.
int largest_difference(const Picture& a, const Picture& b);

struct Collected {
  FrameResult result;
  Picture picture;
};

// A stream on a tiny model of the golden files, through the library's one door.
class CoreTest : public testing::Test {
 protected:
  static Core& core();
  static std::filesystem::path model_folder(const std::string& name);
  static std::unique_ptr<Diffuser> open(const std::filesystem::path& model);

  static std::shared_ptr<EditParams> params(const std::string& prompt);
  // Submits; returns what became collectable.
  static std::vector<Collected> feed(Diffuser& stream, std::uint64_t id, const Picture& picture,
                                     std::shared_ptr<const EditParams> params, std::vector<Picture>& inside);
  static std::vector<Collected> collect_all(Diffuser& stream, std::vector<Picture>& inside);
  // One frame in, one frame out.
  static Collected edit(Diffuser& stream, const Picture& picture, std::shared_ptr<const EditParams> params);
};

}  // namespace liveedit::test
