"""The command ``laminar``: runs flows, and operates executions on this machine, in a rehearsal and on AWS."""
