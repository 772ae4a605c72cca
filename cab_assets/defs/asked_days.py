"""The days that a run was asked for; a command line can name some that Dagster does not check."""

from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg

NO_DAY = (
    'the run names no day; name one by --tags \'{"dagster/partition": "2020-01-05"}\', or a range'
    " (docs/using.md#days-and-ranges-with-dagsters-commands)"
)


@dataclass(frozen=True)
class AskedDays:
    """The days of a run, those that there are, and why others cannot be done."""

    days: list[str]
    there: set[str]
    wrong: dict[str, str]


def asked_days(
    context: dg.AssetExecutionContext, known: dg.TimeWindowPartitionsDefinition
) -> AskedDays:
    """Return the days that a run names; raise dg.Failure if it names none."""
    if not context.has_partition_key and not context.has_partition_key_range:
        raise dg.Failure(NO_DAY, allow_retries=False)
    asked, there = context.partition_key_range, set(known.get_partition_keys())
    days = span(asked.start, asked.end)
    first, last = known.get_first_partition_key(), known.get_last_partition_key()
    none = f"is no day from {first} to {last}, the last one there is now in {known.timezone}"
    wrong = dict.fromkeys({asked.start, asked.end, *days} - there, none)
    if asked.start > asked.end:
        late = f"lies after {asked.end}, the last day of the run; name the earlier one first"
        wrong.setdefault(asked.start, late)
    return AskedDays(days, there, wrong)


def span(first: str, last: str) -> list[str]:
    """Return every day from `first` to `last`; none if either is not written as a day is."""
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        return []
    return [(start + timedelta(number)).isoformat() for number in range((end - start).days + 1)]
