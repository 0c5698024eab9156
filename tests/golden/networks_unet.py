# SPDX-License-Identifier: LGPL-2.1-or-later
"""UNet2DConditionModel in miniature: the options of the families that people run, with few channels."""

import json

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file

from networks_random import normal, randomize

CROSS_DOWN, DOWN = "CrossAttnDownBlock2D", "DownBlock2D"
CROSS_UP, UP = "CrossAttnUpBlock2D", "UpBlock2D"

COMMON = {"sample_size": 16, "in_channels": 4, "out_channels": 4, "norm_num_groups": 8}
SDXL = COMMON | {
    "block_out_channels": (32, 64, 64), "down_block_types": (DOWN, CROSS_DOWN, CROSS_DOWN), "up_block_types": (CROSS_UP, CROSS_UP, UP),
    "attention_head_dim": (2, 4, 4), "cross_attention_dim": 48, "use_linear_projection": True, "addition_embed_type": "text_time",
    "addition_time_embed_dim": 16, "projection_class_embeddings_input_dim": 6 * 16 + 40, "upcast_attention": None}

UNETS = {
    "unet_sd15": COMMON | {
        "block_out_channels": (32, 64, 96, 96), "down_block_types": (CROSS_DOWN, CROSS_DOWN, CROSS_DOWN, DOWN),
        "up_block_types": (UP, CROSS_UP, CROSS_UP, CROSS_UP), "attention_head_dim": 8, "cross_attention_dim": 48},
    "unet_sd21": COMMON | {
        "block_out_channels": (32, 64, 96, 96), "down_block_types": (CROSS_DOWN, CROSS_DOWN, CROSS_DOWN, DOWN),
        "up_block_types": (UP, CROSS_UP, CROSS_UP, CROSS_UP), "attention_head_dim": (2, 4, 6, 6), "cross_attention_dim": 64,
        "use_linear_projection": True, "upcast_attention": True},
    "unet_sdxl": SDXL | {"transformer_layers_per_block": (1, 2, 3)},
    # One resnet a block, no middle block, no attention at the finest level.
    "unet_sdxs": COMMON | {
        "block_out_channels": (32, 64, 96), "down_block_types": (DOWN, CROSS_DOWN, CROSS_DOWN),
        "up_block_types": (CROSS_UP, CROSS_UP, UP), "layers_per_block": 1, "mid_block_type": None, "attention_head_dim": (2, 4, 6),
        "cross_attention_dim": 64, "use_linear_projection": True},
    # Distilled SDXL: other depths on the way up than down, other depths in one block, no attention in the middle.
    "unet_ssd1b": SDXL | {
        "transformer_layers_per_block": [0, [2, 1], [1, 3]], "reverse_transformer_layers_per_block": [[3, 1, 1], [1, 2, 1], 1],
        "mid_block_type": "UNetMidBlock2D"},
    "unet_vega": SDXL | {"transformer_layers_per_block": (1, 1, 2), "mid_block_type": None, "time_cond_proj_dim": 24},
    "unet_lcm": COMMON | {
        "block_out_channels": (32, 64), "down_block_types": (CROSS_DOWN, DOWN), "up_block_types": (UP, CROSS_UP),
        "attention_head_dim": 4, "cross_attention_dim": 48, "time_cond_proj_dim": 24},
    # The finest level attends to the text twice and never to itself; many latents; x0 models are built so too.
    "unet_sketchbook": COMMON | {
        "in_channels": 16, "out_channels": 16, "block_out_channels": (32, 48, 64), "layers_per_block": 1,
        "down_block_types": (CROSS_DOWN,) * 3, "up_block_types": (CROSS_UP,) * 3, "only_cross_attention": [True, False, False],
        "attention_head_dim": 4, "cross_attention_dim": 32, "use_linear_projection": True},
    # Rarely used options, all at once.
    "unet_options": COMMON | {
        "block_out_channels": (32, 64), "down_block_types": (CROSS_DOWN, CROSS_DOWN), "up_block_types": (CROSS_UP, CROSS_UP),
        "layers_per_block": (1, 2), "only_cross_attention": True, "resnet_time_scale_shift": "scale_shift", "act_fn": "gelu",
        "norm_eps": 1e-3, "center_input_sample": True, "flip_sin_to_cos": False, "freq_shift": 1, "downsample_padding": 0,
        "mid_block_scale_factor": 1.5, "conv_in_kernel": 1, "conv_out_kernel": 5, "cross_attention_dim": (48, 48),
        "time_embedding_dim": 56, "attention_head_dim": (2, 4)},
}

RUNS = ((1, 16, 16, 7), (2, 16, 24, 5))  # batch, height, width, text tokens


def run(unet, index, batch, height, width, tokens):
    config, seed = unet.config, 100 * index
    text_dim = config.cross_attention_dim
    inputs = {
        "sample": normal(seed, batch, config.in_channels, height, width),
        "timesteps": torch.tensor([499.0, 37.0][:batch]),
        "text": normal(seed + 1, batch, tokens, text_dim if isinstance(text_dim, int) else text_dim[0]),
    }
    added = {}
    if config.addition_embed_type == "text_time":
        pooled = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
        added = {"text_embeds": normal(seed + 2, batch, pooled), "time_ids": 512 * torch.rand(batch, 6).round(decimals=1)}
        inputs |= added
    if config.time_cond_proj_dim:
        inputs["timestep_cond"] = normal(seed + 3, batch, config.time_cond_proj_dim)
    output = unet(
        inputs["sample"], inputs["timesteps"], inputs["text"], timestep_cond=inputs.get("timestep_cond"),
        added_cond_kwargs=added).sample
    return {f"{index}.{key}": value.contiguous() for key, value in (inputs | {"output": output}).items()}


def write_unets(folder):
    torch.manual_seed(0)
    for number, (name, options) in enumerate(UNETS.items()):
        options = {key: value for key, value in options.items() if value is not None or key == "mid_block_type"}
        unet = randomize(UNet2DConditionModel(**options), number)
        unet.save_pretrained(folder / name, safe_serialization=True)
        values = {}
        for index, sizes in enumerate(RUNS):
            values |= run(unet, index, *sizes)
        save_file(values, folder / name / "golden.safetensors")
        assert json.loads((folder / name / "config.json").read_text())["_class_name"] == "UNet2DConditionModel"
