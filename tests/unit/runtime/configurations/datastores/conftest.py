"""What the tests of datastores ask for."""

from tests.support.aws_variables import home

__all__ = ["home"]
