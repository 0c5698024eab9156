# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a Whisper model of a published size with random weights in fp16, for measurements of speed.

  bench/speech/make_whisper_model.py tiny|base|small|medium|large-v3|large-v3-turbo FOLDER

It never ends a text by itself, so that every engine writes as many tokens as it is asked for.
"""
import json
import pathlib
import sys

import torch
from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

# Width, heads, layers of the encoder and of the decoder, mel bins, languages (arXiv 2212.04356, table 1).
SIZES = {"tiny": (384, 6, 4, 4, 80, 99), "base": (512, 8, 6, 6, 80, 99), "small": (768, 12, 12, 12, 80, 99), "medium": (1024, 16, 24, 24, 80, 99),
         "large-v3": (1280, 20, 32, 32, 128, 100), "large-v3-turbo": (1280, 20, 32, 4, 128, 100)}
TEXT_TOKENS = 50257
TIMESTAMPS = 1501


def byte_symbols():
    """Byte-level BPE's character for each byte, by byte."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in kept else chr(next(others)) for byte in range(256)]


def tokenizer_files(folder, languages):
    """All bytes, words that no text holds, and the special tokens; gives the ids of these."""
    tokens = byte_symbols() + [f"unused{i}" for i in range(TEXT_TOKENS - 256)]
    codes = ["en", *(f"{chr(97 + i // 26)}{chr(97 + i % 26)}q" for i in range(languages - 1))]
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in codes), "<|translate|>", "<|transcribe|>", "<|startoflm|>",
               "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    ids = {token: len(tokens) + i for i, token in enumerate(special)}
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)} | {"<|endoftext|>": ids["<|endoftext|>"]}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "added_tokens.json").write_text(json.dumps(ids))
    return ids, codes, len(tokens) + len(special) + TIMESTAMPS


def main(size, folder):
    folder.mkdir(parents=True, exist_ok=True)
    width, heads, encoder_layers, decoder_layers, bins, languages = SIZES[size]
    ids, codes, vocabulary = tokenizer_files(folder, languages)
    end = ids["<|endoftext|>"]
    config = WhisperConfig(
        vocab_size=vocabulary, num_mel_bins=bins, d_model=width, encoder_layers=encoder_layers, decoder_layers=decoder_layers,
        encoder_attention_heads=heads, decoder_attention_heads=heads, encoder_ffn_dim=4 * width, decoder_ffn_dim=4 * width,
        pad_token_id=end, bos_token_id=end, eos_token_id=end, decoder_start_token_id=ids["<|startoftranscript|>"],
        suppress_tokens=None, begin_suppress_tokens=None)
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float16)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        network = WhisperForConditionalGeneration(config)
    network.generation_config = GenerationConfig(
        decoder_start_token_id=ids["<|startoftranscript|>"], eos_token_id=end, pad_token_id=end, bos_token_id=end, max_length=448,
        no_timestamps_token_id=ids["<|notimestamps|>"], prev_sot_token_id=ids["<|startofprev|>"], is_multilingual=True,
        suppress_tokens=list(range(end, vocabulary)), begin_suppress_tokens=[end], lang_to_id={f"<|{code}|>": ids[f"<|{code}|>"] for code in codes},
        task_to_id={"translate": ids["<|translate|>"], "transcribe": ids["<|transcribe|>"]}, return_timestamps=False)
    network.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=bins).save_pretrained(folder)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in SIZES:
        sys.exit(__doc__)
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
