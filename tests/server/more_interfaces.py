# SPDX-License-Identifier: LGPL-2.1-or-later
"""The interfaces of systems 000 and 002, recordings, and reference pictures, as their own clients use them."""
import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from serving import PATIENCE, Client, Server, jpeg, pixels  # skips where aiohttp is missing

import aiohttp
import numpy as np

INVERTED = (55, 215, 165)  # of jpeg()'s colour
BLUE = (10, 20, 230)


def text(picture):
    return base64.b64encode(picture).decode()


class Requests:
    """Plain HTTP, as a script does it."""

    def __init__(self, server):
        self.server = server

    def post(self, path, body, mime="application/json"):
        request = urllib.request.Request(self.server.url + path, body, {"Content-Type": mime}, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read()), answer.headers
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read()), error.headers

    def edit(self, **fields):
        return self.post("/edit", json.dumps(fields).encode())

    def form(self, path, **parts):
        body = b""
        for name, content in parts.items():
            body += b'--x1\r\nContent-Disposition: form-data; name="%s"; filename="f"\r\n\r\n' % name.encode() + content + b"\r\n"
        return self.post(path, body + b"--x1--\r\n", "multipart/form-data; boundary=x1")


class MoreInterfaces(unittest.IsolatedAsyncioTestCase):
    def assert_colour(self, file, colour):
        middle = pixels(file)[8:-8, 8:-8].reshape(-1, 3)
        self.assertLess(np.abs(middle - colour).max(), 14, f"{middle.mean(axis=0)} is not {colour}")

    async def test_edit(self):
        """System 000: one picture in, one out; two pictures are mixed before."""
        with Server() as server:
            server.ready()
            ask = Requests(server)
            status, answer, _ = ask.edit(image=text(jpeg()), prompt="oil painting", steps=4)
            self.assertEqual((200, "success"), (status, answer["status"]), answer)
            self.assert_colour(base64.b64decode(answer["image"]), INVERTED)
            self.assertGreater(answer["elapsed"], 0)
            status, answer, _ = ask.edit(image="data:image/jpeg;base64," + text(jpeg()), ref_image=text(jpeg(32, 48, BLUE)), blend_ratio=0.25)
            mixed = tuple(255 - (0.75 * a + 0.25 * b) for a, b in zip((200, 40, 90), BLUE))
            self.assert_colour(base64.b64decode(answer["image"]), mixed)
            health = server.json("/health")
            self.assertEqual(["ok", True, "N/A"], [health[key] for key in ("status", "model_loaded", "gpu_memory")])

    async def test_edit_n(self):
        with Server(settings={"limits.image_side": 256, "limits.text_bytes": 10}) as server:
            server.ready()
            ask = Requests(server)
            picture = text(jpeg())
            for fields, words in [({}, "image"), ({"image": picture, "steps": 1}, "steps"), ({"image": picture, "steps": 9}, "steps"),
                                  ({"image": picture, "blend_ratio": 2}, "blend_ratio"), ({"image": picture, "prompt": "x" * 11}, "prompt"),
                                  ({"image": picture, "prompt": 5}, "prompt"), ({"image": "!!"}, "base64"),
                                  ({"image": "http://169.254.169.254/x"}, "base64"), ({"image": text(b"GIF89a" + bytes(99))}, "JPEG"),
                                  ({"image": text(jpeg(257, 16))}, "256"), ({"image": picture, "ref_image": text(jpeg(16, 257))}, "256")]:
                status, answer, _ = ask.edit(**fields)
                self.assertEqual(422, status, (fields.keys(), answer))
                self.assertIn(words, answer["detail"])
            self.assertEqual(422, ask.post("/edit", b"{")[0])
            self.assertEqual(200, ask.edit(image=picture, prompt="x" * 10)[0])
            self.assertEqual(405, server.get("/edit")[0])

    async def test_edits_wait_their_turn(self):
        """One at a time, in order; more than may wait are told so at once, and nothing is lost."""
        with Server(model="frame-ms=400", settings={"limits.edits": 4}) as server:
            server.ready()
            async with aiohttp.ClientSession() as http:
                async def edit(number):
                    body = {"image": text(jpeg(colour=(number * 20, 40, 90))), "prompt": ""}
                    async with http.post(server.url + "/edit", json=body) as answer:
                        return number, answer.status, answer.headers.get("Retry-After"), await answer.json(content_type=None)

                answers = await asyncio.gather(*(edit(number) for number in range(12)))
            done = [answer for answer in answers if answer[1] == 200]
            refused = [answer for answer in answers if answer[1] == 429]
            self.assertEqual(12, len(done) + len(refused), [answer[1] for answer in answers])
            self.assertGreaterEqual(len(done), 5)  # one is edited, four wait
            self.assertGreater(len(refused), 0)
            self.assertTrue(all(int(answer[2]) > 0 for answer in refused))
            for number, _, _, answer in done:
                self.assert_colour(base64.b64decode(answer["image"]), (255 - number * 20, 215, 165))

    async def test_edit_without_a_model_n(self):
        with Server(model="load-file=/nonexistent/file") as server:
            status, answer, headers = Requests(server).edit(image=text(jpeg()))
            self.assertEqual(503, status, answer)
            self.assertTrue(headers["Retry-After"])

    async def test_fast_video(self):
        """System 002: options pushed, ready polled, frames as data URLs up, JPEGs down."""
        with Server() as server:
            server.ready()
            async with aiohttp.ClientSession() as http, http.ws_connect(server.url + "/ws/7") as control, http.ws_connect(server.url + "/data/7") as data:
                async def ask(message):
                    await control.send_str(json.dumps(message))
                    return json.loads((await asyncio.wait_for(control.receive(), PATIENCE)).data)

                async def ready():
                    for _ in range(3000):
                        if (await ask({"ready": True}))["ready"]:
                            return
                        await asyncio.sleep(0.02)
                    self.fail("it never was ready")

                options = json.loads((await asyncio.wait_for(control.receive(), PATIENCE)).data)
                self.assertLessEqual({"device", "dtype", "batch", "model", "prompt", "negative", "strength", "steps", "cfg", "deepcache",
                                      "stablefast", "inductor"}, set(options))
                for name, value in [("prompt", "a wizard"), ("negative", "blurry"), ("strength", "0.5"), ("steps", 4), ("steps", "3"),
                                    ("cfg", 0.0), ("cfg", 2), ("seed", 424242)]:
                    self.assertEqual({"ok": True}, await ask({"id": name, "data": value}), name)
                for name, value in [("strength", 2), ("steps", "many"), ("model", "other"), ("nonsense", 1), ("prompt", 7)]:
                    answer = await ask({"id": name, "data": value})
                    self.assertFalse(answer["ok"], name)
                    self.assertTrue(answer["message"])
                for wrong in ("[]", "{", '{"id": "prompt"}', '{"id": 7, "data": 1}', "{}"):
                    await control.send_str(wrong)
                    self.assertFalse(json.loads((await control.receive()).data)["ok"], wrong)
                for _ in range(3):
                    await ready()
                    await data.send_bytes(b"data:image/jpeg;base64," + base64.b64encode(jpeg()))
                    picture = await asyncio.wait_for(data.receive(), PATIENCE)
                    self.assertEqual(aiohttp.WSMsgType.BINARY, picture.type)
                    self.assert_colour(picture.data, INVERTED)
                await ready()
                await data.send_bytes(b"data:image/jpeg;base64,AAAA")  # what cannot be read is white there
                self.assert_colour((await asyncio.wait_for(data.receive(), PATIENCE)).data, (0, 0, 0))
                self.assertEqual({"queue_size": 1, "waiting": 0}, server.json("/api/queue"))
                again = await http.ws_connect(server.url + "/ws/7")  # a second look at the same session: its options are kept
                options = json.loads((await asyncio.wait_for(again.receive(), PATIENCE)).data)
                self.assertEqual(["a wizard", "blurry", 0.5, 3, 2, 424242],
                                 [options[key] for key in ("prompt", "negative", "strength", "steps", "cfg", "seed")])
                await again.close()

    async def test_fast_video_n(self):
        with Server() as server:
            server.ready()
            async with aiohttp.ClientSession() as http:
                for path in ("/ws/x", "/data/-1", "/ws/" + "1" * 21):
                    socket = await http.ws_connect(server.url + path)
                    self.assertFalse(json.loads((await socket.receive()).data)["ok"])
                    await socket.receive()
                    self.assertEqual(1008, socket.close_code)
            gpus = server.json("/nvml")
            self.assertIsInstance(gpus, list)
            for gpu in gpus:
                self.assertLessEqual({"name", "version", "pci", "memory", "clock", "load", "power", "state"}, set(gpu))

    async def test_recordings(self):
        """Every kind that a browser records is understood; what is in it comes back as text."""
        with Server(settings={"model.speech": "text=make+it+snow"}) as server:
            server.ready()
            ask = Requests(server)
            for encoder, container in [("wavenc", "wav"), ("opusenc ! webmmux", "webm"), ("opusenc ! oggmux", "ogg"), ("flacenc", "flac")]:
                with self.subTest(container=container):
                    status, answer, _ = ask.form("/api/stt", file=record(encoder, 1.5))
                    self.assertEqual((200, {"text": "make it snow"}), (status, answer))
            recording = record("wavenc", 1.5)
            self.assertEqual((200, {"text": "make it snow"}), ask.post("/api/stt", recording, "audio/wav")[:2])
            self.assertEqual(200, ask.form("/api/stt", file=recording, language=b"de")[0])
            self.assertEqual((200, {"text": ""}), ask.form("/api/stt", file=record("wavenc", 1.5, volume=0))[:2])
            async with Client(server) as client:  # sessions go on meanwhile
                await client.until("send_frame")

    async def test_recordings_n(self):
        with Server(settings={"limits.audio_bytes": 200000, "limits.audio_seconds": 2, "model.speech": "text=x"}) as server:
            server.ready()
            ask = Requests(server)
            good = record("wavenc", 1.5)
            cases = [(422, "WAV", bytes(100)), (422, "WAV", b"RIFF"), (422, "", b"RIFF\0\0\0\0WAVE" + bytes(100)),
                     (422, "", b"\x1a\x45\xdf\xa3" + os.urandom(1000)), (422, "", b"OggS" + bytes(1000)),
                     (422, "2 seconds", record("opusenc ! webmmux", 3)), (413, "200000", bytes(200001))]
            for status, words, file in cases:
                with self.subTest(file=file[:12], size=len(file)):
                    answer = ask.form("/api/stt", file=file)
                    self.assertEqual(status, answer[0], answer)
                    self.assertIn(words, answer[1]["detail"])
            self.assertEqual(400, ask.form("/api/stt", other=good)[0])
            self.assertEqual(400, ask.form("/api/stt", file=b"")[0])
            for language, words in ((b"x" * 33, "code"), (b"xx", "xx")):  # too long; none of the model's
                status, answer, _ = ask.form("/api/stt", file=good, language=language)
                self.assertEqual(422, status, answer)
                self.assertIn(words, answer["detail"])
            self.assertEqual((200, {"text": "x"}), ask.form("/api/stt", file=good)[:2])
            self.assertEqual(1, server.metric("liveedit_worker_starts_total"))

    async def test_no_speech_model_n(self):
        with Server(settings={"model.speech": "find-error=0"}) as server:
            server.ready()
            status, answer, headers = Requests(server).form("/api/stt", file=record("wavenc", 1))
            self.assertEqual(503, status)
            self.assertIn("find-error", answer["detail"])
            self.assertTrue(headers["Retry-After"])

    async def test_spoken_words(self):
        """The real model understands a real recording."""
        data = Path(os.environ.get("LIVEEDIT_TEST_DATA", "/nonexistent"))
        model, recording = data / "weights/whisper-tiny.en", data / "media/jfk.wav"
        if not model.exists() or not recording.exists():
            self.skipTest(f"there is no {model} or {recording}")
        with Server(model=None, settings={"model.speech": model}) as server:
            server.ready()
            status, answer, _ = Requests(server).form("/api/stt", file=recording.read_bytes())
            self.assertEqual(200, status)
            # Where the speaker rests, and so where sentences end, is not what is asked here.
            words = re.findall(r"[a-z]+", answer["text"].lower())
            self.assertEqual("and so my fellow americans ask not what your country can do for you ask what you can do for your country", " ".join(words))

    async def test_reference_pictures_n(self):
        """System 001: a warning that there is no IP-Adapter, for who has a session; the session's pictures are steering.py's."""
        with Server() as server:
            server.ready()
            ask = Requests(server)
            for path in ("/api/ip_ref_image", "/api/ip_ref_image/clear"):
                status, answer, _ = ask.form(path, file=jpeg())
                self.assertEqual((400, "error"), (status, answer["status"]))
                self.assertIn("session", answer["message"])
            async with Client(server, mode=None):  # a page of that system names nobody in these requests
                status, answer, _ = ask.form("/api/ip_ref_image", file=jpeg())
                self.assertEqual((200, "warning"), (status, answer["status"]))
                self.assertIn("IP-Adapter", answer["message"])
                status, answer, _ = ask.form("/api/ip_ref_image/clear")
                self.assertEqual((200, "success"), (status, answer["status"]))


def record(encoder, seconds, volume=0.5):
    """A tone: speech to the double."""
    if not shutil.which("gst-launch-1.0"):
        raise unittest.SkipTest("not installed: gst-launch-1.0")
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run(["gst-launch-1.0", "-q", "audiotestsrc", f"num-buffers={int(seconds * 50)}", "samplesperbuffer=960", f"volume={volume}", "!",
                        "audio/x-raw,rate=48000,channels=1", "!", "audioconvert", "!", *encoder.split(), "!", "filesink", f"location={file.name}"],
                       check=True, timeout=PATIENCE)
        return file.read()
