"""Days in the form in which they name folders and partitions."""

from datetime import date


def is_day(text: str) -> bool:
    """Return whether `text` is a valid day in the form YYYY-MM-DD.

    >>> [is_day(text) for text in ("2020-02-29", "2020-02-00", "20200229", "12020-02-12")]
    [True, False, False, False]
    """
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
