"""Errors as Terraform diagnostics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from tf.gen import tfplugin_pb2 as pb

from tools.terraform_standin.errors import StandInError


@contextmanager
def reporting(diagnostics: Any, doing: str) -> Iterator[None]:
    """Turn an error of AWS, of boto3 or of the stand-in into a diagnostic of the response.

    Any other exception is a mistake in the stand-in and goes on to gRPC, which shows it to
    Terraform.
    """
    try:
        yield
    except (StandInError, ClientError, BotoCoreError, ResponseParserError) as error:
        diagnostics.append(
            pb.Diagnostic(
                severity=pb.Diagnostic.ERROR,
                summary=f"{doing}: {type(error).__name__}",
                detail=str(error),
            )
        )


def warn(diagnostics: Any, warnings: Iterable[str]) -> None:
    """Add warnings to a response."""
    for warning in warnings:
        diagnostics.append(pb.Diagnostic(severity=pb.Diagnostic.WARNING, summary=warning))
