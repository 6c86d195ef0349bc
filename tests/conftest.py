"""How examples are tried: without a limit of time, since machines that run tests are slow at times.

In CI they are the same in each run, so that a commit passes or fails there whoever runs it. Everywhere else each run
tries others, and remembers those that failed.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "laminar",
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("laminar")
