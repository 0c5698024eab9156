#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""scripts/convert-weights on files made here: .pth and TorchScript in, the same tensors out; and each wrong file gets its sentence."""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import torch
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "bench"))
from rvm_peer import Rvm  # noqa: E402


class ConvertWeights(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        torch.manual_seed(1)
        cls.network = Rvm().eval()
        cls.tensors = cls.network.state_dict()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def convert(self, *words, **environment):
        return subprocess.run([ROOT / "scripts/convert-weights", *words], capture_output=True, text=True,
                              env={**os.environ, "PYTHON": sys.executable, **environment}, check=False)

    def expect_same(self, path):
        made = load_file(path)
        self.assertEqual(set(made), set(self.tensors))
        for name, value in self.tensors.items():
            self.assertTrue(torch.equal(made[name], value), name)

    def expect_failure(self, words, *parts):
        done = self.convert(*words)
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn("Traceback", done.stderr)
        for part in parts:
            self.assertIn(part, done.stderr)

    def test_pth_into_a_file(self):
        torch.save(self.tensors, self.folder / "weights.pth")
        done = self.convert(self.folder / "weights.pth", self.folder / "out.safetensors")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("mobilenetv3", done.stdout)
        self.expect_same(self.folder / "out.safetensors")

    def test_torchscript_into_the_folder_where_it_is_found(self):
        class Holder(torch.nn.Module):
            """Names and tensors of the network, without its program."""

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x

        holder = Holder()
        for name, value in self.tensors.items():
            place = holder
            *path, last = name.split(".")
            for part in path:
                if not hasattr(place, part):
                    place.add_module(part, Holder())
                place = getattr(place, part)
            place.register_buffer(last, value)
        torch.jit.script(holder).save(str(self.folder / "rvm.torchscript"))
        done = self.convert(self.folder / "rvm.torchscript", XDG_DATA_HOME=str(self.folder))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.expect_same(self.folder / "liveedit/models/rvm_mobilenetv3.safetensors")

    def test_wrong_files_n(self):
        out = self.folder / "out.safetensors"
        self.expect_failure([self.folder / "nothing.pth"], "There is no file")
        (self.folder / "garbage.pth").write_bytes(b"garbage" * 100)
        self.expect_failure([self.folder / "garbage.pth", out], "garbage.pth")
        torch.save(self.tensors, self.folder / "cut.pth")
        data = (self.folder / "cut.pth").read_bytes()
        (self.folder / "cut.pth").write_bytes(data[: len(data) // 2])
        self.expect_failure([self.folder / "cut.pth", out], "download it again")
        torch.save({"layer.weight": torch.ones(2)}, self.folder / "other.pth")
        self.expect_failure([self.folder / "other.pth", out], "is not Robust Video Matting", "backbone.conv1.weight")
        partial = {name: value for name, value in self.tensors.items() if not name.startswith("project_mat")}
        torch.save(partial, self.folder / "partial.pth")
        self.expect_failure([self.folder / "partial.pth", out], "project_mat.conv.weight")
        torch.save({**self.tensors, "project_mat.conv.bias": torch.full((4,), float("nan"))}, self.folder / "nan.pth")
        self.expect_failure([self.folder / "nan.pth", out], "project_mat.conv.bias holds NaN")
        torch.save(self.network, self.folder / "program.pth")
        self.expect_failure([self.folder / "program.pth", out], "could run code")
        self.assertEqual(list(self.folder.glob("*.safetensors")), [])

    def test_wrong_targets_n(self):
        torch.save(self.tensors, self.folder / "weights.pth")
        self.expect_failure([self.folder / "weights.pth", self.folder / "a/b.safetensors"], "There is no folder")
        self.expect_failure([self.folder / "weights.pth", self.folder / "b.pth"], ".safetensors")
        self.expect_failure([], "usage")


if __name__ == "__main__":
    unittest.main()
