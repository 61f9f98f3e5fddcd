"""What every found-or-started server has in common: only a server started here may be killed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Generic, Literal, Protocol, TypeVar

from veristack_lab.errors import BackendError
from veristack_lab.runtime.supervised import ServerPart


class Server(Protocol):
    """A server that was started here."""

    @property
    def alive(self) -> bool:
        """Whether its process runs."""

    def start(self) -> None:
        """Start it (again) on the same port and data; returns when it answers."""

    def kill(self) -> None:
        """SIGKILL: the power cut."""


ServerT = TypeVar("ServerT", bound=Server)


class Owned(Generic[ServerT]):
    """Facts about a server that is either yours or was started here."""

    service: ClassVar[str]
    """Its name in messages."""
    variables: ClassVar[str]
    """The variables that name your server; unset them to let the lab start its own."""

    def __init__(self, server: ServerT | None) -> None:
        self._server = server

    @property
    def origin(self) -> Literal["yours", "here"]:
        """Whether it is yours or was started here."""
        return "yours" if self._server is None else "here"

    @property
    def alive(self) -> bool:
        """Whether the process started here runs. Raises: BackendError when it is yours."""
        return self._ours().alive

    def kill(self) -> None:
        """SIGKILL, its helpers included: the power cut. Raises: BackendError when it is yours."""
        self._ours().kill()

    def restart(self) -> None:
        """Start it again on the same port and data; returns when it answers.

        Raises:
            BackendError: it is yours.
            ProcessDied, BackendStartFailed: it did not come up.
        """
        self._ours().start()

    def _ours(self) -> ServerT:
        if self._server is None:
            raise BackendError(
                f"this {self.service} is yours, so the lab does not kill, pause or restart it; "
                f"unset {self.variables} to let the lab start its own"
            )
        return self._server


def server_parts(name: str, owned: Owned[ServerT], silence: Callable[[], str]) -> list[ServerPart]:
    """The server for a supervisor; nothing if it is yours, which the lab does not restart.

    `silence` says why it does not answer: one of `runtime/probes.py`.
    """
    if owned.origin == "yours":
        return []
    return [ServerPart(name, lambda: owned.alive, owned.restart, silence)]
