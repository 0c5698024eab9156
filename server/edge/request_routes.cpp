// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/edge/request_routes.h"

#include <chrono>

#include <nlohmann/json.hpp>

#include "server/edge/multipart.h"
#include "server/edge/route_parts.h"
#include "server/picture/base64.h"

namespace liveedit::server {
namespace {

constexpr size_t kLongestLanguage = 32;

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void answer_edit(const ResponderPtr& responder, Clock::time_point began, const EditRequests::Result& result,
                 WorkPool* pool) {
  if (result.status == 429 || result.status == 503)
    return send_problem(responder, result.status, result.problem, {{"Retry-After", "2"}});
  if (result.status != 200) return send_problem(responder, result.status, result.problem);
  pool->post([responder, began, jpeg = result.jpeg](Codecs&) {
    const double elapsed = std::chrono::duration<double>(Clock::now() - began).count();
    send_json(responder, 200, dump({{"image", encode_base64(jpeg)}, {"elapsed", elapsed}, {"status", "success"}}));
  });
}

void serve_edit(const std::shared_ptr<Sessions>& sessions, const Request& request, const ResponderPtr& responder) {
  const auto began = Clock::now();
  // Megabytes of base64: not for the I/O thread.
  sessions->pool().post([sessions, responder, began, body = request.body](Codecs&) {
    try {
      const auto parsed = std::make_shared<EditRequest>(parse_edit_request(body));
      sessions->post([sessions, responder, began, parsed] {
        sessions->edit(std::move(*parsed), [sessions, responder, began](const EditRequests::Result& result) {
          answer_edit(responder, began, result, &sessions->pool());
        });
      });
    } catch (const std::exception& problem) {
      send_problem(responder, 422, problem.what());
    }
  });
}

void serve_speech(const Config& config, const std::shared_ptr<Sessions>& sessions, const Request& request,
                  const ResponderPtr& responder) {
  const std::string_view type = request.header("Content-Type").value_or("");
  const bool is_form = request.content_type() == "multipart/form-data";
  const auto part = is_form ? form_part(request.body, type, "file") : std::optional<std::string_view>(request.body);
  if (!part) return send_problem(responder, 400, "The form has no part called file.");
  if (part->empty()) return send_problem(responder, 400, "The recording is empty.");
  if (part->size() > static_cast<size_t>(config.limits.audio_bytes))
    return send_problem(responder, 413,
                        "A recording has " + std::to_string(config.limits.audio_bytes) + " bytes at most.");
  const auto given = is_form ? form_part(request.body, type, "language") : request.query_parameter("language");
  const std::string language(given.value_or(""));
  if (language.size() > kLongestLanguage || language.find('\0') != std::string::npos)
    return send_problem(responder, 422, "language is a code such as en.");
  sessions->understand(*part, language, [responder](MessageKind kind, const std::string& text) {
    if (kind == MessageKind::kText) {
      send_json(responder, 200, dump({{"text", text}}));
    } else if (kind == MessageKind::kRefused) {
      send_problem(responder, 422, text);
    } else {
      send_problem(responder, 503, text, {{"Retry-After", "5"}});
    }
  });
}

}  // namespace

std::vector<Route> request_routes(const Config& config, const std::shared_ptr<Sessions>& sessions) {
  const auto image_bytes = static_cast<size_t>(config.limits.image_bytes),
             audio_bytes = static_cast<size_t>(config.limits.audio_bytes);
  // Two pictures in base64, and the words.
  const size_t edit_bytes = 2 * (image_bytes / 3 + 1) * 4 + static_cast<size_t>(config.limits.message_bytes);
  return {
      post_route("/edit", edit_bytes,
                 [sessions](const Request& request, const ResponderPtr& responder) {
                   serve_edit(sessions, request, responder);
                 }),
      post_route("/api/stt", audio_bytes + kFormBytes,
                 [config, sessions](const Request& request, const ResponderPtr& responder) {
                   serve_speech(config, sessions, request, responder);
                 }),
  };
}

}  // namespace liveedit::server
