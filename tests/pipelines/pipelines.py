# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every file of pipelines/, run by scripts/run-pipeline with stand-ins for camera, window and virtual camera."""
import re
import subprocess
import unittest

import numpy as np

from matting_pipelines import MattingPipelines
from media import BUILD, FRAMES, ROOT, PipelineCase, PipelineFailed, difference, frames, gst_launch, make_film, raw_frames, run_pipeline, streams
from serving_pipelines import ServingPipelines
from speech_pipelines import SpeechPipelines
from webrtc_pipelines import WebrtcPipelines

# What an edit changes at least, and what coding a picture changes at most, in the mean of all samples (0 to 255).
EDITED, CODED = 8.0, 4.0


class Pipelines(PipelineCase):
    def assert_edited(self, edited, untouched):
        self.assertEqual(edited.shape, untouched.shape)
        self.assertGreater(difference(edited, untouched), EDITED)
        self.assertGreater(float(np.std(edited.astype(np.float32))), 10, "the picture is flat")

    def both_to_window(self, pipeline, width, height, *changes):
        """Frames of the pipeline as it is, and with the edit switched off."""
        taken = []
        for name, more in (("edited", []), ("untouched", ["edit.enabled=false"])):
            window = f"window=video/x-raw,format=RGB ! filesink location={name}.rgb"
            run_pipeline(pipeline, self.folder, window, *changes, *more)
            taken.append(raw_frames(self.folder / f"{name}.rgb", width, height))
        return taken

    def test_camera_to_window(self):
        edited, untouched = self.both_to_window("camera-to-window", 384, 288, *self.camera())
        self.assertEqual(FRAMES, len(edited))
        self.assert_edited(edited, untouched)
        other, _ = self.both_to_window("camera-to-window", 384, 288, *self.camera(), "edit.prompt=pop art")
        self.assert_edited(other, edited)

    def test_test_picture_to_window(self):
        edited, untouched = self.both_to_window("test-picture-to-window", 384, 288, "source.num-buffers=20")
        # A live source and a leaky queue: how many frames come through is the machine's affair, that they come is ours.
        self.assertTrue(1 <= len(edited) <= 20)
        self.assert_edited(edited[:1], untouched[:1])

    def test_camera_to_virtual_camera(self):
        sizes = set()
        for name, enabled in (("edited", "true"), ("untouched", "false")):
            run_pipeline("camera-to-virtual-camera", self.folder, *self.camera(), f"edit.enabled={enabled}",
                         f"virtual_camera=filesink location={name}.yuy2")
            sizes.add((self.folder / f"{name}.yuy2").stat().st_size)
        self.assertEqual({FRAMES * 640 * 480 * 2}, sizes)
        edited, untouched = (np.fromfile(self.folder / f"{name}.yuy2", np.uint8) for name in ("edited", "untouched"))
        self.assertGreater(difference(edited, untouched), EDITED / 2)  # half of the samples are chroma

    def test_film_to_film(self):
        film = make_film(self.folder / "film.mp4", 30, 25, 128, sound=True)
        run_pipeline("film-to-film", self.folder, f"film.location={film}", "edited.location=edited.mp4")
        before, after = streams(film), streams(self.folder / "edited.mp4")
        self.assertEqual({"video", "audio"}, set(after))
        self.assertEqual(before["video"]["nb_read_frames"], after["video"]["nb_read_frames"])
        self.assertEqual("30", after["video"]["nb_read_frames"])
        self.assertAlmostEqual(float(before["video"]["duration"]), float(after["video"]["duration"]), delta=0.001)
        # AAC comes in pieces of 1024 samples, and each coder adds one at the start.
        self.assertAlmostEqual(float(before["audio"]["duration"]), float(after["audio"]["duration"]), delta=2 * 1024 / 44100)
        self.assertAlmostEqual(440, self.loudest_tone(self.folder / "edited.mp4"), delta=5)
        self.assert_edited(frames(self.folder / "edited.mp4", 128, 128), frames(film, 128, 128))

    def loudest_tone(self, path):
        """Hertz."""
        sound = subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-ac", "1", "-ar", "44100", "-f", "s16le", "-"],
                               check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout
        samples = np.frombuffer(sound, np.int16).astype(np.float64)
        self.assertGreater(np.abs(samples).max(), 1000, "the sound is silent")
        return float(np.fft.rfftfreq(len(samples), 1 / 44100)[np.abs(np.fft.rfft(samples)).argmax()])

    def test_camera_to_hls(self):
        (self.folder / "hls").mkdir()
        run_pipeline("camera-to-hls", self.folder, *self.camera(frame_count=60), "encoder.key-int-max=10", "hls.target-duration=1")
        playlist = self.folder / "hls/playlist.m3u8"
        segments = re.findall(r"^segment\d+\.ts$", playlist.read_text(), re.MULTILINE)
        self.assertGreater(len(segments), 1)
        for segment in segments:
            self.assertGreater((playlist.parent / segment).stat().st_size, 0)
        self.assertIn("#EXT-X-ENDLIST", playlist.read_text())
        video = streams(playlist)["video"]
        self.assertEqual((60, 384, 288), (int(video["nb_read_frames"]), video["width"], video["height"]))
        self.assert_edited(frames(playlist, 384, 288)[:FRAMES], self.untouched_camera())

    def untouched_camera(self):
        run_pipeline("camera-to-window", self.folder, *self.camera(), "edit.enabled=false",
                     "window=video/x-raw,format=RGB ! filesink location=untouched.rgb")
        return raw_frames(self.folder / "untouched.rgb", 384, 288)

    def test_camera_to_rtsp_server(self):
        received = self.folder / "received.ts"
        with subprocess.Popen([BUILD / "tests/pipelines/rtsp_record_server", received], stdout=subprocess.PIPE, text=True) as server:
            self.addCleanup(server.kill)
            port = int(server.stdout.readline())
            run_pipeline("camera-to-rtsp-server", self.folder, *self.camera(), f"server.location=rtsp://127.0.0.1:{port}/live")
            self.assertEqual(0, server.wait(timeout=60))
        arrived = frames(received, 384, 288)
        self.assertEqual(FRAMES, len(arrived))
        self.assert_edited(arrived, self.untouched_camera())

    def test_before_after(self):
        window = "window=video/x-raw,format=RGB ! filesink location=sides.rgb"
        # Not paced: beside a live source the compositor would not wait for the edited side.
        run_pipeline("before-after", self.folder, *self.camera(pace=""), window)
        sides = raw_frames(self.folder / "sides.rgb", 768, 288)
        left, right = sides[:, :, :384], sides[:, :, 384:]
        untouched = self.untouched_camera()
        self.assertEqual(FRAMES, len(sides))
        self.assertLess(difference(left, untouched), CODED)
        self.assert_edited(right, untouched)

    def test_prompt_timeline(self):
        film = make_film(self.folder / "film.mp4", 50, 10, 128)
        run_pipeline("prompt-timeline", self.folder, f"film.location={film}", "edited.location=edited.mp4",
                     f"timeline.location={ROOT / 'examples/media/timeline.srt'}")
        edited = frames(self.folder / "edited.mp4", 128, 128)
        self.assertEqual(50, len(edited))
        prompts = ["pencil sketch", "watercolor painting", "neon edges"]
        alone = [self.with_one_prompt(film, prompt) for prompt in prompts]
        # At 10 frames a second the prompts change in front of frames 16 and 32, exactly.
        for frame, wanted in ((0, 0), (8, 0), (15, 0), (16, 1), (24, 1), (31, 1), (32, 2), (40, 2), (49, 2)):
            distances = [difference(edited[frame], film_of_prompt[frame]) for film_of_prompt in alone]
            self.assertEqual(wanted, int(np.argmin(distances)), f"frame {frame}: distances {distances} to {prompts}")
            self.assertLess(distances[wanted], CODED)

    def with_one_prompt(self, film, prompt):
        gst_launch(f"filesrc location={film} ! decodebin ! videoconvert ! diffusionfilter prompt=\"{prompt}\" ! videoconvert ! "
                   "video/x-raw,format=RGB ! filesink location=alone.rgb", self.folder)
        return raw_frames(self.folder / "alone.rgb", 128, 128)

    def test_every_file_has_a_test(self):
        tested = {name.removeprefix("test_").replace("_", "-") for case in (self, MattingPipelines, ServingPipelines, SpeechPipelines, WebrtcPipelines) for name in dir(case)
                  if name.startswith("test_")}
        self.assertLessEqual({path.stem for path in (ROOT / "pipelines").glob("*.launch")}, tested)

    def test_run_pipeline_refuses_unknown_names_n(self):
        with self.assertRaisesRegex(PipelineFailed, "no element with name=nobody"):
            run_pipeline("camera-to-window", self.folder, "nobody.prompt=x")
        with self.assertRaisesRegex(PipelineFailed, "neither"):
            run_pipeline("camera-to-window", self.folder, "nonsense")


if __name__ == "__main__":
    unittest.main()
