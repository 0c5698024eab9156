# SPDX-License-Identifier: LGPL-2.1-or-later
"""scripts/doctor on set-ups that are broken on purpose: each fault is named, with what to do about it."""
import os
import shutil
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ["LIVEEDIT_BUILD_DIR"])


class Doctor(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "bin").mkdir()
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LIVEEDIT_BUILD_DIR": str(BUILD), "LANG": "C.UTF-8",
                            "LIVEEDIT_SERVER__PORT": str(self.free_port())}

    def free_port(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    def program(self, name, text):
        path = self.folder / "bin" / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        self.environment["PATH"] = f"{self.folder}/bin:" + os.environ["PATH"]

    def ask(self, expected=None):
        """{first line of a finding: what to do}, and the exit status."""
        done = subprocess.run([ROOT / "scripts/doctor"], env=self.environment, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.stderr, "")
        lines, found = done.stdout.splitlines(), {}
        for i, line in enumerate(lines):
            if line.startswith(("  ok ", "  note", "  BAD ")):
                remedy = lines[i + 1].strip() if i + 1 < len(lines) and lines[i + 1].startswith("        -> ") else ""
                found[line[2:]] = remedy
        if expected is not None:
            self.assertEqual(done.returncode, expected, done.stdout)
        for finding, remedy in found.items():
            self.assertEqual(bool(remedy), not finding.startswith("ok"), f"{finding}: every fault has a remedy, and nothing else")
        return found

    def assert_bad(self, said, remedy, expected=1):
        found = self.ask(expected)
        matching = {finding: todo for finding, todo in found.items() if finding.startswith("BAD") and said in finding}
        self.assertEqual(len(matching), 1, f"{said!r} in {found}")
        self.assertIn(remedy, next(iter(matching.values())))

    def test_what_is_there(self):
        found = self.ask()
        self.assertTrue(any(line.startswith("ok    diffusionfilter: " + str(BUILD)) for line in found), found)
        self.assertIn(f"ok    port {self.environment['LIVEEDIT_SERVER__PORT']} is free", found)
        self.assertIn(f"ok    {BUILD}/server/liveedit-server takes its configuration", found)

    def test_no_gstreamer_n(self):
        # A PATH with everything but GStreamer's tools.
        for name in ("bash", "sed", "sort", "head", "tr", "find", "ldd", "realpath", "dirname", "grep", "env", "cat"):
            (self.folder / "bin" / name).symlink_to(shutil.which(name))
        self.environment["PATH"] = f"{self.folder}/bin"
        self.assert_bad("GStreamer's tools are not installed", "scripts/setup")

    def test_no_plugin_n(self):
        (self.folder / "empty").mkdir()
        self.environment.update(LIVEEDIT_BUILD_DIR=str(self.folder / "empty"), GST_REGISTRY=str(self.folder / "registry"))
        self.assert_bad("GStreamer does not find diffusionfilter", "gstreamer1.0-liveedit")

    def test_blacklisted_n(self):
        plugins = self.folder / "build/gst-plugins"
        plugins.mkdir(parents=True)
        (plugins / "libgstliveedit.so").write_text("this is no library")
        self.environment.update(LIVEEDIT_BUILD_DIR=str(self.folder / "build"), GST_PLUGIN_PATH=str(plugins), GST_REGISTRY=str(self.folder / "registry"))
        self.assert_bad("has blacklisted the plugin of diffusionfilter", f"rm {self.folder}/registry")

    def test_lost_libtorch_n(self):
        library = self.folder / "libliveedit-core.so"
        self.program("ldd", "echo '	libtorch_cpu.so => not found'\n")
        library.touch()
        self.environment["LIVEEDIT_CORE_PATH"] = str(library)
        self.assert_bad("libtorch_cpu.so", "liveedit-libtorch")

    def test_core_at_a_wrong_place_n(self):
        self.environment["LIVEEDIT_CORE_PATH"] = "/nowhere"
        self.assert_bad("LIVEEDIT_CORE_PATH is /nowhere", "unset LIVEEDIT_CORE_PATH")
        self.assert_bad("no frame could be edited: The inference core libliveedit-core.so could not be opened", "troubleshooting")

    def test_driver_that_fails_n(self):
        self.program("nvidia-smi", "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18\n")
        self.assert_bad("Driver/library version mismatch", "reboot")

    def test_driver_for_a_libtorch_without_cuda(self):
        self.program("nvidia-smi", 'case $1 in --query*) echo "NVIDIA H200, 570.1, 143771 MiB";; *) echo "| CUDA Version: 12.8 |";; esac\n')
        found = self.ask()
        self.assertIn("ok    GPU: NVIDIA H200, 570.1, 143771 MiB", found)

    def test_taken_port_n(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.environment["LIVEEDIT_SERVER__PORT"] = str(port)
            self.assert_bad(f"port {port} is taken", "LIVEEDIT_SERVER__PORT")

    def test_wrong_configuration_n(self):
        config = self.folder / "server.yaml"
        config.write_text("server:\n  prot: 1\n  port: 99999\n")
        self.environment["LIVEEDIT_CONFIG_FILE"] = str(config)
        self.assert_bad(f"{config}:2: there is no setting server.prot.", "--print-config")
        self.assert_bad(f"{config}:3: server.port is a whole number", "--print-config")

    def test_public_without_a_token_n(self):
        self.environment["LIVEEDIT_SERVER__HOST"] = "0.0.0.0"
        self.assert_bad("lets others in without a token", "--print-config")

    def test_model_that_is_not_there_n(self):
        self.environment["STREAMDIFFUSION_MODEL__MODEL_ID"] = "someone/nothing"
        self.assert_bad("model.model_id is someone/nothing", "hf download someone/nothing")
        (self.folder / ".cache/huggingface/hub/models--someone--nothing/snapshots").mkdir(parents=True)
        self.assertTrue(any(line.startswith("ok    model.model_id") for line in self.ask()))


if __name__ == "__main__":
    unittest.main()
