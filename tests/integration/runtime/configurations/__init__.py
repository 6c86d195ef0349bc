"""Tests of the classes that configure flows and layers."""
