"""What the tests of the compiler ask for."""

from tests.support.compiling import compiled, no_bytecode

__all__ = ["compiled", "no_bytecode"]
