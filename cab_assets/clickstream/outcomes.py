"""The outcomes of a day of clicks or rejects, in addition to those of every daily table."""

from dataclasses import dataclass

from cab_assets.store.outcomes import Failed, Published, Withheld


@dataclass(frozen=True)
class ShownDay:
    """A day of clicks or rejects whose newest version is published."""

    published: Published
    sealed: bool


@dataclass(frozen=True)
class SealedDay:
    """A day of clicks that became sealed without a new version."""

    day: str


FoldOutcome = Failed | Withheld | ShownDay | SealedDay
