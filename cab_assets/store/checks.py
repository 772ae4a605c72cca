"""A check of the audit: its claim, and the function that decides whether a version meets it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cab_assets.store.audit import VersionContents
from cab_assets.store.manifest import Finding

E = TypeVar("E")
# Whether the claim is true, and what was compared
Judgement = tuple[bool, dict[str, str]]


@dataclass(frozen=True)
class Check(Generic[E]):
    """A claim about a version, and `judge`, which decides it from evidence.

    A check that only `warns` does not withhold the version if it fails.
    """

    name: str
    claim: str
    judge: Callable[[E], Judgement]
    warns: bool = False

    def finding(self, evidence: E) -> Finding:
        passed, detail = self.judge(evidence)
        return Finding(check=self.name, passed=passed, detail=detail, warns=self.warns)


def judged(checks: Iterable[Check[E]], evidence: E) -> tuple[Finding, ...]:
    """Return the finding of each check."""
    return tuple(check.finding(evidence) for check in checks)


def is_key(contents: VersionContents) -> Judgement:
    """Check that every row has a key and no two rows have the same; name the first that fail."""
    null = sum(contents.nulls.values())
    shown = {
        "repeated keys": "; ".join(contents.repeated),
        "rows without a key": "; ".join(contents.keyless),
    }
    counts = {"repeated": str(contents.repeated_keys), "null": str(null)}
    passed = contents.repeated_keys == 0 and null == 0
    return passed, counts | {name: rows for name, rows in shown.items() if rows}
