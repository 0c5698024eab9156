# SPDX-License-Identifier: LGPL-2.1-or-later
"""A WHEP viewer or WHIP publisher with aiortc, which shares no code with GStreamer or Chromium.

usage: aiortc_client.py view URL COUNT SECONDS    COUNT viewers in this process; one JSON line with what they saw
       aiortc_client.py publish URL SECONDS       a red picture and a tone; one JSON line with the status
"""
import asyncio
import fractions
import json
import sys
import time

import aiohttp
import av
import numpy
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError


class Viewer:
    def __init__(self):
        self.peer = RTCPeerConnection()
        self.frames = 0
        self.audio = 0
        self.first_ms = None
        self.colour = None
        self.tasks = []

    async def open(self, http, url):
        self.began = time.monotonic()
        for kind in ("video", "audio"):
            self.peer.addTransceiver(kind, direction="recvonly")
        self.peer.on("track", lambda track: self.tasks.append(asyncio.ensure_future(self.watch(track))))
        await self.peer.setLocalDescription(await self.peer.createOffer())
        async with http.post(url, data=self.peer.localDescription.sdp, headers={"Content-Type": "application/sdp"}) as reply:
            self.status = reply.status
            if reply.status != 201:
                return
            self.session = reply.headers["Location"]
            await self.peer.setRemoteDescription(RTCSessionDescription(await reply.text(), "answer"))

    async def watch(self, track):
        try:
            while True:
                frame = await track.recv()
                if track.kind == "audio":
                    self.audio += 1
                    continue
                self.frames += 1
                if self.first_ms is None:
                    self.first_ms = round(1000 * (time.monotonic() - self.began))
                if self.frames % 10 == 1:
                    picture = frame.to_ndarray(format="rgb24")
                    self.size = list(picture.shape[1::-1])
                    self.colour = [int(v) for v in picture[picture.shape[0] // 2, picture.shape[1] // 2]]
        except MediaStreamError:
            pass


async def view(url, count, seconds):
    viewers = [Viewer() for _ in range(count)]
    async with aiohttp.ClientSession() as http:
        await asyncio.gather(*(viewer.open(http, url) for viewer in viewers))
        print("watching", flush=True)
        await asyncio.sleep(seconds)
        for viewer in viewers:
            for task in viewer.tasks:
                task.cancel()
            await viewer.peer.close()
    print(json.dumps([{"status": v.status, "frames": v.frames, "audio": v.audio, "first_ms": v.first_ms,
                       "colour": v.colour} for v in viewers]))


class RedPicture(MediaStreamTrack):
    kind = "video"

    def __init__(self):
        super().__init__()
        self.count = 0

    async def recv(self):
        await asyncio.sleep(1 / 20)
        picture = numpy.zeros((240, 320, 3), numpy.uint8)
        picture[:, :, 0] = 255
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = self.count * 4500
        frame.time_base = fractions.Fraction(1, 90000)
        self.count += 1
        return frame


class Tone(MediaStreamTrack):
    kind = "audio"

    def __init__(self):
        super().__init__()
        self.at = 0

    async def recv(self):
        await asyncio.sleep(0.02)
        samples = (8000 * numpy.sin(2 * numpy.pi * 440 * (self.at + numpy.arange(960)) / 48000)).astype(numpy.int16)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = 48000
        frame.pts = self.at
        frame.time_base = fractions.Fraction(1, 48000)
        self.at += 960
        return frame


async def publish(url, seconds):
    peer = RTCPeerConnection()
    for track in (RedPicture(), Tone()):
        peer.addTransceiver(track, direction="sendonly")
    await peer.setLocalDescription(await peer.createOffer())
    async with aiohttp.ClientSession() as http:
        async with http.post(url, data=peer.localDescription.sdp, headers={"Content-Type": "application/sdp"}) as reply:
            status, text = reply.status, await reply.text()
        if status == 201:
            await peer.setRemoteDescription(RTCSessionDescription(text, "answer"))
            print("publishing", flush=True)
            await asyncio.sleep(seconds)
    await peer.close()
    print(json.dumps({"status": status}))


if __name__ == "__main__":
    if sys.argv[1] == "view":
        asyncio.run(view(sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
    else:
        asyncio.run(publish(sys.argv[2], float(sys.argv[3])))
