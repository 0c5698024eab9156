// SPDX-License-Identifier: LGPL-2.1-or-later
// How the server is, in the words of those who ask.
#pragma once

#include <string>

#include "server/session/sessions.h"

namespace liveedit::server {

// GET /health: {status, model_loaded, optimized, gpu_memory, worker, detail, progress}.
std::string health_json(const Readiness& readiness);
// GET /api/health: {status, settings_initialized, session_manager_initialized}.
std::string session_health_json(const Readiness& readiness);
// GET /metrics, in Prometheus' text format. `gpus`: what gpu_list() gives.
std::string metrics_text(const Totals& totals, const Readiness& readiness, const std::string& gpus);

}  // namespace liveedit::server
