# SPDX-License-Identifier: LGPL-2.1-or-later
"""livertspsink, watched by ffmpeg and VLC and by requests that no player sends."""
import hashlib
import re
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import numpy as np

from players import BARS, PATIENCE, Line, assert_bars, failed_start, frames, free_port, kill, needs, run, streams, vlc_frames, wait_until

SINK = f"{BARS} ! queue ! livertspsink name=s port=0"
TCP, UDP = ("-rtsp_transport", "tcp"), ("-rtsp_transport", "udp")


class Rtsp:
    """A client that sends requests as they are."""

    def __init__(self, url, user="", token="", source="127.0.0.1"):
        self.user, self.token, self.challenge = user, token, ()
        host, port = re.match(r"rtsp://([^:/]+):(\d+)", url).groups()
        self.socket = socket.create_connection((host, int(port)), PATIENCE, (source, 0))
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind((host, 0))
        self.datagrams.settimeout(PATIENCE)
        self.url, self.sequence, self.buffer = url, 0, b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()
        self.datagrams.close()

    def ask(self, method, headers=(), url=None):
        """(status, head) of the answer; status 0 if the server closed."""
        status, head = self.send(method, headers, url or self.url)
        if status == 401 and self.token:
            self.challenge = tuple(re.search(rf'Digest .*{name}="([^"]*)"', head).group(1) for name in ("realm", "nonce"))
            status, head = self.send(method, headers, url or self.url)
        return status, head

    def send(self, method, headers, url):
        self.sequence += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self.sequence}", *headers]
        if self.challenge:
            realm, nonce = self.challenge
            digest = lambda *parts: hashlib.md5(":".join(parts).encode()).hexdigest()
            response = digest(digest(self.user, realm, self.token), nonce, digest(method, url))
            lines.append(f'Authorization: Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="{url}", response="{response}"')
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        return self.answer()

    def answer(self):
        while True:
            if self.buffer[:1] == b"$" and len(self.buffer) >= 4:  # interleaved media
                size = 4 + int.from_bytes(self.buffer[2:4], "big")
                if len(self.buffer) >= size:
                    self.buffer = self.buffer[size:]
                    continue
            elif b"\r\n\r\n" in self.buffer:
                head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
                text = head.decode()
                length = re.search(r"(?i)content-length: *(\d+)", text)
                if length:
                    while len(self.buffer) < int(length.group(1)):
                        self.buffer += self.socket.recv(65536)
                    self.buffer = self.buffer[int(length.group(1)):]
                return int(text.split()[1]), text
            try:
                got = self.socket.recv(65536)
            except ConnectionResetError:
                got = b""
            if not got:
                return 0, ""
            self.buffer += got

    def play(self, udp=False):
        """DESCRIBE, SETUP and PLAY; returns the session's name."""
        status, head = self.ask("DESCRIBE")
        assert status == 200, head
        port = self.datagrams.getsockname()[1]
        transport = f"RTP/AVP;unicast;client_port={port}-{port + 1}" if udp else "RTP/AVP/TCP;unicast;interleaved=0-1"
        status, head = self.ask("SETUP", [f"Transport: {transport}"], self.url + "/stream=0")
        assert status == 200, head
        session = re.search(r"Session: *([^;\r]+)", head).group(1)
        status, head = self.ask("PLAY", [f"Session: {session}"])
        assert status == 200, head
        return session

    def media(self, udp=False):
        """The size of the next packet of the picture."""
        if udp:
            return len(self.datagrams.recv(65536))
        while len(self.buffer) < 4 or self.buffer[:2] != b"$\0":
            if self.buffer[:1] == b"$" and len(self.buffer) >= 4:
                self.buffer = self.buffer[4 + int.from_bytes(self.buffer[2:4], "big"):]
            self.buffer += self.socket.recv(65536)
        return int.from_bytes(self.buffer[2:4], "big")


class Players(unittest.TestCase):
    def assert_watched(self, url, *options, count=25):
        seen, complaints = frames(url, count, *options)
        self.assertEqual(count, len(seen))
        for picture in seen:
            assert_bars(self, picture)
        self.assertNotIn("corrupt", complaints)
        return seen

    @needs("ffmpeg")
    def test_ffmpeg_tcp(self):
        with Line(SINK) as line:
            self.assert_watched(line.get("s", "url"), *TCP)
            self.assertEqual(1, line.stat("s", "encoders-started"))

    @needs("ffmpeg")
    def test_ffmpeg_udp(self):
        with Line(SINK) as line:
            self.assert_watched(line.get("s", "url"), *UDP)

    @needs("cvlc", "ffmpeg")
    def test_vlc(self):
        if not list(Path("/usr/lib").glob("*/vlc/plugins/access/liblive555_plugin.so")):
            self.skipTest("this VLC has no RTSP module (live555); Debian 12 leaves it out")
        with Line(SINK) as line:
            for picture in vlc_frames(line.get("s", "url"), 50)[5:]:
                assert_bars(self, picture)

    @needs("gst-launch-1.0", "ffmpeg")
    def test_rtspsrc(self):
        with Line(SINK) as line, tempfile.TemporaryDirectory() as folder:
            for protocol in ("tcp", "udp"):
                film = f"{folder}/{protocol}.ts"
                run("gst-launch-1.0", "rtspsrc", f"location={line.get('s', 'url')}", f"protocols={protocol}", "latency=100",
                    "!", "rtph264depay", "!", "h264parse", "!", "video/x-h264,alignment=au", "!", "identity",
                    "eos-after=60", "!", "mpegtsmux", "!", "filesink", f"location={film}")
                seen, complaints = frames(film, 40)
                self.assertEqual(40, len(seen))
                self.assertNotIn("corrupt", complaints)
                assert_bars(self, seen[0])

    @needs("ffmpeg")
    def test_late_joiner_gets_a_key_frame(self):
        with Line(SINK + " key-frame-interval=10000") as line:
            url = line.get("s", "url")
            first = subprocess.Popen(["ffmpeg", "-v", "error", *TCP, "-i", url, "-f", "null", "-"], stdin=subprocess.DEVNULL)
            self.addCleanup(kill, [first])
            wait_until(lambda: line.stat("s", "sessions") == 1, "the first viewer")
            for options in (TCP, UDP, TCP):
                time.sleep(0.6)
                self.assert_watched(url, *options, count=10)
            self.assertEqual(1, line.stat("s", "encoders-started"), "encoded once for all")

    @needs("ffmpeg", "ffprobe")
    def test_sound(self):
        with Line(f"{SINK} audiotestsrc is-live=true freq=440 ! queue ! s.audio_sink") as line:
            url = line.get("s", "url")
            wait_until(lambda: line.stat("s", "frames-in") > 25, "a second of video")
            kinds = streams(url, *TCP)
            self.assertEqual(("h264", "opus"), (kinds["video"]["codec_name"], kinds["audio"]["codec_name"]))
            command = ["ffmpeg", "-v", "error", *TCP, "-i", url, "-vn", "-t", "2", "-ac", "1", "-ar", "48000", "-f", "f32le", "-"]
            sound = np.frombuffer(subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=2 * PATIENCE).stdout, np.float32)[48000:]
            spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
            self.assertAlmostEqual(440, np.argmax(spectrum) * 48000 / len(sound), delta=2)
            self.assertGreater(float(np.sqrt(np.mean(sound ** 2))), 0.3)

    def test_scale_and_speed_n(self):
        for sound in ("", " audiotestsrc is-live=true ! queue ! s.audio_sink"):
            with Line(SINK + sound) as line:
                url = line.get("s", "url")
                wait_until(lambda: line.stat("s", "frames-in") > 25, "a second of video")
                with Rtsp(url) as client:
                    session = client.play()
                    for name in ("Scale", "Speed"):
                        for value in ("nan", "inf", "-inf", "0", "-1", "1e308", "2", "x"):
                            status, head = client.ask("PLAY", [f"Session: {session}", f"{name}: {value}"])
                            self.assertEqual(456, status, f"{name}: {value}: {head}")
                self.assertIsNone(line.process.poll())

    def test_session_cap_n(self):
        with Line(SINK + " max-sessions=3") as line:
            url = line.get("s", "url")
            wait_until(lambda: line.stat("s", "frames-in") > 0, "video")
            clients = [Rtsp(url) for _ in range(4)]
            for client in clients:
                self.addCleanup(client.__exit__)
            sessions = {client.play() for client in clients[:3]}
            self.assertEqual(3, len(sessions))
            for session in sessions:
                self.assertRegex(session, "^[0-9a-f]{32}$")
            self.assertEqual(200, clients[3].ask("DESCRIBE")[0])
            status, _ = clients[3].ask("SETUP", ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1"], url + "/stream=0")
            self.assertEqual(503, status)
            self.assertEqual(200, clients[0].ask("TEARDOWN", ["Session: " + self.session_of(clients[0], sessions)])[0])
            wait_until(lambda: line.stat("s", "sessions") == 2, "a place")
            self.assertEqual(200, clients[3].ask("SETUP", ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1"], url + "/stream=0")[0])

    def session_of(self, client, sessions):
        for session in sessions:
            if client.ask("GET_PARAMETER", [f"Session: {session}"])[0] == 200:
                return session
        raise AssertionError("none of the sessions is the client's")

    # Who knows the name of a session cannot stop it from another connection, nor without the token.
    def test_sessions_of_others_n(self):
        with Line(SINK + " token=secret-for-tests") as line:
            url = line.get("s", "url")
            wait_until(lambda: line.stat("s", "frames-in") > 0, "video")
            with Rtsp(url, "viewer", "secret-for-tests") as owner, Rtsp(url, "viewer", "secret-for-tests") as other, Rtsp(url) as stranger:
                session = owner.play()
                for method in ("GET_PARAMETER", "SET_PARAMETER", "PLAY", "PAUSE", "SETUP", "TEARDOWN"):
                    headers = [f"Session: {session}", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"]
                    target = url + "/stream=0" if method == "SETUP" else url
                    self.assertEqual(454, other.ask(method, headers, target)[0], method)
                    self.assertEqual(454, stranger.ask(method, headers, target)[0], method)
                self.assertEqual(200, owner.ask("GET_PARAMETER", [f"Session: {session}"])[0])
                self.assertEqual(1, line.stat("s", "sessions"))
                self.assertEqual(200, owner.ask("TEARDOWN", [f"Session: {session}"])[0])
                # One over UDP may be steered from another connection of the same address.
                with Rtsp(url, "viewer", "secret-for-tests") as owner, Rtsp(url, source="127.0.0.2") as neighbour:
                    session = [f"Session: {owner.play(udp=True)}"]
                    for method in ("GET_PARAMETER", "SET_PARAMETER", "PLAY", "PAUSE", "TEARDOWN"):
                        self.assertEqual(454, neighbour.ask(method, session)[0], method)
                    self.assertEqual(200, other.ask("GET_PARAMETER", session)[0])
                    self.assertEqual(200, other.ask("TEARDOWN", session)[0])

    @needs("ffmpeg")
    def test_authentication(self):
        with Line(SINK + " token=secret-for-tests user=me") as line:
            url = line.get("s", "url")
            with Rtsp(url) as client:
                status, head = client.ask("DESCRIBE")
                self.assertEqual(401, status)
                self.assertIn("Digest", head)
                self.assertNotIn("Basic", head, "without TLS the token would go as it is")
            self.assert_watched(url.replace("//", "//me:secret-for-tests@"), *TCP)
            for wrong in ("me:other-secret", "you:secret-for-tests"):
                done = run("ffmpeg", "-v", "error", *TCP, "-i", url.replace("//", f"//{wrong}@"), "-f", "null", "-", check=False)
                self.assertIn("401", done.stderr)
            self.assertNotIn("secret", line.logged())

    @needs("ffmpeg", "openssl")
    def test_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=localhost",
                "-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem")
            with Line(f"{SINK} token=secret-for-tests tls-certificate={folder}/certificate.pem tls-private-key={folder}/key.pem") as line:
                url = line.get("s", "url")
                self.assertRegex(url, "^rtsps://")
                self.assert_watched(url.replace("//", "//viewer:secret-for-tests@"), *TCP, count=5)

    @needs("ffmpeg")
    def test_two_mounts_on_one_port(self):
        port = free_port()
        balls = "videotestsrc is-live=true pattern=white ! video/x-raw,width=320,height=240,framerate=25/1"
        with Line(f"{BARS} ! queue ! livertspsink name=a port={port} mount=/one {balls} ! queue ! livertspsink name=b port={port} mount=/two/three") as line:
            self.assertEqual(f"rtsp://127.0.0.1:{port}/two/three", line.get("b", "url"))
            self.assert_watched(line.get("a", "url"), *TCP)
            white, _ = frames(line.get("b", "url"), 5, *TCP)
            self.assertGreater(white[-1].mean(), 230)
            line.set("b", "mount", "/four")
            self.assert_watched(line.get("a", "url"), *UDP)

    @needs("ffmpeg")
    def test_two_ports_in_one_process(self):
        with Line(f"{BARS} ! tee name=t t. ! queue ! livertspsink name=a port=0 t. ! queue ! livertspsink name=b port=0") as line:
            self.assertNotEqual(line.get("a", "url"), line.get("b", "url"))
            for name in "ab":
                self.assert_watched(line.get(name, "url"), *TCP, count=10)

    def test_mount_taken_n(self):
        port = free_port()
        twice = f"{BARS} ! tee name=t t. ! queue ! livertspsink port={port} t. ! queue ! livertspsink port={port} mount="
        self.assertIn("/live", failed_start(twice + "/live"))
        self.assertIn("/live", failed_start(twice + "/live/more"))
        self.assertIn("settings", failed_start(twice + "/other max-sessions=5"))
        for mount in ("live", "/", "/a/", "/a//b", "/a/../b", "/a b", "/a?b"):
            self.assertIn("mount", failed_start(f'{BARS} ! livertspsink port=0 mount="{mount}"'))

    def test_port_taken_n(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.assertIn(f"port {port}", failed_start(f"{BARS} ! livertspsink port={port}"))

    def test_nothing_comes_in_n(self):
        with Line("livertspsink name=s port=0") as line:
            with Rtsp(line.get("s", "url")) as client:
                self.assertNotEqual(200, client.ask("DESCRIBE")[0])
            self.assertEqual(0, line.stat("s", "encoders"))

    # gst-rtsp-server 1.22 did not always start again, most of all with UDP.
    @needs("ffmpeg")
    def test_everybody_leaves_and_comes_again(self):
        with Line(SINK) as line:
            url = line.get("s", "url")
            wait_until(lambda: line.stat("s", "frames-in") > 0, "video")
            for i in range(50):
                udp = i % 2 == 0
                with Rtsp(url) as client:
                    session = client.play(udp)
                    self.assertGreater(client.media(udp), 12, f"viewer {i}")
                    if udp or i % 4 == 1:  # or it just goes
                        self.assertEqual(200, client.ask("TEARDOWN", [f"Session: {session}"])[0])
                wait_until(lambda: line.stat("s", "sessions") + line.stat("s", "encoders") == 0, f"rest after viewer {i}")
            for options in (UDP, TCP):
                self.assert_watched(url, *options, count=5)
            wait_until(lambda: line.stat("s", "encoders") == 0, "rest")

    def test_viewers_who_leave_at_once(self):
        with Line(SINK) as line:
            url = line.get("s", "url")
            wait_until(lambda: line.stat("s", "frames-in") > 0, "pictures")
            for _ in range(150):
                with Rtsp(url) as client:
                    self.assertEqual(200, client.ask("PLAY", [f"Session: {client.play()}"])[0])
            wait_until(lambda: line.stat("s", "encoders") + line.stat("s", "connections") == 0, "rest")

    @needs("ffmpeg")
    def test_caps_change(self):
        with Line(SINK) as line:
            command = ["ffmpeg", "-v", "error", *TCP, "-i", line.get("s", "url"), "-an", "-vf", "scale=320:240", "-frames:v", "100", "-fps_mode", "passthrough",
                       "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
            viewer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            wait_until(lambda: line.stat("s", "sessions") == 1, "the viewer")
            time.sleep(1.5)
            line.set("caps", "caps", "video/x-raw,width=481,height=271,framerate=25/1")
            data, complaints = viewer.communicate(timeout=2 * PATIENCE)
            seen = np.frombuffer(data, np.uint8).reshape(-1, 240, 320, 3)
            self.assertEqual(100, len(seen), complaints)
            for picture in (seen[10], seen[-1]):
                assert_bars(self, picture)
            seen, _ = frames(line.get("s", "url"), 5, *TCP, width=480, height=270)
            assert_bars(self, seen[-1])

    @needs("ffmpeg")
    def test_end_of_stream(self):
        with Line(SINK) as line:
            viewers = [subprocess.Popen(["ffmpeg", "-v", "error", *options, "-i", line.get("s", "url"), "-f", "null", "-"], stdin=subprocess.DEVNULL)
                       for options in (TCP, UDP)]
            self.addCleanup(kill, viewers)
            wait_until(lambda: line.stat("s", "sessions") == 2, "the viewers")
            time.sleep(0.5)
            line.ask("eos")
            for viewer in viewers:
                viewer.wait(PATIENCE)
            wait_until(lambda: "eos" in line.errors(), "the end on the bus")
            line.state("READY")
            line.state("PLAYING")
            self.assert_watched(line.get("s", "url"), *TCP, count=5)

    @needs("ffmpeg")
    def test_state_changes(self):
        port = free_port()
        with Line(SINK.replace("port=0", f"port={port}")) as line:
            url = line.get("s", "url")
            for state in ("PAUSED", "READY", "NULL") * 3:
                viewer = subprocess.Popen(["ffmpeg", "-v", "error", *TCP, "-i", url, "-f", "null", "-"], stdin=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL)
                self.addCleanup(kill, [viewer])
                wait_until(lambda: line.stat("s", "sessions") >= 1, "the viewer")
                line.state(state)
                if state != "PAUSED":
                    viewer.wait(PATIENCE)
                time.sleep(0.3)
                line.state("PLAYING")
                self.assert_watched(url, *TCP, count=5)
                kill([viewer])

    @needs("ffmpeg")
    def test_killed_viewers_leave_nothing(self):
        with Line(SINK) as line:
            url = line.get("s", "url")

            def watch(count):
                viewers = [subprocess.Popen(["ffmpeg", "-v", "error", *TCP, "-i", url, "-f", "null", "-"], stdin=subprocess.DEVNULL)
                           for _ in range(count)]
                wait_until(lambda: line.stat("s", "sessions") == count, "the viewers")
                time.sleep(1)
                kill(viewers)
                wait_until(lambda: line.stat("s", "encoders") + line.stat("s", "connections") + line.stat("s", "sessions") == 0, "their end")

            watch(2)
            # GLib keeps a few idle threads for a while.
            time.sleep(1)
            descriptors, threads = line.descriptors(), line.threads()
            watch(10)
            wait_until(lambda: line.descriptors() <= descriptors and line.threads() <= threads, "the state before")

    @needs("ffmpeg")
    def test_a_viewer_who_reads_nothing(self):
        noise = SINK.replace("pattern=smpte", "pattern=snow") + " bitrate=4000"
        with Line(noise) as line:
            url = line.get("s", "url")
            wait_until(lambda: line.stat("s", "frames-in") > 0, "video")
            with Rtsp(url) as stuck:
                stuck.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                stuck.play()
                frames(url, 25, *TCP)
                before = line.resident_kilobytes()
                seen, complaints = frames(url, 250, *TCP)
                self.assertEqual(250, len(seen))
                self.assertNotIn("corrupt", complaints)
                # gst-rtsp-server keeps ten seconds for a viewer, 5 MB here, and then lets go of it.
                self.assertLess(line.resident_kilobytes() - before, 12 * 1024)
                wait_until(lambda: line.stat("s", "sessions") == 0, "the end of who reads nothing", 120)

    @needs("ffmpeg")
    def test_a_killed_udp_viewer_times_out(self):
        with Line(SINK) as line:
            viewer = subprocess.Popen(["ffmpeg", "-v", "error", *UDP, "-i", line.get("s", "url"), "-f", "null", "-"], stdin=subprocess.DEVNULL)
            self.addCleanup(kill, [viewer])
            wait_until(lambda: line.stat("s", "sessions") == 1, "the viewer")
            kill([viewer])
            wait_until(lambda: line.stat("s", "sessions") + line.stat("s", "encoders") == 0, "its end", 120)

    def test_public_address_needs_a_token_n(self):
        self.assertIn("token", failed_start(f"{BARS} ! livertspsink port=0 bind-address=0.0.0.0"))
        with Line(f"{BARS} ! livertspsink name=s port=0 bind-address=0.0.0.0 insecure=true") as line:
            self.assertRegex(line.get("s", "url"), r"^rtsp://127\.0\.0\.1:\d+/live$")

    def test_bad_requests_n(self):
        with Line(SINK) as line:
            url = line.get("s", "url")
            wait_until(lambda: line.stat("s", "frames-in") > 0, "video")
            for method, headers, target in (
                    ("DESCRIBE", (), url + "/../live"), ("DESCRIBE", (), url[:-1]), ("DESCRIBE", (), url + "\\"), ("PLAY", ("Session: x",), url),
                    ("TEARDOWN", ("Session: " + "0" * 32,), url), ("SETUP", ("Transport: garbage",), url + "/stream=0"),
                    ("SETUP", ("Transport: RTP/AVP;unicast;client_port=1-2",), url + "/stream=99"), ("RECORD", (), url), ("ANNOUNCE", (), url),
                    ("NONSENSE", (), url), ("DESCRIBE", ("Content-Length: 100000000",), url), ("GET", (), "http://127.0.0.1/")):
                with Rtsp(url) as client:
                    client.socket.settimeout(5)
                    try:
                        self.assertNotEqual(200, client.ask(method, headers, target)[0], f"{method} {target} {headers}")
                    except TimeoutError:
                        pass  # it waits for a body that does not come
            with Rtsp(url) as client:
                client.play()
            self.assertIsNone(line.process.poll())


if __name__ == "__main__":
    unittest.main()
