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
  const std::filesystem::path vocabulary = folder / "vocab.json";
  bpe.take_vocabulary(weights::parse_json_object(weights::read_text_file(vocabulary, kLargestFile), vocabulary),
                      vocabulary);
  bpe.read_merges(folder / "merges.txt");
  bpe.index_bytes(options);
  return bpe;
}

ByteLevelBpe ByteLevelBpe::from_tokenizer_json(const nlohmann::json& model, const std::filesystem::path& file,
                                               const Options& options) {
  const auto vocabulary = model.find("vocab");
  const auto merges = model.find("merges");
  if (vocabulary == model.end() || !vocabulary->is_object() || merges == model.end() || !merges->is_array()) {
    throw Error(ErrorKind::kBadModel, file.string() + " has no byte-pair vocabulary (model.vocab and model.merges).");
  }
  ByteLevelBpe bpe;
  bpe.take_vocabulary(*vocabulary, file);
  for (const nlohmann::json& merge : *merges) {
    std::string left, right;
    if (merge.is_string()) {
      const auto& text = merge.get_ref<const std::string&>();
      const std::size_t space = text.find(' ');
      left = text.substr(0, space);
      if (space != std::string::npos) right = text.substr(space + 1);
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      left = merge[0].get<std::string>();
      right = merge[1].get<std::string>();
    }
    if (!bpe.add_merge(left, right)) {
      throw Error(ErrorKind::kBadModel,
                  file.string() + ": " + merge.dump() + " is not a merge of two tokens of the vocabulary to a third.");
    }
  }
  bpe.index_bytes(options);
  return bpe;
}

void ByteLevelBpe::take_vocabulary(const nlohmann::json& vocabulary, const std::filesystem::path& file) {
  ids_.reserve(vocabulary.size());
  tokens_.reserve(vocabulary.size());
  for (const auto& [token, id] : vocabulary.items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > std::numeric_limits<std::int32_t>::max()) {
      throw Error(ErrorKind::kBadModel, file.string() + ": the id of '" + token + "' is not a whole number from 0 on.");
    }
    ids_[token] = id.get<std::uint32_t>();
    tokens_[id.get<std::uint32_t>()] = token;
  }
}

bool ByteLevelBpe::add_merge(const std::string& left, const std::string& right) {
  const auto left_id = ids_.find(left), right_id = ids_.find(right), result = ids_.find(left + right);
  if (left_id == ids_.end() || right_id == ids_.end() || result == ids_.end()) return false;
  const auto rank = static_cast<std::uint32_t>(merges_.size());
  merges_[std::uint64_t{left_id->second} << 32 | right_id->second] = {rank, result->second};
  return true;
}

void ByteLevelBpe::read_merges(const std::filesystem::path& file) {
  const std::string text = weights::read_text_file(file, kLargestFile);
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
    if (!add_merge(left, right)) {
      throw Error(ErrorKind::kBadModel, file.string() + ", line " + std::to_string(number) + ": '" + std::string(line) +
                                            "' is not a merge of two tokens of vocab.json to a third.");
    }
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

std::optional<std::string> ByteLevelBpe::bytes_of(std::int64_t id) const {
  static const std::unordered_map<char32_t, char> bytes = [] {
    std::unordered_map<char32_t, char> map;
    const std::array<char32_t, 256> alphabet = byte_alphabet();
    for (std::size_t byte = 0; byte < alphabet.size(); ++byte) map[alphabet[byte]] = static_cast<char>(byte);
    return map;
  }();
  const auto token = id < 0 ? tokens_.end() : tokens_.find(static_cast<std::uint32_t>(id));
  if (token == tokens_.end()) return std::nullopt;
  std::string text;
  for (const char32_t code : decode_utf8(token->second)) {
    const auto byte = bytes.find(code);
    if (byte == bytes.end()) return std::nullopt;
    text.push_back(byte->second);
  }
  return text;
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
