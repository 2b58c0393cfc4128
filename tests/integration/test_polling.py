# SPDX-License-Identifier: Apache-2.0
"""Where inotify's limits are reached, files and directories are looked at from time to time."""

import shlex
import subprocess
from collections import Counter

import pytest

from support.docker_root import Container
from support.ledger_book import gaps
from support.tallyman import BINARY, count_lines, file_route, pairs

CONTAINERS = 30
SOON_S = 5  # looked at once a second; the rest is patience


@pytest.fixture
def confined(tmp_path):
    """The program in a user namespace of its own, with a limit of inotify set there."""

    def make(limit, value):
        wrapper = tmp_path / "tallyman-confined"
        wrapper.write_text(
            "#!/bin/sh\n"
            f"exec unshare -Ur sh -c 'echo {value} >/proc/sys/user/{limit} && exec \"$0\" \"$@\"' "
            f'{shlex.quote(str(BINARY))} "$@"\n'
        )
        wrapper.chmod(0o755)
        if subprocess.run(["unshare", "-Ur", "true"], check=False).returncode:
            pytest.skip("no user namespaces here")
        return wrapper

    return make


def raise_limit(program, limit):
    """As an administrator would, in the namespace of the program."""
    enter = ["nsenter", f"--target={program.pid}", "--user", "--preserve-credentials"]
    write = f"echo 10000 >/proc/sys/user/{limit}"
    subprocess.run([*enter, "sh", "-c", write], check=True)


@pytest.mark.parametrize(
    "limit, value",
    [
        ("max_inotify_watches", 1),  # the containers directory alone
        ("max_inotify_watches", CONTAINERS // 2),  # some containers' directories, no file
        ("max_inotify_instances", 0),
    ],
)
def test_all_is_found_without_inotify(root, tallyman, out, confined, limit, value):
    """S67: new containers, growth and rotation within the documented period; said once; healed."""
    made = [Container(root, f"early-{number}") for number in range(CONTAINERS)]
    expected = [line for one in made for line in one.write_lines(f"{one.name} first", 3)]
    program = tallyman(
        root, [file_route("all", out / "all")], binary=confined(limit, value)
    ).start()

    def arrive(what):
        program.wait_until(lambda: count_lines(out / "all") >= len(expected), what, SOON_S)

    arrive("what was there")
    for one in made:
        expected += one.write_lines(f"{one.name} growth", 3)
    arrive("growth")
    for one in made:
        one.rotate()
        expected += one.write_lines(f"{one.name} rotated", 3)
    arrive("what follows a rotation")
    late = [Container(root, f"late-{number}") for number in range(CONTAINERS)]
    expected += [line for one in late for line in one.write_lines(one.name, 3)]
    arrive("new containers")

    told = program.log()
    for event in ("watch.polling", "names.polling"):
        assert told.count(f"event={event} ") == 1, told
    assert told.count(f"subject=fs.{limit.replace('max_inotify', 'inotify.max_user')}") == 2, told

    raise_limit(program, limit)
    program.wait_for_log("event=health.healed msg=\"what was wrong is over\" code=watch.polling")
    program.wait_for_log("event=health.healed msg=\"what was wrong is over\" code=names.polling")
    for one in made + late:
        expected += one.write_lines(f"{one.name} watched", 3)
    arrive("growth that is watched")
    program.stop()
    assert Counter(pairs(out / "all")) == Counter(expected)
    assert gaps(program.state, "all") == []
