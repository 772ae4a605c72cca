"""A check of the audit as one object: what it claims, and how it judges a version."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cab_assets.store.audit import VersionContents
from cab_assets.store.manifest import Finding

E = TypeVar("E")
Judgement = tuple[bool, dict[str, str]]  # whether the claim holds, and what was compared


@dataclass(frozen=True)
class Check(Generic[E]):
    """A claim about a version, judged by evidence that its step gathers."""

    name: str
    claim: str
    judge: Callable[[E], Judgement]
    warns: bool = False  # a failure is shown and withholds nothing

    def finding(self, evidence: E) -> Finding:
        passed, detail = self.judge(evidence)
        return Finding(check=self.name, passed=passed, detail=detail, warns=self.warns)


def judged(checks: Iterable[Check[E]], evidence: E) -> tuple[Finding, ...]:
    """Return what each check finds."""
    return tuple(check.finding(evidence) for check in checks)


def is_key(contents: VersionContents) -> Judgement:
    """Check that each row has a key of its own; name the first rows that have none."""
    null = sum(contents.nulls.values())
    shown = {
        "repeated keys": "; ".join(contents.repeated),
        "rows without a key": "; ".join(contents.keyless),
    }
    counts = {"repeated": str(contents.repeated_keys), "null": str(null)}
    passed = contents.repeated_keys == 0 and null == 0
    return passed, counts | {name: rows for name, rows in shown.items() if rows}
