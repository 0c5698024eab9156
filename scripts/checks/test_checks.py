#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each check is shown small projects with a known fault, and must name it."""
import subprocess
import tempfile
import unittest
from pathlib import Path

import dependency_direction
import sizes
import skipped_cases
from source_files import blank_literals


class Project:
    """A throw-away git folder with the given files."""

    def __init__(self, **files):
        self.files = files

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name)
        subprocess.run(["git", "init", "-q", root], check=True)
        for name, text in self.files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return root

    def __exit__(self, *_):
        self.folder.cleanup()


class DependencyDirection(unittest.TestCase):
    def found(self, **files):
        with Project(**files) as root:
            return dependency_direction.findings(root)

    def test_clean(self):
        self.assertEqual([], self.found(**{
            "core/api/core.h": "#include <string>\n",
            "core/weights/a.cpp": "#include <ATen/ATen.h>\n#include <glib.h>\n",
            "elements/x/gstx.cpp": '#include <gst/gst.h>\n#include "core/api/core.h"\n'}))

    def test_each_forbidden_include_n(self):
        cases = {"elements/x/gstx.cpp": "ATen/ATen.h", "core/api/core.h": "c10/core/Device.h",
                 "core/weights/w.cpp": "gst/gst.h", "core/networks/n.cpp": "torch/torch.h",
                 "core/kernels/cuda/k.cu": "ATen/ATen.h", "core/diffusion/d.cpp": "ATen/cuda/CUDAContext.h",
                 "elements/y/gsty.cpp": "core/weights/weights.h", "server/edge/e.cpp": "core/api/core.h",
                 "streaming/rtsp/r.cpp": "elements/x/gstx.h", "gst-plugins/p/plugin.cpp": "core/runtime/runtime.h"}
        for path, included in cases.items():
            with self.subTest(path=path):
                self.assertTrue(self.found(**{path: f"#include <{included}>\n"}))

    def test_ring_of_rooms_n(self):
        found = self.found(**{"core/a/a.h": '#include "core/b/b.h"\n', "core/b/b.h": '#include "core/c/c.h"\n',
                              "core/c/c.h": '#include "core/a/a.h"\n'})
        self.assertEqual(1, len(found))
        self.assertIn("ring", found[0])


class Sizes(unittest.TestCase):
    def functions(self, text):
        return [(name, length) for name, _, length in sizes.cpp_functions(text)]

    def test_functions_are_measured(self):
        text = """namespace a::b {
template <class T, class U>
struct __attribute__((visibility("default"))) Foo final : Bar<T> {
  Foo() : a_{1}, b_(2), c_{3} {
    run();
  }
  int get() const { return a_; }
  enum class Kind { kOne, kTwo };
  int a_{0};
};
constexpr int kTable[] = {1, 2,
  3};
static const Entry kEntries[] = {{"a", f(1)},
  {"}", g(2)}};
extern "C" void open(int x) {
  // } a brace in a comment
  const char* s = R"(})";
  if (x) {
    char c = '{';
  }
}
auto lambda = [](int x) {
  return x;
};
MACRO_CALL(Name, name)

static std::vector<int> make(
    int n) noexcept {
  return {n};
}
int sum(const std::vector<int>& of = {}, int more = 0) {
  return more;
}
}
"""
        self.assertEqual([("Foo", 3), ("get", 1), ("open", 7), ("lambda", 3), ("make", 4), ("sum", 3)],
                         [(name if name != "" else "lambda", length) for name, length in self.functions(text)])

    def test_literals_are_blanked_and_lines_kept(self):
        text = 'a = "x{\\"";  // {\n/* {\n} */ b = 1\'000;\n'
        self.assertEqual(text.count("\n"), blank_literals(text).count("\n"))
        self.assertNotIn("{", blank_literals(text))
        self.assertIn("b = 1", blank_literals(text))

    def test_long_function_and_file_n(self):
        body = "void f() {\n" + "  g();\n" * 100 + "}\n"
        with Project(**{"core/x/f.cpp": body, "scripts/a.py": "def f():\n" + "    g()\n" * 61,
                        "core/x/long.h": "\n" * 901}) as root:
            found = {sentence.split(":")[0]: is_error for is_error, sentence in sizes.findings(root)}
        self.assertEqual({"core/x/f.cpp": True, "scripts/a.py": False, "core/x/long.h": True}, found)


class SkippedCases(unittest.TestCase):
    def test_cases_and_reasons(self):
        log = """[ RUN      ] Weights.Real
/src/tests/unit/weights/weights_test.cpp:12: Skipped
No weights in ../shared.

[  SKIPPED ] Weights.Real (0 ms)
[ RUN      ] Weights.Small
[       OK ] Weights.Small (1 ms)
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] Weights.Real
"""
        self.assertEqual([("Weights.Real", "No weights in ../shared.")], list(skipped_cases.skipped_cases(log.splitlines())))


if __name__ == "__main__":
    unittest.main()
