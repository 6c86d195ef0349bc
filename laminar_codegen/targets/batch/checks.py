"""The rules of layers on AWS Batch: sizes and options that Fargate and EC2 accept. One function for each rule."""

from __future__ import annotations

import json
from collections.abc import Iterator

from laminar_codegen.ir.expressions import Input, Ref
from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.limits import FARGATE_STORAGE, JOB_DEFINITION_BYTES, JOB_TIMEOUT
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import (
    LAM016,
    LAM023,
    LAM027,
    LAM031,
    LAM032,
    LAM033,
    LAM034,
    LAM035,
    LAM047,
    LAM059,
    LAM070,
    LAM071,
    LAM090,
    LAM092,
)
from laminar_codegen.targets.batch.further_properties import check_properties
from laminar_codegen.targets.batch.job_definitions import platform
from laminar_codegen.targets.batch.options import fargate_lacks, properties
from laminar_codegen.targets.batch.retry_checks import RETRY_RULES, some_of
from laminar_codegen.targets.batch.target import BatchTarget, layers_on_batch, layers_with_jobs, on_ec2, placement_of
from laminar_codegen.targets.batch.validations import check_defaults
from laminar_codegen.targets.tags import check_count
from laminar_runtime.configurations.containers import JOB_TAGS
from laminar_runtime.splits.job_container import EC2_MEMORY, ec2_size, fargate_size

__all__ = ["RULES"]

_ON_EC2 = 'register(executor=executors.AWS.Batch(platform="EC2"))'

#: The log drivers of Fargate, and the further ones of EC2, without awsfirelens, which needs a second container. https://docs.aws.amazon.com/batch/latest/APIReference/API_LogConfiguration.html
_FARGATE_DRIVERS = ("awslogs", "splunk")
_EC2_DRIVERS = ("fluentd", "gelf", "journald", "json-file", "logentries", "syslog")
#: The options of awslogs that the document gives.
_OURS = frozenset({"awslogs-create-group", "awslogs-group", "awslogs-region"})

#: The devices of a container that its processes share.
_SHARED = ("gpu", "accelerator", "efa")

#: The options of a container that have mount points, or may have some.
_MOUNTING = frozenset({"properties", "tmpfs", "volumes"})

#: Bytes of the rest of a job definition: names, ARNs, the longest datastore.
_REST_OF_DEFINITION = 4 * 1024


def check_fargate_sizes(graph: Graph) -> Iterator[Problem]:
    """Check that each container on Fargate fits one of its sizes."""
    for layer in _on_fargate(graph):
        container, times = placement_of(layer).container, layer.fan_out.splits_at_once
        if min(container.cpu, container.memory) <= 0 or fargate_size(container.cpu, container.memory) is None:
            size = f"{container.cpu:g} vCPU and {container.memory} MiB"
            more = f" for {times} splits at once" if times > 1 else ""
            what = f"layer '{layer.name}' requests {size}{more}; no Fargate size fits"
            positive = min(container.cpu, container.memory) > 0
            fix = "request at most 32 vCPU and 249856 MiB" if positive else "request more than 0 of both"
            yield Problem(layer.location, LAM023, what, fix)


def check_timeouts(graph: Graph) -> Iterator[Problem]:
    """Check that AWS Batch accepts the timeouts: the flow's, and those of layers."""
    least, most = JOB_TIMEOUT
    timeout = f"has a timeout of {{:.10g}} seconds; AWS Batch accepts {least} to {most}"
    fix = f"give its executor a timeout from {least} to {most} seconds"
    shared = not graph.layers
    for layer in graph.layers:
        own = layer.executor.timeout
        if not isinstance(layer.executor, BatchTarget):
            continue
        shared |= own is None
        if own is not None and not least <= own <= most:
            yield Problem(layer.location, LAM027, f"layer '{layer.name}' {timeout.format(own)}", fix)
    if shared and not least <= graph.timeout <= most:
        yield Problem(graph.location, LAM027, f"flow '{graph.flow}' {timeout.format(graph.timeout)}", fix)


def check_fargate_options(graph: Graph) -> Iterator[Problem]:
    """Check that layers on Fargate request no option that it lacks, such as GPUs."""
    for layer in _on_fargate(graph):
        for lacking in fargate_lacks(layer.container):
            what = f"layer '{layer.name}' requests {lacking}; Fargate has none"
            yield Problem(layer.location, LAM031, what, f"run the layer on EC2, as in {_ON_EC2}")


def check_architectures(graph: Graph) -> Iterator[Problem]:
    """Check that layers on one EC2 job queue have the same architecture: Batch does not match it."""
    first: dict[object, LayerNode] = {}
    for layer in _on_ec2(graph):
        other = first.setdefault(layer.placement.queue, layer)
        one, two = other.container.architecture, layer.container.architecture
        if one != two:
            what = (
                f"layers '{other.name}' and '{layer.name}' are built for {one} and {two} and share a job queue on EC2, "
                "from which AWS Batch places jobs on any of its instances"
            )
            yield Problem(layer.location, LAM032, what, f"build both for {one}, or run one of them on Fargate")


def check_storage(graph: Graph) -> Iterator[Problem]:
    """Check that Fargate offers the size of the disk. On EC2 the disks of the instances decide."""
    least, most = FARGATE_STORAGE
    for layer in layers_on_batch(graph):
        asked = layer.container.ephemeral_storage
        if asked is None:
            continue
        if on_ec2(layer.placement):
            what = f"layer '{layer.name}' requests {asked} GiB of disk; on EC2 the instances' disks decide"
            fix = "leave ephemeral_storage out, and give the job queue's compute environment a launch template"
            yield Problem(layer.location, LAM033, what, fix)
        elif not least <= asked <= most:
            what = f"layer '{layer.name}' requests {asked} GiB of disk; Fargate offers {least} to {most}"
            fix = f"request {least} to {most}, or leave ephemeral_storage out"
            yield Problem(layer.location, LAM033, what, fix)


def check_logs(graph: Graph) -> Iterator[Problem]:
    """Check that the platform has the log driver, and that the driver has the options that it needs."""
    for layer in layers_on_batch(graph):
        for what, fix in _log_problems(layer):
            yield Problem(layer.location, LAM034, what, fix)


def _log_problems(layer: LayerNode) -> Iterator[tuple[str, str]]:
    container, options = layer.container, dict(layer.container.log_options)
    driver, ec2 = container.log_driver, on_ec2(layer.placement)
    known = (*_FARGATE_DRIVERS, *_EC2_DRIVERS) if ec2 else _FARGATE_DRIVERS
    if driver not in known:
        where = "EC2" if ec2 else "Fargate"
        what = f"layer '{layer.name}' has the log driver {driver!r}; jobs on {where} have {', '.join(known)}"
        elsewhere = driver in _EC2_DRIVERS
        yield what, f"run the layer on EC2, as in {_ON_EC2}" if elsewhere else "choose one of those"
    if driver == "awslogs" and (ours := sorted(_OURS & options.keys())):
        yield (
            f"layer '{layer.name}' gives the log options {', '.join(ours)}",
            "leave them out: the document has a log group",
        )
    if driver == "splunk":
        secret = {name for name, _ in container.secret_log_options}
        if missing := sorted({"splunk-token", "splunk-url"} - options.keys()):
            yield (
                f"layer '{layer.name}' has the log driver splunk without {', '.join(missing)}",
                "add them to its log_options",
            )
        if "splunk-token" in options.keys() - secret:
            fix = "give the ARN or the name of a secret in its place"
            yield f"layer '{layer.name}' has the value of its splunk-token in code", fix


def check_ec2_sizes(graph: Graph) -> Iterator[Problem]:
    """Check that a job on EC2 has whole vCPUs, and the least memory."""
    for layer in _on_ec2(graph):
        container = placement_of(layer).container
        if ec2_size(container.cpu, container.memory) is None:
            size = f"{container.cpu:g} vCPU and {container.memory} MiB"
            what = f"layer '{layer.name}' requests {size}; jobs on EC2 have whole vCPUs and at least {EC2_MEMORY} MiB"
            whole = container.cpu >= 1 and container.cpu == int(container.cpu)
            fix = "request whole vCPUs, or run the layer on Fargate"
            if whole:
                fix = "request the vCPUs and the MiB of an instance"
                fix = f"request at least {EC2_MEMORY} MiB" if container.memory < EC2_MEMORY else fix
            yield Problem(layer.location, LAM035, what, fix)


def check_splits_at_once(graph: Graph) -> Iterator[Problem]:
    """Check that splits that run beside each other in a job do not share its GPUs or other devices."""
    for layer in layers_on_batch(graph):
        asked, times = layer.container.requested, layer.fan_out.splits_at_once
        if times > 1 and (found := [name for name in _SHARED if asked.get(name)]):
            what = (
                f"layer '{layer.name}' runs {times} splits at once in a job, and all of them would use its "
                f"{' and '.join(found)}"
            )
            yield Problem(layer.location, LAM016, what, "drop splits_at_once, and run one split after the other")


def check_variables(graph: Graph) -> Iterator[Problem]:
    """Check that no variable is empty: AWS Batch drops it, while other places have it."""
    for layer in layers_on_batch(graph):
        if empty := [name for name, value in layer.container.environment if _default_of(value) == ""]:
            names = ", ".join(empty)
            what = f"the environment of layer '{layer.name}' has empty variables: {names}; AWS Batch drops them"
            yield Problem(layer.location, LAM090, what, "leave them out, or give them a value")


def _default_of(value: str | Ref) -> str | None:
    """Return a text, or the default of a variable that stands for it."""
    return value.default if isinstance(value, Input) else str(value)


def check_capabilities(graph: Graph) -> Iterator[Problem]:
    """Check that no layer requests capabilities of Linux: job definitions have none."""
    for layer in layers_on_batch(graph):
        if found := layer.container.requested.get("capabilities"):
            what = f"layer '{layer.name}' requests the capabilities {', '.join(found)}; AWS Batch can add none"
            fix = "leave them out; a container that needs them can be privileged on EC2: Container(privileged=True)"
            yield Problem(layer.location, LAM092, what, fix)


def check_tags(graph: Graph) -> Iterator[Problem]:
    """Check that a job does not have more tags than AWS accepts, besides those of the deployment."""
    yield from check_count(
        layers_with_jobs(graph), JOB_TAGS, "its jobs have {own} more; a job fails with more than {most}"
    )


def check_definition_sizes(graph: Graph) -> Iterator[Problem]:
    """Check that a container's settings fit into a job definition."""
    most = JOB_DEFINITION_BYTES - _REST_OF_DEFINITION
    for layer in layers_on_batch(graph):
        item = layer.container
        # As the definition has it: the mount point of a volume is there twice, and its name three times.
        members = properties(item, platform(layer.placement))
        texts = (item.command, item.image, item.workdir, item.log_options, members)
        size = len(json.dumps(texts, default=str).encode())
        if size > most:
            what = (
                f"the container of layer '{layer.name}' has settings of {size:,} bytes (command, image, folder, "
                f"variables, secrets, volumes, options and so on); an AWS Batch job definition has room for {most:,}"
            )
            yield Problem(layer.location, LAM047, what, "move long values into a file of the image, and shorten names")


def check_volumes(graph: Graph) -> Iterator[Problem]:
    """Check the volumes of layers: where they can be, at which mount points, and one name for each."""
    if any(_MOUNTING & layer.container.requested.keys() for layer in graph.layers):
        from laminar_codegen.targets.batch.volume_checks import VOLUME_RULES  # few flows have volumes

        for rule in VOLUME_RULES:
            yield from rule(graph)


def check_concurrency(graph: Graph) -> Iterator[Problem]:
    """Warn of an executor's concurrency for a fan-out: it limits what runs at once on this machine only."""
    names = [
        layer.name
        for layer in layers_on_batch(graph)
        if layer.foreach and layer.local_concurrency is not None and layer.fan_out.max_concurrency is None
    ]
    if names:
        what = (
            f"the concurrency of the executor of {some_of(names)} is what runs at once on this machine; deployed, AWS "
            "Batch runs as many splits as its job queue has room for"
        )
        fix = "limit the splits of a layer, here and deployed, by ForEach(..., max_concurrency=n)"
        yield Problem(graph.location, LAM059, what, fix)


def _on_ec2(graph: Graph) -> Iterator[LayerNode]:
    return (layer for layer in layers_on_batch(graph) if on_ec2(layer.placement))


def _on_fargate(graph: Graph) -> Iterator[LayerNode]:
    return (layer for layer in layers_on_batch(graph) if not on_ec2(layer.placement))


def check_planner_jobs(graph: Graph) -> Iterator[Problem]:
    """Check that AWS Batch offers the size of a planner that is a job, and accepts its timeout."""
    planner = graph.planner
    if not isinstance(planner.target, BatchTarget):
        return
    ec2, asked = planner.target.platform == "EC2", f"{planner.cpu:g} vCPU / {planner.memory} MiB"
    if (ec2_size if ec2 else fargate_size)(planner.cpu, planner.memory) is None:
        offer = "EC2 needs whole vCPUs and 4 MiB" if ec2 else "Fargate has no size that is large enough"
        what = f"the planner of flow '{graph.flow}' requests {asked}: {offer}"
        yield Problem(graph.location, LAM070, what, "request another size, such as cpu=1, memory=2048")
    least, most = JOB_TIMEOUT
    if not least <= planner.timeout <= most:
        what = (
            f"the planner of flow '{graph.flow}' may run for {planner.timeout:.10g} seconds, and AWS Batch takes "
            f"{least:,} to {most:,}"
        )
        yield Problem(graph.location, LAM071, what, f"give it a timeout of {least} seconds or more")


RULES = (
    check_planner_jobs,
    check_fargate_sizes,
    check_timeouts,
    check_fargate_options,
    check_architectures,
    check_storage,
    check_logs,
    check_ec2_sizes,
    check_splits_at_once,
    *RETRY_RULES,
    check_variables,
    check_capabilities,
    check_properties,
    check_tags,
    check_defaults,
    check_volumes,
    check_definition_sizes,
    check_concurrency,
)
