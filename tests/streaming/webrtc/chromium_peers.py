# SPDX-License-Identifier: LGPL-2.1-or-later
"""livewebrtcsink and livewebrtcsrc with Chromium and their own pages, addresses hidden as browsers do by default."""
import base64
import hashlib
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


def start(*arguments, options=()):
    return subprocess.Popen([NODE, str(Path(__file__).parent / "browser.mjs"), *map(str, arguments)], stdout=subprocess.PIPE, text=True,
                            env=dict(os.environ, LIVEEDIT_CHROMIUM=CHROMIUM, LIVEEDIT_CHROMIUM_OPTIONS="\n".join(options),
                                     LIVEEDIT_NODE=str(live.NODE_MODULES)))


def browse(*arguments, options=()):
    client = start(*arguments, options=options)
    text = client.communicate(timeout=4 * live.PATIENCE)[0]
    assert client.returncode == 0, text
    return json.loads(text.splitlines()[-1])


def picture(pattern, fps=15):
    return f"videotestsrc is-live=true pattern={pattern} ! video/x-raw,width=320,height=240,framerate={fps}/1"


class Certificate:
    """Files for tls-certificate and tls-private-key, and what Chromium has to be told to take them for those of camera.example, which is here."""

    def __init__(self, folder):
        self.key, self.certificate = f"{folder}/key.pem", f"{folder}/certificate.pem"
        # The command of docs/streaming.md.
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                        "/CN=camera.example", "-addext", "subjectAltName=DNS:camera.example", "-keyout", self.key, "-out", self.certificate],
                       check=True, capture_output=True)
        public = subprocess.run(["openssl", "pkey", "-in", self.key, "-pubout", "-outform", "der"], check=True, capture_output=True).stdout
        known = base64.b64encode(hashlib.sha256(public).digest()).decode()
        self.options = [f"--ignore-certificate-errors-spki-list={known}", "--host-resolver-rules=MAP camera.example 127.0.0.1"]
        self.properties = f"token=s3cr3t-token tls-certificate={self.certificate} tls-private-key={self.key}"

    @staticmethod
    def page(url, scheme="https"):
        return f"{scheme}://camera.example:{url.rstrip('/').rsplit(':', 1)[1]}/#token=s3cr3t-token"


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

    # Of this size GStreamer makes them of BT.709, which VP8 does not know and H.264 has to say.
    def test_colours_of_large_pictures(self):
        large = "videotestsrc is-live=true pattern=solid-color foreground-color=0xff30b060 ! video/x-raw,width=1280,height=720,framerate=15/1"
        for codec in ("vp8", "h264"):
            with self.subTest(codec):
                seen = self.watch(large, f"video-caps=video/x-{codec}")["colour"]
                self.assertLess(max(abs(a - b) for a, b in zip(seen, (0x30, 0xb0, 0x60))), 6, seen)

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

    # By a name that is not localhost: only HTTPS makes it a secure context, which cameras, screens and the like need.
    def test_https_by_a_certificate(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate = Certificate(folder)
            with live.sink(picture("red"), certificate.properties) as s:
                s.wait("async-done")
                self.assertTrue(s.url.startswith("https://"), s.url)
                seen = browse("view", certificate.page(s.url), options=certificate.options)
                self.assertEqual((seen["secure"], seen["complaints"]), (True, []))
                self.assert_colour(seen["colour"], (255, 0, 0))
                s.wait("viewer-left")
                refused = start("view", certificate.page(s.url), options=certificate.options[1:])  # a certificate that nobody vouches for
                refused.communicate(timeout=2 * live.PATIENCE)
                self.assertNotEqual(refused.returncode, 0)
            with live.sink(picture("red"), "token=s3cr3t-token") as s:
                s.wait("async-done")
                self.assertFalse(browse("view", certificate.page(s.url, "http"), options=certificate.options)["secure"])

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
            s.wait("viewer-left", joined, 2 * live.PATIENCE)


class Publishers(unittest.TestCase):
    # A camera by a name that is not localhost: over HTTPS alone.
    def test_https_by_a_certificate(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate = Certificate(folder)
            with live.Live(f"livewebrtcsrc name=source port=0 {certificate.properties} source.video ! fakesink source.audio ! fakesink") as s:
                client = start("publish", certificate.page(s.url), 2, options=certificate.options)
                s.wait("publisher-joined, .*video=.boolean.true, audio=.boolean.true")
                self.assertEqual(json.loads(client.communicate(timeout=2 * live.PATIENCE)[0].splitlines()[-1])["complaints"], [])

    def test_the_page_publishes(self):
        with tempfile.TemporaryDirectory() as folder:
            line = ("livewebrtcsrc name=source port=0 source.video ! videoconvert ! videoscale ! video/x-raw,format=RGB,width=16,height=16 ! "
                    f"multifilesink location={folder}/newest.rgb max-files=1 sync=false "
                    "source.audio ! audioconvert ! level ! fakesink sync=false")
            with live.Live(line) as s:
                client = start("publish", s.url, 4)
                s.wait("publisher-joined, .*video=.boolean.true, audio=.boolean.true")
                s.wait(r"level, .*rms=\(GValueArray\)< -[1-3]?\d\.")  # the fake microphone beeps once a second
                seen = json.loads(client.communicate(timeout=2 * live.PATIENCE)[0].splitlines()[-1])
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
