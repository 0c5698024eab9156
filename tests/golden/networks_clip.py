# SPDX-License-Identifier: LGPL-2.1-or-later
"""CLIPTextModel in miniature: both activations, both rules for the end token, with projection, and the key names of the wild."""

import json

import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from networks_random import randomize

BASE = {
    "vocab_size": 100, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4,
    "max_position_embeddings": 16, "bos_token_id": 98, "eos_token_id": 99, "pad_token_id": 99, "attn_implementation": "eager"}

# kind, options, prefix in the file
CLIPS = {
    "clip_sd15": (CLIPTextModel, {"eos_token_id": 2, "pad_token_id": 1}, "text_model."),
    "clip_sd21": (CLIPTextModel, {"hidden_act": "gelu"}, "text_model."),
    "clip_eos": (CLIPTextModel, {"eos_token_id": 40, "pad_token_id": 0}, ""),
    "clip_projection": (CLIPTextModelWithProjection, {"hidden_act": "gelu", "projection_dim": 24}, "text_model."),
}


def input_ids(eos, pad):
    ids = torch.full((2, 16), pad)
    for row, length in enumerate((5, 14)):
        ids[row, 0] = 98
        ids[row, 1 : 1 + length] = torch.randint(3, 39, (length,), generator=torch.Generator().manual_seed(row))
        ids[row, 1 + length] = eos
    return ids


def rename(folder, prefix):
    """The text model's tensors with this prefix, and the buffer that old checkpoints carry along."""
    tensors = load_file(folder / "model.safetensors")
    renamed = {}
    for key, value in tensors.items():
        bare = key.removeprefix("text_model.")
        renamed[bare if bare.startswith("text_projection") else prefix + bare] = value
    renamed[prefix + "embeddings.position_ids"] = torch.arange(16)[None]
    save_file(renamed, folder / "model.safetensors")


def write_clip(folder):
    for number, (name, (kind, options, prefix)) in enumerate(CLIPS.items()):
        config = CLIPTextConfig(**(BASE | options))
        model = randomize(kind(config), 80 + number)
        model.save_pretrained(folder / name, safe_serialization=True)
        rename(folder / name, prefix)
        # transformers takes 2 for a wrong end token and looks for the highest id.
        ids = input_ids(99 if config.eos_token_id == 2 else config.eos_token_id, config.pad_token_id)
        output = model(ids, output_hidden_states=True)
        values = {"0.input_ids": ids.float(), "0.last_hidden_state": output.last_hidden_state}
        for index, hidden in enumerate(output.hidden_states):
            values[f"0.hidden_states.{index}"] = hidden
        if kind is CLIPTextModelWithProjection:
            values["0.text_embeds"] = output.text_embeds
        else:
            values["0.pooled"] = output.pooler_output
        save_file({key: value.contiguous() for key, value in values.items()}, folder / name / "golden.safetensors")
        assert json.loads((folder / name / "config.json").read_text())["hidden_size"] == 32
