"""AWS Batch's scheduler: takes jobs, runs their commands as local processes, keeps their records.

`concurrency` threads take attempts from one queue, so that an array job of ten thousand children
costs ten thousand small records and not as many threads. All records change under one lock;
who waits for a job (not a child) is called back when it ends.
"""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from laminar_codegen.rehearsal.asl.real_time import RealClock
from laminar_codegen.rehearsal.aws.batch_attempts import AttemptEnd, AttemptRunner
from laminar_codegen.rehearsal.aws.batch_job import NOT_STARTED, STATES, TERMINAL, Job, State
from laminar_codegen.rehearsal.batch_requests import Dependency, JobRequest, RefusedError

CLEAR_SECONDS = 1.0
_CLOSED = "The embedded AWS ends"
_DEPENDENCY_FAILED = "Dependent Job failed"


class BatchJobs:
    """All jobs of one embedded AWS.

    Args:
        runner: Runs attempts.
        clock: The time, which is not skipped while a job may run.
        concurrency: How many run at a time.
    """

    def __init__(self, runner: AttemptRunner, clock: RealClock, *, concurrency: int) -> None:
        self._runner = runner
        self._clock = clock
        self._concurrency = concurrency
        self._lock = threading.RLock()
        self._ended = threading.Condition(self._lock)
        self._available = threading.Condition(self._lock)
        self._jobs: dict[str, Job] = {}
        self._ready: deque[Job] = deque()
        self._dependents: defaultdict[str, list[Job]] = defaultdict(list)
        self._workers: list[threading.Thread] = []
        self._idle = 0
        self._closing = False

    def submit(self, request: JobRequest) -> Job:
        """Take a job. Raises RefusedError."""
        with self._lock:
            job = Job(str(uuid.uuid4()), request, created=self._clock.milliseconds)
            children = self._make_children(job)
            blockers = {unit.id: self._blockers(unit) for unit in children or (job,)}
            self._jobs.update({unit.id: unit for unit in (job, *children)})
            job.children = children
            if children:
                job.child_states["SUBMITTED"] = len(children)
                job.enter("PENDING")
            for unit in children or (job,):
                self._admit(unit, blockers[unit.id])
            return job

    def find(self, job_ids: Iterable[str]) -> list[Job]:
        """Return the jobs with these ids (or ARNs), in this order; unknown ones are left out."""
        with self._lock:
            names = [job_id.rpartition(":job/")[2] for job_id in job_ids]
            return [self._jobs[name] for name in names if name in self._jobs]

    def all(self) -> list[Job]:
        """Return all jobs except children, in the order of their submission."""
        with self._lock:
            return [job for job in self._jobs.values() if job.parent is None]

    def call_at_end(self, job_id: str, callback: Callable[[], None]) -> None:
        """Call a function when a job has ended, at once if it has ended already."""
        with self._lock:
            job = self._jobs[job_id]
            if not job.ended:
                job.callbacks.append(callback)
                return
        callback()

    def terminate(self, job_id: str, reason: str) -> None:
        """End a job wherever it is, and an array job with all children."""
        with self._lock:
            for job in self.find([job_id]):
                job.termination = job.termination or (None if job.ended else reason)
            for job in self._units(job_id):
                self._terminate(job, reason)

    def cancel(self, job_id: str, reason: str) -> None:
        """End a job that has not started, and what has not started of an array job."""
        with self._lock:
            for job in self._units(job_id):
                if job.state in NOT_STARTED:
                    self._terminate(job, reason)

    def clear(self) -> None:
        """End all jobs and forget them."""
        with self._lock:
            jobs = list(self._jobs.values())
            for job in jobs:
                if not job.children:
                    self._terminate(job, _CLOSED)
            self._ended.wait_for(lambda: all(job.ended for job in jobs), CLEAR_SECONDS)
            for process in filter(None, (job.process for job in jobs)):
                process.kill()
            self._jobs.clear()

    def close(self) -> None:
        """End all jobs and all threads."""
        with self._lock:
            self._closing = True
            self._available.notify_all()
        self.clear()
        for worker in self._workers:
            worker.join()

    def _make_children(self, job: Job) -> tuple[Job, ...]:
        size = job.request.array_size or 0
        return tuple(Job(f"{job.id}:{index}", job.request, index, job, created=job.created) for index in range(size))

    def _blockers(self, unit: Job) -> set[str]:
        blockers = set()
        for dependency in unit.request.dependencies:
            blocker = self._blocker(unit, dependency)
            if blocker is not None:
                blockers.add(blocker)
        return blockers

    def _blocker(self, unit: Job, dependency: Dependency) -> str | None:
        if dependency.kind == "SEQUENTIAL":
            if unit.parent is None or unit.index is None:
                raise RefusedError("A SEQUENTIAL dependency is for array jobs")
            return f"{unit.parent.id}:{unit.index - 1}" if unit.index else None
        job = self._jobs.get(dependency.job_id or "")
        if job is None:
            raise RefusedError(f"The job {dependency.job_id} to depend on does not exist")
        if dependency.kind != "N_TO_N":
            return job.id
        if unit.parent is None or len(job.children) != unit.request.array_size:
            raise RefusedError("An N_TO_N dependency is between array jobs of the same size")
        return f"{job.id}:{unit.index}"

    def _admit(self, unit: Job, blockers: set[str]) -> None:
        blocking = [self._jobs[blocker] for blocker in blockers]
        if any(blocker.state == "FAILED" for blocker in blocking):
            self._end(unit, "FAILED", _DEPENDENCY_FAILED)
            return
        unit.blockers = {blocker.id for blocker in blocking if not blocker.ended}
        for blocker in unit.blockers:
            self._dependents[blocker].append(unit)
        unit.enter("PENDING")
        if not unit.blockers:
            self._make_ready(unit)

    def _make_ready(self, unit: Job) -> None:
        unit.enter("RUNNABLE")
        self._clock.hold()
        self._ready.append(unit)
        if len(self._workers) < self._concurrency and self._idle < len(self._ready):
            name = f"batch-{len(self._workers)}"
            worker = threading.Thread(target=self._work, name=name, daemon=True)
            self._workers.append(worker)
            worker.start()
        self._available.notify()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            attempt = len(job.attempts) + 1
            end = self._runner.run(job, attempt, self._begin)
            with self._lock:
                end = end if job.termination is None else end.terminate(job.termination)
            self._runner.announce_end(job, attempt, end)
            with self._lock:
                self._finish(job, attempt, end)
            self._clock.release()

    def _next(self) -> Job | None:
        with self._lock:
            while not self._closing:
                while self._ready:
                    job = self._ready.popleft()
                    if not job.ended:
                        job.enter("STARTING")
                        return job
                    self._clock.release()
                self._idle += 1
                self._available.wait()
                self._idle -= 1
            return None

    def _begin(self, job: Job, started: int) -> None:
        """Note that the process of the attempt runs. The job may have been terminated while it was started."""
        with self._lock:
            job.enter("RUNNING")
            job.started = job.started or started
            if job.termination is not None and job.process is not None:
                job.process.stop()

    def _finish(self, job: Job, attempt: int, end: AttemptEnd) -> None:
        job.process = None
        job.attempts.append(end.attempt)
        if end.succeeded:
            self._end(job, "SUCCEEDED", end.attempt.status_reason)
        elif job.termination is not None:
            self._end(job, "FAILED", job.termination)
        elif end.is_final or not job.request.retry.retries(
            attempt, end.attempt.exit_code, end.attempt.reason, end.attempt.status_reason
        ):
            self._end(job, "FAILED", end.attempt.status_reason)
        else:
            self._make_ready(job)

    def _end(self, job: Job, state: State, reason: str) -> None:
        """End a job and what ends with it. Chains of jobs may be longer than Python's stack is deep."""
        ending = deque([(job, state, reason)])
        while ending:
            job, state, reason = ending.popleft()
            if not job.ended:
                job.status_reason = reason
                job.stopped = self._clock.milliseconds
                job.enter(state)
                ending.extend(self._consequences(job))

    def _consequences(self, job: Job) -> Iterator[tuple[Job, State, str]]:
        """Yield the jobs that end because a job has ended: those that depend on it, and the array job of a child."""
        for dependent in self._dependents.pop(job.id, ()):
            dependent.blockers.discard(job.id)
            if job.state == "FAILED":
                yield dependent, "FAILED", _failure_reason(dependent)
            elif not dependent.blockers and not dependent.ended:
                self._make_ready(dependent)
        if job.parent is None:
            self._ended.notify_all()
            for callback in job.callbacks:
                callback()
        elif all(job.parent.child_states[state] == 0 for state in STATES if state not in TERMINAL):
            yield (job.parent, *_end_of_array(job.parent))

    def _units(self, job_id: str) -> Sequence[Job]:
        found = self.find([job_id])
        return found[0].children or found if found else ()

    def _terminate(self, job: Job, reason: str) -> None:
        if job.ended:
            return
        job.termination = reason
        if job.state in NOT_STARTED:
            self._end(job, "FAILED", reason)
        elif job.process is not None:
            job.process.stop()


def _failure_reason(dependent: Job) -> str:
    return (dependent.parent and dependent.parent.termination) or _DEPENDENCY_FAILED


def _end_of_array(job: Job) -> tuple[State, str]:
    if job.termination is not None:
        return "FAILED", job.termination
    if job.child_states["FAILED"]:
        return "FAILED", "Array Child Job failed"
    return "SUCCEEDED", "Array Child Jobs succeeded"
