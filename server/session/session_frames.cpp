// SPDX-License-Identifier: LGPL-2.1-or-later
// A frame's way through its session: offered, put into a slot, edited, shown.
#include <algorithm>
#include <random>

#include "server/picture/contrast.h"
#include "server/session/session.h"

namespace liveedit::server {
namespace {

constexpr int64_t kLargestSeed = 0x7fffffff;
// Pictures of texts alone that are one colour (of 0 to 127.5), so many after each other, are no pictures.
constexpr double kFlat = 4;
constexpr int kFlatPictures = 3;
constexpr const char* kMakesNothing =
    "The pictures are one colour: this model seems to make none of texts alone. Send it pictures (mode=image), or name "
    "a text-to-image model in model.model_id.";

int64_t any_seed() {
  return static_cast<int64_t>(std::random_device()()) & kLargestSeed;
}

}  // namespace

void Session::offer(Fill frame) {
  last_frame_ = Clock::now();
  ++stats_.frames_in;
  if (waiting_) ++stats_.replaced;
  waiting_ = Offered{std::move(frame), last_frame_, frame_parameters(), blend_ratio_};
  go_on();
}

void Session::go_on() {
  const bool asks = socket_ && socket_->open();
  if (!asks && inputs_ == 0) return;
  if (!engine_ || !served_) {
    if (!std::exchange(holding_, true) || place_ != told_place_) say_wait();
    return;
  }
  // What was asked for before {"status":"wait"} is asked for again.
  if (std::exchange(holding_, false)) asked_ = live_ = false;
  services_->turns->set_busy(number_, busy(Clock::now()));
  if (waiting_ && !decoding_ && engine_->has_free_slot() && has_turn()) {
    if (const auto slot = engine_->take_slot()) decode(*slot);
  }
  if (asks && dialect_ != Dialect::kMedia && !asked_ && !waiting_ && engine_->has_free_slot()) {
    asked_ = true;
    say("send_frame");
  }
}

void Session::decode(uint32_t slot) {
  decoding_ = true;
  offered_[slot] = waiting_->at;
  services_->turns->went(number_, services_->cost(mode_));
  Fill fill = std::move(waiting_->fill);
  if (reference_ && waiting_->blend_ratio > 0)
    fill = [fill = std::move(fill), reference = reference_, ratio = waiting_->blend_ratio](
               Codecs& codecs, PictureSize box, uint8_t* to) {
      const PictureSize size = fill(codecs, box, to);
      reference->mix_into(to, size, ratio);
      return size;
    };
  fill_slot(services_->pool, services_->post, *engine_, slot, std::move(fill),
            [weak = weak_from_this(), engine = engine_->id(), slot, parameters = std::move(waiting_->parameters)](
                PictureSize size, const std::string& problem) {
              const auto self = weak.lock();
              if (!self || !self->engine_ || self->engine_->id() != engine) return;  // that pipeline has gone meanwhile
              self->on_decoded(slot, size, parameters, problem);
            });
  waiting_.reset();
}

void Session::on_decoded(uint32_t slot, PictureSize size, const Parameters& parameters, const std::string& problem) {
  decoding_ = false;
  if (problem.empty()) {
    engine_->set(parameters);
    engine_->submit(slot, size);
  } else {
    engine_->release(slot);
    ++stats_.refused;
    say("error", problem);
  }
  go_on();
}

// Of texts alone: from noise, and another one each time where the client asks for none. What the element does not know
// is not sent to it.
Parameters Session::frame_parameters() const {
  Parameters all = parameters_;
  if (dialect_ != Dialect::kTexts) return all;
  if (services_->table().has(kStrengthName)) all[kStrengthName] = 1.0;
  const auto asked = all.find(kSeedName);
  const int64_t* seed = asked == all.end() ? nullptr : std::get_if<int64_t>(&asked->second);
  if ((!seed || *seed < 0) && services_->table().has(kSeedName)) all[kSeedName] = any_seed();
  return all;
}

// The slot is the worker's again when everybody has their JPEG of it.
void Session::on_picture(const Message& picture) {
  failures_ = 0;
  ++stats_.frames_out;
  if (const auto offered = offered_.find(picture.slot); offered != offered_.end())
    stats_.latency.add(Clock::now() - offered->second);
  if (flat_pictures_) look_for_anything(picture);
  std::vector<int> qualities = viewers_.qualities();
  if (sink_ && std::find(qualities.begin(), qualities.end(), sink_quality_) == qualities.end())
    qualities.push_back(sink_quality_);
  const std::shared_ptr<PictureOutput> output = output_ && output_->wanted() ? output_ : nullptr;
  const uint64_t number = ++pictures_;
  if (qualities.empty() && !output) {
    say_live();
    engine_->release(picture.slot);
    go_on();
    return;
  }
  services_->pool->post([weak = weak_from_this(), post = services_->post, memory = engine_->memory(),
                         engine = engine_->id(), slot = picture.slot, size = PictureSize{picture.width, picture.height},
                         qualities, output, number, offered = offered_[picture.slot]](Codecs& codecs) {
    if (output) output->show(memory->out(slot), size, number, offered);
    std::map<int, std::string> jpegs;
    for (const int quality : qualities) {
      try {
        jpegs[quality] = codecs.writer.write(memory->out(slot), size, quality);
      } catch (const std::exception&) {
        // Nobody gets this one; the next is another picture.
      }
    }
    post([weak, engine, slot, number, jpegs = std::move(jpegs)] {
      const auto self = weak.lock();
      if (!self) return;
      self->say_live();
      self->show(number, jpegs);
      self->on_encoded(engine, slot);
    });
  });
}

// Many models paint over what they are given, and of nothing they make nothing.
void Session::look_for_anything(const Message& picture) {
  if (contrast(engine_->memory()->out(picture.slot), {picture.width, picture.height}) >= kFlat) {
    flat_pictures_.reset();
  } else if (++*flat_pictures_ == kFlatPictures) {
    flat_pictures_.reset();
    say("warning", kMakesNothing);
  }
}

// Not before the first picture is where viewers get it from.
void Session::say_live() {
  if (dialect_ == Dialect::kMedia && !std::exchange(live_, true)) say("live");
}

void Session::show(uint64_t number, const std::map<int, std::string>& jpegs) {
  const auto now = Clock::now();
  for (const auto& [quality, jpeg] : jpegs) viewers_.show(quality, number, jpeg, now);
  show_late(now);
  const auto wanted = jpegs.find(sink_quality_);
  if (!sink_ || wanted == jpegs.end() || number <= sunk_) return;
  sunk_ = number;
  sink_(wanted->second);
}

void Session::set_sink(int quality, std::function<void(const std::string& jpeg)> sink) {
  sink_quality_ = quality;
  sink_ = std::move(sink);
}

void Session::on_encoded(uint32_t engine, uint32_t slot) {
  if (!engine_ || engine_->id() != engine) return;
  engine_->release(slot);
  go_on();
}

void Session::show_late(Clock::time_point now) {
  const auto next = viewers_.catch_up(now);
  if (!next) return;
  const auto delay = std::chrono::ceil<std::chrono::milliseconds>(*next - now);
  late_ = services_->after(delay, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->show_late(Clock::now());
  });
}

}  // namespace liveedit::server
