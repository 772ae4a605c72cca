from pathlib import Path

import pytest

from cab_assets.dev.stack import machine
from cab_assets.dev.stack.errors import UnfitMachine


@pytest.fixture
def java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script of the test's own, taken for the machine's Java."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    return tmp_path / "bin" / "java"


def says(java: Path, version: str) -> None:
    java.write_text(f"""#!/bin/sh\necho 'openjdk version "{version}"' >&2\n""")
    java.chmod(0o755)


@pytest.mark.parametrize(("version", "number"), [("1.8.0_392", 8), ("11.0.21", 11)])
def test_a_java_that_spark_cannot_run_on_is_refused(java: Path, version: str, number: int) -> None:
    says(java, version)
    with pytest.raises(UnfitMachine, match=f"is Java {number}: install Java 17 or newer"):
        machine.check()


@pytest.mark.parametrize("version", ["17", "17.0.15", "21-ea", "25.0.1"])
def test_a_newer_java_will_do(java: Path, version: str) -> None:
    says(java, version)
    machine.check()


def test_no_java_is_one_sentence(java: Path) -> None:
    with pytest.raises(
        UnfitMachine, match=f"there is no java in JAVA_HOME={java.parents[1]}: install Java 17"
    ):
        machine.check()


def test_a_java_that_does_not_run_is_one_sentence(java: Path) -> None:
    java.write_text("#!/bin/sh\nexit 127\n")
    java.chmod(0o755)
    with pytest.raises(UnfitMachine, match="does not run: install Java 17"):
        machine.check()
