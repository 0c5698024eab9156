#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Train the UNet and the text encoder together, through the VAE, in one denoising step, and tune the VAE's decoder with them.

    unet.py CACHE OUT --seconds 1000      reads OUT/vae and OUT/prompts.pt, writes OUT/unet, OUT/text_encoder and OUT/vae

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
from losses import MeanWeights, gradient_distance, log_error, ssim
from networks import (SCALE, Editor, TextEncoder, effect_amount, make_unet, make_vae, noise_levels, noisy, to_float)
from photos import draw, load_bank, sensor_noise

WARM_UP = 200
GROUP = 4                                           # pictures that share a look
BATCHES = {256: 64, 384: 28}                        # pictures a step, by their side
SIDES = (256, 256, 384)                             # of one step after the other
HARD = ("pencil", "ink", "chalk", "comic", "pixel", "popart", "engraving", "neon", "blueprint", "mosaic", "cyberpunk", "vivid",
        "noir", "night_vision")
PARTS = ("latent", "l1", "l2", "gradient", "1-ssim", "log", "round trip l1", "l2")
WEIGHTS = (.1, 1., 4., .7, .15, .03, .3, 3.)
SAVE_EVERY = 100                                    # seconds
CHANNELS_LAST = torch.channels_last


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("cache", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=1000)
    parser.add_argument("--rate", type=float, default=9e-4)
    parser.add_argument("--decoder-rate", type=float, default=3e-4)
    parser.add_argument("--start", type=Path, help="go on from this folder's unet and text_encoder")
    return parser.parse_args()


class Judge(nn.Module):
    """One edit and what is wrong with it, in the latents and in the picture."""

    def __init__(self, editor: nn.Module, decoder: nn.Module):
        super().__init__()
        self.editor, self.decoder = editor, decoder

    def forward(self, sample, t, ids, target, y):
        latents = self.editor(sample, t, ids) / SCALE
        with torch.autocast(y.device.type, dtype=torch.bfloat16, cache_enabled=False):
            both = self.decoder(torch.cat([latents, target[:len(target) // 4]]).contiguous(memory_format=CHANNELS_LAST))
        both = both.float() * .5 + .5
        edited, again = both[:len(y)], both[len(y):]
        off = latents - target
        return torch.stack(((off.abs() + .5 * off * off).mean(), (edited - y).abs().mean(), ((edited - y) ** 2).mean(),
                            gradient_distance(edited, y), 1 - ssim(edited, y).mean(), log_error(edited, y),
                            (again - y[:len(again)]).abs().mean(), ((again - y[:len(again)]) ** 2).mean()))


class Draws:
    """Which look each group of pictures gets: all in turn, the hard ones twice."""

    def __init__(self):
        self.bag = []

    def __call__(self) -> str:
        chance = random.random()
        if chance < .09:
            return "photo"
        if chance < .20:
            return random.choice(looks.PAIRS)
        if not self.bag:
            self.bag = [*looks.LOOKS, *HARD]
            random.shuffle(self.bag)
        return self.bag.pop()


class Trainer:
    def __init__(self, options: argparse.Namespace, device: str):
        self.device, self.options = device, options
        self.table = {spec: rows.to(device).long() for spec, rows in torch.load(options.out / "prompts.pt").items()}
        self.banks = {side: load_bank(options.cache, side, device) for side in BATCHES}
        self.batches = BATCHES if device == "cuda" else dict.fromkeys(BATCHES, 8)
        vae = make_vae()
        vae.load_state_dict(to_float(load_file(options.out / "vae/diffusion_pytorch_model.safetensors")))
        self.half = torch.bfloat16 if device == "cuda" else torch.float32
        self.encoder = copy.deepcopy(vae.encoder).to(device, self.half).to(memory_format=CHANNELS_LAST).requires_grad_(False)
        self.vae = vae.to(device).to(memory_format=CHANNELS_LAST)
        self.decoder = self.vae.decoder.requires_grad_(options.decoder_rate > 0)
        self.unet, self.text = make_unet().to(device).to(memory_format=CHANNELS_LAST), TextEncoder().to(device)
        with torch.no_grad():
            self.unet.conv_out.weight.mul_(SCALE)       # the output is ten deviations wide
        if options.start:
            self.unet.load_state_dict(to_float(load_file(options.start / "unet/diffusion_pytorch_model.safetensors")))
            self.text.load_state_dict(to_float(load_file(options.start / "text_encoder/model.safetensors")))
        decoder = [*self.decoder.parameters()] if options.decoder_rate else []
        self.parameters = [*self.unet.parameters(), *self.text.parameters(), *decoder]
        self.groups = [{"params": self.parameters[:len(self.parameters) - len(decoder)], "share": 1., "haste": math.inf},
                       {"params": decoder, "share": options.decoder_rate / options.rate, "haste": 6.}]
        self.sigmas, self.draws = noise_levels(device), Draws()
        self.weights = torch.tensor(WEIGHTS, device=device)
        self.judges = {side: self.captured(side) for side in BATCHES}

    def captured(self, side: int) -> nn.Module:
        """Edit and losses at one size, as a CUDA graph: the networks are so small that launching them takes longer than they do."""
        judge = Judge(Editor(self.unet, self.text), self.decoder)
        if self.device != "cuda":
            return judge
        return torch.cuda.make_graphed_callables(judge, self.batch(side), allow_unused_input=True)

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
        return sample, t, torch.cat(ids), target, y.contiguous()

    def save(self) -> None:
        for network, name in ((self.unet, "unet"), (self.vae, "vae")):
            copy.deepcopy(network).cpu().half().save_pretrained(self.options.out / name)
        (self.options.out / "text_encoder").mkdir(exist_ok=True)
        weights = {k: v.detach().cpu().half().contiguous() for k, v in self.text.state_dict().items()}
        save_file(weights, self.options.out / "text_encoder/model.safetensors", metadata={"format": "pt"})

    def run(self) -> None:
        optimiser = torch.optim.AdamW(self.groups, lr=self.options.rate, betas=(.9, .98), weight_decay=1e-2, fused=True)
        mean, step, saved = MeanWeights(self.parameters), 0, 0.
        begun, sums, left_out = time.time(), torch.zeros(len(PARTS), device=self.device), torch.zeros((), device=self.device)
        while (spent := time.time() - begun) < self.options.seconds:
            rate = self.options.rate * min(1, (step + 1) / WARM_UP) * (.5 + .5 * math.cos(math.pi * spent / self.options.seconds)) + 1e-6
            for group in optimiser.param_groups:
                group["lr"] = rate * group["share"] * min(1, group["haste"] * (spent + 1e-3) / self.options.seconds)
            side = SIDES[step % len(SIDES)]
            parts = self.judges[side](*self.batch(side))
            optimiser.zero_grad(set_to_none=True)
            (parts @ self.weights).backward()
            norm = nn.utils.clip_grad_norm_(self.parameters, 1.)
            # A step whose gradient overflowed is left out, without asking the GPU.
            optimiser.found_inf = (~torch.isfinite(norm)).float()
            left_out += optimiser.found_inf
            optimiser.step()
            mean.update()
            step += 1
            sums += torch.nan_to_num(parts.detach())
            every = 500 if self.device == "cuda" else 1
            if step % every == 0:
                print(f"unet step {step} {spent:.0f} s", *(f"{part} {v / every:.4f}" for part, v in zip(PARTS, sums.tolist())),
                      f"left out {left_out.item():.0f}", flush=True)
                sums.zero_()
            if spent - saved > SAVE_EVERY:
                saved = spent
                mean.swap()
                self.save()
                mean.swap()
        mean.swap()
        self.save()
        print(f"{step} steps, {step / self.options.seconds:.2f}/s", flush=True)


def main() -> None:
    options = arguments()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    random.seed(0)
    Trainer(options, "cuda" if torch.cuda.is_available() else "cpu").run()


if __name__ == "__main__":
    main()
