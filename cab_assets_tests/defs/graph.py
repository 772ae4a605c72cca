"""The whole graph as text: every key, dependency, check, job, schedule, sensor and resource.

`python -m cab_assets_tests.defs.graph > cab_assets_tests/defs/graph.txt` writes it anew when a
change of the graph is meant.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from warnings import catch_warnings

import dagster as dg

from cab_assets.definitions import defs


def graph() -> str:
    """Return the definitions that Dagster loads, one line for each fact, sorted."""
    definitions = defs()
    repository = definitions.get_repository_def()
    parts = {
        "assets": _assets(definitions),
        "jobs": _jobs(repository),
        "schedules": _schedules(repository),
        "sensors": map(_sensor, repository.sensor_defs),
        "resources": sorted(definitions.resources or ()),
    }
    return (
        "\n".join(
            line
            for title, lines in parts.items()
            for line in ("", title, *(f"  {each}" for each in lines))
        ).lstrip()
        + "\n"
    )


def _assets(definitions: dg.Definitions) -> Iterator[str]:
    assets = definitions.resolve_asset_graph()
    for node in sorted(
        (assets.get(key) for key in assets.get_all_asset_keys()), key=lambda node: node.key
    ):
        made = node.assets_def if node.is_materializable else None
        yield (
            f"{node.key.to_user_string()} <-"
            f" {', '.join(sorted(key.to_user_string() for key in node.parent_keys)) or 'nothing'}"
        )
        yield (
            f"  group {node.group_name}, kinds {', '.join(sorted(node.kinds))}, owners"
            f" {', '.join(node.owners)}"
        )
        yield (
            f"  made by {made.op.name if made else 'nobody'}, {_backfill(node)},"
            f" {_partitions(node.partitions_def)}, code version {node.code_version}"
        )
        yield f"  {node.description}"
        yield from (f"  column {each}" for each in _columns(node.metadata))
        yield from (f"  check {_check(assets.get(key))}" for key in sorted(node.check_keys))


def _backfill(node: Any) -> str:
    return (
        "a backfill is one run"
        if node.backfill_policy == dg.BackfillPolicy.single_run()
        else "no backfill policy"
    )


def _partitions(partitions: dg.PartitionsDefinition[str] | None) -> str:
    return str(partitions or "not partitioned").replace("\n", " ")


def _columns(metadata: Any) -> Iterator[str]:
    schema = metadata.get("dagster/column_schema")
    yield from (
        f"{each.name} {each.type}: {each.description}"
        for each in (schema.columns if schema else ())
    )


def _check(node: Any) -> str:
    return (
        f"{node.key.name}, {'blocking' if node.blocking else 'not blocking'},"
        f" {_partitions(node.partitions_def)}: {node.description}"
    )


def _jobs(repository: dg.RepositoryDefinition) -> Iterator[str]:
    for job in sorted(repository.get_all_jobs(), key=lambda job: job.name):
        yield f"{job.name}: {', '.join(sorted(node.name for node in job.nodes))}"
        yield f"  {job.description}"
        if job.asset_layer.selected_asset_keys:
            yield f"  assets {', '.join(_names(job.asset_layer.selected_asset_keys))}"


def _names(keys: Any) -> list[str]:
    return sorted(key.to_user_string() for key in keys)


def _schedules(repository: dg.RepositoryDefinition) -> Iterator[str]:
    """A line for each schedule, and one for each run that it would ask for now."""
    now = datetime.now(UTC)
    context = dg.build_schedule_context(scheduled_execution_time=now, repository_def=repository)
    for each in repository.schedule_defs:
        when = f"{each.cron_schedule} {each.execution_timezone}"
        yield (
            f"{each.name}: {each.job_name} at {when}, {each.default_status.value}:"
            f" {each.description}"
        )
        # Of Dagster, for its own call
        with catch_warnings(action="ignore", category=DeprecationWarning):
            runs = each.evaluate_tick(context).run_requests
        for run in runs or ():
            yield (
                f"  {'a day' if run.partition_key else 'no day'}, config"
                f" {json.dumps(run.run_config)}"
            )


def _sensor(sensor: dg.SensorDefinition) -> str:
    return (
        f"{sensor.name}: {sensor.job_name} every {sensor.minimum_interval_seconds} s,"
        f" {sensor.default_status.value}: {sensor.description}"
    )


if __name__ == "__main__":
    print(graph(), end="")  # noqa: T201
