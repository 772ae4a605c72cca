"""The lake on each file system: what is written is there, whole, and found again."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import boto3
import pytest

from cab_assets.clients.lake import Lake, LakeRefused, LakeUnavailable
from cab_assets.store.audit import read_back
from cab_assets.store.collect import delete
from cab_assets.store.draft import PART
from cab_assets.store.manifest import Finding, Manifest
from cab_assets.store.stored_day import DamagedVersion
from cab_assets_tests.aws import aws
from cab_assets_tests.patience import within
from cab_assets_tests.versions import bookings_day, recorded, written

DATE, VERSION = "2020-01-01", "20200102T000000000000Z-001-a"
FOLDER = f"bookings/booking_date={DATE}/version={VERSION}"


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """On a server that speaks S3."""
    with aws():
        with closing(boto3.client("s3", region_name="us-east-1")) as s3:
            s3.create_bucket(Bucket="rides")
        yield "rides"


@pytest.fixture(params=["file", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    return Lake(
        f"file://{tmp_path}/lake"
        if request.param == "file"
        else f"s3://{request.getfixturevalue('bucket')}/{tmp_path.name}"
    )


def a_version(lake: Lake) -> Manifest:
    files = written(bookings_day(lake, DATE), VERSION)
    found = (Finding(check="equals_source", passed=True),)
    return recorded(
        bookings_day(lake, DATE),
        Manifest(
            table="bookings",
            day=DATE,
            version=VERSION,
            code_version=1,
            files=files,
            rows=0,
            findings=found,
            seconds=0,
        ),
    )


def test_a_version_is_written_found_verified_and_collected(lake: Lake) -> None:
    day = bookings_day(lake, DATE)
    assert (day.version_ids(), day.newest(), lake.list("nothing")) == ([], None, [])
    manifest = a_version(lake)
    assert (day.version_ids(), day.newest()) == ([VERSION], manifest)
    day.verify(manifest)
    assert lake.parquet_rows(f"{FOLDER}/{PART}") == 0
    assert delete(lake, FOLDER).bytes > manifest.files[0].bytes
    assert day.version_ids() == []


def test_nothing_but_files_is_put_into_a_bucket(bucket: str, tmp_path: Path) -> None:
    """One of the lake may be all that we are let into."""
    manifest = a_version(Lake(f"s3://{bucket}/{tmp_path.name}/lake"))
    with closing(boto3.client("s3")) as s3:
        found = s3.list_objects_v2(Bucket=bucket, Prefix=tmp_path.name)["Contents"]
    assert [each["Key"].rpartition("/")[2] for each in found] == [
        "_manifest.json",
        manifest.files[0].name,
    ]


def test_a_file_that_is_cut_off_does_not_count(lake: Lake) -> None:
    manifest = a_version(lake)
    lake.write(f"{FOLDER}/{PART}", b"PAR1")
    with pytest.raises(DamagedVersion, match="has 4 bytes, but "):
        bookings_day(lake, DATE).verify(manifest)
    assert bookings_day(lake, DATE).newest() is None


def test_a_file_is_replaced_whole_and_one_that_is_missing_is_not_found(lake: Lake) -> None:
    lake.files.create_dir("a")
    lake.write("a/b", b"first and longer")
    lake.write("a/b", b"second")
    assert lake.read("a/b") == b"second"
    assert [(info.path, info.size) for info in lake.list("a")] == [("a/b", 6)]
    with pytest.raises(FileNotFoundError):
        lake.read("a/c")


def test_engines_read_s3_by_their_own_name_of_it(tmp_path: Path) -> None:
    assert Lake("s3://rides/lake").url("bookings") == "s3a://rides/lake/bookings"
    assert Lake(f"file://{tmp_path}").url("bookings") == f"file://{tmp_path}/bookings"


def test_a_bucket_that_is_not_there_or_not_ours_is_refused_by_name(bucket: str) -> None:
    with pytest.raises(
        LakeRefused, match=r"cannot write a/b in the lake: .*(NO_SUCH_BUCKET|does not exist)"
    ):
        Lake(f"s3://{bucket}-of-others/lake").write("a/b", b"")


@pytest.mark.usefixtures("bucket")
def test_a_lake_that_does_not_answer_is_said_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(
        LakeUnavailable,
        match=r"cannot read bookings in the lake: .* See `cab doctor`, then run again",
    ):
        Lake("s3://rides/lake").list("bookings")


def test_a_lake_that_is_gone_before_a_version_was_read_back_is_said_by_name(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = f"s3://{bucket}/{tmp_path.name}"
    files = a_version(Lake(root)).files
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(
        LakeUnavailable,
        match=rf"cannot read bookings/\S+/{PART} in the lake: .* See `cab doctor`, then run again",
    ):
        read_back(bookings_day(Lake(root), DATE), VERSION, files, summed=["trip_fare"])


def test_a_file_of_another_size_than_was_written_is_noticed(lake: Lake) -> None:
    lake.files.create_dir("a")
    lake.write("a/b", b"four")
    lake.holds("a/b", 4)
    for path, size in (("a/b", 5), ("a/c", 4)):
        with pytest.raises(OSError, match=f"bytes, but {size} were written"):
            lake.holds(path, size)


@pytest.mark.soak
def test_a_server_that_is_not_there_or_says_nothing_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch, bucket: str
) -> None:
    # Takes connections, and says nothing
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        for port in (1, silent.getsockname()[1]):
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
            with within(60), pytest.raises(LakeRefused, match="cannot write a/b in the lake"):
                Lake(f"s3://{bucket}/lake").write("a/b", b"")
