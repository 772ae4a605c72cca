"""Processes that read rows: any of them can be ended at any moment, whatever it waits for."""

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
    """The process told of an error, in ConnectorX's words."""


class ProcessEnded(Exception):
    """The process is no more there."""


class RowProcess:
    """One such process. It starts at once, answers one request at a time and ends with this one."""

    def __init__(self) -> None:
        # -P keeps the modules beside the program off its path. The request goes over stdin, where
        # no other user can read the password.
        command = [sys.executable, "-P", str(PROGRAM)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        self._is_answering = False

    def read(self, request: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a request (connectorx_process.py); ReadingFailed or ProcessEnded."""
        said = None
        self._is_answering = True
        with suppress(OSError, pa.ArrowInvalid):  # the stream breaks off
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
        self.kill()  # it has ended, or what it said is no answer
        code = self._process.wait()
        if code == -signal.SIGKILL:
            return "was killed (SIGKILL), as the system does when memory is short"
        return f"ended with {signal.Signals(-code).name if code < 0 else code}"

    @property
    def is_free(self) -> bool:
        """Return whether it can be asked for other rows."""
        return not self._is_answering and self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self.kill()
        with suppress(BrokenPipeError), self._process:  # of a request that was not taken
            pass


class RowProcesses:
    """The processes of those who read rows side by side."""

    def __init__(self) -> None:
        self._lent: set[RowProcess] = set()
        self._free: list[RowProcess] = []
        self._are_kept = False

    @contextmanager
    def lend(self) -> Iterator[RowProcess]:
        """Lend one; it ends with the block, unless it is kept."""
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
        """Keep reader processes for the next readers until the block ends: each starts in 0.3 s."""
        self._are_kept = True
        try:
            yield
        finally:
            self._are_kept = False
            while self._free:
                self._free.pop().close()

    def kill(self) -> None:
        """End those that are lent; whoever reads by them gets an error."""
        for process in list(self._lent):
            process.kill()
