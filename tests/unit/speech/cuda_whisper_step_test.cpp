// SPDX-License-Identifier: LGPL-2.1-or-later
// The kernels of one token against torch's operations, and all of them together against the decoder.
#include "core/runtime/cuda_whisper_step.h"

#include <cmath>
#include <cstring>
#include <limits>

#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "core/runtime/cuda_stream.h"
#include "core/runtime/cuda_tensors.h"
#include "core/speech/token_rules.h"
#include "tests/unit/networks/golden_case.h"
#include "tests/unit/speech/speech_golden.h"

namespace liveedit::runtime {
namespace {

using kernels::TokenOutput;
using kernels::TokenState;
using networks::relative_difference;

constexpr at::DeviceType kDevice = at::kCUDA;

at::Tensor random(at::IntArrayRef shape, at::ScalarType dtype, double scale = 1) {
  return (at::randn(shape, at::kFloat) * scale).to(dtype).to(kDevice);
}

double difference(const at::Tensor& made, const at::Tensor& reference) {
  return relative_difference(made.cpu().to(at::kFloat), reference.cpu().to(at::kFloat));
}

// How far the rounding of results, or of torch's steps between, may lie.
double tolerance(at::ScalarType dtype) {
  if (dtype == at::kFloat) return 2e-6;
  return dtype == at::kHalf ? 1e-3 : 8e-3;
}

float* floats(const at::Tensor& tensor) {
  return tensor.mutable_data_ptr<float>();
}

class CudaToken : public testing::TestWithParam<at::ScalarType> {
 protected:
  void SetUp() override {
    if (kDevice == at::kCUDA && !at::globalContext().hasCUDA()) GTEST_SKIP() << "no NVIDIA GPU answers on this machine";
    at::manual_seed(5);
  }

  // In the device's memory, as the kernels read it.
  at::Tensor state(int position, int sounds) const {
    TokenState state;
    state.position = position;
    state.sounds = sounds;
    return on_device(state);
  }
  static at::Tensor on_device(const TokenState& state) {
    const at::Tensor words = at::empty({sizeof state / 4}, at::kInt);
    std::memcpy(words.mutable_data_ptr(), &state, sizeof state);
    return words.to(kDevice);
  }

  kernels::TokenLinear product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                               TokenOutput output, const at::Tensor& y) const {
    kernels::TokenLinear work;
    work.x = floats(x);
    work.weight = weight.const_data_ptr();
    if (bias.defined()) work.bias = bias.const_data_ptr();
    work.in = static_cast<int>(weight.size(1));
    work.out = static_cast<int>(weight.size(0));
    work.output = output;
    work.y = floats(y);
    work.element = *element_of(dtype_);
    return work;
  }

  c10::InferenceMode inference_;
  const at::ScalarType dtype_ = GetParam();
};

struct Widths {
  std::int64_t in, out;
};
constexpr Widths kWidths[] = {{48, 112}, {112, 48},    {384, 1536}, {1536, 384},  {768, 51}, {3072, 768},
                              {1024, 7}, {1280, 1280}, {5120, 640}, {1288, 1001}, {48, 4003}};

TEST_P(CudaToken, ProductsAreTorchs) {
  for (const auto& [in, out] : kWidths) {
    const at::Tensor x = random({in}, at::kFloat);
    const at::Tensor weight = random({out, in}, dtype_, 1 / std::sqrt(static_cast<double>(in)));
    const at::Tensor bias = random({out}, dtype_);
    const at::Tensor expected = at::linear(x, weight.to(at::kFloat), bias.to(at::kFloat));
    const at::Tensor y = at::full({out}, NAN, x.options());
    kernels::token_linear_cuda(product(x, weight, bias, TokenOutput::kSet, y), current_cuda_stream());
    EXPECT_LT(difference(y, expected), 2e-6) << in << ' ' << out;
    kernels::token_linear_cuda(product(x, weight, bias, TokenOutput::kGelu, y), current_cuda_stream());
    EXPECT_LT(difference(y, at::gelu(expected)), 2e-6) << in << ' ' << out;
    const at::Tensor sum = random({out}, at::kFloat);
    const at::Tensor added = sum + expected - bias.to(at::kFloat);
    kernels::token_linear_cuda(product(x, weight, {}, TokenOutput::kAdd, sum), current_cuda_stream());
    EXPECT_LT(difference(sum, added), 2e-6) << in << ' ' << out;
  }
}

TEST_P(CudaToken, ProductsOfNormsAreTorchs) {
  for (const std::int64_t in : {48, 384, 512, 768, 1024, 1280}) {
    const at::Tensor x = random({in}, at::kFloat, 3) + 2;
    const at::Tensor weight = random({200, in}, dtype_, 1 / std::sqrt(static_cast<double>(in)));
    const at::Tensor scale = random({in}, dtype_);
    const at::Tensor offset = random({in}, dtype_);
    const at::Tensor norm = at::layer_norm(x, {in}, scale.to(at::kFloat), offset.to(at::kFloat), 1e-5, false);
    const at::Tensor y = at::full({200}, NAN, x.options());
    kernels::TokenLinear work = product(x, weight, {}, TokenOutput::kSet, y);
    work.norm_weight = scale.const_data_ptr();
    work.norm_bias = offset.const_data_ptr();
    kernels::token_linear_cuda(work, current_cuda_stream());
    EXPECT_LT(difference(y, at::linear(norm, weight.to(at::kFloat))), 3e-6) << in;
  }
}

TEST_P(CudaToken, KeysAndValuesAreStoredAtThePlace) {
  constexpr std::int64_t kHeads = 3, kDim = 16, kPlaces = 20, kChannels = kHeads * kDim;
  const at::Tensor x = random({kChannels}, at::kFloat);
  const at::Tensor weight = random({3 * kChannels, kChannels}, dtype_);
  const at::Tensor bias = random({3 * kChannels}, dtype_);
  const at::Tensor keys = random({kHeads, kPlaces, kDim}, dtype_);
  const at::Tensor values = random({kHeads, kPlaces, kDim}, dtype_);
  const at::Tensor query = at::full({kChannels}, NAN, x.options());
  const auto parts = at::linear(x, weight.to(at::kFloat), bias.to(at::kFloat)).chunk(3);
  const at::Tensor expected_keys = keys.clone();
  const at::Tensor expected_values = values.clone();
  expected_keys.select(1, 13).copy_(parts[1].view({kHeads, kDim}));
  expected_values.select(1, 13).copy_(parts[2].view({kHeads, kDim}));
  const at::Tensor now = state(13, 0);
  kernels::TokenLinear work = product(x, weight, bias, TokenOutput::kQueryKeyValue, query);
  work.keys = keys.mutable_data_ptr();
  work.values = values.mutable_data_ptr();
  work.places = kPlaces;
  work.head_dim = kDim;
  work.state = static_cast<const TokenState*>(now.const_data_ptr());
  kernels::token_linear_cuda(work, current_cuda_stream());
  EXPECT_LT(difference(query, parts[0]), 2e-6);
  EXPECT_LT(difference(keys, expected_keys), tolerance(dtype_));
  EXPECT_LT(difference(values, expected_values), tolerance(dtype_));
}

TEST_P(CudaToken, AttentionIsTorchs) {
  const std::int64_t widest = dtype_ == at::kFloat ? 64 : 128;
  for (const std::int64_t dim : {16L, 32L, 64L, widest}) {
    constexpr std::int64_t kHeads = 5, kPlaces = 1500;
    const at::Tensor query = random({kHeads * dim}, at::kFloat, 2);
    const at::Tensor all_keys = random({kHeads, kPlaces, dim}, dtype_);
    const at::Tensor all_values = random({kHeads, kPlaces, dim}, dtype_);
    const at::Tensor bias = random({kPlaces}, at::kFloat, 2);
    const at::Tensor workspace =
        at::full({kernels::token_attention_workspace(kHeads, static_cast<int>(dim), kPlaces)}, NAN, query.options());
    const at::Tensor counters = at::zeros({kHeads}, query.options().dtype(at::kInt));
    for (const int count : {1, 3, 63, 64, 65, 330, 1500}) {
      // What lies behind was never written and may hold anything.
      const at::Tensor keys = all_keys.clone();
      const at::Tensor values = all_values.clone();
      keys.narrow(1, count, kPlaces - count).fill_(NAN);
      values.narrow(1, count, kPlaces - count).fill_(NAN);
      for (const bool over_sound : {true, false}) {
        const at::Tensor out = at::full({kHeads * dim}, NAN, query.options());
        const at::Tensor now = over_sound ? state(7, count) : state(count - 1, 9);
        kernels::TokenAttention work;
        work.state = static_cast<const TokenState*>(now.const_data_ptr());
        work.over_sound = over_sound;
        work.query = floats(query);
        work.keys = keys.const_data_ptr();
        work.values = values.const_data_ptr();
        if (over_sound) work.bias = floats(bias);
        work.heads = kHeads;
        work.head_dim = static_cast<int>(dim);
        work.places = kPlaces;
        work.out = floats(out);
        work.workspace = floats(workspace);
        work.counters = static_cast<std::uint32_t*>(counters.mutable_data_ptr());
        work.element = *element_of(dtype_);
        kernels::token_attention_cuda(work, current_cuda_stream());
        at::Tensor scores = at::matmul(keys.narrow(1, 0, count).to(at::kFloat), query.view({kHeads, dim, 1})) /
                            std::sqrt(static_cast<double>(dim));
        if (over_sound) scores = scores + bias.narrow(0, 0, count).view({1, count, 1});
        const at::Tensor expected = (scores.softmax(1) * values.narrow(1, 0, count).to(at::kFloat)).sum(1).view({-1});
        EXPECT_LT(difference(out, expected), 1e-5) << dim << ' ' << count << ' ' << over_sound;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, CudaToken, testing::Values(at::kFloat, at::kHalf, at::kBFloat16),
                         [](const auto& info) { return std::string(c10::toString(info.param)); });

class CudaChoice : public testing::Test {
 protected:
  static constexpr int kVocabulary = 3000;
  static constexpr int kEnd = 1400;
  static constexpr int kFirstTime = 1500;

  void SetUp() override {
    if (kDevice == at::kCUDA && !at::globalContext().hasCUDA()) GTEST_SKIP() << "no NVIDIA GPU answers on this machine";
    at::manual_seed(6);
    settings_.vocabulary = kVocabulary;
    settings_.end = kEnd;
    settings_.no_timestamps = kFirstTime - 1;
    for (int id = 0; id < kVocabulary; id += 7) settings_.suppress.push_back(id);
    suppressed_ = at::zeros({kVocabulary}, at::kByte);
    suppressed_.slice(0, 0, kVocabulary, 7).fill_(1);
    suppressed_ = suppressed_.to(kDevice);
  }

  // The state behind `text`, then the kernel's choice.
  std::pair<std::int64_t, float> choose(const std::vector<std::int64_t>& text, const at::Tensor& logits,
                                        bool timestamps) {
    const auto is_time = [](std::int64_t id) { return id >= kFirstTime; };
    TokenState state;
    state.position = 40;
    state.chosen = 2;
    state.after_time = is_time(text.back());
    state.after_pair = is_time(text.back()) && (text.size() < 2 || is_time(text[text.size() - 2]));
    for (const std::int64_t id : text) {
      if (is_time(id)) state.last_time = static_cast<int>(id);
    }
    state_ = CudaChoiceState(state);
    const at::Tensor on_device = logits.to(kDevice);
    const at::Tensor tokens = at::zeros({4}, state_.options());
    const at::Tensor logprobs = at::zeros({4}, on_device.options());
    kernels::TokenChoice work;
    work.state = static_cast<TokenState*>(state_.mutable_data_ptr());
    work.logits = floats(on_device);
    work.suppressed = suppressed_.const_data_ptr<std::uint8_t>();
    work.vocabulary = kVocabulary;
    work.end = kEnd;
    work.first_timestamp = kFirstTime;
    work.timestamps = timestamps;
    work.tokens = tokens.mutable_data_ptr<std::int32_t>();
    work.logprobs = floats(logprobs);
    kernels::choose_token_cuda(work, current_cuda_stream());
    return {tokens[2].item<int>(), logprobs[2].item<float>()};
  }
  static at::Tensor CudaChoiceState(const TokenState& state) {
    const at::Tensor words = at::empty({sizeof state / 4}, at::kInt);
    std::memcpy(words.mutable_data_ptr(), &state, sizeof state);
    return words.to(kDevice);
  }
  TokenState left() const {
    TokenState state;
    const at::Tensor words = state_.cpu();
    std::memcpy(&state, words.const_data_ptr(), sizeof state);
    return state;
  }

  void expect_as_on_the_host(const std::vector<std::int64_t>& text, const at::Tensor& logits, bool timestamps) {
    const auto [token, logprob] = choose(text, logits, timestamps);
    const at::Tensor row = logits.clone();
    speech::TokenRules(settings_, timestamps).apply(text, {floats(row), kVocabulary});
    const auto expected = row.argmax().item<std::int64_t>();
    EXPECT_EQ(token, expected) << timestamps << ' ' << text.size();
    EXPECT_NEAR(logprob, (row[expected] - row.logsumexp(0)).item<float>(), 1e-4);
    const TokenState state = left();
    EXPECT_EQ(state.token, token);
    EXPECT_EQ(state.position, 41);
    EXPECT_EQ(state.chosen, 3);
  }

  c10::InferenceMode inference_;
  speech::GenerationSettings settings_;
  at::Tensor suppressed_;
  at::Tensor state_;
};

TEST_F(CudaChoice, IsTheHosts) {
  const std::vector<std::vector<std::int64_t>> texts{
      {5}, {1510}, {1500, 3}, {1500, 3, 1600}, {1500, 3, 1600, 1600}, {1500, 3, 1600, 1601, 8, 9}, {2999}};
  for (const auto& text : texts) {
    for (const bool timestamps : {false, true}) {
      for (int i = 0; i < 4; ++i) {
        at::Tensor logits = at::randn({kVocabulary}, at::kFloat) * 3;
        if (i == 1) logits.narrow(0, kFirstTime, kVocabulary - kFirstTime).add_(4);
        if (i == 2) logits.narrow(0, 0, kFirstTime).add_(20);
        if (i == 3) logits[kEnd].fill_(60);
        expect_as_on_the_host(text, logits, timestamps);
      }
    }
  }
}

TEST_F(CudaChoice, StateFollowsTheText) {
  const at::Tensor logits = at::zeros({kVocabulary}, at::kFloat);
  logits[1700].fill_(90);
  choose({1500, 3}, logits, true);
  EXPECT_EQ(left().last_time, 1700);
  EXPECT_EQ(left().after_time, 1);
  EXPECT_EQ(left().after_pair, 0);
  choose({1500, 3, 1700}, logits, true);
  EXPECT_EQ(left().after_pair, 1);
  logits[1700].fill_(0);
  logits[4].fill_(90);
  choose({1500, 3, 1700, 1700}, logits, true);
  EXPECT_EQ(left().last_time, 1700);
  EXPECT_EQ(left().after_time, 0);
}

TEST_F(CudaChoice, OfEqualsTheFirstIsTaken) {
  const at::Tensor logits = at::zeros({kVocabulary}, at::kFloat);
  for (const int id : {2998, 1203, 902}) logits[id].fill_(30);
  expect_as_on_the_host({5}, logits, false);
  EXPECT_EQ(left().token, 902);
}

TEST_F(CudaChoice, NoTokenOrNoNumbersEndTheText_n) {
  for (const double nothing : {-std::numeric_limits<double>::infinity(), static_cast<double>(NAN)}) {
    EXPECT_EQ(choose({5}, at::full({kVocabulary}, nothing, at::kFloat), true).first, kEnd);
  }
}

TEST(TokenKernels, RefuseSizesThatTheyCannotTake_n) {
  using kernels::Element;
  EXPECT_TRUE(kernels::token_kernels_supported(1280, 20, 5120, Element::kF16));
  EXPECT_TRUE(kernels::token_kernels_supported(48, 3, 112, Element::kF32));
  EXPECT_FALSE(kernels::token_kernels_supported(1288, 23, 5120, Element::kF16));
  EXPECT_FALSE(kernels::token_kernels_supported(1280, 20, 5128, Element::kF16));
  EXPECT_FALSE(kernels::token_kernels_supported(48, 4, 112, Element::kF16));
  EXPECT_FALSE(kernels::token_kernels_supported(52, 1, 112, Element::kF16));
  EXPECT_FALSE(kernels::token_kernels_supported(0, 0, 0, Element::kF16));
}

class CudaWhisperStep : public testing::TestWithParam<at::ScalarType> {};

// The golden text, token by token, by our kernels and by torch on the CPU in fp32.
TEST_P(CudaWhisperStep, LogitsAreTheDecoders) {
  if (kDevice == at::kCUDA && !at::globalContext().hasCUDA()) GTEST_SKIP() << "no NVIDIA GPU answers on this machine";
  const c10::InferenceMode inference;
  for (const char* name : {"english", "multilingual", "turbo"}) {
    const test::SpeechGolden golden(name);
    const auto model = speech::SpeechModel::load({golden.folder, at::kCPU, at::kFloat}, {});
    const weights::Weights weights(weights::Checkpoint::open(golden.folder), GetParam(), kDevice);
    const networks::WhisperDecoder decoder(model->options, weights.sub("model"), networks::WhisperMatrices::kAsLoaded);
    ASSERT_TRUE(WhisperStep::supports(decoder));
    // What the reference heard, and some of it only.
    const at::Tensor encoded = golden.values.at("encoded").unsqueeze(0);
    const std::int64_t sounds = encoded.size(1) - 300;
    const at::Tensor log_weight = at::randn({sounds});
    const networks::WhisperSound sound = model->decoder.embed_sound({encoded.narrow(1, 0, sounds), log_weight});
    networks::WhisperSound own;
    const auto like = at::TensorOptions().device(kDevice).dtype(GetParam());
    for (const auto& [keys, values] : sound.layers) {
      std::vector<at::Tensor> padded;
      for (const at::Tensor& part : {keys, values}) {
        at::Tensor room = at::zeros({1, keys.size(1), model->options.source_positions, keys.size(3)}, like);
        room.narrow(2, 0, sounds).copy_(part);
        padded.push_back(room);
      }
      own.layers.emplace_back(padded[0], padded[1]);
    }
    at::Tensor bias = at::zeros({model->options.source_positions}, like.dtype(at::kFloat));
    bias.narrow(0, 0, sounds).copy_(log_weight);
    const networks::WhisperMemory memory = decoder.empty_memory(1);
    const WhisperStep step(decoder, model->settings, memory, own, bias);
    networks::WhisperMemory reference = model->decoder.empty_memory(1);
    std::int32_t position = 0;
    for (const std::int64_t token : golden.record["written"].get<std::vector<std::int64_t>>()) {
      TokenState state;
      state.token = static_cast<std::int32_t>(token);
      state.position = position++;
      state.sounds = static_cast<std::int32_t>(sounds);
      const at::Tensor words = at::empty({sizeof state / 4}, at::kInt);
      std::memcpy(words.mutable_data_ptr(), &state, sizeof state);
      step.state().copy_(words);
      step.write();
      const at::Tensor hidden = model->decoder.forward(at::full({1, 1}, token, at::kLong), sound, reference);
      const at::Tensor expected = model->decoder.logits(hidden).view({-1});
      const double allowed = GetParam() == at::kFloat ? 1e-4 : GetParam() == at::kHalf ? 1e-2 : 6e-2;
      ASSERT_LT(difference(step.logits(), expected), allowed) << name << ' ' << position;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, CudaWhisperStep, testing::Values(at::kFloat, at::kHalf, at::kBFloat16),
                         [](const auto& info) { return std::string(c10::toString(info.param)); });

}  // namespace
}  // namespace liveedit::runtime
