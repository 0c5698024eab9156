# SPDX-License-Identifier: LGPL-2.1-or-later
"""livewebrtcsink over lines that lose, delay and throttle packets, and through a relay: viewers in a network of their own (link.py)."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import link
import live
from players import Line, needs, wait_until

try:
    import aiohttp  # noqa: F401
    import aiortc  # noqa: F401
except ImportError as missing:
    print(f"skipped: {missing}; scripts/setup --tests installs aiortc")
    sys.exit(live.SKIPPED)
if why := link.impossible():
    print(f"skipped: {why}")
    sys.exit(live.SKIPPED)

HERE = Path(__file__).parent
SERVER, RELAY, VIEWER, ELSEWHERE = "10.93.7.1", "10.93.7.9", "10.93.7.2", "10.93.7.3"
USER, SECRET = "viewer", "word-that-nobody-guesses"
FPS = 15


class Network(unittest.TestCase):
    def setUp(self):
        self.near, self.far = link.Side(SERVER, RELAY), link.Side(VIEWER)
        self.line = link.Line(self.near, self.far)
        for part in (self.near, self.far, self.line):
            self.addCleanup(part.close)

    def serve(self, more="", pattern="snow"):
        text = (f"videotestsrc is-live=true pattern={pattern} ! video/x-raw,format=I420,width=320,height=240,framerate={FPS}/1 ! "
                f"livewebrtcsink name=sink port=0 bind-address={SERVER} insecure=true {more}")
        sink = self.near.run(Line, text)
        self.addCleanup(sink.__exit__, None)
        self.url = sink.get("sink", "url")
        return sink

    def start(self, *command, **more):
        process = self.far.run(lambda: subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True, **more))
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        return process

    def relay(self, side, address=RELAY):
        """coturn, until the test ends."""
        folder = tempfile.TemporaryDirectory()
        command = ["turnserver", "-n", "--no-cli", "--no-tls", "--no-dtls", f"--listening-ip={address}", f"--relay-ip={address}", "--lt-cred-mech",
                   f"--user={USER}:{SECRET}", "--realm=test", "--min-port=49200", "--max-port=49299", f"--log-file={folder.name}/log", "--simple-log",
                   f"--pidfile={folder.name}/pid", f"--userdb={folder.name}/users"]
        process = side.run(lambda: subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        self.addCleanup(lambda: (process.kill(), process.wait(), folder.cleanup()))
        log = Path(folder.name) / "log"
        wait_until(lambda: log.exists() and "(admin thread)" in log.read_text(), "coturn")

    def view(self, seconds):
        """An aiortc viewer, connected."""
        client = self.start(sys.executable, HERE / "aiortc_client.py", "view", self.url + "/whep", 1, seconds)
        self.assertEqual(client.stdout.readline().strip(), "watching")
        return client

    def seen(self, client):
        seen = json.loads(client.communicate(timeout=60)[0].splitlines()[-1])
        return seen[0] if isinstance(seen, list) else seen

    @staticmethod
    def field(sink, name, of="viewer"):
        """A field of the first viewer or encoder in the statistics."""
        found = re.search(rf"\"{of}, .*?\b{name}=\(\w+\)(\w[^,;]*)", sink.get("sink", "stats").replace("\\", ""))
        return found.group(1) if found else ""

    def number(self, sink, name):
        return float(self.field(sink, name) or 0)

    def bitrate(self, sink):
        return int(self.field(sink, "bitrate", "encoder") or 0)


class BadLines(Network):
    # One of twenty packets is lost: what the viewer misses is sent again, and hardly a picture is.
    def test_lost_packets_are_sent_again(self):
        sink = self.serve("start-bitrate=800000 max-bitrate=800000")
        self.line.delay = 0.03
        client = self.view(12)
        wait_until(lambda: sink.stat("sink", "viewers") == 1, "a viewer")
        time.sleep(1)
        self.line.loss = 0.05
        seen = self.seen(client)
        media, again = 97, 98  # what aiortc calls VP8 and its retransmissions
        self.assertGreater(self.line.lost, 10)
        self.assertGreater(self.line.carried[again], self.line.lost // 2)
        self.assertGreater(self.line.carried[media], 10 * self.line.lost)
        self.assertGreater(seen["frames"], 0.6 * int(self.field(sink, "frames", "encoder")))

    # The line carries a quarter of the picture, then all of it again. Were everything sent again that is asked for, the line would stay full:
    # of 1400 packets a second 98 % were lost, whatever the encoder did.
    def test_the_bitrate_follows_the_line(self):
        sink = self.serve("start-bitrate=2000000 max-bitrate=2000000 min-bitrate=100000", "zone-plate kx2=40 ky2=40 kt=5")
        self.line.delay = 0.02
        self.view(300)
        wait_until(lambda: self.number(sink, "round-trip-time") > 0, "a report", 60)
        self.line.rate = 500000
        wait_until(lambda: self.bitrate(sink) < 700000 and self.number(sink, "fraction-lost") == 0, "a rate that the line carries", 120)
        self.assertLess(self.number(sink, "packets-resent"), self.number(sink, "packets-sent") / 2)
        low = self.bitrate(sink)
        self.line.rate = 0
        wait_until(lambda: self.bitrate(sink) > 1.5 * low, "a higher rate", 120)

    # Nothing is lost, but it takes longer than it did: a queue somewhere fills up.
    def test_the_bitrate_follows_the_round_trip(self):
        sink = self.serve("start-bitrate=2000000 max-bitrate=2000000 min-bitrate=100000", "zone-plate kx2=40 ky2=40 kt=5")
        self.line.delay = 0.02
        self.view(300)
        wait_until(lambda: self.number(sink, "round-trip-time") > 0.04, "a report", 60)
        self.line.delay = 0.5
        wait_until(lambda: self.bitrate(sink) < 1400000, "a lower rate", 120)
        self.assertGreater(self.number(sink, "round-trip-time"), 0.3)
        low = self.bitrate(sink)
        self.line.delay = 0.02
        wait_until(lambda: self.bitrate(sink) > 1.3 * low, "a higher rate again", 120)

    # Heavy loss alone, on a line with room for all.
    def test_the_bitrate_follows_the_loss(self):
        sink = self.serve("start-bitrate=2000000 max-bitrate=2000000 min-bitrate=100000")
        self.view(300)
        wait_until(lambda: sink.stat("sink", "viewers") == 1, "a viewer")
        self.line.loss = 0.3
        wait_until(lambda: self.bitrate(sink) < 1500000, "a lower rate", 120)

    # Six seconds of nothing, and it goes on: the same session, without a word from the page.
    def test_the_line_is_cut_for_six_seconds(self):
        sink = self.serve()
        client = self.view(22)
        wait_until(lambda: sink.stat("sink", "viewers") == 1, "a viewer")
        time.sleep(3)
        self.line.loss = 1.0
        time.sleep(6)
        self.line.loss = 0.0
        seen = self.seen(client)
        self.assertGreater(seen["frames"], 6 * FPS)  # 3 seconds before it


class Browsers(Network):
    def browse(self, *arguments):
        environment = dict(os.environ, LIVEEDIT_CHROMIUM=shutil.which("chromium"), LIVEEDIT_NODE=str(live.NODE_MODULES))
        client = self.start("node", HERE / "browser.mjs", *arguments, env=environment)
        self.assertEqual(client.stdout.readline().strip(), "playing")
        return client

    def assert_red(self, client):
        seen = self.seen(client)
        self.assertGreater(seen["colour"][0], 200, seen)
        self.assertLess(max(seen["colour"][1:]), 60, seen)
        self.assertGreater(seen["frames"], FPS)
        return seen

    # The phone leaves the house: its address is another, the session and the page's picture are the same.
    @needs("chromium", "node")
    def test_the_viewer_moves_to_another_network(self):
        sink = self.serve(pattern="red")
        client = self.browse("stay", self.url, 12)
        session = self.field(sink, "session-id")
        self.far.move(ELSEWHERE)
        seen = self.assert_red(client)
        self.assertEqual(seen["requests"].count("POST"), 1, seen)
        self.assertEqual(self.field(sink, "session-id"), session)

    # The page learns of the TURN server by the answer, and finds no other way.
    @needs("chromium", "node", "turnserver")
    def test_a_page_behind_a_relay(self):
        self.relay(self.near)
        self.line.passes = lambda packet: not (ends := link.udp_between(packet)) or f"{RELAY}:3478" in ends
        self.serve(f'turn-servers=<"turn://{USER}:{SECRET}@{RELAY}:3478">', pattern="red")
        self.assert_red(self.browse("relayed", self.url, 2))


class Servers(Network):
    # A viewer who knows no server, before a firewall that lets nothing through but the sink's own relay.
    @needs("turnserver")
    def test_a_sink_behind_a_relay(self):
        self.relay(self.near)
        self.line.passes = lambda packet: not (ends := link.udp_between(packet)) or any(f"{RELAY}:492" in end for end in ends)
        self.serve(f'turn-servers=<"turn://{USER}:{SECRET}@{RELAY}:3478"> min-rtp-port=50000 max-rtp-port=50099')
        self.assertGreater(self.seen(self.view(4))["frames"], 2 * FPS)

    # A viewer to whom no relay is open gets nothing, and is dropped.
    @needs("turnserver")
    def test_a_sink_behind_a_wall_n(self):
        self.relay(self.near)
        self.line.passes = lambda packet: not link.udp_between(packet)
        sink = self.serve(f'turn-servers=<"turn://{USER}:wrong-word@{RELAY}:3478">')
        self.assertEqual(self.seen(self.view(4))["frames"], 0)
        wait_until(lambda: not self.field(sink, "session-id"), "the end of the session", 20)

    # Asked for the own address; and one that does not answer costs its candidate, not the session.
    @needs("turnserver")
    def test_a_stun_server(self):
        self.relay(self.far, VIEWER)
        asked = []
        self.line.passes = lambda packet: asked.append(link.udp_between(packet)) or True
        self.serve(f"stun-server=stun://{VIEWER}:3478 min-rtp-port=50000 max-rtp-port=50099")
        self.assertGreater(self.seen(self.view(3))["frames"], FPS)
        out = {ends[0] for ends in asked if ends and ends[1] == f"{VIEWER}:3478"}
        back = {ends[1] for ends in asked if ends and ends[0] == f"{VIEWER}:3478"}
        self.assertTrue(out)
        self.assertEqual(out, back)
        self.assertTrue(all(50000 <= int(end.split(":")[1]) < 50100 for end in out), out)

    def test_a_stun_server_that_is_not_there(self):
        self.serve(f"stun-server=stun://{VIEWER}:9")
        self.assertGreater(self.seen(self.view(9))["frames"], 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
