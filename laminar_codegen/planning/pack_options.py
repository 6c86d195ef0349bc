"""The ways to run a part of a flow in jobs: each is as fast, or as cheap, as no other one.

A part is cut into groups: connected layers of one kind. A group is a job of any size, or chains of layers are jobs.
Groups that do not depend on each other may share jobs, too: beside each other in a larger one, or one after the other
as long as others take.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import attrs

from laminar_codegen.ir.structs import Struct
from laminar_codegen.planning.pack_schedule import Capacity, schedule
from laminar_codegen.planning.pack_work import Work, chains
from laminar_codegen.planning.partial_order import components, earliest_finish, restrict

__all__ = ["Job", "Option", "Options", "best_options"]

#: How much longer jobs may take than the longest group if they run groups one after the other.
_FILLS = (1.0, 1.25, 1.5, 2.0, 3.0)
#: The most characters of the names of the layers of a job: the variables of a job have 8,192 in all.
_NAMES_LENGTH = 5_000


@attrs.frozen(eq=False, repr=False)
class Job(Struct):
    """A job that runs units.

    Args:
        members: The units, in the order in which they start.
        size: Its size.
        seconds: The seconds of its units.
    """

    members: tuple[int, ...]
    size: Capacity
    seconds: float


@attrs.frozen(eq=False, repr=False)
class Option(Struct):
    """A way to run a part.

    Args:
        seconds: Its seconds, with the start-ups of its jobs.
        dollars: What its jobs bill.
        jobs: Its jobs.
    """

    seconds: float
    dollars: float
    jobs: tuple[Job, ...] = ()

    def __add__(self, other: Option) -> Option:
        return Option(self.seconds + other.seconds, self.dollars + other.dollars, (*self.jobs, *other.jobs))


def best_options(options: Iterable[Option]) -> list[Option]:
    """Return the options of which no other one is both as fast and as cheap, from the fastest to the cheapest.

    Args:
        options: The options.

    Example:
        >>> [(each.seconds, each.dollars) for each in best_options([Option(2, 5), Option(1, 9), Option(3, 5)])]
        [(1, 9), (2, 5)]
    """
    found: list[Option] = []
    for option in sorted(options, key=lambda option: (option.seconds, option.dollars, len(option.jobs))):
        if not found or option.dollars < found[-1].dollars * 0.999:
            found.append(option)
    return found


@attrs.frozen(eq=False, repr=False)
class Options:
    """Finds the options of parts.

    Args:
        work: The units of the flow.
        known: The jobs that were made, by their units.
        limited: Those with a limit of their virtual CPUs, by their units and this limit.
    """

    work: Work
    known: dict[tuple[int, ...], tuple[Job, ...]] = attrs.field(factory=dict)
    limited: dict[tuple[tuple[int, ...], float], Job] = attrs.field(factory=dict)

    def of(self, members: Sequence[int]) -> list[Option]:
        """Return the best options of a part.

        Args:
            members: Its units, sorted.
        """
        groups = self._groups(members)
        apart = len({self.work.kinds[member] for member in members}) == 1
        found = [*self._options_by_size(groups, apart=apart), self.chains(members)]
        return best_options([*found, *self._options_of_shares(groups)] if apart and len(groups) > 1 else found)

    def alone(self, members: Sequence[int]) -> Option:
        """Return the option that has a job for each unit.

        Args:
            members: The units, sorted.
        """
        return self._option([self._jobs((member,))[0] for member in members])

    def chains(self, members: Sequence[int]) -> Option:
        """Return the option that has a job for each chain.

        Args:
            members: The units, sorted.
        """
        return self._option([self._jobs(chain)[0] for chain in chains(self.work, members)])

    def _jobs(self, members: tuple[int, ...]) -> tuple[Job, ...]:
        """Return the jobs of different sizes that may run units, from the smallest: each larger one is faster."""
        known = self.known.get(members)
        if known is None:
            known = self.known[members] = tuple(self._make_jobs(members))
        return known

    def _make_jobs(self, members: tuple[int, ...], most: float = math.inf) -> Iterator[Job]:
        """Yield the jobs of up to so many virtual CPUs, and at least the smallest one."""
        work = self.work
        place = {member: index for index, member in enumerate(members)}
        after = [[place[above] for above in work.after[member] if above in place] for member in members]
        seconds = [work.seconds[member] for member in members]
        needs = [work.needs[member] for member in members]
        if len(members) == 1:
            yield Job(members, work.alone[members[0]], seconds[0])
            return
        longest = max(earliest_finish(after, seconds))
        smallest, *larger = work.sizes(members)
        for size in (smallest, *(size for size in larger if size.cpu <= most)):
            takes = schedule(after, seconds, needs, size)
            yield Job(members, size, takes)
            if takes <= longest * 1.001:
                return

    def _groups(self, members: Sequence[int]) -> list[tuple[int, ...]]:
        """Return the connected units of one kind, cut where units of another kind are between them."""
        work = self.work
        after = restrict(work.after, tuple(members))
        kinds = [work.kinds[member] for member in members]
        levels: list[int] = []
        for above, kind in zip(after, kinds, strict=True):
            levels.append(max((levels[each] + (kinds[each] != kind) for each in above), default=0))
        connected = [
            [each for each in above if kinds[each] == kind and levels[each] == level]
            for above, kind, level in zip(after, kinds, levels, strict=True)
        ]
        groups = (work.in_order(members[each] for each in group) for group in components(connected))
        return [part for group in groups for part in self._short(group)]

    def _short(self, members: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Return a group, or its units one by one if their names are too long for the variables of a job."""
        length = sum(len(self.work.units[member].layers[0]) + 1 for member in members)
        return [members] if length <= _NAMES_LENGTH else [(member,) for member in members]

    def _options_by_size(self, groups: Sequence[tuple[int, ...]], *, apart: bool) -> Iterator[Option]:
        """Yield the options with a job for each group: as fast as can be with so many processors, or no sooner."""
        if apart:
            yield from (self._beside(self._in_time(groups, latest)) for latest in self._ends(groups))
        else:
            for limit in self._limits(groups):
                yield self._option([self._fastest(group, limit) for group in groups])

    def _limits(self, groups: Sequence[tuple[int, ...]]) -> list[float]:
        """Return the virtual CPUs that jobs for groups may have."""
        return sorted({job.size.cpu for group in groups for job in self._jobs(group)})

    def _ends(self, groups: Sequence[tuple[int, ...]]) -> list[float]:
        """Return when the last of groups beside each other may end: as soon as can be with some processors."""
        found = (max(self._fastest(group, limit).seconds for group in groups) for limit in self._limits(groups))
        return list(dict.fromkeys(found))

    def _in_time(self, groups: Sequence[tuple[int, ...]], latest: float) -> list[Job]:
        """Return the cheapest job for each group that ends by a time."""
        return [self._cheapest(group, latest) for group in groups]

    def _fastest(self, group: tuple[int, ...], limit: float) -> Job:
        jobs = [job for job in self._jobs(group) if job.size.cpu <= limit] or self._jobs(group)[:1]
        return min(jobs, key=lambda job: (job.seconds, job.size.cpu))

    def _cheapest(self, group: tuple[int, ...], latest: float) -> Job:
        jobs = [job for job in self._jobs(group) if job.seconds <= latest] or self._jobs(group)[-1:]
        return min(jobs, key=lambda job: (self._dollars(job), job.seconds))

    def _options_of_shares(self, groups: Sequence[tuple[int, ...]]) -> Iterator[Option]:
        """Yield the options in which groups of one kind that do not depend on each other share jobs."""
        together = self._short(self.work.in_order(member for group in groups for member in group))
        if len(together) == 1:
            yield from (self._beside([job]) for job in self._jobs(together[0]))
        costs = self.work.costs[groups[0][0]]
        least = costs.minimum - costs.billed_start_up
        for latest in self._ends(groups):
            jobs = self._in_time(groups, latest)
            for fill in _FILLS:
                yield self._beside(self._fill(jobs, fill * max(latest, least)))

    def _fill(self, jobs: Iterable[Job], limit: float) -> list[Job]:
        """Return jobs that run those of given ones one after the other, up to a limit of seconds."""
        filled: list[tuple[Capacity, list[int]]] = []
        # The seconds of the filled jobs of each size, and their places.
        taken: dict[tuple[float, int], tuple[list[float], list[int]]] = {}
        for job in sorted(jobs, key=lambda job: (-job.size.cpu, -job.seconds)):
            totals, places = taken.setdefault((job.size.cpu, job.size.memory), ([], []))
            rank = next((rank for rank, total in enumerate(totals) if total + job.seconds <= limit), None)
            if rank is None:
                totals.append(job.seconds)
                places.append(len(filled))
                filled.append((job.size, [*job.members]))
            else:
                totals[rank] += job.seconds
                filled[places[rank]][1].extend(job.members)
        return [self._nearest(self.work.in_order(members), size) for size, members in filled]

    def _nearest(self, members: tuple[int, ...], size: Capacity) -> Job:
        """Return a job of a size, or of the nearest one below it that is needed."""
        # To schedule a job takes long: larger ones that nobody asked for are not.
        key = (members, size.cpu)
        found = self.limited.get(key)
        if found is None:
            jobs = self.known.get(members) or tuple(self._make_jobs(members, size.cpu))
            found = next((job for job in reversed(jobs) if job.size.cpu <= size.cpu), jobs[0])
            self.limited[key] = found
        return found

    def _beside(self, jobs: Sequence[Job]) -> Option:
        """Return the option that has some jobs, which do not depend on each other."""
        latest = max(self.work.start_up[job.members[0]] + job.seconds for job in jobs)
        return Option(latest, self._bill(jobs), tuple(jobs))

    def _option(self, jobs: Sequence[Job]) -> Option:
        """Return the option that has some jobs: its seconds are those of the longest path through them."""
        return Option(_path(self.work, jobs), self._bill(jobs), tuple(jobs))

    def _bill(self, jobs: Iterable[Job]) -> float:
        on_batch = (job for job in jobs if self.work.platforms[job.members[0]] is not None)
        return math.fsum(self._dollars(job) for job in on_batch)

    def _dollars(self, job: Job) -> float:
        return self.work.costs[job.members[0]].bill(job.size, job.seconds)


def _path(work: Work, jobs: Sequence[Job]) -> float:
    """Return the seconds of the longest path through jobs, with their start-ups."""
    job_of = {member: number for number, job in enumerate(jobs) for member in job.members}
    followers: list[list[int]] = [[] for _ in jobs]
    left = [0] * len(jobs)
    for number, job in enumerate(jobs):
        above = {job_of[each] for member in job.members for each in work.after[member] if each in job_of}
        above.discard(number)
        left[number] = len(above)
        for each in above:
            followers[each].append(number)
    begins = [0.0] * len(jobs)
    ready = [number for number, count in enumerate(left) if not count]
    longest = 0.0
    while ready:
        number = ready.pop()
        job = jobs[number]
        end = begins[number] + work.start_up[job.members[0]] + job.seconds
        longest = max(longest, end)
        for follower in followers[number]:
            begins[follower] = max(begins[follower], end)
            left[follower] -= 1
            if not left[follower]:
                ready.append(follower)
    if any(left):
        raise ValueError("jobs wait for each other")
    return longest
