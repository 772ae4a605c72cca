"""A Spark session, near or far: through Spark Connect or on a classic master."""

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

REACH_SECONDS = 5
PROBE_SECONDS = 10  # between questions whether the server is still there while a job runs
ANSWER_TIMEOUT_SECONDS = 15  # under full load it answers in one
END_SECONDS = 5  # a server that is up releases a session in 0.1 s
CONNECT_PORT, MASTER_PORT = 15002, 7077
LOCAL, STANDALONE = "local", "spark://"
# Of a call whose connection broke: it fails after 25 s, not Spark's 10 minutes
RETRIES = 6
WENT_AWAY = (  # of the client: no answer, or one of a new server that does not know the session
    r"^<_\w+ of RPC that terminated with:\s+status = StatusCode\.UNAVAILABLE"
    r"|^\[(?:NO_ACTIVE_SESSION|INVALID_HANDLE\.\w+|RESPONSE_ALREADY_RECEIVED|RETRIES_EXCEEDED)\]"
    r"|Answer from Java side is empty|SparkContext was shut down"
)
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    # A day is a folder, and a task to list each takes longer than the list
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",
    "spark.sql.files.openCostInBytes": "262144",  # of our small files, some hundred to a task
}

T = TypeVar("T")


def new_session(settings: Mapping[str, Any]) -> SparkSession:
    """Return the session of this process, started if there is none."""
    return SparkSession.builder.config(map=dict(settings)).getOrCreate()


class SparkUnavailable(Unavailable):
    """Spark cannot be reached."""


class SparkFailed(Refused):
    """A Spark job ended in an error."""


@dataclass(frozen=True)
class Spark:
    """Gives the session of `remote` (`sc://host:port`) or else of `master`, in UTC."""

    remote: str | None = field(repr=False)
    master: str | None
    lake: str | None = None  # root of the lake: an error that names it is about the lake
    open_session: Callable[[Mapping[str, Any]], SparkSession] = new_session

    @property
    def where(self) -> str:
        """The server's address, without a token."""
        return without_secrets(self.remote or self.master or "")

    @contextmanager
    def session(self) -> Iterator[SparkSession]:
        """Lend the session, and start it on first use.

        Known failures inside the block are raised by name, all others as SparkFailed.
        """
        self._reach()
        if self.master and self.master.startswith(LOCAL):
            # Else workers are of the first python3 on PATH
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
        # The latter is what a classic session raises of an error without a class of Spark's
        except (PySparkException, Py4JError) as error:
            raise self._named(error) from error

    def _named(self, error: Exception) -> CabError:
        where, said = f"Spark at {self.where}", without_secrets(str(error))
        if re.search(WENT_AWAY, said):
            return SparkUnavailable(
                f"{where} went away under a job ({reason(said)}); see `cab doctor`, then run again"
            )
        return failure(where, said, SparkFailed, self.lake)

    def run(self, job: Callable[[SparkSession], T]) -> T:
        """Return what `job` returns, however long it takes.

        Raises SparkUnavailable within half a minute of a server that stopped answering.
        """
        with self.session() as session:
            done = started(lambda: job(session))
            while not done.done():
                wait([done], timeout=PROBE_SECONDS)
                if not done.done() and self.remote:
                    self._probe(self.remote)
            return done.result()

    def _probe(self, remote: str) -> None:
        """Have the server release no session, which costs it nothing and needs it awake.

        Over TLS if the session is.
        """
        import grpc  # of pyspark's Connect client, which a classic session goes without
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
        """Raise SparkUnavailable if no server listens.

        Spark would try for two minutes in silence.
        """
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
    """Raise SparkUnavailable if nobody listens at any of the addresses."""
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
    """Give up on a server that is gone within half a minute."""
    # A classic session has no Connect client to import
    from pyspark.sql.connect.client.retries import DefaultPolicy

    session.client.set_retry_policies([DefaultPolicy(max_retries=RETRIES, max_backoff=10_000)])


def _end(session: Any) -> None:
    """Release the session, in the server and in this process.

    Otherwise the server keeps it for an hour, and this process for ever, even after the server was
    replaced.
    """
    # It asks the server once more, and a process whose server is silent would never end
    atexit.unregister(session.client._on_exit)
    with suppress(TimeoutError):
        within(END_SECONDS, session.stop)
