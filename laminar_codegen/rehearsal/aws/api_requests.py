"""What an HTTP request asks of an AWS API: the operation and its parameters, by botocore's models.

::

    GET /bucket/a/key                                      GetObject {"Bucket": "bucket", "Key": "a/key"}
    POST /  X-Amz-Target: AWSStepFunctions.StopExecution   StopExecution {"executionArn": ...}
    POST /  Action=Publish&TopicArn=...                    Publish {"TopicArn": ...}
"""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote

import attrs

from laminar_codegen.rehearsal.api_models import service_model

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from botocore.model import OperationModel

__all__ = ["Request", "RequestReader"]

_PATH_PARAMETER = re.compile(r"\\{(\w+)(\\\+)?\\}")


@attrs.frozen
class Request:
    """What is asked for."""

    operation: str
    parameters: Mapping[str, Any]


@attrs.frozen
class _Route:
    """An operation of a REST API, and what a request for it looks like."""

    operation: str
    path: re.Pattern[str]
    query: Mapping[str, str]
    required: frozenset[str]
    names: Mapping[str, str]

    def matches(self, path: str, given: Mapping[str, str]) -> re.Match[str] | None:
        """Return the match with a request's path, if it asks for this operation; `given` are its query and headers."""
        if not self.required <= given.keys() or not self.query.items() <= given.items():
            return None
        return self.path.fullmatch(path)

    @property
    def demands(self) -> int:
        """How much a request must have: of two operations the one that demands more is asked for."""
        return len(self.query) + len(self.required)


class RequestReader:
    """Reads requests; what it knows of a service is kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._services: dict[str, dict[str, list[_Route]]] = {}

    def read(self, environ: WSGIEnvironment, service: str) -> Request:
        """Read a request to a service, as its signature names it. Its body can be read again."""
        target = environ.get("HTTP_X_AMZ_TARGET")
        if target is not None:
            return Request(target.rpartition(".")[2], _body(environ))
        form = _form(environ)
        if "Action" in form:
            return Request(form["Action"], {name: value for name, value in form.items() if name != "Action"})
        method, path = environ["REQUEST_METHOD"], _path(environ)
        given = {**_headers(environ), **dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))}
        routes = self._routes(service).get(method, ())
        found = [(route, match) for route in routes if (match := route.matches(path, given))]
        if not found:
            return Request(f"{method} {path}", {})
        route, match = max(found, key=lambda pair: pair[0].demands)
        named = {name: given[wire] for wire, name in route.names.items() if wire in given}
        body = {} if service == "s3" else _body(environ)
        parts = {name: unquote(value) for name, value in match.groupdict().items()}
        return Request(route.operation, {**body, **named, **parts})

    def _routes(self, service: str) -> Mapping[str, list[_Route]]:
        """Return the routes of a service by their methods."""
        with self._lock:
            if service not in self._services:
                routes = self._services[service] = {}
                for operation in _operations(service):
                    routes.setdefault(operation.http.get("method", "POST"), []).append(_route(operation))
            return self._services[service]


def _operations(service: str) -> list[OperationModel]:
    model = service_model(service)
    return [] if model is None else [model.operation_model(name) for name in model.operation_names]


def _route(operation: OperationModel) -> _Route:
    path, _, query = operation.http.get("requestUri", "/").partition("?")
    shape: Any = operation.input_shape
    members = {} if shape is None else shape.members
    wires = {
        name: str(member.serialization.get("name", name)).lower()
        if member.serialization["location"] == "header"
        else str(member.serialization.get("name", name))
        for name, member in members.items()
        if member.serialization.get("location") in ("header", "querystring")
    }
    needed = () if shape is None else shape.required_members
    return _Route(
        operation.name,
        re.compile(_PATH_PARAMETER.sub(_group, re.escape(path)), re.DOTALL),
        dict(parse_qsl(query, keep_blank_values=True)),
        frozenset(wires[name] for name in needed if name in wires),
        {wire: name for name, wire in wires.items()},
    )


def _group(parameter: re.Match[str]) -> str:
    return f"(?P<{parameter[1]}>{'.+' if parameter[2] else '[^/]+'})"


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    return {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}


def _path(environ: WSGIEnvironment) -> str:
    """Return the path of a request as it was sent: a name in it may hold a slash that is escaped."""
    sent: str = environ.get("REQUEST_URI") or quote(environ.get("PATH_INFO", "/"))
    return sent.partition("?")[0]


def _form(environ: WSGIEnvironment) -> dict[str, str]:
    """Return the form of a request to an API of the protocol "query", such as that of Amazon SNS."""
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return {}
    return dict(parse_qsl(_content(environ).decode("utf-8", "replace"), keep_blank_values=True))


def _content(environ: WSGIEnvironment) -> bytes:
    content: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(content)
    return content


def _body(environ: WSGIEnvironment) -> dict[str, Any]:
    content = _content(environ)
    try:
        body = json.loads(content or b"{}")
    except ValueError:  # what a Lambda function is called with, or a query API's form, need not be JSON
        return {}
    return body if isinstance(body, dict) else {}
