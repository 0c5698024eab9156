// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/safetensors_header.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/api/error.h"

namespace liveedit::weights {

namespace {

struct DtypeFacts {
  TensorDtype dtype;
  const char* name;
  std::uint64_t bytes;
};

constexpr std::size_t kNameShown = 200;

constexpr std::array<DtypeFacts, 12> kDtypes{{{TensorDtype::kF64, "F64", 8},
                                              {TensorDtype::kF32, "F32", 4},
                                              {TensorDtype::kF16, "F16", 2},
                                              {TensorDtype::kBf16, "BF16", 2},
                                              {TensorDtype::kF8E4m3, "F8_E4M3", 1},
                                              {TensorDtype::kF8E5m2, "F8_E5M2", 1},
                                              {TensorDtype::kI64, "I64", 8},
                                              {TensorDtype::kI32, "I32", 4},
                                              {TensorDtype::kI16, "I16", 2},
                                              {TensorDtype::kI8, "I8", 1},
                                              {TensorDtype::kU8, "U8", 1},
                                              {TensorDtype::kBool, "BOOL", 1}}};

const DtypeFacts& facts_of(TensorDtype dtype) {
  return *std::find_if(kDtypes.begin(), kDtypes.end(),
                       [dtype](const DtypeFacts& facts) { return facts.dtype == dtype; });
}

// A name from the file as a message can show it.
std::string shown(const std::string& name) {
  std::string text = name.substr(0, kNameShown);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = '?';
  }
  return "'" + text + (name.size() > kNameShown ? "...'" : "'");
}

// Follows the parser's events. Keeps no tree: hostile nesting costs nothing, since the third level already is refused,
// and every key is seen, so duplicates cannot hide.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(SafetensorsHeader& header, const std::filesystem::path& named) : header_(header), named_(named) {}

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    return unexpected("a number with fraction, exponent or too many digits");
  }
  bool binary(binary_t&) override { return unexpected("binary data"); }
  bool number_unsigned(number_unsigned_t value) override;
  bool string(string_t& value) override;
  bool start_object(std::size_t) override;
  bool key(string_t& name) override;
  bool end_object() override;
  bool start_array(std::size_t) override;
  bool end_array() override;
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& problem) override;

 private:
  enum class Place { kOutside, kTop, kMetadata, kTensor, kShape, kOffsets };

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorKind::kBadModel, named_.string() + " is not a valid safetensors file: " + what + ".");
  }
  bool unexpected(const std::string& found) const;
  std::string here() const;
  void take_dtype(const std::string& name);

  SafetensorsHeader& header_;
  const std::filesystem::path& named_;
  Place place_ = Place::kOutside;
  std::string name_;   // of the tensor
  std::string field_;  // of the tensor or of the metadata
  bool metadata_seen_ = false;
  std::optional<TensorDtype> dtype_;
  std::optional<std::vector<std::int64_t>> shape_;
  std::optional<std::vector<std::uint64_t>> offsets_;
};

std::string HeaderReader::here() const {
  if (place_ == Place::kOutside) return "the header";
  if (place_ == Place::kMetadata) return "__metadata__ " + shown(field_);
  std::string text = "tensor " + shown(name_);
  if (place_ != Place::kTop && !field_.empty()) text += ", " + shown(field_);
  return text;
}

bool HeaderReader::unexpected(const std::string& found) const {
  refuse(here() + " holds " + found);
}

bool HeaderReader::number_unsigned(number_unsigned_t value) {
  if (place_ == Place::kShape) {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) refuse(here() + " is too large");
    shape_->push_back(static_cast<std::int64_t>(value));
    return true;
  }
  if (place_ == Place::kOffsets && offsets_->size() < 2) {
    offsets_->push_back(value);
    return true;
  }
  return unexpected("an unexpected number");
}

void HeaderReader::take_dtype(const std::string& name) {
  const auto found =
      std::find_if(kDtypes.begin(), kDtypes.end(), [&name](const DtypeFacts& f) { return name == f.name; });
  if (found == kDtypes.end()) refuse(here() + " " + shown(name) + " is not known here");
  dtype_ = found->dtype;
}

bool HeaderReader::string(string_t& value) {
  if (place_ == Place::kMetadata) {
    header_.metadata[field_] = std::move(value);
    return true;
  }
  if (place_ != Place::kTensor || field_ != "dtype") return unexpected("an unexpected string");
  take_dtype(value);
  return true;
}

bool HeaderReader::start_object(std::size_t) {
  if (place_ == Place::kOutside) {
    place_ = Place::kTop;
  } else if (place_ == Place::kTop && name_ == "__metadata__") {
    place_ = Place::kMetadata;
  } else if (place_ == Place::kTop) {
    place_ = Place::kTensor;
  } else {
    return unexpected("an unexpected object");
  }
  field_.clear();
  return true;
}

bool HeaderReader::key(string_t& name) {
  if (place_ == Place::kTop) {
    name_ = std::move(name);
    const bool is_metadata = name_ == "__metadata__";
    if (is_metadata ? metadata_seen_ : header_.tensors.count(name_) > 0) refuse(shown(name_) + " occurs twice");
    metadata_seen_ = metadata_seen_ || is_metadata;
    return true;
  }
  field_ = std::move(name);
  if (place_ == Place::kMetadata) {
    if (header_.metadata.count(field_) > 0) refuse(here() + " occurs twice");
    return true;
  }
  const bool known = field_ == "dtype" || field_ == "shape" || field_ == "data_offsets";
  if (!known) refuse(here() + " is not a key of a tensor");
  const bool twice = field_ == "dtype"   ? dtype_.has_value()
                     : field_ == "shape" ? shape_.has_value()
                                         : offsets_.has_value();
  if (twice) refuse(here() + " occurs twice");
  return true;
}

bool HeaderReader::end_object() {
  if (place_ == Place::kTensor) {
    if (!dtype_ || !shape_ || !offsets_ || offsets_->size() != 2) {
      field_.clear();
      refuse(here() + " needs dtype, shape and two data_offsets");
    }
    TensorEntry& entry = header_.tensors[name_];
    entry.dtype = *dtype_;
    entry.shape = *std::exchange(shape_, std::nullopt);
    entry.begin = (*offsets_)[0];
    entry.end = (*offsets_)[1];
    dtype_.reset();
    offsets_.reset();
  }
  place_ = place_ == Place::kTop ? Place::kOutside : Place::kTop;
  return true;
}

bool HeaderReader::start_array(std::size_t) {
  if (place_ == Place::kTensor && field_ == "shape") {
    place_ = Place::kShape;
    shape_.emplace();
  } else if (place_ == Place::kTensor && field_ == "data_offsets") {
    place_ = Place::kOffsets;
    offsets_.emplace();
  } else {
    return unexpected("an unexpected list");
  }
  return true;
}

bool HeaderReader::end_array() {
  place_ = Place::kTensor;
  return true;
}

bool HeaderReader::parse_error(std::size_t, const std::string&, const nlohmann::json::exception& problem) {
  refuse(std::string("its header is not JSON: ") + problem.what());
}

// Bytes that shape and dtype ask for; nothing where that is beyond 64 bits. Multiplied in the order of the dimensions,
// as the reference does: a zero saves what comes after it, not what came before.
std::optional<std::uint64_t> bytes_of(const TensorEntry& entry) {
  std::uint64_t bytes = 1;
  for (const std::int64_t dimension : entry.shape) {
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(dimension), &bytes)) return std::nullopt;
  }
  if (__builtin_mul_overflow(bytes, dtype_bytes(entry.dtype), &bytes)) return std::nullopt;
  return bytes;
}

void check_layout(const SafetensorsHeader& header, std::uint64_t data_bytes, const std::filesystem::path& named) {
  const auto refuse = [&named](const std::string& what) {
    throw Error(ErrorKind::kBadModel, named.string() + " is not a valid safetensors file: " + what + ".");
  };
  using Named = std::pair<const std::string, TensorEntry>;
  std::vector<const Named*> by_place;
  for (const Named& item : header.tensors) by_place.push_back(&item);
  std::sort(by_place.begin(), by_place.end(), [](const Named* a, const Named* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  std::uint64_t covered = 0;
  for (const Named* item : by_place) {
    const TensorEntry& entry = item->second;
    const std::string tensor = "tensor " + shown(item->first);
    if (entry.end < entry.begin) refuse(tensor + " ends before it begins");
    if (entry.begin < covered) refuse(tensor + " overlaps the tensor before it");
    if (entry.begin > covered) refuse("there is a hole of bytes before " + tensor);
    const std::optional<std::uint64_t> bytes = bytes_of(entry);
    if (!bytes) refuse(tensor + " has a shape beyond any memory");
    if (*bytes != entry.end - entry.begin) {
      refuse(tensor + " lies on " + std::to_string(entry.end - entry.begin) + " bytes, its shape and dtype ask for " +
             std::to_string(*bytes));
    }
    covered = entry.end;
  }
  if (covered != data_bytes) {
    refuse("its header describes " + std::to_string(covered) + " bytes of data, the file has " +
           std::to_string(data_bytes) + (covered > data_bytes ? " (an unfinished download?)" : ""));
  }
}

}  // namespace

const char* dtype_name(TensorDtype dtype) {
  return facts_of(dtype).name;
}

std::uint64_t dtype_bytes(TensorDtype dtype) {
  return facts_of(dtype).bytes;
}

SafetensorsHeader read_safetensors_header(const std::string& json, std::uint64_t data_bytes,
                                          const std::filesystem::path& named) {
  // The parser would take a byte order mark before the text and a NUL as its end; the format knows neither.
  if (!json.starts_with('{') || json.find('\0') != std::string::npos) {
    throw Error(ErrorKind::kBadModel,
                named.string() + " is not a valid safetensors file: its header is not a JSON object.");
  }
  SafetensorsHeader header;
  HeaderReader reader(header, named);
  nlohmann::json::sax_parse(json, &reader);
  check_layout(header, data_bytes, named);
  return header;
}

}  // namespace liveedit::weights
