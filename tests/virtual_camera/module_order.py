# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints the files of kernel modules in an order in which insmod can load them.

usage: module_order.py FOLDER NAME...     FOLDER: lib/modules/VERSION, after depmod
"""

import pathlib
import sys


def main() -> None:
    folder, *names = sys.argv[1:]
    needs = {}
    for line in (pathlib.Path(folder) / "modules.dep").read_text().splitlines():
        path, _, dependencies = line.partition(":")
        needs[path] = dependencies.split()
    path_of = {pathlib.PurePath(path).name.removesuffix(".ko").replace("-", "_"): path for path in needs}

    order: list[str] = []

    def load(path: str) -> None:
        for dependency in needs[path]:
            load(dependency)
        if path not in order:
            order.append(path)

    for name in names:
        if name not in path_of:
            sys.exit(f"module_order.py: {folder}/modules.dep has no module {name}")
        load(path_of[name])
    print("\n".join(order))


if __name__ == "__main__":
    main()
