"""The inputs of the module: those that documents pass on, and those with the parts that are a flow's own."""

from __future__ import annotations

from collections.abc import Iterator

from laminar_codegen.ir import labels
from laminar_codegen.ir.terraform import Validation, Variable
from laminar_codegen.limits import MACHINE_NAME_LENGTH, NAME_LENGTH, ROLE_NAME_LENGTH
from laminar_codegen.lower_terraform import shared_variables as shared
from laminar_codegen.triggers import registry

__all__ = ["emit_inputs"]

#: Labels, by which resources are named.
_LABEL = "^[a-z][0-9a-z_]*$"


def emit_inputs() -> Iterator[Variable]:
    """Emit the inputs of the module."""
    yield shared.deployment_name(NAME_LENGTH)
    yield _PLACE
    yield _FLOWS
    yield _DEFINITIONS
    yield _ROLES
    yield _REGION_IN_ROLE_NAMES
    yield _LOG_GROUPS
    yield shared.DATASTORE_ROOT
    yield from (kind.in_module.variable for kind in registry.kinds() if kind.in_module is not None)
    yield shared.ALARM_ACTIONS
    # Functions have the key in the documents, which make them.
    yield shared.kms_key_arn("state machines, logs and schedules")
    yield shared.KEEP_LOGS
    yield shared.LOG_RETENTION_IN_DAYS
    yield shared.PERMISSIONS_BOUNDARY_ARN
    yield shared.TAGS


_PLACE = Variable(
    name="place",
    type="object({\n  account_id = string\n  region     = string\n})",
    description="Account and region of the deployment, by who has read them already; read if null.",
    default=(None,),
    nullable=True,
)

_FLOWS = Variable(
    name="flows",
    type="list(string)",
    description="Names of the flows, in the order in which they run: of most deployments one.",
    validation=(Validation("length(var.flows) > 0", "There must be a flow."),),
)

_DEFINITIONS = Variable(
    name="definitions",
    type="map(string)",
    description=(
        f"Definitions of the state machines, in JSON: {labels.MAIN} is the one that the deployment is, the others are "
        "those that it runs."
    ),
    validation=(
        Validation(
            f'contains(keys(var.definitions), "{labels.MAIN}")', f"One of the definitions must be {labels.MAIN}."
        ),
        Validation(
            f'alltrue([for machine in keys(var.definitions) : can(regex("{_LABEL}", machine))])',
            "State machines are called by small letters, digits and underscores, a letter first.",
        ),
        Validation(
            f'alltrue([for machine in keys(var.definitions) : machine == "{labels.MAIN}" || '
            f'length("${{var.name}}-${{machine}}") <= {MACHINE_NAME_LENGTH}])',
            f"Names of state machines are of {MACHINE_NAME_LENGTH} characters at most: that of the deployment, a "
            "hyphen, and what they are called.",
        ),
    ),
)

_ROLES = Variable(
    name="roles",
    type="""\
map(object({
  service     = string
  description = string
  policy      = string
  given       = optional(bool)
  arn         = optional(string)
}))""",
    description=(
        "Roles by their labels: state_machine runs the state machines, schedule (if there is a schedule) starts them, "
        "others are for tasks and functions. Each is given by its ARN, or made: for the service that takes it, with "
        "the policy, in JSON. Where the ARN is that of a role that is made in the same apply, given = true says so."
    ),
    validation=(
        Validation('contains(keys(var.roles), "state_machine")', "One of the roles must be state_machine."),
        Validation(
            f'alltrue([for label in keys(var.roles) : can(regex("{_LABEL}", label)) && '
            f'length("${{var.name}}-${{label}}") <= {ROLE_NAME_LENGTH}])',
            f"Labels of roles are of small letters, digits and underscores, a letter first, and of {ROLE_NAME_LENGTH} "
            "characters at most with the name of the deployment and a hyphen before them.",
        ),
        Validation(
            'alltrue([for role in values(var.roles) : can(regex("^[a-z-]+[.]amazonaws[.]com$", role.service))])',
            "The service of a role must be given by its principal, such as states.amazonaws.com.",
        ),
        Validation(
            "alltrue([\n  for role in values(var.roles) : role.arn == null ? true : "
            f'can(regex("^arn:[a-z-]+:{shared.ROLE}$", role.arn))\n])',
            "A role that is made elsewhere must be given by its ARN.",
        ),
        Validation(
            "alltrue([for role in values(var.roles) : role.given == true ? role.arn != null : true])",
            "A role that is given needs its ARN.",
        ),
    ),
)

#: The module knows the labels of roles when it is planned, a document when it is compiled.
_REGION_IN_ROLE_NAMES = shared.region_in_role_names(
    Validation(
        "!var.region_in_role_names || alltrue([\n  for label in keys(var.roles) : "
        f'length("${{var.name}}-{shared.LONGEST_REGION}-${{label}}") <= {ROLE_NAME_LENGTH}\n])',
        f"With the region in the names of roles, at most {len(f'-{shared.LONGEST_REGION}-')} characters, the name must "
        f"be shorter: {ROLE_NAME_LENGTH} characters with the longest label and the hyphens.",
    )
)

_LOG_GROUPS = Variable(
    name="log_groups",
    type="map(string)",
    description=(
        "Names of the log groups of tasks and functions, by labels. That of the state machines is made besides."
    ),
    default=({},),
    validation=(
        Validation(
            '!contains(keys(var.log_groups), "state_machine")',
            "The log group state_machine is made by the module.",
        ),
    ),
)
