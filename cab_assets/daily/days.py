"""Many days at once: each on its own, the good ones through, the bad ones named."""

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

NOT_TRIED = "not tried, because another day of this run failed"
LET_GO_SECONDS = 0.1  # between attempts to end statements: a thread may have just begun another one


@dataclass
class Attempts:
    """The imports of a run's days, each by `work`."""

    work: Callable[[StoredDay], ImportedDay]
    say: Callable[[str], None]
    outage: Outage
    ending: Event = field(default_factory=Event)  # the run was terminated
    gone: list[Unavailable] = field(default_factory=list)

    def attempt(self, day: StoredDay) -> ImportedDay | Exception:
        """Return what became of a day. A source that is gone is asked for no further day."""
        if self.gone:
            return Unavailable(f"{NOT_TRIED}: {self.gone[0]}")
        work = partial(self.work, day)
        try:
            imported = retried(work, day.date, self.say, self.ending, self.outage)
            self.outage.in_vain = False
            return imported
        except Exception as error:  # noqa: BLE001  whatever it is, it is this day's alone; the run ends with it
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
) -> Iterator[tuple[str, ImportedDay | Exception]]:
    """Import days side by side and give each, as it is done, with what became of it.

    A day that fails for a reason that passes is retried, and `say` logs it. A source that stays
    gone is asked for no further day. An `outage` that earlier days of the run waited for in vain
    is not waited for again: the first day is tried once.
    """
    attempts = Attempts(lambda day: import_day(db, day, run_id, limits), say, outage or Outage())
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
    """End what the source does for imports that are still running: the run is told to end."""
    while not all(future.done() for future in doing):
        db.connections.let_go()
        time.sleep(LET_GO_SECONDS)
