"""A Spark session: through Spark Connect, or a classic session with a master."""

import atexit
import os
import re
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlparse

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from cab_assets.clients.deadline import started, within
from cab_assets.clients.failures import failure, reason
from cab_assets.clients.known_failures import Refused
from cab_assets.errors import CabError, Unavailable
from cab_assets.secrets import without_secrets

# Time-outs of a TCP connection, a health check (a busy server needs 1 s) and a release (0.1 s)
REACH_SECONDS = 5
ANSWER_TIMEOUT_SECONDS = 15
END_SECONDS = 5
# Interval of health checks while a job runs
PROBE_SECONDS = 10
CONNECT_PORT, MASTER_PORT = 15002, 7077
LOCAL, STANDALONE = "local", "spark://"
# Retries of a call whose connection broke: it then fails after 25 s, not after Spark's 10 minutes
RETRIES = 6
# Errors of the client if the server does not answer, or is a new one that does not know the session
WENT_AWAY = (
    r"^<_\w+ of RPC that terminated with:\s+status = StatusCode\.UNAVAILABLE"
    r"|^\[(?:NO_ACTIVE_SESSION|INVALID_HANDLE\.\w+|RESPONSE_ALREADY_RECEIVED|RETRIES_EXCEEDED)\]"
    r"|Answer from Java side is empty|SparkContext was shut down"
)
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    # Tasks that list folders. Each day is a folder, and a task for each takes longer than listing.
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",
    # Low, so that a task reads some hundred of the pipeline's small files
    "spark.sql.files.openCostInBytes": "262144",
}

T = TypeVar("T")


def new_session(settings: Mapping[str, Any]) -> SparkSession:
    """Return the session of this process. Start one if there is none."""
    return SparkSession.builder.config(map=dict(settings)).getOrCreate()


class SparkUnavailable(Unavailable):
    """Spark cannot be reached."""


class SparkFailed(Refused):
    """A Spark job ended in an error."""


@dataclass(frozen=True)
class Spark:
    """Access to a Spark session in UTC, of `remote` (`sc://host:port`) or else of `master`."""

    remote: str | None = field(repr=False)
    master: str | None
    # Root of the lake: an error that names it is about the lake
    lake: str | None = None
    open_session: Callable[[Mapping[str, Any]], SparkSession] = new_session

    @property
    def where(self) -> str:
        """The address of the server, without its token."""
        return without_secrets(self.remote or self.master or "")

    @contextmanager
    def session(self) -> Iterator[SparkSession]:
        """Lend the session, and start it if there is none.

        Known failures inside the block are raised as their own errors, others as SparkFailed.
        """
        self._reach()
        if self.master and self.master.startswith(LOCAL):
            # Otherwise Spark starts its workers with the first python3 on PATH
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        try:
            session = self.open_session(self.settings)
            if self.remote:
                _be_brief(session)
            try:
                yield session
            finally:
                if self.remote:
                    _end(session)
        # A classic session raises Py4JError for an error that Spark has no class for
        except (PySparkException, Py4JError) as error:
            raise self._named(error) from error

    def _named(self, error: Exception) -> CabError:
        where, said = f"Spark at {self.where}", without_secrets(str(error))
        if re.search(WENT_AWAY, said):
            return SparkUnavailable(
                f"the connection to {where} was lost during a job ({reason(said)}); see `cab"
                " doctor`, then run again"
            )
        return failure(where, said, SparkFailed, self.lake)

    def run(self, job: Callable[[SparkSession], T]) -> T:
        """Return what `job` returns, however long it takes.

        Raise SparkUnavailable within half a minute after the server stopped answering.
        """
        with self.session() as session:
            done = started(lambda: job(session))
            while not done.done():
                wait([done], timeout=PROBE_SECONDS)
                if not done.done() and self.remote:
                    self._probe(self.remote)
            return done.result()

    def _probe(self, remote: str) -> None:
        """Check the server by an empty ReleaseSession request, which a running server answers."""
        # Part of pyspark's Connect client, which a classic session does not need
        import grpc
        from pyspark.sql.connect.client import DefaultChannelBuilder

        way = DefaultChannelBuilder(remote, [("grpc.enable_http_proxy", 0)])
        with way.toChannel() as channel:
            try:
                release = channel.unary_unary("/spark.connect.SparkConnectService/ReleaseSession")
                release(b"", timeout=ANSWER_TIMEOUT_SECONDS, metadata=way.metadata())
            except grpc.RpcError as error:
                if error.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE):
                    raise SparkUnavailable(
                        f"Spark Connect at {self.where} does not answer ({error.code().name}); see"
                        " `cab doctor`, then run again"
                    ) from None

    @property
    def settings(self) -> dict[str, Any]:
        """Return the settings that a session is started with."""
        where = (
            {"spark.remote": self.remote}
            if self.remote
            else {"spark.master": self.master, "spark.sql.catalogImplementation": "hive"}
        )
        return where | SETTINGS

    def _reach(self) -> None:
        """Raise SparkUnavailable if no server listens: Spark would silently try for two minutes."""
        if self.remote:
            address = urlparse(self.remote)
            _any(
                f"Spark Connect at {self.where}", [(address.hostname, address.port or CONNECT_PORT)]
            )
        elif self.master and self.master.startswith(STANDALONE):
            masters = [
                urlparse(f"{STANDALONE}{each}")
                for each in self.master.removeprefix(STANDALONE).split(",")
            ]
            _any(
                f"the Spark master at {self.where}",
                [(each.hostname, each.port or MASTER_PORT) for each in masters],
            )


def _any(name: str, addresses: list[tuple[str | None, int]]) -> None:
    """Raise SparkUnavailable if no server listens at any of the addresses."""
    refused: list[OSError] = []
    for address in addresses:
        try:
            socket.create_connection(address, REACH_SECONDS).close()
            return
        except OSError as error:
            refused.append(error)
    remedy = "see `cab doctor`, then run again"
    raise SparkUnavailable(f"{name} cannot be reached ({refused[0]}); {remedy}")


def _be_brief(session: Any) -> None:
    """Configure the session to fail within half a minute if the server is unavailable."""
    # Imported only here: a classic session may run without the Connect client
    from pyspark.sql.connect.client.retries import DefaultPolicy

    session.client.set_retry_policies([DefaultPolicy(max_retries=RETRIES, max_backoff=10_000)])


def _end(session: Any) -> None:
    """Release the session, in the server and in this process.

    Otherwise the server keeps it for an hour, and this process for ever, also for a new server.
    """
    # At exit it would send another request, and the process would not end if the server hangs
    atexit.unregister(session.client._on_exit)
    with suppress(TimeoutError):
        within(END_SECONDS, session.stop)
