"""What is checked of each batch and of each folded day, as Dagster shows it."""

import dagster as dg

from cab_assets.clickstream.batch import Batch
from cab_assets.clickstream.fold_checks import FOLD_CHECKS
from cab_assets.defs.partitions import daily_ahead
from cab_assets.defs.specs import check_specs

NOTHING_UNACCOUNTED, REJECT_RATIO, FRESH = "nothing_unaccounted", "reject_ratio", "fresh"
RATIO_RECORDS = 100  # a smaller batch says nothing about its source
DAY_CHECKED = ("clicks", "rejects")


def batch_checks() -> list[dg.AssetCheckSpec]:
    claims = {
        NOTHING_UNACCOUNTED: (
            "Accepted and refused records, and offsets that Kafka never delivers, are the offsets"
            " of the batch."
        ),
        REJECT_RATIO: (
            f"Of a batch of {RATIO_RECORDS} records or more, no larger share is refused than"
            " CAB_MAX_REJECT_RATIO."
        ),
        FRESH: "Records do not wait in the topic for longer than CAB_FRESH_MINUTES.",
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


def refused_share(batch: Batch) -> float:
    """Return the share of rejected records, 0 to 1; 0 for a batch too small to say."""
    records = batch.contents.accepted + batch.contents.rejected
    return batch.contents.rejected / records if records >= RATIO_RECORDS else 0.0
