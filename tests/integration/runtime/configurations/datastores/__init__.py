"""Tests of the datastores against servers."""
