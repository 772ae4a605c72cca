"""What a run tells Dagster of its days, in the order in which it does, as one file that a person
can read.
"""

import re
from pathlib import Path

from cab_assets_tests.defs.daily.test_bad_days import DAYS, RIDES
from cab_assets_tests.pipeline import Pipeline

GOLDEN = Path(__file__).with_name("event_log.txt")
CHANGING = {  # what another run of the same says otherwise
    r"\d{8}T\d{12}Z": "MOMENT",
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}": "RUN",
    r"file://\S*/lake": "LAKE",
    r"\bbookings_[0-9a-f]{6}_\d+": "TABLE",
    r"\d+\.\d+ s\b|'seconds': [\d.]+": "SECONDS",
    r"'bytes': \d+": "BYTES",
}


def told(pipeline: Pipeline, run_id: str) -> list[str]:
    """Return the log lines, materializations and checks of a run, day by day."""
    lines = []
    for entry in pipeline.instance.all_logs(run_id):
        event = entry.dagster_event
        if event is None:
            lines.append(f"{entry.user_message}")
        elif event.is_step_materialization:
            made = event.step_materialization_data.materialization
            metadata = {
                name: value.value for name, value in made.metadata.items() if name != "preview"
            }
            lines.append(f"{made.partition} {made.asset_key.to_user_string()} {metadata}")
        elif event.event_type_value == "ASSET_CHECK_EVALUATION":
            check = event.asset_check_evaluation_data
            detail = {name: value.value for name, value in check.metadata.items()}
            lines.append(
                f"{check.partition} {check.asset_key.to_user_string()}:{check.check_name}"
                f" passed={check.passed} {check.severity.value} {detail}"
            )
        elif event.is_step_failure:
            failed = event.step_failure_data.user_failure_data
            lines.append(f"the run failed: {failed and failed.description}")
    return sorted(
        map(steady, lines),
        key=lambda line: min((day for day in DAYS if day in line.split("\n")[0]), default="9"),
    )


def steady(line: str) -> str:
    for pattern, word in CHANGING.items():
        line = re.sub(pattern, word, line)
    return line


def test_what_a_run_tells_of_good_days_and_bad_ones_stays_as_it_is(pipeline: Pipeline) -> None:
    pipeline.sql("ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, ADD note text")
    pipeline.insert(*RIDES[:2], RIDES[1])
    found = told(pipeline, pipeline.run(DAYS[0], DAYS[-1]).run_id)
    pipeline.sql(
        "UPDATE {table} SET booking_id = 'BK7', trip_fare = 'NaN' WHERE ctid = (SELECT min(ctid)"
        " FROM {table} WHERE booking_id LIKE '%%2')"
    )
    found += ["", *told(pipeline, pipeline.run(DAYS[0], DAYS[-1]).run_id)]
    assert "\n".join(found) + "\n" == GOLDEN.read_text()
