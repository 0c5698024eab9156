#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The peer of engine_bench: diffusers on the same model folder, the same frames' work, the same JSON lines.

CUDA: PyTorch eager, fp16, channels-last, the whole frame in one CUDA graph. CPU: eager, channels-last, bf16 where the CPU has it, else fp32.
The text is encoded once. With --ask a line "N" on standard input asks for a round of N frames. With --input and --output one raw RGB picture goes
through diffusers' own img2img pipeline, operation by operation.
"""
import argparse
import json
import sys
import time

import numpy
import torch
from diffusers import StableDiffusionImg2ImgPipeline
from diffusers.pipelines.stable_diffusion import pipeline_stable_diffusion_img2img as img2img


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=["auto", "fp32", "fp16", "bf16"], default="auto")
    parser.add_argument("--size", default="512x512")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--warm-up", type=int, default=10)
    parser.add_argument("--prompt", default="")
    parser.add_argument("--strength", type=float, default=0.5)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--ask", action="store_true")
    parser.add_argument("--input")
    parser.add_argument("--output")
    return parser.parse_args()


def dtype_of(options):
    if options.dtype != "auto":
        return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[options.dtype]
    if options.device.startswith("cuda"):
        return torch.float16
    return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32


def load(options):
    pipeline = StableDiffusionImg2ImgPipeline.from_pretrained(options.model, torch_dtype=dtype_of(options), safety_checker=None, feature_extractor=None,
                                                              image_encoder=None, requires_safety_checker=False)
    pipeline.to(options.device)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


class Peer:
    """One img2img step of diffusers' pipeline with everything that does not depend on the frame computed before."""

    def __init__(self, options):
        self.width, self.height = (int(word) for word in options.size.split("x"))
        self.pipeline = load(options)
        self.unet = self.pipeline.unet.to(memory_format=torch.channels_last)
        self.vae = self.pipeline.vae.to(memory_format=torch.channels_last)
        self.device, self.dtype = self.pipeline.device, self.unet.dtype
        self.scheduler = self.pipeline.scheduler
        self.scheduler.set_timesteps(options.steps, device=self.device)
        self.timesteps, count = self.pipeline.get_timesteps(options.steps, options.strength, self.device)
        if count != 1:
            raise SystemExit("The peer takes one step a frame: choose strength and steps so that one is left.")
        with torch.no_grad():
            self.text = self.pipeline.encode_prompt(options.prompt, self.device, 1, False)[0]
        generator = torch.Generator("cpu").manual_seed(options.seed)
        shape = (1, self.unet.config.in_channels, self.height // 8, self.width // 8)
        self.noise = torch.randn(shape, generator=generator, dtype=self.dtype).to(self.device).contiguous(memory_format=torch.channels_last)
        cuda = self.device.type == "cuda"
        self.frame = torch.zeros((self.height, self.width, 3), dtype=torch.uint8, device=self.device)
        self.pinned = torch.zeros_like(self.frame, device="cpu", pin_memory=cuda)
        self.result = torch.zeros_like(self.pinned, pin_memory=cuda)
        self.graph = None
        if cuda:
            self.fix_schedule()
            self.capture()
        self.inputs = [numpy.random.default_rng(i).integers(0, 256, (self.height, self.width, 3), dtype=numpy.uint8) for i in range(8)]
        self.run(options.warm_up)

    def fix_schedule(self):
        """Euler's step to sigma 0 without reading the device: the same formula as EulerDiscreteScheduler's."""
        self.sigma = float(self.scheduler.sigmas[self.scheduler.index_for_timestep(self.timesteps[0])])
        self.timestep = self.timesteps[:1].clone()

    def one_step(self, latents):
        noisy = latents + self.sigma * self.noise
        guess = self.unet(noisy / (self.sigma**2 + 1) ** 0.5, self.timestep, encoder_hidden_states=self.text, return_dict=False)[0]
        return noisy - self.sigma * guess

    def scheduled_step(self, latents):
        self.scheduler.set_timesteps(self.scheduler.num_inference_steps, device=self.device)
        timestep = self.timesteps[0]
        noisy = self.scheduler.add_noise(latents, self.noise, self.timesteps[:1])
        guess = self.unet(self.scheduler.scale_model_input(noisy, timestep), timestep, encoder_hidden_states=self.text, return_dict=False)[0]
        return self.scheduler.step(guess, timestep, noisy, return_dict=False)[0]

    def edit(self, frame):
        picture = (frame.permute(2, 0, 1)[None].to(self.dtype) / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        latents = self.vae.encode(picture).latents * self.vae.config.scaling_factor
        latents = (self.one_step if self.device.type == "cuda" else self.scheduled_step)(latents)
        picture = self.vae.decode(latents.to(self.dtype) / self.vae.config.scaling_factor, return_dict=False)[0]
        return ((picture[0].float() + 1) * 127.5).clamp(0, 255).round().to(torch.uint8).permute(1, 2, 0)

    def capture(self):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.edit(self.frame)
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.edited = self.edit(self.frame)

    def one_frame(self, frame):
        self.pinned.copy_(torch.from_numpy(frame))
        if self.graph is None:
            self.result.copy_(self.edit(self.pinned))
            return
        self.frame.copy_(self.pinned, non_blocking=True)
        self.graph.replay()
        self.result.copy_(self.edited, non_blocking=True)
        torch.cuda.current_stream().synchronize()

    @torch.no_grad()
    def run(self, frames):
        times = []
        for i in range(frames):
            start = time.perf_counter()
            self.one_frame(self.inputs[i % len(self.inputs)])
            times.append(1000 * (time.perf_counter() - start))
        return times

    def report(self, times):
        return {"who": "diffusers", "device": str(self.device), "dtype": str(self.dtype).removeprefix("torch."), "graph": self.graph is not None,
                "width": self.width, "height": self.height, "frames": len(times), "median_ms": float(numpy.median(times)),
                "p99_ms": float(numpy.percentile(times, 99)), "fps": 1000 * len(times) / sum(times)}


def draw_in_fp32(shape, generator, device, dtype):
    """The engine's noise: a seed gives the same numbers for every dtype, where torch's generator draws others in fp16."""
    return torch.randn(shape, generator=generator, dtype=torch.float32).to(device, dtype)


@torch.no_grad()
def edit_file(options):
    img2img.randn_tensor = draw_in_fp32
    width, height = (int(word) for word in options.size.split("x"))
    frame = numpy.fromfile(options.input, dtype=numpy.uint8).reshape(height, width, 3)
    picture = torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255
    edited = load(options)(prompt=options.prompt, image=picture, strength=options.strength, num_inference_steps=options.steps, guidance_scale=0.0,
                           generator=torch.Generator("cpu").manual_seed(options.seed), output_type="np").images[0]
    numpy.rint(edited * 255).astype(numpy.uint8).tofile(options.output)


def main():
    options = read_options()
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.input:
        edit_file(options)
        return
    with torch.no_grad():
        peer = Peer(options)
    if not options.ask:
        print(json.dumps(peer.report(peer.run(options.frames))), flush=True)
        return
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(peer.report(peer.run(int(line)))), flush=True)


if __name__ == "__main__":
    main()
