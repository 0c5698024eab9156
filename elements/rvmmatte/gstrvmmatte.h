// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_RVM_MATTE (gst_rvm_matte_get_type())
G_DECLARE_FINAL_TYPE(GstRvmMatte, gst_rvm_matte, GST, RVM_MATTE, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE(rvmmatte)

G_END_DECLS
