# SPDX-License-Identifier: LGPL-2.1-or-later
"""Recognition and speed against transformers and faster-whisper, with the same weights on the same sound in the same run.

  bench/speech/compare.py --bench BUILD/bench/speech_bench --model FOLDER [--recording FILE.wav=WORDS] [--rounds N] [--peers PATH]

Speaks the sentences of sentences.txt with espeak-ng, transcribes them by all, and prints one JSON line each: the word error rate, and
the time of a sentence of about 3 s in each of N rounds, in which all take turns. --peers is a folder with PyPI's faster-whisper,
ctranslate2, av and onnxruntime; where faster-whisper is absent it is left out, and that is said.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import wave

import numpy
import spoken_sentences

THREADS = 2
SHORT = "a garden full of sunflowers under a bright blue sky"


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--recording", action="append", default=[], help="FILE.wav=WORDS, 16 kHz mono")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peers", default="")
    parser.add_argument("--only", default="", help="wer or speed")
    return parser.parse_args()


def words(text):
    return re.sub(r"[^a-z0-9' ]", " ", text.lower().replace("-", " ")).split()


def word_errors(said, heard):
    """Levenshtein's distance in words."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said):
        last, row[0] = row[0], i + 1
        for j, other in enumerate(heard):
            last, row[j + 1] = row[j + 1], min(last + (word != other), row[j + 1] + 1, row[j] + 1)
    return row[-1]


def recorded(file):
    with wave.open(file) as sound:
        assert sound.getframerate() == spoken_sentences.RATE and sound.getnchannels() == 1
        return numpy.frombuffer(sound.readframes(sound.getnframes()), numpy.int16).astype(numpy.float32) / 32768


class Product:
    """speech_bench, started once for all files of a call; it times itself."""

    def __init__(self, program, model, *options):
        self.command = [program, "--model", model, "--threads", str(THREADS), *options]

    def texts(self, files, repeat=1):
        # As the plugin sets it, so that threads that wait leave the cores to others.
        environment = {"GOMP_SPINCOUNT": "1000", **os.environ}
        output = subprocess.run([*self.command, "--repeat", str(repeat), *files], check=True, capture_output=True, text=True, env=environment).stdout
        return [json.loads(line) for line in output.splitlines()[1:]]

    def all_texts(self, files):
        return [line["text"] for line in self.texts(files)]

    def milliseconds(self, file):
        return self.texts([file], 7)[0]["median_ms"]


class Peer:
    def all_texts(self, files):
        return [self.transcribe(numpy.fromfile(file, numpy.float32)) for file in files]

    def milliseconds(self, file):
        sound = numpy.fromfile(file, numpy.float32)
        times = []
        for _ in range(7):
            begin = time.perf_counter()
            self.transcribe(sound)
            times.append(1000 * (time.perf_counter() - begin))
        return sorted(times)[len(times) // 2]


class Transformers(Peer):
    def __init__(self, model):
        import torch
        from transformers import WhisperForConditionalGeneration, WhisperProcessor, logging

        logging.set_verbosity_error()
        torch.set_num_threads(THREADS)
        self.torch = torch
        self.processor = WhisperProcessor.from_pretrained(model)
        self.network = WhisperForConditionalGeneration.from_pretrained(model, dtype=torch.float32)

    def transcribe(self, sound):
        with self.torch.inference_mode():
            features = self.processor(sound, sampling_rate=spoken_sentences.RATE, return_tensors="pt").input_features
            return self.processor.batch_decode(self.network.generate(features, max_new_tokens=224), skip_special_tokens=True)[0]


class FasterWhisper(Peer):
    def __init__(self, model, folder, compute_type, beams):
        import faster_whisper
        from ctranslate2.converters import TransformersConverter

        converted = pathlib.Path(folder) / f"ct2-{compute_type}"
        TransformersConverter(model, copy_files=["tokenizer.json", "preprocessor_config.json"]).convert(str(converted), quantization=compute_type)
        self.network = faster_whisper.WhisperModel(str(converted), device="cpu", compute_type=compute_type, cpu_threads=THREADS)
        self.beams = beams

    def transcribe(self, sound):
        segments, _ = self.network.transcribe(sound, language="en", beam_size=self.beams, without_timestamps=True, condition_on_previous_text=False)
        return " ".join(segment.text for segment in segments)


def peers(options, folder):
    found = {"transformers fp32": Transformers(options.model)}
    sys.path.append(options.peers)
    try:
        for compute_type in ("float32", "int8"):
            found[f"faster-whisper {compute_type}"] = FasterWhisper(options.model, folder, compute_type, 1)
    except ImportError as error:
        print(f"faster-whisper is not here and is left out: {error}", file=sys.stderr)
    return found


def recognition(engines, sounds):
    for name, engine in engines.items():
        errors = [0, 0]
        count = [0, 0]
        heard = engine.all_texts([sound[0] for sound in sounds])
        for (_, said, spoken_by_a_person), text in zip(sounds, heard):
            errors[spoken_by_a_person] += word_errors(words(said), words(text))
            count[spoken_by_a_person] += len(words(said))
        print(json.dumps({"engine": name, "sounds": len(sounds), "words": sum(count), "word_error_rate": 100 * sum(errors) / sum(count),
                          "errors_in_real_speech": errors[1]}), flush=True)


def speed(engines, file, seconds, rounds):
    times = {name: [] for name in engines}
    for _ in range(rounds):
        for name, engine in engines.items():
            times[name].append(engine.milliseconds(file))
    for name, values in times.items():
        print(json.dumps({"engine": name, "seconds_of_sound": seconds, "median_ms": sorted(values)[len(values) // 2],
                          "least_ms": min(values), "most_ms": max(values), "text": engines[name].all_texts([file])[0].strip()}), flush=True)


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        sounds = []
        for line in spoken_sentences.write_sentences(folder):
            name, _, said = line.split("\t")
            sounds.append((f"{folder}/{name}.f32", said, False))
        for number, recording in enumerate(options.recording):
            file, said = recording.split("=", 1)
            recorded(file).tofile(f"{folder}/recording{number}.f32")
            sounds.append((f"{folder}/recording{number}.f32", said, True))
        engines = {"gst-liveedit": Product(options.bench, options.model), "gst-liveedit fp32": Product(options.bench, options.model, "--dtype", "fp32"),
                   "gst-liveedit fp32, whole window": Product(options.bench, options.model, "--dtype", "fp32", "--whole-window")}
        engines |= peers(options, folder)
        if options.only != "speed":
            recognition(engines, sounds)
        if options.only != "wer":
            short = f"{folder}/short.f32"
            sound = spoken_sentences.speak(SHORT, "en-us", 165, 50)
            sound.astype(numpy.float32).tofile(short)
            speed(engines, short, len(sound) / spoken_sentences.RATE, options.rounds)


if __name__ == "__main__":
    main()
