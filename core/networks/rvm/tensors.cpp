// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/rvm/tensors.h"

#include "core/api/error.h"
#include "core/weights/weights.h"

namespace liveedit::networks::rvm {
namespace {

std::string text_of(at::IntArrayRef shape) {
  std::string text = "[";
  for (const std::int64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

}  // namespace

Tensors::Tensors(std::shared_ptr<const weights::Checkpoint> checkpoint, std::string variant)
    : checkpoint_(std::move(checkpoint)), variant_(std::move(variant)) {}

Tensors Tensors::sub(const std::string& name) const {
  Tensors inner = *this;
  inner.prefix_ += name + ".";
  return inner;
}

bool Tensors::has(const std::string& name) const {
  return checkpoint_->find(prefix_ + name).entry != nullptr;
}

at::Tensor Tensors::get(const std::string& name, at::IntArrayRef shape) const {
  const weights::Checkpoint::Found found = checkpoint_->find(prefix_ + name);
  if (found.entry == nullptr || shape != at::IntArrayRef(found.entry->shape)) {
    throw Error(ErrorKind::kBadModel,
                checkpoint_->path().string() + " has the tensors of Robust Video Matting's " + variant_ +
                    " variant, but '" + prefix_ + name + "' " +
                    (found.entry == nullptr ? "is missing" : "has shape " + text_of(found.entry->shape)) +
                    ", expected " + text_of(shape) +
                    "; the file is incomplete or of another network: download it again.");
  }
  return weights::Weights(checkpoint_, at::kFloat, at::kCPU).get(prefix_ + name, shape);
}

}  // namespace liveedit::networks::rvm
