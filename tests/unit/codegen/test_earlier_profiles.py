"""Profiles of each format are read."""

from __future__ import annotations

from pathlib import Path

from laminar_codegen.planning.durations_file import VERSION, read_profile

PROFILES = Path(__file__).parent / "profiles"


def test_each_format_has_a_profile() -> None:
    """Who raises the version keeps a profile of it."""
    found = sorted(file.name for file in PROFILES.glob("profile_*.json"))
    assert found == [f"profile_{number}.json" for number in range(1, VERSION + 1)]


def test_seconds_of_layers() -> None:
    for file in PROFILES.glob("profile_*.json"):
        layers = read_profile(file, "Report").layers
        assert {name: times.seconds for name, times in layers.items()} == {"Load": 12.5, "Score": 4.4}, file.name


def test_splits_and_starts() -> None:
    profile = read_profile(PROFILES / "profile_2.json", "Report")
    score, (start,) = profile.layers["Score"], profile.starts
    assert (score.splits, score.split_seconds) == (100, 2.1)
    assert (start.target, start.jobs, start.seconds) == ("FARGATE", 40, 47.2)
