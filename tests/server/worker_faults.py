# SPDX-License-Identifier: LGPL-2.1-or-later
"""Workers that die, hang or cannot start: clients keep their connections, and the server says how it is."""
import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np

from serving import BUILD, PATIENCE, ROOT, Client, Server, jpeg, pixels, vanish, wait_until
from sharing import jpeg_of_mark, text_mark


@contextlib.contextmanager
def late_model():
    """A file, and a model that is loaded as soon as there is that file."""
    with tempfile.TemporaryDirectory(prefix="liveedit-model-") as folder:
        yield Path(folder) / "loaded", f"frame-ms=2,load-file={folder}/loaded"


class WorkerFaults(unittest.IsolatedAsyncioTestCase):
    async def goes_on(self, client, viewer):
        """wait, then send_frame, and pictures."""
        self.assertTrue(await client.until("wait"), client.heard)
        self.assertTrue(await client.until("send_frame"), client.heard)
        await client.send_frame()
        await viewer.picture()

    async def test_killed(self):
        """Again and again: every client sees wait, then frames, over the same connection."""
        with Server(settings={"worker.breaker_failures": 1000}) as server:
            server.ready()
            async with Client(server, "a") as first, Client(server, "b") as second:
                viewers = [await first.watch("?max_fps=0"), await second.watch("?max_fps=0")]
                await first.until("send_frame")
                await second.until("send_frame")
                await first.send_frame()
                await viewers[0].picture()
                descriptors, threads = server.descriptors(), server.threads()
                for _ in range(5):
                    os.kill(server.worker(), signal.SIGKILL)
                    await asyncio.gather(self.goes_on(first, viewers[0]), self.goes_on(second, viewers[1]))
                self.assertEqual(6, server.metric("liveedit_worker_starts_total"))
                self.assertLessEqual(server.descriptors(), descriptors)
                self.assertLessEqual(server.threads(), threads)

    async def test_frames_sent_meanwhile_are_edited(self):
        with late_model() as (loaded, model), Server(model) as server:
            loaded.touch()
            server.ready()
            async with Client(server) as client:
                viewer = await client.watch()
                await client.until("send_frame")
                loaded.unlink()
                os.kill(server.worker(), signal.SIGKILL)
                await client.until("wait")
                await client.send_frame({"prompt": "sent while nobody was there"})
                loaded.touch()
                await viewer.picture()

    async def test_words_before_a_worker_is_there(self):
        """A prompt and a mode that are told before the first worker has said what may be set: they count as soon as it has."""
        for _ in range(50):
            server = Server(settings={"model.matte": "m"})
            with server:
                os.kill(worker := wait_until(server.worker, "a worker", server), signal.SIGSTOP)
                if server.json("/api/settings")["input_params"]["properties"].get("prompt"):
                    os.kill(worker, signal.SIGCONT)
                    continue  # it was quicker
                async with Client(server, "one") as one, Client(server, "two") as two:
                    viewer = await one.watch("?quality=100&max_fps=0")
                    await one.send_frame({"prompt": "a wizard"}, jpeg(quality=100))
                    await two.say({"mode": "human"})
                    os.kill(worker, signal.SIGCONT)
                    self.assertEqual("human", (await two.until("mode_changed"))["mode"])
                    seen = pixels(await viewer.picture())[:2, :2]
                    self.assertLess(np.abs(seen - jpeg_of_mark(text_mark("a wizard"), (200, 40, 90))).mean(), 6)
                return
        self.fail("the worker was always quicker")

    async def test_silent(self):
        """A worker that is stopped gives no sign of life: the watchdog ends it."""
        with late_model() as (loaded, model), Server(model, settings={"worker.watchdog_seconds": 2}) as server:
            loaded.touch()
            server.ready()
            async with Client(server) as client:
                viewer = await client.watch()
                await client.until("send_frame")
                await client.send_frame()  # while it opens a pipeline it may be silent for long
                await viewer.picture()
                loaded.unlink()
                os.kill(server.worker(), signal.SIGSTOP)
                wait_until(lambda: server.get("/health")[0] == 503, "the watchdog", server)
                self.assertIn("no sign of life", server.said())
                loaded.touch()
                await self.goes_on(client, viewer)

    async def test_hanging_frame(self):
        """The heartbeat goes on, but a frame does not come back. The server answers all the while."""
        with tempfile.TemporaryDirectory() as folder:
            full = (ROOT / "server/pipelines/full.launch").read_text()
            (Path(folder) / "full.launch").write_text(full)
            (Path(folder) / "hang.launch").write_text(full.replace("! diffusionfilter", "! identity sleep-time=600000000 ! diffusionfilter"))
            with Server(settings={"worker.watchdog_seconds": 2, "pipeline.folder": folder}) as server:
                server.ready()
                async with Client(server, "hangs") as hangs, Client(server, "well") as well:
                    viewer = await well.watch()
                    await well.until("send_frame")
                    await hangs.say({"mode": "hang"})
                    await hangs.until("mode_changed")
                    await hangs.send_frame()
                    answers = lambda: server.get("/health")[0] in (200, 503)  # noqa: E731
                    await asyncio.to_thread(wait_until, lambda: answers() and "a frame did not come back" in server.said(), "the watchdog", server)
                    await self.goes_on(well, viewer)

    async def test_killed_at_every_start(self):
        """A worker that never gets ready: the pauses grow, the breaker opens, and the server goes on answering."""
        settings = {"worker.breaker_failures": 3, "worker.breaker_pause_seconds": 60}
        with Server(settings=settings, environment={"GST_PLUGIN_PATH": "/nonexistent", "GST_REGISTRY": "/nonexistent/registry"}) as server:
            await asyncio.sleep(0.1)
            for _ in range(3):
                worker = wait_until(server.worker, "a worker", server)
                os.kill(worker, signal.SIGKILL)
                wait_until(lambda: server.worker() != worker, "its end", server)
            wait_until(lambda: server.json("/health")["worker"] == "paused", "the breaker", server)
            status, body, _ = server.get("/health")
            health = json.loads(body)
            self.assertEqual((503, "unavailable", False), (status, health["status"], health["model_loaded"]))
            self.assertIn("Killed", health["detail"])
            self.assertEqual((503, "unhealthy"), (server.get("/api/health")[0], server.json("/api/health")["status"]))
            async with Client(server) as client:
                self.assertEqual(["connected", "wait"], [(await client.hear())["status"] for _ in range(2)])

    async def test_no_model_n(self):
        with Server(model=None, settings={"model.model_id": "/nonexistent/model"}, environment={"LIVEEDIT_CORE_PATH": "/nonexistent/core.so"}) as server:
            detail = wait_until(lambda: (text := server.json("/health")["detail"]) and "core" in text and text, "the reason", server)
            self.assertIn("/nonexistent/core.so", detail)
            async with Client(server) as client:
                self.assertEqual(["connected", "wait"], [(await client.hear())["status"] for _ in range(2)])

    async def test_a_model_that_comes_late(self):
        """Whoever connects while the model is being loaded waits, and is served when it is there."""
        with late_model() as (loaded, model), Server(model) as server:
            async with Client(server) as client:
                self.assertEqual(["connected", "wait"], [(await client.hear())["status"] for _ in range(2)])
                status, body, _ = server.get("/health")
                self.assertEqual((503, False), (status, json.loads(body)["model_loaded"]))
                loaded.touch()
                self.assertTrue(await client.until("send_frame"))

    async def test_no_connections_in_the_worker(self):
        """Clients who are there while a worker starts again are none of its business."""
        def sockets(process):
            places = [os.readlink(place) for place in Path(f"/proc/{process}/fd").iterdir()]
            return {place for place in places if place.startswith("socket:")}

        with Server() as server:
            server.ready()
            async with Client(server) as client:
                await client.until("send_frame")
                first = server.worker()
                os.kill(first, signal.SIGKILL)
                self.assertTrue(await client.until("send_frame"))
                self.assertGreater(len(sockets(server.process.pid)), 1)
                self.assertNotEqual(server.worker(), first)
                self.assertEqual(sockets(server.process.pid) & sockets(server.worker()), set())

    async def test_clients_that_vanish(self):
        """200 sockets cut without a word leave descriptors and threads as they were."""
        with Server(settings={"limits.session_idle_seconds": 0, "limits.sessions": 200}) as server:
            server.ready()
            vanish(server, 10)
            descriptors, threads = server.descriptors(), server.threads()
            vanish(server, 200)
            wait_until(lambda: server.metric("liveedit_sessions") == 0, "empty sessions", server)
            wait_until(lambda: server.descriptors() <= descriptors, "closed descriptors", server)
            wait_until(lambda: server.threads() <= threads, "ended threads", server)

    async def test_end(self):
        """SIGTERM: clients are told, the worker ends, nothing is left."""
        with Server() as server:
            server.ready()
            worker = server.worker()
            async with Client(server) as client:
                await client.until("send_frame")
                viewer = await client.watch()
                server.process.send_signal(signal.SIGTERM)
                while await client.hear():
                    pass
                self.assertEqual(1001, client.close_code)
                await asyncio.wait_for(viewer.answer.content.read(), PATIENCE)
            self.assertEqual(0, server.process.wait(PATIENCE), server.said())
            self.assertFalse(Path(f"/proc/{worker}").exists())

    def test_killed_server(self):
        """The worker of a server that is killed ends by itself."""
        with Server() as server:
            server.ready()
            worker = server.worker()
            server.process.kill()
            server.process.wait()
            wait_until(lambda: not Path(f"/proc/{worker}").exists() or "Z" in Path(f"/proc/{worker}/stat").read_text().split(")")[1][:3], "its end")
            server.process.returncode = 0

    def test_wrong_start_n(self):
        """One clear line, and nothing listens."""
        with socket.socket() as taken, tempfile.TemporaryDirectory() as empty:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            yaml = Path(empty) / "wrong.yaml"
            yaml.write_text("server:\n  prot: 1\n")
            cases = [([f"--port={taken.getsockname()[1]}"], "Another program listens"), ([f"--config={yaml}"], "wrong.yaml:2: there is no setting server.prot"),
                     (["--set=server.port"], "--set takes"), (["--set=a.b=1"], "there is no setting a.b"), (["--nonsense"], "--nonsense"),
                     (["extra"], "extra"), ([f"--set=pipeline.folder={empty}"], "full.launch"), (["--host=0.0.0.0"], "token"),
                     (["--host=nowhere"], "nowhere"), (["--set=server.tls_certificate=/nonexistent.pem"], "/nonexistent.pem")]
            for arguments, words in cases:
                with self.subTest(arguments=arguments):
                    done = subprocess.run([BUILD / "server/liveedit-server", *arguments], capture_output=True, text=True, timeout=PATIENCE)
                    self.assertEqual(1, done.returncode, done.stderr)
                    self.assertIn(words, done.stderr)
                    self.assertEqual(1, len(done.stderr.strip().splitlines()), done.stderr)

    def test_check_config(self):
        done = subprocess.run([BUILD / "server/liveedit-server", "--check-config"], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual((0, "The configuration is in order.\n", ""), (done.returncode, done.stdout, done.stderr))
        printed = subprocess.run([BUILD / "server/liveedit-server", "--print-config", "--set=server.token=secret-for-tests"], capture_output=True,
                                 text=True, timeout=PATIENCE).stdout
        self.assertIn("jpeg_quality: 85", printed)
        self.assertNotIn("secret-for-tests", printed)
