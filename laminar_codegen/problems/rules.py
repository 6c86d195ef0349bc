"""The rules that a flow must keep: the only table of their codes. A code has one meaning in all releases.

A rule is a constant named after its code. A module that reports it imports the constant: mypy, and the import itself,
refuse a code that is not in the table. ``python -m tools.rules --write`` writes the reference page from it.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

__all__ = ["RULES", "UNUSED", "Rule"]


@attrs.frozen(order=True)
class Rule:
    """A rule.

    Args:
        code: Its code, the same in all releases, such as ``LAM010``.
        title: What is wrong, in a few words.
        cause: Why that is a problem.
        cure: How to fix it.
        warning: Whether the flow compiles all the same.

    Example:
        >>> print(LAM020.explanation())
        LAM020 the dependencies have a cycle
          why  No layer of a cycle can start first.
          fix  Remove one dependency.
    """

    code: str
    title: str
    cause: str
    cure: str
    warning: bool = False

    def explanation(self) -> str:
        """Return the rule as ``laminar-codegen check --explain`` prints it."""
        warning = "warning: " if self.warning else ""
        return f"{self.code} {warning}{self.title}\n  why  {self.cause}\n  fix  {self.cure}"


#: Codes that a rule had once, and that none will get again.
UNUSED = frozenset({"LAM022", "LAM041"})

# The file.
LAM001 = Rule(
    "LAM001",
    "the file is not found",
    "The compiler needs the Python file or module of a flow.",
    "Name an existing file.",
)
LAM002 = Rule("LAM002", "the file has a syntax error", "Python cannot read it.", "Fix the syntax error.")
LAM003 = Rule(
    "LAM003",
    "reading the file fails",
    "The compiler imports the file to find its flows, and that raises an exception.",
    "Install the modules that it imports, or move code that only a run needs into the layers.",
)
LAM004 = Rule("LAM004", "the file defines no flow with layers", "Nothing can be compiled.", "Register layers.")
LAM005 = Rule("LAM005", "the file has several flows", "One command compiles one flow.", "Choose one, as in FILE:FLOW.")
LAM006 = Rule("LAM006", "the file lacks the named flow", "FILE:FLOW names no flow of it.", "Choose a listed flow.")
# The graph.
LAM008 = Rule(
    "LAM008",
    "the file does not call its flow",
    "The default command of a container, python main.py, runs the file of the flow. It would run no layer.",
    "Make the flow at module level, and call it: if flow := MyFlow(): flow().",
    warning=True,
)
LAM007 = Rule("LAM007", "the flow has no layers", "It would do nothing.", "Register at least one layer.")
LAM010 = Rule(
    "LAM010",
    "a parameter has no type hint",
    "Hints name the layers that a layer depends on.",
    "Name the layer, as in `clean: Clean`.",
)
LAM011 = Rule(
    "LAM011", "a type hint is not defined", "The file has no such name.", "Define the layer, or correct the name."
)
LAM012 = Rule(
    "LAM012",
    "a dependency is not a layer of the flow",
    "A flow runs only the layers that are registered to it, and fills `Parameters` itself.",
    "Register the layer, or hint `Parameters`.",
)
LAM013 = Rule(
    "LAM013", "a type hint is not a layer", "Layers take other layers only.", "Name a layer, or use Parameters."
)
LAM014 = Rule(
    "LAM014",
    "a fan-out is over an unregistered layer",
    "The number of splits comes from a layer of the same flow.",
    "Register that layer.",
)
LAM015 = Rule(
    "LAM015",
    "a declared parameter cannot be checked",
    "Its type has no JSON form, its hint is not defined, or its default has another type.",
    "Use text, numbers, dates, enums, collections of these or a dataclass, and a default of that type.",
)
LAM016 = Rule(
    "LAM016",
    "a job cannot run several splits of a fan-out",
    "A function of AWS Lambda runs one split, and splits beside each other in a job would share its GPUs.",
    "Run the layer on AWS Batch, or drop splits_per_job or splits_at_once.",
)
LAM020 = Rule(
    "LAM020", "the dependencies have a cycle", "No layer of a cycle can start first.", "Remove one dependency."
)
LAM021 = Rule(
    "LAM021",
    "artifacts are kept in memory",
    "Containers do not share memory.",
    "Use datastores.Local() or datastores.AWS.S3().",
)
LAM060 = Rule("LAM060", "a layer has no __call__", "It would do nothing.", "Define __call__, or rename the method.")
LAM062 = Rule(
    "LAM062", "a parameter takes no positional argument", "Layers are passed by position.", "Remove the `*` before it."
)
# Names, commands, retries.
LAM024 = Rule(
    "LAM024",
    "a container has no valid command",
    "It is empty, or a quote is not closed.",
    "Write a command, or leave it out.",
)
LAM025 = Rule(
    "LAM025",
    "too many attempts of a fan-out",
    "AWS Batch retries the children of an array job at most nine times.",
    "Use fewer attempts.",
)
LAM026 = Rule(
    "LAM026",
    "a name is too long or has other characters",
    "Names of layers and flows are in names of AWS resources and in keys of objects.",
    "Use ASCII letters, digits and underscores, a letter first.",
)
LAM029 = Rule("LAM029", "a retry is out of range", "Step Functions limits attempts and delays.", "Use smaller numbers.")
LAM127 = Rule(
    "LAM127",
    "a retry has one attempt",
    "Nothing runs again, whatever Retry(on=..., delay=..., backoff=...) says: attempts is 1 by default.",
    "Say how many attempts there are: Retry(attempts=3, ...).",
    warning=True,
)
LAM045 = Rule(
    "LAM045",
    "Terraform would change a text",
    "Terraform normalizes Unicode: the deployed text would differ from the flow's.",
    "Use text in normal form C.",
)
LAM073 = Rule(
    "LAM073",
    "the time limit of a flow is out of range",
    "Step Functions counts whole seconds, and ends an execution after a year.",
    "Choose whole seconds in the range.",
)
LAM074 = Rule(
    "LAM074",
    "a setting of the deployment is not valid",
    "Step Functions has four levels of logs, IAM paths between slashes, and CloudWatch five actions by ARNs.",
    "Use a value that the message names.",
)
LAM075 = Rule(
    "LAM075",
    "an alarm for missing successes is not possible",
    "CloudWatch looks back seven days at most, and only a schedule says when executions should succeed.",
    "Give the flow a schedule, and use more seconds than its period, up to seven days.",
)
LAM078 = Rule(
    "LAM078",
    "a network has no effect",
    "Only functions of AWS Lambda are in it: jobs of AWS Batch are in the subnets of their compute environment.",
    "Leave it out, or run a layer or the planner on AWS Lambda.",
    warning=True,
)
# Sizes.
LAM028 = Rule(
    "LAM028", "a state machine is too large", "Step Functions limits the size of a definition.", "Split the flow."
)
LAM047 = Rule(
    "LAM047",
    "a container's settings are too long",
    "AWS limits the size of a job definition, and of the variables of a function.",
    "Move long values into a file of the image.",
)
LAM056 = Rule(
    "LAM056",
    "the policy of a role is too long",
    "IAM limits the policies of a role.",
    "Name fewer secrets and repositories.",
)
LAM057 = Rule(
    "LAM057",
    "a policy has patterns of names",
    "There are more secrets or repositories than a policy can name one by one.",
    "Review the statements, or name fewer.",
    warning=True,
)
# AWS Batch.
LAM023 = Rule("LAM023", "no Fargate size fits", "Fargate offers certain sizes only.", "Request less, or use EC2.")
LAM027 = Rule("LAM027", "a timeout is out of range", "AWS Batch limits timeouts of jobs.", "Choose one in the range.")
LAM031 = Rule("LAM031", "a GPU on Fargate", "Fargate has no GPUs.", "Run the layer on EC2.")
LAM032 = Rule(
    "LAM032",
    "two architectures share a job queue on EC2",
    "AWS Batch places jobs of a queue on any of its instances.",
    "Build for one architecture, or use Fargate for one of them.",
)
LAM033 = Rule(
    "LAM033",
    "the size of the disk is not offered",
    "Fargate and AWS Lambda offer a range; on EC2 the instances decide.",
    "Choose a size in the range, or leave ephemeral_storage out.",
)
LAM034 = Rule(
    "LAM034",
    "a log driver or its options are not valid",
    "Platforms have different log drivers.",
    "Choose a listed driver.",
)
LAM035 = Rule(
    "LAM035", "no size of EC2 jobs fits", "Jobs on EC2 have whole vCPUs.", "Request whole vCPUs, or use Fargate."
)
# AWS Lambda.
LAM036 = Rule("LAM036", "the memory is out of range", "AWS Lambda limits the memory of functions.", "Use AWS Batch.")
LAM037 = Rule(
    "LAM037", "the timeout is out of range", "AWS Lambda ends invocations after 15 minutes.", "Use AWS Batch."
)
LAM038 = Rule(
    "LAM038",
    "a function lacks an option",
    "Functions have no GPUs, spot capacity or secrets, and a file system only in a VPC and by an access point.",
    "Do what the message says, or use AWS Batch.",
)
LAM039 = Rule(
    "LAM039", "an image is not in Amazon ECR", "AWS Lambda accepts images of ECR only.", "Push the image to ECR."
)
LAM040 = Rule(
    "LAM040",
    "one image for two architectures",
    "AWS Lambda takes an image for one architecture only.",
    "Give one of the layers an image of its own.",
)
# Chains.
LAM042 = Rule(
    "LAM042",
    "a flow is in a chain twice",
    "Results of one execution would hide those of the other.",
    "Chain different flows.",
)
LAM043 = Rule(
    "LAM043", "the names of a chain are too long", "Resources are named after all of them.", "Shorten the names."
)
LAM046 = Rule(
    "LAM046", "two names of a chain collide", "Values of two flows would have one name.", "Rename one of the flows."
)
# Planning.
LAM030 = Rule(
    "LAM030",
    "the profile is not valid",
    "It holds seconds by flow and layer, and starts of jobs.",
    "Write it with laminar-codegen measure.",
)
LAM044 = Rule(
    "LAM044",
    "joins='auto' without durations",
    "It chooses between barriers and exact joins by durations.",
    "Give --profile FILE.",
)
LAM053 = Rule(
    "LAM053",
    "a layer cannot run item by item",
    "A split of a pipelined layer waits for one split only, and reads nothing else.",
    "Drop pipelined=True, or change the dependencies as the message says.",
)
LAM058 = Rule(
    "LAM058",
    "a target cannot limit the splits of a fan-out",
    "AWS Batch and AWS Lambda can; another target may not know max_concurrency.",
    "Run the layer on AWS Batch or AWS Lambda, or drop max_concurrency.",
)
LAM059 = Rule(
    "LAM059",
    "a limit of this machine has no effect on AWS",
    "The concurrency of an executor is for this machine; AWS Batch runs what its job queue has room for.",
    "Limit the splits of a layer everywhere: ForEach(..., max_concurrency=n).",
    warning=True,
)
# What containers request besides their sizes.
LAM090 = Rule(
    "LAM090",
    "a variable that the place of a task does not have",
    "AWS Batch drops empty variables; AWS Lambda reserves names, and its names begin with a letter.",
    "Rename the variable, or give it a value.",
)
LAM095 = Rule(
    "LAM095",
    "a volume that the place of a job does not have",
    "Fargate has no folders of instances, and file systems of Amazon EFS from platform version 1.4.0 on.",
    "Run the layer on EC2, or mount a file system.",
)
LAM096 = Rule(
    "LAM096",
    "a mount point that is not possible",
    "It would hide files that a task needs, or two volumes of a container have one mount point or one name.",
    "Choose another mount point or name.",
)
LAM097 = Rule(
    "LAM097",
    "volumes of one name differ",
    "A run on a machine, and a rehearsal, have one folder for each name.",
    "Give one of them another name.",
)
LAM099 = Rule(
    "LAM099",
    "a hook changes what a deployed task cannot override",
    "A job of AWS Batch overrides the command and the size of its container, and nothing else.",
    "Set the field where the layer is registered.",
    warning=True,
)
LAM098 = Rule(
    "LAM098",
    "a layer on AWS Lambda goes without what its flow's container has",
    "A function lacks what describes jobs of AWS Batch. What a layer itself asks for is refused (LAM038).",
    "Give it to the containers of the layers that need it.",
    warning=True,
)
LAM094 = Rule(
    "LAM094",
    "a job or a function has too many tags",
    "AWS Batch fails a job that has more than 50 tags together with its job definition. A function has at most 50.",
    "Use fewer tags.",
)
LAM093 = Rule(
    "LAM093",
    "a property that a job definition does not have",
    "It has members of ContainerProperties of the AWS Batch API, without those that other arguments set.",
    "Change the property as the message says.",
)
LAM092 = Rule(
    "LAM092",
    "AWS Batch cannot add capabilities of Linux",
    "A job definition has no member for them, in containerProperties or in ecsProperties.",
    "Leave them out, or use privileged=True on EC2.",
)
LAM091 = Rule(
    "LAM091",
    "the commands of a flow's layers differ",
    "A layer without a command of its own runs `python main.py`, and one that was forgotten does so in silence.",
    "Give the command to the flow: Flow(container=Container(command=...)).",
    warning=True,
)
# Variables.
LAM080 = Rule(
    "LAM080",
    "variables of one name differ",
    "The document declares a variable once, with one description and one default.",
    "Make one Variable, and use it in both places.",
)
LAM081 = Rule(
    "LAM081",
    "a variable has the name of one of the document's own",
    "A document declares a name once.",
    "Choose another name for the Variable.",
)
# Triggers.
LAM050 = Rule("LAM050", "a schedule is not valid", "EventBridge Scheduler refuses it.", "Write rate(), cron() or at().")
LAM076 = Rule(
    "LAM076",
    "a single start has a first or a last time",
    "EventBridge Scheduler ignores both beside at().",
    "Leave start and end out.",
)
LAM077 = Rule(
    "LAM077",
    "a time of a schedule is over",
    "EventBridge Scheduler refuses to make such a schedule, or it starts no execution any more.",
    "Choose a time to come, or leave it out.",
    warning=True,
)
LAM124 = Rule(
    "LAM124",
    "an alarm for missing successes is raised before the first start",
    "CloudWatch does not know when a schedule begins: without data such an alarm is raised.",
    "Add the alarm when the schedule has begun.",
    warning=True,
)
LAM051 = Rule(
    "LAM051", "an unknown time zone", "The name is not in the IANA database.", "Use a name like Europe/Berlin."
)
LAM052 = Rule(
    "LAM052",
    "a flow that follows another has a schedule",
    "The schedule of the first flow starts the whole chain.",
    "Give the schedule to the first flow.",
)
# The methods of layers, for `laminar-codegen check`.
LAM061 = Rule("LAM061", "a reserved name is assigned", "Layers use it themselves.", "Rename the artifact.")
LAM063 = Rule(
    "LAM063",
    "a fan-out is over an attribute that is never assigned",
    "There would be no splits.",
    "Shard it in that layer.",
)
LAM064 = Rule(
    "LAM064",
    "a fan-out has one split",
    "What it fans out over is assigned as a whole, and not sharded.",
    "Use self.shard().",
    warning=True,
)
LAM065 = Rule("LAM065", "an attribute is read and never assigned", "Reading it will fail.", "Assign it first.")
LAM066 = Rule(
    "LAM066", "an attribute of another layer is assigned", "It is not stored.", "Assign to self.", warning=True
)
LAM067 = Rule("LAM067", "a layer returns a value", "It is dropped.", "Assign it to self.", warning=True)
LAM068 = Rule(
    "LAM068",
    "a fan-out is read as a sequence",
    "With one split the attribute is the plain value.",
    "Read it with each().",
    warning=True,
)
LAM069 = Rule(
    "LAM069", "a layer has an __init__", "No task calls it.", "Set up in __call__ or in a hook.", warning=True
)
# The planner, and the network of functions.
LAM070 = Rule(
    "LAM070",
    "the planner has a size that AWS does not offer",
    "AWS Lambda has limits of memory, AWS Batch of virtual CPUs and memory.",
    "Request a size that the message names.",
)
LAM071 = Rule(
    "LAM071",
    "the planner has a timeout that AWS does not accept",
    "AWS Lambda stops a function after 900 seconds, AWS Batch takes 60 and more.",
    "Give the planner such a timeout.",
)
LAM072 = Rule(
    "LAM072",
    "the network of functions is not valid",
    "A function in a VPC has 1 to 16 subnets and 1 to 5 security groups.",
    "Name subnets and security groups by their ids.",
)
# Triggers.
LAM110 = Rule(
    "LAM110",
    "a trigger is not valid",
    "EventBridge refuses its name or its times, or two triggers of a flow have one name.",
    "Use values that the message names.",
)
LAM111 = Rule(
    "LAM111",
    "the parameters of a trigger are not valid",
    "They become parameters of the flow, and pass through EventBridge as JSON.",
    "Use JSON values and the placeholders of that trigger.",
)
LAM112 = Rule(
    "LAM112",
    "the pattern of a trigger is not valid",
    "EventBridge refuses it.",
    "Write lists of values and operators that EventBridge has.",
)
LAM082 = Rule(
    "LAM082",
    "pack='auto' without durations",
    "It chooses the layers that share jobs by durations.",
    "Give --profile FILE.",
)
# Placement.
LAM120 = Rule(
    "LAM120",
    "a role that layers name is not possible",
    "A role has one name, of limited length, and trusts one service.",
    "Choose a name as the message says.",
)
LAM121 = Rule(
    "LAM121",
    "layers of one job queue do not fit together",
    "A queue has one platform, and a fair-share policy or none.",
    "Give one of the layers another queue.",
)
LAM122 = Rule(
    "LAM122",
    "the failures of a retry cannot be distinguished",
    "AWS Batch decides by five rules; hooks that choose containers see each failure.",
    "Name fewer failures, or drop the hooks or `on`.",
)
LAM123 = Rule(
    "LAM123",
    "the default of a variable is not valid where it stands",
    "Terraform would refuse it, by the validation of the variable, in each environment that gives no other value.",
    "Give the variable a default that AWS accepts in its place, or none.",
)

#: All rules, by their codes.
RULES: Mapping[str, Rule] = {rule.code: rule for rule in tuple(globals().values()) if isinstance(rule, Rule)}
