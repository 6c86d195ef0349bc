"""What is compiled is applied and destroyed by real Terraform, and means the same to it as HCL as it does as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from laminar_codegen.ir.terraform import Document, Nested
from laminar_codegen.policies.deployer import deployer_policies
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.render.hcl import render_hcl
from laminar_codegen.render.split_document import FILES, render_module
from laminar_codegen.render.terraform_json import render_document
from laminar_codegen.targets.registry import calls_of_kinds
from tests.e2e.conftest import provide
from tests.support.aws_contents import account_contents, assert_made
from tests.support.golden import CASES, compilation_of, document_of
from tests.support.terraform_harness import RELEASE, Terraform, fake_aws, serving_provider
from tools.terraform_standin.account import CALLS_VARIABLE
from tools.terraform_standin.installing import NEWEST, install

ROOT = Path(__file__).parents[2]
#: Terraform's own resource has no nested blocks: https://developer.hashicorp.com/terraform/language/resources/terraform-data
TERRAFORMS_OWN: dict[str, Any] = {"terraform_data": {}}
SCHEMA = json.loads((ROOT / "tools" / "terraform_standin" / "schemas" / f"{RELEASE}.json").read_text(encoding="utf-8"))


#: Calls that the stand-in makes and the real provider does not: it takes the tags from what describes the resource.
OWN_CALLS = {"batch:ListTagsForResource", "iam:ListRoleTags"}


@attrs.frozen
class Account:
    """An account that documents are applied to."""

    aws: EmbeddedAws
    variables: dict[str, Any]
    environment: dict[str, str]
    mirror: Path
    calls: Path

    def new_actions(self) -> set[str]:
        """Return the actions that the provider has called since this was asked last."""
        actions = {_spell(line) for line in self.calls.read_text(encoding="utf-8").splitlines()} - OWN_CALLS
        self.calls.write_text("", encoding="utf-8")
        return actions

    def terraform(self, folder: Path, files: Mapping[str, str]) -> Terraform:
        """Terraform beside some files, and nothing but these."""
        folder.mkdir(exist_ok=True)
        for file in folder.glob("*.tf*"):
            if not file.name.startswith("terraform.tfstate"):
                file.unlink()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        return Terraform(folder, self.mirror, self.environment)

    def given(self, document: Document, name: str) -> dict[str, Any]:
        """Return the variables that a document needs."""
        needed = [variable.name for variable in document.variables if variable.default is None]
        queue = self.variables["job_queue_arn"]
        given = {name: queue if name.endswith("job_queue_arn") else self.variables[name] for name in needed}
        return {**given, "name": name}


def _spell(call: str) -> str:
    """Return the action of a call.

    Lambda's operations have a date in their names. HeadBucket has no action of its own:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
    """
    service, _, operation = call.partition(":")
    action = f"{service}:{re.sub('[0-9]{8}(v2)?$', '', operation)}"
    return {"s3:HeadBucket": "s3:ListBucket"}.get(action, action)


@pytest.fixture(scope="module")
def account(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    workspace = Workspace(directory=tmp_path_factory.mktemp("image"))
    calls = tmp_path_factory.mktemp("calls") / "calls.txt"
    calls.touch()
    with (
        EmbeddedAws(workspace=workspace) as aws,
        serving_provider({**aws.environment, CALLS_VARIABLE: str(calls)}) as environment,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in aws.environment.items():
            patch.setenv(name, value)
        topic = {"on_call_topic": "arn:aws:sns:us-east-1:123456789012:on-call"}
        yield Account(aws, provide(aws) | topic, environment, mirror, calls)


def assert_valid(terraform: Terraform) -> None:
    """By the schemas of the AWS provider, without a warning."""
    answer = terraform.validate()
    assert (answer["valid"], answer["diagnostics"]) == (True, [])


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    """Terraform with the newest release of the provider, in an empty folder."""
    folder = tmp_path_factory.mktemp("newest")
    mirror = install(folder / "mirror", NEWEST)
    with serving_provider(fake_aws("http://127.0.0.1:9"), NEWEST) as environment:
        yield Terraform(folder, mirror, environment)


def test_valid_by_the_newest(newest: Terraform) -> None:
    """Each document is valid by the schemas of the newest release of the provider, too."""
    initialized = False
    for case in CASES:
        (newest.directory / "main.tf.json").write_text(render_document(compilation_of(case).document), encoding="utf-8")
        if not initialized:
            newest.init()
            initialized = True
        assert_valid(newest)


@pytest.mark.parametrize("case", CASES)
def test_life_cycle(case: str, tmp_path: Path, account: Account) -> None:
    """A document is valid, is applied as planned and stays so, in HCL too, and leaves nothing when it is destroyed."""
    compilation = compilation_of(case)
    document = compilation.document
    given, before = account.given(document, case), account_contents(account.aws)
    policies = deployer_policies(document, compilation.deployment, calls_of_kinds())
    granted = {phase: _actions(policy) for phase, policy in policies.items()}
    as_json = {"main.tf.json": render_document(document)}
    terraform = account.terraform(tmp_path, as_json)
    terraform.init()
    assert_valid(terraform)
    account.new_actions()
    planned = terraform.plan(**given)
    assert account.new_actions() <= granted["plan"]
    # Of one block there is a resource for each layer.
    made = len(document.resources) - 1 + len(document.locals["layers"])
    assert [change.actions for change in planned.changes] == [("create",)] * made
    terraform.apply_plan()
    assert account.new_actions() <= granted["plan"] | granted["apply"]
    assert len(terraform.state()) == made + len(document.data)
    assert_made(terraform.state(), before, account_contents(account.aws))
    plan = terraform.plan(**given)
    assert (plan.changes, plan.empty) == ((), True)
    written = [{"main.tf": render_hcl(document)}]
    if case == "one_layer":
        # Modules are of the same texts as the whole document, as another test shows.
        written += [render_module(document, "hcl"), render_module(document, "terraform")]
    for files in written:
        terraform = account.terraform(tmp_path, files)
        if case == "one_layer":
            assert_valid(terraform)  # of the others the plan would fail
        plan = terraform.plan(**given)
        assert (plan.changes, plan.empty) == ((), True)
    assert account.new_actions() <= granted["plan"]
    terraform.destroy(**given)
    assert account.new_actions() <= granted["plan"] | granted["destroy"]
    assert terraform.state() == []
    assert account_contents(account.aws) == before


def _actions(policy: Mapping[str, Any]) -> set[str]:
    return {action for statement in policy["Statement"] for action in statement["Action"]}


def test_an_unknown_argument_is_not_valid(tmp_path: Path, account: Account) -> None:
    """The check can fail, in both syntaxes: an argument that the provider does not have is an error."""
    document = compilation_of("one_layer").document
    spoiled = json.loads(render_document(document))
    spoiled["resource"]["aws_sfn_state_machine"]["flow"]["colour"] = "green"
    block = 'resource "aws_sfn_state_machine" "flow" {'
    text = render_hcl(document)
    assert text.count(block) == 1
    for files in (
        {"main.tf.json": json.dumps(spoiled, indent=2)},
        {"main.tf": text.replace(block, f'{block}\n  colour = "green"')},
    ):
        terraform = account.terraform(tmp_path, files)
        terraform.init()
        answer = terraform.validate()
        assert answer["valid"] is False
        assert "colour" in json.dumps(answer["diagnostics"])


def test_another_document_is_a_change(tmp_path: Path, account: Account) -> None:
    """The comparison can fail: one character of a container's command is a change."""
    document = compilation_of("one_layer").document
    text, given = render_hcl(document), account.given(document, "other")
    terraform = account.terraform(tmp_path, {"main.tf": text})
    terraform.init()
    terraform.apply(**given)
    assert text.count('"main.py"') == 1
    changes = account.terraform(tmp_path, {"main.tf": text.replace('"main.py"', '"mein.py"')}).plan(**given).changes
    assert "aws_batch_job_definition.fargate" in [change.address for change in changes]


@pytest.mark.parametrize("case", CASES)
def test_terraform_would_lay_it_out_so(case: str, tmp_path: Path, mirror: Path) -> None:
    """`terraform fmt` has nothing to change, in the whole document and in the files of modules."""
    document = compilation_of(case).document
    split = render_module(document, "hcl")
    for name, text in {"whole.tf": render_hcl(document), **split}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert Terraform(tmp_path, mirror, {}).format_difference() == ""


def test_what_is_laid_out_otherwise_is_found(tmp_path: Path, mirror: Path) -> None:
    """The check of the layout can fail: equals signs out of line are not what `terraform fmt` writes."""
    text = render_hcl(compilation_of("one_layer").document)
    assert "type        = string" in text
    (tmp_path / "main.tf").write_text(text.replace("type        = string", "type = string", 1), encoding="utf-8")
    assert "+  type        = string" in Terraform(tmp_path, mirror, {}).format_difference()


@pytest.mark.parametrize("case", CASES)
def test_modules_are_of_the_same_parts(case: str) -> None:
    """A module holds each part of the document once, in the file that it belongs to."""
    document = compilation_of(case).document
    whole = json.loads(render_document(document))
    split = render_module(document, "terraform")
    assert tuple(split) == FILES["terraform"]
    parts = [json.loads(text) for name, text in split.items() if name.endswith(".json")]
    assert {key for part in parts for key in part} == set(whole) - {"terraform"}
    assert all(part[key] == whole[key] for part in parts for key in part)
    assert [sorted(part.keys() - {"//"}) for part in parts] == [
        ["data", "locals", "resource"],
        ["variable"],
        ["output"],
    ]
    module = render_module(document, "hcl")
    assert tuple(module) == FILES["hcl"]
    assert split["versions.tf"] == module["versions.tf"]
    comment, *blocks = render_hcl(document).rstrip().split("\n\n")
    texts = [text.rstrip().split("\n\n") for text in module.values()]
    assert all(first == comment for first, *_ in texts)
    assert sorted(blocks) == sorted(block for _, *rest in texts for block in rest)


def block_types(kind: str, name: str) -> dict[str, Any]:
    """Return the nested blocks of a resource or data source by the provider's schema."""
    known = {**SCHEMA[kind], **TERRAFORMS_OWN}
    found: dict[str, Any] = known[name].get("block_types", {})
    return found


def assert_nested(body: Mapping[str, Any], nested: Nested, schema: Mapping[str, Any], place: str) -> None:
    """Assert that the nested blocks are those of the schema."""
    written = {name: contents(value) for name, value in body.items()}
    for name, repeated in body.get("dynamic", {}).items():
        written[name] = [*written.get(name, []), *(item["content"] for item in contents(repeated))]
    used = {name for name in written if name in schema}
    assert used == {name for name in written if name in nested and name != "lifecycle"}, place
    for name in used:
        for content in written[name]:
            inner = schema[name]["block"].get("block_types", {})
            assert_nested(content, nested[name], inner, f"{place}.{name}")


def contents(value: Any) -> list[Any]:
    """Return the contents of blocks of one name."""
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("case", CASES)
def test_nested_blocks_are_those_of_the_provider(case: str) -> None:
    """The nested blocks are those of the schemas of the AWS provider."""
    written, document = document_of(case), compilation_of(case).document
    assert document.resources
    for kind, blocks in (("data", document.data), ("resource", document.resources)):
        for block in blocks:
            body = written[kind][block.type][block.label]
            assert_nested(body, block.nested, block_types(kind, block.type), f"{block.type}.{block.label}")


def test_an_argument_that_is_no_block_is_found() -> None:
    """The check of nested blocks can fail, both ways."""
    schema = block_types("resource", "aws_sfn_state_machine")
    for body in ({"tracing_configuration": {}}, {"tags": {}}):
        with pytest.raises(AssertionError):
            assert_nested(body, {"tags": {}}, schema, "flow")
