# SPDX-License-Identifier: LGPL-2.1-or-later
"""The project's files, and C++ sources without their comments and literals."""
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

LITERAL_OR_COMMENT = re.compile(
    r'//[^\n]*|/\*.*?\*/'
    r'|R"(?P<delimiter>[^()\s\\]{0,16})\(.*?\)(?P=delimiter)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)


def project_files(root=ROOT):
    """Relative paths of all files that git knows or would add."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=root, check=True,
                            capture_output=True, text=True)
    return sorted(Path(name) for name in listed.stdout.split("\0") if name and (root / name).is_file())


def blank_literals(text):
    """Comments, strings and characters become spaces; every newline stays where it is."""
    return LITERAL_OR_COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
