# SPDX-License-Identifier: LGPL-2.1-or-later
"""Chromium with a camera that plays a film, steered through page.mjs, and what tests in it share."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from PIL import Image

from serving import PATIENCE, ROOT, wait_until

NODE, CHROMIUM = shutil.which("node"), shutil.which("chromium")
MODULES = Path(os.environ.get("LIVEEDIT_NODE", ROOT / ".cache/node"))
if not NODE or not CHROMIUM or not (MODULES / "node_modules/playwright-core").exists():
    raise unittest.SkipTest("not installed: node, chromium or playwright-core (scripts/setup --tests installs them)")


class Browser:
    """`film`: what its camera shows; without one it has no camera. `sound`: what its microphone hears. `hideable`: hide() works.
    `shared`: the title of the page that is shared when this one asks for a screen. Commands: those of page.mjs."""

    def __init__(self, url, film=None, sound=None, hideable=False, shared=None):
        self.log = tempfile.TemporaryFile(mode="w+")
        options = {"url": url, "film": film, "sound": sound, "hideable": hideable, "shared": shared}
        self.process = subprocess.Popen([NODE, Path(__file__).with_name("page.mjs"), json.dumps(options)], text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                                        env=dict(os.environ, LIVEEDIT_CHROMIUM=CHROMIUM, LIVEEDIT_NODE=str(MODULES)))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def __getattr__(self, command):
        def ask(*arguments):
            self.process.stdin.write(json.dumps([command, *arguments]) + "\n")
            line = self.process.stdout.readline()
            if not line:
                self.log.seek(0)
                raise AssertionError(f"the browser has gone: {self.log.read()[-2000:]}")
            answer = json.loads(line)
            if "error" in answer:
                raise AssertionError(f"{command} {arguments}: {answer['error']}")
            return answer["answer"]
        return ask


def make_film(path, *colours):
    """A camera's film: 10 pictures of each colour."""
    with open(path, "wb") as film:
        for colour in colours:
            for _ in range(10):
                Image.new("RGB", (320, 240), colour).save(film, "JPEG", quality=90)
    return str(path)


def portrait(folder):
    """A camera's film of a face that moves."""
    film = folder / "camera.mjpeg"
    subprocess.run(["ffmpeg", "-v", "error", "-i", ROOT / "examples/media/portrait.mp4", "-vf", "scale=640:480:force_original_aspect_ratio=increase,crop=640:480",
                    "-t", "3", "-q:v", "3", "-f", "mjpeg", film], check=True, timeout=60)
    return str(film)


class FolderTest(unittest.TestCase):
    """With a folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="liveedit-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)


class PageTest(FolderTest):
    """The page, edited by the double: what the camera sees is COLOUR, and its edit INVERTED."""

    COLOUR, INVERTED = (200, 40, 90), (55, 215, 165)

    def camera(self):
        return make_film(self.folder / "camera.mjpeg", self.COLOUR)

    def picture(self, colour=COLOUR, name="picture.png"):
        Image.new("RGB", (320, 240), colour).save(self.folder / name)
        return str(self.folder / name)

    def open(self, browser):
        browser.open()
        self.wait_for_state(browser, "Ready")

    def start(self, browser):
        self.open(browser)
        browser.click("#start")

    def wait(self, browser, condition, what):
        try:
            wait_until(condition, what)
        except AssertionError as late:
            shown = {name: browser.text(name) for name in ("#state", "#waiting-text", "#reference-note")}
            raise AssertionError(f"{late} shown: {browser.colour('after')}; said: {shown}; complaints: {browser.complaints()}") from None

    def wait_for_state(self, browser, state):
        self.wait(browser, lambda: browser.text("#state") == state, f"the state {state}")

    def wait_for_colour(self, browser, expected=INVERTED, what="the edited picture"):
        def seen():
            colour = browser.colour("after")
            return colour and max(abs(a - b) for a, b in zip(colour, expected)) < 16
        self.wait(browser, seen, what)

    def restart(self, server, browser, *arguments):
        """The server dies and is started again at its old address."""
        server.process.kill()
        server.process.wait()
        wait_until(lambda: "lost" in browser.text("#state"), "the notice")
        server.command += [f"--set=server.port={server.port}", *arguments]
        server.launch()
