"""What servers have said that the embedded stack does not say: Apache Hive 4.0.1, and Spark on its
metastore.
"""

import pytest

from cab_assets.clients import known_failures
from cab_assets.clients.failures import failure
from cab_assets.clients.kafka_client import KafkaRefused
from cab_assets.clients.known_failures import Refused
from cab_assets.errors import CabError

DDL = (
    "Error while compiling statement: FAILED: Execution Error, return code 40000 from"
    " org.apache.hadoop.hive.ql.ddl.DDLTask. MetaException(message:"
)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (
            (
                f"{DDL}An external table's location should not be located within managed warehouse"
                " root directory, table:x,location:/m/x,managed warehouse:/m)"
            ),
            known_failures.LocationInsideWarehouse,
        ),
        (
            f"{DDL}file:/lake/bookings is not a directory or unable to create one)",
            known_failures.LakeLocked,
        ),
        (
            (
                "Error while compiling statement: FAILED: SemanticException"
                " java.lang.RuntimeException: java.lang.ClassNotFoundException: Class"
                " org.apache.hadoop.fs.s3a.S3AFileSystem not found"
            ),
            known_failures.LakeHidden,
        ),
        (
            (
                f"{DDL}Could not connect to meta store using any of the URIs provided. Most recent"
                " failure: org.apache.thrift.transport.TTransportException:"
                " java.net.ConnectException: Connection refused\n\tat"
                " org.apache.thrift.transport.TSocket.open(TSocket.java:243)"
            ),
            known_failures.MetastoreUnavailable,
        ),
        (
            (
                "Error while compiling statement: FAILED: RuntimeException Unable to instantiate"
                " org.apache.hadoop.hive.ql.metadata.SessionHiveMetaStoreClient"
            ),
            known_failures.MetastoreUnavailable,
        ),
        (
            (
                f"{DDL}java.lang.NullPointerException: Cannot invoke"
                ' "org.apache.hadoop.hive.metastore.IMetaStoreClient.getDatabase(String)" because'
                ' the return value of "org.apache.hadoop.hive.ql.metadata.Hive.getMSC()" is null'
            ),
            known_failures.MetastoreUnavailable,
        ),
        (
            (
                "org.apache.spark.SparkException: Python worker failed to connect back.\nCaused by:"
                " java.net.SocketTimeoutException: Timed out while waiting for the Python worker"
            ),
            known_failures.PythonWorkersLost,
        ),
        (
            (
                "org.apache.kafka.common.errors.SaslAuthenticationException: Authentication failed"
                " during authentication due to invalid credentials with SASL mechanism"
                " SCRAM-SHA-512"
            ),
            KafkaRefused,
        ),
        (
            (
                "org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized to"
                " access topics: [clicks]"
            ),
            KafkaRefused,
        ),
        (
            (
                "Error while compiling statement: FAILED: SemanticException [Error 10072]: Database"
                " does not exist: cab"
            ),
            known_failures.NoSuchDatabase,
        ),
        (
            (
                "org.apache.hadoop.hive.ql.metadata.HiveException: Unable to fetch table bookings."
                " Invalid method name: 'get_table'"
            ),
            known_failures.MetastoreOfAnotherVersion,
        ),
        (
            (
                f"{DDL}Got exception: org.apache.thrift.transport.TTransportException"
                " java.net.ConnectException: Connection refused)"
            ),
            known_failures.MetastoreUnavailable,
        ),
        (
            (
                "Error while compiling statement: FAILED: ParseException line 1:0 cannot recognize"
                " input near 'SELEC'"
            ),
            Refused,
        ),
    ],
)
def test_what_a_person_can_mend_has_a_name_and_a_remedy(said: str, error: type[CabError]) -> None:
    found = failure("HiveServer2 at hive:10000 rejected the statement", said, Refused)
    assert type(found) is error
    first = said.splitlines()[0]
    assert str(found).startswith(f"HiveServer2 at hive:10000 rejected the statement: {first}")
    assert ("Remedy: " in str(found)) == (error is not Refused)
    assert "\n" not in str(found)


CALL = "java.net.ConnectException: Call From 10.0.0.9/10.0.0.9 to {} failed on connection exception"
UNKNOWN = "java.net.UnknownHostException: "
S3A = f"{UNKNOWN}getFileStatus on s3a://cab-lake/bookings: SdkClientException: UnknownHost"


@pytest.mark.parametrize(
    ("lake", "said", "error"),
    [
        ("hdfs://10.0.0.9:8020/cab", CALL.format("namenode:8020"), known_failures.LakeHidden),
        ("hdfs://namenode:8020/cab", CALL.format("other:8032"), known_failures.ServerHidden),
        ("hdfs://10.0.0.9:8020/cab", CALL.format("other:8032"), known_failures.ServerHidden),
        ("s3://cab-lake/a", CALL.format("other:8020"), known_failures.ServerHidden),
        ("hdfs://lakes/cab", f"{UNKNOWN}lakes", known_failures.LakeHidden),
        ("hdfs://lakes/cab", f"{UNKNOWN}lakes.of.another", known_failures.ServerHidden),
        ("s3://cab-lake/a", S3A, known_failures.LakeHidden),
        ("s3://lake/a", S3A, known_failures.ServerHidden),
        (
            "hdfs://namenode:8020/cab",
            "java.net.ConnectException: Connection refused: no block of /cab/bookings/part-0",
            known_failures.LakeHidden,
        ),
        (
            "hdfs://namenode:8020/cab",
            (
                "org.apache.spark.shuffle.FetchFailedException: Failed to connect to"
                " /10.0.0.7:35211\nCaused by: java.net.ConnectException: Connection refused"
            ),
            known_failures.ServerHidden,
        ),
        (None, CALL.format("namenode:8020"), known_failures.ServerHidden),
    ],
)
def test_an_error_of_the_network_is_about_the_lake_only_if_it_names_it(
    lake: str | None, said: str, error: type[CabError]
) -> None:
    found = failure("Spark", said, Refused, lake)
    assert type(found) is error
    assert said.splitlines()[0] in str(found)


def test_a_lost_executor_is_told_with_where_it_was() -> None:
    lost = (
        "ExecutorLostFailure (executor 2 exited unrelated to the running tasks) Reason: Command"
        " exited with code 137"
    )
    task = (
        "Task 3 in stage 7.0 failed 4 times, most recent failure: Lost task 3.3 in stage 7.0 (TID"
        f" 41) (10.0.0.7 executor 2): {lost}"
    )
    said = (
        f"Job aborted due to stage failure: {task}\nDriver stacktrace:\n\tat"
        " org.apache.spark.scheduler.DAGScheduler.abortStage(DAGScheduler.scala:1)"
    )
    assert (
        str(failure("Spark", said, Refused)) == f"Spark: stage 7.0 on 10.0.0.7 executor 2: {lost}"
    )


def test_a_server_that_says_nothing_is_told_as_such() -> None:
    assert str(failure("Spark", "", Refused)) == "Spark: no reason given"
