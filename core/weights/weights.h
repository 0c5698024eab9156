// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <ATen/ATen.h>

#include "core/weights/checkpoint.h"

namespace liveedit::weights {

// The tensors of a checkpoint below one prefix, converted to a dtype and device as they are taken.
// Cheap to copy; networks take their parts by sub("down_blocks.0").
class Weights {
 public:
  Weights(std::shared_ptr<const Checkpoint> checkpoint, at::ScalarType dtype, at::Device device);

  Weights sub(const std::string& name) const;

  // The tensor, contiguous. Throws Error(kBadModel) naming file, tensor, found and expected shape.
  at::Tensor get(const std::string& name, at::IntArrayRef shape) const;
  // The same, or nothing where the checkpoint has no such tensor.
  std::optional<at::Tensor> find(const std::string& name, at::IntArrayRef shape) const;
  bool has(const std::string& name) const;

  at::ScalarType dtype() const { return dtype_; }
  at::Device device() const { return device_; }
  at::TensorOptions options() const { return at::TensorOptions().dtype(dtype_).device(device_); }

 private:
  std::shared_ptr<const Checkpoint> checkpoint_;
  std::string prefix_;
  at::ScalarType dtype_;
  at::Device device_;
};

}  // namespace liveedit::weights
