"""ConnectorX reads the server that was asked for."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cab_assets_tests.cluster import databases
from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.cluster.mysql_rides import Rides
from cab_assets_tests.cluster.mysql_rides import rides as new_rides
from cab_assets_tests.rides import ride

pytestmark = pytest.mark.cluster

DAY = "2020-01-02"


@dataclass(frozen=True)
class Plain(Database):
    """Without TLS, as at the end of a tunnel."""

    @property
    def variables(self) -> dict[str, str]:
        return {
            "CAB_BOOKINGS_DB_URL": f"mysql://plain@127.0.0.1:{self.port}/rides",
            "CAB_BOOKINGS_DB_PASSWORD": "plain",
        }


@pytest.fixture
def namesakes(tmp_path: Path) -> Iterator[tuple[Rides, Rides]]:
    """Two servers that name the same socket; the second listens there."""
    with (
        tempfile.TemporaryDirectory(prefix="cab-asked-") as asked,
        tempfile.TemporaryDirectory(prefix="cab-other-") as other,
    ):
        Path(other).chmod(0o777)
        socket = Path(other, "socket")
        with databases.mariadb(Path(asked), f"--socket={socket}") as first:
            socket.unlink()
            with databases.mariadb(Path(other)) as second:
                yield filled(first, tmp_path / "asked"), filled(second, tmp_path / "other")


def filled(database: Database, folder: Path) -> Rides:
    folder.mkdir()
    made = new_rides(database, "bookings", folder)
    made.admin("GRANT ALL ON rides.* TO plain@'%' IDENTIFIED BY 'plain'")
    plain = Plain(database.scheme, database.port, database.ca)
    (folder / "plain").mkdir()
    return new_rides(plain, "bookings", folder / "plain")


def test_rows_come_from_the_port_also_where_another_server_has_its_socket(
    namesakes: tuple[Rides, Rides],
) -> None:
    asked, other = namesakes
    asked.insert(ride("BK1", f"{DAY} 10:00:00"))
    other.insert(ride("BK2", f"{DAY} 10:00:00"))
    manifest = asked.run(DAY)
    assert manifest.passed, manifest.findings
    assert list(asked.rows(manifest)) == ["BK1"]
