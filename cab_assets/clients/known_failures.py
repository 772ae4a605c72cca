"""Known failures of Spark and Hive: the text of the server, and the remedy."""

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


class SparkOutOfMemory(Refused):
    """Spark has too little memory for the work."""


@dataclass(frozen=True)
class Known:
    """A known failure: a pattern of the server's text, the pipeline's error and the remedy.

    In `remedy`, {0} and so on are replaced by the groups of the pattern. With `of_lake`, the text
    must also name the lake.
    """

    said: str
    error: type[CabError]
    remedy: str
    of_lake: bool = False


NETWORK = r"java\.net\.(?:Connect|UnknownHost|NoRouteToHost|SocketTimeout)Exception"
KNOWN = (
    Known(
        r"(?:ModuleNotFoundError: No module named '|PACKAGE_NOT_INSTALLED\] )([\w.]+)",
        ExecutorLacksModule,
        "executors need {0}: install the pipeline's Python packages on every machine where Spark's"
        " Python workers run; set PYSPARK_PYTHON to that Python where Spark is started",
    ),
    Known(
        r"PYTHON_VERSION_MISMATCH|Python in worker has different version|Cannot run program"
        r" \"?\S*python",
        PythonsDiffer,
        f"executors need Python {sys.version_info.major}.{sys.version_info.minor} and the packages"
        " of the pipeline; set PYSPARK_PYTHON to that Python where Spark is started",
    ),
    Known(
        r"Python worker (?:failed to connect back|exited unexpectedly)",
        PythonWorkersLost,
        "run again when Spark's machines have less load; if the error comes back, give Spark fewer"
        " cores or more memory, or check PYSPARK_PYTHON where it is started",
    ),
    Known(
        r"OutOfMemoryError",
        SparkOutOfMemory,
        "give Spark's driver and executors more memory, or fewer cores; for large clicks, lower"
        " CAB_MAX_OFFSETS_PER_BATCH",
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
        "grant CAB_KAFKA_USER (User:ANONYMOUS if it is not set) the right to read the topic:"
        " kafka-acls --add --allow-principal User:… --operation Read --topic '{0}'",
    ),
    Known(
        r"Record at topic (\S+) partition (\d+) offset (\d+) has timestamp value \S+ that"
        r" overflows",
        KafkaTimeUnreadable,
        "the producer of topic {0}, partition {1}, offset {2} sends times in nanoseconds, but Kafka"
        " has milliseconds: correct it, then run `cab accept-gap --record {1}:{2}`, which continues"
        " after this record and all such records behind it",
    ),
    Known(
        r"Invalid method name: '\w+'|does not match metastore's schema version",
        MetastoreOfAnotherVersion,
        "set spark.sql.hive.metastore.version and spark.sql.hive.metastore.jars of that server to"
        " the version of the metastore",
    ),
    Known(
        r"Could not connect to meta store|Unable to instantiate \S*HiveMetaStoreClient"
        r"|Failed to connect to the MetaStore|thrift\.transport\.TTransportException"
        # From Spark's HiveServer2, while it replaces its metastore client
        r'|getMSC\(\)" is null',
        MetastoreUnavailable,
        "start the metastore, or fix hive.metastore.uris of that server",
    ),
    Known(
        "should not be located within managed warehouse",
        LocationInsideWarehouse,
        "the tables are external: set CAB_LAKE_ROOT to a folder outside"
        " hive.metastore.warehouse.dir, or change that setting",
    ),
    Known(
        "SCHEMA_NOT_FOUND|Database does not exist",
        NoSuchDatabase,
        "create the database that CAB_HIVE_URL ends in, or fix that name",
    ),
    Known(
        r"(?<!Hive)AccessControlException|AccessDenied|Permission denied(?!: user \[)|Mkdirs"
        r" failed|mkdir of \S+ failed|unable to create one",
        LakeLocked,
        "check that CAB_LAKE_ROOT is the same folder for that server and for this machine, and"
        " grant the server's user read and write access to it and to all folders below it",
    ),
    Known(
        r"No FileSystem for scheme|Class org\.apache\.hadoop\.fs\.\S+ not found",
        LakeHidden,
        "this machine can reach CAB_LAKE_ROOT, but that server cannot: install Hadoop's file system"
        " classes for its scheme there (docs/howto/fix-servers.md)",
    ),
    Known(
        NETWORK,
        LakeHidden,
        "if this machine can reach CAB_LAKE_ROOT, check network access and host name resolution on"
        " the machines of that server (docs/howto/fix-servers.md); if it cannot, start the lake's"
        " servers",
        of_lake=True,
    ),
    Known(
        NETWORK,
        ServerHidden,
        "that server cannot reach another server, which is not the lake: start the server that the"
        " error names, or correct its address or the network where Spark or Hive runs",
    ),
    Known(
        r"PATH_NOT_FOUND|FileNotFoundException",
        LakeHidden,
        "this machine wrote the file, but that server cannot find it: set CAB_LAKE_ROOT to a disk"
        " or store that all machines share",
    ),
)
