# SPDX-License-Identifier: LGPL-2.1-or-later
"""Valid, broken and mutated safetensors files, with the reference's verdict on each.

Writes into the folder given:
  types.safetensors, expected.safetensors   one tensor a dtype, and the same values as F32
  sharded/                                  a checkpoint of two files and their index
  cases.json                                [{"name", "hex", "accepted"}], accepted: what PyPI's safetensors says
  seeds/                                    the hand-made ones of the cases as files, for the fuzz target
"""
import json
import os
import random
import struct
import sys

import torch
from safetensors import SafetensorError, deserialize
from safetensors.torch import save_file

MUTATIONS = 6000


def packed(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(dtype, shape, begin, end, **more):
    return dict(dtype=dtype, shape=shape, data_offsets=[begin, end], **more)


GOOD = {"a": tensor("F32", [2, 2], 0, 16), "b": tensor("U8", [3], 16, 19)}


def well_formed():
    return {
        "good": packed(GOOD, bytes(19)),
        "good_metadata": packed(dict(GOOD, __metadata__={"format": "pt"}), bytes(19)),
        "good_padded": packed(json.dumps(GOOD).encode() + b"   \n\t", bytes(19)),
        "good_scalar": packed({"a": tensor("F64", [], 0, 8)}, bytes(8)),
        "good_empty": packed({}),
        "good_empty_metadata": packed({"__metadata__": {}}),
        "good_zero_size": packed({
            "a": tensor("F32", [2, 0], 0, 0),
            "b": tensor("U8", [1], 0, 1)
        }, b"x"),
        "good_zero_before_huge": packed({"a": tensor("F32", [0, 2**62, 2**62], 0, 0)}),
        "good_any_order": packed({
            "b": tensor("U8", [3], 16, 19),
            "a": tensor("F32", [2, 2], 0, 16)
        }, bytes(19)),
        "good_name": packed({'"\\\u00e9\u0000\U0001f98a': tensor("U8", [1], 0, 1)}, b"x"),
    }


def broken_headers():
    return {
        "nothing": b"",
        "too_short": b"\0" * 7,
        "no_header": struct.pack("<Q", 0),
        "header_too_large": packed(b"{}", length=100_000_001),
        "header_past_end": packed(b"{}", length=3),
        "header_overflow": packed(b"{}", length=2**64 - 1),
        "header_overflow_by_8": packed(b"{}", length=2**64 - 8),
        "not_utf8": packed(b'{"\xff":1}'),
        "not_json": packed(b"{aaaa}"),
        "not_an_object": packed(b"[]"),
        "two_values": packed(b"{}{}"),
        "cut": packed(b'{"a"'),
        "stricter_leading_space": packed(b" {}"),
        "byte_order_mark": packed(b"\xef\xbb\xbf{}"),
        "nul_padding": packed(b"{}\0\0"),
        "comment": packed(b"{/**/}"),
        "deep_lists": packed(b'{"a":' + b"[" * 100000),
        "deep_objects": packed(b'{"a":' * 100000),
        "deep_shape": packed(b'{"a":{"dtype":"U8","shape":[[[[1]]]],"data_offsets":[0,1]}}', b"x"),
    }


def broken_offsets():
    return {
        "overlap": packed({
            "a": tensor("U8", [2], 0, 2),
            "b": tensor("U8", [2], 1, 3)
        }, bytes(3)),
        "overlap_same": packed({str(i): tensor("F32", [2, 2], 0, 16) for i in range(10)}, bytes(16)),
        "hole": packed({
            "a": tensor("U8", [1], 0, 1),
            "b": tensor("U8", [1], 2, 3)
        }, bytes(3)),
        "hole_at_start": packed({"a": tensor("U8", [1], 1, 2)}, bytes(2)),
        "data_short": packed(GOOD, bytes(18)),
        "data_long": packed(GOOD, bytes(20)),
        "data_without_tensors": packed({}, b"x"),
        "end_before_begin": packed({"a": tensor("U8", [1], 1, 0)}, b"x"),
        "size_differs": packed({"a": tensor("F32", [2, 3], 0, 16)}, bytes(16)),
        "shape_overflow": packed({"a": tensor("F32", [2, 2**63], 0, 16)}, bytes(16)),
        "shape_overflow_to_zero": packed({"a": tensor("F32", [2**32, 2**32], 0, 0)}),
        "bytes_overflow": packed({"a": tensor("F32", [2**62], 0, 0)}),
        "huge_before_zero": packed({"a": tensor("F32", [2**62, 2**62, 0], 0, 0)}),
        "offset_overflow": packed({"a": tensor("U8", [1], 0, 2**64)}, b"x"),
    }


def broken_fields():
    twice = b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'
    return {
        "negative": packed({"a": tensor("U8", [-1], 0, 1)}, b"x"),
        "negative_zero": packed(b'{"a":{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}}'),
        "fraction": packed(b'{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}', b"x"),
        "exponent": packed(b'{"a":{"dtype":"U8","shape":[1e0],"data_offsets":[0,1]}}', b"x"),
        "one_offset": packed(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}', b"x"),
        "three_offsets": packed(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}', b"x"),
        "no_dtype": packed(b'{"a":{"shape":[1],"data_offsets":[0,1]}}', b"x"),
        "no_shape": packed(b'{"a":{"dtype":"U8","data_offsets":[0,1]}}', b"x"),
        "no_offsets": packed(b'{"a":{"dtype":"U8","shape":[1]}}', b"x"),
        "unknown_dtype": packed({"a": tensor("Q7", [1], 0, 1)}, b"x"),
        "lower_case_dtype": packed({"a": tensor("u8", [1], 0, 1)}, b"x"),
        "null_shape": packed({"a": tensor("U8", None, 0, 1)}, b"x"),
        "null_tensor": packed({"a": None}),
        "stricter_tensor_twice": packed(twice, b"x"),
        "same_field_twice": packed(b'{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"x"),
        "metadata_twice": packed(b'{"__metadata__":{},"__metadata__":{}}'),
        "metadata_number": packed({"__metadata__": {
            "a": 1
        }}),
        "metadata_list": packed({"__metadata__": []}),
        "metadata_nested": packed({"__metadata__": {
            "a": {}
        }}),
        "stricter_metadata_key_twice": packed(b'{"__metadata__":{"a":"1","a":"2"}}'),
        "stricter_metadata_null": packed(b'{"__metadata__":null}'),
        "stricter_unknown_field": packed({"a": tensor("U8", [1], 0, 1, more=1)}, b"x"),
        "stricter_dtype": packed({"a": tensor("U16", [1], 0, 2)}, b"xx"),
        "stricter_list_for_object": packed(b'{"a":["U8",[1],[0,1]]}', b"x"),
        "stricter_dimension": packed({"a": tensor("U8", [0, 2**63], 0, 0)}),
        "lone_surrogate": packed(b'{"__metadata__":{"a":"\\ud800"}}'),
        "control_character": packed(b'{"__metadata__":{"a":"\x01"}}'),
        "trailing_comma": packed(b'{"__metadata__":{},}'),
    }


def hand_made():
    """name -> bytes: the reference's own table of errors, and what lies beside it."""
    return well_formed() | broken_headers() | broken_offsets() | broken_fields()


def mutate(chance, file):
    """One to three small changes, in the header more often than not."""
    length = struct.unpack("<Q", file[:8])[0]
    text, data = bytearray(file[8:8 + length]), bytearray(file[8 + length:])
    pieces = [
        b'"', b"{", b"}", b"[", b"]", b",", b":", b" ", b"0", b"1", b"-", b".5", b"e1", b"null", b"true", b'"a"', b"\\",
        b"\xc3", b"\0", b'"dtype":"I8",', b'"shape":[],', b'"x":{},', b"F16", b"F8_E5M2", b"I64",
        b"18446744073709551615", b"18446744073709551616"
    ]
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        kind = chance.randrange(8)
        place = chance.randrange(len(text) + 1)
        if kind == 0 and text:
            text[place % len(text)] ^= 1 << chance.randrange(8)
        elif kind == 1:
            text[place:place] = chance.choice(pieces)
        elif kind == 2:
            del text[place:place + chance.randint(1, 4)]
        elif kind == 3:
            end = place + chance.randint(1, 30)
            text[place:place] = text[place:end]
        elif kind in (4, 5):
            digits = [i for i, byte in enumerate(text) if 48 <= byte <= 57]
            if digits:
                text[chance.choice(digits)] = 48 + chance.randrange(10)
        elif kind == 6:
            data = data[:-1] if chance.random() < 0.5 else data + b"y"
        else:
            text += b" " * chance.randint(1, 4)
    shift = chance.choice([0] * 12 + [1, -1, 8, 2**40])
    return packed(bytes(text), bytes(data), length=max(0, len(text) + shift))


def accepted(file):
    try:
        deserialize(file)
        return True
    except SafetensorError:
        return False


def write_cases(folder):
    made = hand_made()
    chance = random.Random(11)
    bases = [file for name, file in made.items() if name.startswith("good")] + [made["stricter_unknown_field"]]
    cases = [dict(name=name, hex=file.hex(), accepted=accepted(file)) for name, file in made.items()]
    for i in range(MUTATIONS):
        file = mutate(chance, chance.choice(bases))
        cases.append(dict(name=f"mutation_{i}", hex=file.hex(), accepted=accepted(file)))
    with open(f"{folder}/cases.json", "w", encoding="utf-8") as out:
        json.dump(cases, out)
    os.makedirs(f"{folder}/seeds", exist_ok=True)
    for name, file in made.items():
        with open(f"{folder}/seeds/{name}.safetensors", "wb") as out:
            out.write(file)
    print(len(cases), "cases,", sum(case["accepted"] for case in cases), "accepted by the reference")


def write_types(folder):
    torch.manual_seed(3)
    values = torch.randn(5, 7) * 20
    integers = torch.randint(-100, 100, (3, 4, 2))
    tensors = {
        "F64": values.double(),
        "F32": values,
        "F16": values.half(),
        "BF16": values.bfloat16(),
        "F8_E4M3": values.to(torch.float8_e4m3fn),
        "F8_E5M2": values.to(torch.float8_e5m2),
        "I64": integers,
        "I32": integers.int(),
        "I16": integers.short(),
        "I8": integers.to(torch.int8),
        "U8": integers.abs().to(torch.uint8),
        "BOOL": integers > 0,
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "block.0.weight": torch.randn(2, 3, 1, 1)
    }
    save_file(tensors, f"{folder}/types.safetensors", metadata={"format": "pt"})
    save_file({name: value.float() for name, value in tensors.items()}, f"{folder}/expected.safetensors")


def write_sharded(folder):
    os.makedirs(f"{folder}/sharded", exist_ok=True)
    shards = {
        "model-00001-of-00002.safetensors": {
            "a": torch.arange(4.0),
            "b": torch.ones(2)
        },
        "model-00002-of-00002.safetensors": {
            "c": torch.full((3,), 7.0)
        }
    }
    for name, tensors in shards.items():
        save_file(tensors, f"{folder}/sharded/{name}")
    index = dict(metadata=dict(total_size=36),
                 weight_map={
                     key: name for name, tensors in shards.items() for key in tensors
                 })
    with open(f"{folder}/sharded/model.safetensors.index.json", "w", encoding="utf-8") as out:
        json.dump(index, out)


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    write_types(sys.argv[1])
    write_sharded(sys.argv[1])
    write_cases(sys.argv[1])
