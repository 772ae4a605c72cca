"""The program of a process that reads rows through ConnectorX.

It is a process because ConnectorX holds Python's global interpreter lock while it reads, so that no
other thread of its process can run.

Each line of stdin is a request: the arguments of `connectorx.read_sql` as JSON. The answer on
stdout is an Arrow stream. Its last batch has no rows; its metadata holds the text of the error that
ended the reading, or an empty text. Nothing else of this package is imported, so that the process
starts in 0.3 s.
"""

import fcntl
import json
import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import IO, Any

import connectorx
import pyarrow as pa

NO_ROWS = pa.RecordBatch.from_pylist([], pa.schema([]))


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    for line in iter(requests.readline, b""):
        answer(json.loads(line), requests, answers)


def answer(request: dict[str, Any], requests: IO[bytes], answers: IO[bytes]) -> None:
    """Write the rows, then the error that ended the reading or an empty text."""
    said: list[str] = []
    with ending_with(requests):
        batches = read(request, said)
        first = next(batches, NO_ROWS)
        stream = pa.ipc.new_stream(answers, first.schema)
        for batch in chain([first], batches):
            stream.write_batch(batch)
    stream.write_batch(first.slice(0, 0), custom_metadata={"error": "".join(said)})
    stream.close()
    answers.flush()


def read(request: dict[str, Any], said: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield ConnectorX's batches. Append the error to `said` if there is one.

    For a value that it cannot convert, ConnectorX panics, which is a BaseException in Python.
    """
    try:
        yield from connectorx.read_sql(return_type="arrow_stream", **request)
    # Not lost: the parent process raises it
    except BaseException as error:  # noqa: BLE001
        said.append(str(error) or type(error).__name__)


@contextmanager
def ending_with(pipe: IO[bytes]) -> Iterator[None]:
    """Let the kernel end this process by SIGIO when the other end of the pipe is closed.

    Python code cannot do that while ConnectorX reads. A write to the pipe sends SIGIO too, so the
    parent must not write to it until the answer is complete.
    """
    flags = fcntl.fcntl(pipe, fcntl.F_GETFL)
    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETFL, flags | os.O_ASYNC)
    if select.select([pipe], [], [], 0)[0]:
        sys.exit("the process that asked for rows has ended")
    yield
    fcntl.fcntl(pipe, fcntl.F_SETFL, flags)


if __name__ == "__main__":
    # Ctrl-C reaches the parent process too, which decides when this process ends
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    with os.fdopen(os.dup(1), "wb") as stdout:
        # Text that a library prints goes to stderr: on stdout it would break the answer
        os.dup2(2, 1)
        serve(sys.stdin.buffer, stdout)
