"""A Python that is ready: its programs run in children of one process that has imported the packages.

The nightly size starts tens of thousands of tasks, most of whose time is to start Python and to import the packages.
All its programs have one seed of hashes, so it is for tests that ask nothing about the order of sets.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

__all__ = ["warm_python"]

#: Small and quick to start: it has the program run, and ends as the program ends. `{python}` runs what is not a file.
_CLIENT = """#!{python} -IS
import _socket, posix, sys
words = sys.argv[1:]
if not words or words[0].startswith("-"):
    posix.execv({python!r}, [{python!r}, *words])
import json
server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
server.connect({address!r})
environment = {{name.decode(): value.decode() for name, value in posix.environ.items()}}
asked = json.dumps([words, posix.getcwd(), environment]).encode()
pipes = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
server.sendmsg([len(asked).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, pipes)])
left = memoryview(asked)
while left:
    left = left[server.send(left):]
code = int.from_bytes(server.recv(1), "big")
posix._exit(code)
"""
_LENGTH, _FILES = 4, 3
_PACKAGES = (
    "laminar_runtime.planner.planner",
    "laminar_runtime.run_task",
    "laminar_runtime.plan_layer",
    "laminar_runtime.tasks.task",
    "laminar_runtime.configurations.datastores.s3_obstore",
)


@contextlib.contextmanager
def warm_python(folder: Path) -> Iterator[Path]:
    """Give the path of an interpreter whose programs start at once.

    Args:
        folder: An empty folder, for the interpreter and its socket.
    """
    address = str(folder / "s")
    client = folder / "python"
    client.write_text(_CLIENT.format(python=sys.executable, address=address), encoding="utf-8")
    client.chmod(0o700)
    words = [sys.executable, "-c", f"from {__name__} import serve; serve({address!r}, {str(client)!r})"]
    server = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment())
    try:
        assert server.stdout is not None
        server.stdout.readline()
        yield client
    finally:
        server.kill()
        server.communicate()


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMINAR_"))}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def serve(address: str, client: str) -> None:
    """Run programs that clients ask for, until the standard input ends.

    Args:
        address: The path of the socket.
        client: The path of the interpreter, which programs find as ``sys.executable``.
    """
    import importlib

    for name in _PACKAGES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.write(1, b"ready\n")
    while True:
        connection, _ = listening.accept()
        start, files, _, _ = socket.recv_fds(connection, _LENGTH, _FILES)
        length = int.from_bytes(start, "big")
        asked = b""
        while len(asked) < length:
            asked += connection.recv(length - len(asked))
        words, directory, environment = json.loads(asked)
        child = os.fork()
        if child == 0:
            listening.close()
            connection.close()
            _become(files, directory, environment, client)
            _run(words)
        for file in files:
            os.close(file)
        threading.Thread(target=_await, args=(child, connection), daemon=True).start()


def _await(child: int, connection: socket.socket) -> None:
    """Answer the exit code of a child, and end it if its client ends."""
    watching = threading.Thread(target=_watch, args=(child, connection), daemon=True)
    watching.start()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    with contextlib.suppress(OSError):
        connection.sendall(bytes([code if code >= 0 else 128 - code]))
        connection.shutdown(socket.SHUT_RDWR)
    watching.join()
    connection.close()


def _watch(child: int, connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.recv(1)
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)


def _become(files: list[int], directory: str, environment: dict[str, str], client: str) -> None:
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.executable = client


def _run(words: list[str]) -> None:
    """Run a file, or the file `__main__.py` of a folder, as Python does, and end."""
    import __main__

    file = Path(words[0], "__main__.py") if Path(words[0]).is_dir() else Path(words[0])
    sys.argv[:] = words
    sys.orig_argv[:] = [sys.executable, *words]  # a task that starts itself again looks here
    sys.path[0] = str(file.parent.resolve() if file == Path(words[0]) else file.parent)
    code = 0
    try:
        if not file.exists():
            sys.stderr.write(f"python: can't open file '{file}': [Errno 2] No such file or directory\n")
            raise SystemExit(2)
        vars(__main__).update(__file__=str(file), __name__="__main__")
        exec(compile(file.read_bytes(), str(file), "exec", dont_inherit=True), vars(__main__))  # noqa: S102
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            sys.stderr.write(f"{error.code}\n")
    except BaseException:  # noqa: BLE001 - what Python itself would print
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        with contextlib.suppress(Exception):
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code & 255)
