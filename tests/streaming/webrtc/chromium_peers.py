# SPDX-License-Identifier: LGPL-2.1-or-later
"""livewebrtcsink and livewebrtcsrc with Chromium and their own pages, addresses hidden as browsers do by default."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import live

NODE, CHROMIUM = shutil.which("node"), shutil.which("chromium")
if not NODE or not CHROMIUM or not (live.NODE_MODULES / "node_modules/playwright-core").exists():
    print("skipped: Chromium, node or playwright-core is not installed; scripts/setup --tests installs them")
    sys.exit(live.SKIPPED)


def start(*arguments):
    return subprocess.Popen([NODE, str(Path(__file__).parent / "browser.mjs"), *map(str, arguments)], stdout=subprocess.PIPE, text=True,
                            env=dict(os.environ, LIVEEDIT_CHROMIUM=CHROMIUM, LIVEEDIT_NODE=str(live.NODE_MODULES)))


def browse(*arguments):
    client = start(*arguments)
    text = client.communicate(timeout=120)[0]
    assert client.returncode == 0, text
    return json.loads(text.splitlines()[-1])


def picture(pattern, fps=15):
    return f"videotestsrc is-live=true pattern={pattern} ! video/x-raw,width=320,height=240,framerate={fps}/1"


class Viewers(unittest.TestCase):
    def assert_colour(self, seen, wanted):
        self.assertLessEqual(max(abs(a - b) for a, b in zip(seen, wanted)), 45, f"{seen} is not {wanted}")

    def watch(self, before, more=""):
        with live.sink(before, more) as s:
            s.wait("async-done")
            seen = browse("view", s.url)
            self.assertEqual(seen["complaints"], [])
            self.assertEqual(seen["status"], "")
            s.wait("viewer-left")  # the page says DELETE when it goes
            self.assertEqual(s.found("WARNING|ERROR|CRITICAL"), [])
            return seen

    def test_vp8(self):
        seen = self.watch(picture("red"))
        self.assert_colour(seen["colour"], (255, 0, 0))
        self.assertEqual((seen["width"], seen["height"], seen["soundOffered"]), (320, 240, False))
        self.assertGreater(seen["frames"], 20)

    def test_h264(self):
        seen = self.watch(picture("blue"), "video-caps=video/x-h264")
        self.assert_colour(seen["colour"], (0, 0, 255))
        self.assertGreater(seen["frames"], 20)

    def test_sound(self):
        seen = self.watch(picture("green"), "audiotestsrc is-live=true freq=440 ! audio/x-raw,channels=2 ! queue ! sink.audio_sink")
        self.assertTrue(seen["soundOffered"])
        self.assertAlmostEqual(seen["heard"]["hertz"], 440, delta=15)
        self.assertGreater(seen["heard"]["decibels"], -60)

    def test_a_token_in_the_address(self):
        with live.sink(picture("red"), "token=s3cr3t-token") as s:
            s.wait("async-done")
            seen = browse("view", s.url + "/#token=s3cr3t-token")
            self.assertEqual(seen["complaints"], [])
            self.assert_colour(seen["colour"], (255, 0, 0))

    # Twice a new path for one session: other credentials on both sides, and the pictures go on.
    def test_ice_restarts(self):
        with live.sink(picture("red")) as s:
            s.wait("async-done")
            seen = browse("restart", s.url)
            self.assertEqual((seen["state"], seen["complaints"]), ("connected", []))
            names = [name for step in seen["seen"] for name in step["path"]]
            self.assertEqual(len(set(names)), 6, seen)
            self.assertTrue(all(step["frames"] > 5 for step in seen["seen"]), seen)
            s.wait("viewer-left")
            self.assertEqual(len(s.found("viewer-joined")), 1)

    # Two pages, two sinks, one process: each sees its own.
    def test_two_sinks_in_one_process(self):
        with live.Live(f"{picture('red')} ! livewebrtcsink name=a port=0 {picture('blue')} ! livewebrtcsink name=b port=0") as s:
            s.wait("async-done")
            self.assert_colour(browse("view", s.urls["a"])["colour"], (255, 0, 0))
            self.assert_colour(browse("view", s.urls["b"])["colour"], (0, 0, 255))

    # Closed without a word: the watchdog finds out.
    def test_a_killed_browser_is_noticed(self):
        with live.sink(picture("red")) as s:
            s.wait("async-done")
            client = start("views", s.url, 20)
            s.wait("viewer-joined", 2)
            children = Path(f"/proc/{client.pid}/task/{client.pid}/children").read_text().split()
            for child in children:
                os.kill(int(child), 9)
            client.kill()
            client.communicate()
            joined = len(s.found("viewer-joined"))
            s.wait("viewer-left", joined, 60)


class Publishers(unittest.TestCase):
    def test_the_page_publishes(self):
        with tempfile.TemporaryDirectory() as folder:
            line = ("livewebrtcsrc name=source port=0 source.video ! videoconvert ! videoscale ! video/x-raw,format=RGB,width=16,height=16 ! "
                    f"multifilesink location={folder}/newest.rgb max-files=1 sync=false "
                    "source.audio ! audioconvert ! level ! fakesink sync=false")
            with live.Live(line) as s:
                client = start("publish", s.url, 4)
                s.wait("publisher-joined, .*video=.boolean.true, audio=.boolean.true")
                s.wait(r"level, .*rms=\(GValueArray\)< -[1-3]?\d\.")  # the fake microphone beeps once a second
                seen = json.loads(client.communicate(timeout=60)[0].splitlines()[-1])
                s.wait("publisher-left")
                self.assertEqual(seen["complaints"], [])
                data = (Path(folder) / "newest.rgb").read_bytes()
                # The fake camera's picture is green.
                self.assertGreater(data[1], 90)
                self.assertLess(max(data[0], data[2]), 60)

    # A browser's camera, through a filter, back into a page of the same browser: fixed size, inverted colours.
    def test_there_and_back(self):
        line = ("livewebrtcsrc name=source port=0 video-caps=video/x-raw,width=320,height=240,framerate=20/1 ! videoconvert ! "
                "videobalance hue=1.0 ! videoconvert ! livewebrtcsink name=sink port=0")
        with live.Live(line) as s:
            seen = browse("loop", s.urls["source"], s.urls["sink"])
            self.assertEqual(seen["complaints"], [])
            self.assertEqual((seen["width"], seen["height"]), (320, 240))
            self.assertGreater(seen["frames"], 20)
            red, green, blue = seen["colour"]
            self.assertLess(green, max(red, blue), f"{seen['colour']} is not the camera's green with its hue turned")
            self.assertEqual(s.found("WARNING|ERROR|CRITICAL"), [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
