"""Failures of Spark and Hive that are known: what a server says, and what a person can do."""

import sys
from dataclasses import dataclass

from cab_assets.clients.kafka_client import KafkaRefused
from cab_assets.errors import CabError, Unavailable


class Refused(CabError):
    """Spark or HiveServer2 answers with an error."""


class LakeHidden(Refused):
    """Spark or Hive does not reach the lake that this process reaches."""


class ServerHidden(Refused):
    """Spark or Hive does not reach a server that it needs, other than the lake."""


class LakeLocked(Refused):
    """Spark or Hive may not read or write in the lake where this process may."""


class LocationInsideWarehouse(Refused):
    """The lake lies in the folder of Hive's managed tables, where no external table may be."""


class MetastoreUnavailable(Unavailable):
    """A server does not reach the metastore."""


class MetastoreOfAnotherVersion(Refused):
    """Spark's metastore client does not fit the metastore's version."""


class NoSuchDatabase(Refused):
    """Hive has no database of that name."""


class ExecutorLacksModule(Refused):
    """Spark's Python workers lack a package that the pipeline needs."""


class PythonsDiffer(Refused):
    """Spark's Python workers run another Python than the pipeline."""


class PythonWorkersLost(Unavailable):
    """Spark's Python workers do not start in time, or are killed: their machines are overloaded."""


class SparkLacksKafka(Refused):
    """Spark has no Kafka connector."""


class KafkaHidden(Refused):
    """Spark does not reach the brokers that this process reaches."""


class KafkaTimeUnreadable(Refused):
    """Spark cannot read a record whose Kafka time does not fit into its type."""


class CatalogsDiffer(Refused):
    """Spark uses another metastore than HiveServer2."""


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
        r"|Failed to connect to the MetaStore|thrift\.transport\.TTransportException"
        # Spark's HiveServer2, while it replaces its client of the metastore
        r'|getMSC\(\)" is null',
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
