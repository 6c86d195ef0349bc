"""The provider process: what Terraform starts, and how the two find and trust each other.

Terraform starts the executable, reads one line from it (protocol, address, certificate) and then
speaks gRPC over TLS. The certificate is made anew in memory for each process and with a small
elliptic-curve key, which is quick, so nothing is cached on disk and parallel runs cannot disturb
each other.

Or the process is started beforehand and serves many commands of Terraform, one after the other or at a time:
most of the time of a command is the start of the process. Terraform finds it by TF_REATTACH_PROVIDERS,
and then speaks without TLS: https://developer.hashicorp.com/terraform/plugin/debugging#terraform-cli
"""

# ruff: noqa: N802  (the methods have the names that the protocol gives them)

from __future__ import annotations

import base64
import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import grpc  # type: ignore[import-untyped]  # it has no types
from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tf.gen import (
    grpc_controller_pb2,
    grpc_controller_pb2_grpc,
    grpc_stdio_pb2_grpc,
    tfplugin_pb2_grpc,
)

from tools.terraform_standin.installing import ATTACHED, SOURCE, export_line
from tools.terraform_standin.servicer import Servicer

_CORE_PROTOCOL = 1
_PLUGIN_PROTOCOL = 6
_THREADS = 12
_GRACE_SECONDS = 1.0


@frozen
class _Certificate:
    """A self-signed certificate and its key."""

    key_pem: bytes
    certificate_pem: bytes
    certificate_der: bytes


class _Controller(grpc_controller_pb2_grpc.GRPCControllerServicer):  # type: ignore[misc]
    """Terraform's way to end the process."""

    def __init__(self, stopped: Event) -> None:
        self._stopped = stopped

    def Shutdown(self, request: Any, context: Any) -> Any:
        """Leave `serve_terraform` once this call has been answered."""
        self._stopped.set()
        return grpc_controller_pb2.Empty()


class _Stdio(grpc_stdio_pb2_grpc.GRPCStdioServicer):  # type: ignore[misc]
    """The stream of log lines that Terraform asks for; ours go to standard error."""

    def StreamStdio(self, request: Any, context: Any) -> Any:
        """Answer an empty stream."""
        return iter(())


def serve_terraform(release: str) -> None:
    """Serve the Terraform that started this process, until it says stop.

    Args:
        release: The release of the provider whose schemas are declared.
    """
    stopped = Event()
    server = _server(stopped, release)
    with tempfile.TemporaryDirectory(prefix="tfp-") as directory:
        socket = f"{directory}/socket"
        certificate = _make_certificate()
        server.add_secure_port(
            f"unix://{socket}",
            grpc.ssl_server_credentials([(certificate.key_pem, certificate.certificate_pem)]),
        )
        server.start()
        _shake_hands(socket, certificate)
        stopped.wait()
        server.stop(_GRACE_SECONDS).wait()


def serve_commands(release: str) -> None:
    """Serve many commands of Terraform, until standard input is closed.

    The first line of standard output sets the variable by which Terraform finds this process.

    Args:
        release: The release of the provider whose schemas are declared.
    """
    server = _server(Event(), release)
    with tempfile.TemporaryDirectory(prefix="tfp-") as directory:
        socket = f"{directory}/socket"
        server.add_insecure_port(f"unix://{socket}")
        server.start()
        sys.stdout.write(export_line(ATTACHED, json.dumps({SOURCE: _address(socket)})))
        sys.stdout.flush()
        sys.stdin.read()
        server.stop(None).wait()


def _address(socket: str) -> dict[str, Any]:
    return {
        "Protocol": "grpc",
        "ProtocolVersion": _PLUGIN_PROTOCOL,
        "Pid": os.getpid(),
        # That Terraform does not stop it.
        "Test": True,
        "Addr": {"Network": "unix", "String": socket},
    }


def _server(stopped: Event, release: str) -> Any:
    server = grpc.server(ThreadPoolExecutor(max_workers=_THREADS))
    tfplugin_pb2_grpc.add_ProviderServicer_to_server(Servicer(release), server)
    grpc_controller_pb2_grpc.add_GRPCControllerServicer_to_server(_Controller(stopped), server)
    grpc_stdio_pb2_grpc.add_GRPCStdioServicer_to_server(_Stdio(), server)
    return server


def _shake_hands(socket: str, certificate: _Certificate) -> None:
    encoded = base64.b64encode(certificate.certificate_der).decode().rstrip("=")
    fields = (str(_CORE_PROTOCOL), str(_PLUGIN_PROTOCOL), "unix", socket, "grpc", encoded)
    sys.stdout.write("|".join(fields) + "\n")
    sys.stdout.flush()


def _make_certificate() -> _Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _Certificate(
        key_pem=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        certificate_pem=certificate.public_bytes(serialization.Encoding.PEM),
        certificate_der=certificate.public_bytes(serialization.Encoding.DER),
    )
