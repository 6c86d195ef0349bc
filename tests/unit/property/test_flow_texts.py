"""Every text that a user gives a flow is the same after Terraform evaluated the document, or the compiler refused it.

What a user writes: names, docstrings, commands, images, folders, variables of secrets and their ARNs, options of logs,
schedules, time zones, and the values of the document's variables. Of many flows each is a module in both syntaxes, and
one plan evaluates all of them.
"""

from __future__ import annotations

import inspect
import json
import keyword
import re
import shlex
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from laminar_codegen.checks.texts import fault_of
from laminar_codegen.frontend.loader import Source
from laminar_codegen.ir.graph import Graph
from laminar_codegen.pipeline import Compilation, compile_source
from laminar_codegen.problems import CompileError, Location, Problem
from laminar_codegen.problems.rules import LAM003
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.render.hcl import render_hcl
from laminar_codegen.render.terraform_json import render_document
from laminar_codegen.targets.aws_lambda.labels import task_functions
from laminar_codegen.targets.batch.labels import job_definitions
from laminar_codegen.targets.registry import functions_of
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Catch, Container, ForEach, Parameter, Retry
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.container_command import COMMAND
from laminar_runtime.exceptions import LaminarError
from tests.support.sizes import size
from tests.support.terraform_harness import Terraform, terraform_executable
from tools.terraform_standin.installing import install

WORDS = (
    "${",
    "%{",
    "{%",
    "%}",
    "$${",
    "{% $states.input %}",
    "${var.name}",
    "%{ if true }",
    "<<EOT",
    "\\n",
    "//",
    "/*",
)
RESERVED = ("for", "null", "true", "each", "count", "self", "var", "local", "data", "path", "terraform", "flow", "None")
PIECES = (
    st.sampled_from("$%{}\"'\\~# \n\r\t=a\u2028\u200d\U0001f469") | st.sampled_from(WORDS) | st.sampled_from(RESERVED)
)
ANY = st.lists(PIECES | st.characters(), max_size=6).map("".join)
TEXTS = ANY.map(lambda text: unicodedata.normalize("NFC", text)).filter(lambda text: fault_of(text) is None)
LONG = st.tuples(st.sampled_from(WORDS), st.integers(20, 60)).map(lambda drawn: drawn[0] * drawn[1])
#: A process cannot be given a NUL, nor can a shell's words hold one.
WHOLE = (TEXTS | LONG).filter(lambda text: text != "")
IDENTIFIERS = st.sampled_from((*RESERVED, *keyword.kwlist)) | st.from_regex(
    "[A-Za-z][A-Za-z0-9_]{0,45}", fullmatch=True
)
VARIABLES = IDENTIFIERS.filter(lambda name: not name.startswith(("AWS_BATCH", "LAMINAR_")))
SECRETS = st.sampled_from(["arn:aws:ssm:eu-west-1:123456789012:parameter/a/b.c-d_e"]) | TEXTS.map(
    lambda text: f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:a/b+c=d.e@f-g:{''.join(text.split(':'))}::"
).filter(lambda arn: arn.isprintable() and " " not in arn)
OPTIONS = st.dictionaries(WHOLE, TEXTS, max_size=3)
SCHEDULES = st.sampled_from(
    [
        ("cron(0 6 * * ? *)", "Europe/Berlin"),
        ("cron(*/5 0-6,8 ? JAN,mar 2#1 2026/2)", "UTC"),
        ("rate(5 minutes)", "UTC"),
    ]
)
REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/flow:"


@attrs.frozen
class Words:
    """What a user says of a layer.

    Args:
        summary: The first line of its docstring.
        command: The words of its command.
        image: The image.
        workdir: The working directory.
        secrets: Variables with the ARNs of their values.
        log_options: The options of the log driver.
        attribute: What a fan-out is over.
    """

    summary: str
    command: tuple[str, ...]
    image: str
    workdir: str
    secrets: Mapping[str, str]
    log_options: Mapping[str, str]
    attribute: str

    def container(self, *, on_lambda: bool = False) -> Container:
        """Return the container."""
        command = shlex.join(self.command)
        if on_lambda:
            return Container(command, image=f"{REPOSITORY}{self.image}", workdir=self.workdir)
        return Container(
            command, image=self.image, workdir=self.workdir, secrets=self.secrets, log_options=self.log_options
        )


WORDED = st.builds(
    Words,
    summary=TEXTS,
    command=st.lists(TEXTS, min_size=1, max_size=4).map(tuple).filter(lambda words: words != ("",)),
    # Other images are refused.
    image=WHOLE.filter(lambda text: len(text) < 180 and "//" not in text and re.fullmatch(r"\S+", text) is not None),
    workdir=WHOLE,
    secrets=st.dictionaries(VARIABLES, SECRETS, max_size=2),
    log_options=OPTIONS,
    attribute=WHOLE,
)


@attrs.frozen
class Given:
    """What a user says of a flow.

    Args:
        name: Its name.
        summary: The first line of its docstring.
        schedule: When it is started, and in which time zone.
        layers: What is said of its layers, by their names.
        tags: The values of the variable `tags`.
    """

    name: str
    summary: str
    schedule: tuple[str, str]
    layers: Mapping[str, Words]
    tags: Mapping[str, str]

    def compile(self) -> Compilation:
        """Compile a flow of which all that is said: layers on AWS Batch, and fan-outs on AWS Lambda, in turn."""
        scheduler = AWS.StepFunctions(schedule=self.schedule[0], timezone=self.schedule[1])
        flow = _class(self.name, Flow, self.summary)
        before = ""
        for place, (name, words) in enumerate(self.layers.items()):
            on_lambda = place % 2 == 1
            flow.register(
                container=words.container(on_lambda=on_lambda),
                foreach=ForEach([Parameter(before, words.attribute)]) if on_lambda else None,
                executor=executors.AWS.Lambda(timeout=60) if on_lambda else None,
                retry=Retry(attempts=2),
                catch=Catch(_class(words.attribute.replace("\0", "") or "E", ValueError, words.summary)),
            )(_class(name, Layer, words.summary, __call__=_after(before)))
            before = name
        return compile_source(Source(flow(scheduler=scheduler), Path("flow.py"), "flow.py"))


def _after(before: str) -> Any:
    """Return a method that depends on a layer, if there is one."""

    def first(self: Any) -> None: ...

    def after(self: Any, before: Any) -> None: ...

    after.__annotations__ = {"before": before, "return": None}
    return after if before else first


def _class(name: str, base: type[Any], summary: str, **fields: Any) -> Any:
    made: Any = type(name, (base,), {"__module__": __name__, **fields})
    # Python takes no surrogates in the docstring of a class that it makes.
    made.__doc__ = summary
    return made


LAYERS = st.dictionaries(IDENTIFIERS.filter(lambda name: name != "Parameters"), WORDED, min_size=2, max_size=4)
GIVEN = st.builds(
    Given,
    name=IDENTIFIERS.filter(lambda name: name.lower() != "parameters"),
    summary=TEXTS,
    schedule=SCHEDULES,
    layers=LAYERS,
    tags=st.dictionaries(WHOLE, TEXTS, max_size=3),
)

#: The output of a module with what it evaluated. All of it is known when it is planned.
_PROBE = """\
output "found" {
  value = {
    flow      = local.flow
    name      = var.name
    comment   = local.definition.Comment
    states    = { for name, state in local.definition.States : name => try(state.Comment, "") }
    jobs      = { for name, state in local.definition.States : name => try(state.Arguments.JobName, "") }
    inner = {
      for name, state in local.definition.States : name => try(values(state.ItemProcessor.States)[0].Comment, "")
    }
    containers = local.containers
    schedule  = [
      aws_scheduler_schedule.flow.schedule_expression, aws_scheduler_schedule.flow.schedule_expression_timezone,
    ]
    tags      = aws_sfn_state_machine.flow.tags
    functions = { %s }
  }
}
"""
_FUNCTION = """\
    {0} = {{
      image       = aws_lambda_function.{0}.image_uri
      folder      = aws_lambda_function.{0}.image_config[0].working_directory
      environment = aws_lambda_function.{0}.environment[0].variables
    }}
"""
_ARN = "arn:aws:iam::123456789012:role/given"


def summary_of(text: str) -> str:
    """Return what the compiler takes of a docstring: its first line."""
    return inspect.cleandoc(text).partition("\n")[0].strip() if text else ""


@attrs.frozen
class Account:
    """Where plans are made."""

    mirror: Path
    environment: Mapping[str, str]

    def evaluate(self, flows: list[tuple[Given, Compilation]]) -> Iterator[dict[str, Any]]:
        """Yield what Terraform makes of the documents of some flows: of each in JSON, then in HCL."""
        root: dict[str, Any] = {"module": {}, "output": {}, "variable": {}}
        given_: dict[str, Any] = {}
        with tempfile.TemporaryDirectory() as folder:
            for place, (one, compilation) in enumerate(flows):
                texts = {
                    "main.tf.json": render_document(compilation.document),
                    "main.tf": render_hcl(compilation.document),
                }
                for file, text in texts.items():
                    module = f"{'hcl' if file == 'main.tf' else 'json'}_{place}"
                    Path(folder, module).mkdir()
                    Path(folder, module, file).write_text(text, encoding="utf-8")
                    labels = [function.label for function in functions_of(compilation.deployment.resources)]
                    probe = _PROBE % "".join(map(_FUNCTION.format, labels))
                    Path(folder, module, "probe.tf").write_text(probe, encoding="utf-8")
                    root["variable"][module] = {"type": "map(string)"}
                    given_[module] = one.tags
                    root["module"][module] = {
                        "source": f"./{module}",
                        "tags": f"${{var.{module}}}",
                        **_variables(compilation),
                    }
                    root["output"][module] = {"value": f"${{module.{module}.found}}"}
            Path(folder, "main.tf.json").write_text(json.dumps(root), encoding="utf-8")
            # In this file Terraform takes every string as it is.
            Path(folder, "terraform.tfvars.json").write_text(json.dumps(given_), encoding="utf-8")
            terraform = Terraform(Path(folder), self.mirror, self.environment)
            terraform.init()
            outputs = terraform.plan().document["planned_values"]["outputs"]
            for place in range(len(flows)):
                for syntax in ("json", "hcl"):
                    yield outputs[f"{syntax}_{place}"]["value"]


def _variables(compilation: Compilation) -> dict[str, Any]:
    """Return the values of a document's other variables, roles among them so that all ARNs are known."""
    queue = "arn:aws:batch:us-east-1:123456789012:job-queue/q"
    known: dict[str, Any] = {"datastore_root": "s3://team-artifacts/flows", "image": f"{REPOSITORY}1"}
    # The bucket is not there: nothing is deployed.
    known["check_datastore_region"] = False
    given_ = {}
    for variable in compilation.document.variables:
        if variable.name in known:
            given_[variable.name] = known[variable.name]
        elif variable.name.endswith("_role_arn"):
            given_[variable.name] = _ARN
        elif variable.name.endswith("job_queue_arn"):
            given_[variable.name] = queue
    return given_


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    terraform_executable()
    mirror = install(tmp_path_factory.mktemp("mirror"))
    with EmbeddedAws(workspace=Workspace(directory=tmp_path_factory.mktemp("image"))) as aws:
        yield Account(mirror, {**aws.environment})


def expect(one: Given, graph: Graph, found: Mapping[str, Any]) -> None:
    """Assert that what Terraform evaluated is what the user said."""
    assert (found["flow"], found["name"]) == (one.name, one.name)
    assert found["comment"] == summary_of(one.summary) or not summary_of(one.summary)
    assert tuple(found["schedule"]) == one.schedule
    assert found["tags"] == one.tags
    jobs, functions = job_definitions(graph), task_functions(graph)
    for place, (name, words) in enumerate(one.layers.items()):
        node = next(layer for layer in graph.layers if layer.name == name)
        summary = summary_of(words.summary)
        if place % 2:
            function = found["functions"][functions[name]]
            assert found["inner"][f"{name} splits"] == summary
            assert function["image"] == f"{REPOSITORY}{words.image}"
            assert function["folder"] == (words.workdir.rstrip("/") or "/")
            assert shlex.split(function["environment"][COMMAND]) == list(words.command)
            assert function["environment"]["LAMINAR_FLOW_NAME"] == one.name
            continue
        container = found["containers"][jobs[node.placement]]
        assert (found["states"][name], found["jobs"][name]) == (summary, f"{one.name}-{name}")
        assert container["image"] == words.image
        assert container["command"][-len(words.command) :] == list(words.command)
        assert container["command"][3] == (words.workdir.rstrip("/") or "/")
        assert {item["name"]: item["valueFrom"] for item in container.get("secrets", [])} == words.secrets
        options = container["logConfiguration"]["options"]
        assert {key: value for key, value in options.items() if key in words.log_options} == words.log_options


TRICKY = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:a:${x}"%{\\::'
PLAIN = Words("", ("python", "main.py"), "flow:1", "/app", {}, {}, "item")


@pytest.mark.e2e
@settings(max_examples=4, phases=[Phase.explicit, Phase.generate])
@given(st.lists(GIVEN, min_size=2, max_size=3))
@example(
    [
        Given(
            "null", "${var.name}", ("rate(1 hour)", "UTC"), {"for": PLAIN, "each": PLAIN, "count": PLAIN}, {"//": "${"}
        ),
        Given(
            "F" * 46,
            "{% $states.input %}",
            ("cron(0 6 ? * MON-FRI *)", "America/Argentina/Buenos_Aires"),
            {
                "L" * 64: Words("${" * 300, ("a\n'\"\\", "%{"), "%{x}", "$\r\n", {"for": TRICKY}, {"": "${"}, "'"),
                "M" * 64: Words("%}", ("", "${"), "{%", "\\${", {}, {}, '"'),
            },
            {"${": "%{", "for": '"\\\n'},
        ),
    ]
)
def test_terraform_keeps_what_the_user_said(account: Account, flows: list[Given]) -> None:
    """What was compiled is evaluated to the texts that the user gave, in JSON and in HCL."""
    compiled = [(one, one.compile()) for one in flows]
    found = account.evaluate(compiled)
    for one, compilation in compiled:
        for _ in ("json", "hcl"):
            expect(one, compilation.graphs[0], next(found))


def tried(one: Given) -> tuple[Compilation | None, tuple[Problem, ...]]:
    """Return the document of a flow, or its problems."""
    try:
        return one.compile(), ()
    except CompileError as error:
        return None, error.problems
    except LaminarError as error:
        return None, (Problem(Location("flow.py"), LAM003, str(error), "as it says"),)


WILD = ANY.filter(lambda text: "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text))
WILD_NAMES = WILD | IDENTIFIERS | st.sampled_from(["A" * 200, "a'b", "{% x %}", "${x}", "", "Parameters"])


@settings(max_examples=size(50, full=500))
@given(
    name=WILD_NAMES,
    layers=st.dictionaries(
        WILD_NAMES,
        st.builds(
            Words,
            summary=ANY,
            command=st.lists(ANY, max_size=3).map(tuple),
            image=ANY,
            workdir=ANY,
            secrets=st.dictionaries(ANY | VARIABLES, ANY | SECRETS, max_size=1),
            log_options=st.dictionaries(ANY, ANY, max_size=2),
            attribute=WILD,
        ),
        min_size=1,
        max_size=2,
    ),
    summary=ANY,
    schedule=st.tuples(ANY, ANY) | SCHEDULES,
)
def test_what_is_not_kept_is_refused(
    name: str, layers: dict[str, Words], summary: str, schedule: tuple[str, str]
) -> None:
    """Whatever texts a flow has, the compiler takes them, or says where they are, what is wrong and how to mend it."""
    compilation, problems = tried(Given(name, summary, schedule, layers, {}))
    if compilation is None:
        assert problems
        assert all(re.fullmatch("LAM[0-9]{3}", item.code) and item.what and item.fix for item in problems)
        return
    document = render_document(compilation.document)
    assert json.loads(document)["locals"]["flow"] == name
    assert re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name)
    assert all(re.fullmatch("[A-Za-z0-9_]+", layer) for layer in layers)
    for text in (name, summary_of(summary), *schedule):
        assert fault_of(text) is None
    render_hcl(compilation.document).encode()
