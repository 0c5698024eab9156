// SPDX-License-Identifier: LGPL-2.1-or-later
// A recording as text. The file comes from a stranger: only decoders for what browsers and programs record are used,
// chosen by its first bytes, whatever a client calls it.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "server/worker/pipeline_template.h"

namespace liveedit::server {

// The file is at fault: what() tells its sender.
class BadRecording : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct SpeechLimits {
  size_t bytes = 8 * 1024 * 1024;
  int seconds = 30;
};

// How GStreamer decodes WAV, WebM, Ogg (Opus), FLAC and MP4 (AAC), by the file's first bytes; empty: it is none of
// them.
std::string_view decoder_of(std::string_view file);

// What is said in one file. One call at a time; the model stays loaded from the first to the end.
class Speech {
 public:
  // `text`: the template speech.launch. Throws Error (kSettings) where it lacks sound, speech or out.
  Speech(std::string text, FixedSettings fixed, SpeechLimits limits);
  ~Speech();
  Speech(const Speech&) = delete;
  Speech& operator=(const Speech&) = delete;

  // Empty where nobody speaks. `language`: a code; empty: the element's own default. Throws BadRecording, and
  // std::runtime_error where the fault is not the file's.
  std::string text_of(const std::string& file, const std::string& language);

 private:
  std::string run(GstElement* pipeline);

  const std::string text_;
  const FixedSettings fixed_;
  const SpeechLimits limits_;
  streaming::ObjectPtr<GstElement> last_;  // keeps the model
};

}  // namespace liveedit::server
