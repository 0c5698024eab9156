# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tiny random networks of each family and what the reference implementations make of random inputs.

networks.py FOLDER writes FOLDER/CASE/{config.json, the weights, golden.safetensors}. In golden.safetensors the tensors of one run
share a number: "0.sample", "0.output" ... Real weights are read below $LIVEEDIT_TEST_DATA where that is given.
"""

import os
import sys
from pathlib import Path

import torch

from networks_clip import write_clip
from networks_unet import write_unets
from networks_vae import write_real_tiny, write_vaes


def main():
    folder = Path(sys.argv[1])
    torch.set_grad_enabled(False)
    torch.set_num_threads(2)
    write_unets(folder)
    write_vaes(folder)
    write_clip(folder)
    data = Path(os.environ.get("LIVEEDIT_TEST_DATA", ""))
    for name in ("taesd", "taesdxl"):
        if (data / "weights" / name).is_dir() and (data / "media" / "astronaut.png").is_file():
            write_real_tiny(folder, data / "weights" / name, data / "media" / "astronaut.png")


if __name__ == "__main__":
    main()
