#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""livewebrtcsink with aiortc viewers, as JSON lines: CPU by number of viewers, time to the first picture, latency.

    bench/streaming/webrtc.py [--build build] [--viewers 16] [--seconds 10]

The picture is 512x512 at 15 fps, noise in its middle so that it costs its bitrate. A clock is drawn into its top row as black and white
squares; a viewer reads it back from what it decodes. Latency is from the moment a picture is drawn to the moment it is decoded (camera and screen not
included), first_ms from a viewer's POST to its first decoded picture. The CPU is that of the serving process alone, encoder included.
"""
import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import threading
import time
from pathlib import Path

import aiohttp
import numpy as np
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

SIZE, FPS, BITS, SQUARE = 512, 15, 24, 16


def clock_ms():
    return int(time.monotonic() * 1000) % 2 ** BITS


def paint(picture):
    """The time as squares in the top row of a grey picture [512, 512]."""
    now = clock_ms()
    for bit in range(BITS):
        picture[:SQUARE, bit * SQUARE:(bit + 1) * SQUARE] = 235 if now >> bit & 1 else 16


def read(picture):
    squares = picture[4:12, :BITS * SQUARE].reshape(8, BITS, SQUARE)[:, :, 4:12].mean((0, 2))
    return sum(int(value > 128) << bit for bit, value in enumerate(squares))


class Serving:
    """gst-launch-1.0 with a sink, fed with painted pictures."""

    def __init__(self, build):
        line = (f"fdsrc fd=0 ! rawvideoparse format=i420 width={SIZE} height={SIZE} framerate={FPS}/1 ! "
                "livewebrtcsink name=sink port=0 sync=false max-viewers=256 start-bitrate=1500000 max-bitrate=1500000")
        environment = dict(os.environ, GST_PLUGIN_PATH=str(build / "gst-plugins"), GST_REGISTRY=str(build / "bench-registry.bin"))
        self.process = subprocess.Popen(["gst-launch-1.0", "-v", *line.split()], env=environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.going = True
        threading.Thread(target=self.feed, daemon=True).start()
        for text in self.process.stdout:
            if match := re.search(rb"url = (http\S+)", text):
                self.url = match.group(1).decode()
                break
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        time.sleep(1)

    def feed(self):
        random = np.random.default_rng(1)
        noise = random.integers(16, 235, (8, 256, 256), np.uint8)
        luma = np.full((SIZE, SIZE), 90, np.uint8)
        chroma = np.full(SIZE * SIZE // 2, 128, np.uint8).tobytes()
        due = time.monotonic()
        count = 0
        while self.going:
            luma[128:384, 128:384] = noise[count % 8]
            paint(luma)
            self.process.stdin.write(luma.tobytes() + chroma)
            self.process.stdin.flush()
            count += 1
            due = max(due + 1 / FPS, time.monotonic())  # what could not be written in time is not made up for
            time.sleep(max(0, due - time.monotonic()))

    def cpu(self, seconds):
        def ticks():
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            return int(fields[11]) + int(fields[12])
        before = ticks()
        time.sleep(seconds)
        return (ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds

    def stop(self):
        self.going = False
        self.process.terminate()
        self.process.wait()


async def watch(endpoint, latencies, first):
    """A viewer that decodes what this WHEP endpoint shows; runs until it is cancelled."""
    peer = RTCPeerConnection()
    peer.addTransceiver("video", direction="recvonly")
    ended = asyncio.Event()
    began = time.monotonic()

    async def read_all(track):
        try:
            while True:
                frame = await track.recv()
                if not first:
                    first.append(1000 * (time.monotonic() - began))
                latencies.append((clock_ms() - read(frame.to_ndarray(format="gray"))) % 2 ** BITS)
        except MediaStreamError:
            ended.set()

    tasks = []
    peer.on("track", lambda track: tasks.append(asyncio.ensure_future(read_all(track))))
    await peer.setLocalDescription(await peer.createOffer())
    async with aiohttp.ClientSession() as http:
        async with http.post(endpoint, data=peer.localDescription.sdp, headers={"Content-Type": "application/sdp"}) as reply:
            assert reply.status == 201, await reply.text()
            await peer.setRemoteDescription(RTCSessionDescription(await reply.text(), "answer"))
    try:
        await ended.wait()
    finally:
        await peer.close()


async def crowd(url, count, cpu):
    latencies, firsts = [], [[] for _ in range(count)]
    tasks = [asyncio.ensure_future(watch(url + "/whep", latencies, first)) for first in firsts]
    await asyncio.sleep(3)
    latencies.clear()
    share = await asyncio.to_thread(cpu)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return share, latencies, [first[0] for first in firsts if first]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--viewers", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    serving = Serving(options.build.resolve())
    try:
        print(json.dumps({"bench": "webrtc", "viewers": 0, "cpu": round(serving.cpu(options.seconds), 3)}), flush=True)
        for count in sorted({1, options.viewers}):
            share, latencies, firsts = asyncio.run(crowd(serving.url, count, lambda: serving.cpu(options.seconds)))
            latencies.sort()
            print(json.dumps({"bench": "webrtc", "viewers": count, "cpu": round(share, 3), "frames_seen": len(latencies),
                              "latency_ms_median": statistics.median(latencies), "latency_ms_p95": latencies[int(0.95 * len(latencies))],
                              "first_ms_median": round(statistics.median(firsts)), "first_ms_max": round(max(firsts))}), flush=True)
    finally:
        serving.stop()


if __name__ == "__main__":
    main()
