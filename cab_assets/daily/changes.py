"""Find the days whose rows in the source differ from the published ones."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta

from cab_assets.sources.fingerprint import Fingerprint

NOTHING = Fingerprint(rows=0, row_hash=0)


def changed_days(
    source: Mapping[str, Fingerprint], published: Mapping[str, Fingerprint]
) -> list[str]:
    """Return the days whose rows in the source differ from the published ones."""
    days = source.keys() | published.keys()
    return sorted(
        day for day in days if source.get(day, NOTHING).differs_from(published.get(day, NOTHING))
    )


def days_to_import(changed: Collection[str], busy: Collection[str]) -> list[tuple[str, str]]:
    """Return (first day, last day) of each range of `changed` days that no run is working on."""
    return list(ranges(sorted(set(changed) - set(busy))))


def ranges(days: list[str]) -> Iterator[tuple[str, str]]:
    """Yield sorted days as ranges of consecutive days.

    >>> list(ranges(["2020-01-30", "2020-01-31", "2020-02-01", "2020-02-03"]))
    [('2020-01-30', '2020-02-01'), ('2020-02-03', '2020-02-03')]
    """
    first = previous = None
    for day in days:
        if previous is not None and day != following(previous):
            yield str(first), previous
            first = None
        first, previous = first or day, day
    if previous is not None:
        yield str(first), previous


def following(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(1)).isoformat()


def days_of(first: str, last: str) -> list[str]:
    """Return every day from `first` to `last`, both included."""
    days = [first]
    while days[-1] < last:
        days.append(following(days[-1]))
    return days
