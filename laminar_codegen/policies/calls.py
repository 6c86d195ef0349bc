"""The calls that Terraform makes for a type of resource, for the policies of who deploys."""

from __future__ import annotations

import attrs

from laminar_codegen.ir.structs import Struct

__all__ = ["TAGS", "Calls"]

#: The actions on tags that most services have.
TAGS = ("TagResource", "UntagResource")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Calls(Struct):
    """The calls that Terraform makes for resources of a type. Actions are named without their service.

    Args:
        service: The service, as IAM names it.
        resources: The ends of the ARNs, after the account; '' if policies know no resource. ``{n}`` is the name of
            the deployment, ``{path}`` the path of its roles.
        plan: Actions on them that a refresh makes, of which each plan has one.
        apply: Further actions to create and to update them.
        destroy: Further actions to delete them.
        plan_any: Actions of a refresh that know no resource.
        global_service: Whether ARNs have no region.
    """

    service: str
    resources: tuple[str, ...]
    plan: tuple[str, ...]
    apply: tuple[str, ...]
    destroy: tuple[str, ...]
    plan_any: tuple[str, ...] = ()
    global_service: bool = False
