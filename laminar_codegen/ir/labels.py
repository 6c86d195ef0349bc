"""The names of what is emitted, for people and for Terraform: readable, and the same at every compile.

A label of Terraform's says what a resource is, and follows from that alone: a change of one layer renames nothing that
others use, and takes nothing away from executions that run while it is applied.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.graph import Container, Graph, LayerNode
from laminar_codegen.ir.placement import USUAL, BatchTarget, LambdaTarget, Placement
from laminar_codegen.limits import FUNCTION_NAME_LENGTH, NAME_LENGTH, STATE_NAME_LENGTH

__all__ = [
    "FUNCTIONS",
    "JOBS",
    "LONGEST_PART",
    "MADE_FIRST",
    "MAIN",
    "STOP_JOBS",
    "TASKS",
    "definition",
    "flow",
    "image",
    "is_given",
    "job_definitions",
    "job_queue",
    "jobs_of_execution",
    "log_group",
    "machine",
    "main",
    "nested",
    "of_deployment",
    "of_role",
    "parallel",
    "planner_functions",
    "prefix",
    "role",
    "role_prefix",
    "task_functions",
]

#: The name of the machine that a deployment is: of its flow, or of all its flows, one after the other.
MAIN = "flow"

#: What is made before all else: CloudWatch Logs refuses a name that is taken, where Amazon SQS, CloudWatch's alarms and
#: AWS Batch take what is there for what is to be made.
MADE_FIRST = "aws_cloudwatch_log_group.state_machine"

#: The label of the log group of all jobs.
TASKS = "tasks"

#: The label of the machine that ends the jobs of executions, and of what starts it.
STOP_JOBS = "stop_jobs"

#: What the labels of job definitions begin with.
JOBS = _FARGATE, _EC2 = "fargate", "ec2"

#: Hexadecimal digits that name an execution in the names of its jobs.
_DIGITS = 16

#: What the labels of functions begin with: those that run layers, and planners.
FUNCTIONS = _RUN, _PLANNER = "run_", "planner"

#: Characters of the label of a function, which is behind the longest name of a deployment in the function's.
_LABEL = FUNCTION_NAME_LENGTH - NAME_LENGTH - 1
#: The longest name of the machine of a nested step, behind what its flow's begin with: a flow has no 1,000 of them.
LONGEST_PART = "part_999"

Item = TypeVar("Item", Container, Placement)
#: What of an image a label follows from.
Image = Callable[[str], str]


def job_queue(layer: LayerNode) -> Ref:
    """The job queue that a layer's jobs are submitted to.

    Args:
        layer: A layer on AWS Batch.
    """
    queue = layer.placement.queue
    if queue is None:
        raise ValueError(f"layer '{layer.name}' runs on AWS Lambda, which has no queues")
    return Ref(f"var.{queue.variable}")


def jobs_of_execution(execution: str, redrives: str) -> str:
    """What gives the beginning of the names of jobs that are to be found by the execution that they are of.

    AWS Batch lists jobs by the beginnings of their names, whatever their letters' case. A name has 128 characters:
    beside those of a flow and a layer there is room for these.
    https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html

    Args:
        execution: What gives the execution's ARN, in JSONata.
        redrives: What gives how often it had been redriven: jobs that are submitted then are other ones.
    """
    return f"$substring($hash({execution} & ' ' & $string({redrives}), 'SHA-256'), 0, {_DIGITS}) & '-'"


def job_definitions(graph: Graph) -> dict[Placement, str]:
    """The label of the job definition of each placement on AWS Batch.

    It names the platform and the kind of capacity, and, of a container that is unusual in other ways, a digest of them.
    Of sizes it says nothing: jobs have their own.

    Args:
        graph: The graph.
    """
    on_batch = [item for item in graph.placements if isinstance(item.target, BatchTarget)]
    return _labels(graph, on_batch, _job, _rest_of_job)


def task_functions(graph: Graph) -> dict[str, str]:
    """The label of the function of each layer on AWS Lambda, by the layer's name.

    An invocation has the size of its function, so that each layer has a function of its own: another size is a change
    in place, which takes nothing away from executions that run.

    Args:
        graph: The graph.
    """
    layers = [layer.name for layer in graph.layers if isinstance(layer.executor, LambdaTarget)]
    short = {layer: f"{_RUN}{prefix(layer).rstrip('_')}" for layer in layers}
    taken = Counter(short.values())
    return {
        layer: f"{graph.prefix}{label if taken[label] == 1 and len(label) <= _LABEL else _shortened(label, layer)}"
        for layer, label in short.items()
    }


def _shortened(label: str, layer: str) -> str:
    """The beginning of a label with a digest behind it."""
    end = f"_{_digest(layer)}"
    return f"{label[: _LABEL - len(end)]}{end}"


def planner_functions(graph: Graph) -> dict[Container, str]:
    """The label of the planner's function for each container of a planned layer: one for each image and command.

    Args:
        graph: The graph.
    """
    asking = [layer.container for layer in graph.with_planner]
    return _labels(graph, asking, lambda _: _PLANNER, _rest_of_planner)


def image(container: Container) -> Value:
    """The image of a container: its own, or the deployment's.

    Args:
        container: The container.
    """
    return Ref("var.image") if container.image is None else container.image


def role(label: str) -> Ref:
    """The ARN of a role: the one that a variable gives, or the one that the document makes.

    Args:
        label: The role's label.
    """
    return Ref(f"local.{label}_role_arn")


def is_given(label: str) -> Ref:
    """Whether a role is given, known when Terraform plans.

    Args:
        label: The role's label.
    """
    return Ref(f'contains(keys(local.given_role_arns), "{label}")')


def role_prefix() -> Ref:
    """What the names of roles begin with. IAM has no regions: one flow in two would have two roles of one name."""
    return Ref('var.region_in_role_names ? "${var.name}-${local.region}" : var.name')


def of_role(label: str) -> Joined:
    """The name of a role.

    Args:
        label: What it is.
    """
    return Joined(Ref("local.role_prefix"), f"-{label}")


def _labels(
    graph: Graph,
    items: Iterable[Item],
    base: Callable[[Item], str],
    rest: Callable[[Item, Image], tuple[object, ...]],
) -> dict[Item, str]:
    """Labels that begin with what `base` gives, and end with a digest of `rest` unless that is the usual one.

    Another version of an image is a change in place, which takes nothing away from executions that run: only of two
    versions in one flow each has a label of its own.
    """

    def label(item: Item, image: Image) -> str:
        own = rest(item, image)
        return f"{graph.prefix}{base(item)}{'' if own == _rest(USUAL, image) else f'_{_digest(own)}'}"

    versionless = {item: label(item, _repository) for item in dict.fromkeys(items)}
    taken = Counter(versionless.values())
    return {item: known if taken[known] == 1 else label(item, _whole) for item, known in versionless.items()}


def parallel(layers: Sequence[str]) -> str:
    """The name of the state that runs branches beside each other: the layers in it, or how many more there are.

    Args:
        layers: The layers in its branches.

    Example:
        >>> parallel(["Clean", "Train"])
        'Clean | Train'
    """
    text = " | ".join(layers)
    if len(text) <= STATE_NAME_LENGTH:
        return text
    # The digest tells apart states that begin with the same layers.
    end = f"... ({len(layers)} layers, {_digest(tuple(layers))})"
    shown = list(layers[:STATE_NAME_LENGTH])
    while len(" | ".join([*shown, end])) > STATE_NAME_LENGTH:
        shown.pop()
    return " | ".join([*shown, end])


def main(graph: Graph) -> str:
    """The name of the machine of a flow.

    Args:
        graph: The flow's graph.
    """
    return f"{graph.prefix}{MAIN}"


def flow(graph: Graph) -> Ref:
    """The local value that is the name of a flow.

    Args:
        graph: The flow's graph.
    """
    return Ref(f"local.{main(graph)}")


def prefix(name: str) -> str:
    """What the labels of a flow's resources begin with where there are other flows.

    Args:
        name: The flow's name.

    Example:
        >>> prefix("NightlyReport")
        'nightly_report_'
    """
    return "".join(f"_{part}" if part.isupper() else part for part in name).lower().strip("_") + "_"


def of_deployment(label: str) -> Joined:
    """The name of what is made for a deployment: the deployment's, and behind it what it is.

    Args:
        label: What it is.
    """
    return Joined(Ref("var.name"), f"-{label}")


def log_group(label: str) -> Joined:
    """The name of a log group, such as its service would give it.

    Args:
        label: Its label: ``state_machine``, `TASKS`, or that of a function.
    """
    # The prefix keeps the resource policy of CloudWatch Logs short:
    # https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
    folders = {"state_machine": "/aws/vendedlogs/states/", TASKS: "/aws/batch/"}
    if label in folders:
        return Joined(folders[label], Ref("var.name"))
    return Joined("/aws/lambda/", of_deployment(label))


def machine(name: str) -> Ref | Joined:
    """The name of a state machine in its account: the deployment's, with that of the step behind it if it is nested.

    Args:
        name: Its name among those of the flow.
    """
    return Ref("var.name") if name == MAIN else of_deployment(name.replace("_", "-"))


def definition(name: str) -> Ref:
    """The local value that the definition of a state machine is.

    Args:
        name: Its name among those of the flow.
    """
    return Ref("local.definition" if name == MAIN else f"local.definition_{name}")


def nested(name: str) -> str:
    """The name of the state that runs a nested step.

    Args:
        name: The name of its machine.

    Example:
        >>> nested("part_1")
        'Part 1'
    """
    return name.replace("_", " ").capitalize()


def _job(item: Placement) -> str:
    container = item.container
    parts = [_EC2 if item.on_ec2 else _FARGATE]
    parts += [f"gpu_{container.gpu}"] if container.gpu else []
    parts += [container.architecture] if container.architecture != "x86_64" else []
    parts += ["spot"] if container.spot else []
    return "_".join(parts)


def _whole(image: str) -> str:
    return image


def _repository(image: str) -> str:
    """An image without its version, the tag or the digest behind its repository.

    Example:
        >>> _repository("registry.example:5000/team/flow:1"), _repository("team/flow@sha256:ab")
        ('registry.example:5000/team/flow', 'team/flow')
    """
    named = image.partition("@")[0]
    repository, _, tag = named.rpartition(":")
    return repository if repository and "/" not in tag else named


def _rest(container: Container, image: Image) -> tuple[object, ...]:
    return (container.command, None if container.image is None else image(container.image), container.workdir)


def _rest_of_job(item: Placement, image: Image) -> tuple[object, ...]:
    container = item.container
    return _rest(container, image) + _said(
        secrets=container.secrets,
        ephemeral_storage=container.ephemeral_storage,
        log_driver="" if container.log_driver == "awslogs" else container.log_driver,
        log_options=container.log_options,
        timeout=item.target.timeout,
    )


def _rest_of_planner(container: Container, image: Image) -> tuple[object, ...]:
    return _rest(container, image) + _said(
        architecture="" if container.architecture == "x86_64" else container.architecture
    )


def _said(**options: object) -> tuple[object, ...]:
    """Options that say something, so that the digest of those that do not stays as it was before there were any."""
    return tuple((name, value) for name, value in options.items() if value)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:8]
