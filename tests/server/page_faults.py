# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page: what goes wrong, and what takes long."""
import contextlib
import os
import time
from urllib.parse import quote

from browser import Browser, PageTest
from serving import PATIENCE, SQUARE, Server, wait_until

# That leave no memory behind.
PICTURES = int(os.environ.get("LIVEEDIT_PAGE_PICTURES", 1000))
EDITED = "liveedit_frames_edited_total"

# The most bytes that waited in a WebSocket.
WAITING_TO_BE_SENT = """
window.waitingToBeSent = 0;
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function(data) {
  window.waitingToBeSent = Math.max(window.waitingToBeSent, this.bufferedAmount);
  return send.call(this, data);
};
"""
# A socket that the page takes for lost, and that stays open.
KEEP_SOCKETS = """
window.sockets = [];
window.WebSocket = class extends window.WebSocket {
  constructor(...address) { super(...address); window.sockets.push(this); }
  loseForThePage() {
    const {onclose} = this;
    this.onmessage = this.onclose = null;
    onclose(new CloseEvent('close', {code: 1006}));
  }
};
"""


def set_blend(browser, value):
    browser.evaluate("() => { const slider = document.getElementById('reference-blend'); slider.value = %s; slider.dispatchEvent(new Event('input')); }" % value)


class Faults(PageTest):
    def edited(self, server, more, seconds=PATIENCE):
        frames = server.metric(EDITED)
        wait_until(lambda: server.metric(EDITED) > frames + more, f"{more} pictures", server, seconds)

    def test_camera_taken_away(self):
        """A camera that is unplugged ends the session, is explained, and leaves the other ways."""
        with Server() as server:
            server.ready()
            with Browser(server.url, self.camera()) as browser:
                self.start(browser)
                self.wait_for_state(browser, "Live")
                browser.revoke()
                self.wait_for_state(browser, "The camera has gone.")
                self.assertTrue(browser.visible("#file"))
                wait_until(lambda: server.json("/api/queue")["queue_size"] == 0, "the end of the session", server)
                browser.choose("#chosen", self.picture())
                self.wait_for_colour(browser)
                self.assertEqual([], browser.complaints())

    def test_lost_line_that_the_server_has_not_missed(self):
        """A page whose connection is lost comes back, also while the server takes the old one for alive and refuses a second one of this user."""
        with Server(settings=SQUARE) as server:
            server.ready()
            with Browser(server.url, self.camera()) as browser:
                browser.first(KEEP_SOCKETS)
                self.start(browser)
                self.wait_for_state(browser, "Live")
                browser.evaluate("() => window.sockets[0].loseForThePage()")
                self.wait_for_state(browser, "This user is connected already")
                browser.evaluate("() => window.sockets[0].close()")
                self.wait_for_state(browser, "Live")
                self.wait_for_colour(browser)

    def share_a_screen(self, browser):
        """Chromium picks a tab by its title, and for one that it does not know yet it waits for somebody to choose: again, then."""
        for _ in range(3):
            self.open(browser)
            browser.click("#screen")
            with contextlib.suppress(AssertionError):
                return wait_until(lambda: browser.text("#state") != "Ready", "a shared screen", seconds=15)

    def test_screen(self):
        """A shared screen is edited until the browser's own button ends it."""
        with Server(settings=SQUARE) as server:
            server.ready()
            with Browser(server.url, shared="shared") as browser:
                browser.open_other("data:text/html,<title>shared</title><body style='background:rgb(200,40,90)'>")
                browser.come_back()
                self.share_a_screen(browser)
                self.wait_for_colour(browser)
                browser.close_other()
                self.wait_for_state(browser, "The screen has gone.")
                self.assertTrue(browser.visible("#screen"))
                wait_until(lambda: server.json("/api/queue")["queue_size"] == 0, "the end of the session", server)
                browser.evaluate("() => { navigator.mediaDevices.getDisplayMedia = async () => { throw new DOMException('', 'NotAllowedError'); }; }")
                browser.click("#screen")
                self.wait_for_state(browser, "No screen was chosen.")

    def test_hidden(self):
        """A minute behind another page: the session goes on, nothing is piled up, and the page is up to date as soon as it is seen again."""
        self.hide_for_a_minute()

    def test_hidden_without_webrtc(self):
        self.hide_for_a_minute(without="RTCPeerConnection")

    def hide_for_a_minute(self, without=None):
        with Server(settings=SQUARE) as server:
            server.ready()
            with Browser(server.url, self.camera(), hideable=True) as browser:
                browser.first(WAITING_TO_BE_SENT)
                if without:
                    browser.without(without)
                self.open(browser)
                browser.choose("#reference-file", self.picture((10, 20, 230)))
                wait_until(lambda: browser.visible("#reference-preview"), "the preview")
                set_blend(browser, 0)
                browser.click("#start")
                self.wait_for_colour(browser)
                browser.open_other("about:blank")
                self.assertEqual("hidden", browser.evaluate("() => document.visibilityState"))
                for _ in range(6):
                    frames = server.metric(EDITED)
                    time.sleep(10)
                    self.assertGreater(server.metric(EDITED), frames, "the session goes on")
                set_blend(browser, 1)
                self.edited(server, 4)
                browser.come_back()
                self.assertEqual("visible", browser.evaluate("() => document.visibilityState"))
                self.wait_for_colour(browser, (245, 235, 25), "the picture as it is now")
                self.assertEqual("Live", browser.text("#state"))
                self.edited(server, 20)
                self.assertLess(browser.evaluate("() => window.waitingToBeSent"), 100_000)
                self.assertEqual([], browser.complaints())

    def test_token_after_a_restart(self):
        """The server is started again, with a token, and its cookie is over: the page asks once, and everything goes on."""
        with Server(settings=SQUARE) as server:
            server.ready()
            with Browser(server.url, self.camera()) as browser:
                self.start(browser)
                self.wait_for_colour(browser)
                self.restart(server, browser, "--set=server.token=a-token-for-tests")
                wait_until(lambda: browser.visible("#login"), "the question for the token")
                self.assertEqual("Sign in to go on.", browser.text("#state"))
                self.assertEqual("token", browser.evaluate("() => document.activeElement.id"))
                browser.type("#token", "a-token-for-tests")
                browser.press("#token", "Enter")
                self.wait_for_state(browser, "Live")
                self.wait_for_colour(browser)
                self.assertFalse(browser.visible("#login"))

                # The cookie alone: what is asked next asks for the token.
                browser.forget_cookie(f"liveedit_{server.port}")
                browser.choose("#reference-file", self.picture((10, 20, 230)))
                wait_until(lambda: browser.visible("#login"), "the question for the token")
                browser.type("#token", "a-token-for-tests")
                browser.press("#token", "Enter")
                self.wait_for_colour(browser, (150, 225, 95), "the mixed picture")
                self.assertFalse(browser.visible("#login"))

    def test_second_page_of_a_user_n(self):
        """Another page under the same name is refused in words, and disturbs nobody."""
        name = "crypto.randomUUID = () => 'the-same-user';"
        with Server() as server:
            server.ready()
            with Browser(server.url, self.camera()) as first, Browser(server.url, self.camera()) as second:
                for browser in (first, second):
                    browser.first(name)
                self.start(first)
                self.wait_for_state(first, "Live")
                self.start(second)
                self.wait_for_state(second, "This name belongs to somebody else")
                self.edited(server, 20)
                self.assertEqual("Live", first.text("#state"))
                self.wait_for_state(second, "This name belongs to somebody else")

    def test_strange_words_n(self):
        """What others send is text: a name in the link and a server's message are shown, not run."""
        strange = "<img src=x onerror=alert(1)>"
        with Server() as server:
            server.ready()
            with Browser(f"{server.url}/?watch={quote(strange)}", self.camera()) as browser:
                browser.open()
                wait_until(lambda: browser.visible("#waiting"), "the viewer's page")
                self.assertEqual(0, browser.evaluate("() => document.querySelectorAll('img[src=x]').length"))
                self.assertFalse(any("dialog" in said for said in browser.complaints()))
            with Browser(server.url, self.camera()) as browser:
                browser.first("const parse = JSON.parse; JSON.parse = text => text.includes('\"connected\"') ? {status: 'error', message: '%s'} : parse(text);" % strange)
                self.start(browser)
                self.wait_for_state(browser, strange)
                self.assertEqual(0, browser.evaluate("() => document.querySelectorAll('img[src=x]').length"))
                self.assertFalse(any("dialog" in said for said in browser.complaints()))

    def test_slow_link_and_long_run(self):
        """Over the WebSocket: 200 kbit/s slow it down and break nothing, and a great many pictures leave no memory behind."""
        with Server() as server:
            server.ready()
            with Browser(server.url, self.camera()) as browser:
                browser.without("RTCPeerConnection")
                self.start(browser)
                self.wait_for_colour(browser)
                self.edited(server, 50)
                before = browser.heap()
                self.edited(server, PICTURES, 400)
                self.assertLess(browser.heap(), before + 3e6)
                browser.throttle(200_000 / 8)
                self.edited(server, 5)
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
            film = self.camera()
            with Browser(server.url, film) as first, Browser(server.url, film) as second:
                self.start(first)
                self.wait_for_colour(first)
                self.start(second)
                wait_until(lambda: second.text("#state") == "Server is full", "the notice")
                turned_away = server.metric("liveedit_turned_away_total")
                self.wait_for_colour(first, what="the first one's picture")
                self.assertLessEqual(turned_away, 2, "the page does not storm a full server")

    def test_token(self):
        film = self.camera()
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
                self.wait_for_state(browser, "Ready")
                self.assertFalse(browser.visible("#login"))
                browser.click("#start")
                self.wait_for_colour(browser)
            self.assertNotIn("a-token-for-tests", server.said())
