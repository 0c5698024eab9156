// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/media/camera_node.h"

#include <fstream>

#include <gtest/gtest.h>

namespace liveedit::server {
namespace {

namespace fs = std::filesystem;

// The kernel's list of cameras and the nodes, as folders.
class CameraNodes : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(list_);
    fs::create_directories(devices_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void plug(const std::string& socket, const std::string& node, int index = 0) {
    fs::create_directories(folder_ / socket);
    fs::create_directories(list_ / node);
    fs::create_directory_symlink(folder_ / socket, list_ / node / "device");
    std::ofstream(list_ / node / "index") << index << "\n";
    std::ofstream(devices_ / node).put('x');
  }
  void pull(const std::string& node) {
    fs::remove_all(list_ / node);
    fs::remove(devices_ / node);
  }
  std::string dev(const std::string& node) const { return devices_ / node; }
  CameraNode camera(const std::string& node) const { return CameraNode(dev(node), list_, devices_); }

  const fs::path folder_ = fs::path(::testing::TempDir()) / "liveedit-camera-nodes";
  const fs::path list_ = folder_ / "list", devices_ = folder_ / "dev";
};

TEST_F(CameraNodes, ACameraIsFollowedToItsNewNumber) {
  plug("1-4:1.0", "video0");
  plug("1-4:1.0", "video1", 1);  // its second node, which gives no pictures
  plug("1-5:1.0", "video2");
  CameraNode camera = this->camera("video0");
  EXPECT_EQ(camera.find(), dev("video0"));
  pull("video0");
  pull("video1");
  EXPECT_EQ(camera.find(), "");
  EXPECT_EQ(camera.find(), "");
  plug("1-4:1.0", "video4", 1);
  EXPECT_EQ(camera.find(), "");
  plug("1-4:1.0", "video3");
  EXPECT_EQ(camera.find(), dev("video3"));
  pull("video3");
  plug("1-4:1.0", "video0");
  EXPECT_EQ(camera.find(), dev("video0"));
}

TEST_F(CameraNodes, TwoCamerasThatChangedNumbersStayApart) {
  plug("1-4:1.0", "video0");
  plug("1-5:1.0", "video1");
  CameraNode first = camera("video0"), second = camera("video1");
  first.find();
  second.find();
  pull("video0");
  pull("video1");
  plug("1-5:1.0", "video0");
  plug("1-4:1.0", "video1");
  EXPECT_EQ(first.find(), dev("video1"));
  EXPECT_EQ(second.find(), dev("video0"));
}

TEST_F(CameraNodes, AnotherCameraUnderTheNameIsTaken) {
  plug("1-4:1.0", "video0");
  CameraNode camera = this->camera("video0");
  camera.find();
  pull("video0");
  plug("1-9:1.0", "video0");
  EXPECT_EQ(camera.find(), dev("video0"));
  plug("1-4:1.0", "video1");
  EXPECT_EQ(camera.find(), dev("video0"));  // the first is back, too late
}

TEST_F(CameraNodes, ALinkIsTakenAsItStands) {
  plug("1-4:1.0", "video0");
  fs::create_directory(devices_ / "by-id");
  const fs::path link = devices_ / "by-id" / "video0";
  fs::create_symlink("../video0", link);
  CameraNode camera(link, list_, devices_);
  EXPECT_EQ(camera.find(), link);
  pull("video0");
  EXPECT_EQ(camera.find(), "");
  plug("1-4:1.0", "video1");
  EXPECT_EQ(camera.find(), "");  // until udev has made the link anew
  fs::remove(link);
  fs::create_symlink("../video1", link);
  EXPECT_EQ(camera.find(), link);
}

TEST_F(CameraNodes, ANodeWithoutAPlaceIsKnownByItsNameAlone) {
  std::ofstream(devices_ / "video10").put('x');
  fs::create_directories(list_ / "video10");  // a virtual camera is in no socket
  CameraNode camera = this->camera("video10");
  EXPECT_EQ(camera.find(), dev("video10"));
  pull("video10");
  fs::create_directories(list_ / "video11");
  std::ofstream(devices_ / "video11").put('x');
  EXPECT_EQ(camera.find(), "");
}

TEST_F(CameraNodes, WhereNothingIsListed_n) {
  CameraNode camera(dev("video0"), folder_ / "nowhere", devices_);
  EXPECT_EQ(camera.find(), "");
  std::ofstream(devices_ / "video0").put('x');
  EXPECT_EQ(camera.find(), dev("video0"));
  fs::remove(devices_ / "video0");
  EXPECT_EQ(camera.find(), "");
}

}  // namespace
}  // namespace liveedit::server
