// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/speech/decoding.h"

namespace liveedit::speech {
namespace {

// A continuation of one running text.
struct Candidate {
  double sum = 0;
  std::int64_t row = 0;
  std::int64_t token = 0;
};

class BeamSearch {
 public:
  BeamSearch(SpeechNetwork& network, const GenerationSettings& settings, const TokenRules& rules,
             const WritingLimits& limits, const BeamOptions& options)
      : network_(network), settings_(settings), rules_(rules), limits_(limits), options_(options) {}

  WrittenText run(const at::Tensor& prompt_logits) {
    running_.resize(1);
    at::Tensor logits = prompt_logits.view({1, -1}).clone();
    for (std::int64_t length = 1;; ++length) {
      step(logits, length);
      if (running_.empty() || !can_improve(length) || (limits_.stopped && limits_.stopped())) break;
      network_.take_rows(parents_);
      logits = network_.write(last_tokens(), {0}).squeeze(1);
    }
    return best();
  }

 private:
  struct Finished {
    double score = 0;
    WrittenText text;
  };

  double score(double sum, std::int64_t length) const {
    return sum / std::pow(static_cast<double>(length), options_.length_penalty);
  }

  // The best 2 x beams continuations, best first; turns the logits into log-probabilities under the rules.
  std::vector<Candidate> candidates(at::Tensor& logits) {
    const std::int64_t vocabulary = logits.size(1);
    for (std::size_t row = 0; row < running_.size(); ++row) {
      float* values = logits.mutable_data_ptr<float>() + static_cast<std::int64_t>(row) * vocabulary;
      rules_.apply(running_[row].tokens, {values, static_cast<std::size_t>(vocabulary)});
    }
    logits = at::log_softmax(logits, 1);
    at::Tensor sums = at::empty({logits.size(0), 1}, at::kDouble);
    for (std::size_t row = 0; row < running_.size(); ++row) {
      sums.mutable_data_ptr<double>()[row] = running_[row].sum_logprob;
    }
    const at::Tensor all = (logits.to(at::kDouble) + sums).view({-1});
    const auto [values, places] = at::topk(all, std::min<std::int64_t>(2 * options_.beams, all.numel()));
    std::vector<Candidate> best;
    for (std::int64_t i = 0; i < values.numel(); ++i) {
      const auto place = places.const_data_ptr<std::int64_t>()[i];
      best.push_back({values.const_data_ptr<double>()[i], place / vocabulary, place % vocabulary});
    }
    return best;
  }

  void step(at::Tensor& logits, std::int64_t length) {
    std::vector<WrittenText> next;
    parents_.clear();
    const std::vector<Candidate> best = candidates(logits);
    for (std::size_t i = 0; i < best.size(); ++i) {
      const Candidate& candidate = best[i];
      if (candidate.sum == -std::numeric_limits<double>::infinity()) break;
      const bool ends = candidate.token == settings_.end;
      const bool in_top = i < static_cast<std::size_t>(options_.beams);
      const bool stops = ends || length >= limits_.most_tokens;
      if (stops ? !in_top : next.size() == static_cast<std::size_t>(options_.beams)) continue;
      WrittenText text = running_[static_cast<std::size_t>(candidate.row)];
      const double logprob = candidate.sum - text.sum_logprob;
      text.sum_logprob = candidate.sum;
      text.ended = ends;
      if (!ends) {
        text.tokens.push_back(candidate.token);
        text.logprobs.push_back(static_cast<float>(logprob));
      }
      if (stops) {
        finished_.push_back({score(candidate.sum, length), std::move(text)});
      } else {
        parents_.push_back(candidate.row);
        next.push_back(std::move(text));
      }
    }
    running_ = std::move(next);
    std::stable_sort(finished_.begin(), finished_.end(),
                     [](const Finished& a, const Finished& b) { return a.score > b.score; });
    if (finished_.size() > static_cast<std::size_t>(options_.beams)) {
      finished_.resize(static_cast<std::size_t>(options_.beams));
    }
  }

  bool can_improve(std::int64_t length) const {
    if (finished_.size() < static_cast<std::size_t>(options_.beams)) return true;
    return score(running_.front().sum_logprob, length) > finished_.back().score;
  }

  at::Tensor last_tokens() const {
    at::Tensor tokens = at::empty({static_cast<std::int64_t>(running_.size()), 1}, at::kLong);
    for (std::size_t row = 0; row < running_.size(); ++row) {
      tokens.mutable_data_ptr<std::int64_t>()[row] = running_[row].tokens.back();
    }
    return tokens;
  }

  WrittenText best() {
    if (!finished_.empty()) return std::move(finished_.front().text);
    return running_.empty() ? WrittenText() : std::move(running_.front());
  }

  SpeechNetwork& network_;
  const GenerationSettings& settings_;
  const TokenRules& rules_;
  const WritingLimits& limits_;
  const BeamOptions& options_;
  std::vector<WrittenText> running_;   // best first
  std::vector<std::int64_t> parents_;  // the row of each running text in the step before
  std::vector<Finished> finished_;     // best first
};

}  // namespace

WrittenText write_by_beams(SpeechNetwork& network, const GenerationSettings& settings, const TokenRules& rules,
                           const at::Tensor& logits, const WritingLimits& limits, const BeamOptions& options) {
  return BeamSearch(network, settings, rules, limits, options).run(logits);
}

}  // namespace liveedit::speech
