// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/checkpoint.h"

#include "tests/unit/weights/temporary_folder.h"

namespace liveedit::weights {
namespace {

const std::filesystem::path kGolden = LIVEEDIT_BUILD_DIR "/golden/weights";

// Room for a copy of the two shards and their index.
class CheckpointTest : public TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    std::filesystem::copy(kGolden / "sharded", folder_, std::filesystem::copy_options::recursive);
  }
  std::filesystem::path index(const std::string& tensor, const std::string& shard) const {
    return write("model.safetensors.index.json", "{\"weight_map\": {\"" + tensor + "\": \"" + shard + "\"}}");
  }
};

TEST_F(CheckpointTest, OpensShardsByFolderOrIndex) {
  for (const auto& path : {folder_, folder_ / "model.safetensors.index.json"}) {
    const auto checkpoint = Checkpoint::open(path);
    EXPECT_EQ(checkpoint->names(), std::vector<std::string>({"a", "b", "c"}));
    EXPECT_EQ(checkpoint->bytes(), 36u);
    EXPECT_EQ(checkpoint->find("c").file->path().filename(), "model-00002-of-00002.safetensors");
    EXPECT_EQ(checkpoint->find("c").entry->shape, std::vector<std::int64_t>({3}));
    EXPECT_EQ(checkpoint->find("d").entry, nullptr);
  }
}

TEST_F(CheckpointTest, PrefersTheDiffusersNameAndFullPrecision) {
  std::filesystem::copy(kGolden / "types.safetensors", folder_ / "diffusion_pytorch_model.fp16.safetensors");
  EXPECT_EQ(Checkpoint::open(folder_)->path().filename(), "diffusion_pytorch_model.fp16.safetensors");
  std::filesystem::copy(kGolden / "types.safetensors", folder_ / "diffusion_pytorch_model.safetensors");
  EXPECT_EQ(Checkpoint::open(folder_)->path().filename(), "diffusion_pytorch_model.safetensors");
}

TEST_F(CheckpointTest, RefusesShardsThatLieElsewhere_n) {
  for (const std::string shard : {"../model.safetensors", "/etc/model.safetensors", "a/b.safetensors", "..", "",
                                  "a\\\\b.safetensors", "model.bin", ".hidden.safetensors"}) {
    expect_error(ErrorKind::kBadModel, "weight_map of 'a'", [&] { Checkpoint::open(index("a", shard)); });
  }
}

TEST_F(CheckpointTest, NamesWhatIsMissing_n) {
  expect_error(ErrorKind::kNotFound, "model-9.safetensors is missing",
               [&] { Checkpoint::open(index("a", "model-9.safetensors")); });
  expect_error(ErrorKind::kBadModel, "has no tensor 'a'",
               [&] { Checkpoint::open(index("a", "model-00002-of-00002.safetensors")); });
  expect_error(ErrorKind::kBadModel, "no weight_map", [&] { Checkpoint::open(write("x.index.json", "{}")); });
  expect_error(ErrorKind::kNotFound, "no such file", [&] { Checkpoint::open(folder_ / "absent"); });
  std::filesystem::create_directory(folder_ / "empty");
  expect_error(ErrorKind::kNotFound, "looked for diffusion_pytorch_model.safetensors",
               [&] { Checkpoint::open(folder_ / "empty"); });
}

TEST_F(CheckpointTest, RefusesPickleFilesWithAdvice_n) {
  for (const std::string name : {"m.bin", "m.pt", "m.pth", "m.ckpt"}) {
    expect_error(ErrorKind::kBadModel, "save_pretrained", [&] { Checkpoint::open(write("p/" + name, "x")); });
  }
  write("q/diffusion_pytorch_model.bin", "x");
  expect_error(ErrorKind::kBadModel, "pickle", [&] { Checkpoint::open(folder_ / "q"); });
}

}  // namespace
}  // namespace liveedit::weights
