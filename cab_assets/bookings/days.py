"""Many days at once: each on its own, the good ones through, the bad ones named."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import date

from cab_assets.bookings.import_day import ImportedDay, import_day
from cab_assets.bookings.row_counts import USUAL, RowLimits
from cab_assets.errors import Unavailable
from cab_assets.resources.bookings_db import BookingsDb
from cab_assets.resources.lake import Lake

LET_GO_SECONDS = 0.1  # between attempts to end statements: a thread may have just begun another one


def import_days(
    db: BookingsDb, lake: Lake, days: Iterable[str], run_id: str, *, at_once: int, limits: RowLimits = USUAL
) -> Iterator[tuple[str, ImportedDay | Exception]]:
    """Import days side by side and give each, as it is done, with what became of it.

    A source that is gone is asked for no further day: each of those gets the same error.
    """
    gone: list[Unavailable] = []

    def attempt(day: str) -> ImportedDay | Exception:
        if gone:
            return gone[0]
        try:
            return import_day(db, lake, date.fromisoformat(day), run_id, limits)
        except Unavailable as error:
            gone.append(error)
            return error
        except Exception as error:  # noqa: BLE001  whatever it is, it is this day's alone; the run ends with it
            return error

    pool = ThreadPoolExecutor(at_once)
    doing = {pool.submit(attempt, day): day for day in days}
    try:
        for future in as_completed(doing):
            yield doing[future], future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        while not all(future.done() for future in doing):  # the run is told to end
            db.let_go()
            time.sleep(LET_GO_SECONDS)
