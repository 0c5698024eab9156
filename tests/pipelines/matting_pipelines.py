# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pipelines of rvmmatte, run as pipelines.py runs the others, with the portrait as the camera's picture."""
import os
import unittest
from pathlib import Path

import numpy as np
from PIL import Image

from media import FRAMES, ROOT, PipelineCase, PipelineFailed, difference, frames, gst_launch, make_film, raw_frames, run_pipeline, streams

WEIGHTS = Path(os.environ.get("LIVEEDIT_TEST_DATA", ROOT.parent / "shared")) / "weights"
# Mean of all samples (0 to 255): what stays differs by less, what is replaced or edited by more.
SAME, OTHER = 4.0, 12.0
# Where the portrait shows skin and where the wall, in shares of its sides (left, top, right, bottom); it moves a little.
FACE, WALL = (0.38, 0.18, 0.47, 0.27), (0.69, 0.03, 0.72, 0.3)


def box(film, place):
    """The part of frames [n, height, width, ...] that shows `place` of the portrait, which stands in the middle with bars beside it."""
    height, width = film.shape[1:3]
    left = (width - height) // 2
    x0, y0, x1, y1 = (round(share * height) for share in place)
    return film[:, y0:y1, left + x0:left + x1]


class MattingPipelines(PipelineCase):
    def setUp(self):
        super().setUp()
        if not (WEIGHTS / "rvm_mobilenetv3.safetensors").exists():
            self.skipTest(f"there is no rvm_mobilenetv3.safetensors in {WEIGHTS} (LIVEEDIT_TEST_DATA)")
        before = os.environ.get("LIVEEDIT_MODELS")
        os.environ["LIVEEDIT_MODELS"] = str(WEIGHTS)
        self.addCleanup(lambda: os.environ.pop("LIVEEDIT_MODELS") if before is None else os.environ.update(LIVEEDIT_MODELS=before))

    def to_window(self, pipeline, size, name, *changes):
        run_pipeline(pipeline, self.folder, *self.camera(), *changes, f"window=video/x-raw,format=RGB ! filesink location={name}.rgb")
        taken = raw_frames(self.folder / f"{name}.rgb", *size)
        self.assertEqual(FRAMES, len(taken))
        return taken

    def assert_only_changed(self, changed, kept, made, untouched):
        """The part `changed` of the picture is another one, the part `kept` the same."""
        self.assertGreater(difference(box(made, changed), box(untouched, changed)), OTHER)
        self.assertLess(difference(box(made, kept), box(untouched, kept)), SAME)

    def test_camera_virtual_background(self):
        picture = ROOT / "examples/media/terrace.jpg"
        untouched = self.to_window("camera-virtual-background", (640, 480), "untouched", "matte.enabled=false",
                                   f"matte.background-image={picture}")
        made = self.to_window("camera-virtual-background", (640, 480), "made", f"matte.background-image={picture}")
        self.assert_only_changed(WALL, FACE, made, untouched)
        terrace = np.asarray(Image.open(picture).convert("RGB").resize((640, 480), Image.BILINEAR))[None].repeat(FRAMES, 0)
        # Through 4:2:0 and back, and with another decoder of the file.
        for place in (box(made, WALL), box(terrace, WALL)), (made[:, :100, :60], terrace[:, :100, :60]):
            self.assertLess(difference(*place), 2 * SAME)

    def test_camera_background_blur(self):
        untouched = self.to_window("camera-background-blur", (640, 480), "untouched", "matte.enabled=false")
        made = self.to_window("camera-background-blur", (640, 480), "made")
        self.assertLess(difference(box(made, FACE), box(untouched, FACE)), SAME)

        def detail(film, place):
            return float(np.mean(np.abs(np.diff(box(film, place).astype(np.float32), axis=2))))
        shuttle = (0.78, 0.15, 0.97, 0.55)
        self.assertLess(detail(made, shuttle), detail(untouched, shuttle) / 2)
        self.assertLess(abs(float(box(made, shuttle).mean()) - float(box(untouched, shuttle).mean())), 12, "blurred, not another picture")

    def test_camera_green_screen(self):
        for name, enabled in (("made", "true"), ("untouched", "false")):
            run_pipeline("camera-green-screen", self.folder, *self.camera(), f"matte.enabled={enabled}",
                         f"virtual_camera=filesink location={name}.yuy2")
        made, untouched = (np.fromfile(self.folder / f"{name}.yuy2", np.uint8).reshape(FRAMES, 480, 640, 2) for name in ("made", "untouched"))
        self.assertLess(difference(box(made, FACE), box(untouched, FACE)), SAME)
        # 0x00b140 by BT.601: Y' 111.5, Cb 104.6, Cr 58.3.
        corner = made[:, :100, :60]
        for values, wanted in ((corner[..., 0], 111.5), (corner[:, :, 0::2, 1], 104.6), (corner[:, :, 1::2, 1], 58.3)):
            self.assertLess(abs(float(values.mean()) - wanted), 1.5)
        self.assertGreater(difference(box(made, WALL), box(untouched, WALL)), OTHER)

    def test_film_to_matte(self):
        film = make_film(self.folder / "film.mp4", 30, 25, 256)
        run_pipeline("film-to-matte", self.folder, f"film.location={film}", "matte_film.location=matte.mp4")
        self.assertEqual("30", streams(self.folder / "matte.mp4")["video"]["nb_read_frames"])
        matte = frames(self.folder / "matte.mp4", 256, 256)
        self.assertGreater(box(matte, FACE).min(), 240)
        self.assertLess(box(matte, WALL).max(), 15)
        self.assertTrue(0.3 < float(matte.mean()) / 255 < 0.7)

    def assert_edits(self, pipeline, edited, kept):
        untouched = self.to_window(pipeline, (384, 288), "untouched", "edit.enabled=false")
        made = self.to_window(pipeline, (384, 288), "made")
        self.assert_only_changed(edited, kept, made, untouched)

    def test_camera_edit_person(self):
        self.assert_edits("camera-edit-person", edited=FACE, kept=WALL)

    def test_camera_edit_background(self):
        self.assert_edits("camera-edit-background", edited=WALL, kept=FACE)

    def test_missing_weights_tell_where_and_how_n(self):
        os.environ["LIVEEDIT_MODELS"] = str(self.folder)
        os.environ["XDG_DATA_HOME"] = str(self.folder / "data")
        self.addCleanup(os.environ.pop, "XDG_DATA_HOME")
        with self.assertRaisesRegex(PipelineFailed, "rvm_mobilenetv3") as caught:
            gst_launch("videotestsrc num-buffers=2 ! rvmmatte ! fakesink", self.folder)
        self.assertIn(str(self.folder), str(caught.exception))


if __name__ == "__main__":
    unittest.main()
