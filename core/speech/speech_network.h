// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/ATen.h>

namespace liveedit::speech {

class TokenRules;

struct ChosenToken {
  std::int64_t token = 0;
  float logprob = 0;  // among the tokens that the rules allow
};

// One transcriber's use of the network: what it has heard and what it has written so far, in one or more rows (beams,
// samples). One thread at a time.
class SpeechNetwork {
 public:
  virtual ~SpeechNetwork() = default;

  // Hears mel [mel_bins, frames] (fp32, CPU) and forgets all that was written. Frames that are missing to 30 s are
  // silent.
  virtual void listen(const at::Tensor& mel) = 0;

  // Writes tokens [rows, n] behind what each row holds. Gives the logits at the `places` (0..n-1) among them:
  // [rows, places, vocabulary], fp32, CPU; the caller may change them. The first call after listen() sets the rows.
  virtual at::Tensor write(const at::Tensor& tokens, const std::vector<std::int64_t>& places) = 0;

  // Writes the last token of `text` (all of it but the prompt) behind the one row and goes on by itself with the
  // likeliest token that `rules` allow after it, up to `most` tokens or the end token: gives those that it chose, all
  // but the last of which it has written. None: this network leaves the choice to the caller, and nothing was written.
  virtual std::vector<ChosenToken> write_on(std::span<const std::int64_t> /*text*/, const TokenRules& /*rules*/,
                                            std::int64_t /*most*/) {
    return {};
  }

  // Row i goes on as what row rows[i] was.
  virtual void take_rows(const std::vector<std::int64_t>& rows) = 0;

  // Forgets what was written from place `length` on.
  virtual void rewind(std::int64_t length) = 0;

  virtual std::int64_t length() const = 0;
};

}  // namespace liveedit::speech
