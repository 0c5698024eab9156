// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/whisperprompt/stable_prefix.h"

#include <algorithm>

#include <glib.h>

#include "elements/base/gst_pointers.h"
#include "elements/whisperprompt/spoken_text.h"

namespace liveedit::elements {

// Words end at blanks, and around characters that are words by themselves.
std::vector<StablePrefix::Piece> StablePrefix::pieces_of(const std::string& text) {
  std::vector<Piece> pieces;
  const StringPtr valid(g_utf8_make_valid(text.c_str(), static_cast<gssize>(text.size())));
  std::string piece;
  const auto close = [&] {
    if (!piece.empty()) pieces.push_back({"", piece});
    piece.clear();
  };
  for (const char* at = valid.get(); *at; at = g_utf8_next_char(at)) {
    const gunichar code = g_utf8_get_char(at);
    if (g_unichar_isspace(code) || (g_unichar_iswide(code) && g_unichar_isalnum(code))) close();
    piece.append(at, static_cast<std::size_t>(g_utf8_next_char(at) - at));
  }
  close();
  for (Piece& each : pieces) {
    for (const std::string& word : words_of(each.written)) each.key += word;
  }
  return pieces;
}

void StablePrefix::update(const std::string& text) {
  std::vector<Piece> pieces = pieces_of(text);
  const std::size_t shorter = std::min(pieces.size(), last_.size());
  std::size_t common = 0;
  while (common < shorter && pieces[common].key == last_[common].key) ++common;
  for (; agreed_ < common; ++agreed_) stable_ += pieces[agreed_].written;
  last_ = std::move(pieces);
}

void StablePrefix::reset() {
  last_.clear();
  agreed_ = 0;
  stable_.clear();
}

}  // namespace liveedit::elements
