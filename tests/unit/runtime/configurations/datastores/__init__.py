"""Tests of the datastores."""
