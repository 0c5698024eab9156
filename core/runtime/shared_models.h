// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/api/progress.h"

namespace liveedit::runtime {

// Models of one kind that streams of this process use, each once: those with the same key share one, and it is freed
// with the last of them. Any thread.
class SharedModels {
 public:
  // The model, loaded or shared. Two calls at once load once: the second waits and tells `progress` so. What `load`
  // throws is thrown to the caller that loads; a waiting caller then tries itself. Nothing stays behind.
  template <typename Model>
  std::shared_ptr<Model> get(const std::string& key, const std::function<std::shared_ptr<Model>()>& load,
                             const ProgressSink& progress) {
    return std::static_pointer_cast<Model>(get_any(key, load, progress));
  }

  std::size_t in_use() const;

 private:
  struct Slot {
    std::timed_mutex loading;
    std::weak_ptr<void> model;
  };

  std::shared_ptr<void> get_any(const std::string& key, const std::function<std::shared_ptr<void>()>& load,
                                const ProgressSink& progress);
  std::shared_ptr<Slot> slot_of(const std::string& key);

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Slot>> slots_;
};

}  // namespace liveedit::runtime
