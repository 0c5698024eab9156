// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_DIFFUSION_FILTER (gst_diffusion_filter_get_type())
G_DECLARE_FINAL_TYPE(GstDiffusionFilter, gst_diffusion_filter, GST, DIFFUSION_FILTER, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE(diffusionfilter)

G_END_DECLS
