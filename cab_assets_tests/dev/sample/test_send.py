import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from typer.testing import CliRunner, Result

from cab_assets.cli.main import app
from cab_assets.clients.click_topic import ClickTopic, NoSuchTopic
from cab_assets.dev.sample.clicks import Feed, clicks
from cab_assets.dev.sample.send import ClicksNotSent, Pace, send_clicks
from cab_assets.environment import Environment
from cab_assets_tests.patience import patience

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def admin(stack: Environment) -> Iterator[KafkaAdminClient]:
    with closing(KafkaAdminClient(bootstrap_servers=stack.kafka_bootstrap_servers)) as client:
        yield client


@pytest.fixture
def env(stack: Environment, admin: KafkaAdminClient) -> Environment:
    """The environment with an empty topic of the test's own.

    No table of bookings can be reached.
    """
    name = f"test_send_{next(NUMBERS)}"
    admin.create_topics({name: {"num_partitions": 3}}, wait_for_metadata=True)
    return stack.but(
        clickstream_topic=name, bookings_db_url="postgresql://nobody@127.0.0.1:1/rides"
    )


def variables(env: Environment) -> dict[str, str]:
    return {
        "CAB_HOME": str(env.home),
        "CAB_CLICKSTREAM_TOPIC": env.clickstream_topic,
        "CAB_BOOKINGS_DB_URL": str(env.bookings_db_url),
    }


def cab_sample(env: Environment, *arguments: str) -> Result:
    return CliRunner(env=variables(env)).invoke(app, ["sample", *arguments])


def held(env: Environment) -> int:
    return sum(
        ClickTopic(str(env.kafka_bootstrap_servers), env.clickstream_topic).look().ends.values()
    )


def arrived(env: Environment) -> list[list[bytes | None]]:
    """The values in each partition, in their order."""
    partitions = [TopicPartition(env.clickstream_topic, number) for number in range(3)]
    values: list[list[bytes | None]] = [[], [], []]
    with closing(
        KafkaConsumer(
            bootstrap_servers=env.kafka_bootstrap_servers,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
    ) as consumer:
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        while any(consumer.position(each) < ends[each] for each in partitions):
            for partition, records in consumer.poll(timeout_ms=1000).items():
                values[partition.partition] += [record.value for record in records]
    return values


def test_every_record_arrives_as_it_is_round_the_partitions(env: Environment) -> None:
    feed = Feed(poison=0.3, late=0.1, repeat=0.2)
    send_clicks(env, feed, 1000, Pace(), print)
    wanted = [value for _, value in islice(feed, 1000)]
    assert None in wanted
    assert arrived(env) == [wanted[0::3], wanted[1::3], wanted[2::3]]


def test_with_clicks_alone_only_clicks_are_sent_and_told(env: Environment) -> None:
    said = cab_sample(
        env,
        "--clicks",
        "2000",
        "--poison",
        "0.1",
        "--late",
        "0.1",
        "--repeat",
        "0.2",
        "--days",
        "3",
        "--start",
        "2020-02-01",
    ).stdout
    numbers = re.fullmatch(
        rf"2,000 clicks were sent to {env.clickstream_topic}: (\d+) of them malformed, (\d+)"
        r" late, (\d+) repeated.\n",
        said,
    )
    assert numbers
    assert [round(int(each), -2) for each in numbers.groups()] == [200, 200, 400]
    assert held(env) == 2000


def test_the_command_sends_what_clicks_gives(env: Environment) -> None:
    cab_sample(env, "--clicks", "30", "--seed", "7", "--days", "3", "--start", "2020-02-01")
    assert sorted(map(str, itertools.chain(*arrived(env)))) == sorted(
        map(str, clicks(30, seed=7, start=Feed.start.replace(month=2), days=3))
    )


def test_late_clicks_may_be_before_the_days_that_are_asked_for(env: Environment) -> None:
    cab_sample(env, "--clicks", "30", "--late", "1", "--days", "1", "--start", "2020-02-01")
    assert {
        re.sub(rb'.*"(2020-\d\d-\d\d) .*', rb"\1", each or b"")
        for each in itertools.chain(*arrived(env))
    } == {b"2020-01-29", b"2020-01-30", b"2020-01-31"}


def test_an_option_of_the_bookings_brings_these_too(env: Environment, stack: Environment) -> None:
    both = env.but(bookings_db_url=stack.bookings_db_url, bookings_table="test_send")
    with_password = {
        "CAB_BOOKINGS_TABLE": "test_send",
        "CAB_BOOKINGS_DB_PASSWORD": str(stack.bookings_db_password),
    }
    options = ["sample", "--days", "1", "--rows-per-day", "2", "--clicks", "3"]
    said = CliRunner(env=variables(both) | with_password).invoke(app, options).stdout.splitlines()
    assert said[-2:] == [
        "test_send now has 2 rows; days with bookings: 1.",
        f"3 clicks were sent to {env.clickstream_topic}: 0 of them malformed, 0 late, 0 repeated.",
    ]


def test_a_rate_is_kept_in_batches_of_a_tenth_of_a_second() -> None:
    began = time.monotonic()
    assert [len(batch) for batch in Pace(1000).batches(iter(islice(Feed(), 350)))] == [
        100,
        100,
        100,
        50,
    ]
    assert time.monotonic() - began >= 0.3


def test_a_slow_rate_sends_one_by_one() -> None:
    began = time.monotonic()
    assert [len(batch) for batch in Pace(5).batches(islice(Feed(), 3))] == [1, 1, 1]
    assert time.monotonic() - began >= 0.4


def test_a_live_feed_ends_at_ctrl_c_with_what_has_arrived(env: Environment) -> None:
    command = [
        sys.executable,
        "-c",
        "from cab_assets.cli.main import app; app()",
        "sample",
        "--rate",
        "200/s",
    ]
    with subprocess.Popen(
        command, env=os.environ | variables(env), stdout=subprocess.PIPE, text=True
    ) as feed:
        while held(env) == 0:
            assert feed.poll() is None
        feed.send_signal(signal.SIGINT)
        said, _ = feed.communicate(timeout=patience(10))
    assert feed.returncode == 0
    assert said.startswith(f"{held(env)} clicks were sent to ")


def test_signals_are_as_before_when_clicks_were_sent(env: Environment) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    cab_sample(env, "--clicks", "1")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.stack  # it takes as long as a broker is waited for
def test_a_broker_that_is_not_there_is_one_sentence_within_ten_seconds(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from cab_assets.cli.main import app; app()",
        "sample",
        "--clicks",
        "10",
    ]
    nowhere = os.environ | {"CAB_HOME": str(tmp_path), "CAB_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    failed = subprocess.run(
        command, env=nowhere, capture_output=True, text=True, timeout=patience(10)
    )
    assert re.fullmatch(r"Kafka at 127.0.0.1:1 does not answer .*\n", failed.stderr)
    assert (failed.returncode, failed.stdout) == (1, "")


def test_a_topic_that_is_not_there_is_named(env: Environment) -> None:
    with pytest.raises(NoSuchTopic, match="there is no topic clikstream"):
        send_clicks(env.but(clickstream_topic="clikstream"), Feed(), 1, Pace(), print)


def test_clicks_that_the_broker_refuses_are_not_counted_as_sent(
    env: Environment, admin: KafkaAdminClient
) -> None:
    admin.create_topics(
        {
            f"{env.clickstream_topic}_narrow": {
                "num_partitions": 1,
                "configs": {"max.message.bytes": "100"},
            }
        },
        wait_for_metadata=True,
    )
    said: list[str] = []
    with pytest.raises(
        ClicksNotSent, match=r"accepts no more clicks, after 0 \(.*MessageSizeTooLarge"
    ):
        send_clicks(
            env.but(clickstream_topic=f"{env.clickstream_topic}_narrow"),
            Feed(),
            1,
            Pace(),
            said.append,
        )
    assert said == []


def test_a_cluster_is_asked_for_before_clicks_are_sent_to_it() -> None:
    runner = CliRunner(env={"CAB_ENV": "cluster", "CAB_KAFKA_BOOTSTRAP_SERVERS": "broker:9092"})
    refused = runner.invoke(app, ["sample", "--clicks", "1"], input="n\n")
    assert refused.stdout.startswith("Send generated clicks to clickstream at broker:9092? [y/N]")
    assert refused.exit_code == 1


def test_without_a_broker_the_sentence_says_what_to_start(tmp_path: Path) -> None:
    failed = CliRunner(env={"CAB_HOME": str(tmp_path)}).invoke(app, ["sample", "--clicks", "1"])
    assert (failed.exit_code, failed.stderr) == (
        1,
        (
            "CAB_KAFKA_BOOTSTRAP_SERVERS is not set: start the embedded broker with `cab up`, or"
            " set the variable\n"
        ),
    )


@pytest.mark.parametrize(
    "options",
    [
        ["--rate", "fast"],
        ["--rate", "0/s"],
        ["--poison", "0.1"],
        ["--clicks", "1", "--poison", "0.6", "--late", "0.6"],
    ],
)
def test_options_that_make_no_sense_are_refused(options: list[str]) -> None:
    assert CliRunner().invoke(app, ["sample", *options]).exit_code == 2
