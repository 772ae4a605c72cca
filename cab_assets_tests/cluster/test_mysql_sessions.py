"""What a server sets for everybody's sessions changes nothing of what arrives."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cab_assets.sources import mysql_connection
from cab_assets.sources.failures import SourceUnreadable
from cab_assets.sources.mysql_session import SESSION
from cab_assets_tests.cluster import databases
from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.cluster.mysql_rides import Rides
from cab_assets_tests.cluster.mysql_rides import rides as new_rides
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.cluster

DAY = "2020-01-02"
TEXTS = {"BK1": "ключ 😀", "BK2": "Ã©", "BK3": "crème", "BK4": ""}
TYPES = ["cab_color char(20)", "pickup_timestamp timestamp(6)", "cab_registration_no varchar(40)"]
HOSTILE = [
    "SET NAMES latin1",
    "SET sql_mode = 'ORACLE,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES,EMPTY_STRING_IS_NULL'",
    "SET sql_select_limit = 1, time_zone = '-05:00', autocommit = 0",
    "SET max_statement_time = 5, sql_big_selects = 0, max_join_size = 1",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
    "SET system_versioning_asof = '2001-01-01 00:00:00'",
]


@pytest.fixture(scope="module")
def latin1() -> Iterator[Database]:
    """A server that ignores the character set a client asks for when it connects."""
    options = ["--character-set-server=latin1", "--skip-character-set-client-handshake"]
    with (
        tempfile.TemporaryDirectory(prefix="cab-latin1-") as folder,
        databases.mariadb(Path(folder), *options) as made,
    ):
        yield made


def filled(database: Database, folder: Path) -> Rides:
    """Rides whose texts need utf8mb4, one of them with a drop at no time."""
    made = new_rides(database, f"texts_{abs(hash(folder)) % 10**9}", folder)
    made.admin("SET NAMES utf8mb4")
    made.admin(
        "ALTER TABLE {table} WITH SYSTEM VERSIONING,"
        f" {', '.join(f'MODIFY {change}' for change in TYPES)}"
    )
    made.insert(
        *(
            ride(key, f"{DAY} 00:30:00", cab_color=text, cab_registration_no=text)
            for key, text in TEXTS.items()
        )
    )
    return made


@pytest.fixture
def hostile(mariadb: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Rides]:
    """A server that starts every session with the statements of the parameter."""
    made = filled(mariadb, tmp_path)
    made.admin("SET GLOBAL init_connect = %s", "; ".join(request.param))
    yield made
    made.admin("SET GLOBAL init_connect = ''")


def texts(rows: dict[str, dict[str, Any]]) -> dict[str, str]:
    assert all(row["cab_color"] == row["cab_registration_no"] for row in rows.values())
    return {key: row["cab_color"] for key, row in rows.items()}


def test_text_arrives_as_it_is_from_a_server_that_ignores_our_character_set(
    latin1: Database, tmp_path: Path
) -> None:
    rides = filled(latin1, tmp_path)
    manifest = rides.run(DAY)
    assert manifest.passed, manifest.findings
    assert texts(rides.rows(manifest)) == TEXTS


@pytest.mark.parametrize(
    "hostile", [["SET NAMES utf8"], HOSTILE], indirect=True, ids=["names", "all"]
)
def test_what_a_server_sets_for_every_session_changes_nothing(hostile: Rides) -> None:
    manifest = hostile.run(DAY)
    rows, seen, lost = hostile.rows(manifest), hostile.seen(), hostile.without_a_day
    hostile.admin("SET GLOBAL init_connect = ''")
    assert manifest.passed, manifest.findings
    assert texts(rows) == TEXTS
    assert lost == 0
    usual = hostile.db
    with usual.day(hostile.env.start_date.replace(day=2)) as source:
        (plain,) = source.slices()
        assert source.control_totals().fingerprint == manifest.fingerprint == seen[DAY]
    assert {row["booking_id"]: row for row in plain.rows.to_pylist()} == rows


@pytest.mark.parametrize("hostile", [["SET NAMES latin1"]], indirect=True, ids=["latin1"])
def test_text_that_arrives_as_another_text_makes_no_version(
    hostile: Rides, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As through a proxy that drops the settings of a session."""
    monkeypatch.setattr(
        mysql_connection, "SESSION", [each for each in SESSION if "NAMES" not in each]
    )
    hostile.admin("DELETE FROM {table} WHERE booking_id = 'BK3'")
    with pytest.raises(
        SourceUnreadable, match=r"text of the booking BK1 \(2 of 3 rows\) .* utf8mb4"
    ):
        hostile.run(DAY)
