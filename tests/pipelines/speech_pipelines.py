# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pipelines of whisperprompt, with espeak-ng as the person in front of the microphone and a recording of a real speech."""
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

import numpy as np

from media import PORTRAIT, ROOT, PipelineCase, difference, frames, gst_launch, raw_frames, run, run_pipeline

DATA = Path(os.environ.get("LIVEEDIT_TEST_DATA", ROOT.parent / "shared"))
RECORDING = DATA / "media/jfk.wav"
KENNEDY = "and so my fellow americans ask not what your country can do for you ask what you can do for your country".split()
# When he speaks, in seconds: three sentences, at pauses of 0.8 s.
PHRASES = [(0.3, 2.3), (3.3, 4.5), (5.4, 10.7)]
LOOKS = ["pencil sketch", "watercolor painting", "night vision", "pop art", "sepia"]


def words(text):
    return re.sub(r"[^a-z' ]", " ", text.lower()).split()


def speak(path, text):
    """As somebody says it who waits a second first, with silence after it."""
    subprocess.run(["espeak-ng", "-m", "-v", "en-us", "-s", "140", "-w", "word.wav", text], check=True, cwd=path.parent)
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", "word.wav", "-af", "adelay=500,apad=pad_dur=2", path.name], check=True,
                   cwd=path.parent, stdin=subprocess.DEVNULL)
    return path


def seconds(stamp):
    hours, minutes, rest = stamp.replace(",", ".").split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(rest)


class SpeechPipelines(PipelineCase):
    def setUp(self):
        super().setUp()
        if not (DATA / "weights/whisper-tiny.en/model.safetensors").exists() or not RECORDING.exists():
            self.skipTest(f"there is no weights/whisper-tiny.en or media/jfk.wav in {DATA} (LIVEEDIT_TEST_DATA)")
        before = os.environ.get("LIVEEDIT_MODELS")
        os.environ["LIVEEDIT_MODELS"] = str(DATA / "weights")
        self.addCleanup(lambda: os.environ.pop("LIVEEDIT_MODELS") if before is None else os.environ.update(LIVEEDIT_MODELS=before))

    def need_speaker(self):
        if not shutil.which("espeak-ng"):
            self.skipTest("espeak-ng is not installed (scripts/setup --tests)")

    def film(self):
        """Kennedy's words over black."""
        path = self.folder / "film.mp4"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "color=c=black:s=320x240:r=10:d=11", "-i", RECORDING,
                        "-c:v", "libx264", "-c:a", "aac", path], check=True, stdin=subprocess.DEVNULL)
        return path

    def portrait(self, side, rate, seconds_long):
        path = self.folder / "camera.mp4"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-i", PORTRAIT, "-vf", f"scale={side}:{side},fps={rate}", "-t",
                        str(seconds_long), "-c:v", "libx264", "-qp", "10", path], check=True, stdin=subprocess.DEVNULL)
        return path

    def said_to_picture(self, sentence, *changes):
        """All frames that the window shows while somebody says this, and those of the camera."""
        side, rate = 128, 10
        camera = self.portrait(side, rate, 8)
        voice = speak(self.folder / "voice.wav", sentence)
        run_pipeline("microphone-to-picture", self.folder, f"camera=filesrc location={camera} ! decodebin ! identity sync=true",
                     f"microphone=filesrc location={voice} ! wavparse ! identity sync=true", f"size.caps=video/x-raw,width={side},height={side}",
                     "newest.leaky=no", "edit.prompt=watercolor painting", "window=video/x-raw,format=RGB ! filesink location=shown.rgb", *changes)
        return raw_frames(self.folder / "shown.rgb", side, side), camera

    def look(self, camera, prompt):
        """What the camera's frames are with this prompt from the first one on."""
        gst_launch(f"filesrc location={camera} ! decodebin ! videoconvert ! videoscale ! diffusionfilter prompt=\"{prompt}\" ! videoconvert ! "
                   "video/x-raw,format=RGB ! filesink location=look.rgb", self.folder)
        return raw_frames(self.folder / "look.rgb", 128, 128)

    def test_microphone_to_picture(self):
        self.need_speaker()
        for sentence, wanted in (("Make it a pencil sketch.", "pencil sketch"), ("Night vision.", "night vision")):
            shown, camera = self.said_to_picture(sentence)
            self.assertEqual(80, len(shown))
            looks = {prompt: self.look(camera, prompt) for prompt in LOOKS}
            nearest = [min(LOOKS, key=lambda prompt: difference(frame, looks[prompt][i])) for i, frame in enumerate(shown)]
            self.assertEqual("watercolor painting", nearest[0])
            self.assertEqual(wanted, nearest[-1], f"{sentence}: {nearest}")
            # From the old look to the new one, once, and not before anybody has spoken.
            self.assertEqual({"watercolor painting", wanted}, set(nearest))
            self.assertGreater(nearest.index(wanted), 10)
            self.assertEqual({wanted}, set(nearest[nearest.index(wanted):]))

    def test_words_that_steer_nothing_change_nothing_n(self):
        self.need_speaker()
        for sentence, changes in (("Stop.", []), ("Make it a pencil sketch.", ["speech.wake-word=computer"])):
            shown, camera = self.said_to_picture(sentence, *changes)
            self.assertLess(difference(shown, self.look(camera, "watercolor painting")), 4)

    def heard(self, cues):
        return words(" ".join(text for *_, text in cues))

    def subtitles(self, path):
        """[(start, end, text)]"""
        cues = [cue.split("\n", 2) for cue in path.read_text().strip().split("\n\n")]
        return [(*map(seconds, times.split(" --> ")), text) for _, times, text in cues]

    def assert_kennedy(self, said):
        wrong = [word for word in KENNEDY if word not in said]
        self.assertLessEqual(len(wrong), 1, f"{said}")
        self.assertAlmostEqual(len(KENNEDY), len(said), delta=2)

    def test_film_to_subtitles(self):
        for film in (self.film(), RECORDING):
            run_pipeline("film-to-subtitles", self.folder, f"film.location={film}", "subtitles.location=film.srt")
            cues = self.subtitles(self.folder / "film.srt")
            self.assert_kennedy(self.heard(cues))
            self.assertEqual(len(PHRASES), len(cues))
            for (start, end, _), spoken in zip(cues, PHRASES):
                self.assertAlmostEqual(spoken[0], start, delta=0.35)
                self.assertAlmostEqual(spoken[1], end, delta=0.35)

    def test_microphone_to_captions(self):
        self.need_speaker()
        camera = self.folder / "camera.mp4"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "color=c=navy:s=320x240:r=10:d=14", "-c:v", "libx264", camera], check=True,
                       stdin=subprocess.DEVNULL)
        voice = speak(self.folder / "voice.wav", 'A castle on a hill, surrounded by dark clouds. <break time="1500ms"/> Night vision.')
        # A microphone that is live, and ends.
        microphone = (f"filesrc location={voice} ! wavparse ! audioconvert ! audioresample ! interaudiosink "
                      "interaudiosrc num-buffers=1400 period-time=10000000")
        run_pipeline("microphone-to-captions", self.folder, f"camera=filesrc location={camera} ! decodebin ! identity sync=true",
                     f"microphone={microphone}", "window=video/x-raw,format=RGB ! filesink location=captions.rgb")
        shown = raw_frames(self.folder / "captions.rgb", 320, 240)
        white = [int((frame[120:].min(axis=2) > 200).sum()) for frame in shown]
        captions = [count for i, count in enumerate(white) if count > 20 and (i == 0 or white[i - 1] <= 20 or abs(count - white[i - 1]) > 0.2 * count)]
        self.assertEqual(0, white[0])
        self.assertEqual(2, len(captions), white)
        self.assertGreater(captions[0], captions[1], "the long sentence, then the short one")

    def test_film_with_subtitles(self):
        run_pipeline("film-with-subtitles", self.folder, f"film.location={self.film()}", "speaker=fakesink",
                     "window=video/x-raw,format=RGB ! filesink location=titles.rgb")
        shown = raw_frames(self.folder / "titles.rgb", 320, 240)
        self.assertEqual(110, len(shown))
        has_title = np.array([(frame[160:] > 200).any() for frame in shown])
        for i, there in enumerate(has_title):
            time = i / 10
            if any(start + 0.4 < time < end - 0.4 for start, end in PHRASES):
                self.assertTrue(there, f"no subtitle at {time} s")
            if all(time < start - 0.4 or time > end + 0.4 for start, end in PHRASES):
                self.assertFalse(there, f"a subtitle at {time} s")

    def test_speech_without_a_model_tells_what_to_do_n(self):
        os.environ["LIVEEDIT_MODELS"] = str(self.folder)
        os.environ["HF_HUB_CACHE"] = str(self.folder)
        self.addCleanup(lambda: os.environ.pop("HF_HUB_CACHE"))
        line = "audiotestsrc ! whisperprompt ! fakesink"
        text = run(["bash", "-c", f". '{os.environ['LIVEEDIT_BUILD_DIR']}/env.sh'; ! gst-launch-1.0 -q {line} 2>&1"], self.folder, 60)
        self.assertEqual(1, text.count("ERROR: from element"), text)
        self.assertIn("hf download openai/whisper-tiny.en", text)
        self.assertIn(str(self.folder), text)


if __name__ == "__main__":
    unittest.main()
