#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPU of the serving elements, by number of viewers, as JSON lines.

    bench/streaming/viewers.py [--build build] [--seconds 10] [mjpeg] [mixed]

mjpeg: 100 viewers of livehttpsink's /stream, 512x512 at 15 fps. mixed: 16 viewers of livertspsink (TCP) and 50 of HLS, together.
The viewers are sockets that read and throw away, in this process; what is measured is the serving process alone (user and system
time out of /proc), first without a viewer, so that what is printed per viewer is theirs.
"""
import argparse
import json
import os
import re
import selectors
import socket
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

PICTURE = "videotestsrc is-live=true pattern=smpte ! video/x-raw,format=RGB,width=512,height=512,framerate=15/1"


class Serving:
    """A pipeline in a process of its own (the tests' driver)."""

    def __init__(self, build, text):
        environment = dict(os.environ, GST_PLUGIN_PATH=str(build / "gst-plugins"), GST_REGISTRY=str(build / "bench-registry.bin"))
        self.process = subprocess.Popen([build / "tests/streaming/liveedit_line", text], env=environment, text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ask("state PLAYING")
        time.sleep(2)

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        return self.process.stdout.readline().strip().removeprefix("ok").strip()

    def cpu(self, seconds):
        """Share of one core over that time."""
        before = self.ticks()
        time.sleep(seconds)
        return (self.ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds

    def ticks(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def resident_mb(self):
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 2 ** 20

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class Readers:
    """Sockets that are read to nowhere by one thread; counts what came."""

    def __init__(self, sockets):
        self.selector = selectors.DefaultSelector()
        for one in sockets:
            one.setblocking(False)
            self.selector.register(one, selectors.EVENT_READ)
        self.bytes, self.parts, self.stopping = 0, 0, False
        self.buffer = bytearray(1 << 20)
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        while not self.stopping:
            for key, _ in self.selector.select(0.2):
                try:
                    got = key.fileobj.recv_into(self.buffer)
                except BlockingIOError:
                    continue
                if not got:
                    self.selector.unregister(key.fileobj)
                self.bytes += got
                self.parts += self.buffer.count(b"Content-Length", 0, got)

    def stop(self):
        self.stopping = True
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()


def address(url):
    host, port = re.match(r"\w+://([^:/]+):(\d+)", url).groups()
    return host, int(port)


def mjpeg_viewer(url):
    one = socket.create_connection(address(url))
    one.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return one


def rtsp_viewer(url):
    one = socket.create_connection(address(url))
    session = ""
    for number, (method, target, headers) in enumerate((("DESCRIBE", url, ""), ("SETUP", url + "/stream=0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"),
                                                        ("PLAY", url, ""))):
        one.sendall(f"{method} {target} RTSP/1.0\r\nCSeq: {number}\r\n{headers}{session}\r\n".encode())
        answer = one.recv(65536).decode(errors="replace")
        assert " 200 " in answer.split("\r\n")[0], answer
        if method == "SETUP":
            session = "Session: " + re.search(r"Session: *([^;\r]+)", answer).group(1) + "\r\n"
    return one


def poll_hls(url, viewers, stopping, counted):
    """What so many players do: the playlist each second, and each new segment once."""
    base = "http://%s:%d" % address(url)
    media = urllib.request.urlopen(base + "/index.m3u8").read().decode().split("\n")[-2]
    seen = [""] * viewers
    while not stopping.is_set():
        begun = time.monotonic()
        for viewer in range(viewers):
            names = urllib.request.urlopen(base + media).read().decode().split()
            if names[-1] != seen[viewer]:
                seen[viewer] = names[-1]
                counted[0] += len(urllib.request.urlopen(base + media.replace("live.m3u8", names[-1])).read())
        stopping.wait(max(0.0, 1 - (time.monotonic() - begun)))


def mjpeg(build, seconds):
    viewers = 100
    with Serving(build, f"{PICTURE} ! queue ! livehttpsink name=s port=0") as serving:
        idle = serving.cpu(seconds / 2)
        url = serving.ask("get s url")
        readers = Readers([mjpeg_viewer(url)])
        time.sleep(1)
        one = serving.cpu(seconds / 2)
        readers.stop()
        readers = Readers([mjpeg_viewer(url) for _ in range(viewers)])
        time.sleep(1)
        parts, sent = readers.parts, readers.bytes
        all_of_them = serving.cpu(seconds)
        parts, sent = readers.parts - parts, readers.bytes - sent
        memory = serving.resident_mb()
        readers.stop()
    return {"bench": "mjpeg", "viewers": viewers, "fps_per_viewer": round(parts / viewers / seconds, 2), "mb_per_second": round(sent / seconds / 1e6, 1),
            "cores_idle": round(idle, 3), "cores_one_viewer": round(one, 3), "cores": round(all_of_them, 3),
            "cores_for_viewers": round(all_of_them - idle, 3), "cores_per_viewer": round((all_of_them - one) / (viewers - 1), 5), "rss_mb": round(memory)}


def mixed(build, seconds):
    rtsp, hls = 16, 50
    line = f"{PICTURE} ! tee name=t t. ! queue ! livertspsink name=r port=0 t. ! queue ! livehttpsink name=s port=0"
    with Serving(build, line) as serving:
        idle = serving.cpu(seconds / 2)
        readers = Readers([rtsp_viewer(serving.ask("get r url")) for _ in range(rtsp)])
        stopping, counted = threading.Event(), [0]
        player = threading.Thread(target=poll_hls, args=(serving.ask("get s url"), hls, stopping, counted))
        player.start()
        time.sleep(4)
        begun, sent = counted[0], readers.bytes
        busy = serving.cpu(seconds)
        begun, sent = counted[0] - begun, readers.bytes - sent
        stopping.set()
        player.join()
        readers.stop()
    return {"bench": "mixed", "rtsp_viewers": rtsp, "hls_viewers": hls, "rtsp_mbit_per_viewer": round(sent * 8e-6 / seconds / rtsp, 2),
            "hls_mbit_per_viewer": round(begun * 8e-6 / seconds / hls, 2), "cores_idle": round(idle, 3), "cores": round(busy, 3),
            "cores_per_viewer": round((busy - idle) / (rtsp + hls), 5)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("what", nargs="*", choices=["mjpeg", "mixed", []])
    given = parser.parse_args()
    for bench in (mjpeg, mixed):
        if not given.what or bench.__name__ in given.what:
            print(json.dumps(bench(given.build.resolve(), given.seconds)), flush=True)


if __name__ == "__main__":
    main()
