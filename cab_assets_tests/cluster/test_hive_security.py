import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trustme

from cab_assets.clients.hive import Hive
from cab_assets.clients.hive_errors import HiveRefused, HiveUnavailable
from cab_assets_tests.cluster.secure_hive import SecureHive, secure_hive
from cab_assets_tests.patience import within

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def server() -> Iterator[SecureHive]:
    with (
        tempfile.TemporaryDirectory(prefix="cab-hive-") as folder,
        secure_hive(Path(folder)) as made,
    ):
        yield made


def test_a_user_of_the_directory_is_let_in_over_tls(server: SecureHive) -> None:
    with closing(server.hive()) as hive:
        assert hive.execute("SELECT 1") == [(1,)]


@pytest.mark.parametrize("password", ["another", None])
def test_a_wrong_password_is_told_in_a_sentence(server: SecureHive, password: str | None) -> None:
    with closing(server.hive(password)) as hive, pytest.raises(HiveRefused) as refused:
        hive.execute("SELECT 1")
    assert str(refused.value).endswith(
        "rejected the login of user pipeline; check the user in CAB_HIVE_URL, and CAB_HIVE_PASSWORD"
    )


def test_a_server_that_another_authority_vouches_for_is_refused(
    server: SecureHive, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    with (
        closing(server.hive(ca=tmp_path / "other.pem")) as hive,
        pytest.raises(HiveRefused, match=r"is not trusted by .*/other.pem, .*; check CAB_HIVE_CA"),
    ):
        hive.execute("SELECT 1")


def test_a_server_under_another_name_is_refused(server: SecureHive) -> None:
    with (
        closing(Hive(server.url.replace("127.0.0.1", "localhost"), "any", ca=server.ca)) as hive,
        pytest.raises(HiveRefused, match="check CAB_HIVE_CA"),
    ):
        hive.execute("SELECT 1")


def test_one_who_comes_without_tls_is_not_left_waiting(server: SecureHive) -> None:
    with (
        within(20),
        closing(Hive(server.url, "any", answer_seconds=5)) as hive,
        pytest.raises(HiveUnavailable, match="does not answer"),
    ):
        hive.execute("SELECT 1")
