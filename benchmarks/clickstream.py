"""The benchmarks of the clicks, by the name of their place in the report."""

from pathlib import Path

from benchmarks import backlog, clicks, latency
from cab_assets.clients.spark import Spark
from cab_assets.environment import Environment


def parts(env: Environment) -> dict[str, str]:
    """Each part of the report that is about clicks."""
    folder = Path(str(env.home)) / "bench"
    folder.mkdir()
    found = latency.latency(env)
    topic = clicks.fill(env, "bench", clicks.EVENTS)
    clicks.values(folder, clicks.EVENTS)
    with Spark(env.spark_remote, None).session() as session:
        bench = clicks.Bench(env, session, folder, topic)
        found["click_throughput"] = clicks.throughput(bench)
        found["click_memory"] = backlog.drains(bench)
        found["click_commits"] = clicks.commits(bench)
    found["click_folds"] = clicks.folds(bench)
    return found
