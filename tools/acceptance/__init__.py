"""An acceptance run: the platform and three flows in an account of AWS, from the first plan to the last destroy.

account     the account: a real one that the environment names, or the embedded AWS with the stand-in provider
steps       what is done, in order; each step has a name, a time and an outcome
report      the report that can be attached to a bug report, without names of the account
flows       the flows that are run besides the example of the digits
"""
