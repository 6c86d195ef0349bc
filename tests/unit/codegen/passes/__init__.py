"""What the input of a case is, and how the output is printed: a runner for each module that has cases.

A module of this package has the runners of one room of the compiler.
"""
