# SPDX-License-Identifier: LGPL-2.1-or-later
"""scripts/convert-weights: Robust Video Matting's .pth and TorchScript files to safetensors, with the original names of the tensors."""
import os
import pickle
import sys
import zipfile
from pathlib import Path

# One tensor of each part, by variant: what is not there cannot be such a file.
PARTS = ("aspp.aspp1.0.weight", "decoder.decode4.gru.ih.0.weight", "decoder.decode0.conv.3.weight", "project_mat.conv.weight")
FIRST = {"mobilenetv3": "backbone.features.0.0.weight", "resnet50": "backbone.conv1.weight"}


def fail(sentence):
    sys.exit(f"convert-weights: {sentence}")


try:
    import torch
    from safetensors.torch import save_file
except ImportError as error:
    fail(f"{error.name} is missing in {sys.executable}: run scripts/setup --tests, or name a Python with torch and safetensors in $PYTHON.")


def is_torchscript(path):
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("constants.pkl") for name in archive.namelist())


def load(path):
    """The tensors by name. A TorchScript file holds a program; only its tensors are taken, and nothing of it runs."""
    try:
        if is_torchscript(path):
            return dict(torch.jit.load(str(path), map_location="cpu").state_dict())
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        fail(f"{path} holds more than tensors and is not opened, since reading it could run code ({str(error).splitlines()[0]}).")
    except (RuntimeError, EOFError, OSError, KeyError, ValueError) as error:
        fail(f"{path} cannot be read; it is incomplete or no PyTorch file: download it again ({str(error).splitlines()[0] if str(error) else type(error).__name__}).")
    return tensors


def check(path, tensors):
    """The variant's name."""
    if isinstance(tensors, dict) and set(tensors) == {"state_dict"}:
        tensors = tensors["state_dict"]
    if not isinstance(tensors, dict) or not tensors or not all(isinstance(value, torch.Tensor) for value in tensors.values()):
        fail(f"{path} is no file of named tensors.")
    variant = next((name for name, first in FIRST.items() if first in tensors), None)
    missing = [name for name in PARTS if name not in tensors]
    if variant is None or missing:
        wanted = " or ".join(FIRST.values()) if variant is None else ", ".join(missing)
        fail(f"{path} is not Robust Video Matting: there is no {wanted} in it.")
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            fail(f"{path}: tensor {name} holds NaN or infinite numbers.")
    return variant, tensors


def output_file(text, variant):
    if text is None:
        data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local/share")
        folder = Path(data) / "liveedit/models"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"rvm_{variant}.safetensors"
    path = Path(text)
    if path.is_dir():
        return path / f"rvm_{variant}.safetensors"
    if path.suffix != ".safetensors":
        fail(f"{path} is no folder, and a file's name must end in .safetensors.")
    if not path.parent.is_dir():
        fail(f"There is no folder {path.parent} to write into.")
    return path


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[1].startswith("-"):
        sys.exit("usage: scripts/convert-weights FILE [OUTPUT]")
    path = Path(sys.argv[1])
    if not path.is_file():
        fail(f"There is no file {path}.")
    variant, tensors = check(path, load(path))
    target = output_file(sys.argv[2] if len(sys.argv) == 3 else None, variant)
    # Written beside and renamed: a stopped run leaves no half file where it would be found.
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        save_file({name: value.contiguous().clone() for name, value in tensors.items()}, unfinished)
        os.replace(unfinished, target)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        fail(f"{target} cannot be written ({error}).")
    print(f"{target}: {len(tensors)} tensors, variant {variant}")


if __name__ == "__main__":
    main()
