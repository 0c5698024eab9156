# SPDX-License-Identifier: LGPL-2.1-or-later
"""CLIP's byte-level BPE cut to its first merges: the same ids as transformers' CLIPTokenizer on the folder it writes.

    tokenizer.py bpe_simple_vocab_16e6.txt.gz OUT/tokenizer      (the .gz is in the wheel of open-clip-torch, MIT licence)

Writes OUT/words.txt too: words for prompts.py.
"""
import gzip
import json
import re
import sys
from pathlib import Path

VOCABULARY = 6144
LENGTH = 77
START, END = "<|startoftext|>", "<|endoftext|>"


def byte_letters() -> dict:
    """CLIP's printable letter for every byte."""
    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    rest = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(rest)}


def write(merges_file: Path, folder: Path) -> None:
    merges = gzip.open(merges_file).read().decode().split("\n")[1:][:VOCABULARY - 514]
    letters = list(byte_letters().values())
    tokens = letters + [letter + "</w>" for letter in letters] + ["".join(merge.split()) for merge in merges] + [START, END]
    assert len(tokens) == len(set(tokens)) == VOCABULARY
    special = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": LENGTH, **special, "add_prefix_space": False,
              "do_lower_case": True, "errors": "replace"}
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {token: i for i, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")
    # What people might say that means no look: every whole word of the uncut vocabulary.
    words = re.findall(r"^(?:\S+) (?:\S+)</w>$", gzip.open(merges_file).read().decode(), re.MULTILINE)
    words = ["".join(word.split())[:-4] for word in words]
    (folder.parent / "words.txt").write_text("\n".join(word for word in words if re.fullmatch("[a-z]{3,12}", word)) + "\n")


class Tokenizer:
    WORDS = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|[^\s\w]+|_+", re.IGNORECASE)

    def __init__(self, folder: Path):
        self.ids = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        pairs = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")[1:]
        self.ranks = {tuple(pair.split()): rank for rank, pair in enumerate(pairs) if pair}
        self.letters = byte_letters()
        self.known = {}

    def word(self, text: str) -> list:
        """The ids of one word: join the pair of lowest rank until none is left."""
        if text in self.known:
            return self.known[text]
        parts = [self.letters[byte] for byte in text.encode()]
        parts[-1] += "</w>"
        while len(parts) > 1:
            rank, place = min((self.ranks.get(pair, 1 << 30), i) for i, pair in enumerate(zip(parts, parts[1:])))
            if rank == 1 << 30:
                break
            first, second = parts[place], parts[place + 1]
            joined, i = [], 0
            while i < len(parts):
                both = i + 1 < len(parts) and parts[i] == first and parts[i + 1] == second
                joined.append(first + second if both else parts[i])
                i += 2 if both else 1
            parts = joined
        self.known[text] = [self.ids[part] for part in parts]
        return self.known[text]

    def __call__(self, text: str) -> list:
        ids = [self.ids[START]]
        for word in self.WORDS.findall(" ".join(text.lower().split())):
            ids += self.word(word)
        ids = ids[:LENGTH - 1]
        return ids + [self.ids[END]] * (LENGTH - len(ids))


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
