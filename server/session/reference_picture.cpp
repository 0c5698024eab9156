// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/session/reference_picture.h"

#include "server/link/frame_memory.h"
#include "server/picture/blend.h"

namespace liveedit::server {
namespace {

size_t pixels_of(PictureSize size) {
  return static_cast<size_t>(size.width) * size.height;
}

}  // namespace

ParameterSpec ReferencePicture::ratio_parameter() {
  ParameterSpec spec;
  spec.name = kRatioName;
  spec.key = "blend_ratio";
  spec.title = "Blend ratio";
  spec.about = "How much of the reference picture is mixed into each frame before it is edited; 0: the frame alone.";
  spec.type = "number";
  spec.element_default = spec.shown_default = kUsualRatio;
  spec.min = 0;
  spec.max = 1;
  return spec;
}

ReferencePicture::ReferencePicture(PictureReader* reader, std::string_view file, PictureSize box)
    : pixels_(pixels_of(box) * kPixelBytes) {
  size_ = reader->read(file, box, pixels_.data());
  pixels_.resize(pixels_of(size_) * kPixelBytes);
  pixels_.shrink_to_fit();
}

void ReferencePicture::mix_into(uint8_t* frame, PictureSize size, double ratio) {
  const std::lock_guard lock(mutex_);
  if (stretched_size_.width != size.width || stretched_size_.height != size.height) {
    stretched_.resize(pixels_of(size) * kPixelBytes);
    stretch_picture(pixels_.data(), size_, stretched_.data(), size);
    stretched_size_ = size;
  }
  mix_pictures(frame, stretched_.data(), pixels_of(size), ratio);
}

}  // namespace liveedit::server
