# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page: what everybody does with it."""
import json
import os
import signal
import unittest
from pathlib import Path

import numpy as np

from browser import Browser, PageTest, portrait
from serving import BUILD, SQUARE, Server, wait_until


class Page(PageTest):
    def test_camera_to_picture(self):
        """The camera goes in, the edit comes out; the server and its worker may go and come back; nothing complains."""
        film = self.camera()
        prompt = "<img src=x onerror=alert(1)>\"'&"
        with Server(settings=SQUARE) as server:
            server.ready()
            with Browser(server.url, film) as browser:
                self.start(browser)
                self.wait_for_colour(browser)
                self.assertFalse(browser.visible("#empty"))
                self.assertTrue(browser.visible("#after"))
                self.assertLess(max(abs(a - b) for a, b in zip(browser.colour("before"), self.COLOUR)), 16)
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

                self.restart(server, browser)
                self.wait_for_state(browser, "Live")
                self.wait_for_colour(browser, what="the edited picture after the restart")
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
            self.wait_for_colour(viewer, what="the viewer's picture")
            self.assertFalse(viewer.visible("#controls"))
            self.assertFalse(viewer.visible("#waiting"))

    def test_without_webrtc(self):
        """Where there is no WebRTC the pictures go over the WebSocket and come as MJPEG; a picture of the disk is edited, too."""
        with Server(settings=SQUARE) as server:
            server.ready()
            picture = self.picture()
            with Browser(server.url) as browser:
                browser.without("RTCPeerConnection")
                self.open(browser)
                browser.choose("#chosen", picture)
                self.wait_for_colour(browser)
                self.assertTrue(browser.visible("#after-picture"))
                self.assertFalse(browser.visible("#after"))
                self.assertEqual([], browser.complaints())

    def test_prompts_and_settings(self):
        """What is typed, chosen and set arrives at the server; the history is kept; strange words stay words."""
        film = self.camera()
        with Server() as server:
            server.ready()
            with Browser(server.url, film) as browser:
                self.open(browser)
                browser.click("label:has(input[value=human])")
                browser.click("#start")
                wait_until(lambda: browser.text("#state").startswith("Live"), "the picture")
                wait_until(lambda: server.json("/api/sessions")["sessions"][0]["mode"] == "human", "what was chosen before the start", server)
                browser.click("label:has(input[value=full])")
                self.wait_for_state(browser, "Live: everything")
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
                strength = "div:has(> #setting-strength) .value"
                self.assertEqual("0.5", browser.text(strength))
                browser.click("#reset")
                self.assertRegex(browser.text(strength), r"^[01] [(]default[)]$")
                self.assertIn("live", browser.evaluate("() => document.getElementById('state').className"), "the server took it all")
                self.assertEqual(0, server.metric("liveedit_messages_refused_total"))

    def test_reference_picture(self):
        """A picture that is chosen or dragged is mixed into what is edited, as much as the slider says, until it is taken away; also over a new server."""
        blue, mixed = (10, 20, 230), (150, 225, 95)  # the double inverts the half of each
        with Server(settings=SQUARE) as server:
            server.ready()
            with Browser(server.url, self.camera()) as browser:
                self.open(browser)
                self.assertFalse(browser.visible("#reference-blend"))
                browser.choose("#reference-file", self.picture(blue))
                wait_until(lambda: browser.visible("#reference-preview"), "the preview")
                self.assertEqual("It is used as soon as you start.", browser.text("#reference-note"))
                self.assertEqual("50 %", browser.text("#reference-value"))
                browser.click("#start")
                self.wait_for_colour(browser, mixed, "the mixed picture")
                self.assertNotEqual("", browser.text("#reference-note"), "the server says what it does with it")
                self.assertNotIn("bad", browser.evaluate("() => document.getElementById('reference-note').className"))
                browser.evaluate("() => { const s = document.getElementById('reference-blend'); s.value = 1; s.dispatchEvent(new Event('input')); }")
                self.assertEqual("100 %", browser.text("#reference-value"))
                self.wait_for_colour(browser, [255 - value for value in blue], "the other picture alone")

                self.restart(server, browser)
                self.wait_for_colour(browser, [255 - value for value in blue], "the other picture after the restart")
                browser.click("#reference-clear")
                self.wait_for_colour(browser)
                self.assertFalse(browser.visible("#reference-preview"))
                self.assertFalse(browser.visible("#reference-blend"))

                browser.drop("#reference-drop", self.picture((0, 255, 0), "dragged.png"))
                self.wait_for_colour(browser, (255, 0, 255), "the dragged picture")
                (self.folder / "words.png").write_text("words")
                browser.choose("#reference-file", str(self.folder / "words.png"))
                wait_until(lambda: browser.text("#reference-note") == "This file is no picture that the browser can show.", "the refusal")
                self.wait_for_colour(browser, (255, 0, 255), "the picture as it was")

    def test_only_text(self):
        """Pictures of the words alone: no camera, and a form for that."""
        with Server() as server:
            server.ready()
            with Browser(server.url) as browser:
                self.open(browser)
                browser.click("summary")
                self.assertTrue(browser.visible("#setting-strength"))
                browser.click("#text")
                self.wait_for_state(browser, "Live")
                wait_until(lambda: browser.colour("after"), "a picture")
                self.assertTrue(browser.visible("#after-picture"))
                for absent in ("#views", "#before", "#sound", "#modes", "#setting-strength"):
                    self.assertFalse(browser.visible(absent), absent)
                edited = server.metric("liveedit_frames_edited_total")
                wait_until(lambda: server.metric("liveedit_frames_edited_total") > edited + 20, "more pictures", server)
                alone = browser.colour("after")
                browser.choose("#reference-file", self.picture((10, 20, 230)))
                wait_until(lambda: max(abs(a - b) for a, b in zip(browser.colour("after"), alone)) > 16, "a picture with some of the reference")
                browser.click("#reference-clear")
                self.wait_for_colour(browser, alone, "a picture without it")
                browser.click("#stop")
                self.wait_for_state(browser, "Stopped")
                wait_until(lambda: server.json("/api/queue")["queue_size"] == 0, "the end of the session", server)
                # The next session has a camera's form again.
                browser.choose("#chosen", self.picture())
                self.wait_for_colour(browser)
                self.assertTrue(browser.visible("#setting-strength"))
                self.assertEqual([], browser.complaints())

    def test_loading(self):
        """While the model is loaded the page says so with the step and its share, before somebody starts and after."""
        loaded = self.folder / "loaded"
        with Server(model=f"load-file={loaded}") as server:
            with Browser(server.url, self.camera()) as browser:
                browser.open()
                wait_until(lambda: browser.visible("#loading-bar"), "the bar")
                wait_until(lambda: browser.evaluate("() => document.getElementById('loading-bar').value") == 0.5, "the share")
                self.assertEqual("loading", browser.text("#loading-text"))
                browser.click("#start")
                wait_until(lambda: browser.visible("#waiting-bar"), "the bar")
                wait_until(lambda: browser.text("#waiting-text") == "loading", "the step")
                loaded.touch()
                self.wait_for_colour(browser)
                self.assertFalse(browser.visible("#waiting"))

    def test_queue(self):
        """Who has to wait is told how many are before them, and is served when it is their turn."""
        with Server(model="frame-ms=50", settings={"performance.session_fps": 18}) as server:  # one at a time
            server.ready()
            with Browser(server.url, self.camera()) as first, Browser(server.url, self.camera()) as second, Browser(server.url, self.camera()) as third:
                self.start(first)
                self.wait_for_state(first, "Live")
                self.start(second)
                wait_until(lambda: second.text("#waiting-text") == "The server is busy. You are the next.", "the second one's place")
                self.start(third)
                wait_until(lambda: third.text("#waiting-text") == "The server is busy. 1 person is before you.", "the third one's place")
                self.assertEqual("Waiting for a place", third.text("#state"))
                first.click("#stop")
                self.wait_for_colour(second)
                self.assertFalse(second.visible("#waiting"))
                wait_until(lambda: third.text("#waiting-text") == "The server is busy. You are the next.", "the third one's new place")

    def test_keyboard(self):
        """Everything can be reached and done without a mouse, in the order in which it is seen."""
        film = self.camera()
        with Server() as server:
            server.ready()
            with Browser(server.url, film) as browser:
                self.open(browser)
                self.assertEqual(["start", "screen", "file", "text", "prompt", "talk"], [browser.tab() for _ in range(6)])
                browser.evaluate("() => document.getElementById('start').focus()")
                browser.key("Enter")
                self.wait_for_state(browser, "Live")
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

    @unittest.skipUnless((BUILD / "core/runtime/libliveedit-core.so").exists() or "LIVEEDIT_CORE_PATH" in os.environ, "the core is not built")
    def test_real_edit(self):
        """The embedded model edits a face that moves. The screenshot lies in LIVEEDIT_SCREENSHOTS, if that is a folder."""
        folder = Path(os.environ.get("LIVEEDIT_SCREENSHOTS", self.folder))
        with Server(model=None, settings={"pipeline.width": 384, "pipeline.height": 384}) as server:
            server.ready(120)
            with Browser(server.url, portrait(self.folder)) as browser:
                self.start(browser)
                frames = "() => document.getElementById('after').getVideoPlaybackQuality().totalVideoFrames"
                wait_until(lambda: browser.evaluate(frames) > 10, "edited pictures", server, 120)
                browser.type("#prompt", "pencil sketch")
                browser.press("#prompt", "Enter")
                shown = browser.evaluate(frames)
                wait_until(lambda: browser.evaluate(frames) > shown + 25, "sketches", server, 120)
                before, after = browser.colour("before"), browser.colour("after")
                browser.screenshot(str(folder / "page.png"))
                self.assertGreater(np.ptp(before), np.ptp(after) + 5, "a sketch has no colours")
                browser.scheme("dark")
                browser.size(390, 844)
                browser.screenshot(str(folder / "page-phone.png"))
