// SPDX-License-Identifier: LGPL-2.1-or-later
// For the .cpp files of this room only: what IoThread runs.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "streaming/http/io_thread.h"

namespace liveedit::streaming::http {

struct IoThread::Impl {
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work = boost::asio::make_work_guard(context);
};

}  // namespace liveedit::streaming::http
