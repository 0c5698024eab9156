#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How good rvmmatte's mattes are on films whose matte is known (scenes.py), in the figures of metrics.py.

    bench/matting/quality.py [--size 384] [--frames 50] [--json FILE] [--sheet FILE.png] [PROPERTY=VALUE ...]

PROPERTY=VALUE go to the element: model=rvm_resnet50.safetensors downsample-ratio=0.5 device=cuda. --sheet draws, for each film, a frame,
its known matte, the made one, and where they differ.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import metrics
import scenes

BUILD = Path(os.environ.get("LIVEEDIT_BUILD_DIR", scenes.ROOT / "build"))


class PipelineFailed(RuntimeError):
    pass


def mattes(film, properties=()):
    """What rvmmatte makes of a film uint8 [frames, height, width, 3]: float32 [frames, height, width], 0 to 1."""
    frame_count, height, width, _ = film.shape
    with tempfile.TemporaryDirectory(prefix="liveedit-") as folder:
        film.tofile(Path(folder) / "film.rgb")
        words = ["gst-launch-1.0", "-q", "filesrc", "location=film.rgb", "!", "rawvideoparse", "format=rgb", f"width={width}",
                 f"height={height}", f"framerate={scenes.RATE}/1", "!", "rvmmatte", "output=matte", *properties, "!", "filesink",
                 "location=matte.gray"]
        done = subprocess.run(["bash", "-c", f'[ ! -r "{BUILD}/env.sh" ] || . "{BUILD}/env.sh"; exec "$@"', "-", *words], cwd=folder,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise PipelineFailed(done.stderr.strip() or f"gst-launch-1.0 ended with {done.returncode}")
        data = np.fromfile(Path(folder) / "matte.gray", np.uint8)
    row = (width + 3) // 4 * 4
    if data.size != frame_count * height * row:
        raise PipelineFailed(f"{data.size} bytes came back for {frame_count} frames of {width}x{height}")
    return data.reshape(frame_count, height, row)[..., :width].astype(np.float32) / 255


def grey(picture):
    return np.repeat(np.uint8(np.clip(picture, 0, 1) * 255 + 0.5)[..., None], 3, axis=2)


def sheet_row(film, true, made):
    """The middle frame, its known matte, the made one, and their difference, side by side."""
    at = len(film) // 2
    return np.concatenate([film[at], grey(true[at]), grey(made[at]), grey(np.abs(made[at] - true[at]))], axis=1)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=scenes.SIDE)
    parser.add_argument("--frames", type=int, default=scenes.SECONDS * scenes.RATE)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("properties", nargs="*", metavar="PROPERTY=VALUE")
    return parser.parse_args()


def main():
    options = read_options()
    figures, rows = {}, []
    print(f"{'film':34}" + "".join(f"{name:>9}" for name in ("mad", "mse", "grad", "dtssd", "flicker")))
    for scene in scenes.SCENES:
        film, true = scene.film(options.size, options.frames)
        try:
            made = mattes(film, options.properties)
        except PipelineFailed as failure:
            sys.exit(f"quality.py: {failure}")
        figures[scene.name] = metrics.all_of(made, true)
        print(f"{scene.name:34}" + "".join(f"{value:9.2f}" for value in figures[scene.name].values()), flush=True)
        rows.append(sheet_row(film, true, made))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    if options.sheet:
        Image.fromarray(np.concatenate(rows)).save(options.sheet)


if __name__ == "__main__":
    main()
