"""The last checks of the audit: how many rows a day holds, against earlier versions and days."""

from dataclasses import dataclass
from datetime import date
from itertools import islice
from statistics import median

from cab_assets.clients.lake import Lake
from cab_assets.schemas import BOOKINGS
from cab_assets.sources.fingerprint import Fingerprint
from cab_assets.store.collect import partitions
from cab_assets.store.manifest import Finding, Manifest
from cab_assets.store.versions import ROWS_NOT_LOST, Partition, last_audited, newest, withheld

ROWS_AS_USUAL = "rows_as_usual"
ACCEPT_LOSS = "cab/accept-loss"  # tag of a run
REMEDY = f"run the day again with the tag {ACCEPT_LOSS}=true if the source was meant to lose them"
JUDGED_ROWS = 100  # a smaller day can shrink by half without a fault
USUAL_DAYS = 14
USUAL_SHARE = 0.1  # of the median: a holiday holds more


@dataclass(frozen=True)
class RowLimits:
    """How far the row count of a day may fall."""

    max_loss: float = 0.5  # of the rows of the version before
    accept_loss: bool = False
    yesterday: date | None = None  # the day whose first import is compared with earlier days


USUAL = RowLimits()


def row_findings(lake: Lake, partition: Partition, rows: int, limits: RowLimits) -> tuple[Finding, ...]:
    """Compare the row count of a new version with the version before it and with earlier days."""
    before = last_audited(lake, partition)
    return _not_lost(before, rows, limits), _as_usual(lake, partition, before, rows, limits)


def _not_lost(before: Manifest | None, rows: int, limits: RowLimits) -> Finding:
    if before is None:
        return Finding(check=ROWS_NOT_LOST, passed=True, detail={"after": str(rows)})
    detail = {"before": str(before.rows), "after": str(rows)}
    lost = before.rows - rows
    if before.rows < JUDGED_ROWS or lost <= limits.max_loss * before.rows:
        return Finding(check=ROWS_NOT_LOST, passed=True, detail=detail)
    if limits.accept_loss:
        accepted = detail | {"accepted": f"by the run's tag {ACCEPT_LOSS}"}
        return Finding(check=ROWS_NOT_LOST, passed=True, detail=accepted)
    return Finding(check=ROWS_NOT_LOST, passed=False, detail=detail | {"to publish it": REMEDY})


def _as_usual(
    lake: Lake,
    partition: Partition,
    before: Manifest | None,
    rows: int,
    limits: RowLimits,
) -> Finding:
    """Judge the first import of yesterday, and later ones of a day that was not as usual."""
    first = before is None and date.fromisoformat(partition.day) == limits.yesterday
    detail = {"rows": str(rows)}
    if not first and not (before and _warned(before)):
        return Finding(check=ROWS_AS_USUAL, passed=True, detail=detail, warns=True)
    earlier = _earlier_rows(lake, partition)
    usual = median(earlier) if earlier else 0
    detail |= {"median": f"{usual:g}", "of earlier days": str(len(earlier))}
    passed = 0 < rows >= USUAL_SHARE * usual
    return Finding(check=ROWS_AS_USUAL, passed=passed, detail=detail, warns=True)


def _warned(manifest: Manifest) -> bool:
    return any(each.check == ROWS_AS_USUAL and not each.passed for each in manifest.findings)


def _earlier_rows(lake: Lake, partition: Partition) -> list[int]:
    """Return the row counts of the last days before this one that have a version."""
    days = sorted((each.day for each in partitions(lake, partition.table)), reverse=True)
    earlier = (newest(lake, Partition(partition.table, day)) for day in days if day < partition.day)
    return [manifest.rows for manifest in islice(filter(None, earlier), USUAL_DAYS)]


def is_withheld(lake: Lake, day: str, source: Fingerprint) -> bool:
    """Whether this state of the source was imported, and withheld for the rows it lost."""
    held = withheld(lake, Partition(BOOKINGS, day))
    return held is not None and held.fingerprint is not None and not held.fingerprint.differs_from(source)
