# SPDX-License-Identifier: LGPL-2.1-or-later
# build/env.sh: `. build/env.sh` and gst-launch-1.0, gst-inspect-1.0 and every other GStreamer program find the plugins of this build tree.
# The registry is the build tree's own, so that nothing is left behind elsewhere.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/env.sh @ONLY CONTENT [[
# Read this file into a shell: . @CMAKE_BINARY_DIR@/env.sh
export GST_PLUGIN_PATH="@CMAKE_BINARY_DIR@/gst-plugins${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}"
export GST_REGISTRY="@CMAKE_BINARY_DIR@/gst-registry.bin"
]])
