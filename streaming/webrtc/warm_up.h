// SPDX-License-Identifier: LGPL-2.1-or-later
// What the first session of a process would wait for, some 300 ms of it: plugins to load and the certificate that
// GStreamer makes once for all DTLS connections. Done ahead of it, beside the stream.
#pragma once

namespace liveedit::streaming {

// Begins it on a thread of its own, once a process; returns at once. What is missing is left to the first session to
// complain about.
void begin_warm_up();

// Waits until it is over, for a process must not end while it runs: OpenSSL is gone before it. Gives up after 10 s.
void wait_warm_up();

}  // namespace liveedit::streaming
