// SPDX-License-Identifier: LGPL-2.1-or-later
// Any bytes as a prompt: 77 ids of the vocabulary, the same each time, which begin as the uncut ones do.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "core/tokenizers/tokenizer.h"

namespace {

constexpr int kLength = 77;

// A vocabulary of the 256 bytes, a few merges and the two markers, in a folder that is gone again once it is read.
class SmallTokenizer {
 public:
  SmallTokenizer() {
    std::string name = std::filesystem::temp_directory_path() / "liveedit_fuzz_XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    write_vocabulary(name);
    std::ofstream(name + "/merges.txt") << "a b\nab a\nb a</w>\nab ab\n! !\n! !</w>\n";
    tokenizer_ = liveedit::tokenizers::load_clip_tokenizer(name);
    std::filesystem::remove_all(name);
  }
  const liveedit::tokenizers::Tokenizer& get() const { return *tokenizer_; }
  std::int64_t size() const { return size_; }

 private:
  void write_vocabulary(const std::string& folder) {
    std::ofstream out(folder + "/vocab.json");
    const auto add = [&](const std::string& token) {
      out << (size_ == 0 ? "{\"" : ",\"") << token << "\":" << size_;
      ++size_;
    };
    for (int byte = 0; byte < 256; ++byte) {
      const std::string character = character_of(byte);
      add(character);
      add(character + "</w>");
    }
    for (const char* token : {"ab", "aba", "ba</w>", "abab", "!!", "!!</w>", "<|startoftext|>", "<|endoftext|>"})
      add(token);
    out << "}";
  }

  // GPT-2's alphabet as JSON escapes.
  std::string character_of(int byte) {
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    char escape[8];
    std::snprintf(escape, sizeof escape, "\\u%04x",
                  static_cast<unsigned>(printable ? byte : 256 + others_++) & 0xFFFFu);
    return escape;
  }

  int others_ = 0;
  std::int64_t size_ = 0;
  std::unique_ptr<liveedit::tokenizers::Tokenizer> tokenizer_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const SmallTokenizer tokenizer;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto padded = tokenizer.get().encode_padded(text, kLength);
  const auto whole = tokenizer.get().encode(text);
  if (padded.size() != kLength) std::abort();
  for (const std::int64_t id : padded) {
    if (id < 0 || id >= tokenizer.size()) std::abort();
  }
  const std::size_t shown = std::min<std::size_t>(whole.size(), kLength - 2);
  if (!std::equal(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(shown), padded.begin() + 1)) std::abort();
  return 0;
}
