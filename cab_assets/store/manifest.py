"""The manifest of a version, `_manifest.json`, which is written last."""

from typing import Self

from pydantic import BaseModel, model_validator

from cab_assets.sources.fingerprint import Fingerprint

MANIFEST = "_manifest.json"
# Written instead of the manifest if the audit failed
REFUSED = "_refused.json"


class DataFile(BaseModel, frozen=True):
    """One Parquet file of a version, by its name in the version's folder."""

    name: str
    bytes: int
    rows: int
    sha256: str


class Finding(BaseModel, frozen=True):
    """The outcome of one check of the audit; `detail` shows what was compared.

    A check that only `warns` does not withhold the version if it fails.
    """

    check: str
    passed: bool
    detail: dict[str, str] = {}
    warns: bool = False

    def __str__(self) -> str:
        return (
            f"{self.check} ({', '.join(f'{name}: {value}' for name, value in self.detail.items())})"
        )


class Manifest(BaseModel, frozen=True):
    """The files of a version, what it was made from, and the findings of its audit."""

    table: str
    day: str
    version: str
    code_version: int
    files: tuple[DataFile, ...]
    rows: int
    # Only in a table that comes from a source: the state of the source
    fingerprint: Fingerprint | None = None
    # Beside the fingerprint, so that earlier versions of this code can read it
    conversions: dict[str, str] | None = None
    findings: tuple[Finding, ...]
    # Table -> id of its version
    made_from: dict[str, str] = {}
    # Only in a folded table: the number of Kafka records that its rows contain
    records: int | None = None
    # Only in a folded table: the newest batch whose rows are in it
    through_batch: int | None = None
    # Only in a folded table: the folder of that batch; None in versions older than this field
    through_folder: str | None = None
    seconds: float

    @model_validator(mode="after")
    def _with_conversions(self) -> Self:
        """Give the fingerprint the conversions that are stored beside it."""
        found = self.fingerprint
        if found and found.conversions is None and self.conversions is not None:
            whole = found.model_copy(update={"conversions": self.conversions})
            object.__setattr__(self, "fingerprint", whole)
        return self

    @property
    def passed(self) -> bool:
        return not self.failed

    @property
    def failed(self) -> list[str]:
        """The names of failed checks that withhold the version."""
        return [each.check for each in self.findings if not (each.passed or each.warns)]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)
