import hashlib
import threading
from pathlib import Path

import pytest

from cab_assets.dev.stack import ivy, jars
from cab_assets.dev.stack.errors import UnfetchableJars
from cab_assets_tests.patience import within

KEPT = b"a broker"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of Maven Central, with two pinned jars; the cache is empty."""
    contents = {
        ("broker", "org.a:kafka_2.13:4.1"): KEPT,
        ("connector", "org.b:spark-kafka:4.2"): b"a connector",
    }
    for (_, coordinates), content in contents.items():
        group, name, version = coordinates.split(":")
        jar = (
            tmp_path
            / "central"
            / group.replace(".", "/")
            / name
            / version
            / f"{name}-{version}.jar"
        )
        jar.parent.mkdir(parents=True)
        jar.write_bytes(content)
    pins = [
        f"{hashlib.sha256(content).hexdigest()}  {use}  {coordinates}\n"
        for (use, coordinates), content in contents.items()
    ]
    (tmp_path / "pins").write_text("".join(pins))
    (tmp_path / "settings.xml").write_text(
        jars.SETTINGS.read_text().replace(
            "<ibiblio", f'<ibiblio root="{(tmp_path / "central").as_uri()}"'
        )
    )
    monkeypatch.setattr(jars, "EMBEDDED", jars.JarSet(tmp_path / "pins", "two users", 0))
    monkeypatch.setattr(jars, "SETTINGS", tmp_path / "settings.xml")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "central"


def no_java(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A script of the test's own, taken for the machine's Java."""
    (folder / "bin").mkdir()
    (folder / "bin" / "java").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bin" / "java").chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(folder))


def kept(cache: Path) -> list[str]:
    return sorted(str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file())


@pytest.mark.usefixtures("repository")
def test_jars_are_brought_once_each_where_its_user_looks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jars.EMBEDDED.fetch(print)
    no_java(tmp_path, monkeypatch, "exit 1")
    jars.EMBEDDED.fetch(print)
    assert [path.read_bytes() for path in jars.connector()] == [b"a connector"]
    assert [path.read_bytes() for path in Path(jars.broker()).parent.iterdir()] == [KEPT]
    assert kept(tmp_path / "cache" / "cab-assets" / "jars" / jars.EMBEDDED.folder.name) == [
        "broker/kafka_2.13-4.1.jar",
        "connector/spark-kafka-4.2.jar",
    ]


@pytest.mark.usefixtures("repository")
def test_two_stacks_that_start_at_once_fetch_once() -> None:
    said: list[str] = []
    stacks = [threading.Thread(target=jars.EMBEDDED.fetch, args=(said.append,)) for _ in range(2)]
    for each in stacks:
        each.start()
    for each in stacks:
        each.join()
    assert len(said) == 2
    assert said[1] == f"jars: downloaded and checked; they are in {jars.EMBEDDED.folder}"


@pytest.mark.usefixtures("repository")
def test_a_jar_that_was_deleted_is_fetched_again() -> None:
    jars.EMBEDDED.fetch(print)
    deleted = jars.connector()[0]
    deleted.unlink()
    jars.EMBEDDED.fetch(print)
    assert deleted.read_bytes() == b"a connector"


def test_a_jar_that_is_not_the_pinned_one_is_refused_and_nothing_is_kept(
    repository: Path, tmp_path: Path
) -> None:
    (repository / "org/a/kafka_2.13/4.1/kafka_2.13-4.1.jar").write_bytes(b"another broker")
    with pytest.raises(
        UnfetchableJars,
        match=r"^broker/kafka_2.13-4.1.jar from Maven Central: not the file in",
    ):
        jars.EMBEDDED.fetch(print)
    assert kept(tmp_path / "cache") == []


def test_a_jar_that_is_not_there_is_named(repository: Path) -> None:
    (repository / "org/b/spark-kafka/4.2/spark-kafka-4.2.jar").unlink()
    with pytest.raises(
        UnfetchableJars,
        match=r"cannot be downloaded from Maven Central: org.b#spark-kafka;4.2: not found; fix",
    ):
        jars.EMBEDDED.fetch(print)


def test_a_connection_that_is_refused_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=1")
    with pytest.raises(
        UnfetchableJars,
        match=(
            r"^the jars of Kafka and of Spark's connector to it cannot be downloaded from Maven"
            r" Central: java.net.ConnectException: Connection refused; fix"
        ),
    ) as refused:
        jars.EMBEDDED.fetch(print)
    assert "\n" not in str(refused.value)


@pytest.mark.usefixtures("repository")
def test_a_line_that_is_dead_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ivy, "SILENCE_SECONDS", 0.2)
    no_java(tmp_path, monkeypatch, "exec sleep 100")
    with within(5), pytest.raises(UnfetchableJars, match=r"no answer for 0.2 s; fix"):
        jars.EMBEDDED.fetch(print)


@pytest.mark.usefixtures("repository")
def test_a_cache_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "pins"))
    with pytest.raises(
        UnfetchableJars,
        match=r"the jars cannot be written to .*: Not a directory. Set XDG_CACHE_HOME",
    ):
        jars.EMBEDDED.fetch(print)


def test_every_jar_is_pinned_for_one_use() -> None:
    assert {jar.use for jar in jars.EMBEDDED.pinned} == {"broker", "connector"}
    assert len({jar.path for jar in jars.EMBEDDED.pinned}) == len(jars.EMBEDDED.pinned)
