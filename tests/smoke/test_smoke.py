# SPDX-License-Identifier: Apache-2.0
"""S103 in small: MINUTES (2) of the smoke test, with its share of the quotas."""

import os
from pathlib import Path

from smoke import report
from smoke.run import Smoke
from smoke.verdict import judge

REPORT = Path(__file__).resolve().parents[2] / "build-check-reports" / "smoke"


def test_smoke():
    story = Smoke(float(os.environ.get("MINUTES", "2"))).run()
    report.write(story, REPORT)
    told = report.verdict_text(judge(story))
    print(told)
    assert "FAIL" not in told, told
