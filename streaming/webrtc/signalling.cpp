// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/signalling.h"

#include "streaming/webrtc/text_scan.h"

#include "streaming/webrtc/log.h"

namespace liveedit::streaming {

GstDebugCategory* webrtc_log_category() {
  static GstDebugCategory* const category = [] {
    GstDebugCategory* made = nullptr;
    GST_DEBUG_CATEGORY_INIT(made, "livewebrtc", 0, "WHIP and WHEP sessions");
    return made;
  }();
  return category;
}

namespace {

constexpr const char* kSdp = "application/sdp";
constexpr const char* kFragment = "application/trickle-ice-sdpfrag";

http::Headers retry_after(int seconds) {
  return {{"Retry-After", std::to_string(seconds)}};
}

http::Response response_of(std::exception_ptr problem) {
  try {
    std::rethrow_exception(problem);
  } catch (const SdpError& error) {
    return http::make_problem(error.status(), error.what());
  } catch (const SessionRefused& refused) {
    return http::make_problem(refused.status(), refused.what(), retry_after(refused.retry_after_s()));
  } catch (const std::exception& error) {
    GST_WARNING("no session: %s", error.what());
    return http::make_problem(500, "The session could not be set up.");
  }
}

// An entity tag as sent, or without the quotes that some clients leave out.
bool names_tag(std::string_view if_match, const std::string& etag) {
  return if_match == etag || (if_match.size() + 2 == etag.size() && etag.compare(1, if_match.size(), if_match) == 0);
}

}  // namespace

std::string ice_server_link(const std::string& server) {
  const std::size_t scheme_end = server.find("://");
  if (scheme_end == std::string::npos) return {};
  const std::string scheme = server.substr(0, scheme_end);
  std::string rest = server.substr(scheme_end + 3);
  if (scheme != "stun" && scheme != "turn" && scheme != "turns") return {};
  std::string user, password;
  if (const std::size_t at = rest.rfind('@'); at != std::string::npos) {
    const std::string login = rest.substr(0, at);
    rest = rest.substr(at + 1);
    const std::size_t colon = login.rfind(':');
    gchar* name = g_uri_unescape_string(login.substr(0, colon).c_str(), nullptr);
    gchar* secret = colon == std::string::npos ? nullptr : g_uri_unescape_string(login.c_str() + colon + 1, nullptr);
    user = name ? name : "";
    password = secret ? secret : "";
    g_free(name);
    g_free(secret);
  }
  const std::string all = rest + user + password;
  for (const char c : all) {
    if (c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == 127) return {};
  }
  std::string link = "<" + scheme + ":" + rest + ">; rel=\"ice-server\"";
  if (!user.empty())
    link += "; username=\"" + user + "\"; credential=\"" + password + "\"; credential-type=\"password\"";
  return link;
}

Signalling::Signalling(SignallingSettings settings, Factory factory)
    : settings_(std::move(settings)), factory_(std::move(factory)) {}

std::vector<http::Route> Signalling::routes() {
  const auto handler =
      [weak = weak_from_this()](void (Signalling::*function)(const http::Request&, const http::ResponderPtr&)) {
        return [weak, function](const http::Request& request, http::ResponderPtr responder) {
          if (const auto self = weak.lock()) {
            ((*self).*function)(request, responder);
          } else {
            responder->send(http::make_problem(503, "The stream has ended."));
          }
        };
      };
  http::Route endpoint;
  endpoint.path = settings_.path;
  endpoint.methods = {"GET", "POST"};
  endpoint.handler = handler(&Signalling::create);
  endpoint.max_body = kMaxSdpBytes;
  endpoint.post_rate = {2, 64};
  endpoint.options_headers = {{"Accept-Post", kSdp}};
  http::Route session;
  session.path = settings_.path + "/";
  session.methods = {"GET", "PATCH", "DELETE"};
  session.handler = handler(&Signalling::on_session);
  session.max_body = kMaxFragmentBytes;
  session.post_rate = {20, 400};
  session.options_headers = {{"Accept-Patch", kFragment}};
  return {endpoint, session};
}

void Signalling::handle(const http::Request& request, const http::ResponderPtr& responder) {
  if (request.path == settings_.path) {
    create(request, responder);
  } else {
    on_session(request, responder);
  }
}

std::vector<std::shared_ptr<Session>> Signalling::sessions() const {
  std::vector<std::shared_ptr<Session>> all;
  std::lock_guard lock(mutex_);
  for (const auto& [id, session] : sessions_) all.push_back(session);
  return all;
}

std::shared_ptr<Session> Signalling::find(const std::string& id) const {
  std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second;
}

void Signalling::remove(const std::string& id) {
  std::shared_ptr<Session> gone;  // goes after the lock
  std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  gone = std::move(found->second);
  sessions_.erase(found);
}

http::Response Signalling::created(const Session& session, const std::string& answer) const {
  http::Headers headers = {{"Location", settings_.path + "/" + session.id()},
                           {"ETag", session.ice_state().etag},
                           {"Accept-Patch", kFragment},
                           {"Cache-Control", "no-store"}};
  for (const std::string& link : settings_.ice_server_links) headers.emplace_back("Link", link);
  return http::make_response(201, kSdp, answer, std::move(headers));
}

void Signalling::create(const http::Request& request, const http::ResponderPtr& responder) {
  if (request.method != "POST") {
    // GET and HEAD are for finding out what is spoken here: draft-ietf-wish-whep-03 4.2.
    http::Response response =
        http::make_response(request.method == "HEAD" ? 200 : 204, "", "", {{"Accept-Post", kSdp}});
    if (request.method == "HEAD") response.headers.emplace_back("Content-Type", kSdp);
    responder->send(std::move(response));
    return;
  }
  if (request.content_type() != kSdp) {
    responder->send(http::make_problem(415, "An offer is sent as application/sdp.", {{"Accept-Post", kSdp}}));
    return;
  }
  std::shared_ptr<Session> session;
  try {
    Offer offer = parse_offer(request.body);
    std::lock_guard lock(mutex_);
    if (closed_) throw SessionRefused(503, "The stream has ended.", 5);
    if (sessions_.size() >= settings_.max_sessions) throw SessionRefused(503, settings_.full_text, 5);
    session = factory_(std::move(offer));
    sessions_.emplace(session->id(), session);
  } catch (...) {
    responder->send(response_of(std::current_exception()));
    return;
  }
  const std::weak_ptr<Signalling> weak = weak_from_this();
  session->negotiate(
      [weak, id = session->id(), responder](const std::string& answer, std::exception_ptr problem) {
        const auto self = weak.lock();
        const auto made = self ? self->find(id) : nullptr;
        if (problem) {
          responder->send(response_of(problem));
        } else if (!made) {
          responder->send(http::make_problem(503, "The stream has ended."));
        } else if (!responder->send(self->created(*made, answer))) {
          made->close("the client left before it was answered");
        }
      },
      [weak](const std::string& id, const std::string& reason) {
        GST_INFO("session %.8s has ended: %s", id.c_str(), reason.c_str());
        if (const auto self = weak.lock()) self->remove(id);
      });
}

// What a PATCH asks for; throws SdpError.
static TrickleFragment checked_fragment(const Session& session, const http::Request& request, bool* restart) {
  TrickleFragment fragment = parse_trickle_fragment(request.body);
  const auto if_match = request.header("If-Match");
  if (!if_match) throw SdpError(428, "A PATCH names the session's state by If-Match.");
  const Session::IceState state = session.ice_state();
  const bool any = *if_match == "*";
  if (!any && !names_tag(*if_match, state.etag)) throw SdpError(412, "If-Match does not name the session's state.");
  *restart = fragment.ice && *fragment.ice != state.peer;
  // RFC 9725 4.3: "*" is for restarts alone.
  if (any && !*restart) throw SdpError(422, "An ICE restart brings new credentials.");
  return fragment;
}

void Signalling::patch(Session* session, const http::Request& request, const http::ResponderPtr& responder) {
  if (request.content_type() != kFragment) {
    responder->send(http::make_problem(415, "Candidates are sent as application/trickle-ice-sdpfrag.",
                                       {{"Accept-Patch", kFragment}}));
    return;
  }
  bool restart = false;
  TrickleFragment fragment;
  try {
    fragment = checked_fragment(*session, request, &restart);
  } catch (const SdpError& error) {
    responder->send(http::make_problem(error.status(), error.what()));
    return;
  }
  if (!restart) {
    session->add_candidates(std::move(fragment));
    responder->send(http::make_response(204, "", ""));
    return;
  }
  session->restart_ice(std::move(fragment), [responder](const std::string& answer, const std::string& etag) {
    responder->send(answer.empty()
                        ? http::make_problem(422, "ICE restarts are not to be had; the session goes on as it is.")
                        : http::make_response(200, kFragment, answer, {{"ETag", etag}, {"Cache-Control", "no-store"}}));
  });
}

void Signalling::on_session(const http::Request& request, const http::ResponderPtr& responder) {
  const auto session = find(request.path.substr(settings_.path.size() + 1));
  if (!session) {
    responder->send(http::make_problem(404, "There is no such session."));
  } else if (request.method == "PATCH") {
    patch(session.get(), request, responder);
  } else if (request.method == "DELETE") {
    session->close("the client ended it");
    remove(session->id());
    responder->send(http::make_response(200, "", ""));
  } else {
    responder->send(http::make_response(204, "", ""));
  }
}

std::size_t Signalling::close_all(const std::string& reason) {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  const auto all = sessions();
  for (const auto& session : all) session->close(reason);
  const auto deadline = std::chrono::steady_clock::now() + kTeardownTime;
  std::size_t left = 0;
  for (const auto& session : all) left += session->wait_closed(deadline) ? 0 : 1;
  if (left > 0) GST_WARNING("%zu sessions do not end and are abandoned", left);
  return left;
}

}  // namespace liveedit::streaming
