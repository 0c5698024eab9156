// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/media/media.h"

#include <nlohmann/json.hpp>

#include "server/log/log.h"
#include "server/media/qr_code.h"
#include "server/media/rtsp_outlet.h"
#include "server/security/serving.h"
#include "streaming/webrtc/warm_up.h"

// The parts of streaming/ that are used here log under the names of their elements, which this process does not have.
GST_DEBUG_CATEGORY_EXTERN(gst_live_rtsp_sink_debug);
GST_DEBUG_CATEGORY_EXTERN(gst_live_http_sink_debug);

namespace liveedit::server {
namespace {

namespace http = streaming::http;

constexpr const char* kSdp = "application/sdp";
constexpr const char* kFragment = "application/trickle-ice-sdpfrag";
constexpr std::chrono::seconds kEndTime{15};

MediaSettings media_settings(const Config& config) {
  MediaSettings settings;
  settings.viewers = static_cast<size_t>(config.limits.viewers_per_session);
  settings.image_side = static_cast<uint32_t>(config.limits.image_side);
  return settings;
}

// The part of a path behind the route's up to the next slash.
std::string user_in(const std::string& path, const std::string& route) {
  const std::string rest = path.substr(route.size());
  return rest.substr(0, rest.find('/'));
}

// WHIP and WHEP: peers are made at the address of their user, and steered at their own.
bool wrong_method(const http::Request& request, const std::string& endpoint, const http::ResponderPtr& responder) {
  const bool makes = request.path == endpoint;
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  if (method == "GET" || (method == "POST") == makes) return false;
  responder->send(
      http::make_problem(405, "This address does not take that method.",
                         {{"Allow", makes ? "GET, HEAD, OPTIONS, POST" : "DELETE, GET, HEAD, OPTIONS, PATCH"}}));
  return true;
}

// What rtsp://... is reached by and protected with: as the web server.
streaming::rtsp::ServerConfig rtsp_config(const Config& config) {
  streaming::rtsp::ServerConfig rtsp;
  set_address(config.server, &rtsp);
  rtsp.port = config.media.rtsp_port;
  rtsp.max_sessions = static_cast<unsigned>(config.limits.sessions * config.limits.viewers_per_session);
  return rtsp;
}

// Who waits for a stream that goes away is told so.
class PatientResponder : public http::Responder {
 public:
  explicit PatientResponder(http::ResponderPtr inner) : inner_(std::move(inner)) {}
  ~PatientResponder() override {
    if (!answered_)
      inner_->send(http::make_problem(503, "The stream has ended before there was a picture.", {{"Retry-After", "2"}}));
  }
  bool send(http::Response response) override {
    answered_ = true;
    return inner_->send(std::move(response));
  }
  std::shared_ptr<http::BodyStream> start_stream(http::Response response) override {
    answered_ = true;
    return inner_->start_stream(std::move(response));
  }

 private:
  const http::ResponderPtr inner_;
  std::atomic<bool> answered_{false};
};

std::string to_json(const MediaSession::RecordingState& state) {
  nlohmann::ordered_json json = {{"recording", state.running}, {"name", state.name}};
  if (!state.problem.empty()) json["problem"] = state.problem;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void send_json(const http::ResponderPtr& responder, std::string body) {
  responder->send(http::make_response(200, "application/json", std::move(body), {{"Cache-Control", "no-store"}}));
}

}  // namespace

Media::Media(const Config& config, std::shared_ptr<Sessions> sessions)
    : config_(config),
      settings_(media_settings(config)),
      sessions_(std::move(sessions)),
      io_(http::IoThread::get()),
      slow_("media-slow") {
  GST_DEBUG_CATEGORY_INIT(gst_live_rtsp_sink_debug, "livertspsink", 0, "serves video by RTSP");
  GST_DEBUG_CATEGORY_INIT(gst_live_http_sink_debug, "livehttpsink", 0, "serves video by HTTP");
  if (config.media.rtsp_port > 0) rtsp_ = streaming::rtsp::Server::get(rtsp_config(config));
  if (!config.media.virtual_camera.empty())
    camera_ = std::make_shared<VirtualCamera>(
        config.media.virtual_camera,
        PictureSize{static_cast<uint32_t>(config.pipeline.width), static_cast<uint32_t>(config.pipeline.height)});
  for (const std::string& input : config.media.inputs) split_input(input);
}

void Media::start() {
  streaming::begin_warm_up();  // stop() waits for it
  if (rtsp_ || camera_) {
    io_->post([weak = weak_from_this(), sessions = sessions_] {
      sessions->on_session([weak](const std::shared_ptr<Session>& session) {
        if (const auto self = weak.lock()) self->of(session);
      });
    });
  }
  for (const std::string& input : config_.media.inputs) {
    const auto [name, uri] = split_input(input);
    io_->post([weak = weak_from_this(), name = name, uri = uri] {
      if (const auto self = weak.lock()) self->start_input(name, uri);
    });
  }
}

void Media::start_input(const std::string& name, const std::string& uri) {
  const auto session = sessions_->open_local(name);
  if (!session) return;  // the server ends
  session->begin_input();
  local_.push_back(session);
  inputs_.push_back(std::make_unique<LocalInput>(name, uri, of(session)));
}

std::vector<http::Route> Media::routes() {
  const auto route = [this](const char* path, auto on_request) {
    http::Route made;
    made.path = path;
    made.methods = {"GET", "POST", "PATCH", "DELETE"};
    made.access = http::Access::kPage;
    made.max_body = streaming::kMaxSdpBytes;
    made.post_rate = {20, 400};
    made.options_headers = {{"Accept-Post", kSdp}, {"Accept-Patch", kFragment}};
    made.handler = [weak = weak_from_this(), path = made.path, on_request](const http::Request& request,
                                                                           http::ResponderPtr responder) {
      if (const auto self = weak.lock()) (self.get()->*on_request)(user_in(request.path, path), request, responder);
    };
    return made;
  };
  http::Route whip = route("/api/whip/", &Media::on_whip), record = route("/api/record/", &Media::on_record);
  whip.names_client = record.names_client = true;
  record.methods = {"GET", "POST"};
  record.options_headers = {{"Accept-Post", "application/json"}};
  record.max_body = 1024;
  std::vector<http::Route> routes = {whip, route("/api/whep/", &Media::on_whep), record};
  for (http::Route readable : {route("/api/media/", &Media::on_facts), route("/api/qr/", &Media::on_code),
                               route("/api/snapshot/", &Media::on_snapshot), route("/api/hls/", &Media::on_hls),
                               route("/hls/", &Media::on_hls_file)}) {
    readable.methods = {"GET"};
    readable.options_headers.clear();
    readable.post_rate = {};
    readable.max_body = 0;
    routes.push_back(readable);
  }
  routes.back().access = http::Access::kOpen;  // who knows the folder's name has been given it
  return routes;
}

std::shared_ptr<MediaSession> Media::find(const std::string& user) {
  const auto found = all_.find(user);
  return found == all_.end() ? nullptr : found->second;
}

std::shared_ptr<MediaSession> Media::of(const std::shared_ptr<Session>& session) {
  if (const auto found = find(session->user())) return found;
  const auto made =
      MediaSession::create(settings_, session, [io = io_](std::function<void()> work) { io->post(std::move(work)); });
  made->on_session_ended([weak = weak_from_this(), user = session->user()] {
    const auto self = weak.lock();
    if (!self) return;
    const auto ended = self->find(user);
    self->all_.erase(user);
    self->hls_.erase(user);
    if (ended) self->slow_.post([ended] { ended->stop(); });
  });
  all_[session->user()] = made;
  add_outlets(made.get(), session->user());
  return made;
}

void Media::add_outlets(MediaSession* media, const std::string& user) {
  if (rtsp_) {
    try {
      media->add_outlet(std::make_shared<RtspOutlet>(rtsp_, user));
    } catch (const std::exception& error) {
      log(LogLevel::kWarning, "no RTSP for " + user + ": " + error.what());
    }
  }
  // The camera shows who came first, for as long as that session lives.
  if (camera_ && on_camera_.expired()) {
    on_camera_ = media->weak_from_this();
    media->add_outlet(std::make_shared<CameraOutlet>(camera_));
  }
}

void Media::on_record(const std::string& user, const http::Request& request, const http::ResponderPtr& responder) {
  const auto session = sessions_->find(user);
  if (!session) return void(responder->send(http::make_problem(404, "There is no session of this user.")));
  const auto media = of(session);
  if (request.method == "GET") {
    slow_.post([media, responder] { send_json(responder, to_json(media->recording())); });
    return;
  }
  if (refused(user, request, responder)) return;
  const auto json = nlohmann::json::parse(request.body, nullptr, false);
  const std::string action = json.is_object() && json.contains("action") && json["action"].is_string()
                                 ? json["action"].get<std::string>()
                                 : "";
  if (action != "start" && action != "stop")
    return void(
        responder->send(http::make_problem(422, "The body is {\"action\":\"start\"} or {\"action\":\"stop\"}.")));
  slow_.post([media, responder, action, folder = config_.media.recordings] {
    try {
      if (action == "start") media->start_recording(folder);
      if (action == "stop") media->stop_recording();
      send_json(responder, to_json(media->recording()));
    } catch (const std::exception& error) {
      responder->send(http::make_problem(409, error.what()));
    }
  });
}

void Media::on_facts(const std::string& user, const http::Request&, const http::ResponderPtr& responder) {
  const auto media = find(user);
  if (!media) return void(responder->send(http::make_problem(404, "This session has no media.")));
  send_json(responder, media->facts());
}

// The address at which a page shows this session to others, as the one who asks reaches this server.
void Media::on_code(const std::string& user, const http::Request& request, const http::ResponderPtr& responder) {
  const std::string host(request.header("Host").value_or(""));
  if (!valid_user_id(user) || host.empty())
    return void(responder->send(http::make_problem(404, "There is no such user.")));
  try {
    std::string svg = qr_code_svg((request.secure ? "https://" : "http://") + host + "/?watch=" + user);
    responder->send(http::make_response(200, "image/svg+xml", std::move(svg), {{"Cache-Control", "no-store"}}));
  } catch (const std::exception& error) {
    responder->send(http::make_problem(422, error.what()));
  }
}

bool Media::refused(const std::string& user, const http::Request& request, const http::ResponderPtr& responder) {
  if (sessions_->may_steer(user, Caller::of(request))) return false;
  responder->send(http::make_problem(403, std::string(kBelongsToAnother) + "."));
  return true;
}

void Media::on_hls(const std::string& user, const http::Request& request, const http::ResponderPtr& responder) {
  const auto session = sessions_->find(user);
  if (!session || request.path != "/api/hls/" + user + "/index.m3u8")
    return void(responder->send(http::make_problem(404, "A session's stream is at /api/hls/USER/index.m3u8.")));
  auto& hls = hls_[user];
  if (!hls) {
    hls = std::make_shared<HlsOutlet>(user);
    of(session)->add_outlet(hls);
  }
  hls->routes().serve_master(std::make_shared<PatientResponder>(responder));
}

void Media::on_hls_file(const std::string& folder, const http::Request& request, const http::ResponderPtr& responder) {
  for (const auto& [user, hls] : hls_) {
    if (hls->routes().folder() == "/hls/" + folder + "/")
      return hls->routes().serve_file(request, std::make_shared<PatientResponder>(responder));
  }
  responder->send(http::make_problem(404, "There is no such stream (any more)."));
}

void Media::on_snapshot(const std::string& user, const http::Request&, const http::ResponderPtr& responder) {
  const auto session = sessions_->find(user);
  if (!session) return void(responder->send(http::make_problem(404, "There is no session of this user.")));
  slow_.post([media = of(session), responder, quality = config_.performance.jpeg_quality] {
    JpegWriter writer;
    std::string jpeg = media->snapshot(&writer, quality);
    if (jpeg.empty()) {
      responder->send(http::make_problem(409, "There is no picture yet.", {{"Retry-After", "1"}}));
    } else {
      responder->send(http::make_response(200, "image/jpeg", std::move(jpeg), {{"Cache-Control", "no-store"}}));
    }
  });
}

void Media::on_whip(const std::string& user, const http::Request& request, const http::ResponderPtr& responder) {
  if (wrong_method(request, "/api/whip/" + user, responder)) return;
  if (request.method != "POST") {
    if (const auto media = find(user)) return media->on_whip(request, responder);
    const bool endpoint = request.path == "/api/whip/" + user;
    responder->send(endpoint ? http::make_response(204, "", "", {{"Accept-Post", kSdp}})
                             : http::make_problem(404, "There is no such session."));
    return;
  }
  if (!valid_user_id(user))
    return void(responder->send(http::make_problem(400, "The name of a user has 1 to 64 letters, digits, - and _.")));
  if (refused(user, request, responder)) return;
  std::string problem;
  const auto session = sessions_->open(user, &problem);
  if (!session) return void(responder->send(http::make_problem(503, problem, {{"Retry-After", "5"}})));
  session->admits(Caller::of(request));  // it is theirs from now on
  of(session)->on_whip(request, responder);
}

void Media::on_whep(const std::string& user, const http::Request& request, const http::ResponderPtr& responder) {
  if (wrong_method(request, "/api/whep/" + user, responder)) return;
  const auto session = sessions_->find(user);
  if (session) return of(session)->on_whep(request, responder);
  const bool endpoint = request.path == "/api/whep/" + user;
  if (endpoint && request.method != "POST") {
    responder->send(http::make_response(204, "", "", {{"Accept-Post", kSdp}}));
  } else if (endpoint) {
    responder->send(http::make_problem(409, "There is no session of this user.", {{"Retry-After", "2"}}));
  } else {
    responder->send(http::make_problem(404, "There is no such session."));
  }
}

void Media::stop() {
  inputs_.clear();
  // The sessions have ended on the I/O thread; what they left to do is in slow_.
  slow_.finish();
  if (!slow_.wait(std::chrono::steady_clock::now() + kEndTime))
    log(LogLevel::kWarning, "some media did not end in time");
  if (camera_) camera_->stop();
  streaming::wait_warm_up();
}

}  // namespace liveedit::server
