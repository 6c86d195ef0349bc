"""The provider's own configuration block, as far as the stand-in declares it."""

from __future__ import annotations

from tools.terraform_standin.schema import Attribute, Block, Nesting

_SERVICES = (
    "apigateway", "batch", "cloudwatch", "dynamodb", "ec2", "ecr", "ecs", "eks", "events", "iam",
    "kms", "lambda", "logs", "organizations", "s3", "scheduler", "secretsmanager", "sns", "sqs",
    "ssm", "sso", "stepfunctions", "sts",
)  # fmt: skip
_OPTIONAL_STRINGS = (
    "access_key", "custom_ca_bundle", "ec2_metadata_service_endpoint", "http_proxy", "https_proxy",
    "no_proxy", "profile", "region", "retry_mode", "s3_us_east_1_regional_endpoint", "secret_key",
    "skip_metadata_api_check", "sts_region", "token",
)  # fmt: skip
_FLAGS = (
    "insecure", "s3_use_path_style", "skip_credentials_validation",
    "skip_region_validation", "skip_requesting_account_id", "use_dualstack_endpoint",
    "use_fips_endpoint",
)  # fmt: skip
_STRING_SETS = (
    "allowed_account_ids", "forbidden_account_ids", "shared_config_files",
    "shared_credentials_files",
)  # fmt: skip
_STRING = Attribute("string", optional=True)
_STRING_SET = Attribute(["set", "string"], optional=True)
_STRING_MAP = Attribute(["map", "string"], optional=True)


def _strings(*names: str) -> dict[str, Attribute]:
    return dict.fromkeys(names, _STRING)


def _block(mode: str, max_items: int, attributes: dict[str, Attribute]) -> Nesting:
    return Nesting(mode, 0, max_items, Block(attributes))


_ASSUMED = {
    **_strings("duration", "policy", "role_arn", "session_name"),
    "policy_arns": _STRING_SET,
}

PROVIDER_BLOCK = Block(
    attributes={
        **_strings(*_OPTIONAL_STRINGS),
        **dict.fromkeys(_FLAGS, Attribute("bool", optional=True)),
        **dict.fromkeys(_STRING_SETS, _STRING_SET),
        "max_retries": Attribute("number", optional=True),
    },
    blocks={
        "assume_role": _block(
            "list",
            0,
            _ASSUMED
            | _strings("external_id", "source_identity")
            | {"tags": _STRING_MAP, "transitive_tag_keys": _STRING_SET},
        ),
        "assume_role_with_web_identity": _block(
            "list", 1, _ASSUMED | _strings("web_identity_token", "web_identity_token_file")
        ),
        "default_tags": _block("list", 1, {"tags": _STRING_MAP}),
        "endpoints": _block("set", 0, _strings(*_SERVICES)),
        "ignore_tags": _block("list", 1, {"key_prefixes": _STRING_SET, "keys": _STRING_SET}),
    },
)
