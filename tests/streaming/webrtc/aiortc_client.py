# SPDX-License-Identifier: LGPL-2.1-or-later
"""A WHEP viewer or WHIP publisher with aiortc, which shares no code with GStreamer or Chromium.

usage: aiortc_client.py view URL COUNT SECONDS [FRAMES]   COUNT viewers in this process, until each has seen so many; one JSON line with what they saw
       aiortc_client.py publish URL SECONDS [NAMES]   a red picture and a tone; one JSON line with the status. The certificate has NAMES names
       aiortc_client.py large URL SECONDS         the same with 1280x720 pixels in LARGE_COLOUR
       aiortc_client.py noise URL COUNT           the same, and as many random RTP and RTCP packets between it
"""
import asyncio
import datetime
import json
import random
import sys
import time

import aiohttp
import numpy
from aiortc import MediaStreamTrack, RTCCertificate, RTCConfiguration, RTCDtlsTransport, RTCPeerConnection, RTCSessionDescription
from OpenSSL import SSL
from aiortc.mediastreams import MediaStreamError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tracks import LARGE_COLOUR, PIECE, RATE, ColouredPicture, sound_frame

class Viewer:
    def __init__(self):
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.frames = 0
        self.audio = 0
        self.first_ms = None
        self.times = None  # of the first picture and the last, seconds by the sender's clock
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
                self.times = (self.times[0] if self.times else frame.time, frame.time)
                if self.first_ms is None:
                    self.first_ms = round(1000 * (time.monotonic() - self.began))
                if self.frames % 10 == 1:
                    picture = frame.to_ndarray(format="rgb24")
                    self.size = list(picture.shape[1::-1])
                    self.colour = [int(v) for v in picture[picture.shape[0] // 2, picture.shape[1] // 2]]
        except MediaStreamError:
            pass


async def view(url, count, seconds, frames):
    viewers = [Viewer() for _ in range(count)]
    async with aiohttp.ClientSession() as http:
        await asyncio.gather(*(viewer.open(http, url) for viewer in viewers))
        print("watching", flush=True)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and (not frames or any(viewer.frames < frames for viewer in viewers)):
            await asyncio.sleep(min(left, 0.05))
        for viewer in viewers:
            for task in viewer.tasks:
                task.cancel()
            await viewer.peer.close()
    print(json.dumps([{"status": v.status, "frames": v.frames, "audio": v.audio, "first_ms": v.first_ms, "times": v.times,
                       "colour": v.colour} for v in viewers]))


class Tone(MediaStreamTrack):
    kind = "audio"

    def __init__(self):
        super().__init__()
        self.at = 0

    async def recv(self):
        await asyncio.sleep(0.02)
        samples = (8000 * numpy.sin(2 * numpy.pi * 440 * (self.at + numpy.arange(PIECE)) / RATE)).astype(numpy.int16)
        frame = sound_frame(samples, self.at)
        self.at += PIECE
        return frame


def certificate_of_many_names(count):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "u" * 60) for _ in range(count)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=30))
    return RTCCertificate(key, builder.sign(key, hashes.SHA256()))


async def send_whole_records(transport):
    """aiortc's own _write_ssl() cuts what is longer than 1500 bytes anywhere: such a certificate would never arrive."""
    data = b""
    try:
        while piece := transport._ssl.bio_read(65536):
            data += piece
    except SSL.Error:
        pass
    while data:
        size = 13 + int.from_bytes(data[11:13], "big")
        await transport.transport._send(data[:size])
        data = data[size:]


async def make_noise(peer, count):
    """Random packets through the session's own encryption, `count` of them; how many were sent before the other side had enough."""
    transport = peer.getSenders()[0].transport
    chance = random.Random(7)
    sent = 0
    while sent < count:
        body = chance.randbytes(chance.choice([6, 10, 22, 58, 502, 1102]))
        if chance.random() < 0.7:  # RTCP: SR, RR, SDES, BYE, APP, RTPFB, PSFB, XR, with any count and length
            packet = bytes([0x80 | chance.randrange(64), chance.randrange(200, 208)]) + body
        else:
            packet = bytes([0x80 | chance.randrange(64), chance.choice([96, 97, 98, 111, 0, 26, 72 + 50])]) + body + bytes(6)
        try:
            await transport._send_rtp(packet)
            sent += 1
        except ConnectionError:  # the other side has had enough
            break
        except Exception:  # this side's own encryption does not take it
            pass
        await asyncio.sleep(0.001)
    return sent


async def publish(url, seconds, names=0, noise=False, picture=None):
    if names:
        RTCDtlsTransport._write_ssl = send_whole_records
        RTCCertificate.generateCertificate = classmethod(lambda unused: certificate_of_many_names(names))
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    sent = 0
    for track in (picture or ColouredPicture((255, 0, 0)), Tone()):
        peer.addTransceiver(track, direction="sendonly")
    await peer.setLocalDescription(await peer.createOffer())
    async with aiohttp.ClientSession() as http:
        async with http.post(url, data=peer.localDescription.sdp, headers={"Content-Type": "application/sdp"}) as reply:
            status, text = reply.status, await reply.text()
        if status == 201:
            await peer.setRemoteDescription(RTCSessionDescription(text, "answer"))
            print("publishing", flush=True)
            if noise:
                while peer.connectionState != "connected":
                    await asyncio.sleep(0.05)
                sent = await make_noise(peer, seconds)
            else:
                await asyncio.sleep(seconds)
    await peer.close()
    print(json.dumps({"status": status, "sent": sent}))


if __name__ == "__main__":
    if sys.argv[1] == "view":
        asyncio.run(view(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]) if len(sys.argv) > 5 else 0))
    elif sys.argv[1] == "large":
        asyncio.run(publish(sys.argv[2], float(sys.argv[3]), picture=ColouredPicture(LARGE_COLOUR, (1280, 720))))
    else:
        asyncio.run(publish(sys.argv[2], float(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 0, sys.argv[1] == "noise"))
