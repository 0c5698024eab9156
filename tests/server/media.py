# SPDX-License-Identifier: LGPL-2.1-or-later
"""A session's media: WebRTC in and out, in Chromium."""
import io
import json
import os
import signal
import socket
import subprocess
import urllib.error
import urllib.request

import numpy as np
from PIL import Image

from browser import Browser, FolderTest, make_film, portrait
from serving import SQUARE, Server, wait_until

# In the page: the modules that it is made of, without its buttons.
PUBLISH = """async () => {
  const {Publisher} = await import('/webrtc.js');
  window.stream = await navigator.mediaDevices.getUserMedia({video: {width: 640, height: 480}, audio: true});
  const before = Object.assign(document.createElement('video'), {id: 'camera', muted: true, playsInline: true, srcObject: window.stream});
  document.body.append(before);
  await before.play();
  window.publisher = new Publisher();
  await window.publisher.open('somebody', window.stream, () => { window.lost = true; });
  return window.stream.getTracks().length;
}"""
WATCH = """async () => {
  const {Viewer} = await import('/webrtc.js');
  const video = Object.assign(document.createElement('video'), {id: 'edited', muted: true, playsInline: true});
  document.body.append(video);
  window.viewer = new Viewer();
  await window.viewer.open('somebody', video, () => { window.lost = true; });
  return true;
}"""
# Both pictures at the same moment, small: [camera, edited], each a list of grey values.
GREYS = """() => ['camera', 'edited'].map(id => {
  const canvas = Object.assign(document.createElement('canvas'), {width: 32, height: 24});
  const context = canvas.getContext('2d');
  context.drawImage(document.getElementById(id), 0, 0, 32, 24);
  const data = context.getImageData(0, 0, 32, 24).data;
  return Array.from({length: 32 * 24}, (_, i) => (data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) / 3);
})"""
FRAMES = "() => document.getElementById('edited')?.getVideoPlaybackQuality().totalVideoFrames ?? 0"


class Media(FolderTest):
    def wait_for_frames(self, browser, more, server):
        seen = browser.evaluate(FRAMES)
        wait_until(lambda: browser.evaluate(FRAMES) >= seen + more, f"{more} pictures", server)

    def test_webrtc_loop(self):
        """A camera goes in by WHIP and comes back, edited, by WHEP: the same face at the same moment, inverted."""
        with Server(settings=SQUARE) as server:
            server.ready()
            with Browser(server.url, portrait(self.folder)) as browser:
                browser.open()
                self.assertEqual(2, browser.evaluate(PUBLISH))
                self.assertTrue(browser.evaluate(WATCH))
                self.wait_for_frames(browser, 15, server)

                def mirrored():
                    """A busy machine's edit may be late: the face has moved by then, and comes back."""
                    camera, edited = (np.array(grey) for grey in browser.evaluate(GREYS))
                    self.assertGreater(np.std(camera), 20)
                    return np.corrcoef(camera, edited)[0, 1] < -0.9

                wait_until(mirrored, "the inverted face", server)
                self.assertEqual([256, 192], browser.evaluate("() => { const v = document.getElementById('edited'); return [v.videoWidth, v.videoHeight]; }"))
                self.assertEqual(1, server.json("/api/queue")["queue_size"])

                # Another viewer sees the same stream; the publisher's end ends the session's connection, not the viewers.
                with Browser(server.url) as second:
                    second.open()
                    self.assertTrue(second.evaluate(WATCH))
                    self.wait_for_frames(second, 10, server)
                    browser.evaluate("() => window.publisher.close()")
                    wait_until(lambda: server.json("/api/queue")["queue_size"] == 0, "the publisher's end", server)
                    self.assertFalse(second.evaluate("() => Boolean(window.lost)"))
                    # The next publisher goes on where it stood.
                    browser.evaluate("() => { document.getElementById('camera').remove(); }")
                    browser.evaluate(PUBLISH)
                    self.wait_for_frames(second, 10, server)

    def test_webrtc_over_a_worker_restart(self):
        """The connections stay; the pictures come again."""
        film = make_film(self.folder / "camera.mjpeg", (200, 40, 90))
        with Server() as server:
            server.ready()
            with Browser(server.url, film) as browser:
                browser.open()
                browser.evaluate(PUBLISH)
                browser.evaluate(WATCH)
                self.wait_for_frames(browser, 10, server)
                os.kill(server.worker(), signal.SIGKILL)
                wait_until(lambda: server.metric("liveedit_worker_starts_total") == 2, "a new worker", server)
                edited = server.metric("liveedit_frames_edited_total")
                wait_until(lambda: server.metric("liveedit_frames_edited_total") > edited + 10, "frames of the new worker", server)
                self.wait_for_frames(browser, 10, server)
                self.assertFalse(browser.evaluate("() => Boolean(window.lost)"))

    def test_whip_whep_answers_n(self):
        """What is refused, and how; nothing of it stays."""
        with Server(settings={"server.max_queue_size": 1}) as server:
            server.ready()
            sdp = {"Content-Type": "application/sdp"}
            for path in ("/api/whip/", "/api/whep/"):
                self.assertEqual(204, server.get(path + "somebody")[0])
                self.assertEqual(404, server.get(path + "somebody/0123", method="DELETE")[0])
            self.assertEqual(409, server.get("/api/whep/somebody", sdp, "POST")[0])
            self.assertEqual(415, server.get("/api/whip/somebody", {"Content-Type": "text/plain"}, "POST")[0])
            self.assertEqual(400, server.get("/api/whip/somebody", sdp, "POST")[0])
            self.assertEqual(400, server.get("/api/whip/some.body", sdp, "POST")[0])
            self.assertEqual(0, server.json("/api/queue")["queue_size"])
            self.assertEqual(200, server.get("/health")[0])


def probe(what, *arguments):
    """What ffprobe says about a stream or a file."""
    answer = subprocess.run(["ffprobe", "-v", "error", *arguments, "-show_streams", "-count_packets", "-of", "json", what], capture_output=True, timeout=60)
    return {stream["codec_type"]: stream for stream in json.loads(answer.stdout or "{}").get("streams", [])}


def film_with_sound(path, sound=True, seconds=2):
    """Red and a tone."""
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=0xc8285a:s=320x240:r=15", *(["-f", "lavfi", "-i", "sine=440"] if sound else []),
                    "-t", str(seconds), "-pix_fmt", "yuv420p", "-c:v", "libx264", *(["-c:a", "aac"] if sound else []), path], check=True, timeout=60)
    return f"file://{path}"


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Outputs(FolderTest):
    """Sessions without a browser, and what they can be seen through."""

    def post(self, server, path, body):
        request = urllib.request.Request(server.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def edited(self, server, name, more=20):
        frames = server.metric("liveedit_frames_edited_total")
        wait_until(lambda: server.metric("liveedit_frames_edited_total") > frames + more, f"frames of {name}", server)

    def wait_for_sound(self, server):
        return wait_until(lambda: (told := server.json("/api/media/film"))["sound"] and told, "sound", server)

    def middle(self, picture):
        return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))[20:40, 20:40].mean((0, 1))

    def test_film_to_rtsp_and_file(self):
        """A film of the machine is edited over and over; it is watched by RTSP and recorded, its sound with it."""
        port = free_port()
        # Who comes while the film begins again gets no sound: that is not what is asked here.
        seconds = 30
        settings = {"media.inputs": f"film={film_with_sound(self.folder / 'film.mp4', seconds=seconds)}", "media.rtsp_port": port, "media.recordings": self.folder}
        with Server(settings=settings) as server:
            server.ready()
            self.wait_for_sound(server)
            self.edited(server, "film")
            streams = probe(f"rtsp://127.0.0.1:{port}/film", "-rtsp_transport", "tcp", "-read_intervals", "%+2")
            self.assertEqual({"video", "audio"}, set(streams))
            self.assertEqual((64, 48), (streams["video"]["width"], streams["video"]["height"]))
            self.assertLess(abs(self.middle(server.get("/api/snapshot/film")[1]) - (55, 215, 165)).max(), 12)

            self.wait_for_sound(server)
            streams = probe(f"{server.url}/api/hls/film/index.m3u8", "-read_intervals", "%+1")
            self.assertEqual({"video", "audio"}, set(streams))
            self.assertEqual("h264", streams["video"]["codec_name"])
            self.assertEqual(404, server.get("/api/hls/nobody/index.m3u8")[0])
            self.assertEqual(404, server.get("/hls/0123/0.ts")[0])
            self.assertGreater(self.wait_for_sound(server)["edit_seconds"], 0)

            self.assertFalse(json.loads(server.get("/api/record/film")[1])["recording"])
            name = self.post(server, "/api/record/film", {"action": "start"})["name"]
            self.edited(server, "film", 30)
            self.assertEqual({"recording": False, "name": name}, self.post(server, "/api/record/film", {"action": "stop"}))
            streams = probe(self.folder / name)
            self.assertEqual({"video", "audio"}, set(streams))
            self.assertGreater(int(streams["video"]["nb_read_packets"]), 20)
            self.assertGreater(float(streams["audio"]["duration"]), 1)
            picture = subprocess.run(["ffmpeg", "-v", "error", "-ss", "0.5", "-i", self.folder / name, "-frames:v", "1", "-f", "mjpeg", "-"], capture_output=True, timeout=30)
            self.assertLess(abs(self.middle(picture.stdout) - (55, 215, 165)).max(), 16)

            wait_until(lambda: server.metric("liveedit_frames_edited_total") > 15 * seconds + 15, "the film, which begins again", server, 120)
            # The server's end ends a recording well.
            name = self.post(server, "/api/record/film", {"action": "start"})["name"]
            self.edited(server, "film")
        self.assertGreater(int(probe(self.folder / name)["video"]["nb_read_packets"]), 10)

    def test_silent_film_and_killed_server(self):
        """A film without sound begins again, too; what was recorded until the server was killed can be played."""
        settings = {"media.inputs": f"film={film_with_sound(self.folder / 'film.mp4', sound=False)}", "media.recordings": self.folder}
        with Server(settings=settings) as server:
            server.ready()
            name = self.post(server, "/api/record/film", {"action": "start"})["name"]
            self.edited(server, "film", 80)
            server.process.kill()
            server.process.wait()
            server.process.returncode = 0  # as asked
        streams = probe(self.folder / name)
        self.assertEqual({"video"}, set(streams))
        self.assertGreater(int(streams["video"]["nb_read_packets"]), 20)

    def test_outputs_n(self):
        """What cannot be had is told before the server serves, or to who asks."""
        for setting, said in (("media.inputs=film", "neither"), ("media.inputs=film=ftp://x/y", "neither"), ("media.inputs=fi lm=file:///x", "NAME=URI"),
                              ("media.virtual_camera=/dev/null", "virtual camera")):
            server = Server()
            self.addCleanup(server.log.close)
            ended = subprocess.run([*server.command, f"--set={setting}"], env=server.environment, capture_output=True, text=True, timeout=30)
            self.assertEqual(1, ended.returncode, setting)
            self.assertIn(said, ended.stderr)
        with Server(settings={"media.inputs": f"gone=file://{self.folder}/gone.mp4"}) as server:
            server.ready()
            wait_until(lambda: "the input gone ended and is tried again" in server.said(), "the notice", server)
            self.assertEqual(404, server.get("/api/snapshot/nobody")[0])
            self.assertEqual(409, server.get("/api/snapshot/gone")[0])
            with self.assertRaises(urllib.error.HTTPError) as refused:
                self.post(server, "/api/record/gone", {"action": "start"})
            self.assertEqual(409, refused.exception.code)
            refused.exception.close()
            with self.assertRaises(urllib.error.HTTPError) as refused:
                self.post(server, "/api/record/gone", {"action": "dance"})
            self.assertEqual(422, refused.exception.code)
            refused.exception.close()
