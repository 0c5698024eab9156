#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes a diffusers folder of SD-Turbo's architecture with random weights: for timing and for comparing numbers, not for pictures.

The UNet and the text encoder have the dimensions of Stable Diffusion 2.1, the VAE is AutoencoderTiny's (TAESD's) default, the scheduler SD-Turbo's.
The weights are seeded, and scaled so that all activations stay well inside fp16. --vae FOLDER takes a trained VAE instead of a random one.
"""
import argparse
import json
import pathlib

import torch
from diffusers import AutoencoderTiny, EulerDiscreteScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

END = "</w>"


def bytes_to_letters():
    """The byte-level alphabet of GPT-2's and CLIP's tokenizers: printable bytes stand for themselves, the others for letters from 256 on."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]


def write_tokenizer(folder, length):
    """A CLIP vocabulary of letters only, without merges: every text works and gives the same numbers everywhere."""
    folder.mkdir(parents=True)
    letters = bytes_to_letters()
    words = letters + [letter + END for letter in letters] + ["<|startoftext|>", "<|endoftext|>"]
    # One merge, so that the file has the shape that readers expect.
    words.insert(-2, "th")
    vocabulary = {word: index for index, word in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\nt h\n", encoding="utf-8")
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": length, "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>",
              "unk_token": "<|endoftext|>", "pad_token": "!", "do_lower_case": True, "add_prefix_space": False, "errors": "replace"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2))
    (folder / "special_tokens_map.json").write_text(json.dumps({key: config[key] for key in ("bos_token", "eos_token", "unk_token", "pad_token")}))
    return len(words)


@torch.no_grad()
def randomise(network, seed, gain):
    """Weights of each layer at `gain` over the root of its inputs, so that a signal keeps its size; norms at 1 and 0."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(network.named_parameters()):
        if parameter.dim() > 1:
            inputs = parameter.shape[1:].numel() if "embedding" not in name else 1 / 0.02**2
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * gain / inputs**0.5)
        elif name.endswith("bias"):
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.02)
        else:
            parameter.fill_(1)


def make_unet(small):
    channels = [64, 128, 256, 256] if small else [320, 640, 1280, 1280]
    return UNet2DConditionModel(
        sample_size=64, in_channels=4, out_channels=4, block_out_channels=channels, layers_per_block=2, cross_attention_dim=128 if small else 1024,
        attention_head_dim=[2, 4, 8, 8] if small else [5, 10, 20, 20], use_linear_projection=True,
        down_block_types=["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"], up_block_types=["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3)


def make_text_encoder(small, vocabulary, length):
    sizes = dict(hidden_size=128, intermediate_size=256, num_attention_heads=4, num_hidden_layers=2) if small else dict(
        hidden_size=1024, intermediate_size=4096, num_attention_heads=16, num_hidden_layers=23)
    return CLIPTextModel(CLIPTextConfig(
        vocab_size=vocabulary, max_position_embeddings=length, hidden_act="gelu", bos_token_id=vocabulary - 2, eos_token_id=vocabulary - 1,
        pad_token_id=0, projection_dim=512, **sizes))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="written; must not exist")
    parser.add_argument("--vae", help="folder of a trained AutoencoderTiny")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dtype", choices=["float16", "float32"], default="float16")
    parser.add_argument("--small", action="store_true", help="narrow networks of the same layout, for trying this out on a CPU")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True)
    dtype = getattr(torch, arguments.dtype)
    length = 77
    vocabulary = write_tokenizer(arguments.folder / "tokenizer", length)

    unet = make_unet(arguments.small)
    randomise(unet, arguments.seed, 0.7)
    text_encoder = make_text_encoder(arguments.small, vocabulary, length)
    randomise(text_encoder, arguments.seed + 1, 0.7)
    if arguments.vae:
        vae = AutoencoderTiny.from_pretrained(arguments.vae)
    else:
        vae = AutoencoderTiny()
        randomise(vae, arguments.seed + 2, 0.9)
    scheduler = EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="trailing", steps_offset=1)

    for name, network in (("unet", unet), ("text_encoder", text_encoder), ("vae", vae)):
        network.to(dtype).save_pretrained(arguments.folder / name)
    scheduler.save_pretrained(arguments.folder / "scheduler")
    index = {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.27.0",
             "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderTiny"], "scheduler": ["diffusers", "EulerDiscreteScheduler"],
             "text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"]}
    (arguments.folder / "model_index.json").write_text(json.dumps(index, indent=2))


if __name__ == "__main__":
    main()
