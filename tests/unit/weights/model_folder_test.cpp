// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/model_folder.h"

#include <cstdlib>

#include "tests/unit/weights/temporary_folder.h"

namespace liveedit::weights {
namespace {

namespace fs = std::filesystem;

// All places that the locator looks in lie inside the test's folder.
class ModelFolderTest : public TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    for (const char* name : {"LIVEEDIT_DEFAULT_MODEL", "LIVEEDIT_MODELS", "HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"})
      unsetenv(name);
    setenv("HOME", folder_.c_str(), 1);
  }

  // A downloaded model in a cache folder, as the Hugging Face tools lay it out.
  fs::path download(const fs::path& cache, const std::string& commit, const std::string& ref) const {
    const fs::path repository = cache / "models--org--name";
    if (!ref.empty()) write(repository / "refs" / ref, commit + "\n");
    write(repository / "blobs/b1", "{\"_class_name\": \"" + commit + "\"}");
    fs::create_directories(folder_ / repository / "snapshots" / commit);
    const fs::path link = folder_ / repository / "snapshots" / commit / "model_index.json";
    fs::remove(link);
    fs::create_symlink("../../blobs/b1", link);
    return folder_ / repository / "snapshots" / commit;
  }
};

TEST_F(ModelFolderTest, TakesAFolderAndReadsItsIndex) {
  write("m/model_index.json", R"({"_class_name": "StableDiffusionPipeline"})");
  const ModelFolder model = locate_model((folder_ / "m").string());
  EXPECT_EQ(model.path, folder_ / "m");
  EXPECT_EQ(model.index().string("_class_name"), "StableDiffusionPipeline");
  EXPECT_EQ(locate_model("~/m").path, folder_ / "m");
}

TEST_F(ModelFolderTest, SearchesItsOwnListFirst) {
  write("list/org/name/model_index.json", "{}");
  download("hub", "c1", "main");
  setenv("HF_HUB_CACHE", (folder_ / "hub").c_str(), 1);
  EXPECT_EQ(locate_model("org/name").path, folder_ / "hub/models--org--name/snapshots/c1");
  setenv("LIVEEDIT_MODELS", ((folder_ / "none").string() + "::" + (folder_ / "list").string()).c_str(), 1);
  EXPECT_EQ(locate_model("org/name").path, folder_ / "list/org/name");
}

TEST_F(ModelFolderTest, FollowsTheHuggingFaceVariables) {
  const fs::path in_home = download(".cache/huggingface/hub", "c1", "main");
  EXPECT_EQ(locate_model("org/name").path, in_home);
  EXPECT_EQ(locate_model("org/name").index().string("_class_name"), "c1");
  setenv("XDG_CACHE_HOME", (folder_ / "xdg").c_str(), 1);
  const fs::path in_xdg = download("xdg/huggingface/hub", "c2", "main");
  EXPECT_EQ(locate_model("org/name").path, in_xdg);
  setenv("HF_HOME", "~/hf", 1);
  const fs::path in_hf = download("hf/hub", "c3", "main");
  EXPECT_EQ(locate_model("org/name").path, in_hf);
}

TEST_F(ModelFolderTest, TakesARevisionOrTheNewestSnapshot) {
  setenv("HF_HUB_CACHE", folder_.c_str(), 1);
  const fs::path older = download("", "c1", "refs/pr/1");
  const fs::path newer = download("", "c2", "");
  fs::last_write_time(older, fs::last_write_time(newer) - std::chrono::hours(1));
  EXPECT_EQ(locate_model("org/name").path, newer);
  EXPECT_EQ(locate_model("org/name@c1").path, older);
  EXPECT_EQ(locate_model("org/name@refs/pr/1").path, older);
  expect_error(ErrorKind::kNotFound, "--revision v9", [] { locate_model("org/name@v9"); });
}

TEST_F(ModelFolderTest, ARefCannotLeadOutOfTheCache_n) {
  setenv("HF_HUB_CACHE", (folder_ / "hub").c_str(), 1);
  write("hub/models--org--name/refs/main", "../../../outside");
  write("outside/model_index.json", "{}");
  expect_error(ErrorKind::kNotFound, "org/name", [] { locate_model("org/name"); });
  expect_error(ErrorKind::kNotFound, "org/name", [] { locate_model("org/name@../../../outside"); });
}

TEST_F(ModelFolderTest, FindsTheEmbeddedModel) {
  write("chosen/model_index.json", "{}");
  setenv("LIVEEDIT_DEFAULT_MODEL", (folder_ / "chosen").c_str(), 1);
  EXPECT_EQ(locate_model("").path, folder_ / "chosen");
  EXPECT_EQ(locate_model("").asked, "");
}

TEST_F(ModelFolderTest, SaysWhereItLooked_n) {
  setenv("LIVEEDIT_MODELS", (folder_ / "list").c_str(), 1);
  for (const std::string& place :
       {(folder_ / "list/org/name").string(), (folder_ / ".cache/huggingface/hub/models--org--name/snapshots").string(),
        (fs::current_path() / "org/name").string(), std::string("hf download org/name")}) {
    expect_error(ErrorKind::kNotFound, place, [] { locate_model("org/name"); });
  }
  expect_error(ErrorKind::kNotFound, "/no/such/folder", [] { locate_model("/no/such/folder"); });
  setenv("LIVEEDIT_DEFAULT_MODEL", "/no/such/folder", 1);
  expect_error(ErrorKind::kNotFound, "/no/such/folder", [] { locate_model(""); });
}

TEST_F(ModelFolderTest, RefusesSingleFiles_n) {
  expect_error(ErrorKind::kSettings, "from_single_file", [&] { locate_model(write("m.safetensors", "x").string()); });
  expect_error(ErrorKind::kBadModel, "pickle", [&] { locate_model(write("m.ckpt", "x").string()); });
}

TEST_F(ModelFolderTest, FindsParts) {
  write("m/model_index.json", "{}");
  write("m/unet/config.json", "{}");
  write("taesd/config.json", "{}");
  EXPECT_EQ(locate_part(locate_model((folder_ / "m").string()), "unet"), folder_ / "m/unet");
  EXPECT_EQ(locate_part(locate_model((folder_ / "taesd").string()), "vae"), folder_ / "taesd");
}

TEST_F(ModelFolderTest, SaysWhatIsMissing_n) {
  write("m/model_index.json", "{}");
  write("n/readme.md", "");
  expect_error(ErrorKind::kBadModel, "no folder 'unet'",
               [&] { locate_part(locate_model((folder_ / "m").string()), "unet"); });
  expect_error(ErrorKind::kBadModel, "Found readme.md",
               [&] { locate_part(locate_model((folder_ / "n").string()), "vae"); });
  expect_error(ErrorKind::kBadModel, "found readme.md", [&] { locate_model((folder_ / "n").string()).index(); });
}

}  // namespace
}  // namespace liveedit::weights
