"""The settings of every MySQL session of the pipeline."""

NO_LIMIT = 2**64 - 1
# MariaDB executes the first comment, MySQL the second
TIME_LIMIT = (
    "SET /*M! max_statement_time = {seconds} */ /*!50708 max_execution_time = {milliseconds} */"
)
# Every setting that changes values, row counts or times, for sessions of PyMySQL and ConnectorX. A
# server (init_connect, sql_mode, …) or a proxy can have other defaults for all its users.
SESSION = [
    "SET NAMES utf8mb4",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET autocommit = 1, time_zone = '+00:00', sql_mode = 'STRICT_TRANS_TABLES'",
    (
        f"SET sql_select_limit = {NO_LIMIT}, max_join_size = {NO_LIMIT} /*M! ,"
        " system_versioning_asof = DEFAULT */"
    ),
    # Seconds. A day's own connection is idle while another process reads the rows, and that one
    # waits while the lake is slow
    "SET wait_timeout = 28800, net_write_timeout = 600",
    # 0 means no limit
    TIME_LIMIT.format(seconds=0, milliseconds=0),
]
# Limit in seconds of a statement's wait for a lock on the table. The server's default is a day.
LOCK_LIMIT = "SET lock_wait_timeout = {}"
