# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a newcomer types: the README's gst-launch-1.0 lines, the demo, and the pages about elements."""
import re
import shutil
import tempfile
import unittest
from pathlib import Path

from media import BUILD, ROOT, difference, frames, make_film, run, streams

# A device or a window of a README line -> what stands in for it.
STAND_INS = [
    (r"\bv4l2src\b(?: device=\S+)?", "videotestsrc is-live=true num-buffers=10"),
    (r"\bautovideosink\b", "jpegenc ! multifilesink location=window-%03d.jpg"),
    (r"\bv4l2sink device=\S+", "filesink location=virtual-camera.raw"),
]


class EntryPoints(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="liveedit-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def readme_lines(self, with_model):
        text = (ROOT / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
        lines = [" ".join(line.split()) for line in re.findall(r"^gst-launch-1\.0 .*$", text, re.MULTILINE)]
        return [line for line in lines if ("model=" in line) == with_model]

    def test_readme_lines(self):
        lines = self.readme_lines(with_model=False)
        self.assertEqual(3, len(lines), lines)
        make_film(self.folder / "film.mp4", 10, 10, 128)
        shutil.copy(ROOT / "examples/media/timeline.srt", self.folder / "prompts.srt")
        for line in lines:
            with self.subTest(line=line):
                before = set(self.folder.iterdir())
                self.run_readme_line(line)
                written = set(self.folder.iterdir()) - before
                self.assertTrue(written, "it wrote nothing")
                for path in written:
                    self.assertGreater(path.stat().st_size, 1000, f"{path} is all but empty")
                    if path.suffix == ".mp4":
                        self.assertEqual("10", streams(path)["video"]["nb_read_frames"])
                    path.unlink()

    def run_readme_line(self, line):
        for pattern, stand_in in STAND_INS:
            line = re.sub(pattern, stand_in, line)
        run(["bash", "-c", f". '{BUILD}/env.sh'; {line}"], self.folder)

    def test_readme_line_with_a_model_of_the_hugging_face_cache(self):
        """The line as it stands; a tiny model of the same architecture lies in the cache under the name that it asks for."""
        (line,) = self.readme_lines(with_model=True)
        name = re.search(r"\bmodel=(\S+)", line)[1]
        repository = self.folder / "hf/hub" / f"models--{name.replace('/', '--')}"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs/main").write_text("1234abcd")
        shutil.copytree(BUILD / "golden/img2img/models/sd-turbo", repository / "snapshots/1234abcd")
        self.run_readme_line(f"export HF_HOME='{self.folder}/hf'; {line}")
        pictures = sorted(self.folder.glob("window-*.jpg"))
        self.assertTrue(pictures)  # live: what comes while the model loads is skipped
        edited = frames(pictures[-1], 320, 240)
        original = self.folder / "original.jpg"
        run(["gst-launch-1.0", *"videotestsrc num-buffers=1 ! jpegenc ! filesink".split(), f"location={original}"], self.folder)
        self.assertGreater(difference(edited, frames(original, 320, 240)), 10)

    def test_element_docs(self):
        run([ROOT / "scripts/generate-element-docs", "--check"], self.folder)

    def test_demo(self):
        film = make_film(self.folder / "film.mp4", 10, 25, 256)
        run([ROOT / "scripts/demo", "--input", film, "--prompt", 'a "pencil sketch"', "--size", "192", "--output", self.folder / "out.mp4"],
            self.folder)
        made = frames(self.folder / "out.mp4", 384, 192)
        self.assertEqual(10, len(made))
        before, after = made[:, :, :192], made[:, :, 192:]
        self.assertLess(difference(before, self.scaled(film)), 6)
        self.assertGreater(difference(before, after), 10)
        sheet = frames(self.folder / "out.png", 1024, 768)[0]
        cells = [sheet[y:y + 256, x:x + 256] for y in (0, 256, 512) for x in (0, 256, 512, 768)]
        for i, cell in enumerate(cells):
            for other in cells[:i]:
                self.assertGreater(difference(cell, other), 5, f"cell {i} of the sheet shows what another shows")

    def scaled(self, film):
        return frames(make_film_copy(film, self.folder / "scaled.mp4", 192), 192, 192)


def make_film_copy(film, path, side):
    run(["ffmpeg", "-v", "error", "-i", film, "-vf", f"scale={side}:{side}", "-c:v", "libx264", "-qp", "10", path], path.parent)
    return path


if __name__ == "__main__":
    unittest.main()
