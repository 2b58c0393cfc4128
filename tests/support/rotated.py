# SPDX-License-Identifier: Apache-2.0
"""rotated: reads back an output with its rotated files, as one."""

import gzip
import re
import subprocess
from pathlib import Path


def rotated_files(path):
    """The files of an output, oldest first. Of a plain file and what was made of it, which a crash
    may have left side by side, only the one."""
    path = Path(path)
    numbered = {}
    for file in path.parent.glob(f"{path.name}.*"):
        found = re.fullmatch(r"\.(\d+)(\.gz|\.zst)?", file.name[len(path.name) :])
        if found:
            numbered.setdefault(int(found[1]), []).append(file)
    files = []
    for _, same in sorted(numbered.items(), reverse=True):
        assert len({file.stat().st_mtime_ns for file in same}) == 1, f"not of one kind: {same}"
        files.append(min(same, key=lambda file: len(file.name)))
    return files + ([path] if path.exists() else [])


def read_file(file):
    if file.suffix == ".gz":
        return gzip.decompress(file.read_bytes())
    if file.suffix == ".zst":
        return subprocess.run(["zstd", "-dcq", file], check=True, capture_output=True).stdout
    return file.read_bytes()


def rotated_lines(path):
    """All lines of all its files, oldest first; each file ends with a whole line."""
    lines = []
    for file in rotated_files(path):
        data = read_file(file)
        assert data == b"" or data.endswith(b"\n"), f"{file} ends within a line"
        lines += data.decode().splitlines()
    return lines
