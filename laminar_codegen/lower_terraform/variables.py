"""The inputs of the document, which differ between environments: typed, described and checked."""

from __future__ import annotations

import json
from collections.abc import Iterator

import attrs

from laminar_codegen.ir import ecr
from laminar_codegen.ir.deployment import Deployment, Planner, Role
from laminar_codegen.ir.expressions import Input, Ref
from laminar_codegen.ir.inputs import variables_of
from laminar_codegen.ir.placement import Queue
from laminar_codegen.ir.terraform import Validation, Variable
from laminar_codegen.limits import SECURITY_GROUPS, SUBNETS
from laminar_codegen.lower_terraform.settings import validations
from laminar_codegen.lower_terraform.shared_variables import (
    ALARM_ACTIONS,
    DATASTORE_ROOT,
    KEEP_LOGS,
    KMS_KEY,
    KMS_KEY_ARN,
    LOG_RETENTION_IN_DAYS,
    PERMISSIONS_BOUNDARY_ARN,
    ROLE,
    TAGS,
    deployment_name,
    optional_arn,
    region_beside,
)
from laminar_codegen.targets import registry as targets
from laminar_codegen.triggers import registry as triggers
from laminar_runtime.variables import ListVariable

__all__ = ["emit_variables", "own_variables"]


def emit_variables(deployment: Deployment) -> tuple[Variable, ...]:
    """Emit the variables of a document.

    Args:
        deployment: The deployment.
    """
    return (*own_variables(deployment), *_of_flows(deployment))


def own_variables(deployment: Deployment) -> tuple[Variable, ...]:
    """Return the variables that a document has whatever variables its flows declare.

    Args:
        deployment: The deployment.
    """
    kinds = targets.kinds_of(deployment.resources)
    return (
        attrs.evolve(deployment_name(deployment.longest_name), default=(deployment.flows[0],)),
        *_image(deployment),
        *map(_job_queue, deployment.queues),
        DATASTORE_ROOT,
        *(found for kind in kinds for found in kind.variables(deployment)),
        *(found for trigger in deployment.triggers for found in triggers.kind_of(trigger).variables(trigger.value)),
        *_OPTIONAL,
        region_beside(role.label for role in deployment.roles),
        attrs.evolve(TAGS, validation=_tag_rules(deployment)),
        _role_arns(tuple(role.label for role in deployment.roles)),
        *map(_role, deployment.roles),
    )


def _of_flows(deployment: Deployment) -> Iterator[Variable]:
    """Yield the declarations of the variables that flows declare."""
    declared = variables_of(deployment.graphs)
    if not declared:
        return
    images = {layer.container.image for graph in deployment.graphs for layer in graph.layers}
    of_planners = {planner.settings.image for planner in deployment.planners}
    of_functions = _images_of_functions(deployment)
    known = [kind.validations(deployment) for kind in targets.kinds_of(deployment.resources)]
    known.append(validations(deployment.settings))
    found = (triggers.kind_of(trigger).validations(trigger.value) for trigger in deployment.triggers)
    known += [{reference: (rule,)} for trigger in found for reference, rule in trigger]
    for variable in declared:
        reference = Input.of(variable)
        if reference in of_planners - images and variable.default is None and _may_be_left_out(reference, deployment):
            yield _planner_image(reference, deployment)
            continue
        named = reference in images | of_planners
        of_image = (_image_rule(reference, on_lambda=reference in of_functions),) if named else ()
        yield Variable(
            name=variable.name,
            type="list(string)" if isinstance(variable, ListVariable) else "string",
            description=variable.description or "A variable of the flow.",
            default=None if variable.default is None else (variable.default,),
            validation=(
                *of_image,
                *_network_rules(reference, deployment),
                *dict.fromkeys(rule for rules in known for rule in rules.get(reference, ())),
            ),
        )


def _images_of_functions(deployment: Deployment) -> set[str | Ref | None]:
    """Return the images that functions have, None for the deployment's. Of two that a planner may have, both."""
    found: set[str | Ref | None] = set()
    for function in targets.functions_of(deployment.resources):
        own = function.settings.image if isinstance(function, Planner) else None
        found.add(function.container.image if own is None else own)
    return found


def _may_be_left_out(image: Input, deployment: Deployment) -> bool:
    """Return whether planners may have the images of the layers that they plan: each may be in ECR."""
    found = {planner.container.image for planner in deployment.planners if planner.settings.image == image}
    return all(not isinstance(own, str) or ecr.repository_of(own) is not None for own in found)


def _planner_image(image: Input, deployment: Deployment) -> Variable:
    """Return the variable of the image of planners, without which they have the images of the layers that they plan."""
    name = image.variable.name
    rules = [Validation(f"var.{name} == null || {_in_ecr(image)}", _IN_ECR)]
    given = {planner.container.image for planner in deployment.planners if planner.settings.image == image}
    for own in sorted(_reference(item) for item in given if item is None or isinstance(item, Ref)):
        message = f"Without {name} the planner has the image of {own}, which is not in ECR: AWS Lambda takes no other."
        rules.append(Validation(f"var.{name} != null || {_in_ecr(Ref(own))}", message))
    return Variable(
        name=name,
        type="string",
        description=image.variable.description
        or "Image of the planner, in ECR. It has that of the layers that it plans unless given.",
        default=(None,),
        validation=tuple(rules),
        nullable=True,
    )


def _reference(image: Ref | None) -> str:
    return "var.image" if image is None else image.expression


def _network_rules(reference: Input, deployment: Deployment) -> Iterator[Validation]:
    """Yield the validations of a list that is that of the subnets or the security groups of functions."""
    found = {item.network for item in targets.functions_of(deployment.resources)} - {None}
    kinds = (("subnet", "subnets", SUBNETS), ("sg", "security_groups", SECURITY_GROUPS))
    for prefix, name, most in kinds:
        value = reference.expression
        lists = [getattr(network, name) for network in found]
        ids = f"{prefix}- and digits, as in {prefix}-0123456789abcdef0"
        if reference in lists:
            each = f'alltrue([for id in {value} : can(regex("^{prefix}-[0-9a-f]+$", id))])'
            counted = f"length({value}) >= 1 && length({value}) <= {most}"
            yield Validation(f"{counted} && {each}", f"It must be a list of 1 to {most} ids, each {ids}.")
        elif any(reference in one for one in lists if isinstance(one, tuple)):
            yield Validation(f'can(regex("^{prefix}-[0-9a-f]+$", {value}))', f"The id must be {ids}.")


def _tag_rules(deployment: Deployment) -> tuple[Validation, ...]:
    known = (kind.validations(deployment) for kind in targets.kinds_of(deployment.resources))
    return tuple(rule for rules in known for rule in rules.get(Ref("var.tags"), ()))


def _role(role: Role) -> Variable:
    # The number of roles depends on it, which Terraform must know at plan time.
    description = (
        f"ARN of the role that {role.use}, if it is made elsewhere and before. Made here unless given. "
        f"Of a role that is made with this: role_arns."
    )
    return optional_arn(f"{role.label}_role_arn", description, "role", ROLE)


def _role_arns(labels: tuple[str, ...]) -> Variable:
    """Return the variable for roles whose ARNs are unknown at plan time: Terraform knows a map's keys."""
    arn = f'can(regex("^arn:[a-z-]+:{ROLE}$", arn))'
    return Variable(
        name="role_arns",
        type="map(string)",
        description=(
            f"ARNs of roles that are made elsewhere, by their labels: {', '.join(labels)}. Unlike the variables of "
            "single roles it takes ARNs of roles that are made in the same apply."
        ),
        default=({},),
        validation=(
            Validation(
                f"length(setsubtract(keys(var.role_arns), {json.dumps(labels)})) == 0",
                f"The labels of roles are {', '.join(labels)}.",
            ),
            Validation(
                f"alltrue([for arn in values(var.role_arns) : {arn}])", "The roles must be given by their ARNs."
            ),
        ),
    )


def _image(deployment: Deployment) -> tuple[Variable, ...]:
    """Return the variable for the default image, if a container needs it."""
    if all(layer.container.image is not None for graph in deployment.graphs for layer in graph.layers):
        return ()
    on_lambda = None in _images_of_functions(deployment)
    of_ecr = " It must be in ECR, in this region and in this account or one that shares it: AWS Lambda takes no other."
    in_ecr = of_ecr if on_lambda else ""
    variable = Variable(
        name="image",
        type="string",
        description=(
            f"Image of the tasks, with the flow and what it needs in its working directory.{in_ecr} "
            "Give each build a tag of its own, or its digest: Terraform sees no other image behind an old tag."
        ),
        validation=(_image_rule(Ref("var.image"), on_lambda=on_lambda),),
    )
    return (variable,)


def _image_rule(image: Ref, *, on_lambda: bool) -> Validation:
    """Return the validation of an image. AWS Lambda accepts images from ECR only.

    https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
    """
    if not on_lambda:
        named = f'can(regex("^[^[:space:]]+$", {image.expression}))'
        return Validation(named, "The image must be named, without spaces.")
    return Validation(_in_ecr(image), _IN_ECR)


_IN_ECR = "The image must be in ECR, as in 123456789012.dkr.ecr.eu-west-1.amazonaws.com/flow:1."


def _in_ecr(image: Ref) -> str:
    return f'can(regex("^{ecr.HOST}/[^[:space:]]+$", {image.expression}))'


def _job_queue(queue: Queue) -> Variable:
    capacity = f"of {queue.capacity} capacity"
    arn = "^arn:[a-z-]+:batch:[a-z0-9-]+:[0-9]{12}:job-queue/[0-9A-Za-z_-]+$"
    return Variable(
        name=queue.variable,
        type="string",
        description=f"ARN of the AWS Batch job queue, {capacity}, that {queue.tasks} are submitted to.",
        validation=(
            Validation(
                f'can(regex("{arn}", var.{queue.variable}))',
                "The job queue must be given by its ARN.",
            ),
        ),
    )


_OPTIONAL = (
    ALARM_ACTIONS,
    Variable(
        name="check_datastore_region",
        type="bool",
        description=(
            "Whether a bucket of another region is refused when Terraform plans. Who plans needs s3:ListBucket on the "
            "bucket, which must be there by then unless datastore_root refers to what makes it."
        ),
        default=(True,),
    ),
    optional_arn(
        "datastore_kms_key_arn",
        "ARN of the KMS key that encrypts the datastore's bucket, if that is a key of yours: roles may use it.",
        "key",
        KMS_KEY,
    ),
    KMS_KEY_ARN,
    KEEP_LOGS,
    LOG_RETENTION_IN_DAYS,
    PERMISSIONS_BOUNDARY_ARN,
)
