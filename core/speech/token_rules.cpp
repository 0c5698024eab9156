// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/speech/token_rules.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace liveedit::speech {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

void forbid(std::span<float> logits) {
  std::fill(logits.begin(), logits.end(), kNever);
}

// log of the sum of e^x
double log_sum_exp(std::span<const float> values) {
  const float top = *std::max_element(values.begin(), values.end());
  if (top == kNever) return kNever;
  double sum = 0;
  for (const float value : values) sum += std::exp(static_cast<double>(value - top));
  return top + std::log(sum);
}

}  // namespace

void TokenRules::apply(std::span<const std::int64_t> text, std::span<float> logits) const {
  for (const std::int64_t id : settings_.suppress) logits[static_cast<std::size_t>(id)] = kNever;
  if (text.empty()) {
    for (const std::int64_t id : settings_.begin_suppress) logits[static_cast<std::size_t>(id)] = kNever;
  }
  if (timestamps_) apply_timestamps(text, logits);
}

void TokenRules::apply_timestamps(std::span<const std::int64_t> text, std::span<float> logits) const {
  const auto first = static_cast<std::size_t>(settings_.first_timestamp());
  const auto is_time = [&](std::int64_t id) { return id >= settings_.first_timestamp(); };
  logits[static_cast<std::size_t>(settings_.no_timestamps)] = kNever;

  const bool after_time = !text.empty() && is_time(text.back());
  const bool after_pair = after_time && (text.size() < 2 || is_time(text[text.size() - 2]));
  if (after_pair) {
    forbid(logits.subspan(first));
  } else if (after_time) {
    forbid(logits.first(static_cast<std::size_t>(settings_.end)));
  }

  const auto last_time = std::find_if(text.rbegin(), text.rend(), is_time);
  if (last_time != text.rend()) {
    // The second of a pair may repeat the first; otherwise time moves on.
    const auto earliest = static_cast<std::size_t>(*last_time) + (after_time && !after_pair ? 0 : 1);
    forbid(logits.subspan(first, std::min(earliest, logits.size()) - first));
  }
  if (text.empty()) {
    forbid(logits.first(first));
    const auto latest = first + static_cast<std::size_t>(std::max<std::int64_t>(0, settings_.max_initial_timestamp));
    if (settings_.max_initial_timestamp >= 0 && latest + 1 < logits.size()) forbid(logits.subspan(latest + 1));
  }

  const std::span<float> words = logits.first(first);
  if (log_sum_exp(logits.subspan(first)) > *std::max_element(words.begin(), words.end())) forbid(words);
}

}  // namespace liveedit::speech
