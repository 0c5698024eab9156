// SPDX-License-Identifier: LGPL-2.1-or-later
// Single pictures that are to be edited (POST /edit), one after the other. I/O thread unless said otherwise.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/session/engine.h"
#include "server/session/parameters.h"
#include "server/session/work_pool.h"

namespace liveedit::server {

struct EditRequest {
  std::string image, reference;  // files; `reference` may be empty
  double blend = 0.5;            // 0: the image alone, 1: the reference alone
  std::string parameters;        // a JSON object: see ParameterTable
};

// Reads the body of POST /edit. Throws Error (kSettings) with a sentence for the client. Any thread.
EditRequest parse_edit_request(std::string_view body);

class EditRequests : public std::enable_shared_from_this<EditRequests> {
 public:
  // A JPEG file; or an empty one, with the status of HTTP and the reason.
  struct Result {
    std::string jpeg;
    int status = 200;
    std::string problem;
  };
  using Done = std::function<void(Result result)>;

  struct Services {
    WorkPool* pool = nullptr;
    std::function<void(std::function<void()>)> post;
    // Null where the worker cannot take one now.
    std::function<std::unique_ptr<Engine>(const Parameters& parameters)> open_engine;
    size_t most = 32;  // that wait, the one that is edited not counted
  };

  explicit EditRequests(Services services) : services_(std::move(services)) {}

  bool full() const { return waiting_.size() >= services_.most; }
  size_t waiting() const { return waiting_.size(); }
  // `done` is called once, later. Precondition: !full().
  void ask(EditRequest request, Parameters parameters, Done done);

  const Engine* engine() const { return engine_.get(); }
  // About engine().
  void on_worker_message(const Message& message);
  void on_worker_down();

 private:
  struct Job {
    EditRequest request;
    Parameters parameters;
    Done done;
  };

  void next();
  void decode();
  void encode(const Message& picture);
  void finish(Result result);

  const Services services_;
  std::deque<Job> waiting_;
  std::unique_ptr<Job> current_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace liveedit::server
