"""The names of resources, for people and for Terraform: readable, and the same at every compile.

The label of a resource describes the resource, and follows from that alone: a change of one layer renames no resource
that other layers use, and removes none that running executions use.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from laminar_codegen.ir.expressions import Joined, Ref
from laminar_codegen.ir.graph import Container, Graph
from laminar_codegen.ir.placement import USUAL, Placement

__all__ = [
    "EXECUTION_DIGITS",
    "FUNCTIONS",
    "LONGEST_PART",
    "MACHINE_IN_TURN",
    "MACHINE_OF_TURNS",
    "MADE_FIRST",
    "MAIN",
    "PLANNER",
    "RUN",
    "TASKS",
    "definition",
    "digest",
    "flow",
    "identity",
    "image",
    "is_given",
    "labels_of",
    "log_group",
    "machine",
    "main",
    "of_deployment",
    "of_role",
    "planner_functions",
    "prefix",
    "role",
    "role_prefix",
    "set_options",
]

#: The name of the main machine of a deployment: that of its flow, or that of its chain of flows.
MAIN = "flow"

#: The resource that is made before all others: CloudWatch Logs refuses a name that is taken, while Amazon SQS, the
#: alarms of CloudWatch and AWS Batch accept the existing resource as the new one.
MADE_FIRST = "aws_cloudwatch_log_group.state_machine"

#: The label of the log group of all jobs.
TASKS = "tasks"

#: The prefixes of the labels of functions: those that run layers, and planners.
FUNCTIONS = RUN, PLANNER = "run_", "planner"

#: The machines of turns, and of the flow in its turn, where executions take turns.
MACHINE_OF_TURNS, MACHINE_IN_TURN = "part_turns", "part_run"

#: Hexadecimal digits that name an execution in the names of its jobs.
EXECUTION_DIGITS = 16

#: The longest name of a sub-machine, after the prefix of its flow: a flow has fewer than 1,000 of them.
LONGEST_PART = "part_999"

Item = TypeVar("Item", Container, Placement)
#: The part of an image's name that labels follow from.
Image = Callable[[str], str]


def planner_functions(graph: Graph) -> dict[Container, str]:
    """Return the label of the planner's function for each container of a planned layer.

    There is one for each image, command and environment. If planners are jobs, what pulls the image counts, too.

    Args:
        graph: The graph.
    """
    asking = [layer.container for layer in graph.with_planner]
    rest = _rest_of_planner if graph.planner.target is None else _rest_of_planner_job
    return labels_of(graph, asking, lambda _: PLANNER, rest)


def image(container: Container) -> str | Ref:
    """Return the image of a container: its own, or the deployment's.

    Args:
        container: The container.
    """
    return Ref("var.image") if container.image is None else container.image


def role(label: str) -> Ref:
    """Return the ARN of a role: from a variable, or of the role in the document.

    Args:
        label: The role's label.
    """
    return Ref(f"local.{label}_role_arn")


def is_given(label: str) -> Ref:
    """Return the expression for whether a role is given, which Terraform knows at plan time.

    Args:
        label: The role's label.
    """
    return Ref(f'contains(keys(local.given_role_arns), "{label}")')


def role_prefix() -> Ref:
    """Return the prefix of role names. IAM has no regions: one flow in two regions needs two names."""
    return Ref('var.region_in_role_names ? "${var.name}-${local.region}" : var.name')


def of_role(suffix: str | Ref) -> Joined:
    """Return the name of a role.

    Args:
        suffix: Its label, with hyphens.
    """
    return Joined(Ref("local.role_prefix"), "-", suffix)


def labels_of(
    graph: Graph,
    items: Iterable[Item],
    base: Callable[[Item], str],
    rest: Callable[[Item, Image], tuple[object, ...]],
) -> dict[Item, str]:
    """Return labels that begin with `base`, and end with a digest of `rest` unless that is the default.

    A new version of an image is a change in place, which removes nothing that running executions use. Only if one flow
    has two versions of an image each has a label of its own. Items that differ in what no label has, such as the size
    or the queue, are one version.

    Args:
        graph: The flow's graph, whose prefix all labels have.
        items: What needs a label. Equal items share one.
        base: Returns the beginning of the label of an item, after the prefix.
        rest: Returns what else distinguishes an item. It gets the item, and a function from an image to what labels
            know of it: its repository, or all of it if the flow has two versions.

    Returns:
        The label of each item.
    """

    def label(item: Item, image: Image) -> str:
        own = rest(item, image)
        return f"{graph.prefix}{base(item)}{'' if own == identity(USUAL, image) else f'_{digest(own)}'}"

    found = {item: (label(item, _repository), label(item, _whole)) for item in dict.fromkeys(items)}
    versions = Counter(versionless for versionless, _ in set(found.values()))
    return {item: known if versions[known] == 1 else whole for item, (known, whole) in found.items()}


def main(graph: Graph) -> str:
    """Return the name of the machine of a flow.

    Args:
        graph: The flow's graph.
    """
    return f"{graph.prefix}{MAIN}"


def flow(graph: Graph) -> Ref:
    """Return the local value that holds the name of a flow.

    Args:
        graph: The flow's graph.
    """
    return Ref(f"local.{main(graph)}")


def prefix(name: str) -> str:
    """Return the prefix of labels of a flow's resources, used where there are other flows.

    Args:
        name: The flow's name.

    Example:
        >>> prefix("NightlyReport")
        'nightly_report_'
    """
    return "".join(f"_{part}" if part.isupper() else part for part in name).lower().strip("_") + "_"


def of_deployment(suffix: str | Ref) -> Joined:
    """Return the name of a deployment's resource: the deployment's name, followed by the kind of resource.

    Args:
        suffix: The label of the resource, with hyphens.
    """
    return Joined(Ref("var.name"), "-", suffix)


def log_group(label: str) -> Joined:
    """Return the name of a log group, as its service would spell it.

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
    """Return the name of a state machine: the deployment's, followed by the step's if it is nested.

    Args:
        name: Its name among those of the flow.
    """
    return Ref("var.name") if name == MAIN else of_deployment(name.replace("_", "-"))


def definition(name: str) -> Ref:
    """Return the local value that holds the definition of a state machine.

    Args:
        name: Its name among those of the flow.
    """
    return Ref("local.definition" if name == MAIN else f"local.definition_{name}")


def _whole(image: str) -> str:
    return image


def _repository(image: str) -> str:
    """Return an image without its tag or digest.

    Example:
        >>> _repository("registry.example:5000/team/flow:1"), _repository("team/flow@sha256:ab")
        ('registry.example:5000/team/flow', 'team/flow')
    """
    named = image.partition("@")[0]
    repository, _, tag = named.rpartition(":")
    return repository if repository and "/" not in tag else named


def identity(container: Container, image: Image) -> tuple[object, ...]:
    """Return what identifies a container: command, image and working directory.

    Args:
        container: The container.
        image: Returns the part of an image's name to use.
    """
    named = image(container.image) if isinstance(container.image, str) else container.image
    return (container.command, named, container.workdir)


def _rest_of_planner(container: Container, image: Image) -> tuple[object, ...]:
    return identity(container, image) + set_options(
        architecture="" if container.architecture == "x86_64" else container.architecture,
        environment=container.environment,
    )


def _rest_of_planner_job(container: Container, image: Image) -> tuple[object, ...]:
    credentials = container.requested.get("registry_credentials")
    return _rest_of_planner(container, image) + set_options(registry_credentials=credentials)


def set_options(**options: object) -> tuple[object, ...]:
    """Drop unset options, so that adding an option does not change existing labels."""
    return tuple((name, value) for name, value in options.items() if value)


def digest(value: object) -> str:
    """Return eight hexadecimal digits for a JSON value, which may have references in it: these count by their names.

    Args:
        value: The value.

    Example:
        >>> digest([Ref("var.image")]) == digest(["var.image"])
        False
    """
    return hashlib.sha256(json.dumps(value, default=_by_name).encode()).hexdigest()[:8]


def _by_name(value: object) -> dict[str, str]:
    """Return a reference as JSON: whatever its value is in an environment, a label is the same."""
    if isinstance(value, Ref):
        return {"reference": value.expression}
    raise TypeError(f"a label has no digest of {value!r}")
