"""Which types of a database can be imported into which Hive types."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cab_assets.declarations import DECIMAL, Column


@dataclass(frozen=True)
class SourceTypes:
    """The types of a kind of database, as patterns by Hive type; `decimal` stands for all decimals.

    A value of an `accepted` type is imported if it fits its column. All values of a `sure` type do.
    They arrive as the column's type; others arrive as text, which settled.py converts.
    """

    accepted: Mapping[str, str]
    sure: Mapping[str, str]
    # The type of exact decimals
    decimal: str
    # Digits, and digits after the point, of the decimals that arrive as numbers
    most: tuple[int, int] = (38, 38)

    def accepts(self, column: Column, source_type: str) -> bool:
        """Return whether values of that source type can be imported into the column."""
        pattern = self.accepted[re.sub(DECIMAL, "decimal", column.type)]
        return re.fullmatch(pattern, source_type, re.DOTALL) is not None

    def arrives_as(self, column: Column, source_type: str) -> str:
        """Return the Hive type in which readers get the values of a column."""
        return column.type if self._is_sure(column, source_type) else "string"

    def _is_sure(self, column: Column, source_type: str) -> bool:
        if not column.is_decimal:
            pattern = self.sure.get(column.type, "(?!)")
            return re.fullmatch(pattern, source_type, re.DOTALL) is not None
        found = re.fullmatch(rf"{self.decimal}\((\d+),(-?\d+)\)", source_type)
        if not found or column.precision > self.most[0] or column.scale > self.most[1]:
            return False
        precision, scale = int(found[1]), int(found[2])
        return scale <= column.scale and precision - scale <= column.precision - column.scale
