"""The arguments of resources and data sources that are nested blocks.

In JSON a nested block looks like a map, and Terraform knows the difference from the provider's schema
(https://developer.hashicorp.com/terraform/language/syntax/json#nested-block-mapping). In HCL the writer must know.
Tests compare this table with the provider's schemas.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["Nested", "nested_blocks"]

#: The nested blocks of a block by name, each with its own nested blocks.
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
    """Return the nested blocks of a resource or data source, including those that Terraform itself reads.

    Args:
        kind: The type of the resource or data source.

    Example:
        >>> sorted(nested_blocks("aws_sfn_state_machine"))
        ['encryption_configuration', 'lifecycle', 'logging_configuration', 'timeouts', 'tracing_configuration']
    """
    return {**_NESTED.get(kind, {}), "lifecycle": _CONDITIONS}
