"""What `cab doctor` tries with: the user's own settings, and the clients that runs use."""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow.fs as pafs

from cab_assets.cli.scratch import Scratch
from cab_assets.schemas import Table
from cab_assets.wiring import Clients

# The first query of an Apache Hive that was just started took over 20.
HIVE_SECONDS = 45


@dataclass(frozen=True)
class Trials(Clients):
    """The clients, and what one examination makes with them."""

    hive_seconds: int = HIVE_SECONDS
    undo: ExitStack = field(default_factory=ExitStack)  # takes away again whatever was made

    @cached_property
    def scratch(self) -> Scratch:
        return Scratch(self.lake)

    def folders(self, tables: Iterable[Table]) -> list[str]:
        """Return the folders of those tables that have one."""
        return [table.name for table in tables if self._is_folder(table.name)]

    def delete(self, folder: str) -> None:
        """Delete a folder of the lake, if there is one."""
        if self._is_folder(folder):
            self.lake.files.delete_dir(folder)

    def clear(self) -> str:
        self.undo.close()
        return "nothing of this is left"

    def _is_folder(self, path: str) -> bool:
        return bool(self.lake.files.get_file_info(path).type == pafs.FileType.Directory)
