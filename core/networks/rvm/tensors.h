// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>

#include <ATen/ATen.h>

#include "core/weights/checkpoint.h"

namespace liveedit::networks::rvm {

// The tensors of one RVM file below one prefix, in fp32 on the CPU: normalisation is folded there before anything is
// converted. Cheap to copy.
class Tensors {
 public:
  // `variant` is for messages.
  Tensors(std::shared_ptr<const weights::Checkpoint> checkpoint, std::string variant);

  Tensors sub(const std::string& name) const;
  bool has(const std::string& name) const;
  // Throws Error(kBadModel) naming file, variant, tensor, and the shape that was found and expected.
  at::Tensor get(const std::string& name, at::IntArrayRef shape) const;

 private:
  std::shared_ptr<const weights::Checkpoint> checkpoint_;
  std::string variant_;
  std::string prefix_;
};

}  // namespace liveedit::networks::rvm
