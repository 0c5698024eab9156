# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pipelines with livewebrtcsink and livewebrtcsrc: they start, and their servers answer offers. That pictures arrive is tested with real peers
in tests/streaming/webrtc."""
import signal
import subprocess
import time
import urllib.error
import urllib.request

from media import ROOT, PipelineCase
from serving_pipelines import CAMERA, free_port

OFFERS = ROOT / "tests/streaming/webrtc/offers"


class WebrtcPipelines(PipelineCase):
    def start(self, name, *changes):
        log = open(self.folder / "log", "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen([ROOT / "scripts/run-pipeline", ROOT / f"pipelines/{name}.launch", *changes], cwd=self.folder,
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        self.addCleanup(self.stop, process)
        return process

    def stop(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(60)

    def answered(self, process, address, offer):
        """The answer to a recorded offer, once there is one: the model is loaded first."""
        end = time.monotonic() + 120
        while True:
            self.assertIsNone(process.poll(), (self.folder / "log").read_text(errors="replace")[-3000:])
            request = urllib.request.Request(address, (OFFERS / offer).read_bytes(), {"Content-Type": "application/sdp"})
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    self.assertEqual(201, answer.status)
                    return answer.read().decode()
            except (urllib.error.URLError, ConnectionError) as problem:
                self.assertLess(time.monotonic(), end, f"{problem} " + (self.folder / "log").read_text(errors="replace")[-3000:])
                time.sleep(0.5)

    def test_camera_to_browser(self):
        port = free_port()
        process = self.start("camera-to-browser", CAMERA, f"web.port={port}")
        self.assertIn("a=sendonly", self.answered(process, f"http://127.0.0.1:{port}/whep", "chromium-viewer.sdp"))

    # Before anybody publishes a black picture is edited and shown.
    def test_browser_to_browser(self):
        web, publisher = free_port(), free_port()
        process = self.start("browser-to-browser", f"web.port={web}", f"publisher.port={publisher}")
        self.assertIn("a=recvonly", self.answered(process, f"http://127.0.0.1:{publisher}/whip", "chromium-publisher.sdp"))
        self.assertIn("a=sendonly", self.answered(process, f"http://127.0.0.1:{web}/whep", "chromium-viewer.sdp"))
