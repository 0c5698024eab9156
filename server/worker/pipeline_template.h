// SPDX-License-Identifier: LGPL-2.1-or-later
// Pipelines of sessions, as text in files. The files belong to whoever runs the server; nothing of a client's gets into
// them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "server/link/message.h"
#include "streaming/base/gst_pointers.h"

namespace liveedit::server {

// The templates of recordings and of sound that goes on; every other one is a mode of sessions.
constexpr const char* kSpeechTemplate = "speech";
constexpr const char* kListenTemplate = "listen";

// What each template of a mode has: name=in (an appsrc), name=edit (what clients steer, with a pad "sink"), name=out
// (an appsink).
constexpr const char* kElementIn = "in";
constexpr const char* kElementEdit = "edit";
constexpr const char* kElementOut = "out";
// What understands speech, in those two.
constexpr const char* kElementSpeech = "speech";

// "element.property" and its value, as text that GStreamer reads: settings of the server's owner, such as edit.model.
// Elements that a template does not have are passed over.
using FixedSettings = std::vector<std::pair<std::string, std::string>>;

// The *.launch files of a folder: name without the ending, and text. Throws Error (kNotFound) where there are none.
std::map<std::string, std::string> read_templates(const std::string& folder);

// A pipeline in state NULL. Throws Error (kSettings) where the text is no pipeline or a fixed setting is not one of its
// element's.
streaming::ObjectPtr<GstElement> parse_pipeline(const std::string& name, const std::string& text,
                                                const FixedSettings& fixed);
// That of a session. Throws Error (kSettings) where one of the three is missing, too.
streaming::ObjectPtr<GstElement> make_pipeline(const std::string& name, const std::string& text,
                                               const FixedSettings& fixed);

// Throws Error (kSettings) where the pipeline has no element of that name, or one that another factory has made; null:
// any may have. `name`: the pipeline's.
void require_element(GstElement* pipeline, const std::string& name, const char* element, const char* factory);

// The element of that name in a pipeline, with a reference; null: there is none.
streaming::ObjectPtr<GstElement> element_of(GstElement* pipeline, const char* name);

}  // namespace liveedit::server
