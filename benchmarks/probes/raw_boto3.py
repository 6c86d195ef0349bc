"""boto3 by hand: the bytes of a value uploaded to a bucket and downloaded again."""

from __future__ import annotations

import io
import pickle
from typing import Any

import boto3
import values


def _place(root: str) -> tuple[Any, str, str]:
    bucket, _, prefix = root.removeprefix("s3://").partition("/")
    return boto3.client("s3"), bucket, prefix


def _write(root: str, value: Any) -> None:
    client, bucket, prefix = _place(root)
    many = value if isinstance(value, list) else [value]
    for at, item in enumerate(many):
        stream = io.BytesIO(pickle.dumps(item, protocol=5))
        client.upload_fileobj(stream, bucket, f"{prefix}/{at}.pickle")
    client.put_object(Bucket=bucket, Key=f"{prefix}/count", Body=str(len(many)).encode())


def _read(root: str) -> Any:
    client, bucket, prefix = _place(root)
    number = int(client.get_object(Bucket=bucket, Key=f"{prefix}/count")["Body"].read())
    many = []
    for at in range(number):
        stream = io.BytesIO()
        client.download_fileobj(bucket, f"{prefix}/{at}.pickle", stream)
        many.append(pickle.loads(stream.getbuffer()))  # noqa: S301 - our own
    return many if number > 1 else many[0]


values.main(_write, _read)
