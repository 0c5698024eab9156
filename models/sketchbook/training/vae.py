#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Train the VAE: photographs and looks through 32 latent channels and back.

    vae.py CACHE OUT --seconds 270        writes OUT/vae
"""
import argparse
import math
import random
import time
from pathlib import Path

import torch
import torch.nn as nn
from safetensors.torch import load_file

import looks
from losses import MeanWeights, gradient_distance, psnr, ssim
from networks import make_vae
from photos import draw, held_out, load_bank

WARM_UP = 100
GROUP = 12      # pictures that share a look


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("cache", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=270)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--start", type=Path, help="go on from this folder's vae")
    return parser.parse_args()


@torch.no_grad()
def unit_latents(vae: nn.Module, pictures: torch.Tensor) -> None:
    """Give the last encoder convolution mean 0 and deviation 1 a channel; it starts at .01 and would learn slowly."""
    latents, last = vae.encoder(pictures * 2 - 1), vae.encoder.layers[-1]
    scale = 1 / latents.std((0, 2, 3))
    last.bias.sub_(latents.mean((0, 2, 3))).mul_(scale)
    last.weight.mul_(scale.view(-1, 1, 1, 1))


def batch_of(bank: torch.Tensor, count: int, names: list) -> torch.Tensor:
    """A third photographs, two thirds looks."""
    x = draw(bank, count)
    for first in range(max(GROUP, count // 3 // GROUP * GROUP), count, GROUP):
        x[first:first + GROUP] = looks.apply(random.choice(names), x[first:first + GROUP])
    return x.contiguous(memory_format=torch.channels_last)


def step_loss(vae: nn.Module, x: torch.Tensor) -> torch.Tensor:
    with torch.autocast(x.device.type, dtype=torch.bfloat16):
        latents = vae.encoder(x * 2 - 1)
        # A little noise makes the decoder forgive what the UNet gets slightly wrong.
        blurred = latents.float() + torch.randn_like(latents, dtype=torch.float32) * torch.rand(len(x), 1, 1, 1, device=x.device) * .08
        y = vae.decoder(blurred.contiguous(memory_format=torch.channels_last))
    y, latents = y.float() * .5 + .5, latents.float()
    spread = (latents.mean((0, 2, 3)) ** 2 + (latents.std((0, 2, 3)) - 1) ** 2).mean()
    return ((y - x).abs().mean() + 4 * ((y - x) ** 2).mean() + .5 * gradient_distance(y, x)
            + .15 * (1 - ssim(y, x).mean()) + .02 * spread)


@torch.no_grad()
def report(vae: nn.Module, cache: Path, device: str) -> None:
    x = held_out(cache, 256, device)
    parts = []
    for name in ["photo", *looks.LOOKS]:
        y = looks.apply(name, x)
        parts.append((name, psnr((vae.decoder(vae.encoder(y * 2 - 1)) * .5 + .5).clamp(0, 1), y).mean().item()))
    latents = vae.encoder(x * 2 - 1)
    print(f"round trip: photo {parts[0][1]:.2f} dB, looks {sum(p for _, p in parts[1:]) / len(parts[1:]):.2f} dB, latents "
          f"{latents.mean():.3f} +- {latents.std():.3f};", " ".join(f"{n} {p:.1f}" for n, p in parts), flush=True)


def main() -> None:
    options = arguments()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    random.seed(0)
    bank = load_bank(options.cache, 256, device)
    vae = make_vae().to(device).to(memory_format=torch.channels_last)
    if options.start:
        vae.load_state_dict({k: v.float() for k, v in load_file(options.start / "vae/diffusion_pytorch_model.safetensors").items()})
    else:
        unit_latents(vae, draw(bank, options.batch))
    names = [*looks.LOOKS, *looks.PAIRS]
    optimiser = torch.optim.AdamW(vae.parameters(), lr=options.rate, betas=(.9, .99), weight_decay=1e-3, fused=True)
    mean = MeanWeights(list(vae.parameters()))
    begun, step = time.time(), 0
    while (done := (time.time() - begun) / options.seconds) < 1:
        for group in optimiser.param_groups:
            group["lr"] = options.rate * min(1, (step + 1) / WARM_UP) * (.5 + .5 * math.cos(math.pi * done)) + 1e-6
        loss = step_loss(vae, batch_of(bank, options.batch, names))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(vae.parameters(), 1.)
        optimiser.step()
        mean.update()
        step += 1
        if step % 500 == 0 or device == "cpu":
            print(f"vae step {step} {time.time() - begun:.0f} s loss {loss.item():.4f}", flush=True)
    mean.swap()
    vae.eval()
    print(f"{step} steps, {step / options.seconds:.1f}/s")
    report(vae, options.cache, device)
    vae.to("cpu").half().save_pretrained(options.out / "vae")


if __name__ == "__main__":
    main()
