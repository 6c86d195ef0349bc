"""The compiled flow, run here: on an embedded AWS, with every job a process of this machine.

``laminar-codegen rehearse flow.py`` compiles a flow, deploys it to an AWS in this process and runs an execution. The
extra ``local`` installs what it needs. Nothing of the compiler imports this folder: the command finds it by the entry
point ``rehearse`` of the group ``laminar_codegen.commands``.

::

    command                  the command, from the words of its call to the exit code
    deploy                   the calls by which a compiled flow is deployed to the embedded AWS
    document/                Terraform documents in JSON, deployed as Terraform deploys them
    image                    what stands in for the container image: the folder in which jobs run
    progress, printed        what is shown while it runs: a line for each layer, and what tasks print
    results                  what is shown, and saved, of the artifacts at the end
    embedded_aws/            AWS in this process: a moto server, with jobs and functions that really run
    replay/                  an interpreter of state machines in virtual time, for plans and benchmarks
    query_language           JSONata as Step Functions evaluates it, for both of them
    batch_requests           SubmitJob as AWS Batch reads it, for both of them

`embedded_aws` and `replay` do not import each other: each is the second opinion on the other.
"""
