// SPDX-License-Identifier: LGPL-2.1-or-later
// A picture that is mixed into each frame of a session before the frame is edited.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "server/picture/picture_reader.h"
#include "server/session/parameters.h"

namespace liveedit::server {

class ReferencePicture {
 public:
  // How much of it a frame becomes: 0 is the frame alone, 1 this picture alone.
  static constexpr const char* kRatioName = "blend-ratio";
  static constexpr double kUsualRatio = 0.5;
  // As a parameter among those of the element.
  static ParameterSpec ratio_parameter();

  // Reads a file and makes it fit into `box`, as frames are. Throws Error (kSettings) with a sentence for its sender.
  ReferencePicture(PictureReader* reader, std::string_view file, PictureSize box);
  // A picture of its own for another session.
  ReferencePicture(const ReferencePicture& other) : size_(other.size_), pixels_(other.pixels_) {}

  // Stretched to the frame's size, which is done once for frames of one size. RGBx, rows without gaps; any thread.
  void mix_into(uint8_t* frame, PictureSize size, double ratio);

 private:
  PictureSize size_;
  std::vector<uint8_t> pixels_;
  std::mutex mutex_;
  PictureSize stretched_size_;
  std::vector<uint8_t> stretched_;
};

}  // namespace liveedit::server
