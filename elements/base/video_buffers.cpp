// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/base/video_buffers.h"

#include <gst/video/video.h>

#include "elements/base/gst_pointers.h"

namespace liveedit::elements {
namespace {

// The caps of an ALLOCATION query, which keeps them, and what they say; nullptr: they are no video.
GstCaps* parse_caps(GstQuery* query, GstVideoInfo* info) {
  GstCaps* caps = nullptr;
  gst_query_parse_allocation(query, &caps, nullptr);
  return caps && gst_video_info_from_caps(info, caps) ? caps : nullptr;
}

bool configure_pool(GstBufferPool* pool, GstCaps* caps, guint size, guint min, guint max, bool with_video_meta) {
  GstStructure* config = gst_buffer_pool_get_config(pool);
  gst_buffer_pool_config_set_params(config, caps, size, min, max);
  if (with_video_meta) gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  if (gst_buffer_pool_set_config(pool, config)) return true;
  config = gst_buffer_pool_get_config(pool);
  if (gst_buffer_pool_config_validate_params(config, caps, size, min, max))
    return gst_buffer_pool_set_config(pool, config);
  gst_structure_free(config);
  return false;
}

// A GPU's rows are padded, so its pools say themselves what a picture takes.
guint configured_size(GstBufferPool* pool) {
  guint size = 0;
  GstStructure* config = gst_buffer_pool_get_config(pool);
  gst_buffer_pool_config_get_params(config, nullptr, &size, nullptr, nullptr);
  gst_structure_free(config);
  return size;
}

bool is_cuda_pool(GstBufferPool* pool) {
  const GType type = g_type_from_name("GstCudaBufferPool");
  return type != 0 && G_TYPE_CHECK_INSTANCE_TYPE(pool, type);
}

}  // namespace

gboolean video_unit_size(GstBaseTransform*, GstCaps* caps, gsize* size) {
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, caps)) return FALSE;
  *size = GST_VIDEO_INFO_SIZE(&info);
  return TRUE;
}

gboolean propose_video_buffers(GstQuery* query, guint buffers, CudaMemory* cuda) {
  GstVideoInfo info;
  GstCaps* caps = parse_caps(query, &info);
  if (!caps) return FALSE;
  if (!gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr)) {
    gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  }
  guint size = GST_VIDEO_INFO_SIZE(&info);
  PoolPtr pool;
  if (is_cuda_caps(caps)) {
    pool = cuda->make_pool();
    if (!pool || !configure_pool(pool.get(), caps, size, buffers, 0, true)) return FALSE;
    size = configured_size(pool.get());
  }
  gst_query_add_allocation_pool(query, pool.get(), size, buffers, 0);
  return TRUE;
}

gboolean decide_video_allocation(GstBaseTransform* trans, GstQuery* query, CudaMemory* cuda) {
  GstVideoInfo info;
  GstCaps* caps = parse_caps(query, &info);
  if (!caps) return FALSE;
  GstBufferPool* offered = nullptr;
  guint size = 0, min = 0, max = 0;
  const bool has_pool = gst_query_get_n_allocation_pools(query) > 0;
  if (has_pool) gst_query_parse_nth_allocation_pool(query, 0, &offered, &size, &min, &max);
  size = MAX(size, GST_VIDEO_INFO_SIZE(&info));
  PoolPtr pool(offered);
  const bool on_gpu = is_cuda_caps(caps);
  const bool video_meta = on_gpu || gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  if (pool && on_gpu && !is_cuda_pool(pool.get())) pool.reset();
  if (!pool || !configure_pool(pool.get(), caps, size, min, max, video_meta)) {
    pool = on_gpu ? cuda->make_pool() : PoolPtr(gst_video_buffer_pool_new());
    if (!pool || !configure_pool(pool.get(), caps, size, min, max, video_meta)) {
      GST_ELEMENT_ERROR(trans, RESOURCE, SETTINGS, ("No buffers could be set up for the video."),
                        ("%" GST_PTR_FORMAT, caps));
      return FALSE;
    }
  }
  size = configured_size(pool.get());
  if (has_pool) {
    gst_query_set_nth_allocation_pool(query, 0, pool.get(), size, min, max);
  } else {
    gst_query_add_allocation_pool(query, pool.get(), size, min, max);
  }
  return TRUE;
}

gboolean keep_video_meta(GstBaseTransform*, GstBuffer*, GstMeta* meta, GstBuffer*) {
  static const gchar* const kept[] = {GST_META_TAG_VIDEO_STR, GST_META_TAG_VIDEO_ORIENTATION_STR,
                                      GST_META_TAG_VIDEO_SIZE_STR, GST_META_TAG_VIDEO_COLORSPACE_STR, nullptr};
  const gchar* const* tags = gst_meta_api_type_get_tags(meta->info->api);
  for (; tags && *tags; ++tags) {
    if (!g_strv_contains(kept, *tags)) return FALSE;
  }
  return TRUE;
}

}  // namespace liveedit::elements
