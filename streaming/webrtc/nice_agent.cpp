// SPDX-License-Identifier: LGPL-2.1-or-later
#include "streaming/webrtc/nice_agent.h"

#include <dlfcn.h>

#include "streaming/base/gst_pointers.h"

namespace liveedit::streaming {
namespace {

constexpr guint kStream = 1;  // libnice counts from 1, and all sections of a bundle share one

// As declared in libnice's agent.h.
struct Nice {
  gboolean (*restart_stream)(GObject* agent, guint stream) = nullptr;
  gboolean (*set_remote_credentials)(GObject* agent, guint stream, const gchar* ufrag, const gchar* pwd) = nullptr;
  gboolean (*get_local_credentials)(GObject* agent, guint stream, gchar** ufrag, gchar** pwd) = nullptr;
  bool complete() const { return restart_stream && set_remote_credentials && get_local_credentials; }
};

template <typename Function>
void find(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
}

Nice open_nice() {
  Nice nice;
  // Never closed: webrtcbin holds it as well.
  void* library = dlopen("libnice.so.10", RTLD_LAZY | RTLD_LOCAL);
  if (!library) return nice;
  find(library, "nice_agent_restart_stream", &nice.restart_stream);
  find(library, "nice_agent_set_remote_credentials", &nice.set_remote_credentials);
  find(library, "nice_agent_get_local_credentials", &nice.get_local_credentials);
  return nice;
}

GObjectPtr<GObject> object_property(gpointer of, const char* name) {
  GObject* value = nullptr;
  g_object_get(of, name, &value, nullptr);
  return GObjectPtr<GObject>(value);
}

}  // namespace

std::optional<IceCredentials> restart_ice(GstElement* webrtcbin, const IceCredentials& peer) {
  static const Nice nice = open_nice();
  const auto ice = object_property(webrtcbin, "ice-agent");
  const auto agent = ice ? object_property(ice.get(), "agent") : nullptr;
  if (!nice.complete() || !agent || !nice.restart_stream(agent.get(), kStream)) return std::nullopt;
  nice.set_remote_credentials(agent.get(), kStream, peer.ufrag.c_str(), peer.pwd.c_str());
  gchar *ufrag = nullptr, *pwd = nullptr;
  if (!nice.get_local_credentials(agent.get(), kStream, &ufrag, &pwd)) return std::nullopt;
  IceCredentials own{ufrag, pwd};
  g_free(ufrag);
  g_free(pwd);
  return own;
}

}  // namespace liveedit::streaming
