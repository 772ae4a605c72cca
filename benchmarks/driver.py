"""The PostgreSQL JDBC driver, which only the comparison with Spark needs."""

import hashlib
import subprocess
from pathlib import Path

import pyspark

VERSION = "42.7.8"
SHA256 = "2a32a9dcbc42d67a50ad3a0de5efd102c8d2be46720045f2cbd6689f160ab7c7"


class WrongDriver(Exception):
    """What arrived is not the file that was pinned."""


def postgresql_driver(folder: Path) -> Path:
    """The driver's jar in `folder`, from Maven Central through the Ivy that the pyspark wheel
    holds.
    """
    ivy = next((Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar"))
    resolve = [
        "java",
        "-jar",
        str(ivy),
        "-cache",
        f"{folder}/ivy",
        "-dependency",
        "org.postgresql",
        "postgresql",
        VERSION,
    ]
    retrieve = [
        "-confs",
        "default",
        "-types",
        "jar",
        "bundle",
        "-retrieve",
        f"{folder}/[artifact]-[revision].[ext]",
    ]
    subprocess.run([*resolve, *retrieve], check=True, capture_output=True)  # noqa: S603
    jar = folder / f"postgresql-{VERSION}.jar"
    found = hashlib.sha256(jar.read_bytes()).hexdigest()
    if found != SHA256:
        raise WrongDriver(f"{jar.name} has the SHA-256 {found}, expected {SHA256}; do not use it")
    return jar
