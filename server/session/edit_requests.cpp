// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/session/edit_requests.h"

#include <nlohmann/json.hpp>

#include "server/picture/base64.h"
#include "server/picture/blend.h"
#include "server/session/slot_work.h"
#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

using Json = nlohmann::json;
using streaming::Error;
using streaming::ErrorKind;

// What the interface says: one step is numerically unstable with the models that it was made for.
constexpr int kFewestSteps = 2, kMostSteps = 8, kUsualSteps = 4;
constexpr int kQuality = 90, kSeed = 42;
constexpr double kGuidance = 4;  // where classifier-free guidance is asked for

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::kSettings, what);
}

// The field `name`; null and absence are the same.
const Json* field(const Json& json, const char* name) {
  const auto at = json.find(name);
  return at == json.end() || at->is_null() ? nullptr : &*at;
}

std::string picture_of(const Json& json, const char* name, bool required) {
  const Json* at = field(json, name);
  if (!at && !required) return {};
  if (!at || !at->is_string()) refuse(std::string(name) + " is a picture in base64.");
  std::string_view text = at->get_ref<const std::string&>();
  if (text.starts_with("data:")) {
    const size_t comma = text.find(',');
    if (comma == std::string_view::npos) refuse(std::string(name) + " is a data URL without data.");
    text.remove_prefix(comma + 1);
  }
  std::string file;
  if (!decode_base64(text, &file) || file.empty()) refuse(std::string(name) + " is not base64.");
  return file;
}

}  // namespace

EditRequest parse_edit_request(std::string_view body) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) refuse("The body is not a JSON object.");
  EditRequest request;
  request.image = picture_of(json, "image", true);
  request.reference = picture_of(json, "ref_image", false);
  if (const Json* blend = field(json, "blend_ratio")) {
    if (!blend->is_number()) refuse("blend_ratio is a number from 0 to 1.");
    request.blend = blend->get<double>();
  }
  if (!(request.blend >= 0 && request.blend <= 1)) refuse("blend_ratio is a number from 0 to 1.");
  int steps = kUsualSteps;
  if (const Json* given = field(json, "steps")) {
    if (!given->is_number_integer() || *given < kFewestSteps || *given > kMostSteps)
      refuse("steps is a whole number from 2 to 8.");
    steps = given->get<int>();
  }
  bool guided = false;
  if (const Json* given = field(json, "use_cfg")) {
    if (!given->is_boolean()) refuse("use_cfg is true or false.");
    guided = given->get<bool>();
  }
  Json parameters = {{"num_inference_steps", steps}, {"seed", kSeed}};
  if (guided) parameters["guidance_scale"] = kGuidance;
  if (const Json* prompt = field(json, "prompt")) parameters["prompt"] = *prompt;
  request.parameters = parameters.dump(-1, ' ', false, Json::error_handler_t::replace);
  return request;
}

void EditRequests::ask(EditRequest request, Parameters parameters, Done done) {
  waiting_.push_back({std::move(request), std::move(parameters), std::move(done)});
  if (!current_) next();
}

void EditRequests::next() {
  while (!current_ && !waiting_.empty()) {
    current_ = std::make_unique<Job>(std::move(waiting_.front()));
    waiting_.pop_front();
    // Each has a pipeline of its own: nothing of one person's picture gets into another's.
    engine_ = services_.open_engine(current_->parameters);
    if (engine_) {
      decode();
    } else {
      finish({{}, 503, "The model is not loaded."});
    }
  }
}

void EditRequests::decode() {
  const uint32_t slot = *engine_->take_slot();
  const auto fill = [request = current_->request](Codecs& codecs, PictureSize box, uint8_t* to) {
    const PictureSize size = codecs.reader.read(request.image, box, to);
    if (!request.reference.empty()) {
      std::vector<uint8_t> pixels(static_cast<size_t>(box.width) * box.height * kPixelBytes);
      const PictureSize reference = codecs.reader.read(request.reference, box, pixels.data());
      blend_pictures(to, size, pixels.data(), reference, request.blend);
    }
    return size;
  };
  fill_slot(services_.pool, services_.post, *engine_, slot, fill,
            [weak = weak_from_this(), engine = engine_->id(), slot](PictureSize size, const std::string& problem) {
              const auto self = weak.lock();
              if (!self || !self->engine_ || self->engine_->id() != engine) return;
              if (!problem.empty()) return self->finish({{}, 422, problem});
              self->engine_->submit(slot, size);
            });
}

void EditRequests::on_worker_message(const Message& message) {
  switch (message.kind) {
    case MessageKind::kPicture:
      if (engine_->on_answer(message)) encode(message);
      break;
    case MessageKind::kLost:
      if (engine_->on_answer(message)) finish({{}, 500, "The picture could not be edited."});
      break;
    case MessageKind::kLoading:
      engine_->on_loading();
      break;
    case MessageKind::kLoaded:
      engine_->on_loaded();
      break;
    case MessageKind::kFailed:
      finish({{}, 500, message.text});
      break;
    default:
      break;
  }
}

void EditRequests::encode(const Message& picture) {
  services_.pool->post([weak = weak_from_this(), post = services_.post, memory = engine_->memory(),
                        engine = engine_->id(), slot = picture.slot,
                        size = PictureSize{picture.width, picture.height}](Codecs& codecs) {
    auto result = std::make_shared<Result>();
    try {
      result->jpeg = codecs.writer.write(memory->out(slot), size, kQuality);
    } catch (const std::exception& error) {
      *result = {{}, 500, error.what()};
    }
    post([weak, engine, result] {
      const auto self = weak.lock();
      if (self && self->engine_ && self->engine_->id() == engine) self->finish(std::move(*result));
    });
  });
}

void EditRequests::finish(Result result) {
  engine_.reset();
  const std::unique_ptr<Job> job = std::move(current_);
  if (job) job->done(std::move(result));
  // Not from within next() itself, which goes on by its own loop.
  services_.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->next();
  });
}

void EditRequests::on_worker_down() {
  if (current_) finish({{}, 503, "The worker is being started again; ask in a while."});
}

}  // namespace liveedit::server
