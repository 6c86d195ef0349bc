"""Reads and writes a profile: how long the layers of flows take, and how long jobs take to start.

::

    {
      "version": 2,
      "flows": {
        "Report": {
          "Load": {"seconds": 12.5, "p10": 11.9, "p90": 14.0, "executions": 10},
          "Score": {"seconds": 60, "splits": {"count": 100, "seconds": 2.1, "p10": 1.8, "p90": 2.9}}
        }
      },
      "starts": [{"target": "FARGATE", "image": "registry/report", "jobs": 40, "seconds": 47.2, "p10": 38, "p90": 71}]
    }

``laminar-codegen measure`` writes such a file. By hand a plain number may stand for an object, and
``{"Report": {"Load": 12.5}}``, without a version, is the whole of a profile, too.
"""

from __future__ import annotations

import collections
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from laminar_codegen.planning.profile import LayerTimes, Profile, Spread, StartTimes, image_name
from laminar_codegen.problems import CompileError, Location, Problem
from laminar_codegen.problems.rules import LAM030

__all__ = ["TARGETS", "VERSION", "profile_text", "read_profile", "read_profiles"]

#: The version of the form that this release writes. It reads this version, and profiles without a version.
VERSION = 2
#: Where jobs run, as AWS Batch names the capacity of compute environments:
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html
TARGETS = ("FARGATE", "FARGATE_SPOT", "EC2", "SPOT", "LAMBDA")

_FORM = 'write it by laminar-codegen measure, or by hand: {"<Flow>": {"<Layer>": seconds}}'
#: The most seconds, a year: no execution of Step Functions runs longer.
#: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_MOST_SECONDS = 31_536_000
#: The most executions, jobs and splits. It only has sums and products of them fit into numbers.
_MOST_COUNTED = 10**12
_NUMBER = f"give a number from 0 to {_MOST_SECONDS:,}, which is a year"
_COUNT = f"give a whole number from 0 to {_MOST_COUNTED:,}"


def read_profile(path: Path, flow: str) -> Profile:
    """Read the profile of a flow.

    Args:
        path: The profile's file.
        flow: The flow's name.

    Raises:
        CompileError: If the file does not exist, is not a profile, or does not have the flow; with every reason.
    """
    return read_profiles(path, [flow])[0]


def read_profiles(path: Path, flows: Sequence[str]) -> tuple[Profile, ...]:
    """Read the profiles of several flows, as of those of a chain.

    Args:
        path: The profile's file.
        flows: The names of the flows.

    Returns:
        The profile of each, in their order.

    Raises:
        CompileError: If the file does not exist, is not a profile, or does not have all flows; with every reason.
    """
    document = _load(path)
    reader = _Reader(path)
    reader.check_duplicates(document)
    known, starts = reader.parts(document)
    layers = {name: reader.layers(name, found) for name, found in known.items()}
    found = tuple(reader.starts(starts))
    for flow in flows:
        if flow not in layers:
            only = ", ".join(sorted(layers)) or "no flow"
            reader.add(f"the profile has no durations of flow '{flow}', only of {only}", "measure the flow itself")
    reader.end()
    return tuple(Profile(layers[flow], found) for flow in flows)


def profile_text(flows: Mapping[str, Mapping[str, LayerTimes]], starts: Iterable[StartTimes]) -> str:
    """Return a profile as JSON. What is unknown is left out.

    Args:
        flows: The times of layers, by flow and layer.
        starts: How long jobs took to start.

    Example:
        >>> json.loads(profile_text({"Report": {"Load": LayerTimes(2.0)}}, ()))
        {'version': 2, 'flows': {'Report': {'Load': {'seconds': 2.0}}}, 'starts': []}
    """
    layers = {flow: {name: _layer_fields(times) for name, times in found.items()} for flow, found in flows.items()}
    listed = [
        _without_none(
            {"target": start.target, "image": start.image, "jobs": start.jobs},
            _seconds_fields(start.seconds, start.spread),
            {"billed": start.billed},
        )
        for start in starts
    ]
    return json.dumps({"version": VERSION, "flows": layers, "starts": listed}, indent=2)


def _layer_fields(times: LayerTimes) -> dict[str, Any]:
    own = _without_none(_seconds_fields(times.seconds, times.spread), {"executions": times.executions})
    if times.split_seconds is None:
        return own
    return {
        **own,
        "splits": _without_none({"count": times.splits}, _seconds_fields(times.split_seconds, times.split_spread)),
    }


def _seconds_fields(seconds: float, spread: Spread | None) -> dict[str, Any]:
    return {"seconds": seconds, "p10": spread and spread.low, "p90": spread and spread.high}


def _without_none(*fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for some in fields for name, value in some.items() if value is not None}


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_Object)
    except OSError as error:
        what, fix = f"the profile cannot be read: {error.strerror}", "name an existing file"
    except (ValueError, RecursionError) as error:
        what, fix = f"the profile is not valid JSON: {error}", _FORM
    raise CompileError([Problem(Location(str(path)), LAM030, what, fix)])


class _Object(dict[str, Any]):
    """A JSON object, with all of its values also where it has several of one name: a plain one keeps the last."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


class _Reader:
    """Reads the parts of a profile, and collects what is wrong with them."""

    def __init__(self, path: Path) -> None:
        self._location = Location(str(path))
        self._problems: list[Problem] = []

    def add(self, what: str, fix: str) -> None:
        self._problems.append(Problem(self._location, LAM030, what, fix))

    def end(self) -> None:
        if self._problems:
            raise CompileError(self._problems)

    def check_duplicates(self, document: Any) -> None:
        """Add a problem for each name that an object of the document has more than once."""
        left: list[tuple[str, Any]] = [("", document)]
        while left:
            place, value = left.pop()
            inner: Iterable[tuple[Any, Any]] = ()
            if isinstance(value, _Object):
                for name, count in collections.Counter(name for name, _ in value.pairs).items():
                    if count > 1:
                        within = f" in {place}" if place else ""
                        self.add(f"the profile has the name {name!r} more than once{within}", "keep one of them")
                inner = value.pairs
            elif isinstance(value, list):
                inner = enumerate(value, 1)
            left += reversed([(f"{place}.{name}" if place else str(name), each) for name, each in inner])

    def parts(self, document: Any) -> tuple[dict[str, Any], Any]:
        """Return the flows and the starts. If there are none to read on with, that is the only problem."""
        version = document.get("version") if isinstance(document, dict) else None
        # A flow may have any name: one without a version may have a flow of this name.
        versioned = version is not None and not isinstance(version, dict)
        if versioned and (type(version) is not int or version != VERSION):
            newer = type(version) is int and version > VERSION
            fix = "use the release that wrote it, or measure again" if newer else "measure again"
            self.add(f"the profile has version {version!r}: this release reads version {VERSION}", fix)
            self.end()
        flows = document.get("flows", {}) if versioned else document
        if not isinstance(flows, dict) or not all(isinstance(layers, dict) for layers in flows.values()):
            self.add("the profile is not a JSON object of objects", _FORM)
            self.end()
        if versioned:
            self._check_names("the profile", document, ("version", "flows", "starts"))
        return flows, document.get("starts", []) if versioned else []

    def layers(self, flow: str, found: Mapping[str, Any]) -> dict[str, LayerTimes]:
        return {name: self._layer(f"layer '{name}' of flow '{flow}'", value) for name, value in found.items()}

    def _layer(self, of: str, value: Any) -> LayerTimes:
        if not isinstance(value, dict):
            return LayerTimes(self._seconds(of, value))
        self._check_names(of, value, ("seconds", "p10", "p90", "executions", "splits"))
        times = LayerTimes(self._seconds_in(of, value), self._spread(of, value), self._count(of, value, "executions"))
        if "splits" not in value:
            return times
        of, splits = f"the splits of {of}", value["splits"]
        if not isinstance(splits, dict):
            splits = {"seconds": splits}
        self._check_names(of, splits, ("count", "seconds", "p10", "p90"))
        return LayerTimes(
            times.seconds,
            times.spread,
            times.executions,
            self._seconds_in(of, splits),
            self._spread(of, splits),
            self._count(of, splits, "count"),
        )

    def starts(self, found: Any) -> list[StartTimes]:
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            self.add(
                "the starts of the profile are not a list of objects", 'give [{"target": "FARGATE", "seconds": 40}]'
            )
            return []
        starts = [self._start(f"start {number}", value) for number, value in enumerate(found, 1)]
        seen: set[tuple[str, str | None]] = set()
        for start in starts:
            key = (start.target, start.image)
            if key in seen and start.target in TARGETS:
                image = f" and image {start.image}" if start.image else ""
                self.add(f"the profile has the starts of target {start.target}{image} twice", "remove one of them")
            seen.add(key)
        return starts

    def _start(self, of: str, value: Mapping[str, Any]) -> StartTimes:
        self._check_names(of, value, ("target", "image", "jobs", "seconds", "p10", "p90", "billed"))
        target, image = value.get("target"), value.get("image")
        if target not in TARGETS:
            self.add(f"the target of {of} is {target!r}", f"give {', '.join(TARGETS[:-1])} or {TARGETS[-1]}")
        if image is not None and (not isinstance(image, str) or not image):
            self.add(f"the image of {of} is {image!r}", "give the name of an image, or none")
        seconds = self._seconds_in(of, value)
        billed = self._seconds(of, value["billed"], "billed seconds") if "billed" in value else None
        if billed is not None and billed > seconds:
            self.add(f"the billed seconds of {of} are {billed:g} of {seconds:g}", "give no more than its seconds")
        return StartTimes(
            str(target),
            seconds,
            image_name(image) if isinstance(image, str) else None,
            self._spread(of, value),
            self._count(of, value, "jobs"),
            billed,
        )

    def _seconds_in(self, of: str, value: Mapping[str, Any]) -> float:
        if "seconds" in value:
            return self._seconds(of, value["seconds"])
        self.add(f"the seconds of {of} are missing", 'give "seconds"')
        return 0.0

    def _spread(self, of: str, value: Mapping[str, Any]) -> Spread | None:
        given = [name for name in ("p10", "p90") if name in value]
        if not given:
            return None
        if len(given) == 1:
            self.add(f"the field '{given[0]}' of {of} stands alone", "give both p10 and p90, or none")
            return None
        low, high = (self._seconds(of, value[name], name) for name in given)
        if low > high:
            self.add(f"the p10 of {of} is {low:g}, and the p90 {high:g}", "give a p10 that is not above the p90")
        return Spread(low, high)

    def _seconds(self, of: str, value: Any, name: str = "seconds") -> float:
        if _is_duration(value):
            return float(value)
        self.add(f"the {name} of {of} {'are' if name.endswith('seconds') else 'is'} {value!r}", _NUMBER)
        return 0.0

    def _count(self, of: str, value: Mapping[str, Any], name: str) -> int | None:
        number = value.get(name)
        if name not in value or (type(number) is int and 0 <= number <= _MOST_COUNTED):
            return number
        self.add(f"the field '{name}' of {of} is {number!r}", _COUNT)
        return None

    def _check_names(self, of: str, value: Mapping[str, Any], names: tuple[str, ...]) -> None:
        unknown = sorted(set(value) - set(names))
        if unknown:
            self.add(f"the fields of {of} have unknown names: {', '.join(unknown)}", f"give only {', '.join(names)}")


def _is_duration(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= _MOST_SECONDS
