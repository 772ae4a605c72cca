"""HDFS as a file system of Arrow, through hdfs-native, which needs no Java."""

import io
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import ParseResult

import pyarrow.fs as pafs

from cab_assets.clients.deadline import within

# Time-out of one call. Without it, the client waits more than a minute for a missing NameNode.
ANSWER_TIMEOUT_SECONDS = 20
# Time-out for a DataNode's report of a file's last block, which usually takes 0.1 s
REPORT_SECONDS = 20


def file_system(address: ParseResult) -> pafs.PyFileSystem:
    """Return the file system of `hdfs://host:port/…`."""
    # Imported only if the lake is on HDFS
    from hdfs_native.fsspec import HdfsFileSystem

    return pafs.PyFileSystem(
        pafs.FSSpecHandler(Whole(HdfsFileSystem(address.hostname, address.port)))
    )


class Limited:
    """Wrapper that passes calls on, each with a time-out.

    Errors are raised as OSError, as by other file systems.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return partial(self._call, name, found) if callable(found) else found

    def write(self, content: Any) -> int:
        """Write all of the data.

        hdfs-native reads anything but `bytes` byte by byte, which takes a second for 9 MB.
        """
        return int(self._call("write", self._inner.write, bytes(content)))

    def close(self) -> None:
        """Close the file, once.

        Python closes a file again when it frees it, unless the file is marked closed. Without a
        NameNode, that takes three minutes.
        """
        try:
            self._call("close", self._inner.close)
        finally:
            io.IOBase.close(self._inner)

    def _call(self, name: str, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        try:
            given = within(ANSWER_TIMEOUT_SECONDS, lambda: call(*args, **options))
        except RuntimeError as error:
            raise OSError(said(error)) from error
        return Limited(given) if name == "open" else given


class Whole(Limited):
    """A file system whose files are always read to their end.

    hdfs-native stops before the last block if no DataNode has reported it yet, and a NameNode can
    be configured not to wait for that report when a file is closed.
    """

    def isfile(self, _path: str) -> bool:
        """Return True without a request: Arrow calls it before `open`, which checks it anyway."""
        return True

    def open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        """Open a file.

        Raise FileNotFoundError if it is missing, OSError if its end is unreadable.
        """
        if mode != "rb":
            return self._call("open", self._inner.open, path, mode, **options)
        status = self.info(path)
        if status["type"] != "file":
            raise FileNotFoundError(path)
        deadline = time.monotonic() + REPORT_SECONDS
        while (file := self._call("open", self._inner.open, path, mode, **options)).size < status[
            "size"
        ]:
            if time.monotonic() > deadline:
                raise OSError(
                    f"only {file.size} of its {status['size']} bytes can be read: no DataNode has"
                    " reported the others to the NameNode"
                )
            time.sleep(0.01)
        return file


def said(error: RuntimeError) -> str:
    """Return the first line of the server's message, without the Java class around it.

    The text looks like `RPCError("org…SafeModeException", "Cannot create …")`.
    """
    text = str(error).removeprefix('RPCError("').split('", "', 1)[-1]
    return text.split("\\n")[0].removesuffix('")')
