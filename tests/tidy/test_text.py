# SPDX-License-Identifier: Apache-2.0
"""Rules for every text of the house: code, scripts, documents."""

import re
import subprocess

from house import HOUSE, files, read

LINE_MAX = 100
CODE = ("*.c", "*.h", "*.py", "*.sh", "meson.build", "meson_options.txt", "tools/*", "bench/run",
        ".ci/run")
# Notes to oneself, and places that exist on one machine only. Written so as not to find itself.
UNWANTED = re.compile(r"\b(FIX" r"ME|TO" r"DO|XX" r"X|HA" r"CK)\b|(?<![\w.])/(ho" r"me|wo" r"rk)/")


def texts(*patterns):
    return [path for path in files(*patterns) if path.parts[:2] != ("tests", "data")]


def lines_of(paths):
    for path in paths:
        for number, line in enumerate(read(path).splitlines(), 1):
            yield path, number, line


def test_lines_fit():
    breaches = [f"{path}:{number}: {len(line)} columns, at most {LINE_MAX}"
                for path, number, line in lines_of(texts(*CODE)) if len(line) > LINE_MAX]
    assert not breaches, "\n".join(breaches)


def test_no_trailing_space():
    breaches = [f"{path}:{number}: trailing space"
                for path, number, line in lines_of(texts(*CODE, "*.md")) if line != line.rstrip()]
    assert not breaches, "\n".join(breaches)


def test_no_notes_to_oneself():
    breaches = [f"{path}:{number}: {found.group()}"
                for path, number, line in lines_of(texts(*CODE, "*.md", "Makefile"))
                if (found := UNWANTED.search(line))]
    assert not breaches, "\n".join(breaches)


def test_each_file_names_its_licence():
    """In its first lines; a file without content needs none."""
    scripts = ("*.py", "tools/*", "bench/run", ".ci/run", "Makefile")
    breaches = [str(path) for path in texts("*.c", *scripts)
                if (text := read(path))
                and "SPDX-License-Identifier: Apache-2.0" not in text[:200]]
    assert not breaches, "no SPDX line: " + " ".join(breaches)


def test_shellcheck_has_nothing_to_say():
    scripts = [str(path) for path in texts("tools/*", ".ci/run", "*.sh")
               if re.match(r"#!.*\b(ba)?sh$", read(path).split("\n")[0])]
    # Single quotes keep expressions from us on purpose: they are awk's, apt's, another shell's.
    checked = subprocess.run(["shellcheck", "--exclude=SC2016", "--format=gcc", *scripts],
                             cwd=HOUSE, capture_output=True, text=True, check=False)
    assert scripts and checked.returncode == 0, checked.stdout + checked.stderr


def test_links_lead_somewhere():
    breaches = []
    for path, number, line in lines_of(texts("*.md")):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", line):
            if "://" not in target and not (HOUSE / path.parent / target).exists():
                breaches.append(f"{path}:{number}: {target} is not there")
    assert not breaches, "\n".join(breaches)
