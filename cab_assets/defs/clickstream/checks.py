"""The checks of each batch and of each folded day."""

from collections.abc import Iterable

import dagster as dg

from cab_assets.clickstream.batch import Batch
from cab_assets.clickstream.fold_checks import FOLD_CHECKS
from cab_assets.defs.partitions import daily_ahead
from cab_assets.defs.specs import check_specs

NOTHING_UNACCOUNTED, REJECT_RATIO, FRESH = "nothing_unaccounted", "reject_ratio", "fresh"
# Records that the newest batches must have together for the check of the reject ratio: among fewer,
# the share of rejected records is random
RATIO_RECORDS = 100
# Batches before its own that a run reads for that
RATIO_BATCHES = 20
DAY_CHECKED = ("clicks", "rejects")


def batch_checks() -> list[dg.AssetCheckSpec]:
    claims = {
        NOTHING_UNACCOUNTED: (
            "Accepted records, rejected records and undelivered offsets add up to the offsets of"
            " the batch."
        ),
        REJECT_RATIO: (
            f"In the newest batches that hold {RATIO_RECORDS} records or more together, the share"
            " of rejected records is at most CAB_MAX_REJECT_RATIO."
        ),
        FRESH: (
            "No record waits in the topic, or in one that was read before, for longer than"
            " CAB_FRESH_MINUTES."
        ),
    }
    return [
        dg.AssetCheckSpec(name, asset="clickstream", description=claim)
        for name, claim in claims.items()
    ]


def day_checks() -> list[dg.AssetCheckSpec]:
    return [spec for asset in DAY_CHECKED for spec in check_specs(asset, FOLD_CHECKS, daily_ahead)]


def is_accounted(batch: Batch) -> bool:
    contents = batch.contents
    return (
        contents.accepted + contents.rejected + sum(each.offsets for each in contents.undelivered)
        == batch.offsets
    )


def records(batches: Iterable[Batch]) -> int:
    return sum(batch.contents.accepted + batch.contents.rejected for batch in batches)


def rejected_share(batches: Iterable[Batch]) -> float:
    """Return the share of rejected records, 0 to 1."""
    judged = list(batches)
    return sum(batch.contents.rejected for batch in judged) / records(judged)


def enough(newest_first: Iterable[Batch]) -> list[Batch]:
    """Return the newest batches of the topic that hold RATIO_RECORDS together.

    If all hold fewer, return all. Batches that an operator's command committed are left out.
    """
    found: list[Batch] = []
    for batch in newest_first:
        if batch.kind == "ingest":
            found.append(batch)
        if records(found) >= RATIO_RECORDS:
            break
    return found
