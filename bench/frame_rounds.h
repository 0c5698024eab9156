// SPDX-License-Identifier: LGPL-2.1-or-later
// What the benchmarks of frames share: their options, pictures to work on, rounds and their figures.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "bench/arguments.h"

namespace liveedit::bench {

struct FrameOptions {
  int width = 512;
  int height = 512;
  int frames = 100;
  int warm_up = 10;
  int depth = 1;     // frames inside before one is collected
  bool ask = false;  // a round of N frames for each line "N" of standard input
  std::string input;
  std::string output;

  void take(Arguments& given) {
    given.take_size("size", width, height);
    given.take_number("frames", frames);
    given.take_number("warm-up", warm_up);
    given.take_number("depth", depth);
    given.take_flag("ask", ask);
    given.take_text("input", input);
    given.take_text("output", output);
  }
};

// RGB. A slanted gradient with noise, another one a frame: nothing that a cache or a quick path could know.
inline std::vector<std::uint8_t> make_picture(const FrameOptions& options, int number) {
  const auto width = static_cast<std::size_t>(options.width), height = static_cast<std::size_t>(options.height);
  std::vector<std::uint8_t> picture(3 * width * height);
  std::uint32_t state = 2463534242u + static_cast<std::uint32_t>(number);
  for (std::size_t i = 0; i < picture.size(); ++i) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    const std::size_t x = i / 3 % width, y = i / 3 / width;
    picture[i] = static_cast<std::uint8_t>((x + 2 * y + 5 * static_cast<std::size_t>(number)) % 224 + state % 32);
  }
  return picture;
}

// A round through `stream`, a Diffuser or a Matter: milliseconds between neighbouring pictures, whose sum is the time
// of the round.
template <typename Stream, typename Submit, typename Collect>
std::vector<double> time_round(Stream& stream, int frames, int depth, Submit&& submit, Collect&& collect) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> times;
  auto last = Clock::now();
  const auto collect_one = [&] {
    collect();
    const auto now = Clock::now();
    times.push_back(std::chrono::duration<double, std::milli>(now - last).count());
    last = now;
  };
  for (int i = 0; i < frames; ++i) {
    submit();
    while (stream.collectable() >= depth) collect_one();
  }
  if constexpr (requires { stream.finish(); }) stream.finish();
  while (stream.collectable() > 0) collect_one();
  return times;
}

// `info`: DiffuserInfo or MatterInfo. Throws Error(kSettings) where nothing was timed.
template <typename Info>
nlohmann::json report_of(const FrameOptions& options, const Info& info, std::vector<double> times) {
  if (times.empty()) throw Error(ErrorKind::kSettings, "A round has at least one frame: --frames.");
  double sum = 0;
  for (const double time : times) sum += time;
  std::sort(times.begin(), times.end());
  return {{"who", "engine"},
          {"device", info.device},
          {"dtype", info.dtype},
          {"width", options.width},
          {"height", options.height},
          {"depth", options.depth},
          {"frames", times.size()},
          {"median_ms", times[times.size() / 2]},
          {"p99_ms", times[times.size() * 99 / 100]},
          {"fps", 1000.0 * static_cast<double>(times.size()) / sum}};
}

// Prints what `round(frames)` reports: once, or as often as it is asked for.
template <typename Round>
void print_rounds(const FrameOptions& options, Round&& round) {
  if (!options.ask) {
    std::cout << round(options.frames) << std::endl;
    return;
  }
  std::cout << "ready" << std::endl;
  for (int frames = 0; std::cin >> frames;) std::cout << round(frames) << std::endl;
}

}  // namespace liveedit::bench
