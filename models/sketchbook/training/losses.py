# SPDX-License-Identifier: LGPL-2.1-or-later
"""Picture distances, and the running mean of weights."""
import torch
import torch.nn.functional as F

from filters import blur, luma


def gradient_distance(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of neighbour differences at three scales: it keeps edges crisp."""
    total = 0
    for scale in range(3):
        d = x - y
        total = total + (d[..., 1:] - d[..., :-1]).abs().mean() + (d[..., 1:, :] - d[..., :-1, :]).abs().mean()
        if scale < 2:
            x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    return total


def ssim(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Structural similarity of the luma, Gaussian window, one value a picture."""
    x, y = luma(x), luma(y)
    mean_x, mean_y = blur(x, 1.5), blur(y, 1.5)
    var_x, var_y = blur(x * x, 1.5) - mean_x ** 2, blur(y * y, 1.5) - mean_y ** 2
    both = blur(x * y, 1.5) - mean_x * mean_y
    ratio = ((2 * mean_x * mean_y + 1e-4) * (2 * both + 9e-4)) / ((mean_x ** 2 + mean_y ** 2 + 1e-4) * (var_x + var_y + 9e-4))
    return ratio.mean((1, 2, 3))


def psnr(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """In dB, one value a picture."""
    return -10 * torch.log10(((x - y) ** 2).mean((1, 2, 3)) + 1e-8)


def log_error(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """PSNR as a loss, of the picture as it is shown: every one counts for its relative error, so that easy looks are learnt as exactly
    as hard ones."""
    return torch.log(((x.clamp(0, 1) - y) ** 2).mean((1, 2, 3)) + 2e-4).mean()


class MeanWeights:
    """The exponential mean of a model's weights over the steps; better than the last step's."""

    def __init__(self, parameters: list, decay: float = .999):
        self.live, self.decay, self.steps = parameters, decay, 0
        self.mean = [p.detach().clone() for p in parameters]

    @torch.no_grad()
    def update(self) -> None:
        self.steps += 1
        torch._foreach_lerp_(self.mean, [p.detach() for p in self.live], 1 - min(self.decay, self.steps / (self.steps + 10)))

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the live weights and the mean ones."""
        for live, mean in zip(self.live, self.mean):
            kept = live.detach().clone()
            live.copy_(mean)
            mean.copy_(kept)
