// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/runtime/stream_fixture.h"

#include <algorithm>
#include <cstdlib>

namespace liveedit::test {

Picture moving_picture(int width, int height, int index) {
  Picture picture(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::uint8_t* pixel = &picture.bytes[(static_cast<std::size_t>(y) * width + x) * 3];
      const bool bar = (x + width - index % width) % width < 4;
      pixel[0] = static_cast<std::uint8_t>(255 * x / width);
      pixel[1] = static_cast<std::uint8_t>(255 * y / height);
      pixel[2] = bar ? 240 : 30;
    }
  }
  return picture;
}

int largest_difference(const Picture& a, const Picture& b) {
  if (a.width != b.width || a.height != b.height) return 256;
  int largest = 0;
  for (std::size_t i = 0; i < a.bytes.size(); ++i) largest = std::max(largest, std::abs(a.bytes[i] - b.bytes[i]));
  return largest;
}

Core& CoreTest::core() {
  static Core* const one = liveedit_core_open(kCoreApiVersion, {});
  return *one;
}

std::filesystem::path CoreTest::model_folder(const std::string& name) {
  return std::filesystem::path(LIVEEDIT_BUILD_DIR) / "golden/img2img/models" / name;
}

std::unique_ptr<Diffuser> CoreTest::open(const std::filesystem::path& model) {
  DiffuserConfig config;
  config.model = model.string();
  config.device = "cpu";
  config.dtype = Dtype::kFp32;
  return core().create_diffuser(config, {});
}

std::shared_ptr<EditParams> CoreTest::params(const std::string& prompt) {
  auto one = std::make_shared<EditParams>();
  one->prompt = prompt;
  return one;
}

std::vector<Collected> CoreTest::collect_all(Diffuser& stream, std::vector<Picture>& inside) {
  std::vector<Collected> out;
  while (stream.collectable() > 0) {
    Picture original = inside.front();
    inside.erase(inside.begin());
    Picture output(original.width, original.height);
    const FrameResult result = stream.collect(original.view(), output.view());
    out.push_back({result, output});
  }
  return out;
}

std::vector<Collected> CoreTest::feed(Diffuser& stream, std::uint64_t id, const Picture& picture,
                                      std::shared_ptr<const EditParams> params, std::vector<Picture>& inside) {
  Picture copy = picture;
  stream.submit(id, copy.view(), std::move(params));
  std::fill(copy.bytes.begin(), copy.bytes.end(), 77);  // the caller may use it again at once
  inside.push_back(picture);
  return collect_all(stream, inside);
}

Collected CoreTest::edit(Diffuser& stream, const Picture& picture, std::shared_ptr<const EditParams> params) {
  std::vector<Picture> inside;
  auto out = feed(stream, 1, picture, std::move(params), inside);
  EXPECT_EQ(out.size(), 1U);
  return out.at(0);
}

}  // namespace liveedit::test
