# SPDX-License-Identifier: LGPL-2.1-or-later
"""Timesteps and img2img trajectories of diffusers' schedulers with a fixed stand-in for the network.

schedulers.py FOLDER writes cases.json (what each case is) and values.safetensors (what diffusers made of it).
"""

import inspect
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
from diffusers import (
    DDIMScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    StableDiffusionImg2ImgPipeline,
    TCDScheduler,
)
from safetensors.torch import save_file

SHAPE = (1, 4, 5, 3)
LATENT_BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def network(sample, timestep):
    """The stand-in: bounded, smooth, and different for every timestep."""
    return torch.sin(1.7 * sample) * 0.6 + 0.3 * torch.cos(sample + float(timestep) * 0.01)


def noise_source(cls, seed):
    """Makes cls draw its noise from a list that is kept."""
    generator = torch.Generator("cpu").manual_seed(seed)
    drawn = []

    def draw(shape, **kwargs):
        drawn.append(torch.randn(SHAPE, generator=generator))
        return drawn[-1]

    inspect.getmodule(cls).randn_tensor = draw
    return drawn


def run(index, cls, config, steps, strength, consistency, values):
    scheduler = cls.from_config(config)
    generator = torch.Generator("cpu").manual_seed(1000 + index)
    latents = torch.randn(SHAPE, generator=generator)
    noise = torch.randn(SHAPE, generator=generator)
    drawn = noise_source(cls, 2000 + index)
    if consistency:  # as LatentConsistencyModelImg2ImgPipeline calls it
        scheduler.set_timesteps(steps, strength=strength)
        timesteps = scheduler.timesteps
    else:
        scheduler.set_timesteps(steps)
        pipeline = SimpleNamespace(scheduler=scheduler)
        timesteps, _ = StableDiffusionImg2ImgPipeline.get_timesteps(pipeline, steps, strength, None)
    sample = scheduler.add_noise(latents, noise, timesteps[:1])
    trajectory = [sample]
    extra = {"eta": 0.0} if "eta" in inspect.signature(scheduler.step).parameters else {}
    for t in timesteps:
        output = network(scheduler.scale_model_input(sample, t), t)
        sample = scheduler.step(output, t, sample, return_dict=False, **extra)[0]
        trajectory.append(sample)
    name = f"{index:03d}"
    values[f"{name}.latents"] = latents
    values[f"{name}.noise"] = noise
    values[f"{name}.timesteps"] = timesteps.float()
    values[f"{name}.trajectory"] = torch.cat(trajectory)
    values[f"{name}.drawn"] = torch.cat(drawn) if drawn else torch.zeros((0, *SHAPE[1:]))
    if hasattr(scheduler, "sigmas"):
        values[f"{name}.sigmas"] = scheduler.sigmas.float()
    return {
        "name": name,
        "config": {k: v for k, v in dict(scheduler.config).items() if v is not None} | {"_class_name": cls.__name__},
        "num_inference_steps": steps,
        "strength": strength,
        "consistency": consistency,
    }


def spaced(base):
    return [base | {"timestep_spacing": s} for s in ("leading", "trailing", "linspace")]


def matrix():
    runs = [(1, 1.0), (2, 0.5), (4, 0.5), (4, 1.0), (7, 0.9), (20, 0.3), (50, 0.58)]
    predictions = ("epsilon", "v_prediction", "sample")
    for cls in (DDIMScheduler, EulerDiscreteScheduler, EulerAncestralDiscreteScheduler):
        for prediction in predictions:
            if cls is EulerAncestralDiscreteScheduler and prediction == "sample":
                continue  # diffusers has none
            base = LATENT_BETAS | {"prediction_type": prediction, "steps_offset": 1}
            if cls is DDIMScheduler:
                base |= {"clip_sample": False, "set_alpha_to_one": prediction == "sample"}
            for config in spaced(base):
                for steps, strength in runs:
                    yield cls, config, steps, strength, False
    for cls in (LCMScheduler, TCDScheduler):
        for prediction in predictions:
            for steps, strength in ((1, 1.0), (4, 1.0), (4, 0.5), (8, 0.6)):
                config = LATENT_BETAS | {"prediction_type": prediction}
                yield cls, config, steps, strength, False
                yield cls, config, steps, strength, True
    # Options, one at a time.
    for schedule in ("linear", "squaredcos_cap_v2"):
        yield EulerDiscreteScheduler, {"beta_schedule": schedule}, 4, 0.8, False
        yield DDIMScheduler, {"beta_schedule": schedule, "clip_sample": False}, 4, 0.8, False
    zero_snr = LATENT_BETAS | {"rescale_betas_zero_snr": True, "prediction_type": "v_prediction", "timestep_spacing": "trailing"}
    for cls in (DDIMScheduler, EulerDiscreteScheduler, EulerAncestralDiscreteScheduler, LCMScheduler):
        yield cls, zero_snr | ({"clip_sample": False} if cls is DDIMScheduler else {}), 4, 1.0, False
    yield DDIMScheduler, LATENT_BETAS | {"clip_sample": True, "clip_sample_range": 0.7}, 5, 0.8, False
    yield LCMScheduler, LATENT_BETAS | {"clip_sample": True, "clip_sample_range": 0.7}, 4, 0.8, False
    yield LCMScheduler, LATENT_BETAS | {"original_inference_steps": 100, "timestep_scaling": 8.0}, 4, 1.0, False
    yield EulerDiscreteScheduler, LATENT_BETAS | {"use_karras_sigmas": True}, 8, 0.7, False
    yield EulerDiscreteScheduler, LATENT_BETAS | {"final_sigmas_type": "sigma_min"}, 8, 0.7, False
    yield DDIMScheduler, {"trained_betas": torch.linspace(0.001, 0.02, 500).tolist(), "num_train_timesteps": 500, "clip_sample": False}, 4, 0.5, False


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    values = {}
    cases = [run(i, *case, values) for i, case in enumerate(matrix())]
    save_file({k: v.contiguous() for k, v in values.items()}, folder / "values.safetensors")
    (folder / "cases.json").write_text(json.dumps({"cases": cases}))
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main()
