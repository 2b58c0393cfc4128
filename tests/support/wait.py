# SPDX-License-Identifier: Apache-2.0
"""wait: poll a condition until it holds, with a deadline.

The only place where a test sleeps: nothing is synchronised by the length of a pause.
"""

import os
import time

# A slow machine, a sanitizer, a busy neighbour: all deadlines are stretched by one factor.
PATIENCE = float(os.environ.get("PATIENCE", "1"))


def wait_for(condition, what, timeout_s=20.0, every_s=0.02):
    """Returns the first true answer of `condition`; fails with `what` (text or function)."""
    deadline = time.monotonic() + timeout_s * PATIENCE
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            told = what() if callable(what) else what
            raise AssertionError(f"not within {timeout_s * PATIENCE:g} s: {told}")
        time.sleep(every_s)
