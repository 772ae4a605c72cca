"""Timing contenders in turn, A B C A B C, so that a noisy machine disturbs all of them alike."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from benchmarks.say import say


@dataclass(frozen=True)
class Contender:
    """Something to time; `rounds` of the first ones, after `warm` more that do not count."""

    name: str
    run: Callable[[], object]
    rounds: int
    warm: int = 0


class Times(dict[str, list[float]]):
    """Seconds of each round, by contender."""

    def seconds(self, name: str) -> float:
        return median(self[name])

    def ratio(self, name: str, other: str) -> float:
        """Of the two in the same round, the median."""
        return median(mine / theirs for mine, theirs in zip(self[name], self[other], strict=False))


def in_turn(contenders: list[Contender]) -> Times:
    """Run all contenders, round after round."""
    for each in contenders:
        for _ in range(each.warm):
            each.run()
    times = Times({each.name: [] for each in contenders})
    for number in range(max(each.rounds for each in contenders)):
        for each in contenders:
            if number < each.rounds:
                times[each.name].append(seconds_of(each.run))
                say(f"  {each.name}: {times[each.name][-1]:.2f} s")
    return times


def seconds_of(run: Callable[[], object]) -> float:
    started = time.monotonic()
    run()
    return time.monotonic() - started


def cells(row: Mapping[str, object]) -> str:
    return f"| {' | '.join(str(value) for value in row.values())} |"


def table(rows: list[dict[str, object]]) -> str:
    """Rows as a table in Markdown."""
    return "\n".join(
        [
            cells({name: name for name in rows[0]}),
            cells(dict.fromkeys(rows[0], "---")),
            *(cells(row) for row in rows),
        ]
    )
