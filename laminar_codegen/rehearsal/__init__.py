"""The compiled flow, run here: on an embedded AWS, with every job a process of this machine.

``laminar-codegen rehearse flow.py`` compiles a flow, deploys it to an AWS in this process and runs an execution. The
extra ``local`` installs what it needs. Nothing of the compiler imports this folder: the command finds it by the entry
point ``rehearse`` of the group ``laminar_codegen.commands``.

::

    testing                  the fixture that rehearses flows in tests with pytest
    command, arguments       the command, from the words of its call to the exit code
    subject                  what the words name: a flow, and the documents that deploy it
    deploy                   documents in JSON, deployed to the embedded AWS
    through_terraform        documents in HCL, and calls of modules: deployed by Terraform itself
    document/                Terraform documents in JSON, deployed as Terraform deploys them
    image                    what stands in for the container image: the folder in which jobs run
    progress, printed        what is shown while it runs: a line for each layer, and what tasks print
    results, summary         what is shown, and saved, of the artifacts at the end; what the execution took
    kept                     an embedded AWS that stays, and how others reach it
    aws/                     AWS in this process: a moto server, with jobs and functions that really run
    simulated/               services in virtual time, for plans and benchmarks
    asl/                     the Amazon States Language: what a definition says and how it is interpreted
    permissions/             the policies of roles, and the decision on each call
    credentials              credentials that are made at random for one rehearsal
    batch_requests           SubmitJob as AWS Batch reads it
    api_models               botocore's models of AWS's APIs, each of which is read once
    constraints              requests, held against botocore's model of their operation
"""
