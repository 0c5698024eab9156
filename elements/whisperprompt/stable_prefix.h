// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

namespace liveedit::elements {

// The part of a text that is still being spoken and that will hardly change any more: the words on which two
// recognitions, one after the other, agree (LocalAgreement-2, arXiv 2307.14743). Words once agreed on stay, as they
// were written first.
class StablePrefix {
 public:
  // The text of the latest recognition.
  void update(const std::string& text);

  const std::string& text() const { return stable_; }
  void reset();

 private:
  struct Piece {
    std::string key;      // what is compared
    std::string written;  // with what stands before and behind it, up to the next word
  };

  static std::vector<Piece> pieces_of(const std::string& text);

  std::vector<Piece> last_;
  std::size_t agreed_ = 0;  // words
  std::string stable_;
};

}  // namespace liveedit::elements
