"""Checks that compare the row count of a day with its earlier versions and with earlier days."""

from dataclasses import dataclass
from datetime import date
from itertools import islice
from statistics import median

from cab_assets.sources.fingerprint import Fingerprint
from cab_assets.store.checks import Judgement
from cab_assets.store.manifest import Manifest
from cab_assets.store.stored_day import StoredDay, stored_days

ROWS_AS_USUAL = "rows_as_usual"
# Tag of a run
ACCEPT_LOSS = "cab/accept-loss"
REMEDY = f"if the rows were deleted on purpose, run the day again with the tag {ACCEPT_LOSS}=true"
# A day with fewer rows is not checked: it can lose half of them without a fault
JUDGED_ROWS = 100
# Number of earlier days whose median row count is the usual one
USUAL_DAYS = 14
# A warning follows below this share of the median. Even a holiday has more rows.
USUAL_SHARE = 0.1


@dataclass(frozen=True)
class RowLimits:
    """How far the row count of a day may fall.

    `max_loss` is the share of the rows of the version before. `yesterday` is the day whose first
    import is compared with earlier days.
    """

    max_loss: float = 0.5
    accept_loss: bool = False
    yesterday: date | None = None


USUAL = RowLimits()


def not_lost(before: Manifest | None, rows: int, limits: RowLimits) -> Judgement:
    """Compare the row count of a new version with the version before it."""
    if before is None:
        return True, {"after": str(rows)}
    detail = {"before": str(before.rows), "after": str(rows)}
    if before.rows < JUDGED_ROWS or before.rows - rows <= limits.max_loss * before.rows:
        return True, detail
    if limits.accept_loss:
        return True, detail | {"accepted": f"by the run's tag {ACCEPT_LOSS}"}
    return False, detail | {"to publish it": REMEDY}


def as_usual(day: StoredDay, before: Manifest | None, rows: int, limits: RowLimits) -> Judgement:
    """Compare the row count of a day with earlier days.

    This applies to the first import of yesterday, and to later imports after a warning.
    """
    first = before is None and date.fromisoformat(day.date) == limits.yesterday
    detail = {"rows": str(rows)}
    if not first and not (before and _warned(before)):
        return True, detail
    earlier = _earlier_rows(day)
    usual = median(earlier) if earlier else 0
    detail |= {"median": f"{usual:g}", "of earlier days": str(len(earlier))}
    return 0 < rows >= USUAL_SHARE * usual, detail


def _warned(manifest: Manifest) -> bool:
    return any(each.check == ROWS_AS_USUAL and not each.passed for each in manifest.findings)


def _earlier_rows(day: StoredDay) -> list[int]:
    """Return the row counts of the latest USUAL_DAYS days before this one that have a version."""
    days = sorted(stored_days(day.table, day.lake), key=lambda each: each.date, reverse=True)
    earlier = (each.newest() for each in days if each.date < day.date)
    return [manifest.rows for manifest in islice(filter(None, earlier), USUAL_DAYS)]


def is_withheld(day: StoredDay, source: Fingerprint) -> bool:
    """Return whether this state of the source was imported and withheld for lost rows."""
    held = day.withheld()
    return (
        held is not None
        and held.fingerprint is not None
        and not held.fingerprint.differs_from(source)
    )
