"""Terraform documents in JSON, deployed to an account by calls of its API, as ``terraform apply`` deploys them.

Before: the text of ``main.tf.json``. After: each resource that it declares.

::

    configuration                      files -> blocks: resources, data sources, variables, locals, outputs
    given, types                       the values of variables
    order                              blocks -> a sequence, each after what it refers to
    deploying                          the sequence -> resources
    texts                              files -> their text
    scanning, parsing, syntax          the text of an expression -> an expression
    values, functions, evaluation      an expression, and what its names stand for -> a value
    kinds, requests, resources/        a resource -> calls of the API
    data_sources, policy_document      what is read, and not made

It knows nothing of flows, nor of the embedded AWS: it gets clients. What it does not understand it never passes by: an
expression is an error, and a type of resources or an argument is a warning that names its place.
"""
