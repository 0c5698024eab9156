#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints how far two raw RGB pictures are apart, in units of the full range; fails where that is more than --max or --mean."""
import argparse
import json
import pathlib
import sys


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("one", type=pathlib.Path)
    parser.add_argument("other", type=pathlib.Path)
    parser.add_argument("--max", type=float, default=0.02)
    parser.add_argument("--mean", type=float, default=0.002)
    options = parser.parse_args()
    one, other = options.one.read_bytes(), options.other.read_bytes()
    if len(one) != len(other) or not one:
        sys.exit(f"{options.one} has {len(one)} bytes, {options.other} has {len(other)}.")
    differences = [abs(a - b) / 255 for a, b in zip(one, other)]
    result = {"max": max(differences), "mean": sum(differences) / len(differences), "distinct_bytes": len(set(one))}
    print(json.dumps(result))
    if result["max"] > options.max or result["mean"] > options.mean:
        sys.exit("The pictures differ by more than is allowed.")


if __name__ == "__main__":
    main()
