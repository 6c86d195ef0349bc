"""Where the output of a failed task's container goes, by a server of its metadata."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

from laminar_runtime.configurations.datastores import Local
from laminar_runtime.failures.record import Failure
from laminar_runtime.storage import failures
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.tasks import failure_records


class _Metadata(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        options = {"awslogs-group": "/laminar/report", "awslogs-stream": "train/default/1", "awslogs-region": "eu-1"}
        self.wfile.write(json.dumps({"LogDriver": "awslogs", "LogOptions": options}).encode())

    def log_message(self, *_: object) -> None: ...


def _leave(address: str, root: Path) -> Failure:
    variables = {
        "LAMINAR_EXECUTION_ID": "e1",
        "LAMINAR_FLOW_NAME": "Report",
        "LAMINAR_LAYER_NAME": "Train",
        "LAMINAR_DATASTORE_ROOT": str(root),
        "ECS_CONTAINER_METADATA_URI_V4": address,
    }
    failure_records.leave(variables, {"reason": "KeyError"}, None)
    (found,) = failures.read(Local(root).transport, LayerKey("Report", "e1", ""))
    return found


def test_where_the_output_of_a_container_goes(tmp_path: Path) -> None:
    """The metadata of its container says it; a container without them has no log stream."""
    with HTTPServer(("127.0.0.1", 0), _Metadata) as server:
        address = f"http://127.0.0.1:{server.server_port}/v4/1"
        Thread(target=server.handle_request, daemon=True).start()
        found = _leave(address, tmp_path / "a")
    assert (found.region, found.log_group, found.log_stream) == ("eu-1", "/laminar/report", "train/default/1")
    assert _leave(address, tmp_path / "b").log_stream == ""
