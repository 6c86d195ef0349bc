"""What must hold of where layers run: one function for each rule, as in `laminar_codegen.checks`.

Each service takes other sizes and options of a container. A layer that asks for what its service does not have is
refused, with the service that has it, if there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from laminar_codegen.ir.ecr import repository_of
from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.placement import Container, LambdaTarget
from laminar_codegen.limits import (
    FARGATE_STORAGE,
    LAMBDA_MEMORY,
    LAMBDA_PROCESSOR,
    LAMBDA_SECONDS,
    LAMBDA_STORAGE,
    TIMEOUT_SECONDS,
)
from laminar_codegen.problems import Problem
from laminar_runtime.configurations import layers
from laminar_runtime.splits.job_container import ec2_size, fargate_size

__all__ = ["PLACEMENT_RULES"]

_ON_EC2 = 'register(executor=executors.AWS.Batch(platform="EC2"))'
_ON_BATCH = "run the layer on AWS Batch, as in register(executor=executors.AWS.Batch())"

#: The log drivers of Fargate, and those that EC2 has besides. Of AWS's list awsfirelens is left out: it needs a second
#: container. https://docs.aws.amazon.com/batch/latest/APIReference/API_LogConfiguration.html
_FARGATE_DRIVERS = ("awslogs", "splunk")
_EC2_DRIVERS = ("fluentd", "gelf", "journald", "json-file", "logentries", "syslog")
#: The options of awslogs that the document gives.
_OURS = frozenset({"awslogs-create-group", "awslogs-group", "awslogs-region"})

_DEFAULTS = Container(command=(), cpu=layers.Container().cpu, memory=0, image=None, workdir=None)


def check_fargate_sizes(graph: Graph) -> Iterator[Problem]:
    """Each container on Fargate fits one of its sizes."""
    for layer in _on_fargate(graph):
        container = layer.container
        if min(container.cpu, container.memory) <= 0 or fargate_size(container.cpu, container.memory) is None:
            size = f"{container.cpu:g} vCPU and {container.memory} MiB"
            what = f"layer '{layer.name}' wants {size}, and no size of Fargate has them"
            yield Problem(layer.location, "LAM023", what, "ask for at most 32 vCPU and 249856 MiB")


def check_timeouts(graph: Graph) -> Iterator[Problem]:
    """A task's timeout on AWS Batch is one that Batch takes: the flow's, and those that layers have of their own."""
    least, most = TIMEOUT_SECONDS
    told = f"stops tasks after {{:g}} seconds, and AWS Batch takes {least} to {most}"
    fix = f"give its executor a timeout from {least} to {most} seconds"
    shared = not graph.layers
    for layer in graph.layers:
        own = layer.executor.timeout
        if isinstance(layer.executor, LambdaTarget):
            continue
        shared |= own is None
        if own is not None and not least <= own <= most:
            yield Problem(layer.location, "LAM027", f"layer '{layer.name}' {told.format(own)}", fix)
    if shared and not least <= graph.timeout <= most:
        yield Problem(graph.location, "LAM027", f"flow '{graph.flow}' {told.format(graph.timeout)}", fix)


def check_gpus(graph: Graph) -> Iterator[Problem]:
    """Fargate has no GPUs."""
    for layer in _on_fargate(graph):
        if layer.container.gpu:
            what = f"layer '{layer.name}' wants GPUs, and Fargate has none"
            yield Problem(layer.location, "LAM031", what, f"run the layer on EC2, as in {_ON_EC2}")


def check_architectures(graph: Graph) -> Iterator[Problem]:
    """The layers that share a job queue on EC2 are built for the same processors: Batch does not look at them."""
    first: dict[object, LayerNode] = {}
    for layer in _on_ec2(graph):
        other = first.setdefault(layer.placement.queue, layer)
        one, two = other.container.architecture, layer.container.architecture
        if one != two:
            what = (
                f"layers '{other.name}' and '{layer.name}' are built for {one} and {two} and share a job queue on EC2, "
                "from which AWS Batch places jobs on any of its instances"
            )
            yield Problem(layer.location, "LAM032", what, f"build both for {one}, or run one of them on Fargate")


def check_images_of_functions(graph: Graph) -> Iterator[Problem]:
    """An image that AWS Lambda runs is built for one kind of processors."""
    # It takes no others: https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
    invoked = {layer.container.image: layer for layer in graph.with_function}
    for layer in graph.layers:
        other = invoked.get(layer.container.image)
        if other is not None and other.container.architecture != layer.container.architecture:
            one, two = other.container.architecture, layer.container.architecture
            what = (
                f"layers '{other.name}' and '{layer.name}' share an image that is to be built for {one} and {two}, and "
                "the function of AWS Lambda that runs or plans one of them takes an image for one of them only"
            )
            yield Problem(layer.location, "LAM040", what, "give one of them an image of its own: Container(image=...)")


def check_storage(graph: Graph) -> Iterator[Problem]:
    """Disk is of a size that the service offers."""
    for layer in graph.layers:
        asked = layer.container.ephemeral_storage
        on_lambda = isinstance(layer.executor, LambdaTarget)
        service, (least, most) = ("AWS Lambda", LAMBDA_STORAGE) if on_lambda else ("Fargate", FARGATE_STORAGE)
        fix = f"ask for {least} to {most}, or leave ephemeral_storage out"
        if asked is None or (not layer.placement.on_ec2 and least <= asked <= most):
            continue
        what = f"layer '{layer.name}' wants {asked} GiB of disk, and {service} offers {least} to {most}"
        if layer.placement.on_ec2:
            what = f"layer '{layer.name}' wants {asked} GiB of disk, and on EC2 the disks of the instances decide"
            fix = "leave ephemeral_storage out, and give the job queue's compute environment a launch template"
        yield Problem(layer.location, "LAM033", what, fix)


def check_logs(graph: Graph) -> Iterator[Problem]:
    """A log driver is one that the platform has, with the options that it needs."""
    for layer in graph.layers:
        if not isinstance(layer.executor, LambdaTarget):
            for what, fix in _log_problems(layer):
                yield Problem(layer.location, "LAM034", what, fix)


def _log_problems(layer: LayerNode) -> Iterator[tuple[str, str]]:
    container, options = layer.container, dict(layer.container.log_options)
    driver, on_ec2 = container.log_driver, layer.placement.on_ec2
    known = (*_FARGATE_DRIVERS, *_EC2_DRIVERS) if on_ec2 else _FARGATE_DRIVERS
    if driver not in known:
        platform = "EC2" if on_ec2 else "Fargate"
        what = f"layer '{layer.name}' logs by {driver!r}, and jobs on {platform} log by {', '.join(known)}"
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
            yield f"layer '{layer.name}' logs by splunk without {', '.join(missing)}", "add them to its log_options"
        if "splunk-token" in options.keys() - secret:
            fix = "give the ARN of a secret in its place"
            yield f"layer '{layer.name}' has the value of its splunk-token in code", fix


def check_ec2_sizes(graph: Graph) -> Iterator[Problem]:
    """A job on EC2 has whole processors, and some memory."""
    for layer in _on_ec2(graph):
        container = layer.container
        if ec2_size(container.cpu, container.memory) is None:
            size = f"{container.cpu:g} vCPU and {container.memory} MiB"
            what = f"layer '{layer.name}' wants {size}, and jobs on EC2 have whole vCPUs and at least 4 MiB"
            yield Problem(layer.location, "LAM035", what, "ask for whole vCPUs, or run the layer on Fargate")


def check_lambda_sizes(graph: Graph) -> Iterator[Problem]:
    """A function's memory is of a size that AWS Lambda offers."""
    least, most = LAMBDA_MEMORY
    for layer in _on_lambda(graph):
        if not least <= layer.container.memory <= most:
            what = f"layer '{layer.name}' wants {layer.container.memory} MiB, and AWS Lambda offers {least} to {most}"
            yield Problem(layer.location, "LAM036", what, f"ask for these, or {_ON_BATCH}")


def check_lambda_timeouts(graph: Graph) -> Iterator[Problem]:
    """A function ends within the time that AWS Lambda gives it."""
    least, most = LAMBDA_SECONDS
    for layer in _on_lambda(graph):
        timeout = graph.timeout_of(layer.executor)
        if not least <= timeout <= most:
            what = f"layer '{layer.name}' may run for {timeout:g} seconds, and AWS Lambda gives it {least} to {most}"
            yield Problem(layer.location, "LAM037", what, f"give AWS.Lambda such a timeout, or {_ON_BATCH}")


def check_lambda_options(graph: Graph) -> Iterator[Problem]:
    """A layer on AWS Lambda asks for nothing that functions do not have."""
    for layer in _on_lambda(graph):
        container = layer.container
        reasons = {
            "cpu": f"processors come with the memory, one for each {LAMBDA_PROCESSOR} MiB",
            "gpu": "functions have no GPUs",
            "spot": "functions have no spot capacity",
            "secrets": "functions have no variables from secrets: let the layer read them itself",
            "log_driver": "functions log to CloudWatch Logs",
            "log_options": "functions log to CloudWatch Logs",
        }
        asked = [name for name in reasons if getattr(container, name) != getattr(_DEFAULTS, name)]
        for name in asked:
            what = f"layer '{layer.name}' runs on AWS Lambda, and its container asks for {name}: {reasons[name]}"
            yield Problem(layer.location, "LAM038", what, f"leave {name} out, or {_ON_BATCH}")


def check_lambda_images(graph: Graph) -> Iterator[Problem]:
    """The image of a function, one that runs a layer or one that plans it, is in ECR: AWS Lambda takes no other.

    https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
    """
    for layer in graph.with_function:
        image = layer.container.image
        if image is not None and repository_of(image) is None:
            runs = "runs" if isinstance(layer.executor, LambdaTarget) else "has a planner that runs"
            what = (
                f"layer '{layer.name}' {runs} on AWS Lambda, which takes images of ECR only, and its image is {image!r}"
            )
            fix = "name one such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/flow:1, or leave it to the deployment"
            yield Problem(layer.location, "LAM039", what, fix)


def _on_lambda(graph: Graph) -> Iterator[LayerNode]:
    return (layer for layer in graph.layers if isinstance(layer.executor, LambdaTarget))


def _on_ec2(graph: Graph) -> Iterator[LayerNode]:
    return (layer for layer in graph.layers if layer.placement.on_ec2)


def _on_fargate(graph: Graph) -> Iterator[LayerNode]:
    return (layer for layer in graph.layers if not (layer.placement.on_ec2 or isinstance(layer.executor, LambdaTarget)))


#: The rules, in the order in which they are told of.
PLACEMENT_RULES: tuple[Callable[[Graph], Iterator[Problem]], ...] = (
    check_fargate_sizes,
    check_timeouts,
    check_gpus,
    check_architectures,
    check_images_of_functions,
    check_storage,
    check_logs,
    check_ec2_sizes,
    check_lambda_sizes,
    check_lambda_timeouts,
    check_lambda_options,
    check_lambda_images,
)
