# SPDX-License-Identifier: Apache-2.0
"""The firm rules of the C code. Each test names all breaches at once, as file:line: what."""

import re
import subprocess

from house import HOUSE, code_lines, files, functions, read, sources

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 700

# A floor includes itself and the floors below it. Folders of one floor do not include each other.
FLOORS = [["base"], ["model"], ["docker", "source", "ledger", "sink"], ["route"], ["agent"],
          ["cli"]]
BELOW = {folder: {folder}.union(*FLOORS[:level])
         for level, floor in enumerate(FLOORS) for folder in floor}

BANNED = {
    "strcpy": "buf or snprintf",
    "strcat": "buf",
    "sprintf": "buf or snprintf",
    "vsprintf": "vsnprintf",
    "strtok": "span",
    "atoi": "a parser that answers errors",
    "atol": "a parser that answers errors",
    "atof": "a parser that answers errors",
    "gets": "getline",
    "system": "nothing: we start no shell",
    "signal": "sigaction",
    "gmtime": "base/rfc3339.h",
    "localtime": "base/rfc3339.h",
    "alloca": "arena",
}


def test_floors_include_only_downwards():
    breaches = []
    for path in files("src/*/*.[ch]", "src/*/*/*.[ch]"):
        floor = path.parts[1]
        for number, line in enumerate(read(path).splitlines(), 1):
            included = re.match(r'#include "([^"]+)"', line)
            if not included:
                continue
            target = included.group(1)
            if target.split("/")[0] not in BELOW[floor]:
                breaches.append(f"{path}:{number}: {floor} may not include {target}")
            elif not (HOUSE / "src" / target).exists():
                breaches.append(f"{path}:{number}: spell {target} from src/")
    assert not breaches, "\n".join(breaches)


def test_headers_open_with_their_contract():
    """`/* name — what it is …`: ownership, limits, threads and errors belong there."""
    breaches = [f"{path}: opens without `/* {path.stem} — …`" for path in files("src/**/*.h")
                if not re.match(rf"/\* {re.escape(path.stem)} — \S", read(path))]
    assert not breaches, "\n".join(breaches)


def test_headers_are_guarded():
    """Except templates, whose contract says that they are included once per something."""
    breaches = [f"{path}: no #pragma once" for path in sources() if path.suffix == ".h"
                and not re.search("#pragma once|Included once per", read(path))]
    assert not breaches, "\n".join(breaches)


def test_files_have_one_idea():
    breaches = [f"{path}: {lines} lines, at most {FILE_LINES_MAX}"
                for path in sources() if (lines := read(path).count("\n")) > FILE_LINES_MAX]
    assert not breaches, "\n".join(breaches)


def test_functions_fit_a_screen():
    breaches = [f"{path}:{line}: {name} has {length} lines, at most {FUNCTION_LINES_MAX}"
                for path in sources() for name, line, length in functions(path)
                if length > FUNCTION_LINES_MAX]
    assert not breaches, "\n".join(breaches)


def test_no_banned_call():
    call = re.compile(rf"(?<![\w.>])({'|'.join(BANNED)})\s*\(")
    breaches = [f"{path}:{number}: {found} is banned; use {BANNED[found]}"
                for path in files("src/**/*.c", "src/**/*.h", "bench/**/*.c")
                for number, line in enumerate(code_lines(path), 1)
                for found in call.findall(line)]
    assert not breaches, "\n".join(breaches)


def test_cleanup_or_goto_never_both():
    """A function gives back what it owns in one way."""
    breaches = []
    for path in sources():
        lines = code_lines(path)
        for name, line, length in functions(path):
            body = "\n".join(lines[line - 1:line - 1 + length])
            if re.search(r"\bgoto\b", body) and re.search(r"\bCLEANUP", body):
                breaches.append(f"{path}:{line}: {name} has both CLEANUP and goto")
    assert not breaches, "\n".join(breaches)


def test_each_source_is_built():
    """By its name, or by its stem where a list of tests makes the name."""
    breaches = [f"{path}: in no meson.build"
                for path in files("src/**/*.c", "tests/**/*.c", "bench/**/*.c")
                if path.parts[:2] not in (("tests", "data"), ("tests", "support"))
                and not any(re.search(rf"\b{path.stem}\b", builds(folder))
                            for folder in list(path.parents)[:-1])]
    assert not breaches, "\n".join(breaches)


def builds(folder):
    path = folder / "meson.build"
    return read(path) if (HOUSE / path).exists() else ""


def test_the_format_is_clang_format_s():
    checked = subprocess.run(
        ["clang-format-14", "--dry-run", "--Werror", *map(str, sources())],
        cwd=HOUSE, capture_output=True, text=True, check=False)
    breaches = [line for line in checked.stderr.splitlines() if "error:" in line]
    assert checked.returncode == 0, "\n".join(breaches)
