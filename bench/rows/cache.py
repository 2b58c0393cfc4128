# SPDX-License-Identifier: Apache-2.0
"""cache: the metadata cache, in nanoseconds of CPU a call (not a line). Beside it: a hash table
behind one mutex, in the same run.

What threads do apart is the least of the passes. Where they are to meet, a pass in which
they did not (another program had the other processor) would look best, so it is the median."""

import os
import statistics
import subprocess

from measuring import MeasuringError
from report import Aim, Row

GET_NS_MAX = 20
SAME_KEY_NS_MAX = 60
SET_NS_MAX = 200
GAIN_MIN = 1.8


def rows(setting):
    passes = [measure_once(setting) for _ in range(setting.passes)]
    least = {name: min(figures[name] for figures in passes) for name in passes[0]}
    median = {name: statistics.median(figures[name] for figures in passes) for name in passes[0]}

    yield row_of(least, "get_ns", "get, one thread", GET_NS_MAX)
    yield row_of(least, "set_ns", "set, one thread", SET_NS_MAX)
    yield row_of(median, "same_key_ns", "get, four threads on one key", SAME_KEY_NS_MAX)
    yield row_of(median, "same_key_pair_ns", "get and give back, four on one key", None)
    yield gain_row(least)


def measure_once(setting):
    command = [setting.tool("cache")] + (["--quick"] if setting.passes < 7 else [])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MeasuringError(done.stderr)
    return {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}


def row_of(figures, name, words, limit):
    own, its = figures[f"cache_{name}"], figures[f"mutex_{name}"]
    aim = Aim(own, "ns a call", at_most=limit) if limit else None
    return Row("cache", words, ns_per_line=own, beside="mutex + table", beside_value=its,
               ratio=own / its, aim=aim)


def gain_row(least):
    words = "two threads on two keys, x one"
    if os.cpu_count() < 2:
        return Row("cache", words, note="one processor")
    own, its = (least[f"{name}_one_wall_ns"] / least[f"{name}_two_wall_ns"]
                for name in ("cache", "mutex"))
    return Row("cache", words, beside="mutex + table", beside_value=its, ratio=own / its,
               aim=Aim(own, "x the gets a second", at_least=GAIN_MIN))
