#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lists the GoogleTest cases that a CTest run skipped, with the reason that each gave.

    scripts/checks/skipped_cases.py build/Testing/Temporary/LastTest.log
"""
import re
import sys

STARTED = re.compile(r"^\[ RUN      \] (\S+)")
SKIPPED = re.compile(r"^\[  SKIPPED \] (\S+) \(")


def skipped_cases(lines):
    """Yields (case, reason): the reason is what the case printed between its start and its end."""
    said = []
    for line in lines:
        if STARTED.match(line):
            said = []
        elif match := SKIPPED.match(line):
            reason = " ".join(text for text in said if text and not re.search(r"^\S+:\d+: Skipped$", text))
            yield match.group(1), reason or "no reason given"
        else:
            said.append(line.strip())


def main():
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        cases = list(skipped_cases(log))
    print(f"GoogleTest cases skipped: {len(cases)}")
    for case, reason in cases:
        print(f"  {case}: {reason}")


if __name__ == "__main__":
    main()
