"""What the databases that can hold the rides have in common, and where they differ."""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import quote, urlencode, urlparse
from zoneinfo import ZoneInfo

from cab_assets.clients.password import Password
from cab_assets.errors import CabError
from cab_assets.schemas import Column, SourceTable

if TYPE_CHECKING:  # which imports this module
    from cab_assets.sources.source import Source

CONNECT_SECONDS = 5  # ConnectorX would try for 30 and then not say why
LOCK_SECONDS = 60  # wait for a lock that a TRUNCATE or an ALTER TABLE of another program holds
Window = tuple[datetime, datetime]  # [start, end) by the wall clock of the business zone


@dataclass(frozen=True)
class Snapshot:
    """One state of the database."""

    moment: datetime  # when the state was, UTC, by the database's own clock
    # What another connection executes first: where that can be had, it then sees the same state
    join: list[str]
    mark: str = ""  # a comment that its statements begin with, so that they can be found and ended


@dataclass(frozen=True)
class Dialect(ABC):
    """`address` is the URL without the password.

    `zone` is where wall clocks are read; with a `ca`, only a server that it vouches for is spoken
    to.
    """

    address: str
    password: Password
    zone: str = "UTC"
    ca: Path | None = None  # PEM file

    errors: ClassVar[type[Exception]]  # what the plain driver raises
    # Hive type -> pattern of the source's types whose values fit it
    accepted: ClassVar[dict[str, str]]
    decimal: ClassVar[str]  # the source's name of an exact number
    utf8: ClassVar[str]  # a text {} as its bytes in UTF-8, whatever the session's encoding
    protocol: ClassVar[Literal["binary", "cursor"]]  # how ConnectorX asks for rows
    reading: ClassVar[dict[str, str]] = {}  # how else ConnectorX is set, in its URL
    # Connections that can see one snapshot: two or more read a day in parallel, window by window
    readers: ClassVar[int] = 1
    # The query for now in three zones: UTC, the session's, and the business time zone (NULL if the
    # server does not know it)
    now: ClassVar[str]

    @abstractmethod
    def connect(self) -> Any:
        """Return a DB-API connection in UTC, or raise one of `errors` within CONNECT_SECONDS."""

    def cancel(self, connection: Any) -> None:  # noqa: B027
        """End the statement that another thread waits for, where the driver can."""

    @abstractmethod
    def meaning(self, error: Exception) -> tuple[type[CabError], str]:
        """Return which of our errors it is, and what to do."""

    @abstractmethod
    def is_wrong_password(self, error: Exception) -> bool:
        """Return whether another password might be accepted."""

    @abstractmethod
    def tls(self, ca: str) -> dict[str, str]:
        """Return the parameters of ConnectorX's URL that make it trust that file alone."""

    def begin(self, cursor: Any, table: str) -> None:  # noqa: B027
        """Start to read the newest state of the table, with the settings of ours and its lock."""

    @abstractmethod
    def snapshot(self, cursors: Sequence[Any], table: str) -> Snapshot:
        """Return the state of now, which all cursors see as long as their connections are open.

        Raises TableLocked if they cannot.
        """

    def odd_value(
        self,
        error: Exception,  # noqa: ARG002
        cursor: Any,  # noqa: ARG002
        source: "Source",  # noqa: ARG002
        within: str,  # noqa: ARG002
    ) -> str | None:
        """Return the value among the rows `within` that raised `error`, or None if unknown."""
        return None

    @abstractmethod
    def shape(self, cursor: Any, table: str, declared: SourceTable) -> dict[str, str]:
        """Return column -> type of a table, in the database's own words; {} if there is none."""

    @abstractmethod
    def value(self, column: Column, source_type: str) -> str:
        """Return the expression that gives a column as it is stored."""

    @abstractmethod
    def row_hash(self, columns: Mapping[str, str], exact: Collection[str]) -> str:
        """Return an expression for a 64-bit hash of a row with these columns -> types.

        NULL and the empty string hash differently. `exact` are columns that are stored as exact
        numbers, so that NaN and infinity are rejected.
        """

    @abstractmethod
    def limit(self, cursor: Any, seconds: int) -> None:
        """Set a limit of `seconds` for this connection's statements over many days.

        It protects the source database.
        """

    @abstractmethod
    def wall_clock(self, expression: str, source_type: str) -> str:
        """Return the expression of a timestamp's local time in the business time zone."""

    @abstractmethod
    def bound(self, edge: datetime, source_type: str) -> str:
        """Return a local time as a literal of the column's type, so that an index serves."""

    def moment_of(self, edge: datetime) -> datetime:
        """Return the UTC instant at which the business time zone's clock first shows `edge`.

        Some zones set the clock back at midnight, which it then shows twice.
        """
        return edge.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)

    @abstractmethod
    def day_of(self, column: str, source_type: str) -> str:
        """Return the expression of a timestamp's day."""

    def without_a_day(self, column: str, source_type: str, start: datetime, end: datetime) -> str:
        """Return the condition of a time in no day of [start, end), one that an index serves."""
        first, last = self.bound(start, source_type), self.bound(end, source_type)
        return f"{column} IS NULL OR {column} < {first} OR {column} >= {last}"

    def windows(
        self, cursor: Any, source: "Source", start: datetime, end: datetime
    ) -> list[Window]:
        """Return [start, end) in parts small enough for the server to pack each (packed.py).

        Return None if it cannot be parted. Called only where there are several readers.
        """
        raise NotImplementedError

    def between(self, column: str, source_type: str, start: datetime, end: datetime) -> str:
        """Return the condition of a time in [start, end), one that an index serves."""
        first, last = self.bound(start, source_type), self.bound(end, source_type)
        return f"{column} >= {first} AND {column} < {last}"

    def accepts(self, column: Column, source_type: str) -> bool:
        """Return whether every value of that source type fits the column."""
        if column.type != "decimal(12,2)":
            return re.fullmatch(self.accepted[column.type], source_type) is not None
        declared = re.fullmatch(rf"{self.decimal}\((\d+),(\d+)\)", source_type)
        return (
            declared is not None
            and int(declared[2]) <= 2
            and int(declared[1]) - int(declared[2]) <= 10
        )

    def failure(self, error: Exception) -> CabError:
        """Return the pipeline's error for an error of the plain driver."""
        kind, remedy = self.meaning(error)
        said = self.redacted(str(error)).strip().partition("\n")[0] or type(error).__name__
        return kind(f"{self.address}: {said}. {remedy}")

    @property
    def url(self) -> str:
        """The URL with the password: for ConnectorX alone, never to be shown."""
        user = urlparse(self.address).username
        with_password = self.address.replace(f"{user}@", f"{user}:{self._quoted}@", 1)
        options = self.reading | (self.tls(str(self.ca)) if self.ca else {})
        return (
            f"{with_password}?{urlencode(options, quote_via=quote)}" if options else with_password
        )

    @property
    def _quoted(self) -> str:
        # quote_plus would send a space as +, and a plus is what the server gets
        return quote(self.password.text, safe="")

    def redacted(self, text: str) -> str:
        for secret in {self.password.text, self._quoted} - {""}:
            text = text.replace(secret, "…")
        return text
