"""What the queries that look for changes cost the rides' database: a table of 14 M rows
on 28 days.
"""

from dataclasses import replace
from datetime import date, timedelta

from benchmarks.contenders import COLUMNS
from benchmarks.rounds import Contender, in_turn, table
from benchmarks.say import say
from cab_assets.sources.bookings_db import BookingsDb

ROUNDS = 3
DAYS, ROWS = 28, 500_000
FIRST, SECONDS = date(2020, 2, 1), 600
ONE_DAY_LATER = COLUMNS.replace(
    "pickup_timestamp", "pickup_timestamp + interval '{days} days'"
).replace("drop_timestamp", "drop_timestamp + interval '{days} days'")


def many_days(db: BookingsDb, model: date) -> BookingsDb:
    """A table whose days are the first rows of `model`, each day moved on.

    Written in the order of days, as rides are.
    """
    observed = replace(db, table="observed")
    with db.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {observed.table} (LIKE {db.table})")
        for each in range(DAYS):
            columns = ONE_DAY_LATER.format(days=(FIRST - model).days + each)
            day = f"pickup_timestamp >= '{model}' AND pickup_timestamp < '{model + timedelta(1)}'"
            cursor.execute(
                f"INSERT INTO {observed.table} SELECT {columns} FROM {db.table} WHERE {day} LIMIT"
                f" {ROWS}"
            )
        cursor.execute(f"CREATE INDEX ON {observed.table} (pickup_timestamp)")
        cursor.execute(f"VACUUM ANALYZE {observed.table}")
    return observed


def observing(db: BookingsDb, model: date) -> str:
    """Seconds of each look, and how the server finds the window's rows."""
    say(f"copying {DAYS * ROWS:,} bookings to observe")
    observed, end = many_days(db, model), FIRST + timedelta(DAYS)
    window = end - timedelta(7)
    looks = [
        Contender(
            "7 days, sums",
            lambda: observed.fingerprints(window, end, hashed=False, seconds=SECONDS),
            ROUNDS,
        ),
        Contender(
            "7 days, sums and hashes",
            lambda: observed.fingerprints(window, end, hashed=True, seconds=SECONDS),
            ROUNDS,
        ),
        Contender(
            "everything, sums",
            lambda: observed.fingerprints(FIRST, end, hashed=False, seconds=SECONDS),
            ROUNDS,
        ),
        Contender(
            "everything, sums and hashes",
            lambda: observed.fingerprints(FIRST, end, hashed=True, seconds=SECONDS),
            ROUNDS,
        ),
        Contender(
            "rows without a day",
            lambda: observed.rows_without_a_day(FIRST, seconds=SECONDS),
            ROUNDS,
        ),
    ]
    times = in_turn(looks)
    seconds = table(
        [{"look": each.name, "median s": f"{times.seconds(each.name):.2f}"} for each in looks]
    )
    return f"{seconds}\n\n```\n{_plan(observed, window, end)}\n```"


def _plan(observed: BookingsDb, start: date, end: date) -> str:
    """Of the 7 days with hashes: an index range, and no sort of the rows."""
    with observed.reading() as cursor:
        observed.dialect.limit(cursor, SECONDS)
        figures = f"pickup_timestamp::date, count(*), sum({observed.source(cursor).row_hash})"
        within = f"pickup_timestamp >= '{start}' AND pickup_timestamp < '{end}'"
        cursor.execute(
            f"EXPLAIN (COSTS OFF) SELECT {figures} FROM {observed.table} WHERE {within} GROUP BY 1"
        )
        return "\n".join(row[0] for row in cursor.fetchall())
