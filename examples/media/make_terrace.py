#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Paints terrace.jpg, the background of pipelines/camera-virtual-background.launch: a terrace above the sea in the evening.

    examples/media/make_terrace.py terrace.jpg

Everything is drawn by numbers from a fixed seed. Needs numpy and Pillow.
"""
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT, FINE = 960, 720, 2
HORIZON, EDGE = 0.46, 0.66  # of the sea and of the terrace, in shares of the height


def blend(stops, at):
    """Colours between (position, rgb) stops, at positions [...]: [..., 3]."""
    positions, colours = zip(*stops)
    return np.stack([np.interp(at, positions, [colour[i] for colour in colours]) for i in range(3)], axis=-1)


def clouds(generator, shape):
    """Long soft streaks, 0 to 1."""
    total = np.zeros(shape, np.float32)
    for rows, columns, weight in ((6, 3, 1.0), (16, 8, 0.6), (40, 20, 0.3)):
        noise = Image.fromarray(np.uint8(generator.uniform(0, 255, (rows, columns)))).resize(shape[::-1], Image.BICUBIC)
        total += weight * np.asarray(noise, np.float32) / 255
    return np.clip((total / total.max() - 0.45) * 2.2, 0, 1)


def sky_and_sea(generator):
    height, width = HEIGHT * FINE, WIDTH * FINE
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = y / height, x / width
    sky = blend([(0, (72, 108, 168)), (0.25, (140, 150, 190)), (0.4, (236, 178, 150)), (HORIZON, (255, 214, 160))], y)
    sun = np.hypot((x - 0.7) * 4 / 3, y - 0.38)
    sky += (255 - sky) * np.clip(1.1 - sun / 0.035, 0, 1)[..., None] + np.exp(-sun / 0.12)[..., None] * np.float32((50, 36, 8))
    streaks = clouds(generator, (height, width))[..., None] * np.clip(1.2 - y / HORIZON, 0, 1)[..., None]
    sky = sky * (1 - 0.5 * streaks) + 0.5 * streaks * np.float32((255, 226, 214))
    depth = np.clip((y - HORIZON) / (1 - HORIZON), 1e-4, 1)
    waves = np.sin(40 * np.log(depth + 0.02) + 6 * np.sin(9 * x + 30 * depth)) * np.sin(260 * x / (0.3 + 2 * depth) + 50 * depth)
    sea = blend([(0, (226, 188, 160)), (0.05, (120, 140, 168)), (0.4, (48, 84, 124))], depth) + (14 * waves)[..., None]
    glitter = np.exp(-np.abs(x - 0.7) / (0.02 + 0.12 * depth)) * (0.6 + 0.5 * waves)
    sea += glitter[..., None] * np.float32((120, 96, 60))
    return Image.fromarray(np.uint8(np.clip(np.where((y < HORIZON)[..., None], sky, sea), 0, 255)))


def terrace(image, generator):
    draw = ImageDraw.Draw(image)
    width, height = image.size
    edge = EDGE * height
    draw.rectangle((0, edge, width, height), fill=(188, 152, 124))
    for row in np.geomspace(edge, height, 9):  # tiles, nearer ones taller
        draw.line((0, row, width, row), fill=(150, 116, 94), width=FINE * 2)
    for column in np.linspace(-2, 3, 27):
        draw.line((width * 0.5 + (column - 0.5) * width * 0.5, edge, width * 0.5 + (column - 0.5) * width * 1.6, height), fill=(150, 116, 94),
                  width=FINE * 2)
    for post in np.linspace(0.02, 0.98, 15):
        draw.rectangle((post * width - 4 * FINE, edge - 0.14 * height, post * width + 4 * FINE, edge), fill=(236, 228, 218))
    draw.rectangle((0, edge - 0.16 * height, width, edge - 0.135 * height), fill=(244, 238, 228))
    draw.rectangle((0, edge - 0.02 * height, width, edge + 0.01 * height), fill=(214, 204, 192))
    for pot, size in ((0.08, 1.0), (0.92, 1.25)):
        plant(draw, generator, pot * width, height * 0.93, size * height)


def plant(draw, generator, x, y, size):
    draw.polygon([(x - 0.05 * size, y - 0.12 * size), (x + 0.05 * size, y - 0.12 * size), (x + 0.036 * size, y), (x - 0.036 * size, y)],
                 fill=(170, 88, 60))
    for _ in range(220):
        angle, reach = generator.normal(-np.pi / 2, 0.6), generator.uniform(0.08, 0.3) * size
        middle = (x + 0.6 * reach * np.cos(angle), y - 0.12 * size + 0.7 * reach * np.sin(angle))
        tip = (x + reach * np.cos(angle) * 1.2, y - 0.12 * size + reach * np.sin(angle) * 0.9)
        green = int(generator.uniform(70, 150))
        draw.line([(x, y - 0.12 * size), middle, tip], fill=(int(green * 0.55), green, int(green * 0.5)), width=int(generator.integers(2, 7)))


def main():
    generator = np.random.default_rng(11)
    image = sky_and_sea(generator)
    terrace(image, generator)
    # As far behind a person as it is, it is not quite sharp.
    image.resize((WIDTH, HEIGHT), Image.LANCZOS).filter(ImageFilter.GaussianBlur(1.2)).save(sys.argv[1], quality=88)


if __name__ == "__main__":
    main()
