// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/cuda_matte_scene.h"

#include <algorithm>

#include "core/matting/scene_background.h"
#include "core/runtime/cuda_stream.h"

namespace liveedit::runtime {
namespace {

void grow(at::Tensor& tensor, std::int64_t count, const at::TensorOptions& options) {
  if (!tensor.defined() || tensor.numel() < count) tensor = at::empty({count}, options);
}

}  // namespace

void CudaMatteScene::write(const MatteParams& params, const FrameView& original, const std::uint16_t* alpha,
                           const kernels::MatteField& field, const std::uint32_t* bad, const FrameView& out) {
  kernels::MatteScene scene;
  scene.output = params.output;
  scene.original = original;
  scene.field = field;
  scene.alpha = shaped(params, original, alpha);
  scene.background = background(params, original, scene.alpha);
  kernels::write_scene_cuda(scene, out, bad, current_cuda_stream());
}

const std::uint16_t* CudaMatteScene::shaped(const MatteParams& params, const FrameView& original,
                                            const std::uint16_t* alpha) {
  if (params.threshold <= 0 && params.feather <= 0) return alpha;
  const std::int64_t count = static_cast<std::int64_t>(original.height) * original.width;
  grow(shaped_, count, at::TensorOptions().dtype(at::kShort).device(device_));
  auto* values = reinterpret_cast<std::uint16_t*>(shaped_.data_ptr<std::int16_t>());
  void* stream = current_cuda_stream();
  kernels::threshold_alpha_cuda(alpha, values, static_cast<std::uint64_t>(count), params.threshold, stream);
  if (params.feather > 0) {
    const kernels::SmallPicture picture = small(original.height, original.width, 1, params.feather);
    kernels::SmallPicture other = picture;
    other.data = other_.data_ptr<float>();
    kernels::shrink_alpha_cuda(values, original.height, original.width, picture, stream);
    kernels::blur_cuda(picture, other, params.feather / static_cast<float>(picture.factor), stream);
    kernels::enlarge_alpha_cuda(picture, original.height, original.width, values, stream);
  }
  return values;
}

kernels::SmallPicture CudaMatteScene::small(int height, int width, int channels, float deviation) {
  kernels::SmallPicture picture = matting::small_layout(height, width, channels, deviation);
  const std::int64_t count = static_cast<std::int64_t>(picture.height) * picture.width * channels;
  const auto options = at::TensorOptions().dtype(at::kFloat).device(device_);
  grow(small_, count, options);
  grow(other_, count, options);
  picture.data = small_.data_ptr<float>();
  return picture;
}

kernels::Background CudaMatteScene::background(const MatteParams& params, const FrameView& original,
                                               const std::uint16_t* alpha) {
  kernels::Background background;
  background.color = params.background_color;
  if (params.output != MatteOutput::kComposite) return background;
  if (params.background_image) {
    if (params.background_image != image_ || original.height != covered_height_ || original.width != covered_width_) {
      const at::Tensor covered = at::empty({original.height, original.width, 3}, at::kByte);
      kernels::cover_cpu(*params.background_image, covered.data_ptr<std::uint8_t>(), original.height, original.width,
                         {0, original.height});
      covered_ = covered.to(device_);
      image_ = params.background_image;
      covered_height_ = original.height;
      covered_width_ = original.width;
    }
    background.image = covered_.data_ptr<std::uint8_t>();
  } else if (params.background_blur > 0) {
    const kernels::SmallPicture picture = small(original.height, original.width, 4, params.background_blur);
    kernels::SmallPicture other = picture;
    other.data = other_.data_ptr<float>();
    void* stream = current_cuda_stream();
    kernels::shrink_background_cuda(original, alpha, picture, stream);
    kernels::blur_cuda(picture, other, params.background_blur / static_cast<float>(picture.factor), stream);
    kernels::divide_by_weight_cuda(picture, stream);
    background.soft = picture;
  }
  return background;
}

}  // namespace liveedit::runtime
