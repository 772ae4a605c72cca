"""Trying every part, one line each: what works, and what to do about what does not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cab_assets.cli.trials import hive, lake, sources, spark
from cab_assets.cli.trials.trials import Trials
from cab_assets.clients.deadline import within
from cab_assets.environment import BadEnvironment, Environment, name_of
from cab_assets.errors import told
from cab_assets.secrets import without_secrets

# A part takes three at most, but the first job of a standalone Spark on a busy machine took 49
PART_SECONDS = 90


def shown(env: Environment) -> Iterator[str]:
    """Return every variable with its value in force. Secrets are masked."""
    for each in Environment.model_fields:
        value = getattr(env, each)
        if value is None:
            text = "(not set)"
        else:
            text = "…" if env.is_secret(each) else without_secrets(str(value))
        yield f"{name_of(each)}={text}"


def examine(env: Environment, report: Callable[[str], None]) -> bool:
    """Report one line for each part; whether all of them work."""
    try:
        env.ready()
    except BadEnvironment as error:
        report(f"FAIL  settings  {error}")
        return False
    examination = Examination(Trials(env), report)
    with examination.trials.undo:  # also when somebody has seen enough
        for part in PARTS:
            examination.try_out(part)
    return not examination.failed


@dataclass(frozen=True)
class Part:
    """One line: what is tried, and the parts without which it cannot be."""

    name: str
    trial: Callable[[Trials], str]
    needs: tuple[str, ...] = ()
    seconds: float = PART_SECONDS


PARTS = (
    Part("bookings db", sources.database),
    Part("clocks", sources.clocks),
    Part("kafka", sources.kafka),
    Part("lake", lake.write),
    Part("hive", hive.ask),
    Part("hive ddl", hive.declare, ("lake", "hive")),
    Part("hive reads", hive.read, ("hive ddl",)),
    Part("spark", spark.ask),
    Part("spark reads", spark.read, ("lake", "spark")),
    Part("spark writes", spark.write, ("lake", "spark")),
    Part("spark tables", spark.read_table, ("hive ddl", "spark")),
    Part("spark python", spark.read_clicks, ("spark",)),
    Part("spark kafka", spark.read_topic, ("kafka", "spark")),
    Part("cleared", Trials.clear),
)


@dataclass
class Examination:
    """One go at the parts, in their order."""

    trials: Trials
    report: Callable[[str], None]
    failed: set[str] = field(default_factory=set)

    def try_out(self, part: Part) -> None:
        """Report how the part does; one that fails keeps nobody from trying the next."""
        if lacking := [name for name in part.needs if name in self.failed]:
            self._failed(part, "skip", f"not tried: it needs {' and '.join(lacking)}")
            return
        try:
            self._say("ok", part, within(part.seconds, lambda: part.trial(self.trials)))
        except TimeoutError as error:
            self._failed(
                part,
                "FAIL",
                f"{error}: its server is there, and silent; look into its log, or at what lies"
                " between",
            )
        except Exception as error:  # noqa: BLE001  whatever it is, the other parts are still to be tried
            self._failed(part, "FAIL", told(error, part.name))

    def _failed(self, part: Part, mark: str, why: str) -> None:
        self.failed.add(part.name)
        self._say(mark, part, why)

    def _say(self, mark: str, part: Part, what: str) -> None:
        self.report(f"{mark:<4}  {part.name:<12}  {what}")
