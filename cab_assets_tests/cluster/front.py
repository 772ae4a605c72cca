"""A port in front of S3 at which S3 fails when it is told to."""

import re
import socket
import socketserver
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

SLOW_DOWN = (
    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)
BUSY = (
    b"HTTP/1.1 503 Slow Down\r\nConnection: close\r\nContent-Type:"
    b" application/xml\r\nContent-Length: %d\r\n\r\n%s" % (len(SLOW_DOWN), SLOW_DOWN)
)
REQUEST = re.compile(rb"(?:GET|HEAD|PUT|POST|DELETE) \S+ HTTP/1.1\r\n")
LENGTH = re.compile(rb"\r\n(?:x-amz-decoded-)?content-length: (\d+)\r\n", re.IGNORECASE)

Fault = Callable[[bytes], bool]  # of the first line of a request


def never(_: bytes) -> bool:
    return False


class Front(socketserver.ThreadingTCPServer):
    """A port in front of S3 that answers 503 itself, or cuts uploads in the middle, while it is
    told to.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, to: int) -> None:
        super().__init__(("127.0.0.1", 0), Line)
        self.to, self.faults = to, 0
        self.refuses: Fault = never
        self.cuts: Fault = never

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def busy(self) -> AbstractContextManager[None]:
        """Every request is answered 503 while the block lasts."""
        return self._failing(refuses=lambda _: True)

    def stumbling(self) -> AbstractContextManager[None]:
        """While the block lasts, a request is answered 503 when it is made first."""
        made: Counter[bytes] = Counter()

        def is_first(request: bytes) -> bool:
            made[request] += 1
            return made[request] == 1

        return self._failing(refuses=is_first)

    def cutting(self, name: str) -> AbstractContextManager[None]:
        """While the block lasts, the line of each upload under such a name breaks in the middle of
        it.
        """
        return self._failing(
            cuts=lambda request: re.match(rb"PUT \S*" + name.encode(), request) is not None
        )

    @contextmanager
    def _failing(self, refuses: Fault = never, cuts: Fault = never) -> Iterator[None]:
        self.refuses, self.cuts = refuses, cuts
        try:
            yield
        finally:
            self.refuses = self.cuts = never


class Line(socketserver.BaseRequestHandler):
    """From one connection of a client to its end."""

    server: Front
    request: socket.socket

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.to)) as behind:
            answers = threading.Thread(target=self._answer, args=(behind,), daemon=True)
            answers.start()
            with suppress(OSError):
                self._ask(behind)
            hang_up(behind, self.request)
            answers.join()

    def _ask(self, behind: socket.socket) -> None:
        left = sys.maxsize  # bytes that still pass
        while left > 0 and (said := self.request.recv(65536)):
            request = REQUEST.match(said)
            if request and self.server.refuses(request[0]):
                return self._refuse()
            if request and self.server.cuts(request[0]) and (length := LENGTH.search(said)):
                left = said.index(b"\r\n\r\n") + 4 + int(length[1]) // 2
                self.server.faults += 1
            behind.sendall(said[:left])
            left -= len(said)
        return None

    def _refuse(self) -> None:
        self.server.faults += 1
        self.request.sendall(BUSY)
        self.request.shutdown(socket.SHUT_WR)
        # What is still being sent: left unread, it would break the line before the answer is read
        while self.request.recv(65536):
            pass

    def _answer(self, behind: socket.socket) -> None:
        with suppress(OSError):
            while said := behind.recv(65536):
                self.request.sendall(said)
        hang_up(behind, self.request)


def hang_up(*lines: socket.socket) -> None:
    for each in lines:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def fronting(port: int) -> Iterator[Front]:
    """At work until the block ends."""
    with Front(port) as front:
        threading.Thread(target=front.serve_forever, daemon=True).start()
        try:
            yield front
        finally:
            front.shutdown()
