// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/tokenizers/byte_level_bpe.h"

#include <algorithm>
#include <limits>
#include <queue>

#include <nlohmann/json.hpp>

#include "core/api/error.h"
#include "core/tokenizers/unicode_text.h"
#include "core/weights/bounded_file.h"
#include "core/weights/bounded_json.h"

namespace liveedit::tokenizers {

namespace {

constexpr std::uint64_t kLargestFile = 100'000'000;
constexpr std::int64_t kNone = -1;

// Printable Latin-1 stands for itself, every other byte for the next character from U+0100 on.
std::array<char32_t, 256> byte_alphabet() {
  std::array<char32_t, 256> alphabet{};
  char32_t next = 0x100;
  for (std::size_t byte = 0; byte < alphabet.size(); ++byte) {
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    alphabet[byte] = printable ? static_cast<char32_t>(byte) : next++;
  }
  return alphabet;
}

}  // namespace

// A list inside an array: merging takes the right neighbour out by setting its `taken`.
struct ByteLevelBpe::Symbol {
  std::uint32_t id;
  std::int64_t previous;
  std::int64_t next;
  bool taken = false;
};

struct ByteLevelBpe::Candidate {
  Merge merge;
  std::int64_t position;

  // std::priority_queue gives its greatest first: the lowest rank, then the leftmost.
  bool operator<(const Candidate& other) const {
    return merge.rank != other.merge.rank ? merge.rank > other.merge.rank : position > other.position;
  }
};

ByteLevelBpe ByteLevelBpe::load(const std::filesystem::path& folder, const Options& options) {
  ByteLevelBpe bpe;
  bpe.read_vocabulary(folder / "vocab.json");
  bpe.read_merges(folder / "merges.txt");
  bpe.index_bytes(options);
  return bpe;
}

void ByteLevelBpe::read_vocabulary(const std::filesystem::path& file) {
  const nlohmann::json json = weights::parse_json_object(weights::read_text_file(file, kLargestFile), file);
  ids_.reserve(json.size());
  for (const auto& [token, id] : json.items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > std::numeric_limits<std::int32_t>::max()) {
      throw Error(ErrorKind::kBadModel, file.string() + ": the id of '" + token + "' is not a whole number from 0 on.");
    }
    ids_[token] = id.get<std::uint32_t>();
  }
}

void ByteLevelBpe::read_merges(const std::filesystem::path& file) {
  const std::string text = weights::read_text_file(file, kLargestFile);
  std::uint32_t rank = 0;
  std::size_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with("#version")) continue;
    const std::size_t space = line.find(' ');
    const std::string left(line.substr(0, space));
    const std::string right(space == std::string_view::npos ? "" : line.substr(space + 1));
    const auto left_id = ids_.find(left), right_id = ids_.find(right), result = ids_.find(left + right);
    if (left_id == ids_.end() || right_id == ids_.end() || result == ids_.end()) {
      throw Error(ErrorKind::kBadModel, file.string() + ", line " + std::to_string(number) + ": '" + std::string(line) +
                                            "' is not a merge of two tokens of vocab.json to a third.");
    }
    merges_[std::uint64_t{left_id->second} << 32 | right_id->second] = {rank++, result->second};
  }
}

void ByteLevelBpe::index_bytes(const Options& options) {
  const std::int64_t unknown = id_of(options.unknown_token).value_or(kNone);
  const std::array<char32_t, 256> alphabet = byte_alphabet();
  for (std::size_t byte = 0; byte < alphabet.size(); ++byte) {
    std::string token;
    append_utf8(token, alphabet[byte]);
    inner_[byte] = id_of(token).value_or(unknown);
    last_[byte] = id_of(token + options.end_of_word).value_or(unknown);
  }
}

std::optional<std::int64_t> ByteLevelBpe::id_of(const std::string& token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

const ByteLevelBpe::Merge* ByteLevelBpe::merge_of(std::uint32_t left, std::uint32_t right) const {
  const auto found = merges_.find(std::uint64_t{left} << 32 | right);
  return found == merges_.end() ? nullptr : &found->second;
}

void ByteLevelBpe::merge_symbols(std::vector<Symbol>& symbols) const {
  std::priority_queue<Candidate> queue;
  const auto offer = [&](std::int64_t position) {
    if (position < 0 || symbols[position].next < 0) return;
    const Merge* merge = merge_of(symbols[position].id, symbols[symbols[position].next].id);
    if (merge != nullptr) queue.push({*merge, position});
  };
  for (std::size_t i = 0; i < symbols.size(); ++i) offer(static_cast<std::int64_t>(i));
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Symbol& left = symbols[best.position];
    if (left.taken || left.next < 0) continue;
    Symbol& right = symbols[left.next];
    // The neighbours may have changed since this was offered; what counts is that they still give the same token.
    const Merge* now = merge_of(left.id, right.id);
    if (now == nullptr || now->result != best.merge.result) continue;
    left.id = best.merge.result;
    left.next = right.next;
    right.taken = true;
    if (left.next >= 0) symbols[left.next].previous = best.position;
    offer(left.previous);
    offer(best.position);
  }
}

void ByteLevelBpe::encode_word(std::string_view word, std::vector<std::int64_t>& ids) const {
  std::vector<Symbol> symbols;
  symbols.reserve(word.size());
  for (std::size_t i = 0; i < word.size(); ++i) {
    const auto& table = i + 1 == word.size() ? last_ : inner_;
    const std::int64_t id = table[static_cast<unsigned char>(word[i])];
    if (id == kNone) continue;
    const auto place = static_cast<std::int64_t>(symbols.size());
    if (place > 0) symbols.back().next = place;
    symbols.push_back({static_cast<std::uint32_t>(id), place - 1, -1});
  }
  merge_symbols(symbols);
  for (const Symbol& symbol : symbols) {
    if (!symbol.taken) ids.push_back(symbol.id);
  }
}

}  // namespace liveedit::tokenizers
