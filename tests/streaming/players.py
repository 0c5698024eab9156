# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pipelines that serve, and the programs that watch them."""
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import numpy as np

BUILD = Path(os.environ["LIVEEDIT_BUILD_DIR"])
# Red, green, blue and white quarters would do; these bars have eight colours that no decoder mistakes.
BARS = "videotestsrc is-live=true pattern=smpte name=source ! capsfilter name=caps caps=video/x-raw,width=320,height=240,framerate=25/1"
# For what comes in a moment on an idle machine, and is only late on a busy one: none of these waits is a statement about speed.
PATIENCE = 60


def needs(*programs):
    """Skips a test, in words, where a client is not installed."""
    missing = [program for program in programs if not shutil.which(program)]
    return unittest.skipIf(missing, f"not installed: {', '.join(missing)} (scripts/setup --tests installs them)")


def wait_until(condition, what, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come to be within {seconds} s")
        time.sleep(0.05)
    return value


class Line:
    """A pipeline in a process of its own, steered from here (tests/streaming/line.cpp)."""

    def __init__(self, text, state="PLAYING", debug=""):
        environment = dict(os.environ, GST_PLUGIN_PATH=str(BUILD / "gst-plugins"), G_DEBUG="fatal-criticals", GST_REGISTRY_FORK="no",
                           GST_DEBUG=debug or os.environ.get("GST_DEBUG", "1"), GST_DEBUG_NO_COLOR="1")
        self.log = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen([BUILD / "tests/streaming/liveedit_line", text], env=environment, text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        if state:
            self.state(state)

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        try:
            self.process.stdin.close()
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the pipeline did not end") from None
        finally:
            self.process.stdout.close()
            self.said = self.logged()
            self.log.close()
        if kind is None and code != 0:
            raise AssertionError(f"the pipeline's process ended with {code}:\n{self.said[-3000:]}")

    def logged(self):
        self.log.seek(0)
        return self.log.read()

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        answer = self.process.stdout.readline().strip()
        if not answer.startswith("ok"):
            raise AssertionError(f"{command}: {answer or 'the process has ended'}\n{self.logged()[-3000:]}")
        return answer[3:]

    def get(self, name, key):
        return self.ask(f"get {name} {key}")

    def stat(self, name, field):
        return int(re.search(rf"\b{field}=\(\w+\)(\w+)", self.get(name, "stats")).group(1).replace("true", "1").replace("false", "0"))

    def set(self, name, key, value):
        return self.ask(f"set {name} {key} {value}")

    def state(self, name):
        return self.ask(f"state {name}")

    def errors(self):
        return self.ask("errors")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident_kilobytes(self):
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024

    def allocated_kilobytes(self):
        """What the process has allocated and not freed. Its resident memory says less: the C library keeps what was freed."""
        return int(self.ask("memory")) // 1024

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))


def failed_start(text):
    """What the bus says when a pipeline is started that cannot."""
    with Line(text, state=None) as line:
        line.process.stdin.write("state PLAYING\nerrors\n")
        first, second = line.process.stdout.readline(), line.process.stdout.readline()
        assert first.startswith("error"), f"it started: {first}"
        said = [part for part in second.split(" | ") if part.startswith("error: ")]
        assert len(said) == 1, f"not one error but: {second}"
        return said[0]


def run(*command, seconds=2 * PATIENCE, check=True):
    """Runs a client; returns its result with stdout and stderr as text."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
    if check and done.returncode != 0:
        raise AssertionError(f"{command} gave {done.returncode}:\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}")
    return done


def frames(url, count, *options, width=320, height=240, seconds=2 * PATIENCE):
    """`count` decoded frames [n, height, width, 3] of what ffmpeg gets from `url`; and what ffmpeg complained about."""
    command = ["ffmpeg", "-v", "warning", *options, "-i", url, "-an", "-frames:v", str(count), "-fps_mode", "passthrough",
               "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds)
    data = np.frombuffer(done.stdout, np.uint8)
    if data.size == 0 or data.size % (width * height * 3):
        raise AssertionError(f"{' '.join(command)} gave {data.size} bytes:\n{done.stderr.decode()[-2000:]}")
    return data.reshape(-1, height, width, 3), done.stderr.decode()


def bars_of(picture):
    """The colours of the seven bars of videotestsrc's SMPTE picture, left to right."""
    height, width, _ = picture.shape
    return [tuple(int(v) for v in picture[height // 4, int((i + 0.5) * width / 7)]) for i in range(7)]


def assert_bars(test, picture, tolerance=24):
    """The picture is the SMPTE bars and nothing else."""
    expected = [(255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 0, 255), (255, 0, 0), (0, 0, 255)]
    for seen, wanted in zip(bars_of(picture), expected):
        test.assertLessEqual(max(abs(a - b) for a, b in zip(seen, wanted)), tolerance, f"{bars_of(picture)} are not the bars")


def streams(url, *options):
    """{kind: ffprobe's stream}."""
    listed = run("ffprobe", "-v", "error", *options, "-show_streams", "-of", "json", url).stdout
    return {stream["codec_type"]: stream for stream in json.loads(listed)["streams"]}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def as_nobody():
    """Arguments for subprocess: VLC refuses to run as root."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    home = tempfile.mkdtemp(prefix="liveedit-nobody-")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "env": dict(os.environ, HOME=home), "cwd": home}


def vlc_frames(url, count):
    """Frames of what VLC makes of `url`: it writes four seconds to a file, which ffmpeg reads."""
    options = as_nobody()
    film = Path(options.get("cwd") or tempfile.mkdtemp(prefix="liveedit-vlc-")) / "vlc.ts"
    command = ["cvlc", "-I", "dummy", "--no-audio", "--run-time=4", "--sout", f"#std{{access=file,mux=ts,dst={film}}}", url, "vlc://quit"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * PATIENCE, **options)
        if done.returncode != 0:
            raise AssertionError(f"VLC gave {done.returncode}:\n{done.stderr[-2000:]}")
        return frames(str(film), count)[0]
    finally:
        shutil.rmtree(film.parent)


def kill(processes):
    for process in processes:
        process.send_signal(signal.SIGKILL)
    for process in processes:
        process.wait()
