#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fetch the photographs of photographs.csv out of Debian packages into a cache folder.

    fetch_photos.py CACHE

Needs apt-get, dpkg-deb and opencv-python. Writes CACHE/train/NNN.jpg and CACHE/held/N-name.png; nothing is installed.
"""
import bz2
import csv
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

LONGEST_SIDE = 1280     # training photographs: enough for 384 px crops
HELD_SIDE = 512         # held-out photographs: a centred square


def unpack(package: str, folder: Path) -> Path:
    """Download one Debian package and unpack it, once."""
    target = folder / package
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, check=True)
        (deb,) = folder.glob(f"{package}_*.deb")
        subprocess.run(["dpkg-deb", "-x", deb, target], check=True)
        deb.unlink()
    return target


def read(path: Path) -> np.ndarray:
    """A photograph as BGR. SciPy keeps its raccoon as a bzip2 of raw RGB."""
    if path.suffix == ".dat":
        raw = np.frombuffer(bz2.decompress(path.read_bytes()), np.uint8)
        return np.ascontiguousarray(raw.reshape(768, 1024, 3)[..., ::-1])
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise OSError(f"cannot read {path}")
    return picture


def centre_square(picture: np.ndarray, side: int) -> np.ndarray:
    height, width = picture.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    return cv2.resize(picture[top:top + short, left:left + short], (side, side), interpolation=cv2.INTER_AREA)


def main() -> None:
    cache = Path(sys.argv[1])
    (cache / "train").mkdir(parents=True, exist_ok=True)
    (cache / "held").mkdir(exist_ok=True)
    with open(Path(__file__).with_name("photographs.csv"), newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    counts = {"train": 0, "held": 0}
    for row in rows:
        picture = read(unpack(row["package"], cache / "packages") / row["path"])
        number = counts[row["role"]]
        counts[row["role"]] += 1
        if row["role"] == "held":
            name = Path(row["path"]).stem if "wallpapers" not in row["path"] else Path(row["path"]).parts[3]
            cv2.imwrite(str(cache / f"held/{number}-{name.lower()}.png"), centre_square(picture, HELD_SIDE))
            continue
        scale = LONGEST_SIDE / max(picture.shape[:2])
        if scale < 1:
            picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(cache / f"train/{number:03d}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
    print(f"{counts['train']} photographs to train on and {counts['held']} held out in {cache}")


if __name__ == "__main__":
    main()
