"""Kafka: yours (`KAFKA_BOOTSTRAP_SERVERS`), or the real broker started here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from veristack_lab.backends import jars
from veristack_lab.backends.holding import held
from veristack_lab.backends.kafka_server import KafkaServer, broker_version
from veristack_lab.backends.ownership import Owned
from veristack_lab.errors import BackendUnavailable
from veristack_lab.runtime.processes import temporary_folder

YOURS_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
HELD_REMEDY = (
    f"Stop it there, give another folder, or set {YOURS_VARIABLE} to use the broker that runs"
)


class KafkaFacts(Owned[KafkaServer]):
    """How to reach a Kafka cluster, and (when it was started here) how to kill its broker."""

    service = "Kafka"
    variables = YOURS_VARIABLE

    def __init__(self, bootstrap: str, version: str, server: KafkaServer | None = None) -> None:
        self.bootstrap = bootstrap
        """`host:port`, several separated by commas."""
        self.version = version
        """Version of a broker started here; for yours, the lowest version that fits its API."""
        super().__init__(server)

    def __repr__(self) -> str:
        return f"<Kafka {self.version} {self.origin} {self.bootstrap}>"

    @property
    def pid(self) -> int:
        """The broker's process. Raises: BackendError when it is yours."""
        return self._ours().process().pid

    def pause(self) -> None:
        """SIGSTOP: connections stay open, but the broker does not answer. Raises: as `kill`."""
        self._ours().process().pause()

    def resume(self) -> None:
        """SIGCONT. Raises: as `kill`."""
        self._ours().process().resume()


@contextmanager
def kafka(folder: Path | None = None) -> Iterator[KafkaFacts]:
    """A Kafka that answers, for as long as the body runs.

    Args:
        folder: where a broker started here keeps its data; what is there already is kept and
            used again. None for a temporary folder.

    Raises:
        BackendUnavailable: yours does not answer, or Java or the jars are missing here; the
            message names the command that brings them.
        FolderHeld, FolderUnusable: the folder is another broker's, or cannot be written.
        ProcessDied, BackendStartFailed: the broker did not come up.
    """
    configured = os.environ.get(YOURS_VARIABLE, "").strip()
    if configured:
        version = broker_version(configured)
        if version is None:
            raise BackendUnavailable(
                f"your Kafka at {configured} does not answer; start it, correct "
                f"{YOURS_VARIABLE}, or unset it to let the lab start its own"
            )
        yield KafkaFacts(configured, version)
        return
    with (
        temporary_folder() if folder is None else nullcontext(folder) as place,
        held(place, "Kafka", HELD_REMEDY),
    ):
        server = KafkaServer(place)
        try:
            server.start()
            yield KafkaFacts(server.bootstrap, jars.kafka_version(), server)
        finally:
            server.stop()
