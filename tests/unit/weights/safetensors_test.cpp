// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/safetensors.h"

#include <cstring>

#include "tests/unit/weights/temporary_folder.h"

namespace liveedit::weights {
namespace {

// The file's bytes for a header and its data.
std::string packed(const std::string& header, const std::string& data) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i));
  return bytes + header + data;
}

const char* const kHeader =
    R"({"__metadata__":{"format":"pt"},"b":{"dtype":"U8","shape":[3],"data_offsets":[4,7]},"a":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]}})";

SafetensorsFile parse(const std::string& bytes) {
  return SafetensorsFile::parse(std::as_bytes(std::span(bytes)), "memory.safetensors");
}

std::string content(const SafetensorsFile& file, const std::string& name) {
  const TensorEntry& entry = file.tensors().at(name);
  std::string bytes(entry.end - entry.begin, '\0');
  file.read(entry, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

using Safetensors = TemporaryFolder;

TEST_F(Safetensors, ReadsHeaderAndData) {
  const std::string bytes = packed(kHeader, "wxyzABC");
  const SafetensorsFile in_memory = parse(bytes);
  const SafetensorsFile from_disk = SafetensorsFile::open(write("m.safetensors", bytes));
  for (const SafetensorsFile* file : {&in_memory, &from_disk}) {
    ASSERT_EQ(file->tensors().size(), 2u);
    EXPECT_EQ(file->tensors().at("a").dtype, TensorDtype::kF16);
    EXPECT_EQ(file->tensors().at("a").shape, std::vector<std::int64_t>({2, 1}));
    EXPECT_EQ(file->metadata().at("format"), "pt");
    EXPECT_EQ(content(*file, "a"), "wxyz");
    EXPECT_EQ(content(*file, "b"), "ABC");
  }
}

// Memory-mapped files kill the process here.
TEST_F(Safetensors, AFileCutShortWhileOpenIsAnError_n) {
  const auto path = write("m.safetensors", packed(kHeader, "wxyzABC"));
  const SafetensorsFile file = SafetensorsFile::open(path);
  std::filesystem::resize_file(path, 10);
  expect_error(ErrorKind::kBadModel, "became shorter", [&] { content(file, "b"); });
}

TEST_F(Safetensors, AFileReplacedWhileOpenStaysWhole) {
  const auto path = write("m.safetensors", packed(kHeader, "wxyzABC"));
  const SafetensorsFile file = SafetensorsFile::open(path);
  std::filesystem::rename(write("new.safetensors", "other"), path);
  EXPECT_EQ(content(file, "b"), "ABC");
}

TEST_F(Safetensors, NamesFileAndTensor_n) {
  const std::string header = R"({"the.weight":{"dtype":"F16","shape":[3],"data_offsets":[0,4]}})";
  expect_error(ErrorKind::kBadModel, "memory.safetensors", [&] { parse(packed(header, "wxyz")); });
  expect_error(ErrorKind::kBadModel, "tensor 'the.weight' lies on 4 bytes, its shape and dtype ask for 6",
               [&] { parse(packed(header, "wxyz")); });
  expect_error(ErrorKind::kBadModel, "describes 7 bytes of data, the file has 6 (an unfinished download?)",
               [&] { parse(packed(kHeader, "wxyzAB")); });
}

TEST_F(Safetensors, RefusesWhatIsNoFile_n) {
  expect_error(ErrorKind::kNotFound, "absent", [&] { SafetensorsFile::open(folder_ / "absent.safetensors"); });
  expect_error(ErrorKind::kBadModel, "not a regular file", [&] { SafetensorsFile::open(folder_); });
  expect_error(ErrorKind::kBadModel, "only 0 bytes", [&] { SafetensorsFile::open(write("empty.safetensors", "")); });
}

TEST_F(Safetensors, RefusesABufferOfAnotherSize_n) {
  const std::string bytes = packed(kHeader, "wxyzABC");
  const SafetensorsFile file = parse(bytes);
  std::byte one{};
  expect_error(ErrorKind::kBadModel, "asked for", [&] { file.read(file.tensors().at("a"), {&one, 1}); });
}

}  // namespace
}  // namespace liveedit::weights
