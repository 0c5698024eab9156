#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Includes go down only: server/ -> gst-plugins/ -> elements/ -> core/api/ <- core/. See docs/architecture.md."""
import re
import sys
from pathlib import Path

from source_files import ROOT, project_files

INCLUDE = re.compile(r'^\s*#\s*(?:include|import)\s*[<"]([^>"]+)[>"]', re.MULTILINE)
SOURCES = {".h", ".hpp", ".c", ".cc", ".cpp", ".cu", ".cuh"}

TORCH = r"(?:torch|ATen|c10|caffe2)/"
GSTREAMER = r"gst/|glib-object\.h|gio/"

# (where: a pattern on the file's path, what it may not include, why)
RULES = [
    (r"", r"torch/(?:torch\.h|nn)|torch/csrc/api", "networks are plain functions on at::Tensor: include <ATen/ATen.h>"),
    (r"(?!core/|tests/)", TORCH, "torch stays inside core/"),
    (r"core/api/", TORCH, "core/api is the border: no torch"),
    (r"core/api/", r"core/(?!api/)|glib", "core/api is the border: it stands on the C++ library alone"),
    (r"core/", GSTREAMER, "core/ knows no GStreamer"),
    (r"core/", r"(?:elements|gst-plugins|streaming|server|web)/", "core/ knows nothing above it"),
    (r"core/kernels/cuda/", TORCH, "CUDA kernels compile with nvcc alone"),
    (r"(?!core/runtime/|tests/)", r"(?:ATen|c10)/cuda/", "torch's CUDA API is used in core/runtime only"),
    (r"elements/", r"core/(?!api/)", "elements see the core through core/api only"),
    (r"elements/", r"(?:gst-plugins|streaming|server)/", "elements know nothing above or beside them"),
    (r"gst-plugins/", r"core/(?!api/)|server/", "plugins register elements and see the core through core/api only"),
    (r"streaming/", r"(?:core|elements|gst-plugins|server)/", "streaming/ is GStreamer and Boost.Beast only"),
    (r"streaming/(?:base|http)/", r"streaming/(?:http_sink|rtsp|webrtc)/", "what the serving elements share knows none of them"),
    (r"streaming/(?:http_sink|rtsp|webrtc)/", r"streaming/http/(?!io_thread|message|random_name|server)",
     "serving elements see the HTTP server through its interface"),
    (r"(?!streaming/http/)", r"boost/", "Boost stays inside streaming/http: it is slow to compile"),
    (r"server/", r"(?:core|elements|gst-plugins)/", "the server knows elements by name only"),
]

# Interfaces that a room is handed from above: including one does not make the lower room depend on the upper.
HANDED_DOWN = {"core/runtime/frame_runner.h"}


def includes(root):
    """Yields (path, included) for every include of every C++ and CUDA file."""
    for path in project_files(root):
        if path.suffix in SOURCES:
            for included in INCLUDE.findall((root / path).read_text(encoding="utf-8")):
                yield path, included


def broken_rules(root):
    for path, included in includes(root):
        for where, forbidden, why in RULES:
            if re.match(where, path.as_posix()) and re.match(forbidden, included):
                yield f"{path} includes {included}: {why}"


def room(path):
    """The room of core/ that a file lies in, or None."""
    parts = Path(path).parts
    return parts[1] if len(parts) > 2 and parts[0] == "core" else None


def room_cycles(root):
    """Rooms of core/ that include each other, directly or in a ring."""
    below = {}
    for path, included in includes(root):
        upper, lower = room(path), room(included)
        if upper and lower and upper != lower and included not in HANDED_DOWN:
            below.setdefault(upper, set()).add(lower)

    def visit(name, trail):
        if name in trail:
            yield " -> ".join(trail[trail.index(name):] + [name])
            return
        for lower in sorted(below.get(name, ())):
            yield from visit(lower, trail + [name])

    rings = {ring for name in sorted(below) for ring in visit(name, [])}
    shortest = {}
    for ring in sorted(rings):
        shortest.setdefault(frozenset(ring.split(" -> ")), ring)
    return [f"rooms of core/ use each other in a ring: {ring}" for ring in shortest.values()]


def findings(root):
    return list(broken_rules(root)) + room_cycles(root)


def main():
    found = findings(ROOT)
    for sentence in found:
        print(f"  error: {sentence}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
