"""Resources of a document with the same address."""

from __future__ import annotations

import pytest

from laminar_codegen.ir.terraform import Block
from laminar_codegen.lower_terraform.document import check_addresses


def test_two_resources_with_the_same_address_are_refused() -> None:
    """JSON would keep one of them, without a word."""
    check_addresses([Block("aws_sqs_queue", "a", {}), Block("aws_sqs_queue", "b", {}), Block("aws_iam_role", "a", {})])
    with pytest.raises(ValueError, match=r"more than one resource has the address aws_sqs_queue\.a$"):
        check_addresses([Block("aws_sqs_queue", "a", {}), Block("aws_sqs_queue", "a", {"name": "x"})])
