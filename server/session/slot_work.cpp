// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/session/slot_work.h"

namespace liveedit::server {

void fill_slot(WorkPool* pool, const Post& post, const Engine& engine, uint32_t slot, Fill fill,
               std::function<void(PictureSize size, const std::string& problem)> filled) {
  pool->post([post, memory = engine.memory(), box = engine.box(), slot, fill = std::move(fill),
              filled = std::move(filled)](Codecs& codecs) {
    PictureSize size;
    std::string problem;
    try {
      size = fill(codecs, box, memory->in(slot));
    } catch (const std::exception& error) {
      problem = error.what();
    }
    post([filled, size, problem] { filled(size, problem); });
  });
}

}  // namespace liveedit::server
