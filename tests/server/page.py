# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page, in Chromium with a camera that plays a film."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np
from PIL import Image

from serving import BUILD, ROOT, Server, wait_until

NODE, CHROMIUM = shutil.which("node"), shutil.which("chromium")
MODULES = Path(os.environ.get("LIVEEDIT_NODE", ROOT / ".cache/node"))
if not NODE or not CHROMIUM or not (MODULES / "node_modules/playwright-core").exists():
    raise unittest.SkipTest("not installed: node, chromium or playwright-core (scripts/setup --tests installs them)")


class Browser:
    def __init__(self, url, film=None, sound=None):
        self.log = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen([NODE, Path(__file__).with_name("page.mjs"), url, *([film] if film else []), *([sound] if sound else [])], text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                                        env=dict(os.environ, LIVEEDIT_CHROMIUM=CHROMIUM, LIVEEDIT_NODE=str(MODULES)))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.stdin.close()
        try:
            self.process.wait(20)
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


class Page(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="liveedit-page-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def wait_for_colour(self, browser, expected, what):
        def seen():
            colour = browser.colour("after")
            return colour and max(abs(a - b) for a, b in zip(colour, expected)) < 16
        wait_until(seen, what, seconds=30)

    def start(self, browser):
        browser.open()
        wait_until(lambda: browser.text("#state") == "Ready", "a page that is ready", seconds=30)
        browser.click("#start")

    def test_camera_to_picture(self):
        """The camera goes in, the edit comes out; the server and its worker may go and come back; nothing complains."""
        film = make_film(self.folder / "camera.mjpeg", (200, 40, 90))
        prompt = "<img src=x onerror=alert(1)>\"'&"
        with Server(settings={"pipeline.width": 256, "pipeline.height": 256}) as server:
            server.ready()
            with Browser(server.url, film) as browser:
                self.start(browser)
                self.wait_for_colour(browser, (55, 215, 165), "the edited picture")
                self.assertFalse(browser.visible("#empty"))
                self.assertTrue(browser.visible("#after"))
                self.assertLess(max(abs(a - b) for a, b in zip(browser.colour("before"), (200, 40, 90))), 16)
                browser.type("#prompt", prompt)
                browser.click("summary")
                self.assertEqual([], browser.nameless())
                self.assertTrue(browser.visible("#setting-strength"))
                self.assertFalse(browser.overflows())
                browser.size(360, 740)
                self.assertFalse(browser.overflows(), "the page is wider than a phone")
                browser.size(1100, 860)
                self.assertEqual([], browser.complaints())
                self.look_around(browser, server)

                os.kill(server.worker(), signal.SIGKILL)
                wait_until(lambda: server.metric("liveedit_worker_starts_total") == 2, "a new worker", server)
                before = server.metric("liveedit_frames_edited_total")
                wait_until(lambda: server.metric("liveedit_frames_edited_total") > before + 5, "frames of the new worker", server)
                self.assertEqual("Live", browser.text("#state"))

                server.process.kill()
                server.process.wait()
                wait_until(lambda: "lost" in browser.text("#state"), "the notice")
                server.command.append(f"--set=server.port={server.port}")
                server.launch()
                wait_until(lambda: browser.text("#state") == "Live", "the reconnection", seconds=40)
                self.wait_for_colour(browser, (55, 215, 165), "the edited picture after the restart")
                browser.click("#stop")
                self.assertEqual("Stopped", browser.text("#state"))
                wait_until(lambda: server.json("/api/queue")["queue_size"] == 0, "the end of the session", server)

    def look_around(self, browser, server):
        """The views, a viewer's link with its code, and what a viewer sees."""
        for view in ("both", "compare", "after"):
            browser.click(f"label:has(input[value={view}])")
            self.assertEqual(view, browser.evaluate("() => document.getElementById('stage').dataset.view"))
        browser.click("#share")
        link = browser.evaluate("() => document.getElementById('link').value")
        self.assertRegex(link, rf"^{server.url}/\?watch=[0-9a-f-]{{36}}$")
        wait_until(lambda: browser.evaluate("() => document.getElementById('code').naturalWidth > 0"), "the code")
        browser.click("#sharing .primary")
        with Browser(link) as viewer:
            viewer.open()
            self.wait_for_colour(viewer, (55, 215, 165), "the viewer's picture")
            self.assertFalse(viewer.visible("#controls"))
            self.assertFalse(viewer.visible("#waiting"))

    def test_without_webrtc(self):
        """Where there is no WebRTC the pictures go over the WebSocket and come as MJPEG; a picture of the disk is edited, too."""
        with Server(settings={"pipeline.width": 256, "pipeline.height": 256}) as server:
            server.ready()
            picture = self.folder / "picture.png"
            Image.new("RGB", (320, 240), (200, 40, 90)).save(picture)
            with Browser(server.url) as browser:
                browser.without("RTCPeerConnection")
                browser.open()
                wait_until(lambda: browser.text("#state") == "Ready", "a page that is ready")
                browser.choose("#chosen", str(picture))
                self.wait_for_colour(browser, (55, 215, 165), "the edited picture")
                self.assertTrue(browser.visible("#after-picture"))
                self.assertFalse(browser.visible("#after"))
                self.assertEqual([], browser.complaints())

    def test_prompts_and_settings(self):
        """What is typed, chosen and set arrives at the server; the history is kept; strange words stay words."""
        film = make_film(self.folder / "camera.mjpeg", (200, 40, 90))
        with Server() as server:
            server.ready()
            with Browser(server.url, film) as browser:
                self.start(browser)
                wait_until(lambda: browser.text("#state") == "Live", "the picture")
                browser.evaluate("() => { window.said = []; const send = WebSocket.prototype.send; "
                                 "WebSocket.prototype.send = function(data) { window.said.push(data); return send.call(this, data); }; }")
                strange = "<b onclick=alert(1)>\"'&"
                browser.type("#prompt", strange)
                browser.press("#prompt", "Enter")
                self.assertIn(strange, browser.text("#suggestions"))
                browser.click("#suggestions button:has-text('pop art')")
                browser.click("summary")
                browser.evaluate("() => { const s = document.getElementById('setting-strength'); s.value = 0.5; s.dispatchEvent(new Event('input')); }")
                wait_until(lambda: any('"strength":0.5' in said for said in browser.evaluate("() => window.said")), "the setting on its way")
                said = browser.evaluate("() => window.said")
                self.assertIn(strange, [json.loads(text)["settings"]["prompt"] for text in said])
                self.assertEqual("pop art", json.loads(said[-1])["settings"]["prompt"])
                browser.press("#prompt", "ArrowUp")
                browser.press("#prompt", "ArrowUp")
                self.assertEqual(strange, browser.evaluate("() => document.getElementById('prompt').value"))
                self.assertEqual("Live", browser.text("#state"), "the server took it all")
                self.assertEqual(0, server.metric("liveedit_messages_refused_total"))

    def test_talk(self):
        """What is said while the button is held becomes the prompt; so does each sentence where the page listens all the time."""
        film = make_film(self.folder / "camera.mjpeg", (200, 40, 90))
        sound = str(self.folder / "microphone.wav")  # a second of humming, a second of quiet, and so on
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "aevalsrc='lt(mod(t,2),1)*0.5*sin(2*PI*160*t+3*sin(2*PI*5*t))*(0.6+0.4*sin(2*PI*4*t))*(1+sin(2*PI*480*t))/2:s=48000:d=4'", sound],
                       check=True, timeout=60)
        with Server(settings={"model.speech": "text=make+it+snow"}) as server:
            server.ready()
            with Browser(server.url, film, sound) as browser:
                self.start(browser)
                wait_until(lambda: browser.text("#state") == "Live", "the picture")
                browser.hold("#talk", 3000)
                wait_until(lambda: browser.text("#state").startswith("Heard: make it snow"), "what was said")
                self.assertRegex(browser.evaluate("() => document.getElementById('prompt').value"), "^make it snow")
                browser.type("#prompt", "mosaic")
                browser.check("#listen")
                wait_until(lambda: browser.evaluate("() => document.getElementById('prompt').value").startswith("make it snow"), "a sentence", seconds=30)
                browser.evaluate("() => document.getElementById('listen').click()")
                self.assertEqual([], browser.complaints())

    def test_keyboard(self):
        """Everything can be reached and done without a mouse, in the order in which it is seen."""
        film = make_film(self.folder / "camera.mjpeg", (200, 40, 90))
        with Server() as server:
            server.ready()
            with Browser(server.url, film) as browser:
                browser.open()
                wait_until(lambda: browser.text("#state") == "Ready", "a page that is ready")
                self.assertEqual(["start", "screen", "file", "prompt", "talk"], [browser.tab() for _ in range(5)])
                browser.evaluate("() => document.getElementById('start').focus()")
                browser.key("Enter")
                wait_until(lambda: browser.text("#state") == "Live", "the picture")
                self.assertEqual("stop", browser.evaluate("() => document.activeElement.id"))
                browser.evaluate("() => document.querySelector('#views input').focus()")
                browser.key("ArrowRight")
                browser.key("ArrowRight")
                self.assertEqual("compare", browser.evaluate("() => document.getElementById('stage').dataset.view"))
                browser.evaluate("() => document.getElementById('divider').focus()")
                browser.key("ArrowRight")
                self.assertEqual("51%", browser.evaluate("() => document.getElementById('pictures').style.getPropertyValue('--cut')"))
                browser.evaluate("() => document.getElementById('stop').focus()")
                browser.key("Enter")
                self.assertEqual("Stopped", browser.text("#state"))
                self.assertEqual("start", browser.evaluate("() => document.activeElement.id"))

    def test_slow_link_and_long_run(self):
        """Over the WebSocket: 200 kbit/s slow it down and break nothing, and hundreds of pictures leave no memory behind."""
        with Server() as server:
            server.ready()
            picture = self.folder / "picture.png"
            Image.new("RGB", (320, 240), (200, 40, 90)).save(picture)
            with Browser(server.url) as browser:
                browser.without("RTCPeerConnection")
                browser.open()
                wait_until(lambda: browser.text("#state") == "Ready", "a page that is ready")
                browser.choose("#chosen", str(picture))
                self.wait_for_colour(browser, (55, 215, 165), "the edited picture")
                edited = server.metric("liveedit_frames_edited_total")
                wait_until(lambda: server.metric("liveedit_frames_edited_total") > edited + 50, "pictures", server)
                before = browser.heap()
                wait_until(lambda: server.metric("liveedit_frames_edited_total") > edited + 450, "many pictures", server, 60)
                self.assertLess(browser.heap(), before + 3e6)
                browser.throttle(200_000 / 8)
                edited = server.metric("liveedit_frames_edited_total")
                wait_until(lambda: server.metric("liveedit_frames_edited_total") > edited + 5, "pictures over a slow link", server, 60)
                self.assertEqual("Live", browser.text("#state"))
                browser.throttle(0)
                self.assertEqual([], browser.complaints())

    def test_denied_and_full_n(self):
        with Server(settings={"server.max_queue_size": 1}) as server:
            server.ready()
            with Browser(server.url) as browser:
                self.start(browser)
                wait_until(lambda: "camera" in browser.text("#state"), "the explanation")
                self.assertEqual("Start the camera", browser.text("#start"))
            film = make_film(self.folder / "camera.mjpeg", (10, 200, 10))
            with Browser(server.url, film) as first, Browser(server.url, film) as second:
                self.start(first)
                self.wait_for_colour(first, (245, 55, 245), "the edited picture")
                self.start(second)
                wait_until(lambda: second.text("#state") == "Server is full", "the notice")
                turned_away = server.metric("liveedit_turned_away_total")
                self.wait_for_colour(first, (245, 55, 245), "the first one's picture")
                self.assertLessEqual(turned_away, 2, "the page does not storm a full server")

    def test_token(self):
        film = make_film(self.folder / "camera.mjpeg", (200, 40, 90))
        with Server(settings={"server.token": "a-token-for-tests"}) as server:
            server.ready()
            self.assertEqual(401, server.get("/api/settings")[0])
            self.assertEqual(401, server.get("/metrics")[0])
            self.assertEqual(401, server.get("/api/stream/user123")[0])
            self.assertEqual(401, server.get("/api/ws/user123")[0])
            with Browser(server.url, film) as browser:
                browser.open()
                wait_until(lambda: browser.visible("#login"), "the question for the token")
                browser.type("#token", "wrong")
                browser.click("#login button")
                wait_until(lambda: "not the token" in browser.text("#state"), "the refusal")
                browser.type("#token", "a-token-for-tests")
                browser.click("#login button")
                wait_until(lambda: browser.text("#state") == "Ready", "a page that is ready")
                self.assertFalse(browser.visible("#login"))
                browser.click("#start")
                self.wait_for_colour(browser, (55, 215, 165), "the edited picture")
            self.assertNotIn("a-token-for-tests", server.said())

    @unittest.skipUnless((BUILD / "core/runtime/libliveedit-core.so").exists() or "LIVEEDIT_CORE_PATH" in os.environ, "the core is not built")
    def test_real_edit(self):
        """The embedded model edits a face that moves. The screenshot lies in LIVEEDIT_SCREENSHOTS, if that is a folder."""
        film = self.folder / "camera.mjpeg"
        subprocess.run(["ffmpeg", "-v", "error", "-i", ROOT / "examples/media/portrait.mp4", "-vf", "scale=640:480:force_original_aspect_ratio=increase,crop=640:480",
                        "-t", "3", "-q:v", "3", "-f", "mjpeg", film], check=True, timeout=60)
        folder = Path(os.environ.get("LIVEEDIT_SCREENSHOTS", self.folder))
        with Server(model=None, settings={"pipeline.width": 384, "pipeline.height": 384}) as server:
            server.ready(60)
            with Browser(server.url, str(film)) as browser:
                self.start(browser)
                frames = "() => document.getElementById('after').getVideoPlaybackQuality().totalVideoFrames"
                wait_until(lambda: browser.evaluate(frames) > 10, "edited pictures", server, 60)
                browser.type("#prompt", "pencil sketch")
                browser.press("#prompt", "Enter")
                shown = browser.evaluate(frames)
                wait_until(lambda: browser.evaluate(frames) > shown + 25, "sketches", server, 60)
                before, after = browser.colour("before"), browser.colour("after")
                browser.screenshot(str(folder / "page.png"))
                self.assertGreater(np.ptp(before), np.ptp(after) + 5, "a sketch has no colours")
                browser.dark()
                browser.size(390, 844)
                browser.screenshot(str(folder / "page-phone.png"))
