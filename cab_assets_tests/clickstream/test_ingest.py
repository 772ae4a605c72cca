"""How patient a run is that is at work."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from cab_assets.clickstream import ingest
from cab_assets.clickstream.ingest import Ingest
from cab_assets.clients.click_topic import ClickTopic
from cab_assets.clients.kafka_client import KafkaUnavailable
from cab_assets.clients.topic_state import TopicState

STATE = TopicState("topic", {0: 0}, {0: 5})


@dataclass(frozen=True)
class Silent(ClickTopic):
    """A topic whose brokers are silent for so many looks."""

    looks: list[int] = field(default_factory=list)

    def look(self) -> TopicState:
        self.looks[0] -= 1
        if self.looks[0] >= 0:
            raise KafkaUnavailable("Kafka at kafka:9092 does not answer")
        return STATE


def looked(silent: int, said: list[str]) -> TopicState:
    topic = Silent("kafka:9092", "clicks", looks=[silent])
    run = Ingest(cast(Any, None), topic, "run", cast(Any, None), None, said.append)
    return run._seen_patiently()


def test_a_run_at_work_asks_a_silent_broker_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "PAUSES", (0, 0))
    said: list[str] = []
    assert looked(2, said) == STATE
    assert len(said) == 2
    with pytest.raises(KafkaUnavailable):
        looked(3, [])
