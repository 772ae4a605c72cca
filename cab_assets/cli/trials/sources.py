"""Trials of the bookings database and of the topic of clicks."""

from dataclasses import replace
from datetime import UTC, datetime

from cab_assets.cli.trials.trials import Trials
from cab_assets.clients.clocks import raise_if_clock_differs, raise_if_zone_differs

LOOK_SECONDS = 20  # a count over an index takes one


def database(trials: Trials) -> str:
    """Read as an import does, an empty range of time."""
    db = trials.bookings_db
    lost = db.rows_without_a_day(
        trials.env.start_date, seconds=min(trials.env.statement_seconds, LOOK_SECONDS)
    )
    with db.day(datetime.now(trials.env.timezone).date()) as day:
        list(replace(day, end=day.start).slices())
    return (
        f"{trials.env.bookings_db_url}: table {trials.env.bookings_table} has every column we"
        " import" + (f"; {lost} rows belong to no day" if lost else "")
    )


def clocks(trials: Trials) -> str:
    asked = datetime.now(UTC)
    clocks = trials.bookings_db.clocks()
    raise_if_clock_differs(str(trials.env.bookings_db_url), clocks.moment, asked)
    raise_if_zone_differs(str(trials.env.bookings_db_url), clocks, trials.env.timezone)
    apart = abs(clocks.moment - asked).total_seconds()
    return (
        f"the database's is {apart:.1f} s from ours; its sessions run in UTC; a day ends by the"
        f" clock of {trials.env.timezone.key}"
    )


def kafka(trials: Trials) -> str:
    topic = trials.click_topic.look()
    records = sum(topic.ends.values()) - sum(topic.begins.values())
    there = (
        f"topic {trials.env.clickstream_topic} holds {records:,} records in {len(topic.ends)}"
        " partitions"
    )
    return "; ".join(
        [
            f"{trials.env.kafka_bootstrap_servers}: {there}",
            *map(str, trials.click_topic.held(topic)),
        ]
    )
