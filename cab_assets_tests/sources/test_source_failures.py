"""What errors of the rides' database mean: whether they pass, and what to do."""

import socket

import psycopg
import pymysql
import pytest

from cab_assets.clients.password import given
from cab_assets.sources import mysql_connection
from cab_assets.sources.dialect import Dialect
from cab_assets.sources.failures import (
    BookingsDbInterrupted,
    BookingsDbRefused,
    BookingsDbUnavailable,
    TableLocked,
)
from cab_assets.sources.mysql import MySQL
from cab_assets.sources.postgresql import PostgreSQL

POSTGRESQL = PostgreSQL("postgresql://cab@db:5432/rides", given("hunter2"))
MYSQL = MySQL("mysql://cab@db:3306/rides", given("hunter2"))
INTERRUPTED = [
    (POSTGRESQL, psycopg.errors.DeadlockDetected("deadlock detected")),
    (POSTGRESQL, psycopg.errors.SerializationFailure("canceling statement")),
    (
        POSTGRESQL,
        psycopg.OperationalError("FATAL: terminating connection due to conflict with recovery"),
    ),
    (MYSQL, pymysql.OperationalError(1213, "Deadlock found when trying to get lock")),
    (MYSQL, RuntimeError("ERROR 1615 (HY000): Prepared statement needs to be re-prepared")),
    (MYSQL, RuntimeError("MySqlError { ERROR 1213 (40001): Deadlock found }")),
    (
        MYSQL,
        pymysql.OperationalError(1412, "Table definition has changed, please retry transaction"),
    ),
]
LOCKED = [
    (POSTGRESQL, psycopg.errors.LockNotAvailable("canceling statement due to lock timeout")),
    (MYSQL, pymysql.OperationalError(1205, "Lock wait timeout exceeded")),
    (MYSQL, RuntimeError("MySqlError { ERROR 1205 (HY000): Lock wait timeout exceeded }")),
]
GONE = [
    (
        POSTGRESQL,
        psycopg.errors.AdminShutdown("terminating connection due to administrator command"),
    ),
    (POSTGRESQL, psycopg.errors.CannotConnectNow("the database system is starting up")),
    (
        POSTGRESQL,
        psycopg.OperationalError("FATAL:  the database system is not yet accepting connections"),
    ),
    (POSTGRESQL, psycopg.OperationalError("FATAL:  sorry, too many clients already")),
    *(
        (POSTGRESQL, psycopg.OperationalError(f"connection failed: FATAL:  {said}"))
        for said in (
            'too many connections for role "cab"',
            "remaining connection slots are reserved for roles with the SUPERUSER attribute",
            "no more connections allowed (max_client_conn)",
            "the database system is shutting down",
            "the database system is in recovery mode",
        )
    ),
    (POSTGRESQL, psycopg.OperationalError("server closed the connection unexpectedly")),
    (POSTGRESQL, psycopg.OperationalError("the connection is closed")),
    (POSTGRESQL, psycopg.errors.ConnectionTimeout("connection timeout expired")),
    *LOCKED,
    (MYSQL, pymysql.InterfaceError(0, "")),
    *(
        (MYSQL, pymysql.OperationalError(code, "lost"))
        for code in (1040, 1053, 1158, 1161, 1203, 1226, 1927, 2006, 2013, 3032, 3168, 9001)
    ),
    (MYSQL, RuntimeError("MySqlError { ERROR 1927 (70100): Connection was killed }")),
]
REFUSED = [
    (POSTGRESQL, psycopg.errors.DivisionByZero("division by zero")),
    (POSTGRESQL, psycopg.errors.InsufficientPrivilege("permission denied for table bookings")),
    (POSTGRESQL, psycopg.errors.ProgramLimitExceeded("out of memory")),
    (POSTGRESQL, psycopg.errors.ObjectNotInPrerequisiteState("could not import the snapshot")),
    (MYSQL, pymysql.OperationalError(1142, "SELECT command denied to user")),
    (MYSQL, pymysql.OperationalError(1690, "DOUBLE value is out of range")),
]
NEVER_STARTS = [  # what PostgreSQL 15 said: settings of the user, the database or the address
    'could not access file "absent": No such file or directory',
    'could not access file "$libdir/plugins/absent": No such file or directory',
    'could not load library "/lib/absent.so": libx.so.1: cannot open shared object file',
    'incompatible library "/lib/old.so": missing magic block',
    'access to library "absent" is not allowed',
    'invalid value for parameter "work_mem": "xx"',
    'unrecognized configuration parameter "nosuch"',
    'permission denied to set parameter "session_preload_libraries"',
    'parameter "wal_level" cannot be changed without restarting the server',
    "--nosuch requires a value",
    "invalid command-line argument for server process: -Z",
]
NOT_LET_IN = [
    'FATAL:  role "cab" is not permitted to log in',
    'FATAL:  database "rides" does not exist',
    'FATAL:  database "rides" is not currently accepting connections',
    'FATAL:  permission denied for database "rides"',
    'FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "cab", database "rides"',
    "server does not support SSL, but SSL was required",
    "channel binding required, but SSL not in use",
    "GSSAPI encryption required but no credential cache",
    "FATAL:  no such database: rides",
    "FATAL:  SSL required",
]
CHECKED = [
    *((POSTGRESQL, psycopg.OperationalError(said), BookingsDbRefused) for said in NOT_LET_IN),
    (
        POSTGRESQL,
        psycopg.OperationalError("FATAL:  password authentication failed"),
        BookingsDbRefused,
    ),
    (
        POSTGRESQL,
        psycopg.OperationalError("SSL error: certificate verify failed"),
        BookingsDbRefused,
    ),
    (
        POSTGRESQL,
        psycopg.OperationalError("connection failed: Connection refused"),
        BookingsDbUnavailable,
    ),
    (MYSQL, pymysql.OperationalError(1045, "Access denied for user 'cab'"), BookingsDbRefused),
    (MYSQL, pymysql.OperationalError(2003, "Can't connect to MySQL server"), BookingsDbUnavailable),
]


@pytest.mark.parametrize(("dialect", "error"), INTERRUPTED)
def test_what_ends_one_transaction_passes_and_is_that_days_alone(
    dialect: Dialect, error: Exception
) -> None:
    failure = dialect.failure(error)
    assert type(failure) is BookingsDbInterrupted, failure
    assert "PASSWORD" not in str(failure)


@pytest.mark.parametrize(("dialect", "error"), GONE)
def test_what_ends_every_connection_passes_and_is_no_matter_of_passwords(
    dialect: Dialect, error: Exception
) -> None:
    failure = dialect.failure(error)
    assert isinstance(failure, BookingsDbUnavailable), failure
    assert "PASSWORD" not in str(failure)
    assert isinstance(failure, TableLocked) == ((dialect, error) in LOCKED)


@pytest.mark.parametrize(("dialect", "error"), REFUSED)
def test_any_other_error_of_the_server_is_that_days_alone(
    dialect: Dialect, error: Exception
) -> None:
    failure = dialect.failure(error)
    assert type(failure) is BookingsDbRefused, failure
    assert "PASSWORD" not in str(failure)


@pytest.mark.parametrize(("dialect", "error", "kind"), CHECKED)
def test_a_connection_that_fails_has_its_settings_checked(
    dialect: Dialect, error: Exception, kind: type[Exception]
) -> None:
    failure = dialect.failure(error)
    assert type(failure) is kind
    assert "Check CAB_BOOKINGS_DB_URL, CAB_BOOKINGS_DB_PASSWORD" in str(failure)


@pytest.mark.parametrize("said", NEVER_STARTS)
def test_a_setting_that_keeps_every_connection_from_starting_does_not_pass(said: str) -> None:
    failure = POSTGRESQL.failure(psycopg.OperationalError(f"connection failed: FATAL:  {said}"))
    assert type(failure) is BookingsDbRefused
    assert f"FATAL:  {said}. " in str(failure)
    assert "ALTER ROLE … SET …" in str(failure)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1040, "end some connections or allow more"),
        (1203, "end some connections or allow more"),
        (1226, "MAX_USER_CONNECTIONS or MAX_QUERIES_PER_HOUR"),
        (1317, "An administrator (KILL QUERY) or a time limit ended the statement"),
        (1969, "max_statement_time"),
    ],
)
def test_a_limit_of_mysql_that_is_reached_is_named(code: int, words: str) -> None:
    assert words in str(MYSQL.failure(pymysql.OperationalError(code, "reached")))


@pytest.mark.parametrize(("dialect", "error"), INTERRUPTED[1:3])
def test_a_conflict_with_recovery_has_a_remedy_of_replicas(
    dialect: Dialect, error: Exception
) -> None:
    said = str(dialect.failure(error))
    assert "hot_standby_feedback" in said
    assert "max_standby_streaming_delay" in said
    assert "primary" in said


def test_a_pool_without_a_free_connection_is_named() -> None:
    error, remedy = POSTGRESQL.meaning(psycopg.errors.ProtocolViolation("query_wait_timeout"))
    assert error is BookingsDbUnavailable
    assert "default_pool_size" in remedy


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        (
            psycopg.errors.ProtocolViolation("transaction blocks not allowed in statement pooling"),
            "set pool_mode of pgbouncer",
        ),
        (psycopg.errors.ProtocolViolation("query timeout"), "query_timeout"),
        (psycopg.errors.ProtocolViolation("idle transaction timeout"), "idle_transaction_timeout"),
        (psycopg.errors.OutOfMemory("out of shared memory"), "max_locks_per_transaction"),
    ],
)
def test_a_limit_that_a_person_has_to_raise_is_named(said: psycopg.Error, remedy: str) -> None:
    error, told = POSTGRESQL.meaning(said)
    assert error is BookingsDbRefused
    assert remedy in told


def test_a_server_that_accepts_and_says_nothing_ends_a_login(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mysql_connection, "CONNECT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_mysql = MySQL(f"mysql://cab@127.0.0.1:{silent.getsockname()[1]}/rides", given(""))
        with pytest.raises(pymysql.OperationalError) as lost:
            silent_mysql.connect()
    assert isinstance(silent_mysql.failure(lost.value), BookingsDbUnavailable)
