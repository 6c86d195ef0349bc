"""Tests of the runtime, in processes and against servers."""
