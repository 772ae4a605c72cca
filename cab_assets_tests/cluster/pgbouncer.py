"""pgbouncer in transaction mode, as Debian has it, in front of a PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from cab_assets.environment import Environment
from cab_assets_tests.cluster.databases import less_than_root, own
from cab_assets_tests.cluster.debian import program
from cab_assets_tests.processes import free_ports, serving

DEFAULTS = """[databases]
* = host={host} port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
"""


@contextmanager
def pgbouncer(folder: Path, env: Environment) -> Iterator[str]:
    """Give the database's address by way of it, until the block ends."""
    behind, (port,) = urlsplit(str(env.bookings_db_url)), free_ports(1)
    users, settings = folder / "users.txt", folder / "pgbouncer.ini"
    users.write_text(f'"{behind.username}" "{env.bookings_db_password}"\n')
    settings.write_text(
        DEFAULTS.format(host=behind.hostname, server_port=behind.port, port=port, users=users)
    )
    own(folder)
    with serving(
        [program("pgbouncer", "pgbouncer"), str(settings)], port, folder / "log", **less_than_root()
    ):
        yield f"postgresql://{behind.username}@127.0.0.1:{port}{behind.path}"
