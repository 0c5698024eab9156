#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs two or more benchmark programs in turns on the same machine, so that none has the better minutes; prints their JSON lines and a summary.

    compare.py [--rounds 5] [--frames 100] -- PROGRAM ARG ... [-- PROGRAM ARG ...] ...

Each program is started with --ask, answers "ready", and then a line with a number of frames with a JSON line. The summary has the median of the rounds.
"""
import argparse
import json
import statistics
import subprocess
import sys


class Contestant:
    def __init__(self, command):
        self.process = subprocess.Popen([*command, "--ask"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.rounds = []

    def wait_ready(self):
        for line in self.process.stdout:
            if line.strip() == "ready":
                return
        raise SystemExit(f"{self.process.args[0]} ended before it was ready.")

    def run(self, frames):
        self.process.stdin.write(f"{frames}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args[0]} ended in the middle of a round.")
        print(line, end="", flush=True)
        self.rounds.append(json.loads(line))

    def summary(self):
        summary = {key: value for key, value in self.rounds[0].items() if key not in ("median_ms", "p99_ms", "fps")}
        for key in ("median_ms", "p99_ms", "fps"):
            summary[key] = round(statistics.median(line[key] for line in self.rounds), 3)
        return {"summary": True, "rounds": len(self.rounds), **summary}


def split(words):
    commands = [[]]
    for word in words:
        if word == "--":
            commands.append([])
        else:
            commands[-1].append(word)
    return [command for command in commands if command]


def main():
    arguments = sys.argv[1:]
    start = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=100)
    options = parser.parse_args(arguments[:start])
    contestants = [Contestant(command) for command in split(arguments[start:])]
    if not contestants:
        parser.error("name at least one program after --")
    for contestant in contestants:
        contestant.wait_ready()
    for _ in range(options.rounds):
        for contestant in contestants:
            contestant.run(options.frames)
    for contestant in contestants:
        print(json.dumps(contestant.summary()), flush=True)
        contestant.process.stdin.close()
        contestant.process.wait()


if __name__ == "__main__":
    main()
