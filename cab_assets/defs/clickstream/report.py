"""What an ingest run logs in Dagster about its batches."""

from collections.abc import Iterable
from itertools import chain, islice
from typing import Any

import dagster as dg

from cab_assets.clickstream.batch import Batch
from cab_assets.clickstream.chain import back
from cab_assets.clickstream.ingest import CommitResult
from cab_assets.clickstream.offsets import lag
from cab_assets.clients.lake import Lake
from cab_assets.clients.topic_state import TopicState
from cab_assets.defs.clickstream.checks import (
    FRESH,
    NOTHING_UNACCOUNTED,
    RATIO_BATCHES,
    RATIO_RECORDS,
    REJECT_RATIO,
    enough,
    is_accounted,
    records,
    rejected_share,
)

STREAM, TOPIC = dg.AssetKey("clickstream"), dg.AssetKey("click_topic")
# Upper bound of dates in the metadata of a batch
NAMED_DATES = 10
# Names in the metadata of an observation
END_OFFSETS, HIGH_WATERMARKS = "end_offsets", "high_watermarks"


class BatchReport:
    """Logs each batch when it is committed, and the totals at the end of the run."""

    def __init__(
        self, context: dg.AssetExecutionContext, lake: Lake, *, max_reject_ratio: float
    ) -> None:
        self._context = context
        self._lake = lake
        self._max_reject_ratio = max_reject_ratio
        self._batches = self._accepted = self._rejected = 0
        # The batches by which rejects are judged, newest first; None before the first batch
        self._judged: list[Batch] | None = None

    def committed(self, done: CommitResult) -> None:
        contents = done.batch.contents
        self._batches += 1
        self._accepted += contents.accepted
        self._rejected += contents.rejected
        self._context.log.info(
            f"batch {done.batch.number}: {contents.accepted:,} accepted, {contents.rejected:,}"
            f" rejected in {done.seconds:.1f} s; lag {done.lag_after:,} offsets"
        )
        around = {
            "lag_before": done.lag_before,
            "lag_after": done.lag_after,
            "seconds": done.seconds,
        }
        self._context.log_event(
            dg.AssetMaterialization(STREAM, metadata={**figures(done.batch), **around})
        )
        self._check(
            NOTHING_UNACCOUNTED,
            is_accounted(done.batch),
            {"offsets": done.batch.offsets, "records": contents.accepted + contents.rejected},
        )
        self._check_rejects(done.batch)

    def close(self, *, caught_up: bool) -> None:
        """Log the totals of the run, also if there was no batch.

        `caught_up` is whether all records that were in the topic when the run started are
        committed. If not, the observation of the topic decides whether they wait for too long.
        """
        news = (
            f"{self._batches} batches: {self._accepted:,} accepted, {self._rejected:,} rejected"
            if self._batches
            else "nothing new: all is committed"
        )
        self._context.log.info(f"clickstream: {news}")
        if caught_up:
            self._check(FRESH, True, {"waiting_records": 0})

    def _check_rejects(self, batch: Batch) -> None:
        """Log the check of the reject ratio, unless recent batches have too few records for it."""
        before: Iterable[Batch] = islice(back(self._lake, batch), RATIO_BATCHES)
        if self._judged is not None:
            before = self._judged
        self._judged = enough(chain([batch], before))
        if records(self._judged) < RATIO_RECORDS:
            return
        share = rejected_share(self._judged)
        metadata = {
            "rejected_share": round(share, 4),
            "limit": self._max_reject_ratio,
            "records": records(self._judged),
            "batches": len(self._judged),
        }
        self._check(REJECT_RATIO, share <= self._max_reject_ratio, metadata)

    def _check(self, name: str, passed: bool, metadata: dict[str, Any]) -> None:
        self._context.log_event(
            dg.AssetCheckEvaluation(
                asset_key=STREAM, check_name=name, passed=passed, metadata=metadata
            )
        )


def figures(batch: Batch) -> dict[str, Any]:
    """Return the metadata of a batch; Dagster plots the numbers."""
    contents, dates = batch.contents, sorted(batch.contents.event_dates)
    more = f" and {len(dates) - NAMED_DATES} more" if len(dates) > NAMED_DATES else ""
    return {
        "batch": batch.number,
        "kind": batch.kind,
        "offsets": {str(each.partition): f"{each.start} to {each.end}" for each in batch.ranges},
        "dagster/row_count": contents.accepted + contents.rejected,
        "accepted": contents.accepted,
        "rejected": contents.rejected,
        "rejected_by_reason": dict(contents.reasons),
        "undelivered": sum(each.offsets for each in contents.undelivered),
        "without_position": contents.without_position,
        "extra_keys": contents.extra_keys,
        "first_event": contents.first_event or "none",
        "last_event": contents.last_event or "none",
        "dates_touched": len(dates),
        "dates": ", ".join(dates[:NAMED_DATES]) + more,
        "bytes": sum(file.bytes for file in contents.files),
        "folder": batch.folder,
    }


def topic_seen(
    topic: str, state: TopicState, committed_ends: dict[int, int]
) -> dg.AssetObservation:
    """Return an observation with the current offsets of the topic."""
    return dg.AssetObservation(
        TOPIC,
        metadata={
            "topic": topic,
            "topic_id": state.id,
            END_OFFSETS: {str(partition): end for partition, end in state.ends.items()},
            HIGH_WATERMARKS: {str(partition): end for partition, end in state.highs.items()},
            "oldest_offsets": {str(partition): begin for partition, begin in state.begins.items()},
            "records_ever": sum(state.ends.values()),
            "lag": (
                lag(committed_ends, state.ends) if committed_ends else lag(state.begins, state.ends)
            ),
        },
    )
