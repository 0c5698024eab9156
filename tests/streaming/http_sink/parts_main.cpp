// SPDX-License-Identifier: LGPL-2.1-or-later
// The parts log into the element's category, which is the element's to set up.
#include <gst/gst.h>
#include <gtest/gtest.h>

GST_DEBUG_CATEGORY_EXTERN(gst_live_http_sink_debug);

namespace {

class GStreamer : public ::testing::Environment {
 public:
  void SetUp() override {
    gst_init(nullptr, nullptr);
    GST_DEBUG_CATEGORY_INIT(gst_live_http_sink_debug, "livehttpsink", 0, "the parts of the element");
  }
};

const ::testing::Environment* const kGStreamer = ::testing::AddGlobalTestEnvironment(new GStreamer);

}  // namespace
