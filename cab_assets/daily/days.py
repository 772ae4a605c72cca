"""Import many days in parallel. A day that fails does not affect the others."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from threading import Event

from cab_assets.daily.import_day import ImportedDay, import_day
from cab_assets.daily.retries import Outage, retried
from cab_assets.daily.row_counts import USUAL, RowLimits
from cab_assets.errors import Unavailable
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.failures import BookingsDbInterrupted, BookingsDbUnavailable
from cab_assets.store.stored_day import StoredDay

NOT_TRIED = "not tried, because a server was unavailable for another day of this run"
# Seconds between attempts to end all statements: a thread may just have started another one
LET_GO_SECONDS = 0.1


@dataclass
class Attempts:
    """The imports of a run's days. `work` imports one of them, `say` logs a text."""

    work: Callable[[StoredDay], ImportedDay]
    say: Callable[[str], None]
    outage: Outage
    # Set when the run is ending, also when it is terminated
    ending: Event = field(default_factory=Event)
    # The errors after which no further day is tried
    gone: list[Unavailable] = field(default_factory=list)

    def attempt(self, day: StoredDay) -> ImportedDay | Exception:
        """Import a day; return the result or its error.

        After the first Unavailable error, return that error for each further day without a try.
        """
        if self.gone:
            return Unavailable(f"{NOT_TRIED}: {self.gone[0]}")
        work = partial(self.work, day)
        try:
            imported = retried(work, day.date, self.say, self.ending, self.outage)
            self.outage.in_vain = False
            return imported
        # Not lost: the error belongs to this day only, and the run reports it at its end
        except Exception as error:  # noqa: BLE001
            if isinstance(error, Unavailable) and not isinstance(error, BookingsDbInterrupted):
                self.gone.append(error)
                self.outage.in_vain = isinstance(error, BookingsDbUnavailable)
            return error


def import_days(
    db: BookingsDb,
    days: Iterable[StoredDay],
    run_id: str,
    *,
    at_once: int,
    say: Callable[[str], None],
    limits: RowLimits = USUAL,
    outage: Outage | None = None,
    anew: bool = False,
) -> Iterator[tuple[str, ImportedDay | Exception]]:
    """Import days in parallel. Yield each day with its result or error as soon as it is done.

    A day with a temporary error is retried, and `say` logs it. If the source stays unavailable, no
    further day is tried. If an `outage` outlasted earlier retries, the first day is tried once.
    """
    work = partial(import_day, db, run_id=run_id, limits=limits, anew=anew)
    attempts = Attempts(work, say, outage or Outage())
    pool = ThreadPoolExecutor(at_once)
    doing: dict[Future[ImportedDay | Exception], str] = {}
    with db.processes.kept():
        try:
            for day in days:
                doing[pool.submit(attempts.attempt, day)] = day.date
            for future in as_completed(doing):
                yield doing[future], future.result()
        finally:
            attempts.ending.set()
            pool.shutdown(wait=False, cancel_futures=True)
            _let_go(db, doing)


def _let_go(db: BookingsDb, doing: Iterable[Future[ImportedDay | Exception]]) -> None:
    """End the statements of imports that are still running, because the run is ending."""
    while not all(future.done() for future in doing):
        db.connections.let_go()
        time.sleep(LET_GO_SECONDS)
