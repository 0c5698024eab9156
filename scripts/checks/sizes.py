#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files over 600 lines and functions over 60 lines are named; over 900 and over 100 they are errors."""
import ast
import re
import sys

from source_files import ROOT, blank_literals, project_files

FILE_WARN, FILE_FAIL = 600, 900
FUNCTION_WARN, FUNCTION_FAIL = 60, 100
CPP = {".h", ".cpp", ".cu", ".cuh"}
SIZED = CPP | {".py", ".sh", ".cmake", ".js", ".css", ".html", ".md", ".launch"}

TYPE_OR_NAMESPACE = re.compile(r"^(?:(?:typedef|export|static|inline)\s+)*(?:namespace|class|struct|union|enum|extern)\b")
MACRO_LINE = re.compile(r"^\s*[A-Z][A-Z0-9_]+\s*\([^;{}]*\)\s*\n(?=\s*\S)")
# `Foo::Foo() : a_` in front of a brace: a member of the constructor's initialiser list, not the body.
MEMBER_INITIALISER = re.compile(r"\)\s*(?:noexcept\s*)?(?<!:):(?!:).*[\w>]\s*$", re.DOTALL)


def matching_brace(text, opening):
    depth = 0
    for i in range(opening, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return i
    return len(text) - 1


def kind_of_brace(header):
    """What a brace opens, judged by the declaration in front of it."""
    plain = re.sub(r"__attribute__\s*\(\(.*?\)\)\s*\)?|alignas\s*\([^)]*\)", " ", header)
    while True:
        without = re.sub(r"\btemplate\s*<[^<>]*(?:<[^<>]*>[^<>]*)*>|\brequires\b[^{]*?(?=\n)", " ", plain)
        if without == plain:
            break
        plain = without
    plain = plain.strip()
    if TYPE_OR_NAMESPACE.match(plain) and not re.search(r"\)\s*(?:const|noexcept|override|final|\s)*$", plain):
        return "scope"
    if "(" not in plain or plain.count("(") > plain.count(")"):  # the latter: a default argument
        return "data"
    if MEMBER_INITIALISER.search(plain):
        return "initialiser"
    before_equals = re.split(r"(?<![=!<>])=(?!=)", re.sub(r"\boperator\s*=+", "operator", plain), maxsplit=1)
    if len(before_equals) == 2 and "(" not in before_equals[0] and "[" not in before_equals[1]:
        return "data"
    return "function"


def cpp_functions(text):
    """Yields (name, first line, number of lines) of every function body that lies in a namespace or class."""
    text = blank_literals(text)
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda match: re.sub(r"[^\n]", " ", match.group()), text,
                  flags=re.MULTILINE)
    start = i = 0
    while i < len(text):
        if text[i] in ";}" or (text[i] == ":" and re.search(r"\b(?:public|private|protected)\s*$", text[start:i])):
            start = i + 1
        elif text[i] == "{":
            header = text[start:i]
            kind = kind_of_brace(header)
            if kind == "scope":
                start = i + 1
            else:
                end = matching_brace(text, i)
                if kind == "function":
                    yield measured(text, start, i, end)
                    start = end + 1
                i = end
        i += 1


def measured(text, start, opening, end):
    header = text[start:opening]
    while macro := MACRO_LINE.match(header):
        start += macro.end()
        header = text[start:opening]
    start += len(header) - len(header.lstrip())
    named = re.search(r"([~\w:]+|operator\W{1,3})\s*\(", header)
    first = text.count("\n", 0, start) + 1
    return named.group(1) if named else "lambda", first, text.count("\n", start, end) + 1


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


def is_python(path, text):
    return path.suffix == ".py" or text.startswith("#!/usr/bin/env python3")


def findings(root):
    """Yields (is an error, sentence)."""
    for path in project_files(root):
        in_scripts = path.parts[0] in ("scripts", ".ci") and not path.suffix
        if path.suffix not in SIZED and path.name != "CMakeLists.txt" and not in_scripts:
            continue
        text = (root / path).read_text(encoding="utf-8")
        lines = text.count("\n")
        if lines > FILE_WARN:
            yield lines > FILE_FAIL, f"{path}: {lines} lines (at most {FILE_WARN})"
        functions = cpp_functions(text) if path.suffix in CPP else python_functions(text) if is_python(path, text) else ()
        for name, line, length in functions:
            if length > FUNCTION_WARN:
                yield length > FUNCTION_FAIL, f"{path}:{line}: {name} has {length} lines (at most {FUNCTION_WARN})"


def main(root=ROOT):
    failed = False
    for is_error, sentence in findings(root):
        failed = failed or is_error
        print(f"  {'error' if is_error else 'warning'}: {sentence}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
