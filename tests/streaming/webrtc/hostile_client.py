# SPDX-License-Identifier: LGPL-2.1-or-later
"""A peer with a proper session that then does what no browser does, with aiortc.

usage: hostile_client.py KIND URL COUNT    says "connected" of a session at a WHIP or WHEP address; then sends COUNT packets of that kind (the
                                           functions of Noise, and those of main) for each line on stdin, and says "sent"
"""
import asyncio
import random
import re
import struct
import sys

import aiohttp
from aioice import stun
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription

chance = random.Random(7)


class Quiet(MediaStreamTrack):
    """A track that is offered and never sends."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    async def recv(self):
        await asyncio.Event().wait()


def rtp(ssrc, sequence, timestamp, payload, marker, kind, csrcs=()):
    head = struct.pack("!BBHII", 0x80 | len(csrcs), (marker << 7) | kind, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    return head + b"".join(struct.pack("!I", csrc) for csrc in csrcs) + payload


def rtcp(kind, count, body):
    """One RTCP packet: 200 SR, 201 RR, 202 SDES, 203 BYE, 204 APP."""
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def chunk(ssrc, items):
    """A chunk of an SDES packet with (type, bytes) each."""
    body = struct.pack("!I", ssrc) + b"".join(bytes([kind, len(text)]) + text for kind, text in items) + b"\0"
    return body + bytes(-len(body) % 4)


def another():
    return chance.randrange(1, 1 << 32)


# A picture of VP8: payload descriptor, then a key frame's head; `first`: it begins here.
def vp8(first, size=1000, width=320, height=240):
    head = bytes([0x10, 0x10, 0, 0, 0x9D, 0x01, 0x2A]) + struct.pack("<HH", width, height) if first else bytes([0x00])
    return head + chance.randbytes(size)


def golomb(value):
    bits = bin(value + 1)[2:]
    return "0" * (len(bits) - 1) + bits


class Noise:
    """Packets of each kind, from the session's announced source `ssrc`; `video` is the payload type agreed on."""

    def __init__(self, ssrc, video):
        self.ssrc, self.video, self.sequence = ssrc, video, 0

    def next(self):
        self.sequence += 1
        return self.sequence

    def sources(self):  # streams that nobody has announced, each long enough to count as one
        ssrc = another()
        return [rtp(ssrc, i, 0, vp8(True, 20), True, self.video) for i in range(3)]

    def reports(self):  # those who only report
        return [rtcp(200, 0, struct.pack("!IQIII", another(), 1 << 40, 0, 1, 1)), rtcp(201, 0, struct.pack("!I", another()))]

    def names(self):  # one who describes thirty others
        return [rtcp(201, 0, struct.pack("!I", self.ssrc)) + rtcp(202, 30, b"".join(chunk(another(), [(1, b"x")]) for _ in range(30)))]

    def private(self):  # descriptions of its own, each of another kind
        items = [(8, bytes([8]) + b"%08x" % another() + b"v") for _ in range(20)]
        return [rtcp(201, 0, struct.pack("!I", self.ssrc)) + rtcp(202, 1, chunk(self.ssrc, items))]

    def contributors(self):
        return [rtp(self.ssrc, self.next(), 90 * self.sequence, vp8(True, 20), True, self.video, [another() for _ in range(15)])]

    def endless(self):  # one picture
        return [rtp(self.ssrc, self.next(), 0, vp8(self.sequence == 1, 1100), False, self.video)]

    def ahead(self):  # each an hour after the one before
        return [rtp(self.ssrc, self.next(), 90000 * 3600 * self.sequence, vp8(True, 1000), True, self.video)]

    def drifting(self):  # rubbish, and twice as fast as time
        return [rtp(self.ssrc, self.next(), 180 * self.sequence, vp8(True, 1000), True, self.video)]

    def gaps(self):
        self.sequence += chance.choice([3, 50, 700, 5000])
        return [rtp(self.ssrc, self.next(), 90 * self.sequence, vp8(True, 1000), True, self.video)]

    def types(self):  # payload types that nobody has agreed on
        return [rtp(self.ssrc, self.next(), 90 * self.sequence, vp8(True, 100), True, chance.choice([*range(64), *range(96, 128)]))]

    def huge(self):  # a picture whose size is as large as VP8 can say
        return [rtp(self.ssrc, self.next(), 90 * self.sequence, vp8(True, 1000, 16383, 16383), True, self.video)]

    def parameters(self):  # H.264: picture parameter sets, each with another number
        bits = golomb(self.sequence + 1) + golomb(0) + "1"
        bits += "0" * (-len(bits) % 8)
        data = bytes([0x68]) + int(bits, 2).to_bytes(len(bits) // 8, "big") + chance.randbytes(1000)
        return [rtp(self.ssrc, self.next(), 90 * self.sequence, data, True, self.video)]

    def fragments(self):  # H.264: one fragmented unit
        data = bytes([0x7C, 0x85 if self.sequence == 0 else 0x05]) + chance.randbytes(1100)
        return [rtp(self.ssrc, self.next(), 0, data, False, self.video)]


async def send_protected(peer, count, noise, kind):
    transport = peer.getTransceivers()[0].sender.transport
    for sent in range(count):
        for packet in getattr(noise, kind)():
            await transport._send_rtp(packet)
        if sent % 4 == 0:
            await asyncio.sleep(0.001)


async def send_unprotected(peer, count):
    """What anybody could send who can write this peer's address on a packet: RTP of new sources without encryption."""
    ice = peer.getTransceivers()[0].sender.transport.transport
    for sent in range(count):
        await ice._send(rtp(another(), 1, 0, chance.randbytes(60), False, 97))
        if sent % 4 == 0:
            await asyncio.sleep(0.001)


async def send_checks(peer, count, right_password):
    """STUN binding requests, each from a port of its own."""
    ice = peer.getTransceivers()[0].sender.transport.transport._connection
    remote = ice.remote_candidates[0]
    password = ice.remote_password if right_password else "x" * 22
    loop = asyncio.get_running_loop()
    for sent in range(count):
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{ice.remote_username}:{ice.local_username}"
        request.attributes["PRIORITY"] = 1845501695
        request.attributes["ICE-CONTROLLING"] = 1
        request.add_message_integrity(password.encode())
        transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(ice.local_candidates[0].host, 0))
        transport.sendto(bytes(request), (remote.host, remote.port))
        transport.close()
        if sent % 4 == 0:
            await asyncio.sleep(0.001)


async def send_data(peer, count):
    """Data over DTLS where no data channel was agreed on."""
    dtls = peer.getTransceivers()[0].sender.transport
    for sent in range(count):
        await dtls._send_data(chance.randbytes(1000))
        if sent % 4 == 0:
            await asyncio.sleep(0.001)


async def main(kind, url, count):
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    publishes = url.endswith("/whip") or "/whip/" in url
    for media in ("video", "audio"):
        transceiver = peer.addTransceiver(Quiet(media) if publishes else media, direction="sendonly" if publishes else "recvonly")
        if media == "video":
            wanted = "video/H264" if kind in ("parameters", "fragments") else "video/VP8"
            transceiver.setCodecPreferences([codec for codec in RTCRtpSender.getCapabilities("video").codecs if codec.mimeType == wanted])
    await peer.setLocalDescription(await peer.createOffer())
    async with aiohttp.ClientSession() as http:
        async with http.post(url, data=peer.localDescription.sdp, headers={"Content-Type": "application/sdp"}) as reply:
            text = await reply.text()
            if reply.status != 201:
                sys.exit(f"{reply.status}: {text}")
        await peer.setRemoteDescription(RTCSessionDescription(text, "answer"))
        while peer.connectionState != "connected":
            await asyncio.sleep(0.05)
        print("connected", flush=True)
        video = int(re.search(r"m=video \d+ \S+ (\d+)", text).group(1))
        noise = Noise(peer.getTransceivers()[0].sender._ssrc, video)
        while await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
            try:
                if kind == "unprotected":
                    await send_unprotected(peer, count)
                elif kind in ("checks", "strangers"):
                    await send_checks(peer, count, kind == "checks")
                elif kind == "data":
                    await send_data(peer, count)
                else:
                    await send_protected(peer, count, noise, kind)
            except ConnectionError:  # the other side has had enough
                pass
            print("sent", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
