"""A server that stops answering in the middle, or at a named statement."""

import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from cab_assets_tests.patience import patience


class Relay:
    """A port in front of another that passes so many answers on and then holds every further one
    back.
    """

    def __init__(self, to: int, answers: int) -> None:
        self._to, self._left = to, answers
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._server]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        for each in self._open:
            each.close()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client = self._server.accept()[0]
            except OSError:
                return
            try:
                behind = socket.create_connection(("127.0.0.1", self._to))
            except OSError:  # the server is being killed or started
                client.close()
                continue
            self._open += [client, behind]
            self._start(self._ask, client, behind)
            self._start(self._answer, behind, client)

    def _ask(self, client: socket.socket, behind: socket.socket) -> None:
        try:
            while said := client.recv(65536):
                behind.sendall(said)
        except OSError:
            return

    def _answer(self, behind: socket.socket, client: socket.socket) -> None:
        try:
            while said := behind.recv(65536):
                self._left -= 1
                if self._left >= 0:
                    client.sendall(said)
        except OSError:
            return


class Gate(Relay):
    """A port in front of another at which the first request with `words` in it waits.

    If `carried_out`, its answer does.
    """

    def __init__(self, to: int, words: bytes, *, carried_out: bool = False) -> None:
        super().__init__(to, sys.maxsize)
        self._words, self._carried_out = words, carried_out
        self._held: tuple[socket.socket, socket.socket] | None = None
        self.reached, self.opened, self.answered = (
            threading.Event(),
            threading.Event(),
            threading.Event(),
        )

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.opened.set()

    def hang_up(self) -> None:
        """Cut the line to whoever asked; the request stays on its way."""
        assert self._held
        self._held[0].shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        """Let what waits go on, and wait until it is carried out."""
        self.opened.set()
        assert self.answered.wait(patience(60))

    def _ask(self, client: socket.socket, behind: socket.socket) -> None:
        with suppress(OSError):
            while said := client.recv(65536):
                if self._words in said and self._held is None:
                    self._held = client, behind
                    self._wait(before=True)
                behind.sendall(said)

    def _answer(self, behind: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while said := behind.recv(65536):
                if self._held == (client, behind):
                    self._wait(before=False)
                    self.answered.set()
                client.sendall(said)

    def _wait(self, *, before: bool) -> None:
        if before != self._carried_out:
            self.reached.set()
            self.opened.wait()
