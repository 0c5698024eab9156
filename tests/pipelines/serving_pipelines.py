# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pipelines that serve, with a test picture as the camera's, watched while they run."""
import os
import signal
import socket
import subprocess
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np

from media import ROOT, PipelineCase, difference

WEIGHTS = Path(os.environ.get("LIVEEDIT_TEST_DATA", ROOT.parent / "shared")) / "weights"
CAMERA = "camera=videotestsrc is-live=true pattern=smpte"
# What an edit changes at least, in the mean of all samples (0 to 255).
EDITED = 8.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def frame(url, *options):
    """One decoded frame [288, 384, 3]."""
    command = ["ffmpeg", "-v", "error", *options, "-i", url, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=True)
    return np.frombuffer(done.stdout, np.uint8).reshape(288, 384, 3)


class ServingPipelines(PipelineCase):
    def wait_for_answer(self, process, url):
        """Who comes before there is something to see is told to come again."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            self.assertIsNone(process.poll(), (self.folder / "log").read_text(errors="replace")[-3000:])
            try:
                return urllib.request.urlopen(url, timeout=60).read()
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        raise AssertionError(f"{url} has nothing: " + (self.folder / "log").read_text(errors="replace")[-3000:])

    def serve(self, name, *changes):
        """Starts the pipeline and waits for the first picture of its web server and for its HLS; returns the ports."""
        ports = {element: free_port() for element in ("http", "rtsp", "webrtc")}
        wanted = [f"{element}.port={port}" for element, port in ports.items() if element != "webrtc" or name == "camera-to-everybody"]
        with open(self.folder / "log", "wb") as log:
            process = subprocess.Popen([ROOT / "scripts/run-pipeline", ROOT / f"pipelines/{name}.launch", CAMERA, *wanted, *changes], cwd=self.folder,
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        self.addCleanup(self.stop, process)
        for path in ("snapshot.jpg", "index.m3u8"):
            self.wait_for_answer(process, f"http://127.0.0.1:{ports['http']}/{path}")
        return ports

    def stop(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError("the pipeline did not end") from None

    def assert_everybody_sees_the_same(self, ports):
        web = f"http://127.0.0.1:{ports['http']}"
        snapshot = frame(web + "/snapshot.jpg")
        self.assertGreater(float(np.std(snapshot.astype(np.float32))), 10, "the picture is flat")
        for seen in (frame(web + "/stream", "-f", "mpjpeg"), frame(web + "/index.m3u8"), frame(f"rtsp://127.0.0.1:{ports['rtsp']}/live", "-rtsp_transport", "tcp")):
            self.assertLess(difference(snapshot, seen), EDITED)
        return snapshot

    def test_camera_to_players(self):
        edited = self.assert_everybody_sees_the_same(self.serve("camera-to-players"))
        untouched = self.assert_everybody_sees_the_same(self.serve("camera-to-players", "edit.enabled=false"))
        self.assertGreater(difference(edited, untouched), EDITED)

    def test_camera_to_everybody(self):
        if not (WEIGHTS / "rvm_mobilenetv3.safetensors").exists():
            self.skipTest(f"there is no rvm_mobilenetv3.safetensors in {WEIGHTS} (LIVEEDIT_TEST_DATA)")
        before = os.environ.get("LIVEEDIT_MODELS")
        os.environ["LIVEEDIT_MODELS"] = str(WEIGHTS)
        self.addCleanup(lambda: os.environ.pop("LIVEEDIT_MODELS") if before is None else os.environ.update(LIVEEDIT_MODELS=before))
        ports = self.serve("camera-to-everybody")
        self.assert_everybody_sees_the_same(ports)
        request = urllib.request.Request(f"http://127.0.0.1:{ports['webrtc']}/whep", method="OPTIONS")
        with urllib.request.urlopen(request, timeout=60) as answer:
            self.assertEqual("application/sdp", answer.headers["Accept-Post"])


if __name__ == "__main__":
    unittest.main()
