"""The demo of clicks: a feed with malformed records, ingested by the sensor, counted in Hive."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from cab_assets.cli.clickstream import Sides, lag_report
from cab_assets.clients.topic_state import Offsets
from cab_assets.dev.demo import DemoFailed
from cab_assets.dev.sample.clicks import Feed
from cab_assets.dev.sample.send import Pace, send_clicks
from cab_assets.environment import Environment
from cab_assets.settings import CHECKOUT

CLICKS, POISON = 20_000, 0.01
# Time-out for the ingestion: the daemon's start, a tick and a run with a cold Spark take 40 s
DRAIN_SECONDS = 240
# Time-out for the end of the daemon, and again for its children
END_SECONDS = 20
# A daemon with a heartbeat of the last 60 s counts as running
DAEMON_ALIVE_SECONDS = 60
DAYS_A_LINE = 5

Report = Callable[[str], None]


def feed_and_drain(
    env: Environment, variables: Mapping[str, str], days: int, report: Report
) -> None:
    """Send clicks, wait until the sensor's runs have committed all, and count them in Hive."""
    with closing(Sides(env)) as sides:
        before = sides.click_topic.look().ends
        send_clicks(
            env, Feed(start=env.start_date, days=days, poison=POISON), CLICKS, Pace(), report
        )
        # No more clicks follow, so a run may end when all are committed
        brief = {**variables, "CAB_INGEST_RUN_MINUTES": "0"}
        with daemon(brief, env.home / "logs" / "demo-daemon.log", report):
            wait_until_drained(sides, report)
        show(sides, before, report)


@contextmanager
def daemon(variables: Mapping[str, str], log: Path, report: Report) -> Iterator[None]:
    """Run Dagster's daemon until the block ends, unless one is already running."""
    if daemon_is_alive(variables):
        report("  a daemon is already running (`make dev`?); its sensor ingests the clicks")
        yield
        return
    report(f"  dagster-daemon run; its log is {log}")
    command = [sys.executable, "-m", "dagster._daemon", "run", "-w", "workspace.yaml"]
    with (
        log.open("w") as file,
        subprocess.Popen(  # noqa: S603
            command,
            cwd=CHECKOUT,
            env=dict(variables),
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield
        finally:
            end(process)


def daemon_is_alive(variables: Mapping[str, str]) -> bool:
    import dagster as dg

    with dg.DagsterInstance.from_config(variables["DAGSTER_HOME"]) as instance:
        beats = instance.get_daemon_heartbeats().values()
        return any(time.time() - beat.timestamp < DAEMON_ALIVE_SECONDS for beat in beats)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Stop the daemon as Ctrl-C does, and the processes that it started."""
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
    for child in psutil.wait_procs(family, END_SECONDS)[1]:
        with suppress(psutil.NoSuchProcess):
            child.kill()


def wait_until_drained(sides: Sides, report: Report) -> None:
    deadline, reported = time.monotonic() + DRAIN_SECONDS, -1
    while (waiting := lag_report(sides).figures["lag"]) and time.monotonic() < deadline:
        if waiting != reported:
            report(f"  {waiting:,} clicks are not yet ingested")
        reported = waiting
        time.sleep(1)
    if waiting:
        raise DemoFailed(
            f"{waiting:,} clicks are not committed after {DRAIN_SECONDS} s; see the log of the"
            f" daemon: {sides.env.home / 'logs' / 'demo-daemon.log'}"
        )


def _lines(dates: Sequence[tuple[Any, ...]]) -> Iterator[str]:
    """Return the counts of some dates, one line each."""
    for start in range(0, len(dates), DAYS_A_LINE):
        some = dates[start : start + DAYS_A_LINE]
        yield "  " + "   ".join(f"{date} {count:>6,}" for date, count in some)


def show(sides: Sides, before: Offsets, report: Report) -> None:
    """Print the counts of the records from the offsets `before` on, as the views have them.

    Raises DemoFailed if the counts do not add up to the clicks that were sent.
    """
    where = f"WHERE topic = '{sides.click_topic.name}' AND ({_after(before)})"
    dates = query(
        sides,
        f"SELECT event_date, count(*) FROM {{clickstream}} {where} GROUP BY event_date ORDER BY"
        " event_date",
    )
    reasons = query(
        sides,
        "SELECT reason, count(*) FROM (SELECT explode(reasons) AS reason FROM"
        f" {{clickstream_rejects}} {where}) t GROUP BY reason ORDER BY 2 DESC, 1",
    )
    ((rejected,),) = query(sides, f"SELECT count(*) FROM {{clickstream_rejects}} {where}")
    accepted = sum(count for _, count in dates)
    report("Accepted clicks by date:")
    for line in _lines(dates):
        report(line)
    report("Rejected clicks by reason (a click can have several):")
    report("  " + ", ".join(f"{reason} {count}" for reason, count in reasons))
    if accepted + rejected != CLICKS:
        raise DemoFailed(
            f"{accepted:,} accepted and {rejected:,} rejected clicks in Hive do not add up to the"
            f" {CLICKS:,} that were sent"
        )
    report(f"{accepted:,} accepted + {rejected:,} rejected = {CLICKS:,} sent.")


def _after(ends: Offsets) -> str:
    return " OR ".join(
        f"(kafka_partition = {partition} AND kafka_offset >= {end})"
        for partition, end in ends.items()
    )


def query(sides: Sides, sql: str) -> list[tuple[Any, ...]]:
    hive = sides.hive
    return hive.execute(
        sql.format(
            **{
                view: f"`{hive.database}`.`{view}`"
                for view in ("clickstream", "clickstream_rejects")
            }
        )
    )
