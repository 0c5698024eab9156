# SPDX-License-Identifier: LGPL-2.1-or-later
"""CLIP-like vocabularies and the ids that transformers' CLIPTokenizer gives for a corpus.

Writes into the folder given: one folder a variant (vocab.json, merges.txt and the special token files that variant is
about), and cases.json: [{"hex": bytes of the text, "<variant>": ids, "<variant>_padded": 77 ids}]; seeds/: texts
for the fuzz target.
"""
import json
import os
import random
import sys
import unicodedata

from pydoc_data import topics
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

BEGIN, END = "<|startoftext|>", "<|endoftext|>"
MERGES = 5000
SENTENCES = [
    "A watercolour painting of a fox in the snow, highly detailed, 8k",
    "Ein Aquarell: ein Fuchs läuft über die weiße Straße, größer als je zuvor",
    "Une forêt enchantée à l'aube, où l'été s'éveille; ça c'est l'œuvre d'un maître",
    "картина маслом: лиса бежит по снегу в тёмном лесу",
    "ζωγραφική με λάδι μιας αλεπούς στο χιόνι, ΟΔΥΣΣΕΥΣ",
    "油絵のような雪の中の狐、とても綺麗です。カタカナとひらがな",
    "一只狐狸在雪地里奔跑的油画,非常精细",
    "눈 속에서 달리는 여우의 유화",
    "لوحة زيتية لثعلب يركض في الثلج",
    "ציור שמן של שועל רץ בשלג",
    "बर्फ में दौड़ती लोमड़ी का तैल चित्र",
    "ภาพวาดสีน้ำมันของสุนัขจิ้งจอกวิ่งในหิมะ",
    "İstanbul'da ışıl ışıl bir akşam, Iğdır ve İzmir",
]
HAND_WRITTEN = [
    "",
    " ",
    "\n\t",
    "a",
    "A",
    "I'm sure they'll say it's what we've got, isn't it? I'd've",
    "don’t",
    "'S 'LL 'rE 've'd'm't",
    "''s''",
    "s's's",
    "2026 1,234.56 ½ Ⅷ ٣٤ 𝟘𝟙 x2y3",
    "hello!!!???...",
    "((masterpiece:1.2)), [[blurry]]",
    "a_b__c___",
    "C++ & C# <b>bold</b>",
    "🦊🐺👩‍👩‍👧‍👦🏳️‍🌈👍🏽🇩🇪",
    "fox🦊in❄️snow",
    "e\u0301 é \u0041\u030a Å \u212b ﬁ ﬀ",
    "\u1100\u1161\u11a8 각 \uac01\u1100",
    "q\u0307\u0323 q\u0323\u0307",
    "a\u0315\u0300\u05ae\u0300b \u0344 \u0958 \u2126 \u1f71",
    "ΑΣ ΣΑΣ Σ ς",
    "İI ıi ǅ ǆ Ǆ ẞ ß",
    "\u202eabc\u202c \u200fאב\u200e",
    "a\u200bb\u200cc\u200dd\u2060e\ufefff",
    "\x00",
    "a\x00b",
    "\x01\x02\x7f\x80\x85\x9f",
    "a\u00a0b\u3000c\u2009d\u2028e\u2029f\u0085g\x1ch\x1fi\u180ej",
    "\ufffd\ufffe\uffff",
    "\U0010ffff",
    BEGIN,
    END,
    f"{BEGIN}a{END}",
    f"a {END} b",
    f" {BEGIN} ",
    f"x{END}{END}!",
    "<|STARTOFTEXT|> A",
    "<|EndOfText|>!!",
    "<|startoftext|",
    "!<|startoftext|>!",
    "<|ENDOFTEXT|>!<|endoftext|>",
    "<|endoftext|><|endoftext|",
    "!",
    "a!b !c",
    "<|İ|>",
    "ſ K Å",
    "ꭰ Ꭰ Ა ა ᲀ",
    "a" * 300,
    "ab" * 2000,
    "=" * 500,
    "é" * 400,
    "\u0300" * 50,
    "a" + "\u0323\u0307" * 60,
    "  ".join("word" * 3 for _ in range(60)),
    "1" * 100,
    "the quick brown fox " * 100,
    "\U0001f98a" * 40,
    "1a2b3c" * 20,
    "ᾳ ᾼ ῼ ⱥ Ⱥ Ɐ ɐ",
    "\u0f71\u0f72\u0f73",
    "가각힣",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝒜 ℬ",
    "Straße STRASSE ﬃ",
    "\u1e9b\u0323",
]
UNASSIGNED = {"Cn", "Cs", "Co"}
LAST = 0x1FA00


def words_of_clip():
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"),
                             "removed",
                             invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False),
    ])


def train():
    """Merges of a small byte-level BPE in CLIP's form."""
    model = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    model.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    model.pre_tokenizer = words_of_clip()
    trainer = trainers.BpeTrainer(vocab_size=MERGES + 512,
                                  show_progress=False,
                                  end_of_word_suffix="</w>",
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    prose = [topics.topics[key] for key in sorted(topics.topics)]
    model.train_from_iterator(prose + SENTENCES * 50 + HAND_WRITTEN, trainer)
    return [tuple(merge) for merge in json.loads(model.to_str())["model"]["merges"]]


def vocabulary(merges):
    """Bytes, bytes at a word's end, merges, the two markers: CLIP's order of ids."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = alphabet + [character + "</w>" for character in alphabet]
    known = set(tokens)
    kept = []
    for left, right in merges:
        if left in known and right in known:
            kept.append((left, right))
            if left + right not in known:
                known.add(left + right)
                tokens.append(left + right)
    return {token: i for i, token in enumerate(tokens + [BEGIN, END])}, kept


def token(content, normalized):
    return dict(content=content, lstrip=False, normalized=normalized, rstrip=False, single_word=False)


def variants(size):
    """The special token files that published models come with."""
    names = dict(bos_token=BEGIN, eos_token=END, unk_token=END, pad_token=END)
    legacy = dict(bos_token=token(BEGIN, True), eos_token=token(END, True), unk_token=token(END, True), pad_token=END)
    decoder = {
        "0": dict(token("!", False), special=True),
        str(size - 2): dict(token(BEGIN, True), special=True),
        str(size - 1): dict(token(END, True), special=True)
    }
    return {
        "bare": {},
        "strings": {
            "special_tokens_map.json": names,
            "tokenizer_config.json": dict(names, model_max_length=77)
        },
        "legacy": {
            "special_tokens_map.json": legacy,
            "tokenizer_config.json": dict(model_max_length=77)
        },
        "without_padding": {
            "special_tokens_map.json": dict(eos_token=token(END, True), bos_token=token(BEGIN, True))
        },
        "padded_with_mark": {
            "special_tokens_map.json": dict(legacy, pad_token="!"),
            "tokenizer_config.json": dict(names, model_max_length=77)
        },
        "decoder": {
            "tokenizer_config.json": dict(names, added_tokens_decoder=decoder, pad_token="!", model_max_length=77)
        },
        "added": {
            "special_tokens_map.json": names,
            "tokenizer_config.json": names,
            "added_tokens.json": {
                "<my-style>": size,
                "<MyCat>": size + 1
            }
        },
    }


def write_variant(folder, vocab, merges, files):
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/vocab.json", "w", encoding="utf-8") as out:
        json.dump(vocab, out, ensure_ascii=False)
    with open(f"{folder}/merges.txt", "w", encoding="utf-8") as out:
        out.write("#version: 0.2\n" + "\n".join(" ".join(merge) for merge in merges) + "\n")
    for name, content in dict({"tokenizer_config.json": {}}, **files).items():
        with open(f"{folder}/{name}", "w", encoding="utf-8") as out:
            json.dump(
                dict(content, tokenizer_class="CLIPTokenizer") if name == "tokenizer_config.json" else content, out)


def known_to_reference(character):
    """False for combining marks that are newer than the tables of the reference's normalizer, which leaves them out of order."""
    if not unicodedata.combining(character):
        return True
    pair = character + "\u0334"  # of the lowest class that is ordered, 1
    return normalizers.NFC().normalize_str(pair) == unicodedata.normalize("NFC", pair)


def assigned(first, last):
    return [
        chr(code)
        for code in range(first, last)
        if unicodedata.category(chr(code)) not in UNASSIGNED and known_to_reference(chr(code))
    ]


def corpus(chance):
    """The texts as bytes."""
    texts = [text.encode("utf-8", "surrogatepass") for text in HAND_WRITTEN + SENTENCES]
    characters = assigned(0, 0x3400) + assigned(0xA000, 0xAC00) + assigned(0xF900, 0x10000) + assigned(0x10000, LAST)
    for start in range(0, len(characters), 24):
        group = characters[start:start + 24]
        texts += [" ".join(group).encode(), "".join(group).encode(), ("x" + "x".join(group).upper()).encode()]
    pools = [
        characters[:128], characters[:600],
        assigned(0x300, 0x370) + list("aeiouAEIOU"),
        assigned(0x590, 0x700),
        list("<|startoftext|>endTX!' "),
        list("'sStTrReEvVmMlLdD \t\n"),
        assigned(0x1F300, 0x1F700) + ["\u200d", "\ufe0f"],
        assigned(0x1100, 0x1200) + assigned(0xAC00, 0xAC80), characters
    ]
    for _ in range(1500):
        texts.append("".join(chance.choice(chance.choice(pools)) for _ in range(chance.randint(1, 40))).encode())
    for pool in pools:
        texts += ["".join(chance.choice(pool) for _ in range(chance.randint(1, 60))).encode() for _ in range(60)]
    for _ in range(400):
        texts.append(
            bytes(
                chance.choice([chance.randrange(256), 0x61, 0xE2, 0xF0, 0xED, 0xA0, 0x80, 0xC3])
                for _ in range(chance.randint(1, 24))))
    texts += [f"a photo in <my-style> of <MyCat> and <mycat> <MY-STYLE>{i}".encode() for i in range(3)]
    return texts


def main(folder):
    vocab, merges = vocabulary(train())
    texts = corpus(random.Random(7))
    readable = [text.decode("utf-8", "replace") for text in texts]
    cases = [dict(hex=text.hex()) for text in texts]
    for name, files in variants(len(vocab)).items():
        write_variant(f"{folder}/{name}", vocab, merges, files)
        reference = CLIPTokenizer.from_pretrained(f"{folder}/{name}")
        plain = reference(readable, add_special_tokens=False)["input_ids"]
        padded = reference(readable, padding="max_length", max_length=77, truncation=True)["input_ids"]
        for case, ids, fitted in zip(cases, plain, padded):
            case[name] = ids
            case[f"{name}_padded"] = fitted
    with open(f"{folder}/cases.json", "w", encoding="utf-8") as out:
        json.dump(cases, out)
    os.makedirs(f"{folder}/seeds", exist_ok=True)
    for i, text in enumerate(HAND_WRITTEN):
        with open(f"{folder}/seeds/{i}.txt", "wb") as out:
            out.write(text.encode("utf-8", "surrogatepass"))
    print(len(cases), "texts,", len(vocab), "tokens")


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    main(sys.argv[1])
