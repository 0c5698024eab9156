// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/speech/decoding.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace liveedit::speech {
namespace {

std::span<float> values_of(const at::Tensor& row) {
  return {row.mutable_data_ptr<float>(), static_cast<std::size_t>(row.numel())};
}

// Between them it is asked whether to stop.
constexpr std::int64_t kTokensAtOnce = 8;

bool asked_to_stop(const WritingLimits& limits) {
  return limits.stopped && limits.stopped();
}

void take_token(WrittenText& text, const GenerationSettings& settings, std::int64_t token, double logprob) {
  text.sum_logprob += logprob;
  if (token == settings.end) {
    text.ended = true;
  } else {
    text.tokens.push_back(token);
    text.logprobs.push_back(static_cast<float>(logprob));
  }
}

// A token drawn with probability proportional to e^(logit / temperature).
std::int64_t draw(std::span<const float> logits, double temperature, std::mt19937_64& random) {
  const float top = *std::max_element(logits.begin(), logits.end());
  std::vector<double> sums(logits.size());
  double sum = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    sum += std::exp((static_cast<double>(logits[i]) - top) / temperature);
    sums[i] = sum;
  }
  // 53 random bits: the same number on every platform, which std::uniform_real_distribution does not promise.
  const double point = static_cast<double>(random() >> 11) * 0x1p-53 * sum;
  const auto found = std::upper_bound(sums.begin(), sums.end(), point);
  return std::min<std::int64_t>(found - sums.begin(), static_cast<std::int64_t>(sums.size()) - 1);
}

}  // namespace

WrittenText write_greedily(SpeechNetwork& network, const GenerationSettings& settings, const TokenRules& rules,
                           const at::Tensor& logits, const WritingLimits& limits) {
  WrittenText text;
  at::Tensor row = logits.clone();
  std::int64_t left = limits.most_tokens;
  while (left > 0 && !asked_to_stop(limits)) {
    if (row.defined()) {
      rules.apply(text.tokens, values_of(row));
      const auto token = row.argmax().item<std::int64_t>();
      const double logprob = values_of(row)[static_cast<std::size_t>(token)] - row.logsumexp(0).item<double>();
      take_token(text, settings, token, logprob);
      --left;
      if (text.ended || left == 0) break;
    }
    const std::vector<ChosenToken> chosen = network.write_on(text.tokens, rules, std::min(left, kTokensAtOnce));
    for (const ChosenToken& next : chosen) take_token(text, settings, next.token, next.logprob);
    left -= static_cast<std::int64_t>(chosen.size());
    if (text.ended) break;
    row =
        chosen.empty() ? network.write(at::full({1, 1}, text.tokens.back(), at::kLong), {0}).view({-1}) : at::Tensor();
  }
  return text;
}

WrittenText write_sampled(SpeechNetwork& network, const GenerationSettings& settings, const TokenRules& rules,
                          const at::Tensor& logits, const WritingLimits& limits, double temperature, int samples,
                          std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<WrittenText> texts(static_cast<std::size_t>(samples));
  network.take_rows(std::vector<std::int64_t>(texts.size(), 0));
  at::Tensor rows = logits.view({1, -1}).repeat({samples, 1});
  for (std::int64_t written = 0; written < limits.most_tokens && !asked_to_stop(limits); ++written) {
    at::Tensor next = at::full({samples, 1}, settings.end, at::kLong);
    bool all_ended = true;
    for (int i = 0; i < samples; ++i) {
      WrittenText& text = texts[static_cast<std::size_t>(i)];
      if (text.ended) continue;
      const at::Tensor row = rows[i];
      rules.apply(text.tokens, values_of(row));
      const std::int64_t token = draw(values_of(row), temperature, random);
      const double logprob = values_of(row)[static_cast<std::size_t>(token)] - row.logsumexp(0).item<double>();
      take_token(text, settings, token, logprob);
      next.mutable_data_ptr<std::int64_t>()[i] = token;
      all_ended = all_ended && text.ended;
    }
    if (all_ended || written + 1 == limits.most_tokens) break;
    rows = network.write(next, {0}).squeeze(1);
  }
  return *std::max_element(texts.begin(), texts.end(), [](const WrittenText& a, const WrittenText& b) {
    return a.mean_logprob() < b.mean_logprob();
  });
}

}  // namespace liveedit::speech
