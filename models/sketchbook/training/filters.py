# SPDX-License-Identifier: LGPL-2.1-or-later
"""The picture filters the looks are made of: batched, deterministic, on [B, C, H, W] tensors in 0..1."""
import functools
import math

import torch
import torch.nn.functional as F


@functools.lru_cache(maxsize=None)
def gaussian(sigma: float, device: torch.device) -> torch.Tensor:
    reach = max(1, math.ceil(2.5 * sigma))
    taps = torch.exp(-torch.arange(-reach, reach + 1, dtype=torch.float32) ** 2 / (2 * sigma * sigma))
    return (taps / taps.sum()).to(device)


def blur(x: torch.Tensor, sigma: float) -> torch.Tensor:
    taps = gaussian(sigma, x.device)
    reach, channels = taps.numel() // 2, x.shape[1]
    mode = "reflect" if reach < min(x.shape[-2:]) else "replicate"
    x = F.conv2d(F.pad(x, (reach, reach, 0, 0), mode=mode), taps.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
    return F.conv2d(F.pad(x, (0, 0, reach, reach), mode=mode), taps.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)


def luma(x: torch.Tensor) -> torch.Tensor:
    return x[:, 0:1] * .299 + x[:, 1:2] * .587 + x[:, 2:3] * .114


def saturate(x: torch.Tensor, factor: float) -> torch.Tensor:
    grey = luma(x)
    return grey + (x - grey) * factor


def contrast(x: torch.Tensor, factor: float, pivot: float = .5) -> torch.Tensor:
    return (x - pivot) * factor + pivot


def colour(like: torch.Tensor, *rgb: float) -> torch.Tensor:
    return torch.tensor(rgb, dtype=like.dtype, device=like.device).view(1, 3, 1, 1)


def grey(x: torch.Tensor) -> torch.Tensor:
    return x.expand(-1, 3, -1, -1)


def gradient(x: torch.Tensor) -> tuple:
    """Sobel differences of a one-channel picture: (to the right, downwards)."""
    p = F.pad(x, (1, 1, 1, 1), mode="replicate")
    dx = (p[..., 1:-1, 2:] - p[..., 1:-1, :-2]) + .5 * (p[..., 2:, 2:] - p[..., 2:, :-2]) + .5 * (p[..., :-2, 2:] - p[..., :-2, :-2])
    dy = (p[..., 2:, 1:-1] - p[..., :-2, 1:-1]) + .5 * (p[..., 2:, 2:] - p[..., :-2, 2:]) + .5 * (p[..., 2:, :-2] - p[..., :-2, :-2])
    return dx * .5, dy * .5


def edges(x: torch.Tensor) -> torch.Tensor:
    dx, dy = gradient(x)
    return (dx * dx + dy * dy + 1e-8).sqrt()


def kuwahara(x: torch.Tensor, reach: int, hardness: float = 6.) -> torch.Tensor:
    """Paint dabs: of four square neighbourhoods the calmer ones win, softly."""
    side = reach + 1
    p = F.pad(x, (reach, reach, reach, reach), mode="reflect")
    bright = luma(p)
    mean = F.avg_pool2d(p, side, 1)
    variance = (F.avg_pool2d(bright * bright, side, 1) - F.avg_pool2d(bright, side, 1) ** 2).clamp_min(0)
    weight = 1 / (variance + 2e-4) ** (hardness / 4)
    height, width = x.shape[-2:]
    total, weights = 0, 0
    for top in (0, reach):
        for left in (0, reach):
            share = weight[..., top:top + height, left:left + width]
            total = total + mean[..., top:top + height, left:left + width] * share
            weights = weights + share
    return total / weights


def lines(bright: torch.Tensor, sigma: float, threshold: float, steepness: float) -> torch.Tensor:
    """Dark lines along edges by a relative difference of Gaussians: 1 is paper, 0 is line."""
    narrow, wide = blur(bright, sigma), blur(bright, 1.6 * sigma)
    return torch.sigmoid(((narrow - wide) / (wide + .10) + threshold) * steepness)


def posterise(x: torch.Tensor, levels: float, steepness: float) -> torch.Tensor:
    """Steps with soft flanks: a hard step would turn camera noise into flicker."""
    scaled = x * levels
    low = scaled.floor()
    return (low + torch.sigmoid((scaled - low - .5) * steepness)) / levels


def ramp(bright: torch.Tensor, stops: list) -> torch.Tensor:
    """A piecewise linear colour map; stops are (position, (r, g, b))."""
    out = colour(bright, *stops[0][1]) + torch.zeros_like(grey(bright))
    for (start, first), (end, last) in zip(stops, stops[1:]):
        out = out + ((bright - start) / (end - start)).clamp(0, 1) * (colour(bright, *last) - colour(bright, *first))
    return out


def raster(x: torch.Tensor) -> tuple:
    """Row and column numbers from the frame's origin, for patterns that stand on the latent grid."""
    height, width = x.shape[-2:]
    return (torch.arange(height, device=x.device, dtype=x.dtype).view(1, 1, -1, 1),
            torch.arange(width, device=x.device, dtype=x.dtype).view(1, 1, 1, -1))


def blocks(x: torch.Tensor, side: int) -> torch.Tensor:
    """Flat squares of `side` pixels, counted from the frame's origin."""
    height, width = x.shape[-2:]
    small = F.avg_pool2d(x, side, ceil_mode=True)
    return F.interpolate(small, scale_factor=side, mode="nearest")[..., :height, :width]
