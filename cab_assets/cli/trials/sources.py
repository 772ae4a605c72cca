"""The checks of the source database and of the topic of clicks."""

from dataclasses import replace
from datetime import UTC, datetime

from cab_assets.cli.trials.trials import Trials
from cab_assets.clients.clocks import raise_if_clock_differs, raise_if_zone_differs
from cab_assets.tables import sources

# Time-out of the query that counts rows without a day: a count over an index takes about 1 s
COUNT_TIMEOUT_SECONDS = 20


def database(trials: Trials) -> str:
    """Read an empty time range in the same way as an import."""
    db = trials.bookings_db
    lost = db.rows_without_a_day(
        trials.env.start_date, seconds=min(trials.env.statement_seconds, COUNT_TIMEOUT_SECONDS)
    )
    with db.day(datetime.now(trials.env.timezone).date()) as day:
        list(replace(day, end=day.start).slices())
    others = [table for table in sources() if table.name != db.declared.name]
    for other in others:
        db.of(other).reach()
    names = ", ".join([trials.env.bookings_table, *(other.name for other in others)])
    have = f"tables {names} have" if others else f"table {names} has"
    return f"{trials.env.bookings_db_url}: {have} every column that is imported" + (
        f"; {lost} rows belong to no day" if lost else ""
    )


def clocks(trials: Trials) -> str:
    asked = datetime.now(UTC)
    clocks = trials.bookings_db.clocks()
    raise_if_clock_differs(str(trials.env.bookings_db_url), clocks.moment, asked)
    raise_if_zone_differs(str(trials.env.bookings_db_url), clocks, trials.env.timezone)
    apart = abs(clocks.moment - asked).total_seconds()
    return (
        f"the database's clock is {apart:.1f} s away from the clock of this machine; its sessions"
        f" run in UTC; days start and end in the time zone {trials.env.timezone.key}"
    )


def kafka(trials: Trials) -> str:
    topic = trials.click_topic.look()
    records = sum(topic.ends.values()) - sum(topic.begins.values())
    there = (
        f"topic {trials.env.clickstream_topic} has {records:,} records in {len(topic.ends)}"
        " partitions"
    )
    return "; ".join(
        [
            f"{trials.env.kafka_bootstrap_servers}: {there}",
            *map(str, trials.click_topic.held(topic)),
        ]
    )
