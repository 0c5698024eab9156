# SPDX-License-Identifier: LGPL-2.1-or-later
"""Load on liveedit-server with a scripted engine (tests/elements/core_double) behind core/api: what the server itself adds and holds.

  load.py latency [--clients 32] [--fps 10] [--seconds 60]   pictures up, MJPEG down: time beyond the engine's own
  load.py viewers [--viewers 100] [--fps 15] [--seconds 30]  many watch one
  load.py whep    [--viewers 16] [--fps 15] [--seconds 30]   the same by WebRTC
  load.py crowd   [--clients 200]                            more clients than there is room for (32)
  load.py hang    [--seconds 20]                             GET /health while an inference hangs
  load.py killed  [--clients 200]                            clients that vanish without a word

Prints one JSON line. $LIVEEDIT_BUILD_DIR names the build folder."""
import argparse
import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / folder) for folder in ("tests/server", "bench/streaming")]
import aiohttp  # noqa: E402
import numpy as np  # noqa: E402

from serving import ROOT, Client, Server, vanish, wait_until  # noqa: E402
from webrtc import watch  # noqa: E402

ENGINE_MS = 5
LIMITS = {"limits.requests_per_second": 100000, "limits.request_burst": 100000, "limits.connections": 1000,
          "limits.connections_per_address": 1000, "limits.viewers_per_session": 200, "pipeline.width": 512, "pipeline.height": 512}


def picture(seed=1):
    """What a camera gives: 512x512, about 40 kB."""
    import io

    from PIL import Image
    ramp = np.linspace(0, 255, 512)
    noise = np.random.default_rng(seed).normal(0, 12, (512, 512, 3))
    image = np.clip(np.stack([ramp[None] + 0 * ramp[:, None], ramp[:, None] + 0 * ramp[None], 128 + 0 * noise[..., 0]], -1) + noise, 0, 255)
    file = io.BytesIO()
    Image.fromarray(image.astype(np.uint8)).save(file, "JPEG", quality=75)
    return file.getvalue()


def cpu_seconds(server):
    """Of the server and its worker."""
    def of(process):
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return of(server.process.pid), of(server.worker())


def resident_megabytes(server):
    return int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def milliseconds(seconds):
    values = np.array(seconds) * 1000
    return {"p50": round(float(np.percentile(values, 50)), 1), "p95": round(float(np.percentile(values, 95)), 1),
            "p99": round(float(np.percentile(values, 99)), 1), "max": round(float(values.max()), 1)}


class Camera:
    """Gives a picture every 1/fps seconds where it is asked for one, and watches what becomes of it."""

    def __init__(self, client, jpegs, fps, phase):
        self.client, self.jpegs, self.period, self.phase = client, jpegs, 1 / fps, phase
        self.asked = asyncio.Event()
        self.sent = deque()
        self.latencies = []
        self.frames = self.missed = self.wrong = 0

    async def listen(self):
        while message := await self.client.hear(3600):
            self.client.heard.clear()
            if message["status"] == "send_frame":
                self.asked.set()
            elif message["status"] == "error":
                self.wrong += 1

    async def send(self, end):
        due = time.monotonic() + self.phase
        while due < end:
            await asyncio.sleep(max(0, due - time.monotonic()))
            due += self.period
            if not self.asked.is_set():
                self.missed += 1
                continue
            self.asked.clear()
            self.sent.append(time.monotonic())
            await self.client.send_frame({"prompt": "sepia"}, self.jpegs[self.frames % len(self.jpegs)])
            self.frames += 1

    async def watch(self, viewer):
        while True:
            await viewer.picture(3600)
            if self.sent:
                self.latencies.append(time.monotonic() - self.sent.popleft() - ENGINE_MS / 1000)


async def latency(options):
    jpeg = picture()
    with Server(model=f"frame-ms={ENGINE_MS}", settings={**LIMITS, "performance.session_fps": 0}) as server:
        server.ready()
        clients = [await Client(server, f"u{i}").__aenter__() for i in range(options.clients)]
        cameras = [Camera(client, [jpeg], options.fps, i / options.clients / options.fps) for i, client in enumerate(clients)]
        tasks = [asyncio.create_task(camera.listen()) for camera in cameras]
        tasks += [asyncio.create_task(camera.watch(await camera.client.watch("?max_fps=0"))) for camera in cameras]
        await asyncio.sleep(1)
        before, begin, memory = cpu_seconds(server), time.monotonic(), resident_megabytes(server)
        await asyncio.gather(*(camera.send(begin + options.seconds) for camera in cameras))
        await asyncio.sleep(0.5)
        took, after = time.monotonic() - begin, cpu_seconds(server)
        for task in tasks:
            task.cancel()
        seen = sum((camera.latencies for camera in cameras), [])
        result = {"clients": options.clients, "fps": options.fps, "seconds": options.seconds, "picture_bytes": len(jpeg),
                  "frames_per_second": round(len(seen) / took, 1), "sent": sum(c.frames for c in cameras), "seen": len(seen),
                  "not_asked_for_in_time": sum(c.missed for c in cameras), "errors": sum(c.wrong for c in cameras),
                  "added_latency_ms": milliseconds(seen), "edge_cores": round((after[0] - before[0]) / took, 2),
                  "worker_cores": round((after[1] - before[1]) / took, 2), "edge_megabytes": round(resident_megabytes(server), 1),
                  "edge_megabytes_at_start": round(memory, 1)}
        for client in clients:
            await client.__aexit__(None, None, None)
    return result


async def viewers(options):
    jpeg = picture()
    with Server(model=f"frame-ms={ENGINE_MS}", settings=LIMITS) as server:
        server.ready()
        async with Client(server, "u") as client, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            camera = Camera(client, [jpeg], options.fps, 0)
            listening = asyncio.create_task(camera.listen())
            counts, shown = [0] * options.viewers, [0] * options.viewers

            async def view(number):
                async with http.get(f"{server.url}/api/stream/u?max_fps=0", timeout=aiohttp.ClientTimeout(total=None)) as answer:
                    async for chunk in answer.content.iter_any():
                        counts[number] += len(chunk)
                        shown[number] += chunk.count(b"Content-Length")

            tasks = [asyncio.create_task(view(i)) for i in range(options.viewers)]
            await asyncio.sleep(2)
            before, begin = cpu_seconds(server), time.monotonic()
            await camera.send(begin + options.seconds)
            await asyncio.sleep(1)
            took, after = time.monotonic() - begin, cpu_seconds(server)
            for task in [*tasks, listening]:
                task.cancel()
            await asyncio.gather(*tasks, listening, return_exceptions=True)
            return {"viewers": options.viewers, "fps": options.fps, "sent": camera.frames, "shown_of_sent": round(min(shown) / camera.frames, 4),
                    "shown_of_sent_mean": round(sum(shown) / len(shown) / camera.frames, 4), "megabytes_per_second": round(sum(counts) / took / 1e6, 1),
                    "edge_cores": round((after[0] - before[0]) / took, 2), "edge_megabytes": round(resident_megabytes(server), 1)}


async def show_first(server, camera):
    """Until there is a picture that WHEP can begin with; who asks for it has pictures kept for it from then on."""
    async with aiohttp.ClientSession() as http:
        while True:
            await camera.send(time.monotonic() + camera.period)
            async with http.get(f"{server.url}/api/snapshot/{camera.client.user}") as answer:
                if answer.status == 200:
                    return


async def whep(options):
    jpegs = [picture(seed) for seed in range(8)]  # noise that changes costs its bitrate
    with Server(model=f"frame-ms={ENGINE_MS}", settings=LIMITS) as server:
        server.ready()
        async with Client(server, "u") as client:
            camera = Camera(client, jpegs, options.fps, 0)
            listening = asyncio.create_task(camera.listen())
            await show_first(server, camera)
            decoded, firsts = [], [[] for _ in range(options.viewers)]
            tasks = [asyncio.create_task(watch(f"{server.url}/api/whep/u", decoded, first)) for first in firsts]
            await camera.send(time.monotonic() + 3)
            if ended := [task for task in tasks if task.done()]:
                ended[0].result()  # why
            decoded.clear()
            before, begin, sent = cpu_seconds(server), time.monotonic(), camera.frames
            await camera.send(begin + options.seconds)
            took, after = time.monotonic() - begin, cpu_seconds(server)
            result = {"viewers": options.viewers, "fps": options.fps, "watching": sum(bool(first) for first in firsts), "sent": camera.frames - sent,
                      "decoded_by_each": round(len(decoded) / options.viewers, 1), "edge_cores": round((after[0] - before[0]) / took, 2),
                      "worker_cores": round((after[1] - before[1]) / took, 2), "edge_megabytes": round(resident_megabytes(server), 1)}
            for task in [*tasks, listening]:
                task.cancel()
            await asyncio.gather(*tasks, listening, return_exceptions=True)
            return result


async def crowd(options):
    with Server(model=f"frame-ms={ENGINE_MS}", settings={**LIMITS, "performance.session_fps": 0, "limits.sessions": 32}) as server:
        server.ready()
        refusals, admitted = [], []

        async def come(number):
            begin = time.monotonic()
            client = await Client(server, f"u{number}").__aenter__()
            first = await client.hear(60)
            if first["status"] == "connected":
                admitted.append(client)
                return
            assert first == {"status": "error", "message": "Server is full"}, first
            assert await client.hear() is None and client.socket.close_code == 1013
            refusals.append(time.monotonic() - begin)
            await client.http.close()

        await asyncio.gather(*(come(i) for i in range(options.clients)))
        result = {"clients": options.clients, "admitted": len(admitted), "refused": len(refusals), "refused_after_ms": milliseconds(refusals)}
        for client in admitted:
            await client.__aexit__(None, None, None)
        return result


async def hang(options):
    with tempfile.TemporaryDirectory() as folder:
        full = (ROOT / "server/pipelines/full.launch").read_text()
        (Path(folder) / "full.launch").write_text(full)
        (Path(folder) / "hang.launch").write_text(full.replace("! diffusionfilter", "! identity sleep-time=600000000 ! diffusionfilter"))
        with Server(settings={**LIMITS, "pipeline.folder": folder, "worker.watchdog_seconds": 5, "worker.breaker_failures": 1000}) as server:
            server.ready()
            times, starts = [], server.metric("liveedit_worker_starts_total")
            async with Client(server, "u") as client, aiohttp.ClientSession() as http:
                await client.until("send_frame")
                await client.say({"mode": "hang"})
                await client.until("mode_changed")
                await client.send_frame()
                end = time.monotonic() + options.seconds
                while time.monotonic() < end:
                    begin = time.monotonic()
                    async with http.get(server.url + "/health") as answer:
                        await answer.read()
                    times.append(time.monotonic() - begin)
                    await asyncio.sleep(0.005)
            return {"asked": len(times), "health_ms": milliseconds(times), "worker_restarts": server.metric("liveedit_worker_starts_total") - starts}


async def killed(options):
    settings = {**LIMITS, "pipeline.width": 64, "pipeline.height": 64, "limits.session_idle_seconds": 0, "limits.sessions": options.clients, "performance.session_fps": 0}
    with Server(settings=settings) as server:
        server.ready()

        vanish(server, 10)
        wait_until(lambda: server.metric("liveedit_sessions") == 0, "empty sessions", server)
        before = server.descriptors(), server.threads()
        begin = time.monotonic()
        vanish(server, options.clients)
        wait_until(lambda: server.metric("liveedit_sessions") == 0, "empty sessions", server)
        wait_until(lambda: server.descriptors() <= before[0], "closed descriptors", server)
        return {"clients": options.clients, "descriptors": [before[0], server.descriptors()], "threads": [before[1], server.threads()],
                "seconds": round(time.monotonic() - begin, 2)}


SCENARIOS = {"latency": (latency, {"clients": 32, "fps": 10, "seconds": 60}), "viewers": (viewers, {"viewers": 100, "fps": 15, "seconds": 30}),
             "whep": (whep, {"viewers": 16, "fps": 15, "seconds": 30}), "crowd": (crowd, {"clients": 200}), "hang": (hang, {"seconds": 20}),
             "killed": (killed, {"clients": 200})}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", choices=list(SCENARIOS))
    parser.add_argument("--clients", type=int)
    parser.add_argument("--viewers", type=int)
    parser.add_argument("--fps", type=float)
    parser.add_argument("--seconds", type=float)
    options = parser.parse_args()
    scenario, usual = SCENARIOS[options.scenario]
    for name, value in usual.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    print(json.dumps({"scenario": options.scenario, **asyncio.run(scenario(options))}), flush=True)


if __name__ == "__main__":
    main()
