"""What past executions say of a flow: how long its layers and their splits take, and how long jobs take to start.

`laminar_codegen.planning.durations_file` reads it from a file, which ``laminar-codegen measure`` writes.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping

import attrs

from laminar_codegen.ir.structs import Struct

__all__ = ["LayerTimes", "Profile", "Spread", "StartTimes", "StartUp", "image_name", "usual"]


@attrs.frozen(eq=False, repr=False)
class Spread(Struct):
    """How much measured seconds differ.

    Args:
        low: A tenth of them are shorter.
        high: A tenth of them are longer.
    """

    low: float
    high: float


@attrs.frozen(eq=False, repr=False)
class LayerTimes(Struct):
    """How long a layer took in past executions.

    Args:
        seconds: The median of its seconds; of a fan-out, those of all of its splits.
        spread: How much they differ, None if unknown.
        executions: In how many executions it was measured, None if unknown.
        split_seconds: The average seconds of a split, None if it has none, or they are unknown.
        split_spread: How much those of its splits differ, None if unknown.
        splits: The median of the number of its splits, None if unknown.
    """

    seconds: float
    spread: Spread | None = None
    executions: int | None = None
    split_seconds: float | None = None
    split_spread: Spread | None = None
    splits: int | None = None


@attrs.frozen(eq=False, repr=False)
class StartTimes(Struct):
    """How long jobs took to start.

    Args:
        target: Where they ran: ``FARGATE``, ``FARGATE_SPOT``, ``EC2``, ``SPOT`` or ``LAMBDA``.
        seconds: The median of the seconds from the submission of a job to its start.
        image: Their image, without its tag and its digest; None for any.
        spread: How much the seconds differ, None if unknown.
        jobs: How many jobs were measured, None if unknown.
        billed: How many of the seconds are billed, None if unknown: AWS Batch does not say when the pull began.
    """

    target: str
    seconds: float
    image: str | None = None
    spread: Spread | None = None
    jobs: int | None = None
    billed: float | None = None


@attrs.frozen(eq=False, repr=False)
class StartUp(Struct):
    """How long a job takes to start, by past executions.

    Args:
        seconds: Seconds from its submission to its start.
        billed: How many of them are billed, None if unknown.
        jobs: How many jobs say so, None if unknown.
        image: The image of these jobs, without its tag and its digest; None if they had several, or it is unknown.
    """

    seconds: float
    billed: float | None = None
    jobs: int | None = None
    image: str | None = None


@attrs.frozen(eq=False, repr=False)
class Profile(Struct):
    """What past executions say of a flow.

    Args:
        layers: The times of its layers, by name. Layers that it no longer has may be among them.
        starts: How long jobs took to start, by target and image.
    """

    layers: Mapping[str, LayerTimes]
    starts: tuple[StartTimes, ...] = ()

    @functools.cached_property
    def durations(self) -> Mapping[str, float]:
        """The seconds of each layer that was measured; of a fan-out, those of all of its splits."""
        return {name: times.seconds for name, times in self.layers.items()}

    @functools.cached_property
    def task_seconds(self) -> Mapping[str, float]:
        """The seconds of a task of each layer that was measured: of the layer, or of one of its splits."""
        return {
            name: times.seconds if times.split_seconds is None else times.split_seconds
            for name, times in self.layers.items()
        }

    def seconds(self, layer: str) -> float | None:
        """Return the seconds of a layer, those of all splits of a fan-out; None if it was not measured.

        Args:
            layer: The layer's name.
        """
        times = self.layers.get(layer)
        return None if times is None else times.seconds

    def split_seconds(self, layer: str) -> float | None:
        """Return the average seconds of a split of a layer; None if the layer was not measured.

        A layer whose splits were not measured, as in a profile by hand, has its own seconds.

        Args:
            layer: The layer's name.

        Example:
            >>> profile = Profile({"Load": LayerTimes(12), "Each": LayerTimes(60, split_seconds=2.5)})
            >>> profile.split_seconds("Load"), profile.split_seconds("Each"), profile.split_seconds("New")
            (12, 2.5, None)
        """
        return self.task_seconds.get(layer)

    def spread(self, layer: str) -> Spread | None:
        """Return how much the seconds of a layer differ between executions; None if that is unknown.

        Args:
            layer: The layer's name.
        """
        times = self.layers.get(layer)
        return None if times is None else times.spread

    def start_up(self, target: str, image: str | None = None) -> StartUp | None:
        """Return how long a job takes to start: by those of its image, else by all of its target.

        Args:
            target: Where it runs: ``FARGATE``, ``FARGATE_SPOT``, ``EC2``, ``SPOT`` or ``LAMBDA``.
            image: Its image, None if it is known only when the flow is deployed. A new tag or digest finds
                the jobs of the former ones: most of an image stays as it is.

        Returns:
            None if no start was measured there.

        Example:
            >>> small = StartTimes("FARGATE", 40, image="small", jobs=9)
            >>> profile = Profile({}, (small, StartTimes("FARGATE", 70, image="big", jobs=4)))
            >>> profile.start_up("FARGATE", "big:1.2").seconds, profile.start_up("FARGATE", "new").seconds
            (70, 40)
            >>> profile.start_up("EC2")
        """
        known = [start for start in self.starts if start.target == target]
        name = None if image is None else image_name(image)
        same = [start for start in known if name is not None and start.image == name]
        found = usual(same or known)
        if found is None:
            return None
        jobs = [start.jobs for start in same or known]
        counted = None if None in jobs else sum(number or 0 for number in jobs)
        return StartUp(found.seconds, found.billed, counted, found.image if same or len(known) == 1 else None)


def usual(starts: Iterable[StartTimes]) -> StartTimes | None:
    """Return the start times of the middle job of those of several images, None of none.

    Args:
        starts: The start times of some images. An entry that does not say how many jobs it has counts as one.

    Example:
        >>> usual([StartTimes("EC2", 200, jobs=5), StartTimes("EC2", 90, jobs=2)]).seconds
        200
    """
    ranked = sorted(starts, key=lambda start: (start.seconds, start.image or ""))
    weights = [start.jobs or 1 for start in ranked]
    half, passed = sum(weights) / 2, 0
    for start, weight in zip(ranked, weights, strict=True):
        passed += weight
        if passed >= half:
            return start
    return None


def image_name(image: str) -> str:
    """Return the name of an image: without its tag and its digest.

    Args:
        image: The image.

    Example:
        >>> image_name("registry:5000/team/report:1.2@sha256:0123"), image_name("registry:5000/report")
        ('registry:5000/team/report', 'registry:5000/report')
    """
    return re.sub(r":[^:/@]*$", "", image.partition("@")[0])
