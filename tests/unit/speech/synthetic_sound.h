// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cmath>
#include <map>
#include <numbers>
#include <random>
#include <string>
#include <vector>

namespace liveedit::test {

// Four seconds each of what is no speech: silence, noise, hum, clicks, a gliding tone, chords like music.
inline std::map<std::string, std::vector<float>> sounds_without_speech() {
  constexpr std::size_t kLength = 4 * 16000;
  constexpr double kTurn = 2 * std::numbers::pi / 16000;
  std::mt19937 random(5);
  std::normal_distribution<double> noise(0, 1);
  std::map<std::string, std::vector<float>> sounds;
  for (const char* name : {"silence", "noise", "loud noise", "hum", "clicks", "glide", "music"}) {
    sounds[name].assign(kLength, 0.0F);
  }
  const std::vector<double> notes{261.6, 329.6, 392.0, 523.2, 440.0, 349.2, 293.7, 246.9};
  double glide = 0;
  for (std::size_t i = 0; i < kLength; ++i) {
    const auto t = static_cast<double>(i);
    sounds["noise"][i] = static_cast<float>(0.05 * noise(random));
    sounds["loud noise"][i] = static_cast<float>(0.3 * noise(random));
    sounds["hum"][i] = static_cast<float>(0.2 * std::sin(50 * kTurn * t) + 0.1 * std::sin(100 * kTurn * t));
    sounds["clicks"][i] = i % 8000 < 20 ? 0.8F : 0.0F;
    glide += kTurn * (500 + 200 * std::sin(0.7 * kTurn * t));
    sounds["glide"][i] = static_cast<float>(0.3 * std::sin(glide));
    double music = 0;
    for (std::size_t note = 0; note * 4000 <= i; ++note) {
      const double since = t - 4000.0 * static_cast<double>(note);
      for (int overtone = 1; overtone <= 4; ++overtone) {
        music += 0.15 * std::exp(-since / 6000) * std::sin(notes[note * 5 % 8] * overtone * kTurn * since) / overtone;
      }
    }
    sounds["music"][i] = static_cast<float>(music);
  }
  return sounds;
}

}  // namespace liveedit::test
