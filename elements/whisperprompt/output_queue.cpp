// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/whisperprompt/output_queue.h"

#include <algorithm>
#include <utility>

namespace liveedit::elements {
namespace {

// Downstream learns ten times a second that nobody speaks.
constexpr GstClockTime kShortestGap = 100 * GST_MSECOND;

}  // namespace

void OutputQueue::begin_at(GstClockTime pts) {
  const std::lock_guard lock(mutex_);
  reached_ = pts;
  shown_until_ = 0;
}

void OutputQueue::silent_until(GstClockTime pts) {
  {
    const std::lock_guard lock(mutex_);
    add_gap(pts, kShortestGap);
  }
  changed_.notify_all();
}

void OutputQueue::add_gap(GstClockTime until, GstClockTime shortest) {
  if (flushing_ || !GST_CLOCK_TIME_IS_VALID(reached_) || until <= reached_ || until - reached_ < shortest) return;
  if (!entries_.empty() && entries_.back().kind == Kind::kGap && entries_.back().end == reached_) {
    entries_.back().end = until;
  } else {
    Entry gap;
    gap.start = reached_;
    gap.end = until;
    entries_.push_back(std::move(gap));
  }
  reached_ = until;
}

void OutputQueue::reserve(std::uint64_t id, GstClockTime pts) {
  {
    const std::lock_guard lock(mutex_);
    if (flushing_) return;
    add_gap(pts, 1);
    Entry place;
    place.kind = Kind::kReserved;
    place.id = id;
    place.start = pts;
    place.end = pts;
    entries_.push_back(std::move(place));
  }
  changed_.notify_all();
}

std::deque<OutputQueue::Entry>::iterator OutputQueue::find(std::uint64_t id) {
  return std::find_if(entries_.begin(), entries_.end(),
                      [id](const Entry& entry) { return entry.kind == Kind::kReserved && entry.id == id; });
}

void OutputQueue::close(std::uint64_t id, GstClockTime end) {
  const std::lock_guard lock(mutex_);
  const auto place = find(id);
  if (flushing_ || place == entries_.end()) return;
  place->end = end;
  reached_ = std::max(reached_, end);
}

std::size_t OutputQueue::fulfil(std::uint64_t id, BufferPtr text, bool leaky) {
  std::size_t dropped = 0;
  {
    std::unique_lock lock(mutex_);
    if (text) dropped = make_room(lock, leaky);
    const auto place = find(id);
    if (flushing_ || place == entries_.end()) return dropped;
    place->kind = text ? Kind::kText : Kind::kGap;
    place->text = std::move(text);
  }
  changed_.notify_all();
  return dropped;
}

void OutputQueue::add_part(std::uint64_t id, BufferPtr text) {
  {
    const std::lock_guard lock(mutex_);
    const auto place = find(id);
    if (flushing_ || place == entries_.end()) return;
    // An older part that nobody has taken yet says less than this one.
    if (place != entries_.begin() && std::prev(place)->kind == Kind::kText && std::prev(place)->id == id) {
      std::prev(place)->text = std::move(text);
    } else {
      Entry part;
      part.kind = Kind::kText;
      part.id = id;
      part.text = std::move(text);
      entries_.insert(place, std::move(part));
    }
  }
  changed_.notify_all();
}

void OutputQueue::stand_now(GstBuffer* text, GstClockTime shortest) {
  if (!GST_CLOCK_TIME_IS_VALID(reached_)) return;
  shown_until_ = std::max(shown_until_, reached_) + std::max(GST_BUFFER_DURATION(text), shortest);
  GST_BUFFER_PTS(text) = reached_;
  GST_BUFFER_DURATION(text) = shown_until_ - reached_;
}

std::size_t OutputQueue::add_now(BufferPtr text, bool leaky, GstClockTime shortest) {
  std::size_t dropped = 0;
  {
    std::unique_lock lock(mutex_);
    dropped = make_room(lock, leaky);
    if (flushing_) return dropped;
    stand_now(text.get(), shortest);
    Entry entry;
    entry.kind = Kind::kText;
    entry.text = std::move(text);
    entries_.push_back(std::move(entry));
  }
  changed_.notify_all();
  return dropped;
}

void OutputQueue::add_event(EventPtr event) {
  {
    const std::lock_guard lock(mutex_);
    if (flushing_) return;
    Entry entry;
    entry.kind = Kind::kEvent;
    entry.event = std::move(event);
    entries_.push_back(std::move(entry));
  }
  changed_.notify_all();
}

std::size_t OutputQueue::texts() const {
  return static_cast<std::size_t>(
      std::count_if(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.kind == Kind::kText; }));
}

std::size_t OutputQueue::make_room(std::unique_lock<std::mutex>& lock, bool leaky) {
  if (!leaky) {
    changed_.wait(lock, [this] { return flushing_ || texts() < kMostTexts; });
    return 0;
  }
  std::size_t dropped = 0;
  while (texts() >= kMostTexts) {
    entries_.erase(
        std::find_if(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.kind == Kind::kText; }));
    ++dropped;
  }
  return dropped;
}

std::optional<OutputQueue::Item> OutputQueue::pop() {
  std::optional<Item> item;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock,
                  [this] { return flushing_ || (!entries_.empty() && entries_.front().kind != Kind::kReserved); });
    if (flushing_) return std::nullopt;
    item = take_front();
  }
  changed_.notify_all();
  return item;
}

OutputQueue::Item OutputQueue::take_front() {
  Entry entry = std::move(entries_.front());
  entries_.pop_front();
  if (entry.kind == Kind::kText) return {std::move(entry.text), nullptr};
  if (entry.kind == Kind::kEvent) return {nullptr, std::move(entry.event)};
  return {nullptr, EventPtr(gst_event_new_gap(entry.start, entry.end > entry.start ? entry.end - entry.start : 0))};
}

void OutputQueue::set_flushing(bool flushing) {
  {
    const std::lock_guard lock(mutex_);
    flushing_ = flushing;
    entries_.clear();
    reached_ = GST_CLOCK_TIME_NONE;
    shown_until_ = 0;
  }
  changed_.notify_all();
}

}  // namespace liveedit::elements
