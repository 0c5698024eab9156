// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything that can be configured, with its default. What each key means stands in settings.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace liveedit::server {

struct ModelConfig {
  std::string model_id, vae, matte, speech;
  std::string device = "auto";
  std::string acceleration = "xformers";
  std::string engine_dir = "engines";
  bool use_cuda_graph = false;
};

struct PipelineConfig {
  std::string name = "img2img";
  std::string mode = "image";
  int width = 512, height = 512;  // pixels
  bool use_tiny_vae = true, use_lcm_lora = false;
  int warmup = 1;  // frames
  int frame_buffer_size = 1;
  bool use_denoising_batch = true;
  std::string folder;  // of the session pipelines; empty: the one that came with the server
};

struct PerformanceConfig {
  bool enable_similar_image_filter = false;
  double similar_image_filter_threshold = 0.98;
  int similar_image_filter_max_skip_frame = 10;
  int jpeg_quality = 85;
  int frames_in_flight = 2;
  double session_fps = 2;  // that each person shall get at least
};

struct ServingConfig {
  std::string host = "127.0.0.1";
  int port = 8000;
  int max_queue_size = 0;  // people at a time; 0: as many as limits.sessions
  int timeout = 0;         // seconds without a frame; 0: none
  bool use_safety_checker = false;
  std::string token, token_file;
  std::string tls_certificate, tls_private_key;
  bool insecure = false;
};

struct LoggingConfig {
  std::string level = "INFO", format = "text";
};

struct CorsConfig {
  std::vector<std::string> allow_origins;
  bool allow_credentials = true;
  std::vector<std::string> allow_methods = {"*"}, allow_headers = {"*"};
};

// What is given to other programs, and what comes from them.
struct MediaConfig {
  int rtsp_port = 0;                // 0: none
  std::string recordings;           // folder; empty: nothing is recorded
  std::string virtual_camera;       // device, such as /dev/video10; empty: none
  std::vector<std::string> inputs;  // "NAME=URI": sessions without a browser
  bool listen = false;              // what is said in the sound of publishers and inputs becomes their prompt
};

// What one client may do, and all of them together. Each limit n admits n and refuses n + 1.
struct LimitsConfig {
  int sessions = 32;
  int viewers_per_session = 16;
  int connections = 512, connections_per_address = 256;
  double requests_per_second = 100;  // of one address
  int request_burst = 400;           // of one address after a while of silence
  int failed_logins = 5;             // wrong tokens of one address within a minute
  int header_bytes = 16 * 1024, header_fields = 64, target_bytes = 2048;
  int requests_per_connection = 1000;
  double header_seconds = 5, body_seconds = 10, idle_seconds = 30, write_seconds = 30, answer_seconds = 20;
  int edits = 32;  // requests of POST /edit that wait
  int image_bytes = 8 * 1024 * 1024;
  int image_side = 4096;          // pixels
  int message_bytes = 64 * 1024;  // of one JSON text
  int text_bytes = 2000;          // of a prompt
  int audio_bytes = 8 * 1024 * 1024;
  int audio_seconds = 30;         // of a recording that is put into words
  int session_idle_seconds = 60;  // that a session outlives its last connection
};

struct WorkerConfig {
  double watchdog_seconds = 5;
  double load_seconds = 600;
  double backoff_min_seconds = 0.2, backoff_max_seconds = 30;
  int breaker_failures = 5;
  double breaker_window_seconds = 60, breaker_pause_seconds = 30;
};

struct Config {
  ModelConfig model;
  PipelineConfig pipeline;
  PerformanceConfig performance;
  ServingConfig server;
  LoggingConfig logging;
  CorsConfig cors;
  MediaConfig media;
  LimitsConfig limits;
  WorkerConfig worker;
};

}  // namespace liveedit::server
