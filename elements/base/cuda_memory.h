// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <mutex>
#include <string>

#include <gst/gst.h>

#include "elements/base/gst_pointers.h"

namespace liveedit::elements {

// `video/x-raw(memory:CUDAMemory)`: pictures that stay on the GPU, between an element and its neighbours (decoders,
// cudaupload, cudaconvert ...). Everything of GStreamer's CUDA library is reached by name, in libgstcuda-1.0.so.0, when
// such caps are first talked about: the plugin is built without CUDA, and loads without it.
//
// What an element does with it:
//   pad templates     LIVEEDIT_VIDEO_CAPS(formats)
//   set_context       memory.set_context(context), then the parent class
//   query             true where memory.answer(query) answered, else the parent class
//   transform_caps    without_unusable(): where nothing can be done with such memory, its caps are not offered
//   allocation        propose_video_buffers(query, n, &memory), decide_video_allocation(trans, query, &memory)
//   frames            MappedFrame(info, buffer, flags, cuda_device_of(stream->info().device))
//   stop              memory.close()
#define LIVEEDIT_VIDEO_CAPS(formats) \
  "video/x-raw" LIVEEDIT_PICTURES(formats) "; video/x-raw(memory:CUDAMemory)" LIVEEDIT_PICTURES(formats)
#define LIVEEDIT_PICTURES(formats) \
  ", format=(string)" formats ", width=(int)[1,16384], height=(int)[1,16384], framerate=(fraction)[0/1,2147483647/1]"

// The CUDA side of one element. Any thread.
class CudaMemory {
 public:
  explicit CudaMemory(GstElement* element) : element_(element) {}
  ~CudaMemory() { close(); }
  CudaMemory(const CudaMemory&) = delete;
  CudaMemory& operator=(const CudaMemory&) = delete;

  // Which GPU's context is wanted: an index, or -1 for whichever the neighbours have. Counts until the next close().
  void want_device(int index);

  void set_context(GstContext* context);
  bool answer(GstQuery* query);

  // A pool of pictures on the GPU, not configured yet, in the context of the neighbours, the application or, where none
  // has one, a new one. nullptr: there is none to be had; the reason is in the log.
  PoolPtr make_pool();

  // Gives the context back.
  void close();

 private:
  GstElement* const element_;
  // Held while neighbours and application are asked for a context, who give it through set_context() on the same
  // thread.
  std::recursive_mutex asking_;
  GstObject* context_ = nullptr;  // asking_
  int device_ = -1;               // asking_
  // What answer() gives, so that it waits for nobody who is asking.
  std::mutex mutex_;
  GstObject* offered_ = nullptr;  // mutex_
  void offer(GstObject* context);
};

// Whether the caps say that pictures lie in CUDA memory.
bool is_cuda_caps(const GstCaps* caps);

// `caps` (taken over) less what stands for CUDA memory where this machine has no GPU or no CUDA library of GStreamer;
// where there is a `filter`, what it takes of them, in its order.
GstCaps* without_unusable(GstCaps* caps, GstCaps* filter);

// N of "cuda:N", else -1.
int cuda_device_of(const std::string& device);

// Whether a buffer's picture lies in the memory of GPU `device`, all of it in one piece. Work that a neighbour has
// queued on it is finished then.
bool lies_on_gpu(GstBuffer* buffer, int device);

// GStreamer's flag for mapping to a device pointer.
inline constexpr int kMapCuda = GST_MAP_FLAG_LAST << 1;

}  // namespace liveedit::elements
