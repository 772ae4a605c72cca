"""The jobs of the group: bringing days over, and looking for days that differ."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import dagster as dg

from cab_assets.clients.hive import Hive
from cab_assets.clients.lake import Lake
from cab_assets.daily.changes import NOTHING, changed_days, days_of
from cab_assets.daily.row_counts import REMEDY, is_withheld
from cab_assets.defs.bookings.assets import AGGREGATES, PUBLISHED, RAW, SOURCE
from cab_assets.defs.bookings.checks import EVERY_ROW_HAS_A_DAY, outcome
from cab_assets.defs.specs import log_check
from cab_assets.defs.steps import step
from cab_assets.environment import Environment
from cab_assets.schemas import BOOKING_AGGREGATES, BOOKINGS
from cab_assets.sources.bookings_db import BookingsDb
from cab_assets.sources.fingerprint import Fingerprint
from cab_assets.store.sweep import astray
from cab_assets.store.table_store import TableStore

CHANGED_DAYS = "changed_days"  # metadata of an observation: what `bookings_changes_sensor` reads

bookings_daily = dg.define_asset_job(
    "bookings_daily",
    selection=dg.AssetSelection.assets(RAW, PUBLISHED, AGGREGATES),
    description="Import, publish and aggregate days of bookings.",
)


class Look(dg.Config):
    """How far and how closely the source is looked at."""

    # Every day from the first on, instead of the look-back window; and Hive against the lake
    everything: bool = False
    hashed: bool = True  # the sum of row hashes too, which sees a correction of any column


@dg.op
@step
def observe(
    context: dg.OpExecutionContext,
    config: Look,
    environment: dg.ResourceParam[Environment],
    bookings_db: dg.ResourceParam[BookingsDb],
    lake: dg.ResourceParam[Lake],
    hive: dg.ResourceParam[Hive],
) -> None:
    """Compare days of the source with what is published, and record what is seen on
    `rds_bookings`.
    """
    start, end = window(environment, everything=config.everything)
    limit = environment.statement_seconds * (60 if config.everything else 1)
    source = bookings_db.fingerprints(start, end, hashed=config.hashed, seconds=limit)
    bookings = TableStore(BOOKINGS, lake, hive)
    manifests = bookings.published(days_of(start.isoformat(), (end - timedelta(1)).isoformat()))
    differing = changed_days(
        source,
        {day: manifest.fingerprint for day, manifest in manifests.items() if manifest.fingerprint},
    )
    held = _held(context, bookings, {day: source.get(day, NOTHING) for day in differing})
    changed = sorted(
        {*differing} - {*held}
        | (_astray(context, lake, hive, start, end) if config.everything else set())
    )
    for day, seen in sorted(source.items()):
        context.log_event(
            dg.AssetObservation(
                SOURCE, partition=day, metadata=_figures(seen) | {"changed": day in changed}
            )
        )
    lost = bookings_db.rows_without_a_day(environment.start_date, seconds=limit)
    log_check(context, SOURCE, EVERY_ROW_HAS_A_DAY, **outcome(lost))
    summary: dict[str, Any] = {
        "first_day": str(start),
        "last_day": str(end - timedelta(1)),
        "hashed": config.hashed,
        CHANGED_DAYS: changed,
    }
    summary["withheld_days"] = held
    context.log_event(
        dg.AssetObservation(
            SOURCE,
            metadata=summary,
            description=(
                f"{len(changed)} of {len(source)} days with rows differ from what is published"
            ),
        )
    )


def _held(
    context: dg.OpExecutionContext, bookings: TableStore, source: Mapping[str, Fingerprint]
) -> list[str]:
    """Return the days whose state was withheld before, as it would be again; name each."""
    held = [day for day, state in source.items() if is_withheld(bookings.day(day), state)]
    for day in held:
        context.log.warning(
            f"{day} is withheld: most of its rows are gone from the source; {REMEDY}"
        )
    return held


def _astray(
    context: dg.OpExecutionContext, lake: Lake, hive: Hive, start: date, end: date
) -> set[str]:
    """Return the days of [start, end) that readers of either table do not see as the lake holds
    them; name each.
    """
    days: set[str] = set()
    for table in (BOOKINGS, BOOKING_AGGREGATES):
        for day, wrong in astray(TableStore(table, lake, hive)).items():
            if start.isoformat() <= day < end.isoformat():
                context.log.warning(wrong)
                days.add(day)
    return days


@dg.job(description="Compare the days of the look-back window, or every day, with the source.")
def observe_bookings() -> None:
    observe()


def window(environment: Environment, *, everything: bool) -> tuple[date, date]:
    """[start, end) of the days to look at: those that are over in the business zone."""
    today = datetime.now(environment.timezone).date()
    recent = today - timedelta(environment.lookback_days)
    return environment.start_date if everything else max(recent, environment.start_date), today


def _figures(seen: Fingerprint) -> dict[str, float | int | str]:
    exact = {} if seen.row_hash is None else {"row_hash": str(seen.row_hash)}
    return {
        "rows": seen.rows,
        "trip_fare": float(seen.fare or 0),
        "tip_amount": float(seen.tip or 0),
    } | exact
