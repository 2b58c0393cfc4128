# SPDX-License-Identifier: Apache-2.0
"""The frame of the command line: help, exit codes, the configuration in use. Needs no Engine.

0 done, 1 failed, 2 wrong usage or configuration.
"""

import os
import re
import subprocess

import pytest

from support.tallyman import BINARY

VERBS = ("check", "version")
GOOD = "state: /s\n"
WRONG = "state: /s\nstat: /x\n"


def tallyman(*arguments, config=None, **options):
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("TALLYMAN_CONFIG", "XDG_STATE_HOME")
    }
    environment.update({"TALLYMAN_CONFIG": str(config)} if config is not None else {})
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(
        [BINARY, *arguments], env=environment, text=True, timeout=30, check=False, **options
    )


def write(directory, text, name="t.yaml"):
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def test_alone_it_shows_help_and_is_misused():
    ended = tallyman()
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("usage: tallyman VERB [options]\n")


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_every_verb(option):
    ended = tallyman(option)
    assert (ended.returncode, ended.stderr) == (0, "")
    for verb in VERBS:
        assert re.search(rf"^  {verb} +\S", ended.stdout, re.MULTILINE)


def test_every_verb_in_the_list_has_help():
    verbs = re.findall(r"^  (\w+) ", tallyman("--help").stdout, re.MULTILINE)
    assert set(VERBS) <= set(verbs)
    for verb in verbs:
        for option in ("--help", "-h"):
            ended = tallyman(verb, option)
            assert (ended.returncode, ended.stderr) == (0, ""), verb
            assert ended.stdout.startswith(f"usage: tallyman {verb}"), verb


@pytest.mark.parametrize(
    "word, hint",
    [
        ("chekc", ' (did you mean "check"?)'),
        ("versoin", ' (did you mean "version"?)'),
        ("--version", ' (did you mean "version"?)'),
        ("somethingelse", ""),
        ("", ""),
    ],
)
def test_an_unknown_verb_is_misuse(word, hint):
    ended = tallyman(word)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"tallyman: no verb '{word}'{hint}\ntry 'tallyman --help'\n"


@pytest.mark.parametrize("verb", VERBS)
def test_wrong_usage_of_a_verb(verb):
    ended = tallyman(verb, "--nonsense")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"tallyman {verb}: unrecognized option '--nonsense'\n" f"try 'tallyman {verb} --help'\n"
    )
    ended = tallyman(verb, "operand")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"tallyman {verb}: unexpected 'operand'\n" f"try 'tallyman {verb} --help'\n"
    )


def test_check_without_the_file_it_was_told():
    ended = tallyman("check", "-c")
    assert ended.returncode == 2
    assert ended.stderr.startswith("tallyman check: option requires an argument -- 'c'\n")


@pytest.mark.parametrize("option", ["-c", "--config"])
def test_check_of_a_good_file(tmp_path, option):
    path = write(tmp_path, GOOD)
    ended = tallyman("check", option, path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"{path}: good, 1 route\n"


def test_check_of_a_wrong_file_says_where(tmp_path):
    path = write(tmp_path, WRONG)
    for arguments in (["-c", path], ["-c", path, "--print"]):
        ended = tallyman("check", *arguments)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr == (f'{path}:2:1: unknown key "stat" (did you mean "state"?)\n')


def test_check_of_a_file_that_is_not_there(tmp_path):
    path = tmp_path / "absent.yaml"
    ended = tallyman("check", "-c", path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"cannot read the configuration {path}: No such file or directory\n"


def test_the_file_of_the_environment_is_used_unless_one_is_told(tmp_path):
    path = write(tmp_path, GOOD)
    assert tallyman("check", config=path).stdout == f"{path}: good, 1 route\n"
    wrong = write(tmp_path, WRONG, "wrong.yaml")
    assert tallyman("check", config=wrong).returncode == 2
    assert tallyman("check", "-c", path, config=wrong).stdout == f"{path}: good, 1 route\n"


@pytest.mark.skipif(os.path.exists("/etc/tallyman/tallyman.yaml"), reason="this host has one")
def test_without_any_file_the_built_in_configuration_is_used():
    for config in (None, ""):
        ended = tallyman("check", config=config)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout == "the built-in configuration: good, 1 route\n"


def test_what_is_printed_is_a_configuration(tmp_path):
    path = write(tmp_path, GOOD)
    printed = tallyman("check", "-c", path, "--print")
    assert printed.returncode == 0
    again = write(tmp_path, printed.stdout, "again.yaml")
    assert tallyman("check", "-c", again, "--print").stdout == printed.stdout


def test_version_names_itself_and_its_libraries():
    ended = tallyman("version")
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert re.fullmatch(r"tallyman \d+\.\d+\.\d+", lines[0])
    names = [line.split()[0] for line in lines[1:]]
    assert names == ["commit", "compiler", "curl", "jansson", "sqlite", "xxhash", "yaml", "zlib"]
    assert re.fullmatch(r"commit +(unknown|[0-9a-f]{12}(-dirty)?)", lines[1])
    assert all(re.search(r" \d+\.\d+", line) for line in lines[2:])


OUTPUTS = [["--help"], ["version"], ["check"], ["check", "--print"], ["check", "--document"]]


@pytest.mark.parametrize("arguments", OUTPUTS, ids=" ".join)
def test_a_full_disk_is_a_failure(tmp_path, arguments):
    path = write(tmp_path, GOOD)
    with open("/dev/full", "w", encoding="utf-8") as full:
        ended = tallyman(*arguments, config=path, stdout=full)
    assert ended.returncode == 1
    assert ended.stderr == "tallyman: cannot write the output: No space left on device\n"


@pytest.mark.parametrize("arguments", OUTPUTS, ids=" ".join)
def test_a_closed_pipe_is_a_silent_failure(tmp_path, arguments):
    path = write(tmp_path, GOOD)
    reader, writer = os.pipe()
    os.close(reader)
    ended = tallyman(*arguments, config=path, stdout=writer)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_a_closed_stdout_is_a_failure(tmp_path):
    path = write(tmp_path, GOOD)
    shell = ["sh", "-c", '"$0" check -c "$1" >&-', BINARY, path]
    ended = subprocess.run(shell, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "tallyman: cannot write the output: Bad file descriptor\n"
