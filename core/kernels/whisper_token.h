// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "core/kernels/element.h"

// One token's way through Whisper's decoder (arXiv 2212.04356, section 2.2) on a GPU. Weights, keys and values are in
// `element`, all that lies between the layers is fp32. Everything is read from device memory, the token and its place
// too, so that one captured sequence of these kernels serves all tokens. The functions queue their work in order on
// `stream` (a cudaStream_t of the current device) and throw Error if the device refuses it.
namespace liveedit::kernels {

// In device memory.
struct TokenState {
  std::int32_t token = 0;     // to be written
  std::int32_t position = 0;  // where: tokens before it
  std::int32_t chosen = 0;    // tokens that choose_token_cuda() has chosen
  // Of the text so far, for the rules of timestamps.
  std::int32_t last_time = -1;  // the last timestamp, or -1
  std::int32_t after_time = 0;  // whether the last token is one
  std::int32_t after_pair = 0;  // whether the last two are, or the text is this one alone
  // Positions of the encoder. No kernel changes it.
  std::int32_t sounds = 0;
};

// Whether the kernels take a decoder of these sizes.
bool token_kernels_supported(int channels, int heads, int feed_forward, Element element);

// x = table[token] * scale + positions[position]
struct TokenEmbedding {
  const TokenState* state = nullptr;
  const void* table = nullptr;      // [vocabulary, channels]
  const void* positions = nullptr;  // [places, channels]
  float scale = 1;
  int channels = 0;
  float* x = nullptr;  // [channels]
  Element element = Element::kF16;
};
void embed_token_cuda(const TokenEmbedding& work, void* stream);

// What becomes of weight * x + bias.
enum class TokenOutput {
  kSet,            // y
  kGelu,           // y, through gelu by the error function
  kAdd,            // added to y
  kQueryKeyValue,  // the first third is y, the second the place's key, the last its value
};

struct TokenLinear {
  const float* x = nullptr;  // [in]
  // Layer normalisation of x before, or none: [in] each.
  const void* norm_weight = nullptr;
  const void* norm_bias = nullptr;
  float epsilon = 1e-5F;
  const void* weight = nullptr;  // [out, in], 16-byte aligned
  const void* bias = nullptr;    // [out], or none
  int in = 0;
  int out = 0;
  TokenOutput output = TokenOutput::kSet;
  float* y = nullptr;  // [out], or its third
  // kQueryKeyValue: [heads, places, head_dim] each.
  void* keys = nullptr;
  void* values = nullptr;
  int places = 0;
  int head_dim = 0;
  const TokenState* state = nullptr;
  Element element = Element::kF16;
};
// Precondition: in as token_kernels_supported() takes channels or feed_forward; a norm with channels alone.
void token_linear_cuda(const TokenLinear& work, void* stream);

// softmax(q k / sqrt(head_dim) + bias) v, over the tokens up to this one or over the sound.
struct TokenAttention {
  const TokenState* state = nullptr;
  bool over_sound = false;
  const float* query = nullptr;  // [heads * head_dim]
  const void* keys = nullptr;    // [heads, places, head_dim]
  const void* values = nullptr;
  const float* bias = nullptr;  // [places], over the sound; or none
  int heads = 0;
  int head_dim = 0;
  int places = 0;
  float* out = nullptr;               // [heads * head_dim]
  float* workspace = nullptr;         // token_attention_workspace() floats
  std::uint32_t* counters = nullptr;  // [heads], 0 before the first call; 0 again after each
  Element element = Element::kF16;
};
std::int64_t token_attention_workspace(int heads, int head_dim, int places);
void token_attention_cuda(const TokenAttention& work, void* stream);

// The likeliest token that may follow (speech::TokenRules, but for those that hold at the beginning of a text), and its
// log-probability among these. It becomes state->token, at the next position.
struct TokenChoice {
  TokenState* state = nullptr;
  const float* logits = nullptr;             // [vocabulary]
  const std::uint8_t* suppressed = nullptr;  // [vocabulary], not 0: never written
  int vocabulary = 0;
  int end = 0;
  int first_timestamp = 0;
  bool timestamps = false;
  std::int32_t* tokens = nullptr;  // of the choice number state->chosen: token and log-probability
  float* logprobs = nullptr;
};
void choose_token_cuda(const TokenChoice& work, void* stream);

}  // namespace liveedit::kernels
