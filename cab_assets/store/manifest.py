"""What a version says of itself: `_manifest.json`, written last."""

from pydantic import BaseModel

from cab_assets.sources.fingerprint import Fingerprint

MANIFEST = "_manifest.json"
REFUSED = "_refused.json"  # in its place when the audit withheld the version


class DataFile(BaseModel, frozen=True):
    """One Parquet file of a version, by its name in the version's folder."""

    name: str
    bytes: int
    rows: int
    sha256: str


class Finding(BaseModel, frozen=True):
    """The outcome of one check of the audit, with what was compared, for people."""

    check: str
    passed: bool
    detail: dict[str, str] = {}
    warns: bool = False  # a failure is shown and withholds nothing

    def __str__(self) -> str:
        return (
            f"{self.check} ({', '.join(f'{name}: {value}' for name, value in self.detail.items())})"
        )


class Manifest(BaseModel, frozen=True):
    """What a version holds, what it was made from, and how its audit ended."""

    table: str
    day: str
    version: str
    code_version: int
    files: tuple[DataFile, ...]
    rows: int
    fingerprint: Fingerprint | None = None  # of a table that comes from a source
    findings: tuple[Finding, ...]
    made_from: dict[str, str] = {}
    # Of a table that is folded: the records of Kafka that its rows stand for
    records: int | None = None
    # Of a table that is folded: the newest batch whose rows are in it
    through_batch: int | None = None
    # Of a table that is folded: that batch's folder; None in versions older than this field
    through_folder: str | None = None
    seconds: float

    @property
    def passed(self) -> bool:
        return not self.failed

    @property
    def failed(self) -> list[str]:
        """The checks that withhold the version."""
        return [each.check for each in self.findings if not (each.passed or each.warns)]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)
