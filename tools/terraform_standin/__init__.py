"""A stand-in for the AWS provider of Terraform, so that tests run real Terraform with no network.

It speaks Terraform's plugin protocol (version 6) and declares the arguments of a release of the AWS provider as
`schemas/` lists them, so an unknown argument or a wrong type is Terraform's own error. What is
applied goes through boto3 to an embedded AWS, never to a real one. README.md shows how to run it.

    installing   the mirror of providers and the configuration by which Terraform finds it
    serving      the process: handshake, certificate, gRPC server
    servicer     the protocol's calls, each a few lines over the engine
    engine       what create, read, update, delete and import do for any resource type
    planning     prior state + configuration -> planned state (pure)
    refreshing   known state + what AWS says -> new state (pure)
    shapes       Terraform's arguments <-> the members of an AWS operation
    declaration  the frozen values by which resources and data sources describe themselves
    registry     the one list of those descriptions
"""
