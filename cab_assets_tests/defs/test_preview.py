"""What is only shown to a person fails no day."""

from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from cab_assets.clients.lake import Lake
from cab_assets.defs.partitions import daily
from cab_assets.defs.report import DayReport
from cab_assets.store.manifest import Finding, Manifest
from cab_assets.store.outcomes import Published
from cab_assets.tables.bookings import BOOKINGS
from cab_assets_tests.versions import bookings_day, written

DAY = "2020-01-02"
NOT_UTF8 = pa.Array.from_buffers(
    pa.string(), 1, [None, pa.py_buffer(bytes([0, 0, 0, 0, 2, 0, 0, 0])), pa.py_buffer(b"\xff\xfe")]
)


def version(lake: Lake, detail: dict[str, str]) -> Manifest:
    """Write a row whose color is not UTF-8."""
    columns = [
        NOT_UTF8 if field.name == "cab_color" else pa.nulls(1, field.type)
        for field in BOOKINGS.arrow_schema
    ]
    files = written(
        bookings_day(lake, DAY),
        "v",
        [pa.RecordBatch.from_arrays(columns, schema=BOOKINGS.arrow_schema)],
    )
    findings = (Finding(check="schema_as_expected", passed=True, detail=detail),)
    return Manifest(
        table=BOOKINGS.name,
        day=DAY,
        version="v",
        code_version=1,
        files=files,
        rows=1,
        findings=findings,
        seconds=0,
    )


@pytest.mark.parametrize("left_out", ["none", "²", "٣"])
def test_a_preview_or_a_figure_that_cannot_be_shown_fails_no_day(
    tmp_path: Path, left_out: str
) -> None:
    lake = Lake(f"file://{tmp_path}")
    published = Published(BOOKINGS, version(lake, {"left out": left_out}), "somewhere", moved=True)

    @dg.op
    def publish(context: dg.OpExecutionContext) -> None:
        report = DayReport(context, lake, daily, [BOOKINGS.name])  # type: ignore[arg-type]  # as an asset's context here
        report.log([published])

    with dg.DagsterInstance.ephemeral() as instance:
        ended = dg.GraphDefinition("shown", node_defs=[publish]).execute_in_process(
            instance=instance
        )
        (event,) = ended.asset_materializations_for_node("publish")
        checks = ended.get_asset_check_evaluations()
    assert event.partition == DAY
    assert "preview" not in event.metadata
    assert {each.metadata["left out"].value for each in checks} <= {left_out, 3}
