"""The checks of `cab doctor`, one line each: what works, and how to fix what does not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cab_assets.cli.trials import hive, lake, sources, spark
from cab_assets.cli.trials.trials import Trials
from cab_assets.clients.deadline import within
from cab_assets.environment import BadEnvironment, Environment, name_of
from cab_assets.errors import terminal_message
from cab_assets.secrets import without_secrets

# Time-out of one check: most need under 3 s, but the first job on a cold standalone Spark can need
# about 50 s
PART_SECONDS = 90


def shown(env: Environment) -> Iterator[str]:
    """Return every variable with its effective value. Secrets are masked."""
    for each in Environment.model_fields:
        value = getattr(env, each)
        if value is None:
            text = "(not set)"
        else:
            text = "…" if env.is_secret(each) else without_secrets(str(value))
        yield f"{name_of(each)}={text}"


def examine(env: Environment, report: Callable[[str], None]) -> bool:
    """Report one line for each part, and return whether all of them work."""
    try:
        env.ready()
    except BadEnvironment as error:
        report(f"FAIL  settings  {error}")
        return False
    examination = Examination(Trials(env), report)
    # Delete what the checks created, also after Ctrl-C
    with examination.trials.undo:
        for part in PARTS:
            examination.try_out(part)
    return not examination.failed


@dataclass(frozen=True)
class Part:
    """One check, and the parts that must work before it can run."""

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
    """One run of all checks, in order."""

    trials: Trials
    report: Callable[[str], None]
    failed: set[str] = field(default_factory=set)

    def try_out(self, part: Part) -> None:
        """Check one part and report the result. A failure does not stop the other checks."""
        if lacking := [name for name in part.needs if name in self.failed]:
            self._failed(part, "skip", f"not tried: it needs {' and '.join(lacking)}")
            return
        try:
            self._say("ok", part, within(part.seconds, lambda: part.trial(self.trials)))
        except TimeoutError as error:
            self._failed(
                part,
                "FAIL",
                f"{error}, although the connection was accepted or is still pending. Check the"
                " server's log, then firewalls, proxies and load balancers between this machine"
                " and the server",
            )
        # An error of any kind must not stop the other checks
        except Exception as error:  # noqa: BLE001
            self._failed(part, "FAIL", terminal_message(error, part.name))

    def _failed(self, part: Part, mark: str, why: str) -> None:
        self.failed.add(part.name)
        self._say(mark, part, why)

    def _say(self, mark: str, part: Part, what: str) -> None:
        self.report(f"{mark:<4}  {part.name:<12}  {what}")
