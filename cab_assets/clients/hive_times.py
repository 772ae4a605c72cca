"""Timestamps as HiveServer2 answers them."""

from datetime import datetime


def timestamp(text: str) -> datetime | str:
    """Return a timestamp to the microsecond; the text itself if Python has no such year."""
    try:
        return datetime.fromisoformat(text[:26])  # Apache Hive answers nanoseconds
    except ValueError:
        return text
