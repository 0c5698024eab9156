# SPDX-License-Identifier: LGPL-2.1-or-later
"""AutoencoderTiny and AutoencoderKL in miniature, and TAESD's real weights on a photo."""

import numpy as np
import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from PIL import Image
from safetensors.torch import load_file, save_file

from networks_random import normal, randomize

KL = {
    "block_out_channels": (16, 32, 32), "down_block_types": ("DownEncoderBlock2D",) * 3, "up_block_types": ("UpDecoderBlock2D",) * 3,
    "latent_channels": 4, "layers_per_block": 2, "norm_num_groups": 8, "sample_size": 32}

VAES = {
    "vae_tiny": (AutoencoderTiny, {
        "encoder_block_out_channels": (16,) * 4, "decoder_block_out_channels": (16,) * 4, "scaling_factor": 1.0}),
    "vae_tiny_zero_blocks": (AutoencoderTiny, {
        "encoder_block_out_channels": (16,) * 4, "decoder_block_out_channels": (24,) * 4, "num_encoder_blocks": (0, 1, 2, 2),
        "num_decoder_blocks": (2, 2, 2, 0), "latent_channels": 16, "scaling_factor": 10.0, "shift_factor": 0.25, "act_fn": "silu"}),
    "vae_kl": (AutoencoderKL, KL),
    "vae_kl_no_quant": (AutoencoderKL, KL | {
        "use_quant_conv": False, "use_post_quant_conv": False, "mid_block_add_attention": False, "latent_channels": 16,
        "shift_factor": 0.06, "scaling_factor": 1.5, "layers_per_block": 1}),
}

OLD_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
RUNS = ((1, 32, 32), (2, 32, 48))  # batch, height, width


def run(vae, index, batch, height, width):
    scale, shift = vae.config.scaling_factor, vae.config.shift_factor or 0
    image = normal(10 * index, batch, 3, height, width).clamp(-1, 1)
    values = {"image": image}
    if isinstance(vae, AutoencoderTiny):
        values["encoded"] = (vae.encode(image).latents - shift) * scale
    else:
        posterior = vae.encode(image).latent_dist
        noise = normal(10 * index + 1, *posterior.mean.shape)
        values |= {"encoded": (posterior.mean - shift) * scale, "noise": noise}
        values["sampled"] = (posterior.mean + posterior.std * noise - shift) * scale
    latents = normal(10 * index + 2, *values["encoded"].shape) * scale
    values |= {"latents": latents, "decoded": vae.decode(latents / scale + shift).sample}
    return {f"{index}.{key}": value.contiguous() for key, value in values.items()}


def write_vaes(folder):
    for number, (name, (kind, options)) in enumerate(VAES.items()):
        vae = randomize(kind(**options), 50 + number)
        vae.save_pretrained(folder / name, safe_serialization=True)
        values = {}
        for index, sizes in enumerate(RUNS):
            values |= run(vae, index, *sizes)
        save_file(values, folder / name / "golden.safetensors")
    write_old_names(folder / "vae_kl", folder / "vae_kl_old_names")


def write_old_names(source, target):
    """The same autoencoder with the attention's names of old checkpoints."""
    target.mkdir(parents=True, exist_ok=True)
    tensors = load_file(source / "diffusion_pytorch_model.safetensors")
    renamed = {}
    for key, value in tensors.items():
        for new, old in OLD_NAMES.items():
            key = key.replace(f"attentions.0.{new}.", f"attentions.0.{old}.")
        renamed[key] = value
    assert renamed.keys() != tensors.keys()
    save_file(renamed, target / "diffusion_pytorch_model.safetensors")
    for name in ("config.json", "golden.safetensors"):
        (target / name).write_bytes((source / name).read_bytes())


def write_real_tiny(folder, weights, picture):
    vae = AutoencoderTiny.from_pretrained(weights).eval()
    pixels = np.asarray(Image.open(picture).convert("RGB"))
    image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    encoded = vae.encode(image).latents
    values = {"0.image": image, "0.encoded": encoded, "0.decoded": vae.decode(encoded).sample}
    target = folder / weights.name
    target.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in values.items()}, target / "golden.safetensors")
