# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole img2img runs of diffusers' pipelines on tiny random models.

img2img.py FOLDER writes models/NAME in diffusers layout, cases.json and values.safetensors (pictures 0..1, [1, 3, H, W]). Beside them lie copies
of sd-turbo that fail: bad-unet gives NaN, bad-word gives NaN for prompts with the word "z", bad-id cannot encode such prompts at all.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from diffusers import (
    DDIMScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LatentConsistencyModelImg2ImgPipeline,
    LCMScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionXLImg2ImgPipeline,
    TCDScheduler,
)
from safetensors.torch import load_file, save_file

from tiny_models import LATENT_BETAS, seeded, text_encoder, tokenizer, unet, vae_kl, vae_tiny

WIDTH, HEIGHT = 24, 16  # multiples of the VAE's 2 and the UNet's 2


def stable_diffusion(folder, scheduler, vae, seed, lcm=False):
    seeded(seed)
    words, vocabulary = tokenizer(folder / "tokenizer")
    options = {"time_cond_proj_dim": 32} if lcm else {}
    cls = LatentConsistencyModelImg2ImgPipeline if lcm else StableDiffusionImg2ImgPipeline
    pipeline = cls(
        vae=vae(), text_encoder=text_encoder(vocabulary), tokenizer=words, unet=unet(32, **options), scheduler=scheduler,
        safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    pipeline.save_pretrained(folder, safe_serialization=True)
    return pipeline


def sdxl(folder, scheduler, vae, seed):
    seeded(seed)
    words, vocabulary = tokenizer(folder / "tokenizer")
    words_2, _ = tokenizer(folder / "tokenizer_2")
    network = unet(
        32 + 48, transformer_layers_per_block=(1, 2), down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), use_linear_projection=True, addition_embed_type="text_time",
        addition_time_embed_dim=8, projection_class_embeddings_input_dim=8 * 6 + 40)
    pipeline = StableDiffusionXLImg2ImgPipeline(
        vae=vae(), text_encoder=text_encoder(vocabulary), text_encoder_2=text_encoder(vocabulary, hidden=48, projection=40), tokenizer=words,
        tokenizer_2=words_2, unet=network, scheduler=scheduler, add_watermarker=False)
    pipeline.save_pretrained(folder, safe_serialization=True)
    return pipeline


def models(folder):
    trailing = LATENT_BETAS | {"timestep_spacing": "trailing"}
    leading = LATENT_BETAS | {"timestep_spacing": "leading", "steps_offset": 1}
    sd_runs = [(2, 0.5, 1.0), (4, 0.75, 1.0), (5, 0.6, 4.5)]
    yield "sd-turbo", stable_diffusion(folder / "sd-turbo", EulerDiscreteScheduler(**trailing), vae_tiny, 1), sd_runs
    yield "sd-euler-kl", stable_diffusion(folder / "sd-euler-kl", EulerDiscreteScheduler(**leading), vae_kl, 2), sd_runs
    ancestral = EulerAncestralDiscreteScheduler(**leading, prediction_type="v_prediction")
    yield "sd-ancestral", stable_diffusion(folder / "sd-ancestral", ancestral, vae_kl, 3), sd_runs
    ddim = DDIMScheduler(**leading, set_alpha_to_one=False)
    yield "sd-ddim", stable_diffusion(folder / "sd-ddim", ddim, vae_kl, 4), sd_runs
    yield "sd-lcm", stable_diffusion(folder / "sd-lcm", LCMScheduler(**LATENT_BETAS), vae_tiny, 5), sd_runs
    yield "sd-tcd", stable_diffusion(folder / "sd-tcd", TCDScheduler(**LATENT_BETAS), vae_tiny, 6), sd_runs
    sample = EulerDiscreteScheduler(**trailing, prediction_type="sample")
    yield "sd-sample", stable_diffusion(folder / "sd-sample", sample, vae_tiny, 7), [(1, 1.0, 1.0), (2, 0.5, 1.0)]
    yield "lcm", stable_diffusion(folder / "lcm", LCMScheduler(**LATENT_BETAS), vae_kl, 8, lcm=True), [(4, 0.5, 8.5), (1, 0.8, 1.0), (2, 1.0, 3.0)]
    yield "sdxl", sdxl(folder / "sdxl", EulerDiscreteScheduler(**leading), vae_kl, 9), sd_runs
    yield "sdxl-turbo", sdxl(folder / "sdxl-turbo", EulerAncestralDiscreteScheduler(**trailing), vae_tiny, 10), sd_runs


def texts(pipeline, guidance):
    """Prompt and negative prompt; SDXL also with none, which takes zeros."""
    if isinstance(pipeline, LatentConsistencyModelImg2ImgPipeline) or guidance <= 1:
        return [("oil paint of a cat", None)]
    return [("oil paint of a cat", "bad, ugly"), ("A CAT!", None)]


def spoil(models_folder, name, part, tensor, row, value):
    """A copy of sd-turbo with one row of one tensor overwritten."""
    folder = models_folder / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(models_folder / "sd-turbo", folder)
    file = next((folder / part).glob("*.safetensors"))
    tensors = load_file(file)
    next(v for k, v in tensors.items() if k.endswith(tensor))[row] = value
    save_file(tensors, file)


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    picture = torch.rand((1, 3, HEIGHT, WIDTH), generator=torch.Generator("cpu").manual_seed(7))
    picture = (picture * 255).round() / 255  # as an 8-bit frame gives it
    values, cases = {"picture": picture}, []
    for name, pipeline, runs in models(folder / "models"):
        pipeline.set_progress_bar_config(disable=True)
        for steps, strength, guidance in runs:
            for prompt, negative in texts(pipeline, guidance):
                seed = 40 + len(cases)
                options = {} if negative is None else {"negative_prompt": negative}
                output = pipeline(
                    prompt=prompt, image=picture, num_inference_steps=steps, strength=strength, guidance_scale=guidance,
                    generator=torch.Generator("cpu").manual_seed(seed), output_type="pt", **options)
                key = f"{len(cases):03d}"
                values[key] = output.images
                cases.append({
                    "key": key, "model": name, "num_inference_steps": steps, "strength": strength, "guidance_scale": guidance,
                    "prompt": prompt, "negative_prompt": negative or "", "seed": seed})
    vocabulary = json.loads((folder / "models/sd-turbo/tokenizer/vocab.json").read_text())
    spoil(folder / "models", "bad-unet", "unet", "conv_in.weight", 0, float("inf"))
    spoil(folder / "models", "bad-word", "text_encoder", "token_embedding.weight", vocabulary["z</w>"], float("nan"))
    shutil.rmtree(folder / "models/bad-id", ignore_errors=True)
    shutil.copytree(folder / "models/sd-turbo", folder / "models/bad-id")
    (folder / "models/bad-id/tokenizer/vocab.json").write_text(json.dumps(vocabulary | {"z</w>": 99999}))
    save_file({k: v.contiguous().float() for k, v in values.items()}, folder / "values.safetensors")
    (folder / "cases.json").write_text(json.dumps({"cases": cases}))
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main()
