"""The start offsets of a run: compare the committed offsets with those of the topic."""

from cab_assets.clickstream.batch import Batch, Range, TopicEnd, committed_ends
from cab_assets.clients.click_topic import Offsets, TopicState
from cab_assets.errors import CabError


class TopicRecreated(CabError):
    """The topic, or its cluster, is not the one whose offsets were committed."""


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
            f"topic {topic} was deleted and created again: its id is {state.id}, but the committed"
            f" offsets belong to {known.id}. Offsets of the new topic would be taken for those of"
            " the old one: create the topic under another name, and set CAB_CLICKSTREAM_TOPIC to it"
        )
    if behind := [
        f"partition {partition} (end {state.ends.get(partition, 0)}, committed {end})"
        for partition, end in known.ends.items()
        if end > state.ends.get(partition, 0)
    ]:
        raise TopicRecreated(
            f"topic {topic} has lower end offsets than committed offsets: {', '.join(behind)}."
            " Either CAB_KAFKA_BOOTSTRAP_SERVERS points to another cluster, or the broker lost"
            " records that Hive already has. Check the variable first; ingestion is stopped"
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
    """Raise RecordsLost if Kafka has deleted records from `starts` on."""
    if lost := _gone(starts, state):
        raise RecordsLost(
            f"Kafka deleted records of topic {topic} before they were read"
            f" ({'; '.join(str(gap) for gap in lost)}), because its retention was exceeded."
            " Ingestion is stopped. Run `cab accept-gap`: it shows these ranges, asks for"
            " confirmation, records them as lost, and continues after them"
        )


def gaps(newest: Batch | None, topic: str, state: TopicState) -> list[Range]:
    """Return the offset ranges that Kafka deleted before they were read."""
    return _gone(start_offsets(newest, topic, state), state)


def start_offsets(newest: Batch | None, topic: str, state: TopicState) -> Offsets:
    """Return the committed end offsets.

    A partition that was added later starts at 0, and a topic that was never read at its oldest
    records.
    """
    ends = committed_ends(newest, topic)
    return {
        partition: ends.get(partition, 0 if ends else begin)
        for partition, begin in state.begins.items()
    }


def lag(committed_ends: Offsets, ends: Offsets) -> int:
    """Return the number of offsets from the committed to the end offsets.

    A partition without a committed offset is counted from 0.
    """
    return sum(end - committed_ends.get(partition, 0) for partition, end in ends.items())


def _gone(starts: Offsets, state: TopicState) -> list[Range]:
    return [
        Range(partition=each, start=start, end=state.begins[each])
        for each, start in starts.items()
        if start < state.begins[each]
    ]
