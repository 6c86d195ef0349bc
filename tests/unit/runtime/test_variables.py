"""Variables: their names, and their values on this machine."""

from __future__ import annotations

import pytest

from laminar_runtime import Variable
from laminar_runtime.configurations.layers import Container
from laminar_runtime.exceptions import FlowError, LayerError
from laminar_runtime.variables import text_of, texts_of


def test_the_value_is_of_the_environment_or_else_the_default() -> None:
    """The environment wins over the default, also with an empty text. Plain text stays as it is."""
    stage = Variable("stage", description="The stage.", default="dev")
    assert text_of(stage, {}) == "dev"
    assert text_of(stage, {"TF_VAR_stage": "prod"}) == "prod"
    assert text_of(stage, {"TF_VAR_stage": ""}) == ""
    assert text_of("plain", {}) == "plain"


def test_a_missing_value_is_an_error_that_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """All missing values of a map are named at once."""
    monkeypatch.delenv("TF_VAR_token", raising=False)
    with pytest.raises(FlowError, match=r"'token' has no value .* set the environment variable TF_VAR_token"):
        text_of(Variable("token"))
    monkeypatch.setenv("TF_VAR_token", "set")
    assert text_of(Variable("token")) == "set"
    with pytest.raises(FlowError) as error:
        texts_of({"A": Variable("one"), "B": Variable("two"), "C": "text"}, {})
    assert "TF_VAR_one" in str(error.value)
    assert "TF_VAR_two" in str(error.value)


@pytest.mark.parametrize("name", ["", "1st", "-a", "with space", "größe", "a.b", None, "count", "source"])
def test_names_that_terraform_refuses_are_refused(name: str) -> None:
    """Terraform has rules for names, and keeps some for itself."""
    with pytest.raises(FlowError, match=r"a Variable cannot have the name"):
        Variable(name)


def test_arguments_must_be_text() -> None:
    """A default that is no text would be of another type in Terraform."""
    with pytest.raises(FlowError, match="the default of a Variable must be text or None, not 3"):
        Variable("n", default=3)  # type: ignore[arg-type]
    with pytest.raises(FlowError, match="the description of a Variable must be text, not None"):
        Variable("n", description=None)  # type: ignore[arg-type]


def test_a_variable_is_no_part_of_a_text() -> None:
    """Its value is not known where the flow is declared, and a text with its name in it is never meant."""
    with pytest.raises(FlowError, match="'bucket' cannot be a part of a text"):
        f"s3://{Variable('bucket')}"


def test_a_field_of_numbers_takes_no_variable() -> None:
    """Only text is variable."""
    assert Container(image=Variable("image_of_model")).image == Variable("image_of_model")
    with pytest.raises(LayerError, match="the memory of a Container must be of type int"):
        Container(memory=Variable("memory"))  # type: ignore[arg-type]
