"""The checks of each batch and of each folded day."""

import dagster as dg

from cab_assets.clickstream.batch import Batch
from cab_assets.clickstream.fold_checks import FOLD_CHECKS
from cab_assets.defs.partitions import daily_ahead
from cab_assets.defs.specs import check_specs

NOTHING_UNACCOUNTED, REJECT_RATIO, FRESH = "nothing_unaccounted", "reject_ratio", "fresh"
# Records that a batch must have for the check of the reject ratio: in a smaller one, the share of
# rejected records is random
RATIO_RECORDS = 100
DAY_CHECKED = ("clicks", "rejects")


def batch_checks() -> list[dg.AssetCheckSpec]:
    claims = {
        NOTHING_UNACCOUNTED: (
            "Accepted records, rejected records and undelivered offsets add up to the offsets of"
            " the batch."
        ),
        REJECT_RATIO: (
            f"In a batch of {RATIO_RECORDS} records or more, the share of rejected records is at"
            " most CAB_MAX_REJECT_RATIO."
        ),
        FRESH: "No record waits in the topic for longer than CAB_FRESH_MINUTES.",
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


def rejected_share(batch: Batch) -> float:
    """Return the share of rejected records, 0 to 1; 0 if the batch is too small for the check."""
    records = batch.contents.accepted + batch.contents.rejected
    return batch.contents.rejected / records if records >= RATIO_RECORDS else 0.0
