# SPDX-License-Identifier: Apache-2.0
"""clang-tidy, with the short list of .clang-tidy, over what the program consists of."""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from house import HOUSE, files

FILES_PER_RUN = 4


def test_clang_tidy_has_nothing_to_say():
    program = os.environ.get("TALLYMAN")
    if not program:
        pytest.skip("needs a build: TALLYMAN=build/tallyman")
    build = Path(program).absolute().parent
    sources = [str(path) for path in files("src/**/*.c")]
    groups = [sources[first:first + FILES_PER_RUN]
              for first in range(0, len(sources), FILES_PER_RUN)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda group: tidy(build, group), groups))
    findings = {found for result in results
                for found in re.findall(r"^\S+ (?:error|warning): .*", result.stdout, re.MULTILINE)}
    assert all(result.returncode == 0 for result in results), "\n".join(sorted(findings))


def tidy(build, paths):
    return subprocess.run(["clang-tidy-14", "--quiet", "-p", str(build), *paths], cwd=HOUSE,
                          capture_output=True, text=True, check=False)
