"""Convert timestamps that HiveServer2 returns."""

from datetime import datetime


def timestamp(text: str) -> datetime | str:
    """Return a timestamp in microseconds, or the text if Python cannot represent its year."""
    try:
        # Without the nanoseconds that Apache Hive returns
        return datetime.fromisoformat(text[:26])
    except ValueError:
        return text
