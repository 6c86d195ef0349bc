"""Which arguments of resources and data sources are nested blocks.

In JSON a nested block is written as a map is, and the provider's schema tells the two apart
(https://developer.hashicorp.com/terraform/language/syntax/json#nested-block-mapping); in HCL the writer must know. The
tests hold this against the provider's schemas.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["Nested", "nested_blocks"]

#: The nested blocks of a block by name, each with those in it.
Nested = Mapping[str, "Nested"]

_CONDITIONS: Nested = {"precondition": {}, "postcondition": {}}

_NESTED: Mapping[str, Nested] = {
    "aws_batch_job_definition": {"retry_strategy": {"evaluate_on_exit": {}}, "timeout": {}},
    "aws_cloudwatch_event_target": {"retry_policy": {}},
    "aws_lambda_function": {"environment": {}, "ephemeral_storage": {}, "image_config": {}, "tracing_config": {}},
    "aws_scheduler_schedule": {
        "flexible_time_window": {},
        "target": {"dead_letter_config": {}, "retry_policy": {}},
    },
    "aws_sfn_state_machine": {
        "encryption_configuration": {},
        "logging_configuration": {},
        "timeouts": {},
        "tracing_configuration": {},
    },
}


def nested_blocks(kind: str) -> Nested:
    """Return the nested blocks of a resource or data source, Terraform's own among them.

    Args:
        kind: The type of the resource or data source.

    Example:
        >>> sorted(nested_blocks("aws_sfn_state_machine"))
        ['encryption_configuration', 'lifecycle', 'logging_configuration', 'timeouts', 'tracing_configuration']
    """
    return {**_NESTED.get(kind, {}), "lifecycle": _CONDITIONS}
