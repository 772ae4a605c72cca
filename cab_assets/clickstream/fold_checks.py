"""The checks of a folded day: its records are those of the version before and of the batches."""

from dataclasses import dataclass
from datetime import datetime

from cab_assets.clickstream.day_tables import DayTable, Due
from cab_assets.store.audit import VersionContents
from cab_assets.store.checks import Check, Judgement


@dataclass(frozen=True)
class Evidence:
    """The input of the checks of a folded day."""

    target: DayTable
    due: Due
    # Read back from the files
    contents: VersionContents
    # Number of Kafka records in the rows; a row of `clicks` counts its copies
    records: int


def adds_up_to_batches(evidence: Evidence) -> Judgement:
    """Check that the records are those before, plus those of the batches, minus replayed ones."""
    due = evidence.due
    before = (due.current.records or 0) if due.current else 0
    arrived = sum(evidence.target.days_of(batch)[due.day.date] for batch in due.batches)
    left = len(due.removed_by_replay)
    return before + arrived - left == evidence.records, {
        "before": str(before),
        "arrived": str(arrived),
        "taken out": str(left),
        "now": str(evidence.records),
    }


def place_is_key(evidence: Evidence) -> Judgement:
    repeated = evidence.contents.repeated_keys
    return repeated == 0, {"repeated": str(repeated)}


def rows_inside_day(evidence: Evidence) -> Judgement:
    start = datetime.fromisoformat(evidence.due.day.date)
    ends = evidence.contents.ranges.get(evidence.target.moment, (start, start))
    first, last = (each.replace(tzinfo=None) for each in ends)
    inside = first.date() == last.date() == start.date()
    return inside, {"first": str(first), "last": str(last)}


FOLD_CHECKS: tuple[Check[Evidence], ...] = (
    Check(
        "adds_up_to_batches",
        "The number of records equals those of the version before, plus those of the batches since,"
        " minus those that were replayed.",
        adds_up_to_batches,
    ),
    Check("place_is_key", "No Kafka record is contained twice.", place_is_key),
    Check("rows_inside_day", "The timestamp of every row is inside the day.", rows_inside_day),
)
