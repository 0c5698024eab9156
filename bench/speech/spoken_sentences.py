# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sentences spoken by espeak-ng: the lines of sentences.txt, each in one of several voices, speeds, pitches and levels of noise.

write_sentences(FOLDER) leaves NNN.f32 (mono float, 16 kHz) and list.tsv (name, seconds, what was said) there. The same on every run.
"""
import pathlib
import subprocess
import tempfile
import wave

import numpy

RATE = 16000
VOICES = ["en-us", "en-gb", "en-us+f4", "en-gb+m3", "en-gb-x-rp", "en-us+m1", "en-gb-scotland"]
WORDS_A_MINUTE = [125, 140, 155, 170]
NOISE_DB = [None, 30, 20, 10]  # speech over noise


def speak(text, voice, speed, pitch):
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "-w", file.name, text], check=True)
        with wave.open(file.name) as sound:
            rate = sound.getframerate()
            samples = numpy.frombuffer(sound.readframes(sound.getnframes()), numpy.int16).astype(numpy.float64) / 32768
    return resample(samples, rate)


def resample(samples, rate):
    """To 16 kHz through the spectrum, which cuts what does not fit."""
    length = round(len(samples) * RATE / rate)
    spectrum = numpy.fft.rfft(samples)[: length // 2 + 1]
    return numpy.fft.irfft(spectrum, length) * length / len(samples)


def with_noise(samples, decibels, random):
    """Silence around the words, and pinkish noise over all."""
    samples = numpy.concatenate([numpy.zeros(RATE // 5), samples, numpy.zeros(RATE // 5)])
    if decibels is None:
        return samples
    spectrum = numpy.fft.rfft(random.standard_normal(len(samples)))
    spectrum /= numpy.sqrt(numpy.maximum(numpy.arange(len(spectrum)), 1))
    noise = numpy.fft.irfft(spectrum, len(samples))
    loudness = numpy.sqrt(numpy.mean(samples**2))
    return samples + noise * loudness / 10 ** (decibels / 20) / numpy.sqrt(numpy.mean(noise**2))


def write_sentences(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for index, text in enumerate((pathlib.Path(__file__).parent / "sentences.txt").read_text().splitlines()):
        random = numpy.random.default_rng(index)
        voice = VOICES[index % len(VOICES)]
        speed = WORDS_A_MINUTE[index // len(VOICES) % len(WORDS_A_MINUTE)]
        noise = NOISE_DB[(index + index // len(VOICES)) % len(NOISE_DB)]
        samples = with_noise(speak(text, voice, speed, 35 + 5 * (index % 7)), noise, random)
        samples.astype(numpy.float32).tofile(folder / f"{index:03}.f32")
        lines.append(f"{index:03}\t{len(samples) / RATE:.2f}\t{text}")
    (folder / "list.tsv").write_text("\n".join(lines) + "\n")
    return lines
