"""One day of rows out of PostgreSQL: our whole import beside the ways it is held against."""

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.contenders import OneDay, spark_with
from benchmarks.driver import postgresql_driver
from benchmarks.memory import peak_megabytes
from benchmarks.rounds import Contender, Times, in_turn, table
from benchmarks.say import say
from benchmarks.stack import load, source
from cab_assets.environment import Environment

ROUNDS, SPARK_ROUNDS = 5, 3
OURS, COPY, BARE = "import_day, whole", "binary COPY to nowhere", "bare ConnectorX, 2 slices"
SPARK, SPARK_TWO = "Spark JDBC as it comes", "Spark JDBC, 2 predicates"
DAYS = {date(2020, 1, 2): 1_000_000, date(2020, 1, 3): 2_000_000}
LIMITS = {COPY: "≤ 2.2", BARE: "≤ 1", SPARK: "≤ 0.33", SPARK_TWO: "≤ 0.67"}


def imports(env: Environment) -> str:
    """The table of all contenders, and the peak memory of an import, for each number of rows."""
    for day, rows in DAYS.items():
        load(env, day, 1, rows)
    with source(env).cursor() as cursor:
        # As the server does by itself, but perhaps in the middle of a round
        cursor.execute(f"VACUUM ANALYZE {env.bookings_table}")
        cursor.execute("CHECKPOINT")
    found: list[dict[str, object]] = []
    with TemporaryDirectory(prefix="cab-bench-") as folder:
        for day, rows in DAYS.items():
            say(f"importing {rows:,} rows")
            times = _raced(env, day, Path(folder))
            found += [_row(rows, name, times) for name in times]
    memory = [
        {"rows": f"{rows:,}", "peak RSS, MB": peak_megabytes(day)} for day, rows in DAYS.items()
    ]
    return f"{table(found)}\n\n{table(memory)}"


def _raced(env: Environment, day: date, folder: Path) -> Times:
    one = OneDay(source(env), day, folder)
    with spark_with(postgresql_driver(folder)) as spark:
        return in_turn(
            [
                Contender(COPY, one.binary_copy, ROUNDS, warm=1),
                Contender(BARE, one.bare_connectorx, ROUNDS, warm=1),
                Contender(OURS, one.whole_import, ROUNDS, warm=1),
                Contender(
                    SPARK_TWO, lambda: one.spark_jdbc(spark, predicates=2), SPARK_ROUNDS, warm=1
                ),
                Contender(SPARK, lambda: one.spark_jdbc(spark, predicates=0), SPARK_ROUNDS, warm=1),
            ]
        )


def _row(rows: int, name: str, times: Times) -> dict[str, object]:
    ratio = "" if name == OURS else f"{times.ratio(OURS, name):.2f}"
    seconds = ", ".join(f"{each:.1f}" for each in times[name])
    return {
        "rows": f"{rows:,}",
        "what": name,
        "median s": f"{times.seconds(name):.2f}",
        "each s": seconds,
        "ours / it": ratio,
        "goal": LIMITS.get(name, ""),
    }
