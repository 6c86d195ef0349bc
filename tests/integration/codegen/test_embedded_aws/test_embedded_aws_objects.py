"""States that read and write S3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from embedded_aws_bench import BUCKET

if TYPE_CHECKING:
    from embedded_aws_bench import Bench


def s3(action: str, key: str, **arguments: Any) -> dict[str, Any]:
    """Return a state that calls S3."""
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::aws-sdk:s3:{action}",
        "Arguments": {"Bucket": BUCKET, "Key": key, **arguments},
    }


def listing(prefix: str, **arguments: Any) -> dict[str, Any]:
    """Return a state that lists objects."""
    state = s3("listObjectsV2", "", Prefix=prefix, **arguments)
    del state["Arguments"]["Key"]
    return state


def test_objects_are_written_as_json_and_read_as_text(bench: Bench) -> None:
    """PutObject serialises its Body; `$parse` reads GetObject's Body."""
    states = {
        "P": {**s3("putObject", "o.json", Body={"é": [1, "{% 'a' & 'b' %}"]}), "Next": "G"},
        "G": {
            **s3("getObject", "o.json"),
            "Output": "{% $parse($states.result.Body) %}",
            "End": True,
        },
    }
    assert bench.output(states) == {"é": [1, "ab"]}
    assert json.loads(bench.get("o.json")) == {"é": [1, "ab"]}


@pytest.mark.parametrize("action", ["getObject", "headObject"])
def test_missing_object_is_caught_by_name(bench: Bench, action: str) -> None:
    """Step Functions names the error S3.NoSuchKeyException."""
    states = {
        "G": {
            **s3(action, "missing"),
            "Catch": [
                {
                    "ErrorEquals": ["S3.NoSuchKeyException"],
                    "Output": "{% $states.errorOutput.Error %}",
                    "Next": "P",
                }
            ],
            "End": True,
        },
        "P": {"Type": "Pass", "Output": {"caught": "{% $states.input %}"}, "End": True},
    }
    assert bench.output(states) == {"caught": "S3.NoSuchKeyException"}


def test_list_and_head(bench: Bench) -> None:
    """ListObjectsV2 and HeadObject answer in the case of Step Functions."""
    bench.put("list/a", "12345")
    states = {
        "L": {**listing("list/"), "Assign": {"keys": "{% [$states.result.Contents.Key] %}"}, "Next": "H"},
        "H": {
            **s3("headObject", "list/a"),
            "Output": {"length": "{% $states.result.ContentLength %}", "keys": "{% $keys %}"},
            "End": True,
        },
    }
    assert bench.output(states) == {"length": 5, "keys": ["list/a"]}


@pytest.mark.parametrize(("action", "arguments"), [("getObject", {"Key": "k"}), ("listObjectsV2", {})])
def test_missing_bucket_is_caught_by_name(bench: Bench, action: str, arguments: dict[str, str]) -> None:
    """Step Functions names the error S3.NoSuchBucketException."""
    state = {**s3(action, ""), "Arguments": {"Bucket": "missing", **arguments}, "End": True}
    assert bench.run({"S": state})["error"] == "S3.NoSuchBucketException"


def test_listing_nothing(bench: Bench) -> None:
    """An empty listing has a count and no contents."""
    output = {"count": "{% $states.result.KeyCount %}", "any": "{% $exists($states.result.Contents) %}"}
    assert bench.output({"L": {**listing("nothing/"), "Output": output, "End": True}}) == {"count": 0, "any": False}


def test_listing_page_by_page(bench: Bench) -> None:
    """A listing that does not fit a page is gone on with by its token."""
    for number in range(5):
        bench.put(f"pages/{number}", "")
    keys = {"keys": "{% $append($keys, [$states.result.Contents.Key]) %}"}
    token = "{% $exists($states.result.NextContinuationToken) ? $states.result.NextContinuationToken : '' %}"
    states = {
        "A": {"Type": "Pass", "Assign": {"keys": []}, "Next": "First"},
        "First": {**listing("pages/", MaxKeys=2), "Assign": keys, "Output": token, "Next": "More"},
        "More": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input != '' %}", "Next": "Next"}],
            "Default": "End",
        },
        "Next": {
            **listing("pages/", MaxKeys=2, ContinuationToken="{% $states.input %}"),
            "Assign": keys,
            "Output": token,
            "Next": "More",
        },
        "End": {"Type": "Pass", "Output": "{% $keys %}", "End": True},
    }
    assert bench.output(states) == [f"pages/{number}" for number in range(5)]


def test_counting_markers(bench: Bench) -> None:
    """What was written is listed at once: a state can count what others wrote."""
    write = s3("putObject", "{% 'markers/' & $string($states.input) %}", Body="")
    states = {
        "M": {
            "Type": "Map",
            "Items": [1, 2, 3],
            "ItemProcessor": {"StartAt": "W", "States": {"W": {**write, "End": True}}},
            "Next": "L",
        },
        "L": {**listing("markers/"), "Output": "{% $states.result.KeyCount %}", "End": True},
    }
    assert bench.output(states) == 3


def test_delete(bench: Bench) -> None:
    """Deleting an object is no error, whether it is there or not."""
    bench.put("deleted", "x")
    states = {
        "D": {**s3("deleteObject", "deleted"), "Next": "A"},
        "A": {**s3("deleteObject", "deleted"), "Next": "G"},
        "G": {**s3("getObject", "deleted"), "End": True},
    }
    assert bench.run(states)["error"] == "S3.NoSuchKeyException"


def test_object_that_is_too_large(bench: Bench) -> None:
    """A body of more than 256 KiB does not fit a state, and no Catch helps."""
    bench.put("large", "x" * 262_145)
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "C"}]
    states = {"G": {**s3("getObject", "large"), "Catch": catch, "End": True}, "C": {"Type": "Pass", "End": True}}
    assert bench.run(states)["error"] == "States.DataLimitExceeded"
