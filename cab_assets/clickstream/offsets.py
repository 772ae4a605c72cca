"""The start offsets of a run: compare the committed offsets with those of the topic."""

from cab_assets.clickstream.batch import Batch, Range, TopicEnd, committed_ends
from cab_assets.clients.click_topic import ClickTopic
from cab_assets.clients.topic_state import Offsets, TopicState
from cab_assets.errors import CabError

SEE = "(docs/howto/fix-clicks.md#the-broker-lost-records-that-hive-has-topicrecreated)"


class TopicRecreated(CabError):
    """The topic, its cluster or its records are not those whose offsets were committed."""


class RecordsLost(CabError):
    """Kafka deleted records before they were read."""


def starting(
    newest: Batch | None, topic: ClickTopic, state: TopicState, *, compare_records: bool = True
) -> Offsets:
    """Return the offset of each partition to read from.

    Raises TopicRecreated or RecordsLost if reading cannot continue from the committed offsets.
    Without `compare_records`, no record of the topic is read.
    """
    if known := newest.topics.get(topic.name) if newest else None:
        last = known.last_records if compare_records else {}
        raise_if_another_topic(topic, known.model_copy(update={"last_records": last}), state)
    starts = start_offsets(newest, topic.name, state)
    raise_if_lost(topic.name, starts, state)
    return starts


def raise_if_another_topic(topic: ClickTopic, known: TopicEnd, state: TopicState) -> None:
    """Raise TopicRecreated unless this is the known topic and holds all that was committed."""
    if known.id != state.id:
        raise TopicRecreated(
            f"topic {topic.name} was deleted and created again, or CAB_KAFKA_BOOTSTRAP_SERVERS"
            f" points to another cluster: its id is {state.id}, but the committed offsets belong to"
            f" {known.id}. Offsets of the new topic would be taken for those of the old one: check"
            " the variable, or create the topic under another name and set CAB_CLICKSTREAM_TOPIC"
        )
    if behind := [
        f"partition {partition} (end {state.ends.get(partition, 0)}, committed {end})"
        for partition, end in known.ends.items()
        if end > state.ends.get(partition, 0)
    ]:
        raise TopicRecreated(
            f"topic {topic.name} has lower end offsets than committed offsets: {', '.join(behind)}."
            " Either CAB_KAFKA_BOOTSTRAP_SERVERS points to another cluster, or the broker lost"
            f" records that Hive already has. Check the variable first; ingestion is stopped {SEE}"
        )
    if other := _replaced(topic, known, state):
        raise TopicRecreated(
            f"topic {topic.name} has other records at offsets that are committed: the record at"
            f" {', '.join(other)} has another Kafka time than the one that Hive has. Either"
            " CAB_KAFKA_BOOTSTRAP_SERVERS points to a copy of the topic, or the broker lost its"
            f" newest records and gave their offsets to others; ingestion is stopped {SEE}"
        )


def _replaced(topic: ClickTopic, known: TopicEnd, state: TopicState) -> list[str]:
    """Return the positions of last committed records that are other records now.

    Look only at records that Kafka still has.
    """
    last = {
        partition: record.offset
        for partition, record in known.last_records.items()
        if state.begins.get(partition, 0) <= record.offset
        and known.ends[partition] <= state.ends.get(partition, 0)
    }
    return [
        f"partition {partition}, offset {last[partition]}"
        for partition, timestamp in topic.timestamps(last).items()
        if timestamp != known.last_records[partition].timestamp
    ]


def other_topic(newest: Batch | None, topic: ClickTopic, state: TopicState) -> str | None:
    """Return why reading cannot continue, if the committed offsets belong to another topic."""
    try:
        if known := newest.topics.get(topic.name) if newest else None:
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
