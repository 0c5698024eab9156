# SPDX-License-Identifier: LGPL-2.1-or-later
"""livehttpsink, watched by curl, ffmpeg, ffprobe and Chromium."""
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

import numpy as np

from players import BARS, PATIENCE, Line, assert_bars, failed_start, frames, free_port, kill, needs, run, streams, vlc_frames, wait_until

ROOT = Path(__file__).resolve().parents[3]
SINK = f"{BARS} ! queue ! livehttpsink name=s port=0"
TOKEN = "secret-for-tests"


def get(url, headers=None, method="GET"):
    """(status, headers, body)."""
    request = urllib.request.Request(url, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


class Parts:
    """A viewer of /stream that reads the parts one by one."""

    def __init__(self, url, headers=None):
        host, port = re.match(r"http://([^:/]+):(\d+)", url).groups()
        self.connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
        self.connection.request("GET", re.sub(r"^http://[^/]+", "", url), headers=headers or {})
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.status
        self.boundary = b"--" + re.search("boundary=(.+)", self.answer.headers["Content-Type"]).group(1).encode()
        assert self.answer.readline().strip() == self.boundary

    def read(self):
        """The next picture; its closing boundary has come with it."""
        length = 0
        while line := self.answer.readline().strip():
            name, value = line.split(b": ")
            length = int(value) if name == b"Content-Length" else length
        picture = self.answer.read(length)
        assert self.answer.readline() == b"\r\n"
        assert self.answer.readline().strip() == self.boundary
        return picture

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.connection.close()


def decode(picture):
    done = subprocess.run(["ffmpeg", "-v", "error", "-f", "mjpeg", "-i", "-", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], input=picture,
                          capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.uint8).reshape(240, 320, 3)


def browse(*arguments):
    """What Chromium sees (browser.mjs); skips where there is none."""
    chromium, node = shutil.which("chromium"), shutil.which("node")
    modules = Path(os.environ.get("LIVEEDIT_NODE", ROOT / ".cache/node"))
    if not chromium or not node or not (modules / "node_modules/playwright-core").exists():
        raise unittest.SkipTest("Chromium, node or playwright-core is not installed (scripts/setup --tests installs them)")
    done = subprocess.run([node, Path(__file__).parents[1] / "browser.mjs", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=4 * PATIENCE, env=dict(os.environ, LIVEEDIT_CHROMIUM=chromium, LIVEEDIT_NODE=str(modules)))
    if done.returncode != 0:
        raise AssertionError(done.stderr[-3000:])
    return json.loads(done.stdout)


def is_bars(colours):
    wanted = [(255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 0, 255), (255, 0, 0), (0, 0, 255)]
    return colours and all(abs(a - b) <= 24 for seen, one in zip(colours, wanted) for a, b in zip(seen, one))


class Players(unittest.TestCase):
    @needs("curl", "ffmpeg")
    def test_curl_snapshot(self):
        with Line(SINK) as line, tempfile.TemporaryDirectory() as folder:
            url = line.get("s", "url")
            wait_until(lambda: line.stat("s", "frames-in") > 0, "video")
            file = Path(folder) / "snapshot.jpg"
            run("curl", "-sSf", "-o", file, url + "/snapshot.jpg")
            assert_bars(self, decode(file.read_bytes()))
            self.assertEqual(1, line.stat("s", "pictures-encoded"), "nothing is encoded while nobody looks")

    @needs("ffmpeg")
    def test_mjpeg_every_frame_once(self):
        with Line(SINK.replace("pattern=smpte", "pattern=ball")) as line:
            url = line.get("s", "url") + "/stream"
            with Parts(url) as first, Parts(url) as second:
                one = [first.read() for _ in range(50)]
                two = [second.read() for _ in range(50)]
            self.assertEqual(len(one), len(set(one)), "each is another frame")
            common = [picture for picture in one if picture in set(two)]
            self.assertGreater(len(common), 40, "both get the very same pictures")
        with Line(SINK) as line:
            seen, _ = frames(line.get("s", "url") + "/stream", 10, "-f", "mpjpeg")
            for picture in seen:
                assert_bars(self, picture)

    def test_mjpeg_max_fps_n(self):
        with Line(SINK) as line:
            url = line.get("s", "url")
            with Parts(url + "/stream") as fast:
                fast.read()
                before = line.stat("s", "pictures-encoded")
                with Parts(url + "/stream?max_fps=5") as slow:
                    for _ in range(16):
                        slow.read()
                # Three seconds at least lie between the first and the last, however late they are read.
                self.assertGreater(line.stat("s", "pictures-encoded") - before, 45, "16 pictures of 25 a second")
            for wrong in ("0", "121", "-1", "x", "nan", "", "1e9", "%31"):
                self.assertEqual(422, get(f"{url}/stream?max_fps={wrong}")[0], wrong)

    @needs("ffprobe", "ffmpeg")
    def test_hls_ffprobe(self):
        with Line(f"{SINK} audiotestsrc is-live=true freq=440 ! queue ! s.audio_sink") as line:
            url = line.get("s", "url") + "/index.m3u8"
            wait_until(lambda: line.stat("s", "frames-in") > 25, "a second of video")
            kinds = streams(url)
            self.assertEqual(("h264", "aac"), (kinds["video"]["codec_name"], kinds["audio"]["codec_name"]))
            self.assertEqual((320, 240), (kinds["video"]["width"], kinds["video"]["height"]))
            seen, complaints = frames(url, 75)
            self.assertEqual(75, len(seen))
            for picture in seen[::10]:
                assert_bars(self, picture)
            self.assertEqual("", complaints)

    @needs("cvlc", "ffmpeg")
    def test_hls_vlc(self):
        with Line(SINK) as line:
            wait_until(lambda: line.stat("s", "frames-in") > 0, "video")
            seen = vlc_frames(line.get("s", "url") + "/index.m3u8", 40)
            self.assertEqual(40, len(seen))
            for picture in seen:
                assert_bars(self, picture)

    @needs("ffmpeg")
    def test_hls_segments_stand_alone(self):
        with Line(SINK) as line, tempfile.TemporaryDirectory() as folder:
            base = line.get("s", "url")
            wait_until(lambda: line.stat("s", "frames-in") > 0, "video")
            master = get(base + "/index.m3u8")[2].decode()
            media = re.search(r"^/hls/[0-9a-f]{32}/live\.m3u8$", master, re.MULTILINE).group()
            text = wait_until(lambda: (t := get(base + media)[2].decode()).count("#EXTINF") >= 3 and t, "three segments")
            for name, seconds in re.findall(r"#EXTINF:([0-9.]+),\n(\d+\.ts)", text):
                self.assertAlmostEqual(1.0, float(name), delta=0.1)
                status, headers, data = get(base + media.replace("live.m3u8", seconds))
                self.assertEqual((200, "video/mp2t"), (status, headers["Content-Type"]))
                self.assertEqual(b"\x47\x40\x00", data[:3], "a segment begins with its table of contents")
                file = Path(folder) / seconds
                file.write_bytes(data)
                seen, complaints = frames(str(file), 100)
                self.assertAlmostEqual(25, len(seen), delta=2)
                self.assertEqual("", complaints)
                assert_bars(self, seen[0])
            for wrong in ("/hls/", "/hls/" + "0" * 32 + "/live.m3u8", media.replace("live.m3u8", ""), media.replace("live", "../live"),
                          media.replace("live.m3u8", "99999.ts"), media.replace("live.m3u8", "-1.ts")):
                self.assertIn(get(base + wrong)[0], (400, 404), wrong)

    def test_hls_rests_and_wakes(self):
        with Line(SINK) as line:
            wait_until(lambda: line.stat("s", "frames-in") > 25, "a second of video")
            self.assertEqual(0, line.stat("s", "hls-running"), "nobody has asked")
            self.assertEqual(200, get(line.get("s", "url") + "/index.m3u8")[0])
            self.assertEqual(1, line.stat("s", "hls-running"))
        with Line("livehttpsink name=s port=0") as line:
            self.assertEqual(503, get(line.get("s", "url") + "/index.m3u8")[0], "nothing comes in")
            self.assertEqual(503, get(line.get("s", "url") + "/snapshot.jpg")[0])
        with Line(SINK + " hls=false") as line:
            self.assertEqual(404, get(line.get("s", "url") + "/index.m3u8")[0])

    @unittest.skipIf(os.getuid() != 0, "mounting a small disk needs root")
    def test_hls_folder_full(self):
        folder = tempfile.mkdtemp(prefix="liveedit-full-")
        self.addCleanup(os.rmdir, folder)
        mounted = run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder, check=False)
        if mounted.returncode != 0:
            raise unittest.SkipTest(f"no small disk can be mounted here: {mounted.stderr.strip()}")
        self.addCleanup(run, "umount", folder)
        ballast = Path(folder) / "ballast"
        noise = SINK.replace("pattern=smpte", "pattern=snow") + f" hls-folder={folder} hls-bitrate=2000 hls-segment-duration=500"
        with Line(noise) as line:
            wait_until(lambda: (Path(folder) / "index.m3u8").exists(), "the playlist")
            with Parts(line.get("s", "url") + "/stream") as viewer:
                viewer.read()
                with open(ballast, "wb") as full:
                    try:
                        full.write(b"x" * 2 ** 20)
                    except OSError:
                        pass
                wait_until(lambda: line.stat("s", "hls-folder-failures") > 2, "a full disk")
                frames_in, encoded = line.stat("s", "frames-in"), line.stat("s", "pictures-encoded")
                for _ in range(50):
                    viewer.read()
                frames_in, encoded = line.stat("s", "frames-in") - frames_in, line.stat("s", "pictures-encoded") - encoded
                self.assertAlmostEqual(frames_in, encoded, delta=3, msg="MJPEG goes on")
                self.assertEqual(200, get(line.get("s", "url") + "/snapshot.jpg")[0])
                self.assertEqual(200, get(line.get("s", "url") + "/index.m3u8")[0], "HLS from memory goes on")
                ballast.unlink()

                newest = lambda: re.findall(r"(\d+)\.ts", (Path(folder) / "index.m3u8").read_text())[-1:]
                old = newest()
                wait_until(lambda: newest() != old, "files again")
            said = line.errors()
            self.assertIn(said.count("cannot be written"), (1, 2), "told once for each outage")
            self.assertNotIn("| error:", said)
            self.assertFalse([p for p in Path(folder).iterdir() if p.name.endswith(".part")])

    @needs("ffmpeg")
    def test_token_cookie_and_ticket(self):
        with Line(f"{SINK} token={TOKEN}") as line:
            url = line.get("s", "url")
            wait_until(lambda: line.stat("s", "frames-in") > 0, "video")
            bearer = {"Authorization": f"Bearer {TOKEN}"}
            for path in ("/stream", "/snapshot.jpg", "/index.m3u8"):
                status, headers, _ = get(url + path)
                self.assertEqual((401, "Bearer"), (status, headers["WWW-Authenticate"]), path)
            self.assertEqual(200, get(url + "/")[0], "the page asks for the token itself")
            assert_bars(self, decode(get(url + "/snapshot.jpg", bearer)[2]))
            status, headers, body = get(url + "/ticket", bearer, "POST")
            cookie = {"Cookie": headers["Set-Cookie"].split(";")[0]}
            ticket = json.loads(body)["ticket"]
            self.assertEqual(200, get(url + "/snapshot.jpg", cookie)[0])
            seen, _ = frames(f"{url}/stream?ticket={ticket}", 3, "-f", "mpjpeg")
            assert_bars(self, seen[0])
            self.assertEqual(401, get(f"{url}/stream?ticket={ticket}")[0], "a ticket is good once")
            ticket = json.loads(get(url + "/ticket", bearer, "POST")[2])["ticket"]
            seen, _ = frames(f"{url}/index.m3u8?ticket={ticket}", 50)
            assert_bars(self, seen[-1])
            self.assertNotIn(TOKEN, line.logged())

    def test_two_sinks_in_one_process(self):
        with Line(f"{BARS} ! tee name=t t. ! queue ! livehttpsink name=a port=0 t. ! queue ! livehttpsink name=b port=0") as line:
            for name in "ab":
                with Parts(line.get(name, "url") + "/stream") as viewer:
                    assert_bars(self, decode(viewer.read()))
            names = [Path(f"/proc/{line.process.pid}/task/{task}/comm").read_text().strip() for task in os.listdir(f"/proc/{line.process.pid}/task")]
            self.assertEqual(1, names.count("liveedit-io"), "one I/O thread for both")

    def test_port_taken_n(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.assertIn(f"port {port}", failed_start(f"{BARS} ! livehttpsink port={port}"))

    def test_caps_change(self):
        with Line(SINK) as line:
            url = line.get("s", "url")
            with Parts(url + "/stream") as viewer:
                assert_bars(self, decode(viewer.read()))
                media = get(url + "/index.m3u8")[2].decode().split("\n")[-2]
                line.set("caps", "caps", "video/x-raw,width=481,height=271,framerate=25/1,format=RGB")
                size = lambda picture: re.search(r"(\d+)x(\d+)", run_probe(picture)).groups()
                wait_until(lambda: size(viewer.read()) == ("481", "271"), "the new size")
            wait_until(lambda: run_segment(url + media.replace("live.m3u8", get(url + media)[2].decode().split()[-1])) == "480x270", "the new size in HLS")
            self.assertEqual("", line.errors())

    def test_end_of_stream(self):
        with Line(SINK) as line:
            url = line.get("s", "url")
            media = get(url + "/index.m3u8")[2].decode().split("\n")[-2]
            with Parts(url + "/stream") as viewer:
                viewer.read()
                line.ask("eos")
                with self.assertRaises((ValueError, AssertionError, ConnectionError, http.client.HTTPException)):
                    for _ in range(1000):
                        viewer.read()
            wait_until(lambda: "eos" in line.errors(), "the end on the bus")
            wait_until(lambda: "#EXT-X-ENDLIST" in get(url + media)[2].decode(), "the end of the playlist")
            self.assertEqual(200, get(url + "/snapshot.jpg")[0], "the last picture stays")
            line.state("READY")
            line.state("PLAYING")
            with Parts(line.get("s", "url") + "/stream") as viewer:
                assert_bars(self, decode(viewer.read()))

    def test_state_changes(self):
        port = free_port()
        with Line(SINK.replace("port=0", f"port={port}")) as line:
            url = line.get("s", "url")
            for state in ("PAUSED", "READY", "NULL") * 4:
                with Parts(url + "/stream") as viewer:
                    viewer.read()
                    self.assertEqual(200, get(url + "/index.m3u8")[0])
                    line.state(state)
                    if state == "PAUSED":
                        self.assertEqual(200, get(url + "/snapshot.jpg")[0], "paused, it shows the last picture")
                line.state("PLAYING")
            self.assertEqual("", line.errors())

    def test_killed_viewers_leave_nothing(self):
        with Line(SINK) as line:
            url = line.get("s", "url")

            def watch(count):
                viewers = [subprocess.Popen(["curl", "-s", "-o", "/dev/null", url + "/stream"]) for _ in range(count)]
                wait_until(lambda: line.stat("s", "viewers") == count, "the viewers")
                kill(viewers)
                wait_until(lambda: line.stat("s", "connections") == 0 and line.stat("s", "viewers") == 0, "their end")

            watch(2)
            descriptors, threads = line.descriptors(), line.threads()
            watch(20)
            wait_until(lambda: (descriptors, threads) == (line.descriptors(), line.threads()), f"as many descriptors and threads as before, {descriptors} and {threads}")

    def test_no_secret_in_logs(self):
        with Line(f"{SINK} token={TOKEN}", debug="*:5") as line:
            url = line.get("s", "url")
            wait_until(lambda: line.stat("s", "frames-in") > 0, "video")
            answer = get(url + "/ticket", {"Authorization": f"Bearer {TOKEN}"}, "POST")
            ticket, cookie = json.loads(answer[2])["ticket"], answer[1]["Set-Cookie"].split(";")[0]
            self.assertEqual(200, get(f"{url}/snapshot.jpg?ticket={ticket}")[0])
            self.assertEqual(200, get(f"{url}/snapshot.jpg", {"Cookie": cookie})[0])
            logged = line.logged()
            self.assertIn("/snapshot.jpg: 200", logged, "the log is on")
            for secret in (ticket, cookie.split("=")[1]):
                self.assertNotIn(secret, logged)
            # gst_parse_launch logs the line that it is given; the element does not.
            own = [text for text in logged.split("\n") if TOKEN in text and "gst_parse" not in text and "GST_PIPELINE" not in text]
            self.assertEqual([], own)

    def test_chromium_mjpeg(self):
        with Line(SINK) as line:
            seen = browse("mjpeg", line.get("s", "url") + "/stream")["seen"]
            shown = [colours for colours in seen if colours]
            self.assertGreater(len(shown), 40, "the picture is there most of the time")
            self.assertTrue(all(map(is_bars, shown)), shown[-1])

    def test_chromium_hls_js(self):
        with Line(SINK) as line:
            seen = browse("hls", line.get("s", "url") + "/index.m3u8")
            self.assertGreaterEqual(seen["seconds"], 3, seen)
            self.assertEqual(320, seen["width"])
            self.assertTrue(is_bars(seen["colours"]), seen)

    def test_chromium_page_with_token(self):
        with Line(f"{SINK} token={TOKEN}") as line, tempfile.TemporaryDirectory() as folder:
            url = line.get("s", "url")
            self.assertTrue(browse("page", url)["asksForToken"])
            seen = browse("page", f"{url}/#token={TOKEN}", os.environ.get("LIVEEDIT_SCREENSHOT", f"{folder}/page.png"))
            self.assertTrue(is_bars(seen["colours"]), seen)
            self.assertNotIn(TOKEN, seen["address"])
            self.assertEqual("", seen["cookies"], "no script reads the cookie")
            self.assertEqual([], seen["complaints"])


def run_probe(picture):
    done = subprocess.run(["ffprobe", "-v", "error", "-f", "mjpeg", "-i", "-", "-show_entries", "stream=width,height", "-of", "csv=s=x:p=0"],
                          input=picture, capture_output=True, check=True)
    return done.stdout.decode()


def run_segment(url):
    return run("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=width,height", "-of", "csv=s=x:p=0", url,
               check=False).stdout.split("\n")[0]


if __name__ == "__main__":
    unittest.main()
