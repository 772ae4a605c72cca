"""Bookings in a CSV file of Sqoop: no header, columns in order, no quotes, NULL as `null`."""

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from cab_assets.dev.sample.source import TEXT_WIDTH
from cab_assets.errors import CabError
from cab_assets.tables.bookings import BOOKINGS


class MalformedFile(CabError):
    """A line of a file of bookings cannot be read."""


# Only with one thread does Arrow's error name the line
READ = csv.ReadOptions(column_names=BOOKINGS.names, use_threads=False)
PARSE = csv.ParseOptions(quote_char=False, ignore_empty_lines=False)
CONVERT = csv.ConvertOptions(
    column_types=BOOKINGS.arrow_schema, null_values=["null"], strings_can_be_null=True
)


def bookings_in(file: Path) -> pa.Table:
    """Return all rows of `file` in the table's Arrow schema.

    Raises MalformedFile if a line cannot be read.
    """
    try:
        rows = csv.read_csv(file, READ, PARSE, CONVERT).combine_chunks()
    except pa.ArrowInvalid as error:
        raise MalformedFile(_message(file, str(error))) from None
    _reject(file, "booking_id", pc.is_null(rows["booking_id"]), "null, but it is the key")
    for column in (each.name for each in BOOKINGS.columns if each.type == "string"):
        _reject(
            file,
            column,
            pc.greater(pc.utf8_length(rows[column]), TEXT_WIDTH),
            f"more than {TEXT_WIDTH} characters",
        )
    return rows


def _reject(file: Path, column: str, unfit: Any, why: str) -> None:
    """Raise MalformedFile for the first row where `unfit` is true."""
    if (row := pc.index(unfit, True).as_py()) >= 0:
        raise MalformedFile(_sentence(f"{file}, line {row + 1}, column {column}: {why}"))


def _message(file: Path, said: str) -> str:
    """Return Arrow's message, with file, line and column.

    If the line has too few or too many fields, there is no column to name.
    """
    place = re.match(r"(?:In CSV column #(\d+): |CSV parse error: )Row #(\d+): ", said)
    if place is None:
        return _sentence(f"{file}: {said}")
    column = f", column {BOOKINGS.names[int(place[1])]}" if place[1] else ""
    return _sentence(f"{file}, line {place[2]}{column}: {said[place.end() :]}")


def _sentence(problem: str) -> str:
    return f"{problem}. Nothing was loaded; fix the file and load it again"
