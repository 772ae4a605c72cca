"""A process that reads rows by ConnectorX, which lets no other Python thread run meanwhile.

Each line of stdin is a request: the arguments of `connectorx.read_sql` as JSON. The answer on
stdout is an Arrow stream. Its last batch has no rows, and what ended the reading in its metadata:
the text of an error, or nothing. Only the two packages are imported, so that it starts in 0.3 s.
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
    """Write the rows, and what ended the reading."""
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
    """Yield ConnectorX's batches; a value it cannot carry panics, which is a BaseException."""
    try:
        yield from connectorx.read_sql(return_type="arrow_stream", **request)
    except BaseException as error:  # noqa: BLE001  the parent process raises it
        said.append(str(error) or type(error).__name__)


@contextmanager
def ending_with(pipe: IO[bytes]) -> Iterator[None]:
    """Let the system end this process by SIGIO when the other end of the pipe is closed.

    No code of ours can do that while ConnectorX reads. Nothing may be written to the pipe
    meanwhile.
    """
    flags = fcntl.fcntl(pipe, fcntl.F_GETFL)
    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETFL, flags | os.O_ASYNC)
    if select.select([pipe], [], [], 0)[0]:
        sys.exit("the process that asked for rows has ended")
    yield
    fcntl.fcntl(pipe, fcntl.F_SETFL, flags)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the parent, too, which decides
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    with os.fdopen(os.dup(1), "wb") as stdout:
        os.dup2(2, 1)  # whatever a library prints is no part of an answer
        serve(sys.stdin.buffer, stdout)
