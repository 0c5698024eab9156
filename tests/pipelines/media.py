# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs pipelines and looks at the films that they write."""
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("LIVEEDIT_BUILD_DIR", ROOT / "build"))
PORTRAIT = ROOT / "examples/media/portrait.mp4"
FRAMES = 12


class PipelineFailed(AssertionError):
    pass


def run(command, folder, seconds=240):
    """Runs a command in `folder`; returns what it printed. A failure or a GLib critical is an error that shows it."""
    done = subprocess.run([str(word) for word in command], cwd=folder, timeout=seconds, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0 or "CRITICAL" in done.stdout or "erroneous pipeline" in done.stdout:
        raise PipelineFailed(f"{command} gave {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout


def run_pipeline(name, folder, *changes):
    return run([ROOT / "scripts/run-pipeline", ROOT / f"pipelines/{name}.launch", *changes], folder)


def gst_launch(text, folder):
    """A pipeline as one string, in the build tree's environment."""
    return run(["bash", "-c", f". '{BUILD}/env.sh'; set -f; gst-launch-1.0 -e {text}"], folder)


def make_film(path, frame_count, rate, side, sound=False):
    """The first frames of the portrait at another rate and size, with a 440 Hz tone if wanted. Returns the path."""
    tone = ["-f", "lavfi", "-i", f"sine=440:duration={frame_count / rate}", "-c:a", "aac"] if sound else []
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", PORTRAIT, *tone, "-vf", f"scale={side}:{side},setpts=N/({rate}*TB)", "-r", str(rate),
                    "-frames:v", str(frame_count), "-c:v", "libx264", "-qp", "10", path], check=True, stdin=subprocess.DEVNULL)
    return path


def raw_frames(path, width, height):
    """Frames [n, height, width, 3] of a file of raw RGB; the whole file must be frames."""
    data = np.fromfile(path, np.uint8)
    assert data.size > 0 and data.size % (width * height * 3) == 0, f"{path}: {data.size} bytes are not frames of {width}x{height}"
    return data.reshape(-1, height, width, 3)


def frames(path, width, height):
    """Decodes a film with ffmpeg, that is, with a decoder that is not GStreamer's."""
    data = subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
                          check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout
    return np.frombuffer(data, np.uint8).reshape(-1, height, width, 3)


def streams(path):
    """{kind: ffprobe's stream} with frames counted and duration in seconds."""
    listed = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(path)],
                            check=True, capture_output=True, text=True).stdout
    return {stream["codec_type"]: stream for stream in json.loads(listed)["streams"]}


def difference(a, b):
    """Mean absolute difference of two pictures or films, 0 to 255."""
    return float(np.mean(np.abs(a.astype(np.int16) - b.astype(np.int16))))


class PipelineCase(unittest.TestCase):
    """Tests that run pipelines in a folder of their own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="liveedit-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def camera(self, pace="! identity sync=true", frame_count=FRAMES):
        """A film in place of the camera: frames at a camera's pace, none of them dropped, so that two runs can be compared."""
        film = make_film(self.folder / "camera.mp4", frame_count, 25, 384)
        return [f"camera=filesrc location={film} ! decodebin {pace}", "newest.leaky=no"]
