# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random weights under which a network neither dies out nor explodes, and no norm or bias is trivial."""

import torch


def randomize(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() > 1:
            fan_in = parameter[0].numel() if "embedding.weight" not in name else 1
            parameter.copy_(noise / fan_in**0.5)
        elif name.endswith("weight"):
            parameter.copy_(1 + 0.2 * noise)
        else:
            parameter.copy_(0.1 * noise)
    return model.eval()


def normal(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))
