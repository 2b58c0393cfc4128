# SPDX-License-Identifier: Apache-2.0
"""What the documents say of the program is what the program says."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from house import HOUSE, files, read


@pytest.fixture
def tallyman():
    program = os.environ.get("TALLYMAN")
    if not program:
        pytest.skip("needs a build: TALLYMAN=build/tallyman")
    path = Path(program).absolute()
    return lambda *arguments: subprocess.run([path, *arguments], capture_output=True, text=True,
                                             check=False)


def test_the_reference_of_the_configuration_is_the_program_s(tallyman):
    """R3: one table. `tallyman check --document > docs/configuration.md` renews it."""
    assert read(Path("docs/configuration.md")) == tallyman("check", "--document").stdout


def test_the_reference_of_the_metrics_is_the_program_s(tallyman):
    """R10: one table. `tallyman check --document=metrics > docs/metrics.md` renews it."""
    assert read(Path("docs/metrics.md")) == tallyman("check", "--document=metrics").stdout


def test_examples_of_a_configuration_are_good(tallyman, tmp_path):
    """Every YAML block of the documents."""
    block_of_yaml = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
    examples = [(path, block) for path in files("*.md", "docs/*.md")
                for block in block_of_yaml.findall(read(path))]
    assert examples, "the README shows one"
    for path, block in examples:
        example = tmp_path / "example.yaml"
        example.write_text(block)
        checked = tallyman("check", "--config", str(example))
        assert checked.returncode == 0, f"{path}: {checked.stderr}"


def test_the_readme_names_only_targets_that_exist():
    targets = set(re.findall(r"^([a-z-]+):", read(Path("Makefile")), re.MULTILINE))
    for path in files("*.md", "docs/*.md"):
        for target in re.findall(r"`make ([a-z-]+)", read(path)):
            assert target in targets, f"{path}: make {target}"


def test_each_verb_named_in_the_documents_exists(tallyman):
    verbs = set(re.findall(r"^  ([a-z]+)\s", tallyman("--help").stdout, re.MULTILINE))
    for path in files("*.md", "docs/*.md"):
        for verb in re.findall(r"`tallyman ([a-z]+)", read(path)):
            assert verb in verbs, f"{path}: tallyman {verb}"
