# SPDX-License-Identifier: Apache-2.0
"""A test that misses a real server skips, and `make check` prints why; where REQUIRE_BACKENDS says
so, as continuous integration does, it fails."""

import os
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

from house import HOUSE

BINARY = Path(os.environ.get("TALLYMAN", HOUSE / "build" / "tallyman")).resolve()
WANTS_A_SERVER = "tests/integration/test_victoria_logs.py::test_loki_and_http_say_the_same"
MISSING = "victoria-logs is not built; `make backends` builds it"


def check_program():
    loader = SourceFileLoader("check", str(HOUSE / "tools" / "check"))
    module = module_from_spec(spec_from_loader("check", loader))
    loader.exec_module(module)
    return module


def run_without_backends(directory, **environment):
    """(exit status, JUnit's report) of a test that wants a real server where none is built."""
    if not BINARY.exists():
        pytest.skip("needs a build: TALLYMAN=build/tallyman")
    report = directory / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
               f"--junitxml={report}", WANTS_A_SERVER]  # fmt: skip
    inherited = {key: value for key, value in os.environ.items() if key != "REQUIRE_BACKENDS"}
    done = subprocess.run(
        command, cwd=HOUSE, capture_output=True, check=False,
        env={**inherited, "XDG_CACHE_HOME": str(directory), **environment},
    )  # fmt: skip
    return done.returncode, report


def test_a_skip_is_printed_with_its_reason(tmp_path, capsys):
    status, report = run_without_backends(tmp_path)
    assert status == 0
    sums = check_program().Sums()
    sums.add("integration", 1.0, report, status)
    assert sums.close() == 0
    printed = capsys.readouterr().out
    assert f"SKIPPED 1, integration: {MISSING}\n" in printed
    assert printed.endswith("0 passed, 0 failed, 1 skipped\n")


def test_in_continuous_integration_it_is_a_failure(tmp_path, capsys):
    status, report = run_without_backends(tmp_path, REQUIRE_BACKENDS="1")
    assert status != 0 and MISSING in report.read_text(encoding="utf-8")
    sums = check_program().Sums()
    sums.add("integration", 1.0, report, status)
    assert sums.close() == 1
    assert capsys.readouterr().out.endswith("0 passed, 1 failed, 0 skipped\n")


def test_continuous_integration_requires_them():
    """It builds them first."""
    lines = (HOUSE / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    (built,) = [at for at, line in enumerate(lines) if line.endswith(" backends")]
    (checked,) = [at for at, line in enumerate(lines) if line.endswith(" check")]
    assert built < checked and lines[checked].startswith("REQUIRE_BACKENDS=1 ")
