// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/networks/layers/attention.h"

#include <cmath>

#include "core/networks/layers/cpu/softmax.h"

namespace liveedit::networks {
namespace {

// [B, heads, N, head_dim] -> [B, N, heads * head_dim]
at::Tensor merge_heads(const at::Tensor& x) {
  return x.transpose(1, 2).reshape({x.size(0), x.size(2), -1});
}

// torch's CPU attention keeps the score matrix out of memory at the price of a slow softmax: worth it for many tokens
// only.
constexpr std::int64_t kFewTokens = 1024;

bool few_tokens_on_cpu(const at::Tensor& x, bool causal) {
  return x.is_cpu() && !causal && x.size(1) <= kFewTokens &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

// q, k, v [B, heads, N, head_dim]
at::Tensor attend_few(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const at::Tensor scores = at::matmul(q, k.transpose(2, 3));  // [B, heads, N, N]
  cpu::softmax_in_place(scores, scores.size(3), 1 / std::sqrt(static_cast<float>(q.size(3))));
  return at::matmul(scores, v);
}

}  // namespace

SelfAttention::SelfAttention(const weights::Weights& weights, std::int64_t channels, std::int64_t heads, bool qkv_bias,
                             const AttentionNames& names)
    : qkv_(Linear::stacked(weights, {names.query, names.key, names.value}, channels, channels, qkv_bias)),
      out_(weights.sub(names.out), channels, channels),
      heads_(heads) {}

at::Tensor SelfAttention::operator()(const at::Tensor& x, bool causal) const {
  // [B, N, 3C] -> [3, B, heads, N, head_dim]
  const at::Tensor qkv = qkv_(x).view({x.size(0), x.size(1), 3, heads_, x.size(2) / heads_}).permute({2, 0, 3, 1, 4});
  if (few_tokens_on_cpu(x, causal)) return out_(merge_heads(attend_few(qkv[0], qkv[1], qkv[2])));
  return out_(merge_heads(at::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], {}, 0.0, causal)));
}

CrossAttention::CrossAttention(const weights::Weights& weights, std::int64_t channels, std::int64_t text_channels,
                               std::int64_t heads)
    : query_(weights.sub("to_q"), channels, channels, /*with_bias=*/false),
      key_value_(Linear::stacked(weights, {"to_k", "to_v"}, text_channels, channels, /*with_bias=*/false)),
      out_(weights.sub("to_out.0"), channels, channels),
      heads_(heads) {}

KeyValue CrossAttention::embed_text(const at::Tensor& text) const {
  // [B, tokens, 2C] -> [2, B, heads, tokens, head_dim]
  const at::Tensor both =
      key_value_(text).view({text.size(0), text.size(1), 2, heads_, -1}).permute({2, 0, 3, 1, 4}).contiguous();
  return text.is_cpu() ? fold({both[0], both[1]}) : KeyValue{both[0], both[1]};
}

KeyValue CrossAttention::fold(const KeyValue& text) const {
  const at::ScalarType dtype = text.first.scalar_type();
  const std::int64_t batch = text.first.size(0);
  const std::int64_t channels = query_.weight.size(0);
  const std::int64_t rows = heads_ * text.first.size(2);
  const std::int64_t head_dim = channels / heads_;
  // Rounded once, at the end.
  const at::Tensor query = query_.weight.to(at::kFloat).view({heads_, head_dim, channels});
  const at::Tensor out = out_.weight.to(at::kFloat).t().contiguous().view({heads_, head_dim, channels});
  const double scale = 1 / std::sqrt(static_cast<double>(head_dim));
  // [B, heads, tokens, head_dim] x [heads, head_dim, channels]
  const at::Tensor scores = at::matmul(text.first.to(at::kFloat), query).mul_(scale);
  const at::Tensor values = at::matmul(text.second.to(at::kFloat), out);
  return {scores.view({batch, rows, channels}).to(dtype),
          values.view({batch, rows, channels}).transpose(1, 2).contiguous().to(dtype)};
}

at::Tensor CrossAttention::attend_folded(const at::Tensor& x, const KeyValue& text) const {
  const bool shared = text.first.size(0) == 1;
  const at::Tensor scores =
      shared ? at::linear(x, text.first[0]) : at::matmul(x, text.first.transpose(1, 2));  // [B, N, heads * tokens]
  if (scores.scalar_type() == at::kHalf) {
    scores.copy_(scores.view({x.size(0), x.size(1), heads_, -1}).softmax(-1).view_as(scores));
  } else {
    cpu::softmax_in_place(scores, scores.size(2) / heads_, 1);
  }
  return shared ? at::linear(scores, text.second[0], out_.bias)
                : at::matmul(scores, text.second.transpose(1, 2)).add_(out_.bias);
}

at::Tensor CrossAttention::operator()(const at::Tensor& x, const KeyValue& text) const {
  if (x.is_cpu()) return attend_folded(x, text);
  const at::Tensor query = query_(x).view({x.size(0), x.size(1), heads_, -1}).transpose(1, 2);
  const auto for_batch = [&](const at::Tensor& t) {
    return t.size(0) == x.size(0) ? t : t.expand({x.size(0), -1, -1, -1});
  };
  return out_(merge_heads(at::scaled_dot_product_attention(query, for_batch(text.first), for_batch(text.second))));
}

}  // namespace liveedit::networks
