// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/pickle.h"

#include <algorithm>
#include <array>

#include "core/api/error.h"

namespace liveedit::weights {

bool is_pickle(const std::filesystem::path& file) {
  static constexpr std::array<const char*, 4> kEndings{".bin", ".pt", ".pth", ".ckpt"};
  const std::string ending = file.extension().string();
  return std::any_of(kEndings.begin(), kEndings.end(), [&ending](const char* known) { return ending == known; });
}

void refuse_pickle(const std::filesystem::path& file) {
  if (!is_pickle(file)) return;
  throw Error(ErrorKind::kBadModel,
              file.string() +
                  " is a pickle file, which can run code when it is read, so it is not opened. Use the model's "
                  ".safetensors files, or convert it where you trust it: load it with diffusers in Python and call "
                  "save_pretrained(folder, safe_serialization=True).");
}

}  // namespace liveedit::weights
