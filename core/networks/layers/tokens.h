// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/ATen.h>

namespace liveedit::networks {

// [B, C, h, w] -> [B, h*w, C]; a view where x is channels-last.
inline at::Tensor picture_to_tokens(const at::Tensor& x) {
  return x.permute({0, 2, 3, 1}).reshape({x.size(0), x.size(2) * x.size(3), x.size(1)});
}

// [B, h*w, C] -> [B, C, h, w], a channels-last view where the tokens are contiguous.
inline at::Tensor tokens_to_picture(const at::Tensor& tokens, std::int64_t height, std::int64_t width) {
  return tokens.reshape({tokens.size(0), height, width, tokens.size(2)}).permute({0, 3, 1, 2});
}

}  // namespace liveedit::networks
