// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/tokenizers/unicode_text.h"

#include <gtest/gtest.h>

namespace liveedit::tokenizers {
namespace {

TEST(DecodeUtf8, ReadsEveryLength) {
  EXPECT_EQ(decode_utf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\xA6\x8A"), U"a\u00e9\u20ac\U0001f98a");
  EXPECT_EQ(decode_utf8(""), U"");
}

TEST(DecodeUtf8, ReplacesEachIllFormedPieceOnce_n) {
  EXPECT_EQ(decode_utf8("\x80"), U"\ufffd");
  EXPECT_EQ(decode_utf8("\xC0\xAF"), U"\ufffd\ufffd");                      // overlong
  EXPECT_EQ(decode_utf8("\xED\xA0\x80"), U"\ufffd\ufffd\ufffd");            // surrogate
  EXPECT_EQ(decode_utf8("\xF4\x90\x80\x80"), U"\ufffd\ufffd\ufffd\ufffd");  // past U+10FFFF
  EXPECT_EQ(decode_utf8("\xF0\x9F\xA6"
                        "a"),
            U"\ufffd"
            U"a");  // cut short
  EXPECT_EQ(decode_utf8("\xE2\x82"), U"\ufffd");
}

TEST(EncodeUtf8, IsTheInverse) {
  const std::string text = "fox \xF0\x9F\xA6\x8A \xE9\x9B\xAA";
  EXPECT_EQ(encode_utf8(decode_utf8(text)), text);
}

TEST(NormalizeNfc, ComposesAndOrdersMarks) {
  EXPECT_EQ(normalize_nfc(U"e\u0301"), U"\u00e9");
  EXPECT_EQ(normalize_nfc(U"q\u0307\u0323"), U"q\u0323\u0307");
  EXPECT_EQ(normalize_nfc(U"\u1100\u1161\u11a8"), U"\uac01");
  EXPECT_EQ(normalize_nfc(U"\u0958"), U"\u0915\u093c");  // excluded from composition
  EXPECT_EQ(normalize_nfc(U"\u212b"), U"\u00c5");
}

// A quarter of a million marks in the worst order: a quadratic sort would not end before the test's time is over.
TEST(NormalizeNfc, SortsALongRunOfMarks) {
  std::u32string text = U"a";
  for (int i = 0; i < 125000; ++i) text += U"\u0315\u0323";
  const std::u32string sorted = normalize_nfc(text);
  EXPECT_EQ(sorted.substr(0, 2), U"\u1ea1\u0323");
  EXPECT_EQ(sorted.back(), U'\u0315');
  EXPECT_EQ(sorted.size(), text.size() - 1);
}

TEST(AppendLower, MapsOneCharacterAlone) {
  std::u32string text;
  for (const char32_t code : std::u32string(U"A\u03a3\u0130\u01c5\u00df\u2163\u24b6")) append_lower(text, code);
  EXPECT_EQ(text, U"a\u03c3i\u0307\u01c6\u00df\u2173\u24d0");
}

}  // namespace
}  // namespace liveedit::tokenizers
