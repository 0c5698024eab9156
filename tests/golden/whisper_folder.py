# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small Whisper models with random weights in Hugging Face layout: a tokenizer of bytes and a few words, all special tokens, 30 s of sound."""

import json

import torch
from tiny_models import byte_symbols
from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperTokenizer

LANGUAGES = ["en", "de", "fr", "haw"]  # "haw" and, in large-v3, "yue" have three letters
TIMESTAMPS = 1501
SIZES = {"d_model": 48, "encoder_layers": 2, "decoder_layers": 3, "encoder_attention_heads": 4, "decoder_attention_heads": 3, "encoder_ffn_dim": 80,
         "decoder_ffn_dim": 112}


def tokenizer_files(folder, languages):
    """Writes the tokenizer's files; gives the ids of the special tokens and the size of the vocabulary."""
    merges = [("Ġ", "t"), ("h", "e"), ("Ġt", "he"), ("i", "n"), ("Ġ", "a"), ("in", "g"), ("o", "u"), ("Ġ", "s"), ("e", "r"), ("1", "9")]
    tokens = byte_symbols() + ["".join(pair) for pair in merges]
    special = ["<|endoftext|>", "<|startoftranscript|>"]
    special += [f"<|{code}|>" for code in languages]
    special += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    ids = {token: len(tokens) + i for i, token in enumerate(special)}
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {token: i for i, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary | {"<|endoftext|>": ids["<|endoftext|>"]}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(" ".join(pair) for pair in merges) + "\n")
    (folder / "added_tokens.json").write_text(json.dumps(ids))
    return ids, len(tokens) + len(special) + TIMESTAMPS


def only_tokenizer_json(folder):
    """Puts tokenizer.json into the place of the tokenizer's other files."""
    WhisperTokenizer.from_pretrained(folder).save_pretrained(folder)
    for name in ("vocab.json", "merges.txt", "added_tokens.json"):
        (folder / name).unlink(missing_ok=True)


def model(folder, bins, languages, seed, stored=torch.float32, shard="5GB", **sizes):
    """The model in fp32, its generation_config set as OpenAI's are; `stored` in files of at most `shard`."""
    ids, vocabulary = tokenizer_files(folder, languages)
    config = WhisperConfig(
        vocab_size=vocabulary, num_mel_bins=bins, max_source_positions=1500, max_target_positions=448,
        pad_token_id=ids["<|endoftext|>"], bos_token_id=ids["<|endoftext|>"], eos_token_id=ids["<|endoftext|>"],
        decoder_start_token_id=ids["<|startoftranscript|>"], suppress_tokens=None, begin_suppress_tokens=None, **(SIZES | sizes))
    torch.manual_seed(seed)
    network = WhisperForConditionalGeneration(config).eval()
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in network.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith("embed_positions.weight"):
            continue
        if "embed_tokens" in name:
            noise[ids["<|endoftext|>"]] *= 2.2  # so that texts end
            parameter.data.copy_(noise * 0.35)
        elif parameter.dim() > 1:
            # The layers outweigh the token's own embedding, which would make it follow itself.
            parameter.data.copy_((4 if name.startswith("model.decoder") else 1.5) * noise / parameter[0].numel() ** 0.5)
        else:
            parameter.data.copy_(0.2 * noise + (1 if name.endswith("norm.weight") else 0))
    options = {
        "decoder_start_token_id": ids["<|startoftranscript|>"], "eos_token_id": ids["<|endoftext|>"], "pad_token_id": ids["<|endoftext|>"],
        "bos_token_id": ids["<|endoftext|>"], "no_timestamps_token_id": ids["<|notimestamps|>"], "prev_sot_token_id": ids["<|startofprev|>"],
        "is_multilingual": bool(languages), "max_initial_timestamp_index": 50, "max_length": 448, "suppress_tokens": [5, 17, 90, 200],
        "begin_suppress_tokens": [3, ids["<|endoftext|>"]], "return_timestamps": False}
    if languages:
        options["lang_to_id"] = {f"<|{code}|>": ids[f"<|{code}|>"] for code in languages}
        options["task_to_id"] = {"translate": ids["<|translate|>"], "transcribe": ids["<|transcribe|>"]}
    network.generation_config = GenerationConfig(**options)
    network.to(stored).save_pretrained(folder, max_shard_size=shard)  # generation_config.json too
    network.to(torch.float32)  # of what was stored
    WhisperFeatureExtractor(feature_size=bins).save_pretrained(folder)
    return network, ids
