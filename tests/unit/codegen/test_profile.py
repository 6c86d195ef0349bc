"""What a profile says: seconds of layers and of splits, and how long jobs take to start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from laminar_codegen.planning.durations_file import read_profile
from laminar_codegen.planning.profile import LayerTimes, Profile, Spread, StartTimes, StartUp

REPORT = StartTimes("FARGATE", 40.0, image="registry:5000/report", jobs=9, billed=20.0)
BIG = StartTimes("FARGATE", 70.0, image="big", jobs=4)


def test_a_profile_says_how_long_layers_and_splits_take() -> None:
    profile = Profile({"Load": LayerTimes(12.0), "Each": LayerTimes(60.0, Spread(50, 90), 3, split_seconds=2.5)})
    assert (profile.seconds("Load"), profile.seconds("Each"), profile.seconds("New")) == (12.0, 60.0, None)
    assert (profile.split_seconds("Load"), profile.split_seconds("Each"), profile.split_seconds("New")) == (
        12,
        2.5,
        None,
    )
    assert (profile.spread("Load"), profile.spread("Each"), profile.spread("New")) == (None, Spread(50, 90), None)
    assert profile.durations == {"Load": 12.0, "Each": 60.0}
    assert profile.task_seconds == {"Load": 12.0, "Each": 2.5}


@pytest.mark.parametrize(
    "image", ["registry:5000/report:2", "registry:5000/report", "registry:5000/report:2@sha256:0123"]
)
def test_a_new_build_of_an_image_finds_the_starts_of_the_former_ones(image: str) -> None:
    found = Profile({}, (REPORT, BIG)).start_up("FARGATE", image)
    assert found == StartUp(40.0, billed=20.0, jobs=9, image="registry:5000/report")


@pytest.mark.parametrize("image", ["other", None])
def test_an_image_that_never_started_there_gets_what_is_usual_for_the_target(image: str | None) -> None:
    """The middle one of all jobs: those of the larger image are fewer."""
    assert Profile({}, (BIG, REPORT)).start_up("FARGATE", image) == StartUp(40.0, billed=20.0, jobs=13)


def test_starts_of_other_targets_do_not_count() -> None:
    profile = Profile({}, (REPORT,))
    assert profile.start_up("FARGATE_SPOT", "registry:5000/report") is None
    assert Profile({}).start_up("FARGATE") is None


def test_all_forms_by_hand_mean_the_same(tmp_path: Path) -> None:
    """A plain number stands for an object, with a version and without."""
    forms = (
        {"Report": {"Load": 2}},
        {"version": 2, "flows": {"Report": {"Load": 2}}},
        {"version": 2, "flows": {"Report": {"Load": {"seconds": 2.0}}}, "starts": []},
    )
    read = []
    for number, form in enumerate(forms):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(form))
        read.append(read_profile(file, "Report"))
    assert read == [Profile({"Load": LayerTimes(2.0)})] * 3
