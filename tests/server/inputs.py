# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sessions without a browser: what is served elsewhere comes in, is edited, and is seen; HLS in a browser; sound and pictures together."""
import functools
import http.server
import io
import json
import os
import subprocess
import threading
import unittest
import urllib.request
from pathlib import Path

import numpy as np
from PIL import Image

from browser import CHROMIUM, MODULES, NODE, FolderTest
from media import film_with_sound, free_port, probe
from serving import BUILD, Server, wait_until

COLOURS = {"red": (200, 40, 90), "green": (40, 180, 60)}  # of the sources; the double shows them inverted
TOKEN = "a-token-of-the-tests"


def inverted(name):
    return tuple(255 - part for part in COLOURS[name])


def middle(picture):
    """The colour in the middle of a picture, as a file or as an array."""
    image = picture if isinstance(picture, np.ndarray) else np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))
    height, width, _ = image.shape
    return image[height // 3:2 * height // 3, width // 3:2 * width // 3].astype(float).mean((0, 1))


class Stream:
    """A pipeline of GStreamer's in a process of its own, which serves a colour and a tone."""

    def __init__(self, sink, colour="red", sound=True):
        red, green, blue = COLOURS[colour]
        line = (f"videotestsrc is-live=true pattern=solid-color foreground-color={0xff000000 | red << 16 | green << 8 | blue} ! "
                f"video/x-raw,width=320,height=240,framerate=15/1 ! queue ! {sink} name=sink")
        if sound:
            line += " audiotestsrc is-live=true ! audioconvert ! queue ! sink.audio_sink"
        environment = {**os.environ, "GST_PLUGIN_PATH": str(BUILD / "gst-plugins")}
        self.process = subprocess.Popen(["gst-launch-1.0", "-q", *line.split()], env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()


class Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *unused):
        pass


class Inputs(FolderTest):
    def wait_for_colour(self, server, name, colour):
        """In /api/snapshot, the newest edited picture."""
        def seen():
            status, picture, _ = server.get(f"/api/snapshot/{name}")
            return status == 200 and abs(middle(picture) - inverted(colour)).max() < 12
        wait_until(seen, f"{name} in {inverted(colour)}", server, 60)

    def test_rtsp_input(self):
        """A camera of the network with sound: edited and seen as MJPEG and RTSP; it goes away, comes back, and its viewers stay."""
        port, served = free_port(), free_port()
        with Server(settings={"media.inputs": f"cam=rtsp://127.0.0.1:{port}/live", "media.rtsp_port": served}) as server:
            server.ready()
            with Stream(f"livertspsink port={port}"):
                self.wait_for_colour(server, "cam", "red")
                wait_until(lambda: server.json("/api/media/cam")["sound"], "its sound", server, 30)
                seen = subprocess.run(["ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i", f"rtsp://127.0.0.1:{served}/cam", "-frames:v", "3",
                                       "-f", "image2pipe", "-c:v", "png", "-update", "1", self.folder / "seen.png", "-y"], capture_output=True, timeout=60)
                self.assertTrue((self.folder / "seen.png").exists(), seen.stderr.decode())
                self.assertLess(abs(middle((self.folder / "seen.png").read_bytes()) - inverted("red")).max(), 16)
                self.assertEqual({"video", "audio"}, set(probe(f"rtsp://127.0.0.1:{served}/cam", "-rtsp_transport", "tcp", "-read_intervals", "%+1")))
                watching = urllib.request.urlopen(f"{server.url}/api/stream/cam?max_fps=0", timeout=60)
                self.addCleanup(watching.close)
                self.assertTrue(watching.readline().startswith(b"--frame"))
            wait_until(lambda: "the input cam ended and is tried again" in server.said(), "the notice", server, 30)
            with Stream(f"livertspsink port={port}", "green"):
                self.wait_for_colour(server, "cam", "green")
                self.assertLess(abs(self.last_picture(watching, inverted("green")) - inverted("green")).max(), 12)

    def last_picture(self, stream, colour):
        """Reads a stream of JPEGs until there is a picture of that colour, or 400 others."""
        shown = None
        for _ in range(400):
            length = 0
            while (line := stream.readline()) not in (b"\r\n", b""):
                length = int(line.split(b": ")[1]) if line.startswith(b"Content-Length") else length
            if not length:
                continue
            shown = middle(stream.read(length))
            if abs(shown - colour).max() < 12:
                break
        return shown

    def test_http_inputs(self):
        """A film by HTTP, with its sound, over and over; a stream of JPEGs."""
        film_with_sound(self.folder / "film.mp4")
        files = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=self.folder))
        threading.Thread(target=files.serve_forever, daemon=True).start()
        self.addCleanup(lambda: (files.shutdown(), files.server_close()))
        port = free_port()
        inputs = f"film=http://127.0.0.1:{files.server_port}/film.mp4,jpegs=http://127.0.0.1:{port}/stream"
        with Stream(f"livehttpsink port={port}", "green", sound=False), Server(settings={"media.inputs": inputs}) as server:
            server.ready()
            self.wait_for_colour(server, "film", "red")
            wait_until(lambda: server.json("/api/media/film")["sound"], "the film's sound", server, 30)
            self.wait_for_colour(server, "jpegs", "green")
            self.assertFalse(server.json("/api/media/jpegs")["sound"])

    def test_camera_of_the_machine(self):
        camera = next((path for path in sorted(Path("/dev").glob("video*")) if os.access(path, os.R_OK | os.W_OK)), None)
        if not camera:
            raise unittest.SkipTest("not installed: a camera (/dev/video*); the module vivid makes one")
        with Server(settings={"media.inputs": f"cam=v4l2://{camera}"}) as server:
            server.ready()
            wait_until(lambda: server.get("/api/snapshot/cam")[0] == 200, "a picture of the camera", server, 30)
            frames = server.metric("liveedit_frames_edited_total")
            wait_until(lambda: server.metric("liveedit_frames_edited_total") > frames + 10, "more of them", server)

    def test_hls_in_a_browser(self):
        """hls.js plays a session from the server that asks for a token, with the cookie; nobody does without."""
        if not (MODULES / "node_modules/hls.js").exists():
            raise unittest.SkipTest("not installed: hls.js (scripts/setup --tests installs it)")
        token = self.folder / "token"
        token.write_text(TOKEN)
        token.chmod(0o600)
        film = film_with_sound(self.folder / "film.mp4", seconds=60)
        with Server(settings={"media.inputs": f"film={film}", "server.token_file": token}) as server:
            bearer = {"Authorization": f"Bearer {TOKEN}"}
            wait_until(lambda: server.get("/api/snapshot/film", bearer)[0] == 200, "a picture", server, 30)
            wait_until(lambda: json.loads(server.get("/api/media/film", bearer)[1])["sound"], "its sound", server, 30)
            threads = server.threads()
            self.assertEqual(401, server.get("/api/hls/film/index.m3u8")[0])
            environment = {**os.environ, "LIVEEDIT_NODE": str(MODULES), "LIVEEDIT_CHROMIUM": CHROMIUM}
            script = Path(__file__).parent / "hls.mjs"
            done = subprocess.run([NODE, script, server.url, "film", TOKEN], env=environment, capture_output=True, text=True, timeout=90)
            self.assertEqual(0, done.returncode, done.stderr)
            seen = json.loads(done.stdout)
            self.assertEqual([], seen["errors"])
            self.assertGreaterEqual(seen["seconds"], 3, seen)
            self.assertEqual((64, 48), (seen["width"], seen["height"]))
            self.assertLess(abs(np.array(seen["colour"]) - inverted("red")).max(), 16, seen)
            self.assertGreater(seen["sound"], 0)
            # A ticket opens the playlist once.
            status, answer, _ = server.get("/ticket", bearer, "POST")
            self.assertEqual(200, status)
            ticket = json.loads(answer)["ticket"]
            self.assertEqual(200, server.get(f"/api/hls/film/index.m3u8?ticket={ticket}")[0])
            self.assertEqual(401, server.get(f"/api/hls/film/index.m3u8?ticket={ticket}")[0])
            # Nobody asks any more: the encoder rests, and wakes for the next one.
            self.assertGreater(server.threads(), threads + 1)
            wait_until(lambda: server.threads() <= threads + 1, "the encoder's rest", server, 60)
            self.assertEqual(200, server.get("/api/hls/film/index.m3u8", bearer)[0])

    def test_lips_and_words(self):
        """A flash and a beep at the same moment are at the same moment in a recording of the edited session."""
        film = self.folder / "beeps.mp4"
        now = "lt(mod(t\\,2)\\,0.2)"
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"color=black:s=320x240:r=25,drawbox=color=white:t=fill:enable='{now}'",
                        "-f", "lavfi", "-i", f"sine=1000:r=48000,volume='if({now}\\,1\\,0)':eval=frame", "-t", "16", "-pix_fmt", "yuv420p",
                        "-c:v", "libx264", "-c:a", "aac", film], check=True, timeout=60)
        with Server("frame-ms=100", settings={"media.inputs": f"beeps=file://{film}", "media.recordings": self.folder}) as server:
            server.ready()
            wait_until(lambda: server.get("/api/snapshot/beeps")[0] == 200 and server.json("/api/media/beeps")["sound"], "picture and sound", server, 30)
            name = self.record(server, "start")
            frames = server.metric("liveedit_frames_edited_total")
            wait_until(lambda: server.metric("liveedit_frames_edited_total") > frames + 90, "ten seconds of 9 frames each", server, 60)
            self.record(server, "stop")
        flashes, beeps = self.flashes(self.folder / name), self.beeps(self.folder / name)
        self.assertGreaterEqual(len(flashes), 3)
        self.assertGreaterEqual(len(beeps), 3)
        offsets = [min((beep - flash for beep in beeps), key=abs) for flash in flashes[1:-1]]
        self.assertLess(abs(np.median(offsets)), 0.2, f"flashes at {flashes}, beeps at {beeps}")

    def record(self, server, action):
        request = urllib.request.Request(f"{server.url}/api/record/beeps", json.dumps({"action": action}).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["name"]

    def flashes(self, path):
        """When each begins, in seconds. The double has made black of white."""
        times = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "csv=p=0", path],
                               capture_output=True, text=True, check=True, timeout=60).stdout.replace(",", " ").split()
        raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-fps_mode", "passthrough", "-vf", "scale=8:8", "-pix_fmt", "gray", "-f", "rawvideo", "-"],
                             capture_output=True, check=True, timeout=60).stdout
        dark = np.frombuffer(raw, np.uint8).reshape(-1, 64).mean(1) < 128
        return [float(times[i]) for i in range(1, len(dark)) if dark[i] and not dark[i - 1]]

    def beeps(self, path):
        raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-ac", "1", "-ar", "48000", "-f", "s16le", "-"], capture_output=True, check=True, timeout=60).stdout
        began = float(probe(path)["audio"]["start_time"])
        samples = np.frombuffer(raw, np.int16).astype(float)
        loud = np.sqrt((samples[:len(samples) // 480 * 480].reshape(-1, 480) ** 2).mean(1)) > 500
        return [began + 0.01 * i for i in range(1, len(loud)) if loud[i] and not loud[i - 1]]


if __name__ == "__main__":
    unittest.main()
