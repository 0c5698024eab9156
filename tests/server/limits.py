# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every bound of the section limits, at n and at n + 1, asked of the running server: README.md has the table."""
import asyncio
import base64
import contextlib
import io
import json
import os
import signal
import socket
import unittest
import wave

from serving import PATIENCE, Client, Server, jpeg, wait_until  # skips where aiohttp is missing

import aiohttp
from PIL import Image

TOKEN = "a-token-for-tests-0123456789"


def run(coroutine):
    asyncio.run(asyncio.wait_for(coroutine, 300))


def raw(port, request, address="127.0.0.1"):
    """(status, head and body) of a request as it is written, on a connection of its own."""
    with socket.create_connection((address, port), PATIENCE) as connection:
        connection.sendall(request if isinstance(request, bytes) else request.encode())
        connection.settimeout(PATIENCE)
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = connection.recv(65536)
            if not more:
                break
            answer += more
        return (int(answer.split(b" ")[1]) if answer else 0), answer


def posted(server, path, body, mime="application/json"):
    """As raw()."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {mime}\r\nContent-Length: {len(body)}\r\n\r\n"
    return raw(server.port, head.encode() + body)


def text_of(picture):
    return base64.b64encode(picture).decode()


@contextlib.contextmanager
def standing_still(process):
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


class Limits(unittest.TestCase):
    """Each n is admitted, and n + 1 refused. What http::Limits bounds is tested in tests/streaming/http too; here, that the settings reach it."""

    def test_heads(self):
        settings = {"limits.header_bytes": 1024, "limits.header_fields": 16, "limits.target_bytes": 256, "limits.requests_per_second": 10000,
                    "limits.request_burst": 10000}
        with Server(settings=settings) as server:
            def asked(target="/health", fields=1, size=None):
                head = f"GET {target} HTTP/1.1\r\nHost: localhost\r\n" + "".join(f"X-{i}: y\r\n" for i in range(fields - 1))
                if size is not None:
                    head += "X: " + "z" * (size - len(head) - len("X: \r\n\r\n")) + "\r\n"
                return raw(server.port, head + "\r\n")[0]

            server.ready()
            self.assertEqual(asked("/health?" + "a" * (256 - 8)), 200)
            self.assertEqual(asked("/health?" + "a" * (257 - 8)), 414)
            self.assertEqual(asked(fields=16), 200)
            self.assertEqual(asked(fields=17), 431)
            self.assertEqual(asked(size=1024), 200)
            self.assertEqual(asked(size=1025), 431)

    def test_requests_of_one_address(self):
        with Server(settings={"limits.requests_per_second": 0.01, "limits.request_burst": 3}) as server:
            answers = [raw(server.port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")[0] for _ in range(4)]
            self.assertEqual(answers, [200, 200, 200, 429])
            self.assertEqual(server.get("/")[0], 429)

    def test_wrong_tokens(self):
        with Server(settings={"server.token": TOKEN, "limits.failed_logins": 2}) as server:
            wrong = {"Authorization": "Bearer " + "x" * 20}
            self.assertEqual([server.get("/api/queue", wrong)[0] for _ in range(3)], [401, 401, 429])

    def test_connections(self):
        with Server(settings={"limits.connections": 3}) as server:
            self.crowd(server, 3)
        with Server(settings={"limits.connections_per_address": 3}) as server:
            self.crowd(server, 3)

    def crowd(self, server, most):
        held = []

        def hold():  # a place may still be that of one who has just left
            held.append(socket.create_connection(("127.0.0.1", server.port), PATIENCE))
            held[-1].sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            admitted = b" 200 " in held[-1].recv(65536)[:20]
            if not admitted:
                held.pop().close()
            return admitted

        try:
            for _ in range(most):
                wait_until(hold, "a place", server)
            self.assertEqual(raw(server.port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")[0], 503)
        finally:
            for connection in held:
                connection.close()
        wait_until(lambda: raw(server.port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")[0] == 200, "a free place", server)

    def test_sessions_and_viewers(self):
        with Server(settings={"limits.sessions": 2, "limits.viewers_per_session": 2}) as server:
            server.ready()

            async def fill():
                async with Client(server, "one") as one, Client(server, "two") as two:
                    self.assertEqual((await one.hear())["status"], "connected")
                    self.assertEqual((await two.hear())["status"], "connected")
                    async with Client(server, "three") as three:
                        self.assertEqual(await three.hear(), {"status": "error", "message": "Server is full"})
                    self.assertEqual(posted(server, "/api/whip/three", b"v=0", "application/sdp")[0], 503)
                    viewers = [await one.watch() for _ in range(2)]
                    self.assertEqual(server.get("/api/stream/one")[0], 503)
                    for viewer in viewers:
                        viewer.answer.close()

            run(fill())

    def test_messages_and_prompts(self):
        with Server(settings={"limits.message_bytes": 1024, "limits.text_bytes": 20}) as server:
            server.ready()

            async def talk():
                async with Client(server) as client:
                    await client.until("send_frame")
                    await client.send_frame({"prompt": "p" * 20})
                    self.assertNotEqual((await client.hear())["status"], "error")
                    await client.send_frame({"prompt": "p" * 21})
                    self.assertEqual((await client.until("error"))["message"], "prompt has 20 bytes at most.")
                    longest = json.dumps({"x": ""})
                    await client.say({"status": "next_frame"})
                    await client.socket.send_str(json.dumps({"x": "y" * (1024 - len(longest))}))
                    await client.socket.send_bytes(jpeg())
                    self.assertTrue(await client.until("send_frame"))
                    await client.say({"status": "next_frame"})
                    await client.socket.send_str(json.dumps({"x": "y" * (1025 - len(longest))}))
                    self.assertEqual((await client.until("error"))["message"], "A message has 1024 bytes at most.")
                    self.assertIsNone(await client.hear())

            run(talk())

    def test_pictures(self):
        def png(width, height):
            file = io.BytesIO()
            Image.new("RGB", (width, height), (200, 40, 90)).save(file, "PNG")
            return file.getvalue()

        def padded(size):
            picture = jpeg()
            return picture + b"\0" * (size - len(picture))

        with Server(settings={"limits.image_bytes": 4096, "limits.image_side": 100}) as server:
            server.ready()

            async def talk():
                async with Client(server) as client:
                    await client.until("send_frame")
                    for good in (padded(4096), jpeg(100, 16), jpeg(16, 100), png(100, 16)):
                        await client.send_frame(picture=good)
                        self.assertTrue(await client.until("send_frame"))
                    self.assertNotIn("error", [message["status"] for message in client.heard])
                    for bad, why in ((jpeg(101, 16), "A picture has 16 to 100 pixels a side, not 101x16."),
                                     (png(16, 101), "A picture has 16 to 100 pixels a side, not 16x101."),
                                     (b"GIF89a", "This is not a JPEG, PNG or WebP picture."),
                                     (padded(4097), "A picture has 4096 bytes at most.")):
                        await client.send_frame(picture=bad)
                        self.assertEqual((await client.until("error"))["message"], why)
                    # Above the largest message that can be right it is not even taken in.
                    await client.send_frame(picture=padded(64 * 1024 + 1))
                    while await client.hear():
                        pass
                    self.assertEqual(client.close_code, 1009)

            run(talk())

    def test_a_session_waits_for_its_client(self):
        """For a long time, and where none is given not at all."""
        for seconds, waits in ((3600, True), (0, False)):
            with self.subTest(seconds=seconds), Server(settings={"limits.session_idle_seconds": seconds}) as server:
                server.ready()

                async def leave():
                    async with Client(server, "one") as client:
                        await client.until("send_frame")
                        await client.send_frame()
                        await client.until("send_frame")

                run(leave())
                wait_until(lambda: server.json("/api/queue")["queue_size"] == 0, "a goodbye", server)
                if waits:
                    self.assertGreater(server.json("/api/sessions/one")["frames_received"], 0)
                    run(leave())
                    self.assertEqual(server.json("/api/sessions/one")["frames_received"], 2, "it is the same session")
                else:
                    wait_until(lambda: server.get("/api/sessions/one")[0] == 404, "the session's end", server)

    def test_edits(self):
        """One is edited and two wait, while the worker stands still; of four one is refused."""
        with Server(settings={"limits.edits": 2, "limits.answer_seconds": 60, "worker.watchdog_seconds": 60}) as server:
            server.ready()

            async def ask():
                async def edit():
                    async with web.post(server.url + "/edit", json={"image": text_of(jpeg())}) as answer:
                        return answer.status, answer.headers.get("Retry-After")

                async with aiohttp.ClientSession() as web:
                    with standing_still(server.worker()):
                        asked = [asyncio.create_task(edit()) for _ in range(4)]
                        done, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
                        self.assertEqual([task.result() for task in done], [(429, "2")])
                    self.assertEqual(await asyncio.gather(*waiting), [(200, None)] * 3)

            run(ask())

    def test_an_answer_that_does_not_come(self):
        with Server(settings={"limits.answer_seconds": 1, "worker.watchdog_seconds": 60}) as server:
            server.ready()
            body = json.dumps({"image": text_of(jpeg())}).encode()
            self.assertEqual(posted(server, "/edit", body)[0], 200)
            with standing_still(server.worker()):
                self.assertEqual(posted(server, "/edit", body)[0], 504)

    def test_requests_that_do_not_end(self):
        with Server(settings={"limits.header_seconds": 1, "limits.body_seconds": 1, "limits.idle_seconds": 1}) as server:
            head = b"POST /edit HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
            for whole, cut in ((head + b"\r\n{}", head), (head + b"\r\n{}", head + b"\r\n{")):
                self.assertEqual(raw(server.port, whole)[0], 422)
                self.assertEqual(raw(server.port, cut)[0], 408)
            with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as idle:
                idle.sendall(b"GET /api/queue HTTP/1.1\r\nHost: localhost\r\n\r\n")
                said = b""
                while more := idle.recv(65536):  # to the end of the connection
                    said += more
                self.assertIn(b" 200 ", said[:20])

    def test_requests_of_a_connection(self):
        with Server(settings={"limits.requests_per_connection": 2}) as server:
            with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
                connection.sendall(b"GET /api/queue HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
                said = b""
                while more := connection.recv(65536):
                    said += more
                self.assertEqual(said.count(b"HTTP/1.1 200"), 2)

    def test_recordings_of_a_size(self):
        with Server(settings={"limits.audio_bytes": 100000, "limits.audio_seconds": 2, "model.speech": "text=x"}) as server:
            server.ready()

            def asked(samples, size=0):
                file = io.BytesIO()
                with wave.open(file, "wb") as sound:
                    sound.setnchannels(1)
                    sound.setsampwidth(2)
                    sound.setframerate(16000)
                    sound.writeframes((b"\x00\x20" * 8 + b"\x00\xe0" * 8) * (samples // 16) + b"\x00\x20" * (samples % 16))
                return posted(server, "/api/stt", file.getvalue().ljust(size, b"\0"), "audio/wav")[0]

            self.assertEqual(asked(32000), 200)
            self.assertEqual(asked(32001), 422)
            self.assertEqual(asked(32000, 100000), 200)
            self.assertEqual(asked(32000, 100001), 413)

    def test_pictures_to_edit(self):
        with Server(settings={"limits.image_bytes": 4096, "limits.image_side": 100, "limits.text_bytes": 20, "limits.message_bytes": 1024}) as server:
            server.ready()

            def asked(picture, **fields):
                return posted(server, "/edit", json.dumps({"image": text_of(picture), **fields}).encode())[0]

            self.assertEqual([asked(jpeg().ljust(4096, b"\0")), asked(jpeg().ljust(4097, b"\0"))], [200, 422])
            self.assertEqual([asked(jpeg(100, 16)), asked(jpeg(101, 16))], [200, 422])
            self.assertEqual([asked(jpeg(), prompt="p" * 20), asked(jpeg(), prompt="p" * 21)], [200, 422])
            most = 2 * (4096 // 3 + 1) * 4 + 1024  # two pictures in base64 and a message
            whole = json.dumps({"image": text_of(jpeg())}).encode()
            self.assertEqual([posted(server, "/edit", whole.ljust(size))[0] for size in (most, most + 1)], [200, 413])


if __name__ == "__main__":
    unittest.main()
