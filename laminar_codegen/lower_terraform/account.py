"""Declares the place of a deployment: its account, partition and region, and checks that its inputs are there, too.

Terraform defers the reading of data sources wherever the module of a document depends on a resource with changes
(https://developer.hashicorp.com/terraform/language/data-sources#dependencies): all values made of them are then
unknown, and planned to change. So the document reads them once, and keeps the values in its state::

    data "aws_region" "current" {}

    resource "terraform_data" "place" {
      input = { region = data.aws_region.current.region }

      lifecycle {
        ignore_changes = [input]
      }
    }

    locals {
      region = terraform_data.place.input.region
    }

See ADR 19. An input in another region is an error at plan: it would fail in the middle of an apply, or of an execution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.placement import Queue
from laminar_codegen.ir.terraform import Block

__all__ = ["BUCKET", "PLACE", "READ", "emit_bucket", "emit_place", "local_values", "place_arguments"]

PLACE = "terraform_data.place.input"
_REGION = Ref("self.input.region")
_READ = {
    "account_id": Ref("data.aws_caller_identity.current.account_id"),
    "partition": Ref("data.aws_partition.current.partition"),
    "region": Ref("data.aws_region.current.region"),
}

#: The data sources with the place of the provider.
READ = tuple(Block(kind, "current", {}) for kind in ("aws_caller_identity", "aws_partition", "aws_region"))

BUCKET = "aws_s3_bucket"


def local_values() -> dict[str, Value]:
    """Return the account, the partition and the region of the deployment, as local values."""
    return {name: Ref(f"{PLACE}.{name}") for name in _READ}


def emit_place(queues: Sequence[Queue]) -> Block:
    """Emit the resource that keeps the account, the partition and the region of the deployment.

    Args:
        queues: The job queues, which must be in this region.
    """
    in_region = [
        _condition(
            f'try(split(":", var.{queue.variable})[3], self.input.region) == self.input.region',
            f"The job queue {queue.variable} must be in the region of the deployment, ",
            _REGION,
            ": Step Functions submits jobs to no other.",
        )
        for queue in queues
    ]
    return Block("terraform_data", "place", place_arguments(_READ, in_region))


def place_arguments(read: Mapping[str, Ref], conditions: Sequence[Mapping[str, Value]] = ()) -> dict[str, Value]:
    """Return the arguments of the resource that keeps the place of the deployment.

    Args:
        read: The values to keep, by name; they include the account and the region.
        conditions: Further conditions that must hold.
    """
    moved = _condition(
        " && ".join(f"self.input.{name} == {source.expression}" for name, source in read.items()),
        "The deployment is in ",
        _REGION,
        " of account ",
        Ref("self.input.account_id"),
        ", and the provider is not. Deploy it there under a state of its own, or have it move by "
        "terraform apply -replace with the address of this terraform_data.place.",
    )
    return {
        "input": dict(read),
        "lifecycle": {"ignore_changes": ["input"], "postcondition": [moved, *conditions]},
    }


def emit_bucket() -> Block:
    """Emit the data source that looks up the datastore's bucket, and refuses one of another region.

    https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
    """
    # Not the kept values: they do not exist when Terraform plans for the first time.
    region = _READ["region"]
    checked = _condition(
        f"self.bucket_region == {region.expression}",
        "The datastore's bucket is in ",
        Ref("self.bucket_region"),
        ", and the deployment in ",
        region,
        ": Step Functions reads and writes no bucket of another region.",
    )
    return Block(
        BUCKET,
        "datastore",
        {
            "count": Ref("var.check_datastore_region ? 1 : 0"),
            "bucket": Ref("local.datastore_bucket"),
            "lifecycle": {"postcondition": checked},
        },
    )


def _condition(condition: str, *message: str | Ref) -> dict[str, Value]:
    return {"condition": Ref(condition), "error_message": Joined(*message)}
