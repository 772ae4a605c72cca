"""A view of MySQL whose table changed."""

from dataclasses import replace
from pathlib import Path

import pytest

from cab_assets.sources.failures import BookingsDbRefused
from cab_assets_tests.cluster.databases import Database
from cab_assets_tests.cluster.mysql_rides import rides as new_rides

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize(
    "change", ["ALTER TABLE {table} DROP cab_color", "RENAME TABLE {table} TO {table}_old"]
)
def test_a_view_whose_table_changed_is_named_as_broken(
    mariadb: Database, tmp_path: Path, change: str
) -> None:
    rides = new_rides(mariadb, f"views_{abs(hash(tmp_path)) % 10**9}", tmp_path)
    view = f"v_{rides.env.bookings_table}"
    rides.admin(f"CREATE VIEW {view} AS SELECT * FROM {{table}}")
    db = replace(rides.db, table=view)
    db.reach()
    rides.admin(change)
    with pytest.raises(
        BookingsDbRefused, match=rf"View 'rides\.{view}' references invalid.*fix the view"
    ):
        db.reach()


def test_a_table_of_mysql_that_is_missing_is_named(mariadb: Database, tmp_path: Path) -> None:
    rides = new_rides(mariadb, f"views_{abs(hash(tmp_path)) % 10**9}", tmp_path)
    with pytest.raises(BookingsDbRefused, match="has no table nowhere that this user may read"):
        replace(rides.db, table="nowhere").reach()
