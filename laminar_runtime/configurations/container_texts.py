"""The texts of a container that AWS has rules for: variables, secrets, tags and further properties."""

from __future__ import annotations

import re
from typing import Any

from laminar_runtime import _records
from laminar_runtime.configurations.validators import is_of
from laminar_runtime.exceptions import LayerError
from laminar_runtime.variables import Variable

__all__ = [
    "ENDS_LIKE_ARN",
    "SECRET",
    "SECRET_OPTIONS",
    "TAG_PREFIX",
    "USER",
    "check_credentials",
    "check_environment",
    "check_image",
    "check_properties",
    "check_secrets",
    "check_tags",
    "check_text_by_name",
    "check_user",
    "find_tag_flaw",
    "is_secret",
]

#: What names a secret: the ARN of a Secrets Manager secret, of one key or version of it, or of an SSM parameter, or its
#: name after its service; a pattern for Python and for Terraform.
#: https://docs.aws.amazon.com/batch/latest/userguide/specifying-sensitive-data.html
_OF_SECRET, _OF_PARAMETER = "[0-9A-Za-z_/+=.@-]+(:[^: ]*){0,3}", "[0-9A-Za-z_./-]+"
_PLACE = "[a-z0-9-]+:[0-9]{12}"
SECRET = (
    f"arn:aws[a-z-]*:(secretsmanager:{_PLACE}:secret:{_OF_SECRET}|ssm:{_PLACE}:parameter/{_OF_PARAMETER})"
    f"|secretsmanager:{_OF_SECRET}|ssm:{_OF_PARAMETER}"
)
#: A name that ends like the suffix which Secrets Manager adds to it in an ARN. It finds no secret by such a name:
#: https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
ENDS_LIKE_ARN = "secretsmanager:[^:]*-[0-9A-Za-z]{6}(:|$)"
#: The options of log drivers that are secrets, and never plain text.
SECRET_OPTIONS = frozenset({"splunk-token"})
#: What AWS accepts in the key and the value of a tag, and how much of it; and the prefix of the tags that jobs have.
_TAG, _TAG_LETTERS = r"[\w .:/=+\-@]+", "letters, digits, spaces and characters of .:/=+-@_"
_KEY_LENGTH, _TAG_LENGTH, TAG_PREFIX = 128, 256, "laminar:"
#: The most characters of an image, and the pattern of a user, who may have a group.
_IMAGE_LENGTH, USER = 255, r"[^:\s]+(:[^:\s]+)?"
_VARIABLE = r"(?!AWS_BATCH|LAMINAR_)[A-Za-z_][A-Za-z0-9_]*"


def is_secret(text: str) -> bool:
    """Return whether a text is the ARN of a secret, or its name after its service.

    Args:
        text: The text.
    """
    return text.isprintable() and re.fullmatch(SECRET, text) is not None


def check_text_by_name(instance: object, attribute: _records.Field, value: Any) -> None:
    """Validate that a value maps names to text. The error does not show the text: it may be a secret.

    Raises:
        LayerError: If it does not.
    """
    valid = isinstance(value, dict) and all(isinstance(name, str) for name in value)
    if not valid or not all(isinstance(text, (str, Variable)) for text in value.values()):
        msg = f"the {attribute.name} of a {type(instance).__name__} must map names to text, as in {{'NAME': 'text'}}"
        raise LayerError(msg)


def _check_variable(name: str, what: str) -> None:
    if not re.fullmatch(_VARIABLE, name):
        msg = (
            f"{what} of a Container cannot have the name {name!r}: use the name of an environment variable, of "
            "letters, digits and underscores, which does not begin with a digit, AWS_BATCH or LAMINAR_"
        )
        raise LayerError(msg)


def check_environment(instance: object, attribute: _records.Field, value: Any) -> None:
    """Validate that a value maps environment variables to text. The error does not show the text.

    Raises:
        LayerError: If it does not.
    """
    check_text_by_name(instance, attribute, value)
    for name, text in value.items():
        _check_variable(name, "a variable")
        if isinstance(text, str) and "\0" in text:
            raise LayerError(f"the variable {name!r} of a Container has a null character: no process can have it")


_of_text = is_of(str, Variable, type(None))


def check_image(instance: object, attribute: _records.Field, value: Any) -> None:
    """Validate that a value names an image, or is a variable whose default does.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html

    Raises:
        LayerError: If it does not.
    """
    _of_text(instance, attribute, value)
    image = value.default if isinstance(value, Variable) else value
    if image is not None and (len(image) > _IMAGE_LENGTH or "://" in image or not re.fullmatch(r"\S+", image)):
        msg = (
            f"the image of a Container must be named as in 'registry/report:1', without spaces and https://, with at "
            f"most {_IMAGE_LENGTH} characters, not {image!r}"
        )
        raise LayerError(msg)


def check_user(instance: object, attribute: _records.Field, value: Any) -> None:
    """Validate that a value is a user, and a group after a colon, or a variable of these.

    Raises:
        LayerError: If it is not.
    """
    _of_text(instance, attribute, value)
    if isinstance(value, str) and not re.fullmatch(USER, value):
        msg = f"the user of a Container must be a name or a number, and may have a group after a colon, not {value!r}"
        raise LayerError(msg)


def check_tags(instance: object, attribute: _records.Field, value: Any) -> None:
    """Validate that a value maps keys to texts that AWS accepts for tags.

    https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html

    Raises:
        LayerError: If it does not.
    """
    check_text_by_name(instance, attribute, value)
    for key, text in value.items():
        if flaw := find_tag_flaw(key, text, " of a Container"):
            raise LayerError(flaw)


def find_tag_flaw(key: str, text: Any, of: str = "") -> str:
    """Return why AWS, or this package, does not accept a tag; empty if both do.

    https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html

    Args:
        key: Its key.
        text: Its value; what is not a text, such as a `Variable`, is accepted.
        of: What has the tag, for the message.
    """
    if not re.fullmatch(_TAG, key) or len(key) > _KEY_LENGTH or key.lower().startswith("aws:"):
        return f"a tag{of} cannot have the key {key!r}: use at most {_KEY_LENGTH} {_TAG_LETTERS}, no 'aws:'"
    if key.startswith(TAG_PREFIX):
        return f"a tag{of} cannot have the key {key!r}: jobs have tags of this prefix already"
    if isinstance(text, str) and (len(text) > _TAG_LENGTH or (text and not re.fullmatch(_TAG, text))):
        return f"the tag {key!r}{of} must have at most {_TAG_LENGTH} {_TAG_LETTERS}"
    if isinstance(text, str) and text.lower().startswith("aws:"):
        return f"the tag {key!r}{of} cannot begin with 'aws:', which AWS reserves: it has {text!r}"
    return ""


def check_properties(_: object, __: _records.Field, value: Any) -> None:
    """Validate that a value is a map of JSON values, or of variables in place of texts. The error does not show them.

    Raises:
        LayerError: If it does not.
    """
    import json

    try:
        value = _fill_names(value)
        kept = json.loads(json.dumps(value, allow_nan=False)) == value
    except (TypeError, ValueError, RecursionError):
        kept = False
    if not kept or not isinstance(value, dict):
        msg = "the properties of a Container must be a map of JSON values, as in {'enableExecuteCommand': True}"
        raise LayerError(msg)


def _fill_names(value: Any) -> Any:
    """Return a value with the names of variables in their places."""
    match value:
        case Variable():
            return value.name
        case dict():
            return {key: _fill_names(item) for key, item in value.items()}
        case list():
            return [*map(_fill_names, value)]
        case _:
            return value


def check_credentials(_: object, __: _records.Field, value: Any) -> None:
    """Validate that a value names a secret of Secrets Manager. The error does not show another value.

    Raises:
        LayerError: If it does not.
    """
    named = isinstance(value, str) and is_secret(value) and re.match("arn:[^:]*:secretsmanager:", value)
    if not (value is None or isinstance(value, Variable) or named):
        msg = (
            "the registry_credentials of a Container must be the ARN of a Secrets Manager secret, or a Variable of it. "
            "This message does not show the value"
        )
        raise LayerError(msg)


def check_secrets(instance: object, attribute: _records.Field, value: Any) -> None:
    """Validate that a value maps environment variables to secrets. The error does not show another value.

    Raises:
        LayerError: If it does not.
    """
    check_text_by_name(instance, attribute, value)
    for name, secret in value.items():
        _check_variable(name, "a secret")
        if isinstance(secret, Variable):
            continue
        if not is_secret(secret):
            msg = (
                f"the secret {name!r} of a Container must be the ARN of a Secrets Manager secret or of an SSM "
                f"parameter, for example arn:aws:ssm:eu-west-1:123456789012:parameter/{name.lower()}, or its name, for "
                f"example ssm:/report/{name.lower()} or secretsmanager:report/{name.lower()}. Do not write a secret's "
                "value in code. This message does not show the value"
            )
            raise LayerError(msg)
        if re.match(ENDS_LIKE_ARN, secret):
            msg = (
                f"the secret {name!r} of a Container has a name that ends with a hyphen and six characters, like the "
                "suffix of an ARN: Secrets Manager does not find it by its name. Give its whole ARN"
            )
            raise LayerError(msg)
