// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_WHISPER_PROMPT (gst_whisper_prompt_get_type())
G_DECLARE_FINAL_TYPE(GstWhisperPrompt, gst_whisper_prompt, GST, WHISPER_PROMPT, GstElement)

GST_ELEMENT_REGISTER_DECLARE(whisperprompt)

G_END_DECLS
