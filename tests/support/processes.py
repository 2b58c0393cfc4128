# SPDX-License-Identifier: Apache-2.0
"""processes: ours, and what /proc says of them."""

import subprocess
from pathlib import Path


def start_logged(words, log_path):
    """A Popen that appends what it says to a file, and is killed when we end, in whatever way."""
    with open(log_path, "ab") as log:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def only_child(pid):
    """The process that this one has started; None: none yet, or it has ended."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return None
    return int(children[0]) if children else None
