# SPDX-License-Identifier: Apache-2.0
"""processes: what /proc says of processes that we started."""

from pathlib import Path


def only_child(pid):
    """The process that this one has started; None: none yet, or it has ended."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return None
    return int(children[0]) if children else None
