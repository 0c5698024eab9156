// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace liveedit::kernels {

// As BilinearPoint.
struct DevicePoint {
  int low;
  int high;
  float fraction;
};

__device__ inline DevicePoint device_point(int out, double step, int length) {
  const double place = fmax(0.0, (out + 0.5) * step - 0.5);
  const int low = min(static_cast<int>(place), length - 1);
  return {low, min(low + 1, length - 1), static_cast<float>(place - low)};
}

// The same in fp32, for fields that are smooth.
__device__ inline DevicePoint device_point_f(int out, float step, int length) {
  const float place = fmaxf(0.0f, (static_cast<float>(out) + 0.5f) * step - 0.5f);
  const int low = min(static_cast<int>(place), length - 1);
  return {low, min(low + 1, length - 1), place - static_cast<float>(low)};
}

}  // namespace liveedit::kernels
