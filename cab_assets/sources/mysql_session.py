"""The settings of every MySQL session of ours."""

NO_LIMIT = 2**64 - 1
# MySQL skips the first comment, MariaDB the second.
TIME_LIMIT = (
    "SET /*M! max_statement_time = {seconds} */ /*!50708 max_execution_time = {milliseconds} */"
)
# The settings of every session, by PyMySQL and ConnectorX alike, that change values, row counts or
# times. A server (init_connect, sql_mode, …) or a proxy can set each of them for everybody.
SESSION = [
    "SET NAMES utf8mb4",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET autocommit = 1, time_zone = '+00:00', sql_mode = 'STRICT_TRANS_TABLES'",
    (
        f"SET sql_select_limit = {NO_LIMIT}, max_join_size = {NO_LIMIT} /*M! ,"
        " system_versioning_asof = DEFAULT */"
    ),
    TIME_LIMIT.format(seconds=0, milliseconds=0),  # none
]
# Limits a statement's wait for a lock on the table, which the server's default makes a day.
LOCK_LIMIT = "SET lock_wait_timeout = {}"
