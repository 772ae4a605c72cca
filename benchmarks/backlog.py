"""How much memory the warehouse takes for a backlog of clicks."""

from pathlib import Path

import psutil

from benchmarks.clicks import Bench, fill
from benchmarks.memory import peak_kilobytes
from benchmarks.rounds import table
from cab_assets.dev.stack.status import status

DRAINED = (1_000_000, 4_000_000)  # one batch, and four
RESET_PEAK = "5"  # of VmHWM: proc_pid_clear_refs(5)


def drains(bench: Bench) -> str:
    """The peak RSS of the warehouse, and of the Pythons of its Spark, while backlogs of so many
    clicks are drained.
    """
    (warehouse,) = (each for each in status(bench.env.home) if each.name == "warehouse")
    rows: list[dict[str, object]] = []
    for events in DRAINED:
        topic, ledger = fill(bench.env, f"bench-drain-{events}", events), bench.ledger()
        ledger.create()
        jvm = psutil.Process(warehouse.pid)
        for each in (jvm, *jvm.children(recursive=True)):
            Path(f"/proc/{each.pid}/clear_refs").write_text(RESET_PEAK)
        batches = bench.ingest(ledger, topic)
        pythons = sum(peak_kilobytes(each.pid) for each in jvm.children(recursive=True))
        rows.append(
            {
                "clicks": f"{events:,}",
                "batches": batches,
                "warehouse JVM, MB": f"{peak_kilobytes(jvm.pid) >> 10:,}",
                "its Pythons, MB": f"{pythons >> 10:,}",
            }
        )
    return table(rows)
