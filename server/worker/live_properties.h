// SPDX-License-Identifier: LGPL-2.1-or-later
// The properties of an element that may change while it runs: what clients can steer. Left out are those that belong to
// the pipeline around it: region, wait-text.
#pragma once

#include <string>

#include <gst/gst.h>

#include "server/link/message.h"

namespace liveedit::server {

// A JSON array: {name, title, about, type: "string"|"boolean"|"integer"|"number"|"choice", default, min, max,
// choices: [{value, about}]}, in the order of their installation.
std::string describe_live_properties(GstElement* element);

// Sets those of them that are named. Gives a sentence for the first that cannot be set; the others are set.
std::string set_live_properties(GstElement* element, const Parameters& parameters);

// A boxed GstStructure property as a JSON object; "{}" where there is none of that name.
std::string structure_property(GstElement* element, const char* name);

}  // namespace liveedit::server
