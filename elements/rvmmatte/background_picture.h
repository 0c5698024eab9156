// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>

#include "core/api/matter.h"

namespace liveedit::elements {

// Decodes a picture file with GStreamer's decoders, turned upright as its tags say; of a film, the first frame. Takes
// as long as that does, up to some seconds, so it is called beside the stream.
// Throws Error: kNotFound where there is no such file, kBadModel where no decoder makes a picture of it.
std::shared_ptr<const BackgroundPicture> load_background(const std::string& path);

}  // namespace liveedit::elements
