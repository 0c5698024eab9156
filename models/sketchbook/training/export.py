#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Turn what vae.py and unet.py wrote into the diffusers folder that ships.

    export.py OUT FOLDER
"""
import json
import shutil
import sys
from pathlib import Path

import diffusers
from diffusers import AutoencoderTiny, UNet2DConditionModel
from safetensors.torch import load_file, save_file

from networks import SCHEDULER, TEXT
from tokenizer import VOCABULARY

SIZE_LIMIT = 16_000_000
TEXT_CONFIG = {"architectures": ["CLIPTextModel"], "model_type": "clip_text_model", "hidden_act": "quick_gelu",
               "bos_token_id": VOCABULARY - 2, "eos_token_id": VOCABULARY - 1, "pad_token_id": VOCABULARY - 1,
               "attention_dropout": 0.0, "dropout": 0.0, "initializer_factor": 1.0, "initializer_range": 0.02,
               "layer_norm_eps": 1e-05, "projection_dim": TEXT["hidden_size"], "torch_dtype": "float16", **TEXT}
INDEX = {"_class_name": "StableDiffusionPipeline", "_diffusers_version": diffusers.__version__,
         "feature_extractor": [None, None], "image_encoder": [None, None],
         "requires_safety_checker": False, "safety_checker": [None, None],
         "scheduler": ["diffusers", "EulerDiscreteScheduler"], "text_encoder": ["transformers", "CLIPTextModel"],
         "tokenizer": ["transformers", "CLIPTokenizer"], "unet": ["diffusers", "UNet2DConditionModel"],
         "vae": ["diffusers", "AutoencoderTiny"],
         # What gst-liveedit takes for this model where the user sets nothing.
         "_liveedit": {"strength": 1.0, "num_inference_steps": 1, "guidance_scale": 1.0}}


def write_json(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")


def main() -> None:
    out, folder = Path(sys.argv[1]), Path(sys.argv[2])
    for name, network in (("vae", AutoencoderTiny), ("unet", UNet2DConditionModel)):
        network.from_pretrained(out / name).half().save_pretrained(folder / name)
        config = json.loads((folder / name / "config.json").read_text())
        config.pop("_name_or_path", None)
        write_json(folder / name / "config.json", config)
    write_json(folder / "text_encoder/config.json", TEXT_CONFIG)
    save_file(load_file(out / "text_encoder/model.safetensors"), folder / "text_encoder/model.safetensors", metadata={"format": "pt"})
    shutil.copytree(out / "tokenizer", folder / "tokenizer", dirs_exist_ok=True)
    write_json(folder / "scheduler/scheduler_config.json", {"_diffusers_version": diffusers.__version__, **SCHEDULER})
    write_json(folder / "model_index.json", INDEX)
    shipped = [folder / "model_index.json"] + [file for part in ("vae", "unet", "text_encoder", "tokenizer", "scheduler")
                                               for file in sorted((folder / part).iterdir())]
    total = sum(file.stat().st_size for file in shipped)
    print(f"{total / 1e6:.2f} MB in {folder}")
    assert total <= SIZE_LIMIT


if __name__ == "__main__":
    main()
