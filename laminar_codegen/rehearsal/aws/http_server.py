"""moto's HTTP server, on a free port of this host only, without its log on the console."""

from __future__ import annotations

import contextlib
import functools
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import boto3
from botocore.exceptions import DataNotFoundError
from moto.core import base_backend, utils
from moto.core.model_instances import reset_model_data
from moto.core.models import botocore_stubber
from moto.moto_server import werkzeug_app
from werkzeug.serving import WSGIRequestHandler, make_server

from laminar_codegen.rehearsal.api_models import model_loader, model_session
from laminar_codegen.rehearsal.aws.api_calls import Calls
from laminar_codegen.rehearsal.aws.own_services import OwnServices, Service

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from werkzeug.serving import BaseWSGIServer

_HOST = "127.0.0.1"
#: Seconds between two attempts to wake a server that is to end.
_PAUSE = 0.05
#: How many hosts' names moto's choice is kept of.
_HOSTS = 256


#: That of moto, where there is one, keeps headers whose names have underscores.
_Handler: Any = getattr(werkzeug_app, "MotoRequestHandler", WSGIRequestHandler)


class _QuietHandler(_Handler):  # type: ignore[misc] # of which kind it is, the version of moto says
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # werkzeug's name
        del type, message, args


class _Dispatcher(werkzeug_app.DomainDispatcherApplication):
    """moto's choice of a service by the name of a host, which looks through moto's folders: once for each name."""

    @functools.lru_cache(maxsize=_HOSTS)  # noqa: B019 - it lives as long as the server
    def get_backend_for_host(self, host: str | None) -> Any:
        return super().get_backend_for_host(host)


@contextmanager
def serving(
    services: Mapping[str, Callable[[], Service]],
    calls: Calls,
    gate: Callable[[WSGIApplication], WSGIApplication],
) -> Iterator[tuple[str, WSGIApplication]]:
    """Serve moto, behind services of our own; yields the URL, and what answers there.

    `calls` announces what roles call, and `gate` returns an application in front of another, which says who gets in.
    """
    if botocore_stubber.enabled:
        raise RuntimeError("moto's mock_aws is active in this process: it would answer instead")

    session = functools.cache(_make_session)

    def create_app(service: Any) -> Any:
        with _sharing(session):
            return werkzeug_app.create_backend_app(service)

    application = gate(calls.observe_calls(OwnServices(_Dispatcher(create_app), services)))
    server = make_server(_HOST, 0, application, threaded=True, request_handler=_QuietHandler)
    thread = threading.Thread(target=server.serve_forever, name="aws", daemon=True)
    thread.start()
    try:
        with _lending(session):
            yield f"http://{_HOST}:{server.server_port}", application
    finally:
        _shut_down(server)
        thread.join()
        forget()


def _shut_down(server: BaseWSGIServer) -> None:
    """Stop serving. The server looks whether it is asked to whenever somebody connects, and else every half second."""
    stopping = threading.Thread(target=server.shutdown)
    stopping.start()
    while stopping.is_alive():
        with contextlib.suppress(OSError):
            socket.create_connection((_HOST, server.server_port)).close()
        stopping.join(_PAUSE)
    server.server_close()


def forget() -> None:
    """Forget everything that was made in moto's AWS."""
    base_backend.BackendDict.reset()
    reset_model_data()


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Have the server log to a file: what it says of failing states is not for the console."""
    handler = logging.FileHandler(path, delay=True)
    handler.setLevel(logging.WARNING)
    loggers = [logging.getLogger(name) for name in ("moto", "werkzeug")]
    before = [(logger, logger.propagate, logger.level) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, propagate, level in before:
            logger.removeHandler(handler)
            logger.propagate = propagate
            logger.setLevel(level)
        handler.close()


def _make_session() -> boto3.Session:
    return boto3.session.Session(botocore_session=model_session())


@contextmanager
def _lending(session: Callable[[], boto3.Session]) -> Iterator[None]:
    """Have moto use one session and one loader of models, and not new ones that read the same files again.

    Older versions of moto have no loader of their own.
    """
    lent: list[tuple[Any, str, Any]] = [(base_backend, "Session", session)]
    if hasattr(utils, "create_loader"):
        lent.append((utils, "create_loader", functools.partial(_Models, functools.cache(utils.create_loader))))
    own = [(module, name, getattr(module, name)) for module, name, _ in lent]
    for module, name, value in lent:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in own:
            setattr(module, name, value)


@attrs.frozen
class _Models:
    """Models for moto: those that it adds nothing to are the same as for everybody else."""

    make_own: Callable[[], Any]

    def load_service_model(self, service_name: str, type_name: str) -> Any:
        shared, own = model_loader(), self.make_own()
        version = shared.determine_latest_version(service_name, type_name)
        file = f"{version}/{type_name}"
        if _has(shared, f"{service_name}/{file}.sdk-extras") or _has(
            own, f"{service_name.replace('-', '')}/{file}.moto-extras"
        ):
            return own.load_service_model(service_name, type_name)
        return shared.load_service_model(service_name, type_name)


def _has(loader: Any, name: str) -> bool:
    try:
        loader.load_data(name)
    except DataNotFoundError:
        return False
    return True


@contextmanager
def _sharing(session: Callable[[], boto3.Session]) -> Iterator[None]:
    """Have modules of moto that are imported meanwhile share a session.

    EC2 (which Batch imports) makes three to list the regions, and each reads all of botocore's
    endpoints: half a second.
    """
    session_class = boto3.Session
    boto3.Session = session  # type: ignore[assignment,misc]  # a maker of sessions for the class
    try:
        yield
    finally:
        boto3.Session = session_class  # type: ignore[misc]
        for name, module in sys.modules.copy().items():
            if name.startswith("moto.") and vars(module).get("Session") is session:
                vars(module)["Session"] = session_class
