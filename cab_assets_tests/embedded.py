"""The embedded servers of a test session: started aside, while tests that need none run.

Several processes of one session share a home: the first that needs servers starts them.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cab_assets.dev.stack import lifecycle

UP = [sys.executable, "-c", "from cab_assets.cli.main import app; app()", "up"]


class Embedded:
    """Servers in a home of the session's own, or in `kept`, where they are left up."""

    def __init__(self, kept: Path | None = None) -> None:
        self._kept = kept
        self._own: tempfile.TemporaryDirectory[str] | None = None
        self._up: subprocess.Popen[str] | None = None

    def make(self) -> Path:
        """Return the home, where nothing is started yet."""
        if not self._kept and not self._own:
            self._own = tempfile.TemporaryDirectory(prefix="cab-")
        return self._home

    def start(self) -> None:
        """Start the servers, unless they are up; `home` waits for them."""
        self.make()
        variables = {
            name: value for name, value in os.environ.items() if not name.startswith("CAB_")
        }
        environ = variables | {"CAB_HOME": str(self._home)}
        self._up = subprocess.Popen(
            UP, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def home(self) -> Path:
        """Return the home once its servers answer; fail with what `cab up` said if they do not."""
        if not self._up:
            self.start()
        assert self._up
        said = self._up.communicate()[0] if self._up.returncode is None else ""
        assert self._up.returncode == 0, said
        return self._home

    def end(self) -> None:
        """End the servers, unless they are kept."""
        if self._up and self._up.poll() is None:
            self._up.terminate()
            self._up.communicate()
        if self._own:
            lifecycle.down(self._home)
            self._own.cleanup()

    @property
    def _home(self) -> Path:
        return self._kept.resolve() if self._kept else Path(self._own.name if self._own else "")
