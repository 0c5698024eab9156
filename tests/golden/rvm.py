# SPDX-License-Identifier: LGPL-2.1-or-later
"""Robust Video Matting with weights made by formula, and what the PyTorch module of bench/rvm_peer.py makes of a moving picture.

rvm.py FOLDER writes FOLDER/{mobilenetv3,resnet50}.safetensors (weights; a project_seg head that nobody needs among them), golden.safetensors (per variant
and case: frames, alpha, foreground, states) and resnet50_plain.safetensors (the weights that the reference file rvm_resnet50_formula.safetensors was made
with: identity normalisation), incomplete.safetensors (one tensor is missing) and overflowing.safetensors. Where $LIVEEDIT_TEST_DATA has the published weights:
published_fast.safetensors, these without their guided filter.
"""
import os
import sys
import zlib
from pathlib import Path

import numpy
import torch
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
from rvm_peer import FastGuidedFilter, Rvm  # noqa: E402

# height, width, ratio: sizes that are no multiple of the stride, ratios that do not divide them.
CASES = [(45, 77, 1.0), (90, 131, 0.5), (64, 97, 0.3), (1, 1, 1.0), (17, 16, 0.75)]


def formula(name, shape):
    """x = crc32(name), then x = (1664525 x + 1013904223) mod 2^32 for each element: uniform, of variance 1 / fan-in."""
    count = int(numpy.prod(shape))
    a, c = 1664525, 1013904223
    values = numpy.array([(a * zlib.crc32(name.encode()) + c) % 2**32], dtype=numpy.uint64)
    while len(values) < count:  # k steps ahead of k values are k more
        values = numpy.concatenate([values, (values * numpy.uint64(a) + numpy.uint64(c)) % numpy.uint64(2**32)])
        a, c = a * a % 2**32, (a * c + c) % 2**32
    fan_in = count // shape[0]
    return torch.from_numpy((values[:count] / 2**32 - 0.5) * 2 * 3**0.5 / fan_in**0.5).float().view(shape)


def fill(network):
    for name, value in network.state_dict().items():
        if value.dim() >= 2:
            value.copy_(formula(name, tuple(value.shape)))
        elif value.dim() == 1:
            value.fill_(1 if name.endswith(("weight", "running_var")) else 0)
    return network.eval()


def stir(network):
    """Normalisation and biases that are not the identity, so that folding them is seen."""
    torch.manual_seed(7)
    for name, value in network.state_dict().items():
        if value.dim() == 1:
            if name.endswith(("weight", "running_var")):
                value.uniform_(0.7, 1.4)
            else:
                value.uniform_(-0.2, 0.2)
    return network


def overflowing(tensors):
    """Finite for a black picture, beyond all numbers for a bright one: what is multiplied with the picture itself is huge."""
    tensors = {name: value.clone() for name, value in tensors.items()}
    tensors["decoder.decode1.conv.0.weight"][:, -3:] = 1e38
    return tensors


def frames_of(height, width):
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([torch.stack([(3 * x + 5 * y + 11 * t) % 256, (7 * x + 40 * t) % 256, (x * y + 2 * y + t) % 256], 2) for t in range(3)]).to(torch.uint8)


def run(network, frames, ratio):
    states, alphas, foregrounds = [None] * 4, [], []
    for frame in frames:
        foreground, alpha, states = network(frame.permute(2, 0, 1)[None].float() / 255, states, ratio)
        alphas.append(alpha)
        foregrounds.append(foreground)
    return {"frames": frames, "alpha": torch.cat(alphas), "foreground": torch.cat(foregrounds), **{f"r{i + 1}": state for i, state in enumerate(states)}}


def save_published_fast(folder):
    """With the fast guided filter, which has no weights of its own."""
    published = Path(os.environ.get("LIVEEDIT_TEST_DATA", "/nowhere")) / "weights/rvm_mobilenetv3.safetensors"
    if published.exists():
        tensors = {name: value for name, value in load_file(published).items() if not name.startswith("refiner.")}
        save_file(tensors, folder / "published_fast.safetensors")


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_grad_enabled(False)
    golden = {}
    for name, resnet in (("mobilenetv3", False), ("resnet50", True)):
        network = fill(Rvm(resnet))
        if resnet:
            save_file(network.state_dict(), folder / "resnet50_plain.safetensors")
        stir(network)
        segmentation = {"project_seg.conv.weight": torch.ones(1, 16, 1, 1), "project_seg.conv.bias": torch.zeros(1)}
        save_file({**network.state_dict(), **segmentation}, folder / f"{name}.safetensors")
        if not resnet:
            tensors = network.state_dict()
            del tensors["decoder.decode2.gru.hh.0.weight"]
            save_file(tensors, folder / "incomplete.safetensors")
            save_file(overflowing(network.state_dict()), folder / "overflowing.safetensors")
        for i, (height, width, ratio) in enumerate(CASES):
            result = run(network, frames_of(height, width), ratio)
            golden.update({f"{name}.{i}.{key}": value.contiguous() for key, value in {**result, "ratio": torch.tensor([ratio])}.items()})
        if not resnet:
            network.refiner = FastGuidedFilter()
            save_file(network.state_dict(), folder / "mobilenetv3_fast.safetensors")
            for key, value in {**run(network, frames_of(*CASES[1][:2]), 0.5), "ratio": torch.tensor([0.5])}.items():
                golden[f"mobilenetv3_fast.0.{key}"] = value.contiguous()
    save_file(golden, folder / "golden.safetensors")
    save_published_fast(folder)


if __name__ == "__main__":
    main()
