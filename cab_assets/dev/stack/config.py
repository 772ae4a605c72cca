"""The configuration file of supervisord."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from cab_assets.dev.stack.ports import LOOPBACK
from cab_assets.dev.stack.server import Server

SUPERVISORD = """\
[supervisord]
directory={home}
pidfile={home}/supervisord.pid
logfile={home}/logs/supervisord.log
logfile_maxbytes=1MB
logfile_backups=1
childlogdir={home}/logs

[inet_http_server]
port={address}
username=cab
password={password}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

PROGRAM = """
[program:{server.name}]
command={command}
environment={environment}
directory={server.folder}
priority={priority}
autorestart=true
startsecs={server.start_seconds}
startretries={server.start_retries}
stopsignal={server.stop_signal}
stopwaitsecs=30
stopasgroup=true
redirect_stderr=true
stdout_logfile={server.log}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""


def render(home: Path, servers: Sequence[Server], port: int, password: str) -> str:
    """Return the text of the file. Servers start in order and stop in reverse order."""
    programs = [_program(server, priority) for priority, server in enumerate(servers)]
    return SUPERVISORD.format(home=home, address=f"{LOOPBACK}:{port}", password=password) + "".join(
        programs
    )


def _program(server: Server, priority: int) -> str:
    # If supervisord is killed with -9, its servers end too: orphans would keep the ports and data
    # that the next servers need
    command = [
        *server.account(),
        "setpriv",
        f"--pdeathsig={server.stop_signal}",
        "--",
        *server.command(),
    ]
    environment = ",".join(f'{name}="{value}"' for name, value in server.environment().items())
    return PROGRAM.format(
        server=server,
        priority=priority,
        command=_escaped(shlex.join(command)),
        environment=_escaped(environment),
    )


def _escaped(text: str) -> str:
    # In the file, % starts a variable of supervisord
    return text.replace("%", "%%")
