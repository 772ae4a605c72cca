"""Download the jars of Kafka's broker and connector, once per user, with pyspark's Ivy."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cab_assets.dev.stack import machine
from cab_assets.dev.stack.errors import UnfetchableJars
from cab_assets.dev.stack.ivy import listen, reason
from cab_assets.dev.stack.locks import locked
from cab_assets.dev.stack.server import packaged

SETTINGS = Path(__file__).parent / "ivysettings.xml"
IVY = "pyspark/jars/ivy-2.5.3.jar"
REMEDY = (
    "fix the connection (Java reads a proxy from JAVA_TOOL_OPTIONS=-Dhttps.proxyHost=…, not from"
    " HTTPS_PROXY), then run the command again"
)


@dataclass(frozen=True)
class Jar:
    sha256: str
    use: str
    coordinates: str

    @property
    def path(self) -> str:
        """Path in the folder of all jars."""
        _, name, version = self.coordinates.split(":")
        return f"{self.use}/{name}-{version}.jar"

    @property
    def dependency(self) -> str:
        group, name, version = self.coordinates.split(":")
        return f'<dependency org="{group}" name="{name}" rev="{version}" conf="{self.use}->*"/>'


@dataclass(frozen=True)
class JarSet:
    """The jars of a lock file, which has a line for each: SHA-256, use, group:name:version."""

    pins: Path
    # The software that the jars are part of, for messages
    what: str
    # Size of the download
    megabytes: int

    @property
    def pinned(self) -> list[Jar]:
        return [Jar(*line.split()) for line in self.pins.read_text().splitlines()]

    @property
    def uses(self) -> list[str]:
        return sorted({jar.use for jar in self.pinned})

    @property
    def folder(self) -> Path:
        """The folder of the jars of this lock file; each version of the file has its own."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return (
            cache / "cab-assets" / "jars" / hashlib.sha256(self.pins.read_bytes()).hexdigest()[:12]
        )

    def of(self, use: str) -> list[Path]:
        return [self.folder / jar.path for jar in self.pinned if jar.use == use]

    def fetch(self, report: Callable[[str], None]) -> None:
        """Download all jars if one is missing, and compare each with its hash in the lock file.

        Raises UnfetchableJars if a jar cannot be downloaded or has another hash.
        """
        cache = self.folder.parent
        try:
            cache.mkdir(parents=True, exist_ok=True)
            # If two stacks start at once, the second waits for the download of the first
            with locked(cache):
                if not self._is_complete():
                    self._download(cache / "draft", report)
        except OSError as error:
            raise UnfetchableJars(
                f"the jars cannot be written to {cache}: {error.strerror}. Set XDG_CACHE_HOME to a"
                " folder that you may write to."
            ) from error

    def _is_complete(self) -> bool:
        """Return whether all jars exist. Their hashes were checked when they were downloaded."""
        return all((self.folder / jar.path).exists() for jar in self.pinned)

    def _download(self, draft: Path, report: Callable[[str], None]) -> None:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        report(
            f"jars: downloading {len(self.pinned)} of {self.what} from Maven Central"
            f" ({self.megabytes} MB), once for all stacks of this user"
        )
        try:
            self.fetch_into(draft)
            self._check(draft / "jars")
            shutil.rmtree(self.folder, ignore_errors=True)
            (draft / "jars").rename(self.folder)
        finally:
            shutil.rmtree(draft)
        report(f"jars: downloaded and checked; they are in {self.folder}")

    def fetch_into(self, draft: Path) -> None:
        """Download the jars into the folder `jars` of an existing folder, without a hash check."""
        (draft / "ivy.xml").write_text(self._wanted())
        target = f"{draft}/jars/[conf]/[artifact]-[revision].[ext]"
        ivy = [
            "-settings",
            str(SETTINGS),
            "-cache",
            str(draft / "ivy"),
            "-ivy",
            str(draft / "ivy.xml"),
            "-confs",
            *self.uses,
            "-retrieve",
            target,
        ]
        command = [machine.java(), "-jar", packaged("pyspark", IVY), *ivy]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            said = listen(process)
        if process.returncode:
            raise UnfetchableJars(
                f"the jars of {self.what} cannot be downloaded from Maven Central: {reason(said)};"
                f" {REMEDY}."
            )

    def _wanted(self) -> str:
        confs = "".join(f'<conf name="{use}"/>' for use in self.uses)
        dependencies = "\n".join(jar.dependency for jar in self.pinned)
        return (
            '<ivy-module version="2.0"><info organisation="cab"'
            f' module="jars"/><configurations>{confs}</configurations>'
            f"<dependencies>{dependencies}</dependencies></ivy-module>"
        )

    def _check(self, jars: Path) -> None:
        wrong = [jar.path for jar in self.pinned if sha256(jars / jar.path) != jar.sha256]
        if wrong:
            raise UnfetchableJars(
                f"{', '.join(wrong)} from Maven Central: not the file in {self.pins.name} (its"
                " SHA-256 differs), so nothing was kept. A proxy on the way changes downloads; use"
                " another network or repository mirror."
            )


# The broker and the connector need different versions of kafka-clients
EMBEDDED = JarSet(Path(__file__).parent / "jars.sha256", "Kafka and of Spark's connector to it", 53)


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def broker() -> str:
    """Return the broker's class path."""
    return f"{EMBEDDED.folder}/broker/*"


def connector() -> list[Path]:
    """Return the jars that a Spark driver needs to read Kafka, in addition to the wheel's."""
    return EMBEDDED.of("connector")
