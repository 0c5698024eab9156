# SPDX-License-Identifier: LGPL-2.1-or-later
"""Banks of square crops, their colour augmentation, and the held-out photographs.

    photos.py CACHE       cuts CACHE/train into CACHE/bank256.npy and CACHE/bank384.npy
"""
import multiprocessing
import sys
from pathlib import Path

import cv2
import numpy as np
import torch

from filters import blur, luma

SIZES = {256: 26000, 384: 8000}     # crops a bank
MADE_UP = 0.12                      # share of crops that are drawn and not photographed


def made_up_picture(rng: np.random.RandomState, side: int) -> np.ndarray:
    """A picture of flat and shaded shapes, lines and letters: edges and flat fields that nature photographs lack."""
    corners = rng.randint(0, 256, (2, 2, 3)).astype(np.float32)
    picture = np.ascontiguousarray(cv2.resize(corners, (side, side), interpolation=cv2.INTER_LINEAR).clip(0, 255).astype(np.uint8))
    for _ in range(rng.randint(3, 40)):
        colour = tuple(int(v) for v in rng.randint(0, 256, 3))
        x, y = (int(v) for v in rng.randint(-side // 8, side, 2))
        reach = int(np.exp(rng.uniform(np.log(4), np.log(side / 2))))
        kind = rng.randint(5)
        if kind == 0:
            cv2.circle(picture, (x, y), reach, colour, -1, cv2.LINE_AA)
        elif kind == 1:
            cv2.rectangle(picture, (x, y), (x + reach, y + rng.randint(3, side // 2)), colour, -1)
        elif kind == 2:
            points = rng.randint(-reach, reach, (rng.randint(3, 7), 2)) + (x, y)
            cv2.fillPoly(picture, [points.astype(np.int32)], colour, cv2.LINE_AA)
        elif kind == 3:
            end = (x + int(rng.randint(-reach, reach + 1)), y + int(rng.randint(-reach, reach + 1)))
            cv2.line(picture, (x, y), end, colour, int(rng.randint(1, 9)), cv2.LINE_AA)
        else:
            text = "".join(chr(rng.randint(33, 127)) for _ in range(rng.randint(1, 12)))
            cv2.putText(picture, text, (x, y), int(rng.randint(0, 5)), rng.uniform(.4, 3), colour,
                        int(rng.randint(1, 5)), cv2.LINE_AA)
    if rng.rand() < .5:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(.4, 1.5))
    return picture


def crop(rng: np.random.RandomState, pictures: list, weights: np.ndarray, side: int) -> np.ndarray:
    if rng.rand() < MADE_UP:
        return made_up_picture(rng, side)
    picture = pictures[rng.choice(len(pictures), p=weights)]
    height, width = picture.shape[:2]
    short = min(height, width)
    # Whole pictures and large parts, as frames of a camera are, and some small ones.
    chance, least = rng.rand(), min(side * (1.2 if rng.rand() < .7 else .8), short * .8)
    reach = int(np.exp(rng.uniform(np.log(least), np.log(short)))) if chance < .6 else short
    top, left = rng.randint(0, height - reach + 1), rng.randint(0, width - reach + 1)
    cut = picture[top:top + reach, left:left + reach]
    cut = cv2.resize(cut, (side, side), interpolation=cv2.INTER_AREA if reach >= side else cv2.INTER_CUBIC)
    return cut[:, ::-1] if rng.rand() < .5 else cut


def detail(picture: np.ndarray) -> float:
    """How much fine texture a picture has at 256 pixels, of 255; clear skies are learnt at once, foliage is not."""
    bright = cv2.cvtColor(cv2.resize(picture, (256, 256), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float((bright - cv2.GaussianBlur(bright, (0, 0), 1.5)).std())


def fill(job: tuple) -> None:
    """One worker's share of a bank."""
    cache, side, worker, workers = job
    cv2.setNumThreads(1)
    rng = np.random.RandomState(1000 * side + worker)
    pictures = [cv2.imread(str(path))[..., ::-1] for path in sorted((cache / "train").glob("*.jpg"))]
    weights = np.array([min(picture.shape[:2]) ** .5 * (2 + detail(picture)) for picture in pictures])
    bank = np.lib.format.open_memmap(cache / f"bank{side}.npy", mode="r+")
    for index in range(worker, len(bank), workers):
        bank[index] = crop(rng, pictures, weights / weights.sum(), side)


def make_banks(cache: Path, sizes: dict) -> None:
    workers = multiprocessing.cpu_count()
    for side, count in sizes.items():
        np.lib.format.open_memmap(cache / f"bank{side}.npy", mode="w+", dtype=np.uint8, shape=(count, side, side, 3))
        with multiprocessing.Pool(workers) as pool:
            pool.map(fill, [(cache, side, worker, workers) for worker in range(workers)])


def load_bank(cache: Path, side: int, device: str) -> torch.Tensor:
    return torch.from_numpy(np.load(cache / f"bank{side}.npy")).to(device)


def draw(bank: torch.Tensor, count: int) -> torch.Tensor:
    """Random crops with random gamma, saturation, white balance, contrast, brightness and sharpness:
    [count, 3, side, side], 0..1."""
    device = bank.device
    x = bank[torch.randint(len(bank), (count,), device=device)].permute(0, 3, 1, 2).float() / 255

    def some(share: float, low: float, high: float, rest: float) -> torch.Tensor:
        value = torch.rand(count, 1, 1, 1, device=device) * (high - low) + low
        return torch.where(torch.rand(count, 1, 1, 1, device=device) < share, value, torch.full_like(value, rest))

    x = x.clamp_min(1e-4) ** some(.5, .7, 1.45, 1.)
    grey = luma(x)
    x = grey + (x - grey) * some(.5, .4, 1.5, 1.)
    balance = 1 + .18 * torch.randn(count, 3, 1, 1, device=device)
    x = x * torch.where(torch.rand(count, 1, 1, 1, device=device) < .4, balance, torch.ones_like(balance)).clamp(.6, 1.4)
    x = (x - .5) * some(.4, .7, 1.25, 1.) + .5 + some(.3, -.12, .12, 0.)
    x = x + (x - blur(x, .8)) * some(.35, .2, 1.2, 0.)      # cameras sharpen
    return x.clamp(0, 1)


def sensor_noise(x: torch.Tensor) -> torch.Tensor:
    """What a camera adds; the target is that of the clean picture, so that a still scene gives a still picture."""
    strength = torch.rand(len(x), 1, 1, 1, device=x.device).pow(3) * .03
    return (x + torch.randn_like(x) * strength).clamp(0, 1)


def held_out(cache: Path, side: int, device: str = "cpu") -> torch.Tensor:
    """The held-out photographs, [N, 3, side, side], 0..1; the astronaut is the first."""
    pictures = []
    for path in sorted((cache / "held").glob("*.png")):
        picture = cv2.imread(str(path))
        if picture.shape[0] != side:
            picture = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        pictures.append(torch.from_numpy(picture[..., ::-1].copy()).permute(2, 0, 1).float() / 255)
    return torch.stack(pictures).to(device)


if __name__ == "__main__":
    make_banks(Path(sys.argv[1]), SIZES)
