"""The rules of layers on AWS Lambda, and of planners, which are functions, too. One function for each rule."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from laminar_codegen.ir.ecr import repository_of
from laminar_codegen.ir.expressions import Input, Ref
from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.placement import Network
from laminar_codegen.limits import (
    FUNCTION_VARIABLES_BYTES,
    LAMBDA_MEMORY,
    LAMBDA_SECONDS,
    LAMBDA_STORAGE,
    SECURITY_GROUPS,
    SUBNETS,
)
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import (
    LAM033,
    LAM036,
    LAM037,
    LAM038,
    LAM039,
    LAM040,
    LAM047,
    LAM070,
    LAM071,
    LAM072,
    LAM090,
    LAM096,
    LAM098,
    LAM122,
)
from laminar_codegen.targets.aws_lambda.options import refusals
from laminar_codegen.targets.aws_lambda.tags import OWN_TAGS
from laminar_codegen.targets.aws_lambda.target import LambdaTarget
from laminar_codegen.targets.aws_lambda.volumes import mount_of, places_of
from laminar_codegen.targets.forms import TAG, find_faults
from laminar_codegen.targets.tags import check_count
from laminar_runtime.configurations.containers import DEFAULT_WORKDIR

__all__ = ["RULES"]

#: The names that AWS Lambda reserves, and those that it accepts:
#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
_RESERVED = frozenset(
    {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)
_VARIABLE = re.compile("[A-Za-z][A-Za-z0-9_]+")

_ON_BATCH = "run the layer on AWS Batch, as in register(executor=executors.AWS.Batch())"

#: Bytes of the other variables of a function: names, the longest datastore.
_REST_OF_VARIABLES = 1296


def check_images_of_functions(graph: Graph) -> Iterator[Problem]:
    """Check that the image of a function is built for one processor architecture."""
    # https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
    own = graph.planner.image is not None
    invoked = {layer.container.image: layer for layer in (_on_lambda(graph) if own else _with_function(graph))}
    for layer in graph.layers:
        other = invoked.get(layer.container.image)
        if other is not None and other.container.architecture != layer.container.architecture:
            one, two = other.container.architecture, layer.container.architecture
            what = (
                f"layers '{other.name}' and '{layer.name}' share an image, which must be built for {one} and {two}; "
                "an AWS Lambda function accepts an image for one of them only"
            )
            yield Problem(layer.location, LAM040, what, "give one of them an image of its own: Container(image=...)")


def check_storage(graph: Graph) -> Iterator[Problem]:
    """Check that AWS Lambda offers the size of the disk."""
    least, most = LAMBDA_STORAGE
    for layer in _on_lambda(graph):
        asked = layer.container.ephemeral_storage
        if asked is not None and not least <= asked <= most:
            what = f"layer '{layer.name}' requests {asked} GiB of disk; AWS Lambda offers {least} to {most}"
            fix = f"request {least} to {most}, or leave ephemeral_storage out"
            yield Problem(layer.location, LAM033, what, fix)


def check_lambda_sizes(graph: Graph) -> Iterator[Problem]:
    """Check that AWS Lambda offers the memory of a function."""
    least, most = LAMBDA_MEMORY
    for layer in _on_lambda(graph):
        if not least <= layer.container.memory <= most:
            what = f"layer '{layer.name}' requests {layer.container.memory} MiB; AWS Lambda offers {least} to {most}"
            yield Problem(layer.location, LAM036, what, f"request {least} to {most} MiB, or {_ON_BATCH}")


def check_lambda_timeouts(graph: Graph) -> Iterator[Problem]:
    """Check that a function ends within the time limit of AWS Lambda."""
    least, most = LAMBDA_SECONDS
    for layer in _on_lambda(graph):
        timeout = graph.timeout_of(layer.executor)
        if not least <= timeout <= most:
            what = f"layer '{layer.name}' may run for {timeout:.10g} seconds, and AWS Lambda gives it {least} to {most}"
            yield Problem(layer.location, LAM037, what, f"give AWS.Lambda such a timeout, or {_ON_BATCH}")


def check_lambda_options(graph: Graph) -> Iterator[Problem]:
    """Check that a layer on AWS Lambda requests nothing that functions do not have."""
    for layer in _on_lambda(graph):
        for name, (reason, fix) in refusals(layer.placement).items():
            if name in layer.inherited:
                continue
            what = f"layer '{layer.name}' runs on AWS Lambda, and its container asks for {name}: {reason}"
            yield Problem(layer.location, LAM038, what, f"{fix or f'leave {name} out'}, or {_ON_BATCH}")


def check_mount_points(graph: Graph) -> Iterator[Problem]:
    """Check that the file system of a function does not hide the files of the flow."""
    for layer in _on_lambda(graph):
        if volume := mount_of(layer.placement):
            from laminar_runtime.configurations import mounts  # few functions have one

            workdir = layer.container.workdir or DEFAULT_WORKDIR
            for what, fix in mounts.mount_faults([(volume["name"], volume["mount"])], workdir, ()):
                yield Problem(layer.location, LAM096, f"layer '{layer.name}': {what}", fix)


def check_inherited_options(graph: Graph) -> Iterator[Problem]:
    """Warn of what a layer on AWS Lambda goes without: functions lack it, and the layer has it from its flow."""
    for layer in _on_lambda(graph):
        if lacking := sorted(refusals(layer.placement).keys() & layer.inherited):
            names = ", ".join(lacking)
            what = f"layer '{layer.name}' runs on AWS Lambda, without what its flow's container has: {names}"
            fix = f"give these to the containers of the layers that need them, or {_ON_BATCH}"
            yield Problem(layer.location, LAM098, what, fix)


def check_function_tags(graph: Graph) -> Iterator[Problem]:
    """Check that a function does not have more tags than AWS accepts, besides those of the deployment."""
    yield from check_count(_on_lambda(graph), OWN_TAGS, "its function has {own} more; a function accepts {most}")


def check_defaults(graph: Graph) -> Iterator[Problem]:
    """Check that AWS Lambda accepts the defaults of variables that are the values of tags, or name its file system."""
    for layer in _on_lambda(graph):
        yield from find_faults(layer, ((value, TAG) for _, value in layer.container.requested.get("tags", ())))
        yield from find_faults(layer, places_of(layer.placement))


def check_lambda_images(graph: Graph) -> Iterator[Problem]:
    """Check that the image of each function, for a layer or its planner, is in ECR: AWS Lambda accepts no other.

    https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
    """
    own = graph.planner.image is not None
    for layer in _on_lambda(graph) if own else _with_function(graph):
        image = _image_name(layer.container.image)
        if image is not None and repository_of(image) is None:
            runs = "runs" if isinstance(layer.executor, LambdaTarget) else "has a planner that runs"
            what = (
                f"layer '{layer.name}' {runs} on AWS Lambda, which accepts images from ECR only; its image is {image!r}"
            )
            fix = "name one such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/flow:1, or leave it to the deployment"
            yield Problem(layer.location, LAM039, what, fix)


def _image_name(image: str | Ref | None) -> str | None:
    """Return an image, or the default of a variable that stands for it; None for that of the deployment."""
    return image.default if isinstance(image, Input) else None if isinstance(image, Ref) else image


def check_function_variables(graph: Graph) -> Iterator[Problem]:
    """Check that a function, of a layer or its planner, may have the variables of its container."""
    for layer in _with_function(graph):
        names = [name for name, _ in layer.container.environment]
        refused = [name for name in names if name in _RESERVED or not _VARIABLE.fullmatch(name)]
        if refused:
            runs = "runs" if isinstance(layer.executor, LambdaTarget) else "has a planner that runs"
            what = (
                f"layer '{layer.name}' {runs} on AWS Lambda, where no variable can have the name {', '.join(refused)}"
            )
            fix = "rename it: begin with a letter, use two characters at least, and no name that AWS Lambda reserves"
            yield Problem(layer.location, LAM090, what, fix)


def check_function_sizes(graph: Graph) -> Iterator[Problem]:
    """Check that the command and the environment of a function's container fit into the function's variables."""
    most = FUNCTION_VARIABLES_BYTES - _REST_OF_VARIABLES
    for layer in _with_function(graph):
        # Another rule refuses text that is not valid Unicode.
        texts = [shlex.join(layer.container.command), *(word for pair in layer.container.environment for word in pair)]
        size = len("".join(text for text in texts if isinstance(text, str)).encode(errors="surrogatepass"))
        if size > most:
            both = "command and the environment" if layer.container.environment else "command"
            has = "have" if layer.container.environment else "has"
            what = (
                f"the {both} of layer '{layer.name}' {has} {size:,} bytes, and the variables of the function of AWS "
                f"Lambda that plans or runs it have room for {most:,}"
            )
            yield Problem(layer.location, LAM047, what, "move long values into a file of the image")


def check_planner_size(graph: Graph) -> Iterator[Problem]:
    """Check that AWS Lambda offers the memory of the planner."""
    least, most = LAMBDA_MEMORY
    memory = graph.planner.memory
    if graph.planner.target is None and not least <= memory <= most:
        what = f"the planner of flow '{graph.flow}' requests {memory} MiB; AWS Lambda offers {least} to {most}"
        yield Problem(graph.location, LAM070, what, f"request {least} to {most} MiB")


def check_planner_timeout(graph: Graph) -> Iterator[Problem]:
    """Check that the planner ends within the time limit of AWS Lambda."""
    least, most = LAMBDA_SECONDS
    timeout = graph.planner.timeout
    if graph.planner.target is None and not least <= timeout <= most:
        what = (
            f"the planner of flow '{graph.flow}' may run for {timeout:.10g} seconds, and AWS Lambda gives it {least} "
            f"to {most}"
        )
        yield Problem(graph.location, LAM071, what, f"give it a timeout of {least} to {most} seconds")


def check_planner_image(graph: Graph) -> Iterator[Problem]:
    """Check that an image of planners is in ECR, and that one architecture is enough for it."""
    image, planned = graph.planner.image, graph.with_planner
    named = _image_name(image)
    if named is not None and repository_of(named) is None:
        what = (
            f"the planner of flow '{graph.flow}' has the image {named!r}, and AWS Lambda accepts images from ECR only"
        )
        fix = "name one such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/planner:1"
        yield Problem(graph.location, LAM039, what, fix)
    kinds = sorted({layer.container.architecture for layer in planned})
    if image is not None and len(kinds) > 1:
        what = (
            f"the planner of flow '{graph.flow}' has an image of its own, and plans layers for {' and '.join(kinds)}; "
            "an AWS Lambda function accepts an image for one of them only"
        )
        yield Problem(graph.location, LAM040, what, "leave the image of the planner out")


def check_networks(graph: Graph) -> Iterator[Problem]:
    """Check the subnets and the security groups of functions.

    https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html
    """
    for layer in _on_lambda(graph):
        for fault in _faults_of(layer.executor.network):
            yield Problem(layer.location, LAM072, f"the network of layer '{layer.name}' {fault[0]}", fault[1])
    if graph.with_planner:
        for fault in _faults_of(graph.planner.network):
            yield Problem(graph.location, LAM072, f"the network of the planner {fault[0]}", fault[1])


def _faults_of(network: Network | None) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a network, to follow its name, and how to fix it."""
    if network is None:
        return
    kinds = (
        ("subnets", "subnet", network.subnets, SUBNETS),
        ("security groups", "sg", network.security_groups, SECURITY_GROUPS),
    )
    for name, prefix, ids, most in kinds:
        if isinstance(ids, Ref):
            continue
        if not 1 <= len(ids) <= most:
            yield f"has {len(ids) or 'no'} {name}; a function needs 1 to {most}", f"name 1 to {most} {name}"
        wrong = [item for item in ids if isinstance(item, str) and not re.fullmatch(f"{prefix}-[0-9a-f]+", item)]
        if wrong:
            yield f"has the {name} {', '.join(map(repr, wrong))}", f"name ids such as {prefix}-0123456789abcdef0"


def check_lambda_failures(graph: Graph) -> Iterator[Problem]:
    """Check that layers which name failures to retry on have no hooks that choose their containers: these see each."""
    for layer in _on_lambda(graph):
        if layer.retry.on and layer.sized:
            what = f"layer '{layer.name}' has Retry(on=...) and hooks that choose its container: these see each failure"
            yield Problem(layer.location, LAM122, what, "drop one of them")


def _on_lambda(graph: Graph) -> Iterator[LayerNode]:
    return (layer for layer in graph.layers if isinstance(layer.executor, LambdaTarget))


def _with_function(graph: Graph) -> list[LayerNode]:
    """Return the layers with a function of their container: a planner, or one that runs them."""
    planned = {layer.name for layer in graph.with_planner if graph.planner.target is None}
    return [layer for layer in graph.layers if layer.name in planned or isinstance(layer.executor, LambdaTarget)]


RULES = (
    check_images_of_functions,
    check_storage,
    check_lambda_sizes,
    check_lambda_timeouts,
    check_lambda_options,
    check_mount_points,
    check_inherited_options,
    check_function_tags,
    check_defaults,
    check_lambda_images,
    check_function_variables,
    check_function_sizes,
    check_planner_size,
    check_planner_timeout,
    check_planner_image,
    check_networks,
    check_lambda_failures,
)
