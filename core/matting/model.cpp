// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/matting/model.h"

#include "core/api/error.h"
#include "core/weights/model_places.h"

namespace liveedit::matting {

std::shared_ptr<Model> load_model(const std::filesystem::path& file, const networks::rvm::Target& target,
                                  const ProgressSink& progress) {
  if (progress && !progress({"Loading the matting network", -1})) {
    throw Error(ErrorKind::kUnavailable, "Loading the matting network was stopped.");
  }
  const auto checkpoint = weights::Checkpoint::open(file);
  std::uint64_t elements = 0;
  for (const std::string& name : checkpoint->names()) {
    const weights::TensorEntry& entry = *checkpoint->find(name).entry;
    elements += (entry.end - entry.begin) / weights::dtype_bytes(entry.dtype);
  }
  return std::make_shared<Model>(
      Model{file, networks::rvm::Rvm(checkpoint, target), elements * c10::elementSize(target.dtype)});
}

std::filesystem::path locate_weights(const std::string& model) {
  weights::WantedFile wanted;
  wanted.names = {"rvm_mobilenetv3.safetensors", "rvm_resnet50.safetensors"};
  wanted.what = "matting weights";
  wanted.advice =
      "To get them: curl -LO https://github.com/PeterL1n/RobustVideoMatting/releases/download/v1.0.0/"
      "rvm_mobilenetv3.pth && scripts/convert-weights rvm_mobilenetv3.pth (the file then lies where it is found).";
  return weights::locate_file(model, wanted);
}

}  // namespace liveedit::matting
