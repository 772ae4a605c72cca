"""Processes that read rows. Each can be killed at any time, whatever it waits for."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa

PROGRAM = Path(__file__).with_name("connectorx_process.py")


class ReadingFailed(Exception):
    """The process reported an error of ConnectorX."""


class ProcessEnded(Exception):
    """The process ended before its answer was complete."""


class RowProcess:
    """One reader process. It answers one request at a time, and ends with this process."""

    def __init__(self) -> None:
        # -P keeps the modules beside the program off its import path. The request is sent over
        # stdin, where no other user can read the password.
        command = [sys.executable, "-P", str(PROGRAM)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        self._is_answering = False

    def read(self, request: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a request (connectorx_process.py).

        Raise ReadingFailed or ProcessEnded, possibly after some rows.
        """
        said = None
        self._is_answering = True
        # Raised if the process ends early; then `said` stays None
        with suppress(OSError, pa.ArrowInvalid):
            for batch, metadata in self._answer(request):
                said = metadata[b"error"].decode() if metadata else None
                if batch.num_rows:
                    yield batch
        if said is None:
            raise ProcessEnded(f"the process that read the rows {self._end()}")
        self._is_answering = False
        if said:
            raise ReadingFailed(said)

    def _answer(self, request: Mapping[str, Any]) -> Iterator[tuple[pa.RecordBatch, Any]]:
        requests, answers = cast(IO[bytes], self._process.stdin), self._process.stdout
        requests.write(json.dumps(request).encode() + b"\n")
        requests.flush()
        yield from pa.ipc.open_stream(answers).iter_batches_with_custom_metadata()

    def _end(self) -> str:
        """Return how the process ended."""
        # If it has not ended by itself, its answer was not valid
        self.kill()
        code = self._process.wait()
        if code == -signal.SIGKILL:
            return "was killed (SIGKILL); the system does this when it runs out of memory"
        return f"ended with {signal.Signals(-code).name if code < 0 else code}"

    @property
    def is_free(self) -> bool:
        """Return whether the process runs and has no unfinished request."""
        return not self._is_answering and self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self.kill()
        # The pipe can be broken if a request was not read
        with suppress(BrokenPipeError), self._process:
            pass


class RowProcesses:
    """A pool of reader processes."""

    def __init__(self) -> None:
        self._lent: set[RowProcess] = set()
        self._free: list[RowProcess] = []
        self._are_kept = False

    @contextmanager
    def lend(self) -> Iterator[RowProcess]:
        """Lend a process, and end it after the block unless processes are kept."""
        process = self._taken() or RowProcess()
        self._lent.add(process)
        try:
            yield process
        finally:
            self._lent.discard(process)
            if self._are_kept and process.is_free:
                self._free.append(process)
            else:
                process.close()

    def _taken(self) -> RowProcess | None:
        with suppress(IndexError):
            while process := self._free.pop():
                if process.is_free:
                    return process
                process.close()
        return None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep processes for the next readers until the block ends: a start takes 0.3 s."""
        self._are_kept = True
        try:
            yield
        finally:
            self._are_kept = False
            while self._free:
                self._free.pop().close()

    def kill(self) -> None:
        """End all processes that are lent. Their readers get an error."""
        for process in list(self._lent):
            process.kill()
