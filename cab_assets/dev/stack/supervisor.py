"""supervisord: it restarts the servers of one stack, and is controlled over a loopback port."""

import os
import signal
import subprocess
import sys
import time
import xmlrpc.client
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, cast

from cab_assets.dev.stack import processes
from cab_assets.dev.stack.errors import StillRunning, SupervisorNotUp
from cab_assets.dev.stack.home import CONFIG, write_private
from cab_assets.dev.stack.ports import LOOPBACK

USUAL_PORTS = {"supervisor": 9001}
# Time-out for the start of supervisord
START_SECONDS = 10
# Time-out for the end of all servers: longer than the 30 s after which supervisord kills a server
STOP_SECONDS = 45
# The variables that servers inherit. Others, such as SPARK_… or PG…, must not change the servers
INHERITED = ("HOME", "JAVA_HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "USER")


class _Impatient(xmlrpc.client.Transport):
    def make_connection(self, host: Any) -> HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = 5
        return connection


@dataclass(frozen=True)
class Supervisor:
    home: Path
    port: int
    password: str

    @property
    def pid(self) -> int | None:
        """Return the process id of the latest supervisord.

        It is also the number of its session, with which servers that outlived it are found.
        """
        try:
            return int((self.home / "supervisord.pid").read_text())
        except (FileNotFoundError, ValueError):
            return None

    @property
    def log(self) -> Path:
        return self.home / "logs" / "supervisord.log"

    def runs(self) -> bool:
        return self.pid is not None and self.pid in processes.of_session(self.pid, self.home)

    def has(self, config: str) -> bool:
        file = self.home / CONFIG
        return file.exists() and file.read_text() == config

    def start(self, config: str) -> None:
        write_private(self.home / CONFIG, config)
        daemon = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.home / CONFIG)]
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        started = subprocess.run(
            daemon, env=environment, cwd=self.home, capture_output=True, text=True
        )
        if started.returncode != 0:
            raise SupervisorNotUp(
                f"supervisord did not start: {started.stderr.strip() or started.stdout.strip()}"
            )
        self._await_answer()

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.runs() or not self.answers():
            if time.monotonic() > deadline:
                raise SupervisorNotUp(
                    f"supervisord did not answer within {START_SECONDS} s; its log is {self.log}"
                )
            time.sleep(0.05)

    def answers(self) -> bool:
        """Return whether it can be asked: one that is being killed may run, but does not answer."""
        try:
            return self._ask("getState") is not None
        except SupervisorNotUp:
            return False

    def state(self, name: str) -> dict[str, Any]:
        """Return supervisord's state of a server: statename, pid, start, now, spawnerr."""
        return cast(dict[str, Any], self._ask("getProcessInfo", name))

    def revive(self, name: str) -> None:
        """Start a server that was stopped, or that supervisord no longer restarts."""
        if self.state(name)["statename"] in ("STOPPED", "EXITED", "FATAL"):
            self._ask("startProcess", name, False)

    def stop(self) -> None:
        """End the supervisor and its servers, also those that outlived a killed supervisor.

        Raises StillRunning if a process does not end.
        """
        leader = self.pid
        if leader is None:
            return
        if self.runs():
            processes.send([leader], signal.SIGTERM)
        if left := processes.await_end(leader, self.home, STOP_SECONDS):
            processes.send(left, signal.SIGKILL)
            left = processes.await_end(leader, self.home, 5)
        if left:
            raise StillRunning(
                f"these processes of the stack in {self.home} do not end:"
                f" {', '.join(map(str, left))}. Kill them, then run the command again."
            )

    def _ask(self, method: str, *arguments: Any) -> Any:
        url = f"http://cab:{self.password}@{LOOPBACK}:{self.port}/RPC2"
        with xmlrpc.client.ServerProxy(url, transport=_Impatient()) as server:
            try:
                return getattr(server.supervisor, method)(*arguments)
            except (OSError, HTTPException, xmlrpc.client.Error) as error:
                # The text of a ProtocolError would show the password
                reason = error.errmsg if isinstance(error, xmlrpc.client.ProtocolError) else error
                raise SupervisorNotUp(
                    f"supervisord does not answer ({reason}); run `cab down`, then `cab up`. Its"
                    f" log is {self.log}"
                ) from None
