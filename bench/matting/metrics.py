# SPDX-License-Identifier: LGPL-2.1-or-later
"""How good a matte is, as a number: the figures that the literature on video matting reports, and one for flicker.

A film of mattes is float [frames, height, width], 0 (background) to 1 (person). `made` is what was computed, `true` what is known.
All are 0 for a perfect matte, and smaller is better. They are scaled as in the tables of Robust Video Matting (arXiv 2108.11515):

  mad      mean |made - true|, x 1e3
  mse      mean (made - true)^2, x 1e3
  grad     sum over a frame of (|grad made| - |grad true|)^2, / 1e3, mean over the frames; gradients by derivatives of a Gaussian of
           1.4 pixels (Rhemann et al., A Perceptually Motivated Online Benchmark for Image Matting, CVPR 2009). It grows with the
           picture's size; compare only pictures of one size
  dtssd    sqrt(mean over a frame of ((made_t - made_t-1) - (true_t - true_t-1))^2), x 1e2, mean over the frames (Erofeev et al.,
           Perceptually Motivated Benchmark for Video Matting, BMVC 2015): errors that come and go
  flicker  mean |e_t - (e_t-1 + e_t+1) / 2| of the error e = made - true, x 1e3: what jumps forth and back from one frame to the
           next. An error that stays, or grows steadily, counts nothing here. 0 for fewer than three frames
"""
import numpy as np

GRADIENT_SIGMA = 1.4


def mad(made, true):
    return 1e3 * float(np.mean(np.abs(made - true)))


def mse(made, true):
    return 1e3 * float(np.mean((made - true) ** 2))


def gaussian_derivative(sigma=GRADIENT_SIGMA, least=1e-2):
    """Two vectors whose outer product is the filter of unit energy: the derivative, and the smoothing across it."""
    half = int(np.ceil(sigma * np.sqrt(-2 * np.log(np.sqrt(2 * np.pi) * sigma * least))))
    at = np.arange(-half, half + 1, dtype=np.float64)
    smooth = np.exp(-at ** 2 / (2 * sigma ** 2)) / (sigma * np.sqrt(2 * np.pi))
    derivative = -at * smooth / sigma ** 2
    return derivative / np.linalg.norm(derivative), smooth / np.linalg.norm(smooth)


def along(picture, kernel, axis):
    """Convolves rows or columns; edges are repeated."""
    half = len(kernel) // 2
    padded = np.pad(picture, [(half, half) if i == axis else (0, 0) for i in range(2)], mode="edge")
    return np.apply_along_axis(lambda line: np.convolve(line, kernel, mode="valid"), axis, padded)


def gradient(picture):
    """Magnitude of the gradient, [height, width]."""
    derivative, smooth = gaussian_derivative()
    return np.hypot(along(along(picture, derivative, 1), smooth, 0), along(along(picture, smooth, 1), derivative, 0))


def grad(made, true):
    return float(np.mean([np.sum((gradient(m) - gradient(t)) ** 2) / 1e3 for m, t in zip(made, true, strict=True)]))


def dtssd(made, true):
    change = np.diff(made, axis=0) - np.diff(true, axis=0)
    return 1e2 * float(np.mean(np.sqrt(np.mean(change ** 2, axis=(1, 2))))) if len(change) else 0.0


def flicker(made, true):
    error = made - true
    return 1e3 * float(np.mean(np.abs(error[1:-1] - (error[:-2] + error[2:]) / 2))) if len(error) > 2 else 0.0


def all_of(made, true):
    """{name: figure}; both films [frames, height, width] of one shape."""
    made, true = np.asarray(made, np.float64), np.asarray(true, np.float64)
    if made.shape != true.shape or made.ndim != 3:
        raise ValueError(f"mattes of {made.shape} cannot be compared with {true.shape}: both must be [frames, height, width]")
    return {f.__name__: f(made, true) for f in (mad, mse, grad, dtssd, flicker)}
