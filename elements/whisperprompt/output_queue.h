// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include <gst/gst.h>

#include "elements/base/gst_pointers.h"
#include "elements/whisperprompt/sound_queue.h"

namespace liveedit::elements {

// What leaves by the source pad, in the order of its time: texts, gaps between them, and the events of the stream. A
// text that is not known yet has a place here, and nothing behind that leaves before it.
class OutputQueue {
 public:
  struct Item {
    BufferPtr text;
    EventPtr event;  // if there is no text
  };
  // Texts that wait for a slow neighbour.
  static constexpr std::size_t kMostTexts = 32;

  // The time from which on the next gaps count; where the stream begins or jumps.
  void begin_at(GstClockTime pts);

  // Nothing is said until `pts`. Gaps are joined, and short ones wait to grow.
  void silent_until(GstClockTime pts);

  // Here will be the text of utterance `id`, or none; until then gaps and events wait.
  void reserve(std::uint64_t id, GstClockTime pts);
  // It will last until `end`.
  void close(std::uint64_t id, GstClockTime end);
  // Here it is; nullptr: there is none. Where there are too many texts: leaky drops the oldest, else the call waits.
  // Returns how many were dropped.
  std::size_t fulfil(std::uint64_t id, BufferPtr text, bool leaky);
  // A first part of it, which leaves at once.
  void add_part(std::uint64_t id, BufferPtr text);
  // A text without a reserved place: it stands at the time reached. The same rules. What shows texts shows one at a
  // time and forgets those that end meanwhile, so this one lasts as long as its duration, and at least `shortest`, from
  // where the one before ends.
  std::size_t add_now(BufferPtr text, bool leaky, GstClockTime shortest);

  void add_event(EventPtr event);

  // Waits for the next item; nullopt: flushing.
  std::optional<Item> pop();

  // true: nobody waits any more, and everything inside is thrown away. false: from now on they do.
  void set_flushing(bool flushing);

 private:
  enum class Kind { kReserved, kText, kGap, kEvent };
  struct Entry {
    Kind kind = Kind::kGap;
    std::uint64_t id = 0;    // kReserved, and kText that came of it
    GstClockTime start = 0;  // kReserved, kGap
    GstClockTime end = 0;    // of both
    BufferPtr text;
    EventPtr event;
  };

  std::deque<Entry>::iterator find(std::uint64_t id);
  std::size_t make_room(std::unique_lock<std::mutex>& lock, bool leaky);
  std::size_t texts() const;
  void add_gap(GstClockTime until, GstClockTime shortest);
  void stand_now(GstBuffer* text, GstClockTime shortest);
  Item take_front();

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  std::deque<Entry> entries_;
  GstClockTime reached_ = GST_CLOCK_TIME_NONE;  // what has been said about time so far
  GstClockTime shown_until_ = 0;                // the last text of add_now()
  bool flushing_ = true;
};

}  // namespace liveedit::elements
