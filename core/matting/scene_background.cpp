// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/matting/scene_background.h"

#include <algorithm>

#include <ATen/Parallel.h>

namespace liveedit::matting {
namespace {

constexpr int kBandRows = 32;

void each_row(int height, const std::function<void(kernels::RowRange)>& work) {
  at::parallel_for(0, height, 8, [&](std::int64_t begin, std::int64_t end) {
    work({static_cast<int>(begin), static_cast<int>(end)});
  });
}

}  // namespace

void each_band(int height, const std::function<void(kernels::RowRange)>& work) {
  const int bands = (height + kBandRows - 1) / kBandRows;
  at::parallel_for(0, bands, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const int first = static_cast<int>(i) * kBandRows;
      work({first, std::min(height, first + kBandRows)});
    }
  });
}

kernels::SmallPicture small_layout(int height, int width, int channels, float deviation) {
  kernels::SmallPicture picture;
  picture.factor = std::max(1, static_cast<int>(deviation / 2));
  picture.height = (height + picture.factor - 1) / picture.factor;
  picture.width = (width + picture.factor - 1) / picture.factor;
  picture.channels = channels;
  return picture;
}

kernels::Background SceneBackground::prepare(const MatteParams& params, const FrameView& original,
                                             const std::uint16_t* alpha) {
  kernels::Background background;
  background.color = params.background_color;
  if (params.output != MatteOutput::kComposite) return background;
  if (params.background_image) {
    cover(params.background_image, original.height, original.width);
    background.image = covered_.data();
  } else if (params.background_blur > 0) {
    const kernels::SmallPicture picture = small(original.height, original.width, 4, params.background_blur);
    each_row(picture.height,
             [&](kernels::RowRange rows) { kernels::shrink_background_cpu(original, alpha, picture, rows); });
    blur(picture, params.background_blur);
    each_row(picture.height, [&](kernels::RowRange rows) { kernels::divide_by_weight_cpu(picture, rows); });
    background.soft = picture;
  }
  return background;
}

void SceneBackground::feather(std::vector<std::uint16_t>& alpha, int height, int width, float deviation) {
  const kernels::SmallPicture picture = small(height, width, 1, deviation);
  each_row(picture.height,
           [&](kernels::RowRange rows) { kernels::shrink_alpha_cpu(alpha.data(), height, width, picture, rows); });
  blur(picture, deviation);
  each_row(height,
           [&](kernels::RowRange rows) { kernels::enlarge_alpha_cpu(picture, height, width, alpha.data(), rows); });
}

kernels::SmallPicture SceneBackground::small(int height, int width, int channels, float deviation) {
  kernels::SmallPicture picture = small_layout(height, width, channels, deviation);
  small_.resize(static_cast<std::size_t>(picture.height) * picture.width * channels);
  other_.resize(small_.size());
  picture.data = small_.data();
  return picture;
}

void SceneBackground::blur(const kernels::SmallPicture& picture, float deviation) {
  const float small_deviation = deviation / static_cast<float>(picture.factor);
  kernels::SmallPicture other = picture;
  other.data = other_.data();
  each_row(picture.height,
           [&](kernels::RowRange rows) { kernels::blur_columns_cpu(picture, other, small_deviation, rows); });
  each_row(picture.height,
           [&](kernels::RowRange rows) { kernels::blur_rows_cpu(other, picture, small_deviation, rows); });
}

void SceneBackground::cover(const std::shared_ptr<const BackgroundPicture>& image, int height, int width) {
  if (image == image_ && height == covered_height_ && width == covered_width_) return;
  covered_.resize(3 * static_cast<std::size_t>(height) * width);
  each_row(height, [&](kernels::RowRange rows) { kernels::cover_cpu(*image, covered_.data(), height, width, rows); });
  image_ = image;
  covered_height_ = height;
  covered_width_ = width;
}

}  // namespace liveedit::matting
