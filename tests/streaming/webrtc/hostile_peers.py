# SPDX-License-Identifier: LGPL-2.1-or-later
"""What comes from outside and is not meant well: names that nobody can resolve, sessions closed at any moment, oversized certificates, noise in
RTP and RTCP, packets from strangers. The elements stay alive, serve the next one, and keep nothing."""
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

import live
from players import Line, wait_until

OFFER = live.recorded_offer("chromium-viewer.sdp")
SDP, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"
HOSTILE = 1000  # packets at a time
NOISE = int(os.environ.get("LIVEEDIT_NOISE", 2000))  # packets
PICTURE = "videotestsrc is-live=true pattern=red ! video/x-raw,format=I420,width=320,height=240,framerate=15/1"


def visitor(i):
    """Each visitor has an address of its own: the server limits what one address may do."""
    return f"127.0.{1 + i // 200}.{1 + i % 200}"


class Sessions(unittest.TestCase):
    def setUp(self):
        self.sink = Line(f"{PICTURE} ! livewebrtcsink name=sink port=0 max-viewers=100")
        self.addCleanup(self.sink.__exit__, None)
        self.url = self.sink.get("sink", "url")
        wait_until(lambda: self.sink.stat("sink", "frames-in") > 0, "a picture")

    def post(self, i):
        reply = live.request(self.url, "POST", "/whep", OFFER, {"Content-Type": SDP}, visitor(i))
        self.assertEqual(reply.status, 201, reply.text)
        return reply

    def used(self):
        return self.sink.descriptors(), self.sink.threads(), self.sink.allocated_kilobytes()

    def assert_no_more_than(self, before, growth_kilobytes):
        wait_until(lambda: self.sink.descriptors() <= before[0], f"no more descriptors than {before[0]}")
        wait_until(lambda: self.sink.threads() <= before[1], f"no more threads than {before[1]}")
        wait_until(lambda: self.sink.allocated_kilobytes() <= before[2] + growth_kilobytes, f"no more memory than {before}, it is {self.used()},")

    # webrtcbin 1.22 leaks an agent, 20 descriptors and 2 threads, for each name it cannot resolve.
    def test_200_offers_with_local_candidates_leave_nothing(self):
        self.assertIn(".local", OFFER)
        for i in range(220):
            reply = self.post(i)
            candidate = f"a=mid:0\r\na=candidate:1 1 udp 2113937151 aa-bb{i}.local 5 typ host\r\n"
            trickled = live.request(self.url, "PATCH", reply.headers["Location"], candidate,
                                    {"Content-Type": FRAGMENT, "If-Match": reply.headers["ETag"]}, visitor(i))
            self.assertEqual(trickled.status, 204, trickled.text)
            live.request(self.url, "DELETE", reply.headers["Location"], source=visitor(i))
            if i == 19:
                time.sleep(2)
                before = self.used()
        self.assert_no_more_than(before, 1024)

    # webrtcbin 1.22 had several deadlocks there.
    def test_100_sessions_closed_at_any_moment_leave_nothing(self):
        chance = random.Random(3)

        def visit(first, pauses):
            for i, pause in enumerate(pauses, first):
                reply = self.post(i)
                time.sleep(pause)
                live.request(self.url, "DELETE", reply.headers["Location"], source=visitor(i))

        def visits(count, first):
            threads = [threading.Thread(target=visit, args=(first + 50 * n, [chance.uniform(0, 0.15) for _ in range(count)])) for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            time.sleep(2)

        visits(5, 0)
        before = self.used()
        visits(25, 200)
        self.assert_no_more_than(before, 1024)
        self.assertEqual(self.sink.errors(), "")


def client(*arguments):
    program = [sys.executable, str(Path(__file__).parent / "aiortc_client.py")]
    return subprocess.Popen([*program, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


try:
    import aiohttp  # noqa: F401
    import aiortc  # noqa: F401
    HAS_AIORTC = ""
except ImportError as missing:
    HAS_AIORTC = f"{missing}; scripts/setup --tests installs aiortc"


@unittest.skipIf(HAS_AIORTC, HAS_AIORTC)
class Media(unittest.TestCase):
    def source(self, debug=""):
        source = Line("livewebrtcsrc name=source port=0 source.video ! fakesink source.audio ! fakesink", debug=debug)
        self.addCleanup(source.__exit__, None)
        return source

    def publish(self, source, *arguments):
        publisher = client(*arguments)
        self.addCleanup(lambda: (publisher.kill(), publisher.communicate()))
        self.assertEqual(publisher.stdout.readline().strip(), "publishing")
        return publisher

    def assert_publishes(self, source):
        publisher = self.publish(source, "publish", source.get("source", "url") + "/whip", 300)
        wait_until(lambda: source.stat("source", "connected") and source.stat("source", "video-frames") > 5, "a picture")
        publisher.kill()

    # Stopped, not ended: nothing says that they are gone but their silence. Until then their queues are all they cost.
    def test_viewers_stopped_dead_cost_no_memory(self):
        text = PICTURE.replace("red", "snow") + " ! livewebrtcsink name=sink port=0 start-bitrate=4000000 max-bitrate=4000000 min-bitrate=4000000"
        sink = Line(text)
        self.addCleanup(sink.__exit__, None)
        viewers = client("view", sink.get("sink", "url") + "/whep", 3, 300)
        self.addCleanup(lambda: (viewers.kill(), viewers.communicate()))
        wait_until(lambda: sink.stat("sink", "viewers") == 3, "the viewers")
        frames = sink.stat("sink", "frames-in")
        wait_until(lambda: sink.stat("sink", "frames-in") > frames + 45, "some seconds of noise")
        before = most = sink.allocated_kilobytes()
        viewers.send_signal(signal.SIGSTOP)
        sent = sink.stat("sink", "frames-in")
        end = time.monotonic() + 180
        while sink.stat("sink", "viewers") and time.monotonic() < end:
            most = max(most, sink.allocated_kilobytes())
            time.sleep(0.2)
        self.assertEqual(sink.stat("sink", "viewers"), 0)
        self.assertGreater(sink.stat("sink", "frames-in"), sent + 30, "the others would have had their pictures")
        self.assertLess(most - before, 6 * 1024)
        self.assertNotIn("error: ", sink.errors())

    # CVE-2026-59692: a client's certificate whose names are longer than some buffer. GStreamer writes them into its log, too.
    def test_a_certificate_of_many_names(self):
        source = self.source(debug="1,dtls*:6")
        for names in (70, 200):
            publisher = self.publish(source, "publish", source.get("source", "url") + "/whip", 300, names)
            wait_until(lambda: source.stat("source", "connected") and source.stat("source", "video-frames") > 5, f"a picture with {names} names")
            publisher.kill()
            wait_until(lambda: 'session-id=(string)""' in source.get("source", "stats"), "the end of the session")
        self.assert_publishes(source)

    # Encrypted as it should be, and rubbish: RTCP of every kind, RTP of every length.
    def test_noise_of_a_publisher(self):
        source = self.source()
        noise = client("noise", source.get("source", "url") + "/whip", NOISE)
        said = json.loads(noise.communicate(timeout=400 + NOISE // 20)[0].splitlines()[-1])
        self.assertEqual(said["status"], 201)
        self.assertEqual(said["sent"], NOISE)
        wait_until(lambda: not source.stat("source", "connected"), "the end of the session")
        self.assert_publishes(source)

    def hostile(self, kind, url):
        """A peer with a session that is about to do what `kind` says, and what it does then, once for each call."""
        program = [sys.executable, str(Path(__file__).parent / "hostile_client.py"), kind, url, str(HOSTILE)]
        peer = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.addCleanup(lambda: (peer.kill(), peer.communicate()))
        self.assertEqual(peer.stdout.readline().strip(), "connected", kind)

        def go():
            peer.stdin.write("\n")
            self.assertEqual(peer.stdout.readline().strip(), "sent", kind)
            time.sleep(1)  # what is under way arrives; a busy machine takes longer for it: see settled()
        return peer, go

    @staticmethod
    def settled(line):
        """Descriptors, threads and allocated kB, once a second changes little of them."""
        used, before = (line.descriptors(), line.threads(), line.allocated_kilobytes()), ()
        for _ in range(20):
            if before and max(abs(a - b) for a, b in zip(used, before)) < 256:
                break
            time.sleep(1)
            used, before = (line.descriptors(), line.threads(), line.allocated_kilobytes()), used
        return used

    def assert_bounded(self, line, url, kinds):
        """What such a peer costs is reached with the first packets: as many again, and twice, cost nothing more."""
        for kind in kinds:
            with self.subTest(kind=kind):
                peer, go = self.hostile(kind, url)
                go()
                used = self.settled(line)
                go()
                go()
                after = self.settled(line)
                peer.kill()
                self.assertLessEqual(after[0], used[0] + 4, "descriptors")
                self.assertLessEqual(after[1], used[1] + 8, "threads")  # GStreamer's pool lets them come and go
                self.assertLessEqual(after[2], used[2] + 2048, "kB")

    # Each source costs GStreamer 24 kB before it is even authenticated, and one that sends a jitter buffer with threads: there are only so many.
    def test_a_publisher_of_endless_sources(self):
        source = self.source()
        url = source.get("source", "url") + "/whip"
        for kind in ("sources", "reports", "names", "private", "contributors", "unprotected", "checks", "data"):
            self.assert_bounded(source, url, [kind])
            wait_until(lambda: 'session-id=(string)""' in source.get("source", "stats"), "the end of the session")
        self.assert_publishes(source)

    def test_a_viewer_of_endless_sources(self):
        sink = Line(PICTURE + " ! livewebrtcsink name=sink port=0")
        self.addCleanup(sink.__exit__, None)
        wait_until(lambda: sink.stat("sink", "frames-in") > 0, "a picture")
        self.assert_bounded(sink, sink.get("sink", "url") + "/whep", ("sources", "reports", "names", "private", "unprotected"))

    def test_pictures_without_end_of_any_size_and_of_rubbish(self):
        source = self.source()
        for kind in ("endless", "huge", "drifting"):
            peer, go = self.hostile(kind, source.get("source", "url") + "/whip")
            before = source.allocated_kilobytes()
            for _ in range(1 if kind == "huge" else 10):
                go()
            wait_until(lambda: 'session-id=(string)""' in source.get("source", "stats"), f"the end of a session with {kind}")
            wait_until(lambda: source.allocated_kilobytes() < before + 8192, f"no more than 8 MB above {before} kB")
            peer.kill()
        self.assert_publishes(source)

    # Packets of somebody who has no part in the session, to its own port.
    def test_packets_of_a_stranger(self):
        source = self.source()
        publisher = self.publish(source, "publish", source.get("source", "url") + "/whip", 300)
        wait_until(lambda: source.stat("source", "video-frames") > 5, "a picture")
        ports = {int(line.split()[1].rsplit(":")[-1], 16) for name in ("udp", "udp6")
                 for line in Path(f"/proc/{source.process.pid}/net/{name}").read_text().splitlines()[1:]
                 if re.search(r"\b%s\b" % line.split()[9], self.inodes(source))}
        self.assertTrue(ports)
        chance = random.Random(5)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for i in range(3000):
                head = bytes([chance.choice([0, 1, 20, 22, 23, 63, 64, 127, 128, 129, 200, 255]), chance.randrange(256)])
                stranger.sendto(head + chance.randbytes(chance.choice([0, 6, 18, 200, 1400])), ("127.0.0.1", chance.choice(list(ports))))
        frames = source.stat("source", "video-frames")
        wait_until(lambda: source.stat("source", "video-frames") > frames + 10, "pictures after it")
        self.assertTrue(source.stat("source", "connected"))
        publisher.kill()

    @staticmethod
    def inodes(line):
        found = []
        for entry in Path(f"/proc/{line.process.pid}/fd").iterdir():
            try:
                found += re.findall(r"socket:\[(\d+)\]", str(entry.readlink()))
            except OSError:
                pass  # closed by now
        return " ".join(found)


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
