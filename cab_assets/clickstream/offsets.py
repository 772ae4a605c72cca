"""Where a run starts: what is committed against what the topic holds."""

from cab_assets.clickstream.batch import Batch, Range, TopicEnd, committed_ends
from cab_assets.clients.click_topic import Offsets, TopicState
from cab_assets.errors import CabError


class TopicRecreated(CabError):
    """The topic was deleted and created again since the offsets were committed."""


class RecordsLost(CabError):
    """Kafka deleted records before they were read."""


def starting(newest: Batch | None, topic: str, state: TopicState) -> Offsets:
    """Return the offset of each partition to read from.

    Raises TopicRecreated or RecordsLost if reading cannot continue from the committed offsets.
    """
    if known := newest.topics.get(topic) if newest else None:
        raise_if_another_topic(topic, known, state)
    starts = start_offsets(newest, topic, state)
    raise_if_lost(topic, starts, state)
    return starts


def raise_if_another_topic(topic: str, known: TopicEnd, state: TopicState) -> None:
    """Raise TopicRecreated unless this is the known topic and holds all that was committed."""
    if known.id != state.id:
        raise TopicRecreated(
            f"topic {topic} was deleted and created again: its id is {state.id}, committed offsets"
            f" belong to {known.id}. Offsets of the new one would be taken for those of the old:"
            " give it another name, and set CAB_CLICKSTREAM_TOPIC to that"
        )
    if behind := [
        str(partition)
        for partition, end in known.ends.items()
        if end > state.ends.get(partition, 0)
    ]:
        raise TopicRecreated(
            f"topic {topic} ends before what is committed of partition {', '.join(behind)}: it lost"
            " records that were read, or its brokers are others than they were. Check"
            " CAB_KAFKA_BOOTSTRAP_SERVERS"
        )


def other_topic(newest: Batch | None, topic: str, state: TopicState) -> str | None:
    """Return why reading cannot continue, if the committed offsets belong to a deleted topic."""
    try:
        if known := newest.topics.get(topic) if newest else None:
            raise_if_another_topic(topic, known, state)
    except TopicRecreated as error:
        return str(error)
    return None


def raise_if_lost(topic: str, starts: Offsets, state: TopicState) -> None:
    """Raise RecordsLost if the topic no longer holds a record that lies after `starts`."""
    if lost := _gone(starts, state):
        raise RecordsLost(
            f"records of {topic} that were never read are gone from Kafka"
            f" ({'; '.join(str(gap) for gap in lost)}): its retention is shorter than the time"
            " nobody read it. Nothing is ingested before somebody has seen this: `cab accept-gap`"
            " goes on after the gap and records it"
        )


def gaps(newest: Batch | None, topic: str, state: TopicState) -> list[Range]:
    """Return the ranges that were never read and are deleted."""
    return _gone(start_offsets(newest, topic, state), state)


def start_offsets(newest: Batch | None, topic: str, state: TopicState) -> Offsets:
    """Return the committed ends.

    A partition added since starts at 0; a topic that was never read, at its oldest records.
    """
    ends = committed_ends(newest, topic)
    return {
        partition: ends.get(partition, 0 if ends else begin)
        for partition, begin in state.begins.items()
    }


def lag(committed_ends: Offsets, ends: Offsets) -> int:
    """Return how many offsets lie between two positions.

    A partition that the first does not know counts from 0.
    """
    return sum(end - committed_ends.get(partition, 0) for partition, end in ends.items())


def _gone(starts: Offsets, state: TopicState) -> list[Range]:
    return [
        Range(partition=each, start=start, end=state.begins[each])
        for each, start in starts.items()
        if start < state.begins[each]
    ]
