// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>

#include "elements/diffusionfilter/gstdiffusionfilter.h"
#include "elements/rvmmatte/gstrvmmatte.h"
#include "elements/whisperprompt/gstwhisperprompt.h"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(diffusionfilter, plugin) && GST_ELEMENT_REGISTER(rvmmatte, plugin) &&
         GST_ELEMENT_REGISTER(whisperprompt, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, liveedit, "Edits live video by prompt", plugin_init,
                  LIVEEDIT_VERSION, "LGPL", "gst-liveedit", "Unknown package origin")
