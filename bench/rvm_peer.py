#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The peer of matting_bench: Robust Video Matting (arXiv 2108.11515) in PyTorch eager, fp32, on the same weights and the same frames' work.

With --ask a line "N" on standard input asks for a round of N frames. The network is written from the paper and takes the published tensor names; the
encoders have torchvision's structure. CPU: the memory layout that is faster here (--layout). CUDA: fp16, eager.
"""
import argparse
import json
import sys
import time

import numpy
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

# expanded channels, output channels, kernel, squeeze channels (0: none), hard-swish, stride, dilation of MobileNetV3-Large's inverted residuals, with the
# last stage dilated (torchvision's mobilenet_v3_large(dilated=True)).
BLOCKS = [(16, 16, 3, 0, False, 1, 1), (64, 24, 3, 0, False, 2, 1), (72, 24, 3, 0, False, 1, 1), (72, 40, 5, 24, False, 2, 1), (120, 40, 5, 32, False, 1, 1),
          (120, 40, 5, 32, False, 1, 1), (240, 80, 3, 0, True, 2, 1), (200, 80, 3, 0, True, 1, 1), (184, 80, 3, 0, True, 1, 1), (184, 80, 3, 0, True, 1, 1),
          (480, 112, 3, 120, True, 1, 1), (672, 112, 3, 168, True, 1, 1), (672, 160, 5, 168, True, 1, 2), (960, 160, 5, 240, True, 1, 2),
          (960, 160, 5, 240, True, 1, 2)]


def conv_norm(inside, outside, kernel=1, stride=1, dilation=1, groups=1, activation=None, eps=1e-3):
    layers = [nn.Conv2d(inside, outside, kernel, stride, (kernel - 1) // 2 * dilation, dilation, groups, bias=False), nn.BatchNorm2d(outside, eps=eps)]
    return nn.Sequential(*layers, *([activation(inplace=True)] if activation else []))


class Squeeze(nn.Module):
    def __init__(self, channels, squeezed):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x):
        scale = functional.relu(self.fc1(functional.adaptive_avg_pool2d(x, 1)))
        return functional.hardsigmoid(self.fc2(scale)) * x


class InvertedResidual(nn.Module):
    def __init__(self, inside, expanded, outside, kernel, squeezed, hard_swish, stride, dilation):
        super().__init__()
        activation = nn.Hardswish if hard_swish else nn.ReLU
        layers = [] if expanded == inside else [conv_norm(inside, expanded, activation=activation)]
        layers.append(conv_norm(expanded, expanded, kernel, stride, dilation, expanded, activation))
        if squeezed:
            layers.append(Squeeze(expanded, squeezed))
        layers.append(conv_norm(expanded, outside))
        self.block = nn.Sequential(*layers)
        self.residual = stride == 1 and inside == outside

    def forward(self, x):
        return x + self.block(x) if self.residual else self.block(x)


class MobileNetV3(nn.Module):
    channels = (16, 24, 40, 960)
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

    def __init__(self):
        super().__init__()
        layers = [conv_norm(3, 16, 3, 2, activation=nn.Hardswish)]
        inside = 16
        for expanded, outside, *rest in BLOCKS:
            layers.append(InvertedResidual(inside, expanded, outside, *rest))
            inside = outside
        layers.append(conv_norm(inside, 960, activation=nn.Hardswish))
        self.features = nn.Sequential(*layers)

    def forward(self, x):
        found = []
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in (1, 3, 6, 16):
                found.append(x)
        return found


class Bottleneck(nn.Module):
    def __init__(self, inside, width, stride, dilation, downsample):
        super().__init__()
        self.conv1 = nn.Conv2d(inside, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = nn.Sequential(nn.Conv2d(inside, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width)) if downsample else None

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        return functional.relu(self.bn3(self.conv3(y)) + (x if self.downsample is None else self.downsample(x)))


class ResNet50(nn.Module):
    channels = (64, 256, 512, 2048)
    mean, deviation = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)  # the published ResNet50 variant takes the picture as it is

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inside = 64
        # The last stage keeps its resolution: stride 1; its first block has the dilation of the stage before it, the others 2.
        for number, (width, blocks, stride, dilation) in enumerate([(64, 3, 1, 1), (128, 4, 2, 1), (256, 6, 2, 1), (512, 3, 1, 2)], 1):
            layers = [Bottleneck(inside, width, stride, 1, True)]
            inside = 4 * width
            layers += [Bottleneck(inside, width, 1, dilation, False) for _ in range(1, blocks)]
            setattr(self, f"layer{number}", nn.Sequential(*layers))

    def forward(self, x):
        x1 = functional.relu(self.bn1(self.conv1(x)))
        x2 = self.layer1(functional.max_pool2d(x1, 3, 2, 1))
        x3 = self.layer2(x2)
        return [x1, x2, x3, self.layer4(self.layer3(x3))]


class Lraspp(nn.Module):
    def __init__(self, inside, outside):
        super().__init__()
        self.aspp1 = conv_norm(inside, outside, activation=nn.ReLU, eps=1e-5)
        self.aspp2 = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(inside, outside, 1, bias=False), nn.Sigmoid())

    def forward(self, x):
        return self.aspp1(x) * self.aspp2(x)


class ConvGru(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.ih = nn.Sequential(nn.Conv2d(2 * channels, 2 * channels, 3, padding=1), nn.Sigmoid())
        self.hh = nn.Sequential(nn.Conv2d(2 * channels, channels, 3, padding=1), nn.Tanh())

    def forward(self, x, state):
        if state is None:
            state = torch.zeros_like(x)
        reset, update = self.ih(torch.cat([x, state], 1)).chunk(2, 1)
        candidate = self.hh(torch.cat([x, reset * state], 1))
        return (1 - update) * state + update * candidate


class Decode(nn.Module):
    """One level with a recurrent state: [upsample, join with the encoder's features and the picture, convolve,] GRU over half of the channels."""

    def __init__(self, joined, channels):
        super().__init__()
        if joined:
            self.conv = conv_norm(joined, channels, 3, activation=nn.ReLU, eps=1e-5)
        self.gru = ConvGru(channels // 2)

    def forward(self, x, features, picture, state):
        if features is not None:
            x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)[:, :, :picture.size(2), :picture.size(3)]
            x = self.conv(torch.cat([x, features, picture], 1))
        still, moving = x.chunk(2, 1)
        state = self.gru(moving, state)
        return torch.cat([still, state], 1), state


class Decode0(nn.Module):
    def __init__(self, joined, channels):
        super().__init__()
        self.conv = nn.Sequential(*conv_norm(joined, channels, 3, activation=nn.ReLU, eps=1e-5), *conv_norm(channels, channels, 3, activation=nn.ReLU, eps=1e-5))

    def forward(self, x, picture):
        x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)[:, :, :picture.size(2), :picture.size(3)]
        return self.conv(torch.cat([x, picture], 1))


class Decoder(nn.Module):
    def __init__(self, features, channels):
        super().__init__()
        self.decode4 = Decode(0, channels[0])
        self.decode3 = Decode(channels[0] + features[2] + 3, channels[1])
        self.decode2 = Decode(channels[1] + features[1] + 3, channels[2])
        self.decode1 = Decode(channels[2] + features[0] + 3, channels[3])
        self.decode0 = Decode0(channels[3] + 3, 16)

    def forward(self, picture, features, states):
        half = [functional.avg_pool2d(picture, 2, 2, ceil_mode=True, count_include_pad=False)]
        for _ in range(2):
            half.append(functional.avg_pool2d(half[-1], 2, 2, ceil_mode=True, count_include_pad=False))
        x, r4 = self.decode4(features[3], None, None, states[3])
        x, r3 = self.decode3(x, features[2], half[2], states[2])
        x, r2 = self.decode2(x, features[1], half[1], states[1])
        x, r1 = self.decode1(x, features[0], half[0], states[0])
        return self.decode0(x, picture), [r1, r2, r3, r4]


def with_mean(picture):
    return torch.cat([picture, picture.mean(1, keepdim=True)], 1)


class DeepGuidedFilter(nn.Module):
    def __init__(self):
        super().__init__()
        self.box_filter = nn.Conv2d(4, 4, 3, padding=1, bias=False, groups=4)
        self.conv = nn.Sequential(*conv_norm(24, 16, activation=nn.ReLU, eps=1e-5), *conv_norm(16, 16, activation=nn.ReLU, eps=1e-5), nn.Conv2d(16, 4, 1))

    def forward(self, fine, coarse, matte, hidden):
        fine, coarse = with_mean(fine), with_mean(coarse)
        mean_x, mean_y = self.box_filter(coarse), self.box_filter(matte)
        covariance = self.box_filter(coarse * matte) - mean_x * mean_y
        variance = self.box_filter(coarse * coarse) - mean_x * mean_x
        a = self.conv(torch.cat([covariance, variance, hidden], 1))
        b = mean_y - a * mean_x
        a, b = (functional.interpolate(plane, fine.shape[2:], mode="bilinear", align_corners=False) for plane in (a, b))
        return a * fine + b


class FastGuidedFilter(nn.Module):
    def forward(self, fine, coarse, matte, hidden):
        def box(x):
            return functional.avg_pool2d(x, 3, 1, 1)

        fine, coarse = with_mean(fine), with_mean(coarse)
        mean_x, mean_y = box(coarse), box(matte)
        a = (box(coarse * matte) - mean_x * mean_y) / (box(coarse * coarse) - mean_x * mean_x + 1e-5)
        b = mean_y - a * mean_x
        a, b = (functional.interpolate(plane, fine.shape[2:], mode="bilinear", align_corners=False) for plane in (a, b))
        return a * fine + b


class Projection(nn.Module):
    def __init__(self, inside, outside):
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, 1)

    def forward(self, x):
        return self.conv(x)


class Rvm(nn.Module):
    def __init__(self, resnet=False, deep=True):
        super().__init__()
        self.backbone = ResNet50() if resnet else MobileNetV3()
        levels = (256, 128, 64, 32) if resnet else (128, 80, 40, 32)
        self.aspp = Lraspp(self.backbone.channels[3], levels[0])
        self.decoder = Decoder(self.backbone.channels, levels)
        self.project_mat = Projection(16, 4)
        self.refiner = DeepGuidedFilter() if deep else FastGuidedFilter()
        self.register_buffer("mean", torch.tensor(self.backbone.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(self.backbone.deviation).view(1, 3, 1, 1), persistent=False)

    def forward(self, picture, states, ratio=1.0):
        """picture [1, 3, H, W] in 0..1 -> foreground, alpha, states"""
        coarse = picture
        if ratio != 1:
            coarse = functional.interpolate(picture, scale_factor=ratio, mode="bilinear", align_corners=False, recompute_scale_factor=False)
        features = self.backbone((coarse - self.mean) / self.deviation)
        features[3] = self.aspp(features[3])
        hidden, states = self.decoder(coarse, features, states)
        matte = self.project_mat(hidden)
        if ratio != 1:
            matte = self.refiner(picture, coarse, matte, hidden)
        residual, alpha = matte.split([3, 1], 1)
        return (residual + picture).clamp(0, 1), alpha.clamp(0, 1), states


def load(path):
    tensors = {name: value for name, value in load_file(path).items() if not name.startswith("project_seg.")}
    network = Rvm("backbone.conv1.weight" in tensors, "refiner.conv.0.weight" in tensors)
    network.load_state_dict(tensors)
    return network.eval()


class Peer:
    def __init__(self, options):
        if options.threads:
            torch.set_num_threads(options.threads)
        self.width, self.height = (int(word) for word in options.size.split("x"))
        self.ratio, self.device = options.ratio, torch.device(options.device)
        self.dtype = torch.float16 if self.device.type == "cuda" else torch.float32
        self.layout = torch.channels_last if options.layout == "channels-last" else torch.contiguous_format
        self.network = load(options.model).to(self.device, self.dtype, memory_format=self.layout)
        self.states = [None] * 4
        self.inputs = [torch.from_numpy(numpy.random.default_rng(i).integers(0, 256, (self.height, self.width, 3), dtype=numpy.uint8)) for i in range(8)]
        self.run(options.warm_up)

    @torch.inference_mode()
    def one_frame(self, frame):
        """A frame of bytes in, the frame with its matte as alpha out, as matting_bench does."""
        frame = frame.to(self.device)
        picture = (frame.permute(2, 0, 1)[None].to(self.dtype) / 255).contiguous(memory_format=self.layout)
        _, alpha, self.states = self.network(picture, self.states, self.ratio)
        alpha = (alpha[0, 0, :, :, None] * 255).round().to(torch.uint8)
        return torch.cat([frame, alpha], 2).cpu()

    def run(self, frames):
        times = []
        for i in range(frames):
            start = time.perf_counter()
            self.one_frame(self.inputs[i % len(self.inputs)])
            times.append(1000 * (time.perf_counter() - start))
        return times

    def report(self, times):
        return {"who": "pytorch", "device": str(self.device), "dtype": str(self.dtype).removeprefix("torch."), "width": self.width, "height": self.height,
                "ratio": self.ratio, "frames": len(times), "median_ms": float(numpy.median(times)), "p99_ms": float(numpy.percentile(times, 99)),
                "fps": 1000 * len(times) / sum(times)}


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", default="512x512")
    parser.add_argument("--ratio", type=float, default=1.0)
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--warm-up", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--layout", choices=("channels-last", "plain"), default="channels-last")
    parser.add_argument("--ask", action="store_true")
    return parser.parse_args()


def main():
    options = read_options()
    peer = Peer(options)
    if not options.ask:
        print(json.dumps(peer.report(peer.run(options.frames))))
        return
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(peer.report(peer.run(int(line)))), flush=True)


if __name__ == "__main__":
    main()
