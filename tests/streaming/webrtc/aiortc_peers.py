# SPDX-License-Identifier: LGPL-2.1-or-later
"""livewebrtcsink and livewebrtcsrc with aiortc as viewer and publisher: a stack that shares nothing with GStreamer's."""
import json
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import live

try:
    import aiohttp  # noqa: F401
    import aiortc  # noqa: F401
except ImportError as missing:
    print(f"skipped: {missing}; scripts/setup --tests installs aiortc")
    sys.exit(live.SKIPPED)
from tracks import LARGE_COLOUR

CLIENT = [sys.executable, str(Path(__file__).parent / "aiortc_client.py")]


def start(*arguments):
    return subprocess.Popen([*CLIENT, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def red_sink(more=""):
    return live.sink("videotestsrc is-live=true pattern=red ! video/x-raw,width=320,height=240,framerate=15/1", more)


class Viewers(unittest.TestCase):
    def watch(self, s, frames):
        client = start("view", s.url + "/whep", 1, 2 * live.PATIENCE, frames)
        return json.loads(client.communicate()[0].splitlines()[-1])[0]

    def assert_red(self, colour):
        self.assertGreater(colour[0], 200)
        self.assertLess(max(colour[1:]), 60)

    def test_a_viewer_sees_and_hears(self):
        with red_sink("audiotestsrc is-live=true ! queue ! sink.audio_sink") as s:
            s.wait("async-done")
            seen = self.watch(s, 45)
            self.assertEqual(seen["status"], 201)
            self.assertGreaterEqual(seen["frames"], 45)
            self.assertGreater(seen["audio"], 50)
            self.assert_red(seen["colour"])
            s.wait("viewer-left")

    def test_h264_alone(self):
        with red_sink("video-caps=video/x-h264") as s:
            s.wait("async-done")
            seen = self.watch(s, 25)
            self.assertGreaterEqual(seen["frames"], 25)
            self.assert_red(seen["colour"])

    # Caps that change while somebody watches, and pictures of odd sizes.
    def test_the_size_changes(self):
        line = ("concat name=c adjust-base=false ! livewebrtcsink name=sink port=0 "
                "videotestsrc is-live=true num-buffers=60 pattern=red ! video/x-raw,width=320,height=240,framerate=15/1 ! c. "
                "videotestsrc is-live=true pattern=red ! video/x-raw,width=161,height=121,framerate=15/1 ! c.")
        with live.Live(line) as s:
            s.wait("async-done")
            seen = self.watch(s, 80)
            self.assertGreaterEqual(seen["frames"], 80)
            self.assert_red(seen["colour"])
            self.assertEqual(s.found("ERROR|WARNING"), [])

    # A stream that stands still is still shown to who comes later.
    def test_a_still_stream(self):
        line = ("videotestsrc num-buffers=1 pattern=red ! video/x-raw,width=320,height=240,framerate=1/1 ! "
                "livewebrtcsink name=sink port=0 videotestsrc is-live=true ! fakesink")
        with live.Live(line) as s:
            s.wait("async-done")
            time.sleep(1)
            seen = self.watch(s, 4)
            self.assertGreaterEqual(seen["frames"], 4)
            self.assert_red(seen["colour"])

    # One viewer that is stopped dead (not ended) costs the other no frame.
    def test_a_stopped_viewer_costs_nobody_a_frame(self):
        with red_sink() as s:
            s.wait("async-done")
            stopped = start("view", s.url + "/whep", 3, 4 * live.PATIENCE)
            stopped.stdout.readline()
            s.wait("viewer-joined", 3)
            stopped.send_signal(19)  # SIGSTOP
            seen = self.watch(s, 90)
            stopped.kill()
            stopped.communicate()
            self.assertGreaterEqual(seen["frames"], 90)
            first, last = seen["times"]
            self.assertGreater(seen["frames"], 0.8 * 15 * (last - first), "of 15 pictures a second")

    def test_20_killed_viewers_leave_nothing(self):
        with red_sink() as s:
            s.wait("async-done")
            # One viewer first: what GStreamer keeps for good is there then.
            self.watch(s, 1)
            s.wait("viewer-left")
            time.sleep(7)  # the idle encoder goes
            before = (s.descriptors(), s.threads())
            viewers = start("view", s.url + "/whep", 20, 8 * live.PATIENCE)
            viewers.stdout.readline()
            s.wait("viewer-joined", 21, 4 * live.PATIENCE)
            viewers.kill()
            viewers.communicate()
            s.wait("viewer-left", 21, 2 * live.PATIENCE)
            self.assertLessEqual(s.settle(s.descriptors, before[0]), before[0])
            self.assertLessEqual(s.settle(s.threads, before[1]), before[1])


class NewestPicture:
    """What comes out of a source, as 16x16 pixels in a file."""

    def __init__(self, folder):
        self.file = Path(folder) / "newest.rgb"
        self.sink = f"videoconvert ! videoscale ! video/x-raw,format=RGB,width=16,height=16 ! multifilesink location={self.file} max-files=1 sync=false"

    def middle(self):
        data = self.file.read_bytes() if self.file.exists() else b""
        return list(data[408:411]) if len(data) == 768 else None

    def becomes(self, check):
        end = time.monotonic() + live.PATIENCE
        while time.monotonic() < end:
            colour = self.middle()
            if colour and check(colour):
                return True
            time.sleep(0.1)
        return False


class Publishers(unittest.TestCase):
    def publish(self, s, seconds, kind="publish"):
        client = start(kind, s.url + "/whip", seconds)
        self.addCleanup(lambda: (client.kill(), client.communicate()))
        self.assertEqual(client.stdout.readline().strip(), "publishing")
        return client

    # The picture and the tone of a publisher; after its death the fallback; the next one without a restart.
    def test_publishers_come_and_go(self):
        with tempfile.TemporaryDirectory() as folder:
            newest = NewestPicture(folder)
            line = (f"livewebrtcsrc name=source port=0 fallback=black source.video ! {newest.sink} "
                    "source.audio ! audioconvert ! level ! fakesink sync=false")
            with live.Live(line) as s:
                first = self.publish(s, 4 * live.PATIENCE)
                s.wait("publisher-joined, .*video=.boolean.true, audio=.boolean.true")
                self.assertTrue(newest.becomes(lambda c: c[0] > 200 and max(c[1:]) < 60), newest.middle())
                s.wait(r"level, .*rms=\(GValueArray\)< -1\d\.")
                first.kill()
                s.wait("publisher-left")
                self.assertTrue(newest.becomes(lambda c: max(c) < 20), newest.middle())
                self.publish(s, 4 * live.PATIENCE)
                s.wait("publisher-joined", 2)
                self.assertTrue(newest.becomes(lambda c: c[0] > 200), newest.middle())

    # Of this size GStreamer takes pictures for BT.709, which VP8 does not know.
    def test_colours_of_large_pictures(self):
        with tempfile.TemporaryDirectory() as folder:
            newest = NewestPicture(folder)
            with live.Live(f"livewebrtcsrc name=source port=0 fallback=black source.video ! {newest.sink} source.audio ! fakesink sync=false") as s:
                self.publish(s, 4 * live.PATIENCE, "large")
                self.assertTrue(newest.becomes(lambda c: max(abs(a - b) for a, b in zip(c, LARGE_COLOUR)) < 6), newest.middle())

    def test_20_publishers_leave_nothing(self):
        with live.Live("livewebrtcsrc name=source port=0 source.video ! fakesink source.audio ! fakesink") as s:
            counts = []
            for i in range(1, 7):
                client = start("publish", s.url + "/whip", 1)
                self.assertIn('"status": 201', client.communicate()[0])
                s.wait("publisher-left", i, 2 * live.PATIENCE)
                time.sleep(1)
                counts.append((s.descriptors(), s.threads()))
            self.assertLessEqual(counts[-1][0], counts[1][0], counts)
            self.assertLessEqual(counts[-1][1], counts[1][1], counts)


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
