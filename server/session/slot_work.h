// SPDX-License-Identifier: LGPL-2.1-or-later
// Pictures into the slots of an engine, on threads of the pool.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "server/session/engine.h"
#include "server/session/work_pool.h"

namespace liveedit::server {

// Writes a frame into a slot: RGBx, rows without gaps, not larger than `box`. On a thread of the pool. Throws Error
// with a sentence for who sent it.
using Fill = std::function<PictureSize(Codecs& codecs, PictureSize box, uint8_t* to)>;
// Runs something on the I/O thread; from any thread.
using Post = std::function<void(std::function<void()>)>;

// Has `fill` write into this slot of the engine, whose memory is kept meanwhile. `filled` gets the size, or what is
// wrong in words, on the I/O thread.
void fill_slot(WorkPool* pool, const Post& post, const Engine& engine, uint32_t slot, Fill fill,
               std::function<void(PictureSize size, const std::string& problem)> filled);

}  // namespace liveedit::server
