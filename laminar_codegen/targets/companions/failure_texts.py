"""JSONata expressions about a job that AWS Batch ended: what kind of failure it is, in words, and of which split.

They say in a state machine what `laminar_runtime.failures.jobs` says in Python, by the same tables.
"""

from __future__ import annotations

from collections.abc import Iterable

from laminar_runtime import task_environment
from laminar_runtime.failures.jobs import BEGINNINGS, DENIED

__all__ = ["failure_of_job", "log_of_job"]

#: The most characters of a reason.
_LONGEST = 1000


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _begin(names: Iterable[str], beginnings: Iterable[str]) -> str:
    """Return the expression for whether one of some texts has one of some beginnings."""
    tests = (f"$substring({name}, 0, {len(text)}) = {_quote(text)}" for name in names for text in beginnings)
    return " or ".join(tests)


def _kind() -> str:
    """Return the expression for the kind of a failure, of the texts ``$said`` and ``$status``, and of ``$code``."""
    denied = " or ".join(f"$contains($said & ' ' & $status, {_quote(text)})" for text in DENIED)
    kinds = [(f"$not($exists($code)) and ({denied})", "permission denied")]
    kinds += [(_begin(("$said", "$status"), beginnings), kind) for kind, beginnings in BEGINNINGS]
    kinds.append(("$exists($code)", "exited"))
    return "".join(f"{condition} ? {_quote(kind)} : " for condition, kind in kinds) + "'not started'"


def _variable(name: str) -> str:
    return f"$environment[Name = {_quote(name)}].Value"


def _index() -> str:
    """Return the expression for the split of a child: the text of the variable ``0-3,7`` has the splits in order.

    A text that is too long for a variable is in the datastore, and children that claim splits have any.
    """
    runs = (
        "$reduce($split($indexes, ','), function($all, $run) {($ends := $split($run, '-'); "
        "$append($all, [$number($ends[0])..$number($ends[-1])]))}, [])"
    )
    claims = f"$exists({_variable(task_environment.LAYER_CLAIMS)})"
    known = f"$exists($indexes) and $not({claims}) and $contains($indexes, /^[0-9,-]+$/)"
    return f"{known} ? ([{runs}])[$child]"


#: Where the output of a job is, of ``$container``.
_LOG = {
    "log_group": "$lookup($container.LogConfiguration.Options, 'awslogs-group')",
    "log_stream": "$container.LogStreamName",
}


def log_of_job(job: str) -> str:
    """Return the expression of an object that says where the output of a job is, without what is unknown.

    Args:
        job: The expression for the description of the job.
    """
    written = ", ".join(f"'{name}': {value}" for name, value in _LOG.items())
    return f"($container := {job}.Container; {{{written}}})"


def failure_of_job(job: str) -> str:
    """Return the expression of an object that says why a job failed, without what is unknown.

    Args:
        job: The expression for the description of the job.

    Example:
        >>> failure_of_job("$states.result.Jobs[0]")[:40]
        '($job := $states.result.Jobs[0]; $contai'
    """
    splits = _variable(task_environment.LAYER_SPLITS)
    members = {
        "job": "$job.JobId",
        "flow": _variable(task_environment.FLOW_NAME),
        "layer": _variable(task_environment.LAYER_NAME),
        "index": f"({_index()})",
        "splits": f"($exists({splits}) ? $number({splits}))",
        "kind": "$kind",
        "reason": f"$substring($kind & ': ' & ($said != '' ? $said : $status) & $exited, 0, {_LONGEST})",
        **_LOG,
    }
    written = ", ".join(f"'{name}': {value}" for name, value in members.items())
    return (
        f"($job := {job}; $container := $job.Container; $environment := $container.Environment; "
        "$said := $exists($container.Reason) ? $container.Reason : ''; "
        "$status := $exists($job.StatusReason) ? $job.StatusReason : ''; $code := $container.ExitCode; "
        "$exited := $exists($code) ? ' (exit code ' & $code & ')' : ''; "
        f"$indexes := {_variable(task_environment.LAYER_INDEXES)}; "
        "$child := $exists($job.ArrayProperties.Index) ? $job.ArrayProperties.Index : 0; "
        f"$kind := {_kind()}; {{{written}}})"
    )
