// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>

namespace liveedit::weights {

// One of PyTorch's pickle formats, by its ending (.bin, .pt, .pth, .ckpt).
bool is_pickle(const std::filesystem::path& file);

// Throws Error(kBadModel) with advice where the file's ending is one of PyTorch's pickle formats (.bin, .pt, .pth,
// .ckpt): reading those runs code from the file, so they are never opened.
void refuse_pickle(const std::filesystem::path& file);

}  // namespace liveedit::weights
