"""The jobs of the group: ingest clicks, fold them into days, and observe the topic."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from cab_assets.clickstream.batch import Batch, committed_ends
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.offsets import lag, other_topic, start_offsets
from cab_assets.clickstream.topics import others_waiting
from cab_assets.clients.click_topic import ClickTopic
from cab_assets.clients.hive import Hive
from cab_assets.clients.lake import Lake
from cab_assets.clients.topic_state import Offsets, TopicState
from cab_assets.defs.clickstream.assets import DAYS, REJECTED, STREAM, TOPIC
from cab_assets.defs.clickstream.checks import FRESH
from cab_assets.defs.clickstream.report import END_OFFSETS, HIGH_WATERMARKS, topic_seen
from cab_assets.defs.specs import log_check
from cab_assets.defs.steps import step
from cab_assets.environment import Environment
from cab_assets.errors import CabError

# Upper bound of observations to read. The sensor logs one with each run that it requests
OBSERVATIONS = 500

clickstream_ingest = dg.define_asset_job(
    "clickstream_ingest",
    # With the checks selected, the Dagster UI would show them as not evaluated after a run without
    # a batch
    selection=dg.AssetSelection.assets(STREAM).without_checks(),
    description="Ingest new records of the topic as committed batches.",
)

clickstream_fold = dg.define_asset_job(
    "clickstream_fold",
    # Without the checks for the same reason
    selection=dg.AssetSelection.assets(DAYS, REJECTED).without_checks(),
    description="Fold committed batches into the daily tables, seal days, retire batches.",
)


@dg.op
@step
def look_at_topic(
    context: dg.OpExecutionContext,
    environment: dg.ResourceParam[Environment],
    click_topic: dg.ResourceParam[ClickTopic],
    lake: dg.ResourceParam[Lake],
    hive: dg.ResourceParam[Hive],
) -> None:
    """Log the end offsets and the lag of the topic, and whether records wait for too long."""
    newest, state = Ledger(lake, hive).newest(), click_topic.look()
    stopped = other_topic(newest, click_topic, state)
    minutes = environment.fresh_minutes
    if stopped:
        context.log_event(topic_seen(click_topic.name, state, {}))
        waiting = lag(state.begins, state.ends)
    else:
        waiting = _overdue(context, click_topic.name, state, newest, minutes)
    in_others, others = _others_overdue(context, newest, click_topic, minutes)
    metadata = {
        "waiting_records": waiting + in_others,
        "limit_minutes": minutes,
        "open_transactions": "; ".join(map(str, click_topic.held(state))) or "none",
        "other_topics": "; ".join(others) or "none",
        "stopped": stopped or "no",
    }
    passed = waiting == 0 and not stopped and not others
    log_check(context, STREAM, FRESH, passed=passed, metadata=metadata)


def _others_overdue(
    context: dg.OpExecutionContext, newest: Batch | None, topic: ClickTopic, minutes: float
) -> tuple[int, list[str]]:
    """Return how many records have waited in topics that were read before, and what is said of it.

    An error of such a topic does not hide the state of the configured one.
    """
    waiting, said = 0, []
    try:
        for other, state in others_waiting(newest, topic):
            if records := _overdue(context, other.name, state, newest, minutes):
                waiting += records
                held = "; ".join(map(str, other.held(state)))
                said.append(f"{other.name}: {records:,} records" + (f" ({held})" if held else ""))
    except CabError as error:
        said.append(str(error))
    return waiting, said


def _overdue(
    context: dg.OpExecutionContext,
    topic: str,
    state: TopicState,
    newest: Batch | None,
    minutes: float,
) -> int:
    """Log an observation of the topic. Return how many records have waited for `minutes`."""
    before = seen_before(context.instance, topic, minutes=minutes)
    context.log_event(topic_seen(topic, state, committed_ends(newest, topic)))
    return still_waiting(before, start_offsets(newest, topic, state))


@dg.job(
    description="Log the end offsets and the lag of the topic, and check if records wait too long."
)
def observe_clicks() -> None:
    look_at_topic()


def seen_before(instance: dg.DagsterInstance, topic: str, *, minutes: float) -> Offsets:
    """Return the topic's end offsets as logged `minutes` ago or earlier.

    They include records behind open transactions, if the observation has them.
    """
    before = datetime.now(UTC).timestamp() - minutes * 60
    older = dg.AssetRecordsFilter(TOPIC, before_timestamp=before)
    for record in instance.fetch_observations(older, limit=OBSERVATIONS).records:
        observation = record.event_log_entry.asset_observation
        if observation and observation.metadata["topic"].value == topic:
            ends: Any = (
                observation.metadata.get(HIGH_WATERMARKS) or observation.metadata[END_OFFSETS]
            ).value
            return {int(partition): int(end) for partition, end in ends.items()}
    return {}


def still_waiting(seen: Offsets, ends: Offsets) -> int:
    """Return how many of the offsets below `seen` are not below `ends`, the committed ends."""
    return sum(max(end - ends.get(partition, 0), 0) for partition, end in seen.items())
