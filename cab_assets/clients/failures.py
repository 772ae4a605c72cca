"""What Spark and Hive say when they fail: the line in it that says why, and by name what a person
can mend.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlparse

from cab_assets.clients.kafka_client import KafkaRefused
from cab_assets.errors import CabError, Unavailable


class Refused(CabError):
    """Spark or HiveServer2 answered, with an error."""


class LakeHidden(Refused):
    """Spark or Hive does not reach the lake that this process reaches."""


class ServerHidden(Refused):
    """Spark or Hive does not reach a server that it needs, which is not the lake."""


class LakeLocked(Refused):
    """Spark or Hive may not read or write in the lake where this process may."""


class LocationInsideWarehouse(Refused):
    """The lake lies in the folder of Hive's managed tables, where a metastore wants no external
    ones.
    """


class MetastoreUnavailable(Unavailable):
    """A server does not reach the metastore."""


class MetastoreOfAnotherVersion(Refused):
    """Spark and the metastore do not speak the same language."""


class NoSuchDatabase(Refused):
    """Hive has no database of that name."""


class ExecutorLacksModule(Refused):
    """Spark's Python workers have not the libraries that the pipeline needs."""


class PythonsDiffer(Refused):
    """Spark's Python workers have not the Python that the pipeline has."""


class PythonWorkersLost(Unavailable):
    """Spark's Python workers do not start in time, or are killed: their machines have too much to
    do.
    """


class SparkLacksKafka(Refused):
    """Spark has no Kafka connector."""


class KafkaHidden(Refused):
    """Spark does not reach the brokers that this process reaches."""


class KafkaTimeUnreadable(Refused):
    """Spark cannot read a record whose Kafka time does not fit into its type."""


class CatalogsDiffer(Refused):
    """Spark knows other tables than HiveServer2."""


@dataclass(frozen=True)
class Known:
    """What a server says when it fails for a reason that we know."""

    said: str  # a pattern
    error: type[CabError]
    remedy: str  # {0} is what the pattern's group matched
    of_lake: bool = False  # only if the lake is named as well


NETWORK = r"java\.net\.(?:Connect|UnknownHost|NoRouteToHost|SocketTimeout)Exception"
KNOWN = (
    Known(
        r"(?:ModuleNotFoundError: No module named '|PACKAGE_NOT_INSTALLED\] )([\w.]+)",
        ExecutorLacksModule,
        "executors need {0}: install the pipeline's Python packages wherever Spark's Python workers"
        " run; let PYSPARK_PYTHON name it where Spark is started",
    ),
    Known(
        r"PYTHON_VERSION_MISMATCH|Python in worker has different version|Cannot run program"
        r" \"?\S*python",
        PythonsDiffer,
        f"executors need Python {sys.version_info.major}.{sys.version_info.minor} and our packages;"
        " let PYSPARK_PYTHON name it where Spark is started",
    ),
    Known(
        r"Python worker (?:failed to connect back|exited unexpectedly)",
        PythonWorkersLost,
        "run again when Spark's machines have less to do; if it comes again, give Spark fewer cores"
        " or more memory, or check PYSPARK_PYTHON where it is started",
    ),
    Known(
        r"Failed to find (?:the )?data source: kafka|ClassNotFoundException:"
        r" org\.apache\.(?:spark\.sql\.)?kafka",
        SparkLacksKafka,
        "put spark-sql-kafka-0-10 of Spark's own version on the class path of driver and executors",
    ),
    Known(
        "SaslAuthenticationException",
        KafkaRefused,
        "Kafka rejected Spark's credentials: check CAB_KAFKA_USER, CAB_KAFKA_PASSWORD and"
        " CAB_KAFKA_SASL_MECHANISM",
    ),
    Known(
        r"TopicAuthorizationException: Not authorized to access topics: \[([^]]*)\]",
        KafkaRefused,
        "let the user of CAB_KAFKA_USER (User:ANONYMOUS without one) read the topic: kafka-acls"
        " --add --allow-principal User:… --operation Read --topic '{0}'",
    ),
    Known(
        r"Record at topic (\S+) partition (\d+) offset (\d+) has timestamp value \S+ that"
        r" overflows",
        KafkaTimeUnreadable,
        "the producer of {0}, partition {1}, offset {2} counts nanoseconds where Kafka has"
        " milliseconds: correct it; `cab accept-gap --record {1}:{2}` goes on after it and all such"
        " records behind it",
    ),
    Known(
        r"Invalid method name: '\w+'|does not match metastore's schema version",
        MetastoreOfAnotherVersion,
        "let spark.sql.hive.metastore.version and spark.sql.hive.metastore.jars of that server say"
        " which version the metastore is",
    ),
    Known(
        r"Could not connect to meta store|Unable to instantiate \S*HiveMetaStoreClient"
        r"|Failed to connect to the MetaStore|thrift\.transport\.TTransportException",
        MetastoreUnavailable,
        "start the metastore, or mend hive.metastore.uris of that server",
    ),
    Known(
        "should not be located within managed warehouse",
        LocationInsideWarehouse,
        "the tables are external: set CAB_LAKE_ROOT to a folder outside"
        " hive.metastore.warehouse.dir, or let that folder be another",
    ),
    Known(
        "SCHEMA_NOT_FOUND|Database does not exist",
        NoSuchDatabase,
        "create the database that CAB_HIVE_URL ends in, or mend that name",
    ),
    Known(
        r"(?<!Hive)AccessControlException|AccessDenied|Permission denied(?!: user \[)|Mkdirs"
        r" failed|mkdir of \S+ failed|unable to create one",
        LakeLocked,
        "let CAB_LAKE_ROOT be the same folder for that server as for this process, and its user"
        " read and write there and in every folder below",
    ),
    Known(
        r"No FileSystem for scheme|Class org\.apache\.hadoop\.fs\.\S+ not found",
        LakeHidden,
        "this process reaches the lake: let that server have Hadoop's classes for CAB_LAKE_ROOT",
    ),
    Known(
        NETWORK,
        LakeHidden,
        "if this process reaches the lake, let that server have the same network and host names for"
        " CAB_LAKE_ROOT; if it does not, start the lake's servers",
        of_lake=True,
    ),
    Known(
        NETWORK,
        ServerHidden,
        "that server does not reach another one, and the error does not name the lake: start the"
        " one that it names, or correct its address or the network where Spark or Hive runs",
    ),
    Known(
        r"PATH_NOT_FOUND|FileNotFoundException",
        LakeHidden,
        "this process wrote the file: let CAB_LAKE_ROOT be one place for both, on a disk or store"
        " that every machine shares",
    ),
)

TRACEBACK = "Traceback (most recent call last):"
WRAPPERS = (
    r"pyspark\.errors\.exceptions\.\w+\.\w+: |org\.apache\.spark\.SparkException: (?=Job aborted)"
)
LOST_TASK = (
    r"Job aborted due to stage failure: Task \S+ in (stage \S+) failed \d+ times?, most recent"
    r" failure: Lost task .*? \(TID \d+\) \((.*?)\): "
)
SAYS_NOTHING = (
    rf"{re.escape(TRACEBACK)}$|An exception was thrown from the Python worker|An error occurred"
    r" while calling|in awaitResult: ?$|^(\S+:)?$"
)


def failure(where: str, said: str, otherwise: type[CabError], lake: str | None = None) -> CabError:
    """Return what failed at `where`, in a line: by name, with what to do, if the reason is known.

    Otherwise it is an `otherwise`. `lake` is the root's URL: an error of the network is about the
    lake only if it names the lake.
    """
    why = reason(said)
    for known in KNOWN:
        found = re.search(known.said, why)
        if found and (not known.of_lake or _names(lake, why)):
            return known.error(
                f"{where}: {why}. Remedy: {known.remedy.format(*found.groups())}. See `cab doctor`,"
                " then run again"
            )
    return otherwise(f"{where}: {why}")


def _names(lake: str | None, why: str) -> bool:
    """Whether an error names the lake's host or bucket, its port, or its folder."""
    address = urlparse(lake or "")
    parts = [re.escape(part) for part in (address.hostname, address.path.rstrip("/")) if part]
    if address.port:
        parts.append(rf"(?<=:){address.port}")
    elsewhere = re.sub(r"Call From \S+", "", why)  # which names the machine that asks
    return any(re.search(rf"(?<![\w.-]){part}(?![\w.-])", elsewhere) for part in parts)


def reason(said: str) -> str:
    """Out of the pages that a server tells of a failure: what failed, and what that came from in
    the end.
    """
    told = [line for line in map(_plain, _errors(said)) if not re.search(SAYS_NOTHING, line)]
    if not told:
        return (said.strip().splitlines() or ["without a reason"])[0]
    return told[0] if told[-1] in told[0] else f"{told[0]}; cause: {told[-1]}"


def _errors(said: str) -> Iterator[str]:
    """The lines that name an error, of Java and Python, outermost first."""
    in_traceback = False
    for number, line in enumerate(said.strip().splitlines()):
        ends_traceback = in_traceback and line[:1].strip() != ""
        if number == 0 or ends_traceback or line.startswith((": ", "Caused by: ")):
            yield line
        in_traceback = line.endswith(TRACEBACK) or (in_traceback and not ends_traceback)


def _plain(line: str) -> str:
    line = re.sub(WRAPPERS, "", line.removeprefix("Caused by: ").removeprefix(": "))
    return re.sub(r"\s+SQLSTATE: \w+.*$", "", re.sub(LOST_TASK, r"\1 on \2: ", line)).strip()
