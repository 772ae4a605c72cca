"""Values that do not fit their column."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from cab_assets.resources.dialect import SourceUnreadable


@contextmanager
def fitting() -> Iterator[None]:
    """SourceUnreadable where a value does not fit."""
    try:
        yield
    except pa.ArrowInvalid as error:
        raise SourceUnreadable(f"a value of the source does not fit its column: {error}. Mend it in the source, then run the day again") from error
