"""Amazon S3 in virtual time: texts by their keys."""

from __future__ import annotations

from typing import Any

import pytest

from laminar_codegen.rehearsal.simulated import Objects, Services
from tests.support.machines import output, passing, run, task

S3 = "aws-sdk:s3:"


def stored(*keys: str) -> Services:
    """Return services with objects in a bucket, each with its key as its text."""
    return Services(objects=Objects({f"b/{key}": key for key in keys}))


def listed(services: Services, **arguments: Any) -> Any:
    """Return what a list of the bucket's objects says."""
    return output({"A": task(f"{S3}listObjectsV2", {"Bucket": "b", **arguments})}, services)


def test_what_is_written_is_read() -> None:
    """Text is kept as it is, other values as JSON."""
    services = Services()
    states = {
        "Put": task(f"{S3}putObject", {"Bucket": "b", "Key": "k", "Body": {"a": [1, "é"]}}, Next="Get"),
        "Get": task(f"{S3}getObject", {"Bucket": "b", "Key": "k"}, Output="{% $parse($states.result.Body) %}"),
    }
    assert output(states, services) == {"a": [1, "é"]}
    states["Put"]["Arguments"]["Body"] = "text"
    states["Get"]["Output"] = "{% [$states.result.Body, $states.result.ContentLength] %}"
    assert output(states, services) == ["text", 4]
    assert services.objects.contents == {"b/k": "text"}


@pytest.mark.parametrize("action", ["getObject", "headObject"])
def test_an_object_that_is_not_there(action: str) -> None:
    """Reading what is not there is an error that can be caught by its name."""
    catch = [{"ErrorEquals": ["S3.NoSuchKeyException"], "Next": "B"}]
    states = {"A": task(S3 + action, {"Bucket": "b", "Key": "k"}, Catch=catch), "B": passing("none")}
    assert output(states) == "none"
    assert output(states, stored("k"))["ContentLength"] == 1


def test_objects_are_listed() -> None:
    """Keys come in order, with a prefix, after another, a page at a time; nothing found is no list at all."""
    services = stored("a/2", "a/1", "b/1", "a/3")
    assert [item["Key"] for item in listed(services)["Contents"]] == ["a/1", "a/2", "a/3", "b/1"]
    assert [item["Key"] for item in listed(services, Prefix="a/", StartAfter="a/1")["Contents"]] == ["a/2", "a/3"]
    page = listed(services, MaxKeys=2)
    assert (page["KeyCount"], page["IsTruncated"]) == (2, True)
    rest = listed(services, ContinuationToken=page["NextContinuationToken"])
    assert [item["Key"] for item in rest["Contents"]] == ["a/3", "b/1"]
    assert "Contents" not in listed(services, Prefix="c")
    assert listed(services, Prefix="c")["KeyCount"] == 0


def test_folders_are_listed() -> None:
    """A delimiter puts keys together, also over pages."""
    services = stored("a/1", "a/2", "b", "c/1")
    page = listed(services, Delimiter="/")
    assert [item["Prefix"] for item in page["CommonPrefixes"]] == ["a/", "c/"]
    assert [item["Key"] for item in page["Contents"]] == ["b"]
    first = listed(services, Delimiter="/", MaxKeys=1)
    assert (first["NextContinuationToken"], first["CommonPrefixes"]) == ("a/", [{"Prefix": "a/"}])
    rest = listed(services, Delimiter="/", ContinuationToken="a/")
    assert (rest["Contents"][0]["Key"], rest["CommonPrefixes"]) == ("b", [{"Prefix": "c/"}])


def test_objects_are_deleted() -> None:
    """Deleting is no error, whether the object is there or not."""
    services = stored("k", "l")
    states = {"A": task(f"{S3}deleteObject", {"Bucket": "b", "Key": "k"}, Next="B")}
    states["B"] = task(f"{S3}deleteObject", {"Bucket": "b", "Key": "k"})
    assert output(states, services) == {}
    assert list(services.objects.contents) == ["b/l"]


def test_only_the_first_may_create() -> None:
    """An object that must not be there yet is written by one."""
    arguments = {"Bucket": "b", "Key": "k", "Body": "1", "IfNoneMatch": "*"}
    states = {"A": task(f"{S3}putObject", arguments, Next="B"), "B": task(f"{S3}putObject", {**arguments, "Body": "2"})}
    services = Services()
    assert run(states, services).error == "S3.S3Exception"
    assert services.objects.contents == {"b/k": "1"}


def test_unknown_fields_are_refused() -> None:
    """A field that is misspelt is not ignored."""
    assert run({"A": task(f"{S3}putObject", {"Bucket": "b", "Key": "k", "body": "1"})}).error == "States.Runtime"
