"""Whatever producers compress by: the broker hands their bytes on as they are, and every reader
needs the library.
"""

import kafka.codec
import pytest

from cab_assets_tests.clicks import Clicks, numbered
from cab_assets_tests.defs.clickstream.test_feeds import transaction

CODECS = (None, "gzip", "snappy", "lz4", "zstd")


def send_by_each_codec(clicks: Clicks) -> None:
    """One transaction for each codec, whose marker leaves a gap behind its three records."""
    clicks.create(1)
    for number, codec in enumerate(CODECS):
        with transaction(clicks, commit=True, compression_type=codec) as producer:
            for value in numbered(range(number * 10, number * 10 + 3)):
                producer.send(clicks.topic, value, partition=0)
            producer.flush()


def test_gaps_between_records_of_every_codec_are_accounted_for(clicks: Clicks) -> None:
    send_by_each_codec(clicks)
    run = clicks.ingest()
    assert run.failure == ""
    clicks.is_whole()
    read = [row[0] for row in clicks.query("SELECT customer_id FROM {clickstream} ORDER BY 1")]
    assert read == [number * 10 + each for number in range(len(CODECS)) for each in range(3)]
    assert clicks.metadata(run)["undelivered"] == len(CODECS)


def test_a_codec_that_lacks_its_library_is_not_called_a_silent_broker(
    clicks: Clicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_by_each_codec(clicks)
    monkeypatch.setattr(kafka.codec, "lz4", None)
    failure = clicks.ingest().failure
    assert f"Kafka at {clicks.servers} answers with an error" in failure
    assert "Libraries for lz4 compression codec not found" in failure
