"""What Hadoop, HDFS and Hive have in common."""

from collections.abc import Mapping
from pathlib import Path


def hadoop_site(path: Path, settings: Mapping[str, object]) -> None:
    """A file of settings as Hadoop and Hive read them."""
    properties = "".join(
        f"<property><name>{name}</name><value>{value}</value></property>"
        for name, value in settings.items()
    )
    path.write_text(f"<configuration>{properties}</configuration>")
