"""Whether a replica of MySQL or MariaDB applies the changes of its primary."""

from typing import Any

import pymysql

from cab_assets.sources.failures import ReplicaBehind

# Seconds that a replica may be behind
BEHIND_SECONDS = 300
# MariaDB's names in the answer, and MySQL's
RECEIVES = ("Slave_IO_Running", "Replica_IO_Running")
APPLIES = ("Slave_SQL_Running", "Replica_SQL_Running")
BEHIND = ("Seconds_Behind_Master", "Seconds_Behind_Source")
# MariaDB executes the first comment, MySQL the second
STATUS = "SHOW /*M! ALL REPLICAS */ /*!80022 REPLICA */ STATUS"
# Numbers of the errors of a user who may not see it, and of a server without this statement
NOT_SHOWN = {1227, 1064}


def raise_if_behind(cursor: Any) -> None:
    """Raise ReplicaBehind if a replica does not show the changes of its primary.

    Replication is visible only to users with the right REPLICA MONITOR (MariaDB) or REPLICATION
    CLIENT (MySQL). For others, nothing is checked.
    """
    try:
        cursor.execute(STATUS)
    except pymysql.MySQLError as error:
        if error.args and error.args[0] in NOT_SHOWN:
            return
        raise
    names = [column[0] for column in cursor.description or ()]
    for row in cursor.fetchall():
        _judge(dict(zip(names, row, strict=True)))


def _judge(state: dict[str, Any]) -> None:
    """Raise ReplicaBehind if a connection to a primary is behind; a replica can have several."""
    remedy = "or set CAB_BOOKINGS_DB_URL to the primary, then run again"
    if not all(_value(state, names) == "Yes" for names in (APPLIES, RECEIVES)):
        raise ReplicaBehind(
            "the replica does not receive or does not apply changes, so its rows are old. See SHOW"
            f" REPLICA STATUS there and START REPLICA, {remedy}"
        )
    if (behind := int(_value(state, BEHIND) or 0)) > BEHIND_SECONDS:
        raise ReplicaBehind(
            f"the replica is {behind:,} s behind its primary. Wait until it has applied the"
            f" changes (SHOW REPLICA STATUS), {remedy}"
        )


def _value(state: dict[str, Any], names: tuple[str, str]) -> Any:
    return next((state[name] for name in names if name in state), None)
