# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many people at one server: places in the queue, equal shares, and nothing of one person at another's."""
import asyncio
import io
import os
import signal
import unittest

import aiohttp
import numpy as np
from PIL import Image

from serving import Client, Server, jpeg, pixels, wait_until

COLOURS = [(200, 40, 90), (20, 220, 60), (70, 90, 240), (240, 230, 20)]


def text_mark(text):
    """The byte that the double writes into an edited picture: tests/elements/core_double/text_mark.h."""
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return 1 + value % 255


class Person:
    """Sends a frame whenever it is asked for one."""

    def __init__(self, client, parameters=None, picture=None):
        self.client, self.parameters, self.picture = client, parameters, picture
        self.asked = 0
        self.task = asyncio.create_task(self.run())

    async def run(self):
        try:
            while message := await self.client.hear(60):
                if message["status"] == "send_frame":
                    self.asked += 1
                    await self.client.send_frame(self.parameters, self.picture)
        except aiohttp.ClientConnectionResetError:
            pass  # closed by the test meanwhile


class Sharing(unittest.IsolatedAsyncioTestCase):
    async def test_places_in_the_queue(self):
        """Two at a time; who comes later is told the place, moves up, and is served when somebody leaves."""
        # At most 2 frames a second: two slots, also on a machine that adds some of its own time to the half second.
        with Server(model="frame-ms=500", settings={"performance.session_fps": 0.68}) as server:
            server.ready()
            async with Client(server, "a") as first, Client(server, "b") as second, Client(server, "c") as third, Client(server, "d") as fourth:
                self.assertTrue(await first.until("send_frame"))
                self.assertTrue(await second.until("send_frame"))
                self.assertEqual({"status": "wait", "position": 1}, await third.until("wait"))
                self.assertEqual({"status": "wait", "position": 2}, await fourth.until("wait"))
                self.assertEqual({"queue_size": 4, "waiting": 2}, server.json("/api/queue"))
                await first.socket.close()
                self.assertTrue(await third.until("send_frame"))
                self.assertEqual({"status": "wait", "position": 1}, await fourth.until("wait"))
                viewer = await third.watch()
                await third.send_frame()
                await viewer.picture()
                async with Client(server, "a") as again:  # who left is at the end
                    self.assertEqual({"status": "wait", "position": 2}, await again.until("wait"))
                    await third.socket.close()
                    self.assertTrue(await fourth.until("send_frame"))
                    self.assertEqual({"status": "wait", "position": 1}, await again.until("wait"))

    async def test_the_queue_survives_a_worker(self):
        with Server(model="frame-ms=50", settings={"performance.session_fps": 18}) as server:  # one slot
            server.ready()
            async with Client(server, "a") as first, Client(server, "b") as second:
                self.assertTrue(await first.until("send_frame"))
                self.assertEqual(1, (await second.until("wait"))["position"])
                os.kill(server.worker(), signal.SIGKILL)
                self.assertTrue(await first.until("wait"))
                self.assertTrue(await first.until("send_frame"))
                await first.socket.close()
                self.assertTrue(await second.until("send_frame"))

    async def test_more_than_there_is_room_for_n(self):
        """Who is one too many hears so at once; those who are in notice nothing."""
        with Server(settings={"limits.sessions": 8, "limits.connections_per_address": 100}) as server:
            server.ready()
            inside = [await Client(server, f"u{i}").__aenter__() for i in range(8)]
            people = [Person(client) for client in inside]
            for i in range(32):
                async with Client(server, f"x{i}") as late:
                    self.assertEqual({"status": "error", "message": "Server is full"}, await late.hear())
                    self.assertIsNone(await late.hear())
                    self.assertEqual(1013, late.close_code)
            self.assertEqual(32, server.metric("liveedit_turned_away_total"))
            counts = [person.asked for person in people]
            goes_on = lambda: all(person.asked > count for person, count in zip(people, counts))  # noqa: E731
            await asyncio.to_thread(wait_until, goes_on, "frames of all who are in", server)
            for person, client in zip(people, inside):
                await client.socket.close()
                await person.task
                await client.http.close()

    async def test_equal_shares(self):
        """Eight people of the same kind, and one who sends without being asked: Jain's index over their frames."""
        with Server(model="frame-ms=20", settings={"performance.session_fps": 0}) as server:
            server.ready()
            clients = [await Client(server, f"u{i}").__aenter__() for i in range(8)]
            people = [Person(client) for client in clients[:7]]
            flood = asyncio.create_task(self.flood(clients[7]))
            frames = lambda: [server.json(f"/api/sessions/u{i}")["frames_edited"] for i in range(8)]  # noqa: E731
            while min(frames()) < 20:
                await asyncio.sleep(0.05)
            before = np.array(frames())
            while sum(frames()) - before.sum() < 800:
                await asyncio.sleep(0.05)
            had = np.array(frames()) - before
            flood.cancel()
            for client in clients:
                await client.socket.close()
            await asyncio.gather(*(person.task for person in people), return_exceptions=True)
            for client in clients:
                await client.http.close()
            jain = had.sum() ** 2 / (8 * (had ** 2).sum())
            print(f"frames {had.tolist()}: Jain's index {jain:.4f}")
            self.assertGreaterEqual(jain, 0.98, had)
            self.assertLessEqual(had[7], 1.1 * had[:7].mean() + 2, had)

    async def flood(self, client):
        while True:
            await client.send_frame()
            await asyncio.sleep(0.001)

    async def test_everybody_sees_only_their_own(self):
        """Pictures, prompts and modes of four people at once never mix."""
        prompts = ["a wizard", "snow", "neon", "an old map"]
        marks = [text_mark(prompt) for prompt in prompts]
        self.assertEqual(4, len(set(marks)))
        with Server(settings={"model.matte": "m"}) as server:
            server.ready()
            clients = [await Client(server, f"u{i}").__aenter__() for i in range(4)]
            people = []
            for client, prompt, colour in zip(clients, prompts, COLOURS):
                people.append(Person(client, {"prompt": prompt}, jpeg(colour=colour, quality=100)))
            viewers = [await client.watch("?quality=100&max_fps=0") for client in clients]
            for viewer in viewers:
                await viewer.picture()  # of the first, the prompt may still have been on its way
            for _ in range(25):
                for viewer, prompt, colour in zip(viewers, prompts, COLOURS):
                    picture = pixels(await viewer.picture())
                    self.assertLess(np.abs(picture[8:-8, 8:-8] - (255 - np.array(colour))).max(), 12, prompt)
                    self.assert_mark(picture, text_mark(prompt), colour)
            await clients[0].say({"mode": "human"})
            wait_until(lambda: server.json("/api/sessions/u0")["mode"] == "human", "the mode", server)
            self.assertEqual(["full"] * 3, [server.json(f"/api/sessions/u{i}")["mode"] for i in (1, 2, 3)])
            for client in clients:
                await client.socket.close()
            await asyncio.gather(*(person.task for person in people), return_exceptions=True)
            for client in clients:
                await client.http.close()

    # The first pixel's red is the mark of the prompt. JPEG spreads it over its surroundings; what is left of it is enough to tell whose it is.
    def assert_mark(self, picture, mark, colour):
        expected = jpeg_of_mark(mark, colour)
        self.assertLess(np.abs(picture[:2, :2] - expected).mean(), 6, f"{picture[0, 0]} is not that of {mark}")


def jpeg_of_mark(mark, colour):
    """What becomes of an edited picture's corner in a JPEG of quality 100."""
    plain = np.full((64, 64, 3), 255 - np.array(colour), np.uint8)
    plain[0, 0, 0] = mark
    file = io.BytesIO()
    Image.fromarray(plain).save(file, "JPEG", quality=100, subsampling=2)
    return pixels(file.getvalue())[:2, :2]
