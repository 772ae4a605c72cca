"""The topics with uncommitted records: the configured topic, and those that were read before."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from cab_assets.clickstream.batch import Batch
from cab_assets.clickstream.offsets import other_topic, start_offsets
from cab_assets.clients.click_topic import ClickTopic, NoSuchTopic
from cab_assets.clients.topic_state import TopicState


def drained(newest: Batch | None, topic: str, state: TopicState) -> bool:
    """Return whether all records that arrived in the topic are committed or accepted as lost.

    Records behind an open transaction are neither, nor are those that Kafka deleted unread.
    """
    starts = start_offsets(newest, topic, state)
    return not state.held and all(starts[partition] >= end for partition, end in state.ends.items())


def others_waiting(
    newest: Batch | None, topic: ClickTopic
) -> Iterator[tuple[ClickTopic, TopicState]]:
    """Yield the topics besides `topic` that were ever read and have uncommitted records.

    A topic that was deleted, or created again since, has none.
    """
    for name in sorted(newest.topics) if newest else []:
        other = replace(topic, name=name)
        with suppress(NoSuchTopic):
            if name != topic.name and (state := other.look()) and _waits(newest, other, state):
                yield other, state


def waiting_topics(newest: Batch | None, topic: ClickTopic) -> list[str]:
    """Return the topics with uncommitted records, among `topic` and all that were ever read."""
    state = topic.look()
    stopped = other_topic(newest, topic, state)
    own = [topic.name] if stopped or not drained(newest, topic.name, state) else []
    return own + [other.name for other, _ in others_waiting(newest, topic)]


def _waits(newest: Batch | None, topic: ClickTopic, state: TopicState) -> bool:
    return not other_topic(newest, topic, state) and not drained(newest, topic.name, state)
