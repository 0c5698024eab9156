// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/base/cuda_memory.h"

#include <cstdlib>

#include <gmodule.h>

namespace liveedit::elements {
namespace {

constexpr const char* kLibrary = "libgstcuda-1.0.so.0";
constexpr const char* kFeature = "memory:CUDAMemory";
constexpr const char* kMemoryType = "gst.cuda.memory";

GstDebugCategory* category() {
  static GstDebugCategory* const category = _gst_debug_category_new("liveedit-cuda", 0, "liveedit and CUDA memory");
  return category;
}

// The part of GStreamer's CUDA library (1.22 and later) that is used here. A context is a GstObject with the property
// cuda-device-id.
struct CudaLibrary {
  gboolean (*load_driver)() = nullptr;
  int (*init)(unsigned) = nullptr;
  int (*count_devices)(int*) = nullptr;
  gboolean (*ensure_context)(GstElement*, gint device, GstObject** context) = nullptr;
  gboolean (*set_context)(GstElement*, GstContext*, gint device, GstObject** context) = nullptr;
  gboolean (*answer)(GstElement*, GstQuery*, GstObject* context) = nullptr;
  GstBufferPool* (*new_pool)(GstObject* context) = nullptr;
  // Since 1.24, where neighbours need not wait for their own work; nullptr before.
  void (*finish_work)(GstMemory*) = nullptr;
};

// What the library says a memory starts with.
struct CudaMemoryHead {
  GstMemory memory;
  GObject* context;
};

template <typename Function>
bool find(GModule* module, const char* name, Function* function) {
  gpointer symbol = nullptr;
  if (!g_module_symbol(module, name, &symbol) || !symbol) return false;
  *function = reinterpret_cast<Function>(symbol);
  return true;
}

bool open(CudaLibrary* library) {
  GModule* module = g_module_open(kLibrary, static_cast<GModuleFlags>(G_MODULE_BIND_LAZY | G_MODULE_BIND_LOCAL));
  if (!module) {
    GST_CAT_INFO(category(), "no CUDA memory: %s", g_module_error());
    return false;
  }
  g_module_make_resident(module);  // it registers types
  const bool complete = find(module, "gst_cuda_load_library", &library->load_driver) &&
                        find(module, "CuInit", &library->init) &&
                        find(module, "CuDeviceGetCount", &library->count_devices) &&
                        find(module, "gst_cuda_ensure_element_context", &library->ensure_context) &&
                        find(module, "gst_cuda_handle_set_context", &library->set_context) &&
                        find(module, "gst_cuda_handle_context_query", &library->answer) &&
                        find(module, "gst_cuda_buffer_pool_new", &library->new_pool);
  if (!complete) {
    GST_CAT_INFO(category(), "no CUDA memory: %s is of another version", kLibrary);
    return false;
  }
  find(module, "gst_cuda_memory_sync", &library->finish_work);
  int devices = 0;
  if (!library->load_driver() || library->init(0) != 0 || library->count_devices(&devices) != 0 || devices == 0) {
    GST_CAT_INFO(category(), "no CUDA memory: no NVIDIA GPU answers");
    return false;
  }
  return true;
}

// nullptr where there is no library or no GPU; looked for once in a process.
const CudaLibrary* library() {
  static CudaLibrary opened;
  static const bool usable = open(&opened);
  return usable ? &opened : nullptr;
}

bool is_cuda_structure(const GstCaps* caps, guint index) {
  return gst_caps_features_contains(gst_caps_get_features(caps, index), kFeature);
}

int device_of(GObject* context) {
  guint index = 0;
  g_object_get(context, "cuda-device-id", &index, nullptr);
  return static_cast<int>(index);
}

}  // namespace

void CudaMemory::want_device(int index) {
  const std::lock_guard lock(asking_);
  device_ = index;
}

void CudaMemory::offer(GstObject* context) {
  const std::lock_guard lock(mutex_);
  gst_object_replace(&offered_, context);
}

void CudaMemory::set_context(GstContext* context) {
  // Only a process that uses the library has such contexts.
  if (!context || !gst_context_has_context_type(context, "gst.cuda.context") || !library()) return;
  const std::lock_guard lock(asking_);
  library()->set_context(element_, context, device_, &context_);
  offer(context_);
}

bool CudaMemory::answer(GstQuery* query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_CONTEXT) return false;
  const std::lock_guard lock(mutex_);
  return offered_ && library()->answer(element_, query, offered_);
}

PoolPtr CudaMemory::make_pool() {
  if (!library()) return nullptr;
  const std::lock_guard lock(asking_);
  if (!library()->ensure_context(element_, device_, &context_)) {
    GST_CAT_WARNING_OBJECT(category(), element_, "no CUDA context for device %d", device_);
    return nullptr;
  }
  offer(context_);
  return PoolPtr(library()->new_pool(context_));
}

void CudaMemory::close() {
  const std::lock_guard lock(asking_);
  offer(nullptr);
  gst_clear_object(&context_);
}

bool is_cuda_caps(const GstCaps* caps) {
  return caps && gst_caps_get_size(caps) > 0 && is_cuda_structure(caps, 0);
}

GstCaps* without_unusable(GstCaps* caps, GstCaps* filter) {
  for (guint i = gst_caps_get_size(caps); i-- > 0;) {
    if (!is_cuda_structure(caps, i) || library()) continue;
    caps = gst_caps_make_writable(caps);
    gst_caps_remove_structure(caps, i);
  }
  if (!filter) return caps;
  GstCaps* wanted = gst_caps_intersect_full(filter, caps, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref(caps);
  return wanted;
}

int cuda_device_of(const std::string& device) {
  constexpr const char* kPrefix = "cuda:";
  return device.starts_with(kPrefix) ? std::atoi(device.c_str() + std::char_traits<char>::length(kPrefix)) : -1;
}

bool lies_on_gpu(GstBuffer* buffer, int device) {
  if (device < 0 || gst_buffer_n_memory(buffer) != 1) return false;
  GstMemory* memory = gst_buffer_peek_memory(buffer, 0);
  if (!gst_memory_is_type(memory, kMemoryType)) return false;
  if (device_of(reinterpret_cast<CudaMemoryHead*>(memory)->context) != device) return false;
  if (library() && library()->finish_work) library()->finish_work(memory);
  return true;
}

}  // namespace liveedit::elements
