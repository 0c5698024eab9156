# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tiny models with random weights, one of each family, in diffusers layout: made by the reference implementations themselves."""

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

LATENT_BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def byte_symbols():
    """CLIP's 256 byte symbols, in its order."""
    kept = list(range(ord("!"), ord("~") + 1)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100))
    symbols = [chr(b) for b in kept]
    symbols += [chr(256 + i) for i in range(256 - len(kept))]
    return symbols


def tokenizer(folder: Path, length=77):
    """CLIP's tokenizer with a vocabulary of bytes and a few words."""
    merges = [("a", "t</w>"), ("c", "at</w>"), ("o", "i"), ("oi", "l</w>"), ("p", "a"), ("pa", "i"), ("pai", "n"), ("pain", "t</w>")]
    symbols = byte_symbols()
    tokens = symbols + [s + "</w>" for s in symbols] + ["".join(m) for m in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(" ".join(m) for m in merges) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "CLIPTokenizer", "model_max_length": length, "unk_token": "<|endoftext|>", "bos_token": "<|startoftext|>",
        "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>", "do_lower_case": True}))
    return CLIPTokenizer.from_pretrained(folder), len(tokens)


def text_encoder(vocabulary, hidden=32, layers=3, projection=None):
    config = CLIPTextConfig(
        vocab_size=vocabulary, hidden_size=hidden, intermediate_size=2 * hidden, num_hidden_layers=layers, num_attention_heads=4,
        max_position_embeddings=77, projection_dim=projection or hidden, bos_token_id=vocabulary - 2, eos_token_id=vocabulary - 1,
        pad_token_id=vocabulary - 1, hidden_act="quick_gelu" if projection is None else "gelu")
    cls = CLIPTextModelWithProjection if projection else CLIPTextModel
    return cls(config).eval()


def unet(width, **options):
    return UNet2DConditionModel(**({
        "sample_size": 8, "in_channels": 4, "out_channels": 4, "layers_per_block": 1, "block_out_channels": (32, 64),
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"), "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "cross_attention_dim": width, "attention_head_dim": 4, "norm_num_groups": 8} | options)).eval()


def vae_kl():
    return AutoencoderKL(
        block_out_channels=(16, 32), down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4, layers_per_block=1, norm_num_groups=8, sample_size=16, scaling_factor=0.18215).eval()


def vae_tiny():
    return AutoencoderTiny(
        encoder_block_out_channels=(16, 16), decoder_block_out_channels=(16, 16), num_encoder_blocks=(1, 1), num_decoder_blocks=(1, 1),
        latent_channels=4, scaling_factor=1.0, upsampling_scaling_factor=2).eval()


def seeded(seed):
    torch.manual_seed(seed)
