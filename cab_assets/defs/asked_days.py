"""The days that a run was asked for. Dagster does not validate days given on a command line."""

from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg

NO_DAY = (
    'the run has no day; add one with --tags \'{"dagster/partition": "2020-01-05"}\', or a range'
    " (docs/howto/backfill.md)"
)


@dataclass(frozen=True)
class AskedDays:
    """The days of a run, the valid partitions, and the reason for each day that is not one."""

    days: list[str]
    known: set[str]
    wrong: dict[str, str]


def asked_days(
    context: dg.AssetExecutionContext, known: dg.TimeWindowPartitionsDefinition
) -> AskedDays:
    """Return the days of a run. Raise dg.Failure if it has none."""
    if not context.has_partition_key and not context.has_partition_key_range:
        raise dg.Failure(NO_DAY, allow_retries=False)
    asked, valid = context.partition_key_range, set(known.get_partition_keys())
    days = span(asked.start, asked.end)
    first, last = known.get_first_partition_key(), known.get_last_partition_key()
    none = f"is not a partition: valid days are {first} to {last} (time zone {known.timezone})"
    wrong = dict.fromkeys({asked.start, asked.end, *days} - valid, none)
    if asked.start > asked.end:
        late = f"is after {asked.end}, the last day of the run; put the earlier day first"
        wrong.setdefault(asked.start, late)
    return AskedDays(days, valid, wrong)


def span(first: str, last: str) -> list[str]:
    """Return every day from `first` to `last`; none if either text is not a date."""
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        return []
    return [(start + timedelta(number)).isoformat() for number in range((end - start).days + 1)]
