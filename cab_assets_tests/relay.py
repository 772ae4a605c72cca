"""A server that stops answering in the middle."""

import socket
import threading
from collections.abc import Callable


class Relay:
    """A port in front of another that passes so many answers on and then holds every further one back."""

    def __init__(self, to: int, answers: int) -> None:
        self._to, self._left = to, answers
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._server]

    def __enter__(self) -> int:
        self._start(self._accept)
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
            behind = socket.create_connection(("127.0.0.1", self._to))
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
