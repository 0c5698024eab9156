# SPDX-License-Identifier: LGPL-2.1-or-later
"""20 frames through StreamDiffusion's denoising batch (PyPI streamdiffusion 0.1.1) on a tiny random model.

stream_batch.py FOLDER writes model/ in diffusers layout, cases.json and values.safetensors: the frames 0..1 and, for each case,
the pictures -1..1 that StreamDiffusion gives, one a frame, those of its warm-up included.
"""

import json
import subprocess
import sys
from pathlib import Path

import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline
from safetensors.torch import save_file

from tiny_models import LATENT_BETAS, seeded, text_encoder, tokenizer, unet, vae_tiny

PACKAGE = "streamdiffusion==0.1.1"
WIDTH, HEIGHT, FRAMES = 24, 16, 20
CASES = [([45], 50, 2), ([32, 45], 50, 3), ([0, 16, 32, 45], 50, 4), ([1, 3], 4, 5)]


def stream_diffusion(site):
    """The class, from the environment or else from PyPI without what it depends on (diffusers of its time)."""
    try:
        from streamdiffusion import StreamDiffusion
    except ImportError:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), PACKAGE], check=True)
        sys.path.insert(0, str(site))
        from streamdiffusion import StreamDiffusion
    return StreamDiffusion


def make_pipeline(folder):
    seeded(21)
    words, vocabulary = tokenizer(folder / "tokenizer")
    scheduler = EulerDiscreteScheduler(**LATENT_BETAS, timestep_spacing="trailing", steps_offset=1)
    pipeline = StableDiffusionPipeline(
        vae=vae_tiny(), text_encoder=text_encoder(vocabulary), tokenizer=words, unet=unet(32), scheduler=scheduler,
        safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    pipeline.save_pretrained(folder, safe_serialization=True)
    return pipeline


def moving_frames():
    """A bright bar over a gradient, one pixel further in each frame; 8 bits a channel."""
    frames = torch.zeros((FRAMES, 3, HEIGHT, WIDTH))
    frames[:, 0] = torch.linspace(0, 1, WIDTH)
    frames[:, 1] = torch.linspace(1, 0, HEIGHT)[:, None]
    for i in range(FRAMES):
        frames[i, :, :, i : i + 4] += 0.5
    return (frames.clamp(0, 1) * 255).round() / 255


@torch.no_grad()
def run(cls, pipeline, frames, t_index_list, steps, seed):
    stream = cls(pipeline, t_index_list, torch_dtype=torch.float32, width=WIDTH, height=HEIGHT, cfg_type="none")
    stream.prepare("oil paint of a cat", num_inference_steps=steps, generator=torch.Generator(), seed=seed)
    # What __call__ does, less its CUDA events.
    outputs = []
    for frame in frames:
        latents = stream.encode_image(stream.image_processor.preprocess(frame[None], HEIGHT, WIDTH))
        outputs.append(stream.decode_image(stream.predict_x0_batch(latents)))
    return torch.cat(outputs)


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    cls = stream_diffusion(folder / "site")
    pipeline = make_pipeline(folder / "model")
    frames = moving_frames()
    values, cases = {"frames": frames}, []
    for t_index_list, steps, seed in CASES:
        key = "_".join(map(str, t_index_list))
        values[key] = run(cls, pipeline, frames, t_index_list, steps, seed)
        cases.append({"key": key, "t_index_list": t_index_list, "num_inference_steps": steps, "seed": seed, "prompt": "oil paint of a cat"})
    save_file({k: v.contiguous() for k, v in values.items()}, folder / "values.safetensors")
    (folder / "cases.json").write_text(json.dumps({"cases": cases}))
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main()
