# SPDX-License-Identifier: LGPL-2.1-or-later
"""What transformers' Whisper makes of some sound: random small models in the layouts of all published ones (English-only, multilingual of 80
bins and of 128 as large-v3, few decoder layers as large-v3-turbo), and, where LIVEEDIT_TEST_DATA has them, the real tiny.en and a real
recording."""

import copy
import json
import os
import sys
import wave
from pathlib import Path

import numpy
import torch
from safetensors.torch import save_file
from transformers import (GenerationMixin, LogitsProcessorList, WhisperFeatureExtractor, WhisperForConditionalGeneration,
                          WhisperTimeStampLogitsProcessor, WhisperTokenizer)
from transformers.audio_utils import mel_filter_bank
from whisper_folder import LANGUAGES, model, only_tokenizer_json

TEXTS = ["the thing", " The Thing's over THERE: 1984, isn't it?", "  two  blanks\n\nand lines\t", "naïve café — “quotes” 漢字 🎉", "", " ",
         "it'll we've I'm 'sam 'S", "1 22 333\u00a04", "\u3000wide", "über Straße", "x" * 300]

MOST_TOKENS = 30
SPOKEN_BEFORE = "the thing in the sea"

# Name, mel bins, languages, and what else is special: in files of fp16, in several files, with tokenizer.json alone.
MODELS = [("english", 80, [], {}),
          ("multilingual", 128, LANGUAGES, {}),
          ("multilingual_80", 80, LANGUAGES, {"encoder_layers": 3, "decoder_layers": 2, "encoder_attention_heads": 6, "stored": torch.float16}),
          ("turbo", 128, LANGUAGES + ["yue"], {"d_model": 64, "encoder_layers": 5, "decoder_layers": 1, "decoder_attention_heads": 4,
                                               "decoder_ffn_dim": 256, "shard": "300KB"})]


def sound(seconds, seed):
    """Something with a beginning, several pitches and an end."""
    random = numpy.random.default_rng(seed)
    time = numpy.arange(int(seconds * 16000)) / 16000
    samples = 0.02 * random.standard_normal(len(time))
    for _ in range(6):
        begin, pitch = random.uniform(0, seconds), random.uniform(80, 3000)
        samples += numpy.where(time > begin, 0.3 * numpy.exp(-4 * numpy.abs(time - begin)) * numpy.sin(2 * numpy.pi * pitch * time), 0)
    return samples.astype(numpy.float32)


def recording(file):
    with wave.open(str(file)) as stream:
        return numpy.frombuffer(stream.readframes(stream.getnframes()), numpy.int16).astype(numpy.float32) / 32768


def generated(network, features, prompt, timestamps=False, **options):
    """The tokens behind the prompt, up to the end: transformers' search and rules, without Whisper's own loop over longer sound."""
    rules = LogitsProcessorList()
    if timestamps:
        rules.append(WhisperTimeStampLogitsProcessor(network.generation_config, begin_index=len(prompt)))
    config = copy.deepcopy(network.generation_config)
    config.update(max_new_tokens=MOST_TOKENS, max_length=None, renormalize_logits=True, do_sample=False, forced_decoder_ids=None, **options)
    sequence = GenerationMixin.generate(
        network, inputs=features, decoder_input_ids=torch.tensor([prompt]), generation_config=config, logits_processor=rules)[0].tolist()
    sequence = sequence[len(prompt):]
    end = network.generation_config.eos_token_id
    return sequence[: sequence.index(end)] if end in sequence else sequence


def texts_of(network, features, ids, language, task, plain):
    """By each way of decoding. `plain` leaves out the beams, which take long for a real model."""
    start = [ids["<|startoftranscript|>"]]
    if language:
        start += [ids[f"<|{language}|>"], ids[f"<|{task}|>"]]
    silent = start + [ids["<|notimestamps|>"]]
    texts = {"greedy": generated(network, features, silent), "timestamps": generated(network, features, start, timestamps=True)}
    if not plain:
        texts["beams"] = generated(network, features, silent, num_beams=4)
        texts["beams_long"] = generated(network, features, silent, num_beams=3, length_penalty=2.0)
    return texts, silent


def case(folder, network, ids, extractor, samples, languages, plain=False):
    features = extractor(samples, sampling_rate=16000, return_tensors="pt").input_features
    language = languages[0][0] if languages else None
    golden = {"samples": torch.from_numpy(samples), "mel": features[0]}
    record = {"texts": {}}
    for code, task in languages or [(None, None)]:
        texts, prompt = texts_of(network, features, ids, code, task, plain)
        record["texts"][f"{code or 'en'}_{task or 'transcribe'}"] = texts
    golden["encoded"] = network.model.encoder(features).last_hidden_state[0]
    texts, prompt = texts_of(network, features, ids, language, languages[0][1] if languages else None, True)
    written = prompt + texts["greedy"]
    golden["logits"] = network(features, decoder_input_ids=torch.tensor([written])).logits[0]
    record |= {"prompt": prompt, "written": written}
    words = network.tokenizer.encode(" " + SPOKEN_BEFORE, add_special_tokens=False)
    record["prompted"] = {"before": SPOKEN_BEFORE, "tokens": generated(network, features, [ids["<|startofprev|>"], *words, *prompt])}
    start = network(features, decoder_input_ids=torch.tensor([[ids["<|startoftranscript|>"]]])).logits[0, 0]
    record["no_speech"] = start.softmax(0)[ids["<|notimestamps|>"] - 1].item()
    if languages:
        record["detected"] = network.tokenizer_code[network.detect_language(features).item()]
    save_file({name: value.contiguous().clone() for name, value in golden.items()}, folder / "golden.safetensors")
    (folder / "golden.json").write_text(json.dumps(record))


def tokenizer_case(folder, tokenizer):
    rows = [{"text": text, "ids": tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)} for text in TEXTS]
    for row in rows:
        row["decoded"] = tokenizer.decode(row["ids"], skip_special_tokens=True, clean_up_tokenization_spaces=False)
    (folder / "tokenizer_golden.json").write_text(json.dumps(rows))


@torch.inference_mode()
def main(out):
    torch.manual_seed(0)
    for seed, (name, bins, codes, special) in enumerate(MODELS, start=1):
        folder = out / name
        network, ids = model(folder, bins, codes, seed, **special)
        if name == "turbo":
            only_tokenizer_json(folder)
        network.tokenizer = WhisperTokenizer.from_pretrained(folder)
        network.tokenizer_code = {number: content[2:-2] for content, number in ids.items()}
        languages = [("de", "transcribe"), ("en", "translate")] if codes else []
        case(folder, network, ids, WhisperFeatureExtractor(feature_size=bins), sound(3.7, seed), languages)
        tokenizer_case(folder, network.tokenizer)
    save_file({str(bins): torch.from_numpy(mel_filter_bank(201, bins, 0.0, 8000.0, 16000, "slaney", "slaney")).float().T.contiguous()
               for bins in (80, 128)}, out / "filters.safetensors")
    data = Path(os.environ.get("LIVEEDIT_TEST_DATA", ""))
    weights, media = data / "weights/whisper-tiny.en", data / "media/jfk.wav"
    if weights.is_dir() and media.is_file():
        (out / "tiny.en").mkdir(exist_ok=True)
        network = WhisperForConditionalGeneration.from_pretrained(weights, dtype=torch.float32)
        ids = json.loads((weights / "added_tokens.json").read_text())
        network.tokenizer = WhisperTokenizer.from_pretrained(weights)
        case(out / "tiny.en", network, ids, WhisperFeatureExtractor.from_pretrained(weights), recording(media), [], plain=True)
        tokenizer_case(out / "tiny.en", network.tokenizer)


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    main(Path(sys.argv[1]))
