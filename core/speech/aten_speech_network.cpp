// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/speech/aten_speech_network.h"

namespace liveedit::speech {
namespace {

class AtenSpeechNetwork final : public SpeechNetwork {
 public:
  explicit AtenSpeechNetwork(std::shared_ptr<const SpeechModel> model) : model_(std::move(model)) {}

  void listen(const at::Tensor& mel) override {
    const SpeechSource& source = model_->source;
    networks::WhisperEncoded encoded = model_->encoder(mel.unsqueeze(0).to(source.device, source.dtype));
    if (source.device.is_cpu()) encoded.hidden = encoded.hidden.to(at::kFloat);
    sound_ = model_->decoder.embed_sound(encoded);
    memory_ = {};
  }

  at::Tensor write(const at::Tensor& tokens, const std::vector<std::int64_t>& places) override {
    if (memory_.batch() == 0) memory_ = model_->decoder.empty_memory(tokens.size(0));
    const at::Device device = model_->source.device;
    const at::Tensor hidden = model_->decoder.forward(tokens.to(device), sound_, memory_);
    return model_->decoder.logits(hidden.index_select(1, at::tensor(places, at::kLong).to(device))).cpu();
  }

  void take_rows(const std::vector<std::int64_t>& rows) override { memory_.take_rows(rows); }
  void rewind(std::int64_t length) override { memory_.length = length; }
  std::int64_t length() const override { return memory_.length; }

 private:
  std::shared_ptr<const SpeechModel> model_;
  networks::WhisperSound sound_;
  networks::WhisperMemory memory_;
};

}  // namespace

std::unique_ptr<SpeechNetwork> make_aten_speech_network(std::shared_ptr<const SpeechModel> model) {
  return std::make_unique<AtenSpeechNetwork>(std::move(model));
}

}  // namespace liveedit::speech
