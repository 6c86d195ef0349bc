"""Tests of the compiler: each pass, its golden files, and the command."""
