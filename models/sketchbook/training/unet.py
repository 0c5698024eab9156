#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Train the UNet and the text encoder together, through the VAE, in one denoising step, and tune the VAE with them.

    unet.py CACHE OUT --seconds 1000      reads OUT/vae and OUT/prompts.pt, writes OUT/unet, OUT/text_encoder and OUT/vae
    unet.py CACHE OUT --polish --start FOLDER --seconds 300     goes on with every network, for the picture alone

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
from networks import (LATENTS, SCALE, STRIDE, Editor, TextEncoder, effect_amount, make_unet, make_vae, noise_levels, noisy, to_float)
from photos import draw, load_bank, sensor_noise

WARM_UP = 200
GROUP = 4                                           # pictures that share a look
BATCHES = {256: 64, 384: 28}                        # pictures a step, by their side
SIDES = (256, 256, 384)                             # of one step after the other
HARD = ("pencil", "ink", "chalk", "comic", "pixel", "popart", "engraving", "neon", "blueprint", "mosaic", "cyberpunk", "vivid",
        "noir", "night_vision")
PARTS = ("latent", "l1", "l2", "gradient", "1-ssim", "log", "round trip l1", "l2")
WEIGHTS = (.1, 1., 4., .7, .15, .03, .3, 3.)        # to learn the looks
POLISH = (.01, .3, 1., .25, .2, .2, .1, 1.)         # to come as near as can be once they are learnt
SAVE_EVERY = 100                                    # seconds
CHANNELS_LAST = torch.channels_last


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("cache", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=1000)
    parser.add_argument("--rate", type=float, default=9e-4)
    parser.add_argument("--decoder-rate", type=float, default=3e-4)
    parser.add_argument("--encoder-rate", type=float, help="of the VAE's encoder: 0 where it stands still, as it does unless --polish")
    parser.add_argument("--text-rate", type=float, help="of the text encoder: --rate, or a quarter of it with --polish")
    parser.add_argument("--polish", action="store_true", help="weigh the losses by the final picture")
    parser.add_argument("--start", type=Path, help="go on from this folder's unet and text_encoder")
    options = parser.parse_args()
    if options.encoder_rate is None:
        options.encoder_rate = options.decoder_rate if options.polish else 0.
    if options.text_rate is None:
        options.text_rate = options.rate / (4 if options.polish else 1)
    return options


class Judge(nn.Module):
    """One edit and what is wrong with it, in the latents and in the picture."""

    def __init__(self, vae: nn.Module, editor: nn.Module, tuned: bool):
        super().__init__()
        self.encoder, self.decoder, self.editor, self.tuned = vae.encoder, vae.decoder, editor, tuned

    def encoded(self, x):
        with torch.autocast(x.device.type, dtype=torch.bfloat16, cache_enabled=False):
            return self.encoder(x.contiguous(memory_format=CHANNELS_LAST) * 2 - 1).float()

    def decoded(self, latents):
        with torch.autocast(latents.device.type, dtype=torch.bfloat16, cache_enabled=False):
            return self.decoder(latents.contiguous(memory_format=CHANNELS_LAST)).float() * .5 + .5

    def forward(self, seen, y, t, sigma, noise, ids):
        # Where the encoder is tuned along, the wanted latents move: a quarter of them, for the round trip, is enough.
        known = len(y) // 4 if self.tuned else len(y)
        source, target = self.encoded(torch.cat([seen, y[:known]])).split([len(y), known])
        sample = noisy(source * SCALE, noise, sigma).contiguous(memory_format=CHANNELS_LAST)
        latents = self.editor(sample, t, ids) / SCALE
        both = self.decoded(torch.cat([latents, target[:len(y) // 4]]))
        edited, again = both[:len(y)], both[len(y):]
        off = latents[:known] - target.detach()
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
        self.vae = vae.to(device).to(memory_format=CHANNELS_LAST)
        for part, rate in ((self.vae.encoder, options.encoder_rate), (self.vae.decoder, options.decoder_rate)):
            part.requires_grad_(rate > 0)
        self.unet, self.text = make_unet().to(device).to(memory_format=CHANNELS_LAST), TextEncoder().to(device)
        with torch.no_grad():
            self.unet.conv_out.weight.mul_(SCALE)       # the output is ten deviations wide
        if options.start:
            self.unet.load_state_dict(to_float(load_file(options.start / "unet/diffusion_pytorch_model.safetensors")))
            self.text.load_state_dict(to_float(load_file(options.start / "text_encoder/model.safetensors")))
        # The VAE's parts, which are trained already, set out slowly.
        rates = ((self.unet, options.rate, math.inf), (self.text, options.text_rate, math.inf),
                 (self.vae.decoder, options.decoder_rate, 6.), (self.vae.encoder, options.encoder_rate, 6.))
        self.groups = [{"params": [*part.parameters()], "share": rate / options.rate, "haste": haste}
                       for part, rate, haste in rates if rate > 0]
        self.parameters = [parameter for group in self.groups for parameter in group["params"]]
        self.sigmas, self.draws = noise_levels(device), Draws()
        self.weights = torch.tensor(POLISH if options.polish else WEIGHTS, device=device)
        self.judges = {side: self.captured(side) for side in BATCHES}

    def captured(self, side: int) -> nn.Module:
        """Edit and losses at one size, as a CUDA graph: the networks are so small that launching them takes longer than they do."""
        judge = Judge(self.vae, Editor(self.unet, self.text), self.options.encoder_rate > 0)
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
        y = (x + effect_amount(t) * (y - x)).contiguous()
        noise = torch.randn(count, LATENTS, side // STRIDE, side // STRIDE, device=self.device)
        return sensor_noise(x), y, t, self.sigmas[t], noise, torch.cat(ids)

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
