// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/rtsp/rtsp_server.h"

#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <tuple>

#include "streaming/base/error.h"
#include "streaming/base/gst_pointers.h"
#include "streaming/http/server.h"
#include "streaming/rtsp/live_mount.h"
#include "streaming/rtsp/main_context_thread.h"
#include "streaming/rtsp/session_pool.h"

GST_DEBUG_CATEGORY_EXTERN(gst_live_rtsp_sink_debug);
#define GST_CAT_DEFAULT gst_live_rtsp_sink_debug

namespace liveedit::streaming::rtsp {
namespace {

constexpr char kRole[] = "viewer";
constexpr char kRequestedPath[] = "liveedit-path";
constexpr char kInterleavedSession[] = "liveedit-session";
constexpr char kOwnConnection[] = "liveedit-connection";
constexpr char kOwnAddress[] = "liveedit-address";
constexpr guint kBodyLimit = 64 * 1024;
// A client may have a few connections without a session yet, not any number.
constexpr unsigned kConnectionsBeyondSessions = 16;
constexpr std::chrono::milliseconds kCleanup{2000};
constexpr guint kClosedClientKeptMs = 1000;

bool is_below(const std::string& path, const std::string& mount) {
  return path == mount || (path.starts_with(mount) && path[mount.size()] == '/');
}

auto settings_of(const ServerConfig& config) {
  return std::tie(config.user, config.token, config.insecure, config.max_sessions, config.tls_certificate,
                  config.tls_private_key);
}

GTlsCertificate* load_certificate(const ServerConfig& config) {
  const std::string& key = config.tls_private_key.empty() ? config.tls_certificate : config.tls_private_key;
  GError* problem = nullptr;
  GTlsCertificate* certificate =
      g_tls_certificate_new_from_files(config.tls_certificate.c_str(), key.c_str(), &problem);
  if (certificate) return certificate;
  const std::string reason = problem->message;
  g_error_free(problem);
  throw Error(ErrorKind::kSettings, "tls-certificate " + config.tls_certificate + " and tls-private-key " + key +
                                        " cannot be used: " + reason + ".");
}

// gst-rtsp-server 1.22 closes a client to whom nothing can be sent any more in an idle call that holds no reference to
// it: a client that has gone by itself at that moment would be closed after its end. So it is kept until those calls
// are over.
void keep_closed_client(GstRTSPClient* client, gpointer) {
  GSource* release = g_timeout_source_new(kClosedClientKeptMs);
  g_source_set_priority(release, G_PRIORITY_LOW);
  g_source_set_callback(
      release, [](gpointer) -> gboolean { return G_SOURCE_REMOVE; }, g_object_ref(client), g_object_unref);
  GMainContext* context = g_main_context_ref_thread_default();
  g_source_attach(release, context);
  g_main_context_unref(context);
  g_source_unref(release);
}

// gst-rtsp-server lets whoever knows a session's name stop it, without asking for the token. So one that sends over the
// connection of its client is that connection's alone; one over UDP may outlive it, and is that of the client's
// address.
void own_session(GstRTSPClient* client, const GstRTSPContext* context, bool interleaved) {
  GObject* session = G_OBJECT(context->session);
  if (interleaved) g_object_set_data(session, kOwnConnection, client);  // compared, never used
  const char* address = gst_rtsp_connection_get_ip(context->conn);
  if (!g_object_get_data(session, kOwnAddress)) g_object_set_data_full(session, kOwnAddress, g_strdup(address), g_free);
}

bool is_of_somebody_else(GstRTSPClient* client, const GstRTSPContext* context) {
  if (!context->session) return false;
  GObject* session = G_OBJECT(context->session);
  const gpointer connection = g_object_get_data(session, kOwnConnection);
  const auto* address = static_cast<const char*>(g_object_get_data(session, kOwnAddress));
  return (connection && connection != client) ||
         (address && g_strcmp0(address, gst_rtsp_connection_get_ip(context->conn)) != 0);
}

class SharedServer : public Server, public std::enable_shared_from_this<SharedServer> {
 public:
  explicit SharedServer(const ServerConfig& config) : config_(config), thread_(MainContextThread::get()) {}
  ~SharedServer() override { close(); }
  void open();

  void mount(const std::string& path, GstRTSPMediaFactory* factory) override;
  void unmount(const std::string& path) override;
  void disconnect_viewers(const std::string& path) override;
  int port() const override { return port_; }
  std::string url() const override;
  ServerStats stats() const override;

  const ServerConfig& config() const { return config_; }

 private:
  void set_authentication();
  void close();
  void close_clients(const std::string* path);
  void keep_clean();
  static void on_client(GstRTSPServer*, GstRTSPClient* client, gpointer data);
  static GstRTSPStatusCode on_request(GstRTSPClient* client, GstRTSPContext* context, gpointer);
  static GstRTSPStatusCode on_pre_play(GstRTSPClient* client, GstRTSPContext* context, gpointer);
  static void on_play(GstRTSPClient*, GstRTSPContext* context, gpointer);
  static void on_setup(GstRTSPClient* client, GstRTSPContext* context, gpointer);
  static void on_closed(GstRTSPClient* client, gpointer sessions);

  const ServerConfig config_;
  const std::shared_ptr<MainContextThread> thread_;
  GObjectPtr<GstRTSPServer> server_;
  GObjectPtr<GstRTSPSessionPool> sessions_;
  GSource *accepting_ = nullptr, *cleaning_ = nullptr;
  int port_ = 0;
  // Counts what is connected; the clients keep it for as long as they need it.
  std::shared_ptr<std::atomic<unsigned>> connections_ = std::make_shared<std::atomic<unsigned>>(0);
  std::mutex mutex_;
  std::map<std::string, GstRTSPMediaFactory*> mounts_;
};

void SharedServer::open() {
  check_config(config_);
  server_.reset(gst_rtsp_server_new());
  const std::string address = config_.bind_address == "localhost" ? "127.0.0.1" : config_.bind_address;
  gst_rtsp_server_set_address(server_.get(), address.c_str());
  gst_rtsp_server_set_service(server_.get(), std::to_string(config_.port).c_str());
  gst_rtsp_server_set_content_length_limit(server_.get(), kBodyLimit);
  sessions_.reset(make_session_pool(config_.max_sessions));
  gst_rtsp_server_set_session_pool(server_.get(), sessions_.get());
  // All clients on the one thread: closing one can then never meet a request of its own.
  const GObjectPtr<GstRTSPThreadPool> threads(gst_rtsp_server_get_thread_pool(server_.get()));
  gst_rtsp_thread_pool_set_max_threads(threads.get(), 0);
  set_authentication();
  g_signal_connect(server_.get(), "client-connected", G_CALLBACK(on_client), this);

  GError* problem = nullptr;
  accepting_ = gst_rtsp_server_create_source(server_.get(), nullptr, &problem);
  if (!accepting_) {
    const bool taken = g_error_matches(problem, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
    const std::string reason = problem->message, place = "port " + std::to_string(config_.port) + " of " + address;
    g_error_free(problem);
    if (taken)
      throw Error(ErrorKind::kAddress,
                  "Another program listens on " + place + " already: choose another port, or end that program.");
    throw Error(ErrorKind::kAddress, "Cannot listen on " + place + ": " + reason + ".");
  }
  g_source_attach(accepting_, thread_->context());
  port_ = gst_rtsp_server_get_bound_port(server_.get());
  keep_clean();
}

void SharedServer::set_authentication() {
  if (config_.token.empty() && config_.tls_certificate.empty()) return;
  const GObjectPtr<GstRTSPAuth> auth(gst_rtsp_auth_new());
  GstRTSPToken* role = gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, kRole, nullptr);
  if (!config_.tls_certificate.empty()) {
    const GObjectPtr<GTlsCertificate> certificate(load_certificate(config_));
    gst_rtsp_auth_set_tls_certificate(auth.get(), certificate.get());
  }
  if (config_.token.empty()) {
    gst_rtsp_auth_set_default_token(auth.get(), role);
  } else {
    // Basic sends the token as it is, so it is offered under TLS alone.
    gst_rtsp_auth_set_supported_methods(auth.get(),
                                        config_.tls_certificate.empty() ? GST_RTSP_AUTH_DIGEST : GST_RTSP_AUTH_BASIC);
    gst_rtsp_auth_add_digest(auth.get(), config_.user.c_str(), config_.token.c_str(), role);
    gchar* basic = gst_rtsp_auth_make_basic(config_.user.c_str(), config_.token.c_str());
    gst_rtsp_auth_add_basic(auth.get(), basic, role);
    g_free(basic);
  }
  gst_rtsp_token_unref(role);
  gst_rtsp_server_set_auth(server_.get(), auth.get());
}

void SharedServer::keep_clean() {
  cleaning_ = g_timeout_source_new(kCleanup.count());
  g_source_set_callback(
      cleaning_,
      [](gpointer sessions) -> gboolean {
        gst_rtsp_session_pool_cleanup(GST_RTSP_SESSION_POOL(sessions));
        return G_SOURCE_CONTINUE;
      },
      g_object_ref(sessions_.get()), g_object_unref);
  g_source_attach(cleaning_, thread_->context());
}

void SharedServer::on_client(GstRTSPServer*, GstRTSPClient* client, gpointer data) {
  auto* self = static_cast<SharedServer*>(data);
  using Count = std::shared_ptr<std::atomic<unsigned>>;
  ++*self->connections_;
  g_signal_connect_data(
      client, "closed", G_CALLBACK(+[](GstRTSPClient*, gpointer count) { --**static_cast<Count*>(count); }),
      new Count(self->connections_), [](gpointer count, GClosure*) { delete static_cast<Count*>(count); },
      static_cast<GConnectFlags>(0));
  g_signal_connect(client, "closed", G_CALLBACK(keep_closed_client), nullptr);
  if (*self->connections_ > self->config_.max_sessions + kConnectionsBeyondSessions) {
    GST_INFO("a client is turned away: %u are connected", self->connections_->load() - 1);
    gst_rtsp_client_close(client);
    return;
  }
  g_signal_connect(client, "setup-request", G_CALLBACK(on_setup), nullptr);
  g_signal_connect_object(client, "closed", G_CALLBACK(on_closed), self->sessions_.get(),
                          static_cast<GConnectFlags>(0));
  for (const char* request : {"pre-describe-request", "pre-setup-request", "pre-pause-request", "pre-teardown-request",
                              "pre-get-parameter-request", "pre-set-parameter-request"})
    g_signal_connect(client, request, G_CALLBACK(on_request), nullptr);
  g_signal_connect(client, "pre-play-request", G_CALLBACK(on_pre_play), nullptr);
  g_signal_connect(client, "play-request", G_CALLBACK(on_play), nullptr);
}

GstRTSPStatusCode SharedServer::on_request(GstRTSPClient* client, GstRTSPContext* context, gpointer) {
  if (is_of_somebody_else(client, context)) return GST_RTSP_STS_SESSION_NOT_FOUND;
  if (context->uri) g_object_set_data_full(G_OBJECT(client), kRequestedPath, g_strdup(context->uri->abspath), g_free);
  return GST_RTSP_STS_OK;
}

// gst-rtsp-server 1.22 aborts the process on some values of these, and a live picture has one speed.
GstRTSPStatusCode SharedServer::on_pre_play(GstRTSPClient* client, GstRTSPContext* context, gpointer) {
  if (is_of_somebody_else(client, context)) return GST_RTSP_STS_SESSION_NOT_FOUND;
  gchar* value = nullptr;
  for (const GstRTSPHeaderField field : {GST_RTSP_HDR_SCALE, GST_RTSP_HDR_SPEED}) {
    if (gst_rtsp_message_get_header(context->request, field, &value, 0) == GST_RTSP_OK)
      return GST_RTSP_STS_HEADER_FIELD_NOT_VALID_FOR_RESOURCE;
  }
  return GST_RTSP_STS_OK;
}

void SharedServer::on_play(GstRTSPClient*, GstRTSPContext* context, gpointer) {
  if (context->media) request_key_frame(context->media);
}

// A session that sends over the client's own connection ends with it; gst-rtsp-server would keep it until it times out.
void SharedServer::on_setup(GstRTSPClient* client, GstRTSPContext* context, gpointer) {
  gchar* transport = nullptr;
  gst_rtsp_message_get_header(context->request, GST_RTSP_HDR_TRANSPORT, &transport, 0);
  if (!context->session || !transport) return;
  const bool interleaved = std::strstr(transport, "/TCP");
  own_session(client, context, interleaved);
  if (!interleaved) return;
  g_object_set_data_full(G_OBJECT(client), kInterleavedSession, g_object_ref(context->session), g_object_unref);
}

void SharedServer::on_closed(GstRTSPClient* client, gpointer sessions) {
  auto* session = static_cast<GstRTSPSession*>(g_object_get_data(G_OBJECT(client), kInterleavedSession));
  if (session) gst_rtsp_session_pool_remove(GST_RTSP_SESSION_POOL(sessions), session);
  g_object_set_data(G_OBJECT(client), kInterleavedSession, nullptr);
}

void SharedServer::mount(const std::string& path, GstRTSPMediaFactory* factory) {
  const std::lock_guard lock(mutex_);
  for (const auto& [taken, other] : mounts_) {
    if (is_below(path, taken) || is_below(taken, path))
      throw Error(ErrorKind::kAddress,
                  "Another element shows something at " + url() + taken + " already: choose another mount.");
  }
  mounts_[path] = factory;
  gst_rtsp_media_factory_add_role(factory, kRole, GST_RTSP_PERM_MEDIA_FACTORY_ACCESS, G_TYPE_BOOLEAN, TRUE,
                                  GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, G_TYPE_BOOLEAN, TRUE, nullptr);
  const GObjectPtr<GstRTSPMountPoints> points(gst_rtsp_server_get_mount_points(server_.get()));
  gst_rtsp_mount_points_add_factory(points.get(), path.c_str(), GST_RTSP_MEDIA_FACTORY(g_object_ref(factory)));
}

void SharedServer::unmount(const std::string& path) {
  {
    const std::lock_guard lock(mutex_);
    mounts_.erase(path);
  }
  const GObjectPtr<GstRTSPMountPoints> points(gst_rtsp_server_get_mount_points(server_.get()));
  gst_rtsp_mount_points_remove_factory(points.get(), path.c_str());
  thread_->run_and_wait([&] { close_clients(&path); });
}

void SharedServer::disconnect_viewers(const std::string& path) {
  thread_->run_after(std::chrono::milliseconds(1000), [weak = weak_from_this(), path] {
    if (const auto self = weak.lock()) self->close_clients(&path);
  });
}

// On the server's thread. Null: everybody.
void SharedServer::close_clients(const std::string* path) {
  GList* clients = gst_rtsp_server_client_filter(server_.get(), nullptr, nullptr);
  for (GList* at = clients; at; at = at->next) {
    const auto* requested = static_cast<const char*>(g_object_get_data(G_OBJECT(at->data), kRequestedPath));
    if (!path || (requested && is_below(requested, *path))) gst_rtsp_client_close(GST_RTSP_CLIENT(at->data));
  }
  g_list_free_full(clients, g_object_unref);
}

void SharedServer::close() {
  if (!server_) return;
  thread_->run_and_wait([this] {
    for (GSource* source : {accepting_, cleaning_}) {
      if (!source) continue;
      g_source_destroy(source);
      g_source_unref(source);
    }
    close_clients(nullptr);
    gst_rtsp_session_pool_filter(
        sessions_.get(), [](GstRTSPSessionPool*, GstRTSPSession*, gpointer) { return GST_RTSP_FILTER_REMOVE; },
        nullptr);
  });
}

std::string SharedServer::url() const {
  std::string host = config_.bind_address;
  if (host == "0.0.0.0" || host == "localhost") host = "127.0.0.1";
  if (host == "::") host = "::1";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return (config_.tls_certificate.empty() ? "rtsp://" : "rtsps://") + host + ":" + std::to_string(port_);
}

ServerStats SharedServer::stats() const {
  return {gst_rtsp_session_pool_get_n_sessions(sessions_.get()), *connections_};
}

}  // namespace

void check_config(const ServerConfig& config) {
  // The same rules as for the web server, in the same words.
  http::ServerConfig same;
  same.bind_address = config.bind_address;
  same.port = config.port;
  same.token = config.token;
  same.insecure = config.insecure;
  same.tls_certificate = config.tls_certificate;
  same.tls_private_key = config.tls_private_key;
  http::check_config(same);
  if (!config.token.empty() && (config.user.empty() || config.user.find_first_of(":\"\\\r\n") != std::string::npos))
    throw Error(ErrorKind::kSettings,
                "The user cannot be empty or have a colon, a quotation mark or a backslash in it.");
}

std::shared_ptr<Server> Server::get(const ServerConfig& config) {
  static std::mutex mutex;
  static std::map<std::pair<std::string, int>, std::weak_ptr<SharedServer>> running;
  const std::lock_guard lock(mutex);
  auto& entry = running[{config.bind_address, config.port}];
  if (const auto server = config.port == 0 ? nullptr : entry.lock()) {
    if (settings_of(server->config()) != settings_of(config))
      throw Error(
          ErrorKind::kSettings,
          "Another element of this process has port " + std::to_string(config.port) +
              " with other settings: two elements on one port have the same user, token, TLS files and max-sessions.");
    return server;
  }
  const auto server = std::make_shared<SharedServer>(config);
  server->open();
  if (config.port != 0) entry = server;
  return server;
}

}  // namespace liveedit::streaming::rtsp
