# SPDX-License-Identifier: Apache-2.0
"""The files of the house, and the little that has to be known of C to check its rules."""

import re
import subprocess
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]


def files(*patterns):
    """Those of the repository's files, new ones included, that match; relative, sorted."""
    listing = subprocess.run(
        ["git", "-c", f"safe.directory={HOUSE}", "-C", HOUSE, "ls-files", "-z"]
        + ["--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=True).stdout
    paths = sorted({Path(name) for name in listing.split("\0") if name})
    return [path for path in paths
            if (HOUSE / path).is_file() and any(path.match(pattern) for pattern in patterns)]


def read(path):
    return (HOUSE / path).read_text(encoding="utf-8")


def sources():
    return [path for path in files("*.c", "*.h") if "data" not in path.parts]


def code_lines(path):
    """The lines of a C file without comments and without what stands in quotes."""
    text = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                  lambda found: re.sub(r"[^\n]", " ", found.group()), read(path), flags=re.DOTALL)
    return text.split("\n")


def functions(path):
    """(name, first line, length) of each function. In our format a function's braces stand alone
    in the first column, and nothing else's do; its signature reaches up to an empty line or the
    end of what is before it."""
    lines = code_lines(path)
    found = []
    for start, line in enumerate(lines):
        if line.rstrip() != "{":
            continue
        end = next((n for n in range(start, len(lines)) if lines[n].startswith("}")), start)
        first = start
        while first > 0 and lines[first - 1].strip() and lines[first - 1][0] not in "}#":
            first -= 1
        name = re.search(r"(\w+)\(", " ".join(lines[first:start]))
        found.append((name.group(1) if name else "?", first + 1, end - first + 1))
    return found
