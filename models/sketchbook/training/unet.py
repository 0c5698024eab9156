#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Train the UNet and the text encoder together, through the frozen VAE, in one denoising step.

    unet.py CACHE OUT --seconds 1000      reads OUT/vae, writes OUT/unet and OUT/text_encoder

A timestep t asks for (t + 1) / 1000 of the look: the target is that mixture of photograph and look, so that strength
is the amount of the effect.
"""
import argparse
import copy
import math
import random
import time
from pathlib import Path

import torch
import torch.nn as nn
from safetensors.torch import load_file, save_file

import looks
import prompts
from heldout_prompts import KEPT_BACK, plain
from losses import MeanWeights, gradient_distance, ssim
from networks import SCALE, STRIDE, LATENTS, Editor, TextEncoder, effect_amount, make_unet, make_vae, noise_levels, noisy
from photos import draw, load_bank, sensor_noise
from tokenizer import Tokenizer

WARM_UP = 200
GROUP = 5                                   # pictures that share a look
BATCHES = {256: 80, 384: 40}                # pictures a step, by their side
WINDOW = {256: 20, 384: 26}                 # latents a side through the decoder for the pixel losses
MARGIN = 16                                 # pixels at the window's rim that the decoder could not see all of
HARD = ("pencil", "ink", "chalk", "comic", "pixel", "popart", "engraving", "neon", "blueprint", "mosaic", "cyberpunk")
PROMPTS = {"photo": 12000, "look": 3000, "pair": 150}
SAVE_EVERY = 60                             # seconds
CHANNELS_LAST = torch.channels_last


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("cache", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=1000)
    parser.add_argument("--rate", type=float, default=9e-4)
    parser.add_argument("--start", type=Path, help="go on from this folder's unet and text_encoder")
    return parser.parse_args()


def prompt_table(folder: Path, device: str, share: float = 1.) -> dict:
    """Token ids of many prompts for every look, pair and the plain photograph."""
    tokenizer, rng = Tokenizer(folder), random.Random(0)
    words = prompts.unrelated_words(tokenizer.ids)
    counts = {"photo": PROMPTS["photo"]} | dict.fromkeys(looks.LOOKS, PROMPTS["look"]) | dict.fromkeys(looks.PAIRS, PROMPTS["pair"])
    table = {}
    for spec, count in counts.items():
        rows = []
        while len(rows) < max(10, count * share):
            text = prompts.make(spec, rng, words)
            if plain(text) not in KEPT_BACK:
                rows.append(tokenizer(text))
        table[spec] = torch.tensor(rows, device=device)
    return table


class Draws:
    """Which look each group of pictures gets: all in turn, the hard ones twice."""

    def __init__(self):
        self.bag = []

    def __call__(self) -> str:
        chance = random.random()
        if chance < .10:
            return "photo"
        if chance < .22:
            return random.choice(looks.PAIRS)
        if not self.bag:
            self.bag = [*looks.LOOKS, *HARD]
            random.shuffle(self.bag)
        return self.bag.pop()


class Trainer:
    def __init__(self, options: argparse.Namespace, device: str):
        self.device, self.options = device, options
        self.share = 1. if device == "cuda" else .01
        self.table = prompt_table(options.out / "tokenizer", device, self.share)
        self.banks = {side: load_bank(options.cache, side, device) for side in BATCHES}
        self.batches = BATCHES if device == "cuda" else dict.fromkeys(BATCHES, 10)
        vae = make_vae()
        vae.load_state_dict({k: v.float() for k, v in load_file(options.out / "vae/diffusion_pytorch_model.safetensors").items()})
        half = torch.bfloat16 if device == "cuda" else torch.float32
        vae = vae.to(device, half).to(memory_format=CHANNELS_LAST).eval().requires_grad_(False)
        self.encoder, self.decoder, self.half = vae.encoder, vae.decoder, half
        self.unet, self.text = make_unet().to(device).to(memory_format=CHANNELS_LAST), TextEncoder().to(device)
        with torch.no_grad():
            self.unet.conv_out.weight.mul_(SCALE)       # the output is ten deviations wide
        if options.start:
            self.unet.load_state_dict(to_float(load_file(options.start / "unet/diffusion_pytorch_model.safetensors")))
            self.text.load_state_dict(to_float(load_file(options.start / "text_encoder/model.safetensors")))
        self.parameters = [*self.unet.parameters(), *self.text.parameters()]
        self.sigmas, self.draws = noise_levels(device), Draws()
        self.editors = {side: self.captured(side) for side in BATCHES}

    def captured(self, side: int) -> nn.Module:
        """The editor at one size, as a CUDA graph: the networks are so small that launching them takes longer than they do."""
        editor, count = Editor(self.unet, self.text), self.batches[side]
        if self.device != "cuda":
            return editor
        latents = torch.randn(count, LATENTS, side // STRIDE, side // STRIDE, device=self.device).contiguous(memory_format=CHANNELS_LAST)
        sample = (latents, torch.full((count,), 500, device=self.device), self.table["photo"][:count].clone())
        return torch.cuda.make_graphed_callables(editor, sample, allow_unused_input=True)

    def timesteps(self, count: int) -> torch.Tensor:
        """Full strength for half of the pictures, any for the rest."""
        any_time = torch.randint(1000, (count,), device=self.device)
        return torch.where(torch.rand(count, device=self.device) < .5, torch.full_like(any_time, 999), any_time)

    @torch.no_grad()
    def batch(self, side: int) -> tuple:
        count = self.batches[side]
        x = draw(self.banks[side], count)
        y, ids = torch.empty_like(x), []
        for first in range(0, count, GROUP):
            spec = self.draws()
            y[first:first + GROUP] = looks.apply(spec, x[first:first + GROUP])
            ids.append(self.table[spec][torch.randint(len(self.table[spec]), (GROUP,), device=self.device)])
        t = self.timesteps(count)
        y = x + effect_amount(t) * (y - x)
        both = torch.cat([sensor_noise(x), y]).to(self.half).contiguous(memory_format=CHANNELS_LAST)
        source, target = self.encoder(both * 2 - 1).float().chunk(2)
        sample = noisy(source * SCALE, torch.randn_like(source), self.sigmas[t]).contiguous(memory_format=CHANNELS_LAST)
        return sample, t, torch.cat(ids), target, y

    def loss(self, side: int) -> tuple:
        sample, t, ids, target, y = self.batch(side)
        latents = self.editors[side](sample, t, ids) / SCALE
        reach = WINDOW[side]
        top, left = (random.randint(0, side // STRIDE - reach) for _ in range(2))
        window = latents[..., top:top + reach, left:left + reach].to(self.half).contiguous(memory_format=CHANNELS_LAST)
        edited = self.decoder(window)[..., MARGIN:-MARGIN, MARGIN:-MARGIN].float() * .5 + .5
        y = y[..., top * STRIDE + MARGIN:(top + reach) * STRIDE - MARGIN, left * STRIDE + MARGIN:(left + reach) * STRIDE - MARGIN]
        off = latents - target
        parts = ((off.abs() + .5 * off * off).mean(), (edited - y).abs().mean(), ((edited - y) ** 2).mean(),
                 gradient_distance(edited, y), 1 - ssim(edited, y).mean())
        weights = (.3, 2., 4., 1., .2)
        return sum(weight * part for weight, part in zip(weights, parts)), torch.stack([part.detach() for part in parts])

    def save(self) -> None:
        unet = copy.deepcopy(self.unet).cpu().half()
        unet.save_pretrained(self.options.out / "unet")
        (self.options.out / "text_encoder").mkdir(exist_ok=True)
        weights = {k: v.detach().cpu().half().contiguous() for k, v in self.text.state_dict().items()}
        save_file(weights, self.options.out / "text_encoder/model.safetensors", metadata={"format": "pt"})

    def run(self) -> None:
        optimiser = torch.optim.AdamW(self.parameters, lr=self.options.rate, betas=(.9, .98), weight_decay=1e-2, fused=True)
        mean, step, saved = MeanWeights(self.parameters), 0, 0.
        begun, sums, left_out = time.time(), torch.zeros(5, device=self.device), torch.zeros((), device=self.device)
        while (spent := time.time() - begun) < self.options.seconds:
            rate = self.options.rate * min(1, (step + 1) / WARM_UP) * (.5 + .5 * math.cos(math.pi * spent / self.options.seconds)) + 1e-6
            for group in optimiser.param_groups:
                group["lr"] = rate
            loss, parts = self.loss(384 if step % 3 == 2 else 256)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(self.parameters, 1.)
            # A step whose gradient overflowed is left out, without asking the GPU.
            optimiser.found_inf = (~torch.isfinite(norm)).float()
            left_out += optimiser.found_inf
            optimiser.step()
            mean.update()
            step += 1
            sums += torch.nan_to_num(parts)
            every = 500 if self.device == "cuda" else 1
            if step % every == 0:
                print(f"unet step {step} {spent:.0f} s latent, l1, l2, gradient, 1-ssim:", *(f"{v / every:.4f}" for v in sums.tolist()), f"left out {left_out.item():.0f}", flush=True)
                sums.zero_()
            if spent - saved > SAVE_EVERY:
                saved = spent
                mean.swap()
                self.save()
                mean.swap()
        mean.swap()
        self.save()
        print(f"{step} steps, {step / self.options.seconds:.2f}/s", flush=True)


def to_float(weights: dict) -> dict:
    return {name: weight.float() for name, weight in weights.items()}


def main() -> None:
    options = arguments()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    random.seed(0)
    Trainer(options, "cuda" if torch.cuda.is_available() else "cpu").run()


if __name__ == "__main__":
    main()
