// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/weights.h"

#include "core/api/error.h"

namespace liveedit::weights {

namespace {

at::ScalarType scalar_type(TensorDtype dtype) {
  switch (dtype) {
    case TensorDtype::kF64:
      return at::kDouble;
    case TensorDtype::kF32:
      return at::kFloat;
    case TensorDtype::kF16:
      return at::kHalf;
    case TensorDtype::kBf16:
      return at::kBFloat16;
    case TensorDtype::kF8E4m3:
      return at::kFloat8_e4m3fn;
    case TensorDtype::kF8E5m2:
      return at::kFloat8_e5m2;
    case TensorDtype::kI64:
      return at::kLong;
    case TensorDtype::kI32:
      return at::kInt;
    case TensorDtype::kI16:
      return at::kShort;
    case TensorDtype::kI8:
      return at::kChar;
    case TensorDtype::kU8:
      return at::kByte;
    case TensorDtype::kBool:
      return at::kByte;  // a file may hold any byte there, torch's bool only 0 and 1
  }
  throw Error(ErrorKind::kBadModel, "A tensor has a dtype without a counterpart in torch.");
}

std::string shape_text(at::IntArrayRef shape) {
  std::string text = "[";
  for (const std::int64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

}  // namespace

Weights::Weights(std::shared_ptr<const Checkpoint> checkpoint, at::ScalarType dtype, at::Device device)
    : checkpoint_(std::move(checkpoint)), dtype_(dtype), device_(device) {}

Weights Weights::sub(const std::string& name) const {
  Weights inner = *this;
  inner.prefix_ += name + ".";
  return inner;
}

bool Weights::has(const std::string& name) const {
  return checkpoint_->find(prefix_ + name).entry != nullptr;
}

std::optional<at::Tensor> Weights::find(const std::string& name, at::IntArrayRef shape) const {
  const Checkpoint::Found found = checkpoint_->find(prefix_ + name);
  if (found.entry == nullptr) return std::nullopt;
  // Compared before anything is allocated: a file cannot ask for more memory than the network expects.
  if (shape != at::IntArrayRef(found.entry->shape)) {
    throw Error(ErrorKind::kBadModel, found.file->path().string() + ": tensor '" + prefix_ + name + "' has shape " +
                                          shape_text(found.entry->shape) + ", expected " + shape_text(shape) +
                                          ": the weights do not belong to this config.json.");
  }
  at::Tensor raw = at::empty(shape, at::TensorOptions().dtype(scalar_type(found.entry->dtype)));
  found.file->read(*found.entry, {static_cast<std::byte*>(raw.data_ptr()), raw.nbytes()});
  if (found.entry->dtype == TensorDtype::kBool) raw = raw.ne(0);
  return raw.to(device_).to(dtype_);
}

at::Tensor Weights::get(const std::string& name, at::IntArrayRef shape) const {
  std::optional<at::Tensor> found = find(name, shape);
  if (!found) {
    throw Error(ErrorKind::kBadModel, checkpoint_->path().string() + " has no tensor '" + prefix_ + name +
                                          "' of shape " + shape_text(shape) + ", which its config.json asks for.");
  }
  return *std::move(found);
}

}  // namespace liveedit::weights
