# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two networks and a bad line between them, which loses, delays and throttles packets as a test says.

Each side is a network namespace of its own with one interface; what one sends is carried to the other by a thread here, packet by packet.
Nothing of the machine's own network is touched, and the kernel needs no netem.
"""
import concurrent.futures
import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
QUEUE_S = 0.5  # what a throttled line holds back before it drops, in seconds of its rate


def impossible():
    """Why there can be no namespaces here; empty: there can."""
    try:
        Side("10.93.7.9").close()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"this user may not make network namespaces ({error})"
    return ""


class Side:
    """A network of one machine. What run() is given happens there, and so does what it starts."""

    def __init__(self, address, *more):
        self.address = address
        self.thread = concurrent.futures.ThreadPoolExecutor(1)
        try:
            self.device = self.run(self._open, [address, *more])
        except BaseException:
            self.thread.shutdown()
            raise

    def _open(self, addresses):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET) != 0:  # of this thread alone
            raise OSError(ctypes.get_errno(), "unshare")
        device = os.open("/dev/net/tun", os.O_RDWR)
        try:
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"line", IFF_TUN | IFF_NO_PI))
            for address in addresses:
                self._ip("addr", "add", f"{address}/24", "dev", "line")
            for name in ("lo", "line"):
                self._ip("link", "set", name, "up")
            self._ip("route", "add", "default", "dev", "line")
        except BaseException:
            os.close(device)
            raise
        return device

    @staticmethod
    def _ip(*words):
        subprocess.run(["ip", *words], check=True, capture_output=True)

    def run(self, call, *arguments):
        return self.thread.submit(call, *arguments).result()

    def move(self, address):
        """Gives it another address, as when a phone changes from one network to another."""
        self.run(self._ip, "addr", "del", f"{self.address}/24", "dev", "line")
        self.run(self._ip, "addr", "add", f"{address}/24", "dev", "line")
        self.run(self._ip, "route", "replace", "default", "dev", "line")
        self.address = address

    def close(self):
        self.thread.shutdown()
        os.close(self.device)


class Line:
    """The line between two sides. Its attributes may change at any time and hold for both ways."""

    def __init__(self, near, far, seed=1):
        self.loss = 0.0   # of UDP packets, 0 to 1
        self.delay = 0.0  # seconds, one way
        self.rate = 0     # bits a second, each way; 0: no limit
        self.passes = lambda packet: True  # which IPv4 packets are let through at all
        self.carried = {}  # RTP packets that came through, by payload type
        self.lost = 0
        self.random = random.Random(seed)
        self.other = {near.device: far.device, far.device: near.device}
        self.free = {near.device: 0.0, far.device: 0.0}  # when the line into it has sent all it holds
        self.waiting = []
        self.going = True
        self.thread = threading.Thread(target=self._carry, daemon=True)
        self.thread.start()

    def close(self):
        self.going = False
        self.thread.join()

    def _carry(self):
        count = 0
        while self.going:
            now = time.monotonic()
            while self.waiting and self.waiting[0][0] <= now:
                _, _, device, packet = heapq.heappop(self.waiting)
                try:
                    os.write(device, packet)
                except OSError:
                    pass  # the interface is down
            pause = self.waiting[0][0] - now if self.waiting else 0.1
            for device in select.select(list(self.other), [], [], max(0, min(0.1, pause)))[0]:
                packet = os.read(device, 65536)
                due = self._due(packet, self.other[device])
                if due is not None:
                    count += 1
                    heapq.heappush(self.waiting, (due, count, self.other[device], packet))

    def _due(self, packet, into):
        """When a packet arrives; None: never."""
        if packet[0] >> 4 != 4 or not self.passes(packet):
            return None
        now = time.monotonic()
        udp = packet[9] == 17
        if udp and self.random.random() < self.loss:
            self.lost += 1
            return None
        if self.rate:
            start = max(now, self.free[into])
            if start - now > QUEUE_S:
                self.lost += 1
                return None
            self.free[into] = start + 8 * len(packet) / self.rate
            now = self.free[into]
        if udp and len(packet) > 40 and packet[28] >> 6 == 2:
            kind = packet[29] & 127
            self.carried[kind] = self.carried.get(kind, 0) + 1
        return now + self.delay


def udp_between(packet):
    """(source, destination) of a UDP packet as "address:port"; None: it is none."""
    if packet[9] != 17:
        return None
    at = 4 * (packet[0] & 15)
    name = lambda address, port: f"{'.'.join(map(str, packet[address:address + 4]))}:{struct.unpack('!H', packet[port:port + 2])[0]}"
    return name(12, at), name(16, at + 2)
