# SPDX-License-Identifier: LGPL-2.1-or-later
"""The networks: diffusers' own AutoencoderTiny and UNet2DConditionModel, CLIP's text transformer, and the noise of the scheduler."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from diffusers import AutoencoderTiny, UNet2DConditionModel

from tokenizer import LENGTH, VOCABULARY

STRIDE = 8                  # pixels a latent
LATENTS = 32
SCALE = 10.                 # the VAE's scaling factor: the scheduler's noise is then small beside the picture
TEXT = {"vocab_size": VOCABULARY, "hidden_size": 128, "intermediate_size": 256, "num_attention_heads": 4,
        "num_hidden_layers": 3, "max_position_embeddings": LENGTH}
SCHEDULER = {"_class_name": "EulerDiscreteScheduler", "num_train_timesteps": 1000, "beta_schedule": "linear",
             "beta_start": 1e-6, "beta_end": 5e-6, "prediction_type": "sample", "timestep_spacing": "trailing",
             "steps_offset": 1, "interpolation_type": "linear", "use_karras_sigmas": False, "trained_betas": None}


def make_vae() -> AutoencoderTiny:
    # No residual block at full resolution: half the time at little loss.
    return AutoencoderTiny(encoder_block_out_channels=(32,) * 4, decoder_block_out_channels=(32,) * 4,
                           num_encoder_blocks=(0, 1, 2, 2), num_decoder_blocks=(2, 2, 2, 0),
                           latent_channels=LATENTS, scaling_factor=SCALE)


def make_unet() -> UNet2DConditionModel:
    # The top level attends to the text alone: self-attention over all its pixels would be the dearest part.
    return UNet2DConditionModel(sample_size=32, in_channels=LATENTS, out_channels=LATENTS, block_out_channels=(64, 96, 128),
                                layers_per_block=1, cross_attention_dim=TEXT["hidden_size"],
                                down_block_types=("CrossAttnDownBlock2D",) * 3, up_block_types=("CrossAttnUpBlock2D",) * 3,
                                only_cross_attention=(True, False, False), use_linear_projection=True,
                                norm_num_groups=16, attention_head_dim=4)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.k_proj, self.v_proj, self.q_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (layer(x).view(batch, length, self.heads, width // self.heads).transpose(1, 2)
                   for layer in (self.q_proj, self.k_proj, self.v_proj))
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out_proj(seen.transpose(1, 2).reshape(batch, length, width))


class MLP(nn.Module):
    def __init__(self, width: int, inner: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x):
        x = self.fc1(x)
        return self.fc2(x * torch.sigmoid(1.702 * x))


class Layer(nn.Module):
    def __init__(self, width: int, inner: int, heads: int):
        super().__init__()
        self.self_attn, self.layer_norm1 = Attention(width, heads), nn.LayerNorm(width)
        self.mlp, self.layer_norm2 = MLP(width, inner), nn.LayerNorm(width)

    def forward(self, x):
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class Embeddings(nn.Module):
    def __init__(self, vocabulary: int, width: int, length: int):
        super().__init__()
        self.token_embedding, self.position_embedding = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        nn.init.normal_(self.token_embedding.weight, std=.2)
        nn.init.normal_(self.position_embedding.weight, std=.1)

    def forward(self, ids):
        return self.token_embedding(ids) + self.position_embedding.weight[None]


class TextTransformer(nn.Module):
    def __init__(self):
        super().__init__()
        width, heads = TEXT["hidden_size"], TEXT["num_attention_heads"]
        self.embeddings = Embeddings(TEXT["vocab_size"], width, TEXT["max_position_embeddings"])
        self.encoder = nn.Module()
        self.encoder.layers = nn.ModuleList(Layer(width, TEXT["intermediate_size"], heads)
                                            for _ in range(TEXT["num_hidden_layers"]))
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, ids):
        x = self.embeddings(ids)
        for layer in self.encoder.layers:
            x = layer(x)
        return self.final_layer_norm(x)


class TextEncoder(nn.Module):
    """The arithmetic and the weight names of transformers' CLIPTextModel, in a form that a CUDA graph can capture."""

    def __init__(self):
        super().__init__()
        self.text_model = TextTransformer()

    def forward(self, ids):
        return self.text_model(ids)


def to_float(weights: dict) -> dict:
    return {name: weight.float() for name, weight in weights.items()}


class Editor(nn.Module):
    """Text encoder and UNet as one call: noisy scaled latents, timesteps, token ids -> scaled latents of the edited picture."""

    def __init__(self, unet: nn.Module, text: nn.Module):
        super().__init__()
        self.unet, self.text = unet, text

    def forward(self, latents, timesteps, ids):
        with torch.autocast(latents.device.type, dtype=torch.bfloat16, cache_enabled=False):
            return self.unet(latents, timesteps, self.text(ids), return_dict=False)[0].float()


def noise_levels(device: str) -> torch.Tensor:
    """Euler's sigma of every timestep."""
    betas = torch.linspace(SCHEDULER["beta_start"], SCHEDULER["beta_end"], SCHEDULER["num_train_timesteps"], dtype=torch.float64)
    kept = torch.cumprod(1 - betas, 0)
    return ((1 - kept) / kept).sqrt().float().to(device)


def noisy(latents: torch.Tensor, noise: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """EulerDiscreteScheduler's add_noise and scale_model_input."""
    sigma = sigma.view(-1, 1, 1, 1)
    return (latents + sigma * noise) / (sigma ** 2 + 1).sqrt()


def effect_amount(timesteps: torch.Tensor) -> torch.Tensor:
    """How much of the look a timestep asks for: strength s starts at timestep 1000 s - 1."""
    return (timesteps.float() + 1).view(-1, 1, 1, 1) / SCHEDULER["num_train_timesteps"]
