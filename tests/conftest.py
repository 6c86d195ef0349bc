"""How examples are tried: without a limit of time, since machines that run tests are slow at times."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("laminar", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("laminar")
