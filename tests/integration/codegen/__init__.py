"""Tests of the compiler as a command, and of the embedded AWS."""
