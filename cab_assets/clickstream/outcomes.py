"""What became of a day of clicks or rejects, beside what becomes of any day."""

from dataclasses import dataclass

from cab_assets.store.outcomes import Failed, Published, Withheld


@dataclass(frozen=True)
class ShownDay:
    """A day of clicks or rejects as readers see it now."""

    published: Published
    sealed: bool


@dataclass(frozen=True)
class SealedDay:
    """A day of clicks that time alone has sealed."""

    day: str


FoldOutcome = Failed | Withheld | ShownDay | SealedDay
