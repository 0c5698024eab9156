# SPDX-License-Identifier: LGPL-2.1-or-later
"""From sound to 40 tokens with Whisper's published sizes (random weights), beside transformers on the same models in the same run.

  bench/speech/sizes.py --bench BUILD/bench/speech_bench --models FOLDER [--device cuda] [--sizes tiny,base,...] [--rounds N]

Models are made in FOLDER once. All take turns in N rounds; prints one JSON line each.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

import numpy

RATE = 16000
SECONDS = 3.1
TOKENS = 40


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--sizes", default="tiny,base,small,large-v3-turbo")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=20)
    return parser.parse_args()


def sound():
    """Tones that come and go: what it is does not matter to a random model."""
    time_axis = numpy.arange(int(SECONDS * RATE)) / RATE
    tones = sum(numpy.sin(2 * numpy.pi * pitch * time_axis) * numpy.sin(numpy.pi * beat * time_axis) ** 2 for pitch, beat in [(180, 3), (700, 4), (2300, 5)])
    return (0.1 * tones).astype(numpy.float32)


def median(values):
    return sorted(values)[len(values) // 2]


class Product:
    def __init__(self, options, folder, file, *more):
        self.command = [options.bench, "--model", folder, "--device", options.device, "--tokens", str(TOKENS), "--repeat", str(options.repeat), *more, file]

    def measure(self):
        line = json.loads(subprocess.run(self.command, check=True, capture_output=True, text=True).stdout.splitlines()[1])
        assert line["tokens"] == TOKENS, line
        return {key: line[key] for key in ("median_ms", "least_ms", "encode_ms", "decode_ms", "encoded_seconds")}


class Transformers:
    """In fp16 on a GPU, in fp32 on the CPU; the whole window, as the reference has it."""

    def __init__(self, options, folder):
        import torch
        from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration, logging

        logging.set_verbosity_error()
        self.torch, self.device, self.repeat = torch, options.device, options.repeat
        self.extractor = WhisperFeatureExtractor.from_pretrained(folder)
        dtype = torch.float32 if options.device == "cpu" else torch.float16
        self.network = WhisperForConditionalGeneration.from_pretrained(folder, dtype=dtype).to(options.device)

    def write(self, samples):
        features = self.extractor(samples, sampling_rate=RATE, return_tensors="pt").input_features.to(self.device, self.network.dtype)
        return self.network.generate(features, language="en", task="transcribe", min_new_tokens=TOKENS, max_new_tokens=TOKENS).cpu()

    def measure(self):
        times = []
        with self.torch.inference_mode():
            for _ in range(max(3, self.repeat // 4)):
                begin = time.perf_counter()
                self.write(sound())
                times.append(1000 * (time.perf_counter() - begin))
        return {"median_ms": median(times), "least_ms": min(times)}


def main():
    options = arguments()
    models = pathlib.Path(options.models)
    models.mkdir(parents=True, exist_ok=True)
    file = str(models / "sound.f32")
    sound().tofile(file)
    for size in options.sizes.split(","):
        folder = models / f"random-whisper-{size}"
        if not (folder / "model.safetensors").exists():
            subprocess.run([sys.executable, pathlib.Path(__file__).parent / "make_whisper_model.py", size, folder], check=True)
        engines = {"gst-liveedit": Product(options, str(folder), file), "gst-liveedit, whole window": Product(options, str(folder), file, "--whole-window"),
                   "gst-liveedit without graphs": Product(options, str(folder), file, "--no-graphs"), "transformers": Transformers(options, folder)}
        results = {name: [] for name in engines}
        for _ in range(options.rounds):
            for name, engine in engines.items():
                results[name].append(engine.measure())
        for name, rounds in results.items():
            figures = {key: median([one[key] for one in rounds]) for key in rounds[0]}
            print(json.dumps({"engine": name, "size": size, "device": options.device, "tokens": TOKENS} | figures), flush=True)


if __name__ == "__main__":
    main()
