"""The interface to the source database, which PostgreSQL and MySQL implement."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import quote, urlencode, urlparse
from zoneinfo import ZoneInfo

from cab_assets.clients.password import Password
from cab_assets.declarations import Column, SourceTable
from cab_assets.errors import CabError
from cab_assets.sources.source_types import SourceTypes

# A runtime import would be circular
if TYPE_CHECKING:
    from cab_assets.sources.source import Source

# Time-out for opening a connection. ConnectorX would try for 30 s, and its error has no reason.
CONNECT_SECONDS = 5
# Time-out for the table's lock: a TRUNCATE or ALTER TABLE of another program may hold it
LOCK_SECONDS = 60
# [start, end), as local times in the business time zone
Window = tuple[datetime, datetime]


@dataclass(frozen=True)
class Snapshot:
    """One state of the database."""

    # The instant (UTC) of the state, by the database's own clock
    moment: datetime
    # Statements that another connection executes first, to have the settings of this one
    join: list[str]
    # An SQL comment that starts its statements, so that they can be found and ended
    mark: str = ""


@dataclass(frozen=True)
class Dialect(ABC):
    """How to connect to a database, and the SQL of its kind.

    `address` is the URL without the password. `zone` is the business time zone. `ca` is a PEM file:
    if it is given, the server must have a certificate that is signed by one of its authorities.
    """

    address: str
    password: Password
    zone: str = "UTC"
    ca: Path | None = None

    # Base class of the errors that the plain driver raises
    errors: ClassVar[type[Exception]]
    types: ClassVar[SourceTypes]
    # The character before and after an identifier
    quote: ClassVar[str]
    # SQL that returns the text {} as UTF-8, whatever the session's encoding
    utf8: ClassVar[str]
    # The protocol by which ConnectorX requests rows
    protocol: ClassVar[Literal["binary", "cursor"]]
    # Other parameters of ConnectorX's URL
    reading: ClassVar[dict[str, str]] = {}
    # Connections that share one snapshot: two or more read a day in parallel, window by window
    readers: ClassVar[int] = 1
    # Query: the current time in UTC, in the session's zone, in the business time zone (or NULL)
    now: ClassVar[str]

    def quoted(self, name: str) -> str:
        """Return an identifier as SQL, such as a reserved word or a name with spaces."""
        return f"{self.quote}{name.replace(self.quote, 2 * self.quote)}{self.quote}"

    def table(self, name: str) -> str:
        """Return `table` or `schema.table` as SQL."""
        return ".".join(map(self.quoted, name.split(".")))

    @abstractmethod
    def connect(self) -> Any:
        """Return a DB-API connection in UTC, or raise one of `errors` within CONNECT_SECONDS."""

    def cancel(self, connection: Any) -> None:  # noqa: B027
        """End the statement that another thread waits for, if the driver supports it."""

    @abstractmethod
    def meaning(self, error: Exception) -> tuple[type[CabError], str]:
        """Return the pipeline's error class for an error of the driver, and the remedy."""

    @abstractmethod
    def is_wrong_password(self, error: Exception) -> bool:
        """Return whether another password might be accepted."""

    @abstractmethod
    def tls(self, ca: str) -> dict[str, str]:
        """Return the parameters of ConnectorX's URL that make it trust only this PEM file."""

    def begin(self, cursor: Any, table: str) -> None:  # noqa: B027
        """Begin to read the newest state: apply the pipeline's settings, lock the table."""

    @abstractmethod
    def snapshot(self, cursors: Sequence[Any], table: str) -> Snapshot:
        """Return the current state, which all cursors then see, or raise TableLocked."""

    def odd_value(
        self,
        error: Exception,  # noqa: ARG002
        cursor: Any,  # noqa: ARG002
        source: "Source",  # noqa: ARG002
        within: str,  # noqa: ARG002
    ) -> str | None:
        """Describe the value among the rows `within` that caused `error`; None if not known."""
        return None

    @abstractmethod
    def shape(self, cursor: Any, table: str, declared: SourceTable) -> dict[str, str]:
        """Return column -> the database's name of its type; {} if there is no such table."""

    @abstractmethod
    def value(self, column: Column, source_type: str) -> str:
        """Return the SQL of a column's value as it arrives (source_types.py)."""

    @abstractmethod
    def row_hash(self, columns: Sequence[tuple[Column, str]]) -> str:
        """Return an SQL expression for a 64-bit hash of a row with these columns and types.

        NULL and the empty string hash differently.
        """

    @abstractmethod
    def as_text(self, expression: str) -> str:
        """Return the SQL expression of a value's text."""

    @abstractmethod
    def stream(self, cursor: Any, query: str) -> Iterator[Sequence[Any]]:
        """Yield the rows of a query, which are not all held in memory."""

    @abstractmethod
    def limit(self, cursor: Any, seconds: int) -> None:
        """Set a time-out for queries over many days, to protect the source database."""

    @abstractmethod
    def wall_clock(self, expression: str, source_type: str) -> str:
        """Return the SQL expression of a timestamp's local time in the business time zone."""

    def conversion(self, column: Column, source_type: str) -> str:
        """Return the zone from which a column's values are converted; "" if they are not."""
        is_converted = column.type == "timestamp" and self.wall_clock("x", source_type) != "x"
        return self.zone if is_converted else ""

    @abstractmethod
    def bound(self, edge: datetime, source_type: str) -> str:
        """Return a local time as a literal of the column's type, so that an index can be used."""

    def moment_of(self, edge: datetime) -> datetime:
        """Return the first UTC instant at which the local time is `edge`; there can be two."""
        return edge.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)

    @abstractmethod
    def day_of(self, column: str, source_type: str) -> str:
        """Return the SQL expression of the day of a timestamp."""

    def without_a_day(self, column: str, source_type: str, start: datetime, end: datetime) -> str:
        """Return the SQL condition of a time outside [start, end) or NULL. It can use an index."""
        first, last = self.bound(start, source_type), self.bound(end, source_type)
        return f"{column} IS NULL OR {column} < {first} OR {column} >= {last}"

    def windows(
        self, cursor: Any, source: "Source", start: datetime, end: datetime
    ) -> list[Window]:
        """Divide [start, end) into windows that can be packed (packed.py); [] if it cannot be."""
        raise NotImplementedError

    def between(self, column: str, source_type: str, start: datetime, end: datetime) -> str:
        """Return the SQL condition of a time in [start, end). It can use an index."""
        first, last = self.bound(start, source_type), self.bound(end, source_type)
        return f"{column} >= {first} AND {column} < {last}"

    def failure(self, error: Exception) -> CabError:
        """Return the pipeline's error for an error of the plain driver."""
        kind, remedy = self.meaning(error)
        said = self.redacted(str(error)).strip().partition("\n")[0] or type(error).__name__
        return kind(f"{self.address}: {said}. {remedy}")

    @property
    def url(self) -> str:
        """The URL with the password. Only ConnectorX gets it; never log it."""
        user = urlparse(self.address).username
        with_password = self.address.replace(f"{user}@", f"{user}:{self._quoted}@", 1)
        options = self.reading | (self.tls(str(self.ca)) if self.ca else {})
        query = f"?{urlencode(options, quote_via=quote)}" if options else ""
        return f"{with_password}{query}"

    @property
    def _quoted(self) -> str:
        # quote_plus would encode a space as +, and the server would take it for a plus sign
        return quote(self.password.text, safe="")

    def redacted(self, text: str) -> str:
        for secret in {self.password.text, self._quoted} - {""}:
            text = text.replace(secret, "…")
        return text
