# SPDX-License-Identifier: Apache-2.0
"""census: the threads and descriptors of a process, counted by /proc.

Descriptors are counted by class, as readlink names them: the resource equation speaks of classes.
They are those of src/agent/census.h, by which the program counts itself.
"""

import collections
import os


_FILES = {"journal": (".journal", ".journal~"), "ledger": (".db", ".db-wal", ".db-shm")}


def threads(pid):
    """The names of its threads, sorted."""
    names = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8") as comm:
            names.append(comm.read().strip())
    return sorted(names)


def links(pid):
    """What each descriptor points to."""
    targets = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            targets.append(os.readlink(f"/proc/{pid}/fd/{number}"))
        except FileNotFoundError:
            continue
    return targets


def descriptors(pid, under=None):
    """Counts by class: inotify, eventfd, socket, pipe, …; of files `journal` and `ledger` by the
    ends of their names, the rest `file`; `under` maps a class of one's own to the directory that
    makes it (`{"segment": "/data/containers"}`)."""
    count = collections.Counter()
    for target in links(pid):
        count[_class_of(target, under or {})] += 1
    return count


def _class_of(target, under):
    for name, directory in under.items():
        if target.startswith(str(directory).rstrip("/") + "/"):
            return name
    if target.startswith("anon_inode:"):
        return target[len("anon_inode:") :].strip("[]")
    if target.startswith("/"):
        path = target.removesuffix(" (deleted)")
        return next((name for name, ends in _FILES.items() if path.endswith(ends)), "file")
    return target.split(":", 1)[0]
