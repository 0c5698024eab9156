#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judge a model folder on the held-out photographs, one step, as the element and diffusers run it.

    evaluate.py CACHE FOLDER [looks strength free still pipeline speed sheet=FILE.jpg]

looks     PSNR and SSIM to each look's target, beside the untouched photograph and the wrong prompts; confusion matrix
strength  the amount of effect at .25, .5, .75 and 1
free      sentences that training never saw; nearest among all looks and the wanted pairs of looks
still     a noisy camera and a panning one: how much of the picture's change is the edit's own
pipeline  the stock StableDiffusionImg2ImgPipeline gives the same picture
speed     frames a second of encoder, UNet and decoder on two threads
sheet     a contact sheet: rows are prompts, columns are photographs
"""
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import AutoencoderTiny, EulerDiscreteScheduler, StableDiffusionImg2ImgPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

import looks
from heldout_prompts import FREE, FRESH, ONE_EACH
from losses import psnr, ssim
from photos import held_out


class Model:
    """The folder's parts, run for one step at a strength."""

    def __init__(self, folder: Path, dtype: torch.dtype = torch.float32, device: str = "cpu"):
        self.dtype, self.device = dtype, device
        self.vae = AutoencoderTiny.from_pretrained(folder / "vae").to(device, dtype).eval().to(memory_format=torch.channels_last)
        self.unet = UNet2DConditionModel.from_pretrained(folder / "unet").to(device, dtype).eval().to(memory_format=torch.channels_last)
        self.text = CLIPTextModel.from_pretrained(folder / "text_encoder").to(device, dtype).eval()
        self.tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
        self.scheduler = EulerDiscreteScheduler.from_pretrained(folder / "scheduler")
        self.scheduler.set_timesteps(1000)
        self.scale = self.vae.config.scaling_factor

    def prompt(self, text: str) -> torch.Tensor:
        ids = self.tokenizer(text, padding="max_length", truncation=True, max_length=77, return_tensors="pt").input_ids.to(self.device)
        return self.text(ids)[0]

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        return self.vae.encode((x * 2 - 1).to(self.dtype).contiguous(memory_format=torch.channels_last)).latents * self.scale

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return (self.vae.decode((latents / self.scale).contiguous(memory_format=torch.channels_last)).sample.float() * .5 + .5).clamp(0, 1)

    def edit(self, latents: torch.Tensor, prompt: torch.Tensor, strength: float = 1., seed: int = 1) -> torch.Tensor:
        timestep = round(1000 * strength) - 1
        sigma = self.scheduler.sigmas[999 - timestep]
        noise = torch.randn(1, *latents.shape[1:], generator=torch.Generator().manual_seed(seed)).to(latents)
        sample = (latents + sigma * noise) / (sigma ** 2 + 1) ** .5
        return self.unet(sample.contiguous(memory_format=torch.channels_last), torch.tensor(timestep), prompt.expand(len(latents), -1, -1)).sample

    def __call__(self, x: torch.Tensor, text: str, strength: float = 1.) -> torch.Tensor:
        return self.decode(self.edit(self.encode(x), self.prompt(text), strength))


def all_pairs(edited: dict, targets: dict, names: list) -> torch.Tensor:
    """PSNR of every edit to every target, [prompt, look, photo], by way of scalar products."""
    a, b = (torch.stack([pictures[name] for name in names], 1).flatten(2).double() for pictures in (edited, targets))
    off = (a * a).sum(2)[:, :, None] + (b * b).sum(2)[:, None, :] - 2 * a @ b.transpose(1, 2)
    return (-10 * torch.log10(off.clamp_min(0) / a.shape[2] + 1e-8)).permute(1, 2, 0).float()


def judge_looks(model: Model, cache: Path, side: int) -> None:
    photos, names = held_out(cache, side, model.device), list(ONE_EACH)
    latents = model.encode(photos)
    targets = {name: looks.apply(name, photos) for name in names}
    edited = {name: model.decode(model.edit(latents, model.prompt(text))) for name, text in ONE_EACH.items()}
    table = all_pairs(edited, targets, names)
    count = len(names)
    table = table.cpu()
    own = table[torch.arange(count), torch.arange(count)]
    alike = torch.stack([ssim(edited[name], targets[name]) for name in names]).cpu()
    before = torch.stack([psnr(photos, targets[name]) for name in names]).cpu()
    before_alike = torch.stack([ssim(photos, targets[name]) for name in names])
    wrong = (table.sum(0) - own) / (count - 1)
    wrong_alike = torch.stack([ssim(edited[names[(i + 7) % count]], targets[name]) for i, name in enumerate(names)])
    nearest = table.argmax(1)
    hit = (nearest == torch.arange(count).view(-1, 1)).float()
    round_trip = psnr(model.decode(latents), photos).mean()
    print(f"== {side} px, one step, strength 1, {len(photos)} held-out photographs; VAE round trip of the photograph {round_trip:.2f} dB")
    print(f"mean of {count - 1} looks: PSNR {own[1:].mean():.2f} dB SSIM {alike[1:].mean():.3f} | the untouched photograph "
          f"{before[1:].mean():.2f} {before_alike[1:].mean():.3f} | wrong prompts {wrong[1:].mean():.2f} {wrong_alike[1:].mean():.3f}")
    print(f"own look nearest: {hit.mean() * 100:.1f} % (chance {100 / count:.1f} %); empty prompt to the photograph: "
          f"{own[0].mean():.2f} dB {alike[0].mean():.3f}")
    print("| look | PSNR | SSIM | untouched | wrong prompt | own nearest | runner-up |\n|---|---|---|---|---|---|---|")
    for i, name in enumerate(names):
        row = table[i].mean(1)
        rival = row.clone()
        rival[i] = -1
        untouched = f"{before[i].mean():.1f} / {before_alike[i].mean():.2f}" if i else "-"
        print(f"| {name} | {own[i].mean():.1f} | {alike[i].mean():.2f} | {untouched} | {wrong[i].mean():.1f} / {wrong_alike[i].mean():.2f} "
              f"| {hit[i].mean() * 100:.0f} % | {names[int(rival.argmax())]} {rival.max():.1f} |")
    print("confusion matrix, photographs by nearest look (rows: prompt; only what is not 0):")
    for i, name in enumerate(names):
        print(f"  {name}: " + " ".join(f"{names[j]} {int((nearest[i] == j).sum())}" for j in range(count) if (nearest[i] == j).any()))


def judge_strength(model: Model, cache: Path) -> None:
    photos = held_out(cache, 256, model.device)[:4]
    latents = model.encode(photos)
    kept = [name for name in ONE_EACH if name != "photo"]
    print("== strength: mean over the looks at 256 px\n| strength | PSNR to that mixture of photo and look | change, of the full look's |\n|---|---|---|")
    full = {name: (looks.apply(name, photos) - photos).abs().mean() for name in kept}
    rising, last = 0, {}
    for strength in (.001, .25, .5, .75, 1.):
        score, change, now = 0., 0., {}
        for name in kept:
            edited = model.decode(model.edit(latents, model.prompt(ONE_EACH[name]), strength))
            score += psnr(edited, photos + strength * (looks.apply(name, photos) - photos)).mean().item() / len(kept)
            now[name] = ((edited - photos).abs().mean() / full[name]).item()
            change += now[name] / len(kept)
        rising += all(now[name] > last[name] for name in kept) if last else 0
        last = now
        print(f"| {strength:g} | {score:.2f} | {change:.2f} |")
    print(f"every look changes the picture more at each next strength: {rising} of 4 steps")


def judge_free(model: Model, cache: Path, sentences: dict, title: str) -> None:
    photos = held_out(cache, 256, model.device)[:4]
    latents = model.encode(photos)
    targets = {name: looks.apply(name, photos) for name in {*ONE_EACH, *FREE.values(), *FRESH.values()}}
    right = 0
    print(f"== {title}\n| sentence | nearest | wanted |\n|---|---|---|")
    for text, wanted in sentences.items():
        edited = model.decode(model.edit(latents, model.prompt(text)))
        scores = {name: psnr(edited, target).mean().item() for name, target in targets.items()}
        best = max(scores, key=scores.get)
        right += best == wanted
        print(f"| {text} | {best} {scores[best]:.1f} | {wanted} {scores[wanted]:.1f} |{'' if best == wanted else ' **no**'}")
    print(f"right: {right} of {len(sentences)}")


def judge_still(model: Model, cache: Path) -> None:
    photo = held_out(cache, 512, model.device)[:1]
    noise = [torch.randn(photo[..., :256, :256].shape, generator=torch.Generator().manual_seed(i)).to(photo) * .01 for i in range(3)]
    still = torch.cat([(photo[..., 60:316, 130:386] + n).clamp(0, 1) for n in noise])
    pan = torch.cat([photo[..., 60:316, 130 + i:386 + i] for i in range(3)])
    print("== still and panning camera, fixed noise, mean absolute change from frame to frame, 0..255")
    print("| look | camera noise of 2.6 (target) | edit | pan after undoing it: target | edit |\n|---|---|---|---|---|")
    sums = np.zeros(4)
    for name, text in ONE_EACH.items():
        row = []
        for frames in (still, pan):
            for shown in (looks.apply(name, frames), model(frames, text)):
                ahead, behind = (shown[1:], shown[:-1]) if frames is still else (shown[1:, ..., 24:-25], shown[:-1, ..., 25:-24])
                row.append((ahead - behind).abs().mean().item() * 255)
        sums += row
        print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in row) + " |")
    print("| mean | " + " | ".join(f"{value:.2f}" for value in sums / len(ONE_EACH)) + " |")


def judge_pipeline(model: Model, cache: Path, folder: Path) -> None:
    """The stock pipeline at strength 1 and one step gives our own picture."""
    pipeline = StableDiffusionImg2ImgPipeline.from_pretrained(folder, torch_dtype=torch.float32, safety_checker=None, feature_extractor=None).to(model.device)
    pipeline.set_progress_bar_config(disable=True)
    photo = held_out(cache, 512, model.device)[:1]
    stock = pipeline(prompt="oil painting", image=photo * 2 - 1, strength=1., num_inference_steps=1, guidance_scale=1.,
                     generator=torch.Generator().manual_seed(1), output_type="pt").images
    ours = model(photo, "oil painting")
    print(f"== stock StableDiffusionImg2ImgPipeline: largest difference to this script's picture {(stock - ours).abs().max():.2e}, "
          f"PSNR to the target {psnr(stock, looks.apply('oil', photo)).item():.2f} dB")


def judge_speed(folder: Path) -> None:
    torch.set_num_threads(2)
    for dtype in (torch.float32, torch.bfloat16):
        model = Model(folder, dtype)
        prompt = model.prompt("oil painting")
        for side in (256, 384, 512):
            x = torch.rand(1, 3, side, side, dtype=dtype).contiguous(memory_format=torch.channels_last)
            rows = []
            with torch.inference_mode():
                for _ in range(24):
                    marks = [time.perf_counter()]
                    latents = model.vae.encoder(x * 2 - 1) * model.scale
                    marks.append(time.perf_counter())
                    latents = model.unet(latents, torch.tensor(999), prompt, return_dict=False)[0] / model.scale
                    marks.append(time.perf_counter())
                    model.vae.decoder(latents)
                    marks.append(time.perf_counter())
                    rows.append([*np.diff(marks), marks[-1] - marks[0]])
            encoder, unet, decoder, whole = np.median(np.array(rows[4:]), 0) * 1e3
            best = 1e3 / (min(row[3] for row in rows) * 1e3)
            print(f"{str(dtype)[6:]} {side}: encoder {encoder:.1f} UNet {unet:.1f} decoder {decoder:.1f} ms = {1e3 / whole:.1f} frames/s (best {best:.1f})")


def contact_sheet(model: Model, cache: Path, file: Path) -> None:
    side, columns = 160, 5
    photos = held_out(cache, 256, model.device)[:columns]
    latents = model.encode(photos)
    rows = [("(input)", photos)] + [(text or "(empty)", model.decode(model.edit(latents, model.prompt(text)))) for text in ONE_EACH.values()]
    tiles = []
    for text, pictures in rows:
        strip = torch.cat(list(pictures), 2).permute(1, 2, 0).cpu().numpy()[..., ::-1]
        strip = cv2.resize((strip * 255).astype(np.uint8), (side * columns, side), interpolation=cv2.INTER_AREA)
        label = np.full((20, side * columns, 3), 255, np.uint8)
        cv2.putText(label, text, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, .45, (0, 0, 0), 1, cv2.LINE_AA)
        tiles.append(np.vstack([label, strip]))
    if len(tiles) % 2:
        tiles.append(np.full_like(tiles[0], 255))
    half = len(tiles) // 2
    sheet = np.hstack([np.vstack(tiles[:half]), np.full((half * (side + 20), 12, 3), 255, np.uint8), np.vstack(tiles[half:])])
    quality = 88
    while True:
        _, packed = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if len(packed) <= 400_000:
            break
        quality -= 4
    file.write_bytes(packed.tobytes())


@torch.no_grad()
def main() -> None:
    cache, folder = Path(sys.argv[1]), Path(sys.argv[2])
    wanted = sys.argv[3:] or ["looks", "strength", "free", "still", "pipeline", "speed"]
    model = Model(folder, device="cuda" if torch.cuda.is_available() else "cpu")
    if "looks" in wanted:
        for side in (256, 384):
            judge_looks(model, cache, side)
    if "strength" in wanted:
        judge_strength(model, cache)
    if "free" in wanted:
        judge_free(model, cache, FREE, "sentences, none of them trained on")
        judge_free(model, cache, FRESH, "sentences written after the last training")
    if "still" in wanted:
        judge_still(model, cache)
    if "pipeline" in wanted:
        judge_pipeline(model, cache, folder)
    if "speed" in wanted:
        judge_speed(folder)
    for argument in wanted:
        if argument.startswith("sheet="):
            contact_sheet(model, cache, Path(argument[6:]))


if __name__ == "__main__":
    main()
