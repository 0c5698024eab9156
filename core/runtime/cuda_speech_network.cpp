// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/runtime/cuda_speech_network.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <utility>

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>

#include "core/kernels/whisper_token.h"
#include "core/networks/whisper/whisper_attention.h"
#include "core/runtime/cuda_repeated_work.h"
#include "core/runtime/cuda_whisper_step.h"
#include "core/speech/log_mel.h"
#include "core/speech/token_rules.h"

namespace liveedit::runtime {
namespace {

using kernels::TokenState;
using speech::ChosenToken;
using speech::LogMel;

// Lengths of sound that share a graph.
constexpr std::int64_t kFramesStep = 100;

// Tokens that are chosen before the host looks whether the text has ended. Behind the end the rest is idle work.
constexpr std::int64_t kTokensAtOnce = 4;

// Longer prompts go through torch, all tokens at once.
constexpr std::int64_t kMostSteps = 8;

constexpr std::int64_t kStateSize = sizeof(TokenState) / sizeof(std::int32_t);

at::Tensor pinned(at::IntArrayRef shape, at::ScalarType dtype) {
  return at::empty(shape, at::TensorOptions().dtype(dtype).pinned_memory(true));
}

networks::WhisperSound room_for_sound(const networks::WhisperOptions& options, const at::TensorOptions& like) {
  networks::WhisperSound sound;
  const std::int64_t heads = options.decoder.heads;
  const auto empty = [&] { return at::zeros({1, heads, options.source_positions, options.channels / heads}, like); };
  for (std::int64_t i = 0; i < options.decoder.layers; ++i) sound.layers.emplace_back(empty(), empty());
  return sound;
}

class CudaSpeechNetwork final : public speech::SpeechNetwork {
 public:
  explicit CudaSpeechNetwork(std::shared_ptr<const speech::SpeechModel> model)
      : model_(std::move(model)),
        device_(model_->source.device),
        stream_(c10::cuda::getStreamFromPool(true, device_.index())),
        one_(model_->decoder.empty_memory(1)),
        sound_(room_for_sound(model_->options, one_.keys.front().options())),
        sound_bias_(
            at::zeros({model_->options.source_positions}, at::TensorOptions().device(device_).dtype(at::kFloat))),
        step_(model_->decoder, model_->settings, one_, sound_, sound_bias_),
        pool_(at::cuda::graph_pool_handle()),
        write_([this] { step_.write(); }, pool_),
        choose_{CudaRepeatedWork([this] { choose(false); }, pool_), CudaRepeatedWork([this] { choose(true); }, pool_)},
        mel_(pinned({model_->options.mel_bins * LogMel::kWindowFrames}, at::kFloat)),
        states_(pinned({kMostSteps, kStateSize}, at::kInt)),
        logits_(pinned({kMostSteps, model_->options.vocabulary}, at::kFloat)),
        tokens_(pinned({kTokensAtOnce}, at::kInt)),
        logprobs_(pinned({kTokensAtOnce}, at::kFloat)) {
    // The weights were written on another stream.
    c10::cuda::device_synchronize();
  }

  ~CudaSpeechNetwork() override {
    const c10::cuda::CUDAGuard guard(device_);
    cudaStreamSynchronize(stream_.stream());
  }

  void listen(const at::Tensor& mel) override {
    const c10::cuda::CUDAStreamGuard guard(stream_);
    const std::int64_t frames =
        std::min((mel.size(1) + kFramesStep - 1) / kFramesStep * kFramesStep, LogMel::kWindowFrames);
    Hearing& hearing = hearing_of(frames);
    stage(mel, frames);
    hearing.mel.copy_(mel_.narrow(0, 0, hearing.mel.numel()).view(hearing.mel.sizes()), /*non_blocking=*/true);
    hearing.work->run();
    stream_.synchronize();
    sounds_ = hearing.sounds;
    one_.length = 0;
    several_ = {};
  }

  at::Tensor write(const at::Tensor& tokens, const std::vector<std::int64_t>& places) override {
    const c10::cuda::CUDAStreamGuard guard(stream_);
    if (one_.length == 0 && several_.batch() == 0 && tokens.size(0) > 1) {
      several_ = model_->decoder.empty_memory(tokens.size(0));
    }
    const std::int64_t count = tokens.size(1);
    const bool fits = one_.length + count <= model_->options.target_positions;
    if (several_.batch() > 0 || count > kMostSteps || !fits) return write_by_torch(tokens, places);
    return write_one_by_one(tokens.contiguous().const_data_ptr<std::int64_t>(), count, places);
  }

  std::vector<ChosenToken> write_on(std::span<const std::int64_t> text, const speech::TokenRules& rules,
                                    std::int64_t most) override {
    if (several_.batch() > 0 || one_.length + kTokensAtOnce > model_->options.target_positions) return {};
    const c10::cuda::CUDAStreamGuard guard(stream_);
    std::vector<ChosenToken> chosen;
    upload(0, state_after(text));
    choose_[rules.timestamps() ? 1 : 0].run();
    tokens_.copy_(step_.tokens().narrow(0, 0, kTokensAtOnce), /*non_blocking=*/true);
    logprobs_.copy_(step_.logprobs().narrow(0, 0, kTokensAtOnce), /*non_blocking=*/true);
    stream_.synchronize();
    for (std::int64_t i = 0; i < std::min(kTokensAtOnce, most); ++i) {
      chosen.push_back({tokens_.const_data_ptr<std::int32_t>()[i], logprobs_.const_data_ptr<float>()[i]});
      if (chosen.back().token == model_->settings.end) break;
    }
    one_.length += static_cast<std::int64_t>(chosen.size());
    return chosen;
  }

  void take_rows(const std::vector<std::int64_t>& rows) override {
    const bool was_one = several_.batch() == 0;
    if (was_one && rows.size() == 1) return;
    const c10::cuda::CUDAStreamGuard guard(stream_);
    networks::WhisperMemory taken = was_one ? one_ : several_;
    taken.take_rows(rows);
    if (rows.size() > 1) {
      several_ = std::move(taken);
      return;
    }
    for (std::size_t i = 0; i < one_.keys.size(); ++i) {
      one_.keys[i].narrow(2, 0, taken.length).copy_(taken.keys[i].narrow(2, 0, taken.length));
      one_.values[i].narrow(2, 0, taken.length).copy_(taken.values[i].narrow(2, 0, taken.length));
    }
    one_.length = taken.length;
    several_ = {};
  }

  void rewind(std::int64_t length) override { current().length = length; }
  std::int64_t length() const override { return several_.batch() == 0 ? one_.length : several_.length; }

 private:
  // The encoder and the decoder's view of what it heard, for one length.
  struct Hearing {
    at::Tensor mel;           // [1, mel_bins, frames], fp32
    std::int64_t sounds = 0;  // positions, once run
    std::unique_ptr<CudaRepeatedWork> work;
  };

  networks::WhisperMemory& current() { return several_.batch() == 0 ? one_ : several_; }

  Hearing& hearing_of(std::int64_t frames) {
    Hearing& hearing = hearings_[frames];
    if (hearing.work) return hearing;
    hearing.mel = at::empty({1, model_->options.mel_bins, frames}, sound_bias_.options());
    hearing.work = std::make_unique<CudaRepeatedWork>([this, &hearing] { hear(hearing); }, pool_);
    return hearing;
  }

  void hear(Hearing& hearing) {
    const networks::WhisperEncoded encoded = model_->encoder(hearing.mel.to(model_->source.dtype));
    hearing.sounds = encoded.hidden.size(1);
    const auto& layers = model_->decoder.layers();
    for (std::size_t i = 0; i < layers.size(); ++i) {
      auto& [keys, values] = sound_.layers[i];
      keys.narrow(2, 0, hearing.sounds)
          .copy_(networks::split_heads(layers[i].cross_key(encoded.hidden), layers[i].heads));
      values.narrow(2, 0, hearing.sounds)
          .copy_(networks::split_heads(layers[i].cross_value(encoded.hidden), layers[i].heads));
    }
    const at::Tensor bias = sound_bias_.narrow(0, 0, hearing.sounds);
    if (encoded.log_weight.defined()) {
      bias.copy_(encoded.log_weight);
    } else {
      bias.zero_();
    }
  }

  // The picture, whose last column goes on to `frames`.
  void stage(const at::Tensor& mel, std::int64_t frames) {
    const at::Tensor rows = mel.contiguous();
    const std::int64_t given = rows.size(1);
    auto* to = mel_.mutable_data_ptr<float>();
    for (std::int64_t bin = 0; bin < rows.size(0); ++bin, to += frames) {
      const auto* from = rows.const_data_ptr<float>() + bin * given;
      std::copy_n(from, given, to);
      std::fill(to + given, to + frames, from[given - 1]);
    }
  }

  // kTokensAtOnce times: the state's token, and the one that follows it.
  void choose(bool timestamps) const {
    for (std::int64_t i = 0; i < kTokensAtOnce; ++i) {
      step_.write();
      step_.choose(timestamps);
    }
  }

  TokenState state_at(std::int64_t token, std::int64_t position) const {
    TokenState state;
    state.token = static_cast<std::int32_t>(token);
    state.position = static_cast<std::int32_t>(position);
    state.sounds = static_cast<std::int32_t>(sounds_);
    return state;
  }

  // What the rules of timestamps want to know of the text.
  TokenState state_after(std::span<const std::int64_t> text) const {
    TokenState state = state_at(text.back(), one_.length);
    const auto is_time = [&](std::int64_t id) { return id >= model_->settings.first_timestamp(); };
    state.after_time = is_time(text.back()) ? 1 : 0;
    state.after_pair = is_time(text.back()) && (text.size() < 2 || is_time(text[text.size() - 2])) ? 1 : 0;
    const auto last = std::find_if(text.rbegin(), text.rend(), is_time);
    if (last != text.rend()) state.last_time = static_cast<std::int32_t>(*last);
    return state;
  }

  void upload(std::int64_t slot, const TokenState& state) {
    const at::Tensor from = states_[slot];
    std::memcpy(from.mutable_data_ptr(), &state, sizeof state);
    step_.state().copy_(from, /*non_blocking=*/true);
  }

  at::Tensor write_one_by_one(const std::int64_t* tokens, std::int64_t count, const std::vector<std::int64_t>& places) {
    for (std::int64_t i = 0; i < count; ++i) {
      upload(i, state_at(tokens[i], one_.length + i));
      write_.run();
      for (std::size_t place = 0; place < places.size(); ++place) {
        if (places[place] == i) {
          logits_[static_cast<std::int64_t>(place)].copy_(step_.logits(), /*non_blocking=*/true);
        }
      }
    }
    stream_.synchronize();
    one_.length += count;
    return logits_.narrow(0, 0, static_cast<std::int64_t>(places.size())).unsqueeze(0).clone();
  }

  at::Tensor write_by_torch(const at::Tensor& tokens, const std::vector<std::int64_t>& places) {
    networks::WhisperSound sound;
    for (const auto& [keys, values] : sound_.layers) {
      sound.layers.emplace_back(keys.narrow(2, 0, sounds_), values.narrow(2, 0, sounds_));
    }
    if (sounds_ < model_->options.source_positions) {
      sound.bias = sound_bias_.narrow(0, 0, sounds_).to(model_->source.dtype).view({1, 1, 1, -1});
    }
    const at::Tensor hidden = model_->decoder.forward(tokens.to(device_), sound, current());
    const at::Tensor chosen = hidden.index_select(1, at::tensor(places, at::kLong).to(device_));
    return model_->decoder.logits(chosen).cpu();
  }

  std::shared_ptr<const speech::SpeechModel> model_;
  at::Device device_;
  c10::cuda::CUDAStream stream_;
  networks::WhisperMemory one_;      // of one row; its tensors stay
  networks::WhisperMemory several_;  // of several rows, while there are
  networks::WhisperSound sound_;     // with room for all positions
  at::Tensor sound_bias_;            // [source_positions]
  std::int64_t sounds_ = 0;
  WhisperStep step_;
  at::cuda::MempoolId_t pool_;
  CudaRepeatedWork write_;
  std::array<CudaRepeatedWork, 2> choose_;  // without and with timestamps
  std::map<std::int64_t, Hearing> hearings_;
  // In pinned memory.
  at::Tensor mel_, states_, logits_, tokens_, logprobs_;
};

}  // namespace

std::unique_ptr<speech::SpeechNetwork> make_cuda_speech_network(std::shared_ptr<const speech::SpeechModel> model) {
  const c10::cuda::CUDAGuard guard(model->source.device);
  if (!WhisperStep::supports(model->decoder)) return nullptr;
  return std::make_unique<CudaSpeechNetwork>(std::move(model));
}

}  // namespace liveedit::runtime
