from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from pyspark.sql import DataFrame

from cab_assets.clickstream.batch import Batch, BatchContents
from cab_assets.clickstream.errors import VersionsChange
from cab_assets.clickstream.ledger import Ledger
from cab_assets.clickstream.replay import READ_TRIES, Replay
from cab_assets.clients.hive import Hive
from cab_assets.clients.known_failures import LakeHidden
from cab_assets.clients.lake import Lake
from cab_assets.clients.spark import Spark


class OneBatch(Ledger):
    """A ledger whose newest batch is all there is."""

    def newest(self, hint: int | None = None) -> Batch:  # noqa: ARG002
        return Batch(
            number=1,
            folder="run-0-0",
            previous=None,
            topic="clicks",
            ranges=(),
            contents=BatchContents(),
            topics={},
            run_id="run",
            written=datetime(2020, 1, 1, tzinfo=UTC),
        )

    def shown(self, newest: Batch | None) -> list[Batch]:
        return [newest] if newest else []


def vanishing(versions: Iterator[Any], staged: list[Any]) -> Replay:
    """A replay that finds these versions of `rejects`, none of which can be read."""

    class Vanishing(Replay):
        def _versions(self) -> dict[str, Any]:
            return {"2020-03-14": next(versions)}

        def _stage(self, newest: Batch, versions: Any, taken: Any) -> Batch | None:  # noqa: ARG002
            staged.append(versions["2020-03-14"])
            raise LakeHidden("PATH_NOT_FOUND")

    def read(records: DataFrame) -> DataFrame:
        return records

    ledger = OneBatch(Lake("file:///nowhere"), Hive("hive://cab@127.0.0.1:1/cab"))
    return Vanishing(ledger, Spark("sc://127.0.0.1:1", None), read)


def test_versions_that_are_replaced_each_time_they_are_read_end_a_replay_by_name() -> None:
    staged: list[int] = []
    with pytest.raises(VersionsChange, match="CAB_VERSION_GRACE_DAYS"):
        list(vanishing(count(), staged).run())
    assert staged == list(range(READ_TRIES))


def test_a_version_that_is_still_published_and_cannot_be_read_ends_a_replay_at_once() -> None:
    staged: list[int] = []
    with pytest.raises(LakeHidden, match="PATH_NOT_FOUND"):
        list(vanishing(iter([7, 7]), staged).run())
    assert staged == [7]
