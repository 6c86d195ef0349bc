"""Reads some of the same objects with boto3, one call after the other, and prints what all of them would take."""

from __future__ import annotations

import json
import pickle
import sys
import time

import boto3

_SAMPLE = 200

if __name__ == "__main__":
    splits, root = int(sys.argv[1]), sys.argv[2]
    bucket, _, prefix = root.removeprefix("s3://").partition("/")
    client = boto3.client("s3")

    def get(key: str) -> bytes:
        """Return one call."""
        content: bytes = client.get_object(Bucket=bucket, Key=f"{prefix}/Bench/{key}")["Body"].read()
        return content

    started = time.perf_counter()
    for split in range(min(_SAMPLE, splits)):
        artifact = json.loads(get(f"archives/benchmark/Square/{split}/1-attempt/value.json"))["artifacts"][0]
        value = pickle.loads(get(f"artifacts/{artifact['hexdigest']}.pickle"))  # noqa: S301 - our own
        if value != split**2:
            raise SystemExit("the value that was read is not the one that was written")
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds * splits / min(_SAMPLE, splits)}))
