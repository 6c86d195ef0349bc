"""The inputs of the module: those that documents pass on, and those that replace values of a flow."""

from __future__ import annotations

from collections.abc import Iterator

from laminar_codegen.ir import labels
from laminar_codegen.ir.terraform import Validation, Variable
from laminar_codegen.limits import MACHINE_NAME_LENGTH, NAME_LENGTH, ROLE_NAME_LENGTH
from laminar_codegen.lower_terraform import shared_variables as shared
from laminar_codegen.triggers import registry

__all__ = ["emit_inputs"]

#: The pattern of labels, which are in the names of resources.
_LABEL = "^[a-z][0-9a-z_]*$"


def emit_inputs() -> Iterator[Variable]:
    """Emit the inputs of the module."""
    yield shared.deployment_name(NAME_LENGTH)
    yield _PLACE
    yield _FLOWS
    yield _DEFINITIONS
    yield _PARAMETERS
    yield _ROLES
    yield _REGION_IN_ROLE_NAMES
    yield _LOG_GROUPS
    yield shared.DATASTORE_ROOT
    yield from (kind.in_module.variable for kind in registry.kinds() if kind.in_module is not None)
    yield shared.ALARM_ACTIONS
    # The documents make the functions, and give them the key.
    yield shared.kms_key_arn("state machines, logs and schedules")
    yield shared.KEEP_LOGS
    yield shared.LOG_RETENTION_IN_DAYS
    yield shared.PERMISSIONS_BOUNDARY_ARN
    yield from shared.OPERATION
    yield shared.TAGS


_PLACE = Variable(
    name="place",
    type="object({\n  account_id = string\n  region     = string\n})",
    description="Account and region of the deployment, if the caller has read them already. Null to read them.",
    default=(None,),
    nullable=True,
)

_FLOWS = Variable(
    name="flows",
    type="list(string)",
    description="Names of the flows, in the order in which they run. Most deployments have one.",
    validation=(Validation("length(var.flows) > 0", "There must be a flow."),),
)

_DEFINITIONS = Variable(
    name="definitions",
    type="map(string)",
    description=(
        f"Definitions of the state machines, in JSON: {labels.MAIN} is the one that applications start, and it runs "
        "the others."
    ),
    validation=(
        Validation(
            f'contains(keys(var.definitions), "{labels.MAIN}")', f"One of the definitions must be {labels.MAIN}."
        ),
        Validation(
            f'alltrue([for machine in keys(var.definitions) : can(regex("{_LABEL}", machine))])',
            "Names of definitions have lower-case letters, digits and underscores, a letter first.",
        ),
        Validation(
            f'alltrue([for machine in keys(var.definitions) : machine == "{labels.MAIN}" || '
            f'length("${{var.name}}-${{machine}}") <= {MACHINE_NAME_LENGTH}])',
            f"Names of state machines have at most {MACHINE_NAME_LENGTH} characters: the name of the deployment, a "
            "hyphen, and the name of the definition.",
        ),
    ),
)

_PARAMETERS = Variable(
    name="parameters",
    type="string",
    description=(
        "JSON schema of the parameters of the first flow, in JSON: applications check parameters by it before they "
        "start an execution. Null if its parameters have no types."
    ),
    default=(None,),
    nullable=True,
    validation=(
        Validation(
            "var.parameters == null ? true : can(jsondecode(var.parameters).properties)",
            "The schema must be a JSON object with properties.",
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
        "others are for tasks and functions. A role is given by its ARN, or made for its service with its policy, in "
        "JSON. Set given = true if the ARN is that of a role that is made in the same apply."
    ),
    validation=(
        Validation('contains(keys(var.roles), "state_machine")', "One of the roles must be state_machine."),
        Validation(
            f'alltrue([for label in keys(var.roles) : can(regex("{_LABEL}", label)) && '
            f'length("${{var.name}}-${{label}}") <= {ROLE_NAME_LENGTH}])',
            "Labels of roles have lower-case letters, digits and underscores, a letter first, and at most "
            f"{ROLE_NAME_LENGTH} characters with the name of the deployment and a hyphen before them.",
        ),
        Validation(
            'alltrue([for role in values(var.roles) : can(regex("^[a-z-]+[.]amazonaws[.]com$", role.service))])',
            "The service of a role must be its principal, such as states.amazonaws.com.",
        ),
        Validation(
            "alltrue([\n  for role in values(var.roles) : role.arn == null ? true : "
            f'can(regex("^arn:[a-z-]+:{shared.ROLE}$", role.arn))\n])',
            "The ARN of a role must be that of an IAM role.",
        ),
        Validation(
            "alltrue([for role in values(var.roles) : role.given == true ? role.arn != null : true])",
            "A role that is given needs its ARN.",
        ),
    ),
)

#: The labels of roles are an input of the module. The compiler knows them when it makes a document.
_REGION_IN_ROLE_NAMES = shared.region_in_role_names(
    Validation(
        "!var.region_in_role_names || alltrue([\n  for label in keys(var.roles) : "
        f'length("${{var.name}}-{shared.LONGEST_REGION}-${{label}}") <= {ROLE_NAME_LENGTH}\n])',
        f"With the region in the names of roles, the name must be shorter: with the longest label and a region of "
        f"{len(shared.LONGEST_REGION)} characters, names of roles have at most {ROLE_NAME_LENGTH} characters.",
    )
)

_LOG_GROUPS = Variable(
    name="log_groups",
    type="map(string)",
    description=(
        "Names of the log groups of tasks and functions, by labels. The module adds that of the state machines."
    ),
    default=({},),
    validation=(
        Validation(
            '!contains(keys(var.log_groups), "state_machine")',
            "The module itself makes the log group state_machine.",
        ),
    ),
)
