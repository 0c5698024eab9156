# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page: what is said to it."""
import base64
import io
import re
import subprocess
import wave

import numpy as np

from browser import Browser, PageTest
from serving import Server, wait_until

# Keeps what the page sends as recordings.
KEEP_RECORDINGS = """
window.recordings = [];
const sent = window.fetch;
window.fetch = (address, options) => {
  if (address === '/api/stt') options.body.arrayBuffer().then(bytes => window.recordings.push(btoa(String.fromCharCode(...new Uint8Array(bytes)))));
  return sent(address, options);
};
"""
# It takes as long to open as real ones do; counted.
SLOW_MICROPHONE = """
window.opened = 0;
const devices = navigator.mediaDevices, ask_for = devices.getUserMedia.bind(devices);
devices.getUserMedia = async wanted => {
  if (wanted.audio) {
    ++window.opened;
    await new Promise(done => setTimeout(done, 700));
  }
  return ask_for(wanted);
};
"""
# How long the talk button was held, by the clock of the sound: a busy machine's is slower.
KEEP_SOUND_TIME = """
const Context = window.AudioContext;
let sound = null;
window.AudioContext = class extends Context { constructor(...options) { super(...options); sound = this; } };
window.pressed = window.released = 0;
addEventListener('pointerdown', () => { window.pressed = sound?.currentTime ?? 0; }, true);
addEventListener('pointerup', () => { window.released = sound?.currentTime ?? 0; }, true);
"""
# The talk button, for no time at all.
TAP = """() => {
  for (const type of ['keydown', 'keyup']) document.getElementById('talk').dispatchEvent(new KeyboardEvent(type, {key: ' ', code: 'Space'}));
}"""
# What the page says over the WebSocket.
KEEP_MESSAGES = """
window.said = [];
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function(data) { window.said.push(data); return send.call(this, data); };
"""
EXPLAINED = re.compile("(The microphone was not allowed|There is no microphone here)[.]")
PROMPT = "() => document.getElementById('prompt').value"


def samples(recording):
    with wave.open(io.BytesIO(base64.b64decode(recording))) as file:
        assert (1, 2, 16000) == (file.getnchannels(), file.getsampwidth(), file.getframerate())
        return np.frombuffer(file.readframes(file.getnframes()), np.int16) / 32768


def pitch(part):
    """The strongest frequency, Hz."""
    return np.argmax(np.abs(np.fft.rfft(part * np.hanning(len(part))))) * 16000 / len(part)


class Voice(PageTest):
    def sound(self, formula, seconds):
        path = self.folder / "microphone.wav"
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"aevalsrc='{formula}':s=48000:d={seconds}", path], check=True, timeout=60)
        return str(path)

    def humming(self):
        """A second of humming, a second of quiet, and so on."""
        return self.sound("lt(mod(t,2),1)*0.5*sin(2*PI*160*t+3*sin(2*PI*5*t))*(0.6+0.4*sin(2*PI*4*t))*(1+sin(2*PI*480*t))/2", 4)

    def recording(self, browser, number):
        return samples(wait_until(lambda: len(said := browser.evaluate("() => window.recordings")) > number and said[number], f"recording {number}"))

    def test_talk(self):
        """What is said while the button is held becomes the prompt; so does each sentence where the page listens all the time."""
        with Server(settings={"model.speech": "text=make+it+snow"}) as server:
            server.ready()
            with Browser(server.url, self.camera(), self.humming()) as browser:
                self.start(browser)
                self.wait_for_state(browser, "Live")
                browser.hold("#talk", 2000)
                wait_until(lambda: browser.text("#state").startswith("Heard: make it snow"), "what was said")
                self.assertRegex(browser.evaluate(PROMPT), "^make it snow")
                self.assertIn("make it snow", browser.text("#suggestions"))
                browser.type("#prompt", "mosaic")
                browser.check("#listen")
                wait_until(lambda: browser.evaluate(PROMPT).startswith("make it snow"), "a sentence")
                browser.evaluate("() => document.getElementById('listen').click()")
                self.assertEqual([], browser.complaints())

    def test_first_word(self):
        """What is said right after the button was pressed is in the recording, however long the microphone takes to open: once it is open, it stays so."""
        # The microphone hears this from when it is opened: a high tone, then a low one.
        sound = self.sound("0.5*sin(2*PI*if(lt(t,1.2),1500,500)*t)", 60)
        with Server(settings={"model.speech": "text=snow"}) as server:
            server.ready()
            with Browser(server.url, self.camera(), sound) as browser:
                browser.first(KEEP_RECORDINGS + SLOW_MICROPHONE + KEEP_SOUND_TIME)
                self.open(browser)
                self.assertFalse(browser.visible("#microphone"))
                browser.hold("#talk", 4000)
                recording = self.recording(browser, 0)
                self.assertAlmostEqual(1500, pitch(recording[:3200]), delta=20, msg="the first word")
                self.assertAlmostEqual(500, pitch(recording[-3200:]), delta=20)
                wait_until(lambda: browser.text("#microphone-text") == "The microphone is muted.", "the muted microphone")
                browser.hold("#talk", 1500)
                recording = self.recording(browser, 1)
                held = browser.evaluate("() => window.released - window.pressed")
                self.assertGreater(held, 0.5)
                self.assertGreater(len(recording) / 16000, held, "nothing of what was said is missing")
                self.assertAlmostEqual(500, pitch(recording[:1600]), delta=20, msg="sound from the first moment on")
                self.assertEqual(1, browser.evaluate("() => window.opened"))

                # It is let go on a wish, and opens again when the mouse comes near the button.
                browser.click("#microphone-off")
                self.assertFalse(browser.visible("#microphone"))
                browser.evaluate("() => document.getElementById('talk').dispatchEvent(new PointerEvent('pointerenter'))")
                wait_until(lambda: browser.text("#microphone-text") == "The microphone is muted.", "the microphone")
                self.assertEqual(2, browser.evaluate("() => window.opened"))
                self.assertEqual([], browser.complaints())

    def test_short_press_and_lost_microphone_n(self):
        """Let go before there is a microphone, or before a word: that is said, and nothing is sent. So is it when the microphone goes while it listens."""
        with Server(settings={"model.speech": "text=snow"}) as server:
            server.ready()
            with Browser(server.url, self.camera(), self.humming()) as browser:
                browser.first(KEEP_RECORDINGS + SLOW_MICROPHONE)
                self.open(browser)
                browser.evaluate(TAP)
                self.wait_for_state(browser, "Hold the button while you speak.")
                wait_until(lambda: browser.text("#microphone-text") == "The microphone is muted.", "the microphone")
                browser.evaluate("() => { document.getElementById('state').textContent = ''; }")
                browser.evaluate(TAP)
                self.wait_for_state(browser, "Hold the button while you speak.")
                self.assertEqual([], browser.evaluate("() => window.recordings"))
                browser.check("#listen")
                wait_until(lambda: browser.text("#microphone-text") == "The microphone is on.", "the microphone")
                browser.revoke()
                self.wait_for_state(browser, "The microphone has gone.")
                self.assertFalse(browser.visible("#microphone"))
                self.assertFalse(browser.evaluate("() => document.getElementById('listen').checked"))

    def test_denied_microphone_n(self):
        """Without a microphone that is said, whatever it was wanted for, and nothing seems to be on."""
        with Server(settings={"model.speech": "text=snow"}) as server:
            server.ready()
            with Browser(server.url) as browser:
                self.open(browser)
                for selector in ("#talk", "label:has(#listen)"):
                    browser.hold(selector, 50)
                    wait_until(lambda: EXPLAINED.match(browser.text("#state")), "the explanation")
                    self.assertEqual("false", browser.evaluate("() => document.getElementById('talk').ariaPressed"))
                    self.assertFalse(browser.evaluate("() => document.getElementById('listen').checked"))
                    self.assertFalse(browser.visible("#microphone"))
                    browser.evaluate("() => { document.getElementById('state').textContent = ''; }")
                browser.choose("#chosen", self.picture())
                self.wait_for_colour(browser)
                browser.click("#sound")
                wait_until(lambda: EXPLAINED.match(browser.text("#state")), "the explanation")
                self.assertEqual("false", browser.evaluate("() => document.getElementById('sound').ariaPressed"))
                self.assertEqual([], browser.complaints())

    def test_idle_microphone(self):
        """A microphone that nobody uses is let go."""
        with Server(settings={"model.speech": "text=snow"}) as server:
            server.ready()
            with Browser(server.url, self.camera(), self.humming()) as browser:
                browser.first("const later = window.setTimeout; window.setTimeout = (work, time, ...more) => later(work, time === 120000 ? 1500 : time, ...more);")
                self.open(browser)
                browser.hold("#talk", 1000)
                wait_until(lambda: browser.visible("#microphone"), "the sign")
                wait_until(lambda: not browser.visible("#microphone"), "its end")
                browser.check("#listen")
                wait_until(lambda: browser.text("#microphone-text") == "The microphone is on.", "the microphone")
                browser.click("#microphone-off")
                self.assertFalse(browser.evaluate("() => document.getElementById('listen').checked"))
                self.assertFalse(browser.visible("#microphone"))

    def test_the_server_listens(self):
        """Where the microphone goes to the server with the picture, the server hears what is said; elsewhere recordings go there."""
        with Server(settings={"model.speech": "text=make+it+snow"}) as server:
            server.ready()
            with Browser(server.url, self.camera(), self.humming()) as browser:
                browser.first(KEEP_RECORDINGS + KEEP_MESSAGES)
                self.start(browser)
                self.wait_for_state(browser, "Live")
                browser.click("#sound")
                wait_until(lambda: browser.evaluate("() => document.getElementById('sound').ariaPressed") == "true", "the sound")
                browser.check("#listen")
                wait_until(lambda: '{"listen":true}' in browser.evaluate("() => window.said"), "the wish")
                wait_until(lambda: browser.text("#state").startswith("Heard: make it snow"), "a sentence")
                self.assertTrue(browser.evaluate(PROMPT).startswith("make it snow"))
                self.assertIn("make it snow", browser.text("#suggestions"))
                self.assertEqual([], browser.evaluate("() => window.recordings"), "nothing is recorded here")

                browser.evaluate("() => document.getElementById('listen').click()")
                wait_until(lambda: '{"listen":false}' in browser.evaluate("() => window.said"), "the other wish")
                browser.evaluate("() => { window.said = []; document.getElementById('listen').click(); }")
                wait_until(lambda: '{"listen":true}' in browser.evaluate("() => window.said"), "the wish, again")
                self.assertEqual([], browser.evaluate("() => window.recordings"), "nothing is recorded here")

                # Without the sound this page listens itself.
                browser.click("#sound")
                wait_until(lambda: '{"listen":false}' in browser.evaluate("() => window.said"), "the other wish")
                self.recording(browser, 0)
                browser.evaluate("() => document.getElementById('listen').click()")
                self.assertEqual([], browser.complaints())
