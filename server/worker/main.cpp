// SPDX-License-Identifier: LGPL-2.1-or-later
// liveedit-worker: started by liveedit-server, which talks to it over a socket.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <iostream>

#include <gst/gst.h>

#include "server/worker/worker.h"

namespace {

using liveedit::server::FixedSettings;

struct Arguments {
  int socket = -1;
  std::string folder;
  FixedSettings fixed;
  liveedit::server::SpeechLimits speech;
};

bool parse(int argc, char** argv, Arguments* arguments) {
  gint socket = -1;
  gchar* folder = nullptr;
  gchar** sets = nullptr;
  gint audio_bytes = static_cast<gint>(arguments->speech.bytes), audio_seconds = arguments->speech.seconds;
  const GOptionEntry entries[] = {
      {"socket", 0, 0, G_OPTION_ARG_INT, &socket, "Descriptor of the socket to the server", "FD"},
      {"folder", 0, 0, G_OPTION_ARG_FILENAME, &folder, "Folder with the session pipelines", "FOLDER"},
      {"set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &sets, "A setting of an element", "ELEMENT.PROPERTY=VALUE"},
      {"audio-bytes", 0, 0, G_OPTION_ARG_INT, &audio_bytes, "Of a recording, at most", "BYTES"},
      {"audio-seconds", 0, 0, G_OPTION_ARG_INT, &audio_seconds, "Of a recording, at most", "SECONDS"},
      {}};
  GOptionContext* context = g_option_context_new("- the part of liveedit-server that edits; it is not started by hand");
  g_option_context_add_main_entries(context, entries, nullptr);
  GError* error = nullptr;
  bool good = g_option_context_parse(context, &argc, &argv, &error);
  g_option_context_free(context);
  if (error) {
    std::cerr << "liveedit-worker: " << error->message << "\n";
    g_error_free(error);
  } else if (socket < 0 || !folder) {
    std::cerr << "liveedit-worker is started by liveedit-server.\n";
    good = false;
  }
  arguments->speech = {static_cast<size_t>(audio_bytes), audio_seconds};
  arguments->socket = socket;
  arguments->folder = folder ? folder : "";
  for (gchar** set = sets; set && *set; ++set) {
    const std::string text = *set;
    const size_t sign = text.find('=');
    if (sign != std::string::npos) arguments->fixed.emplace_back(text.substr(0, sign), text.substr(sign + 1));
  }
  g_free(folder);
  g_strfreev(sets);
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  // Ctrl-C is the server's: this process ends when the socket does.
  signal(SIGINT, SIG_IGN);
  gst_init(nullptr, nullptr);
  Arguments arguments;
  if (!parse(argc, argv, &arguments)) return 2;
  try {
    liveedit::server::Worker worker(liveedit::server::UniqueFd(arguments.socket), arguments.folder,
                                    std::move(arguments.fixed), arguments.speech);
    worker.run();
    alarm(5);  // a pipeline that does not stop keeps nobody waiting
  } catch (const std::exception& error) {
    std::cerr << "liveedit-worker: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
