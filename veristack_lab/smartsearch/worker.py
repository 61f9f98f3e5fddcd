"""One member of the consumer group: Kafka says which documents may need work, Postgres says which
do.

A record is committed to Kafka only after the database transactions of its document, so a
record is never lost with a worker. It may come twice; the second time the claim finds nothing
to do. The worker never waits inside the consumer for a retry: a pause is a column of the
document's row, and the sweeper announces the document when the pause is over.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from typing import Any, Self
from uuid import UUID

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from veristack_lab.errors import BackendError
from veristack_lab.smartsearch import broker, leases
from veristack_lab.smartsearch.database import Database
from veristack_lab.smartsearch.embedding import Embedder, GatewayEmbedder
from veristack_lab.smartsearch.processing import Outcome, Processor
from veristack_lab.smartsearch.settings import Settings

POLL_MS = 200
COMMIT_TIMEOUT_MS = 5000
PAUSE_AFTER_ERROR_S = 0.5
UNASSIGNED_S = 15.0
"""How long a worker may be without a partition before it asks whether all the others are, too."""

_log = logging.getLogger(__name__)


class Worker:
    """Consumes announcements until told to stop. Use as a context manager."""

    def __init__(
        self, settings: Settings, *, name: str | None = None, embedder: Embedder | None = None
    ) -> None:
        self.settings = settings
        self.name = name or f"{socket.gethostname()}-{os.getpid()}"
        self._own_embedder = None if embedder else GatewayEmbedder(settings.gateway_url)
        self._database = Database(settings.conninfo, settings.schema, max_connections=3)
        chosen = embedder or self._own_embedder
        assert chosen is not None  # one of the two was just made
        self.processor = Processor(self._database, chosen, settings, self.name)
        self._consumer: KafkaConsumer | None = None
        self._assigned_s = 0.0
        """When the consumer last had a partition, or was made, or asked."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Worker {self.name} of {self.settings.group}>"

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop, through outages of broker, database and engine.

        Raises:
            EmbeddingModelChanged: the engine serves another model than the stored vectors'.
        """
        ended = threading.Event()
        heart = threading.Thread(target=self._beat, args=(ended,), name="leases", daemon=True)
        heart.start()
        try:
            while not stop.is_set():
                try:
                    self.work_once()
                except (KafkaError, BackendError) as error:
                    _log.warning("worker pauses: %s: %s", type(error).__name__, error)
                    self._drop_consumer()
                    stop.wait(PAUSE_AFTER_ERROR_S)
        finally:
            ended.set()
            heart.join()

    def work_once(self) -> Outcome:
        """Read one batch of announcements, process it, commit the offsets.

        Raises:
            KafkaError: the broker cannot be reached; what was read will be read again.
            BackendUnavailable: the database cannot be reached, likewise.
        """
        consumer = self._connected()
        batches = consumer.poll(timeout_ms=POLL_MS, max_records=self.settings.batch_documents)
        records = [record for batch in batches.values() for record in batch]
        self._require_partition(consumer)
        if not records:
            return Outcome()
        outcome = self.processor.process(_document_ids(records))
        try:
            consumer.commit(timeout_ms=COMMIT_TIMEOUT_MS)
        except KafkaError as error:
            # The partitions moved, or the broker is down: the records come again, harmlessly.
            _log.warning("offsets were not committed: %s: %s", type(error).__name__, error)
        return outcome

    def _beat(self, ended: threading.Event) -> None:
        """Renew the leases three times as often as they would expire."""
        while not ended.wait(self.settings.lease_s / 3):
            held = self.processor.held()
            if not held:
                continue
            try:
                leases.renew(self._database, held, self.settings.lease_s)
            except BackendError as error:
                # The next beat tries again; if none succeeds, the fence stops this worker's writes.
                _log.warning("leases were not renewed: %s", error)

    def _connected(self) -> KafkaConsumer:
        if self._consumer is None:
            broker.ensure_topics(self.settings)
            self._consumer = broker.consumer(self.settings)
            self._assigned_s = time.monotonic()
        return self._consumer

    def _require_partition(self, consumer: KafkaConsumer) -> None:
        """Join the group anew if no member of it has a partition.

        A worker beyond the number of partitions rightly has none. But kafka-python can form a
        group while it knows no partition of a new topic, and then never divide it again.
        """
        if consumer.assignment():
            self._assigned_s = time.monotonic()
        elif time.monotonic() - self._assigned_s >= UNASSIGNED_S:
            self._assigned_s = time.monotonic()
            if not broker.has_reader(self.settings):
                _log.warning("no worker of %s has a partition: joining anew", self.settings.group)
                self._drop_consumer()

    def _drop_consumer(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            try:
                consumer.close(timeout_ms=2000)
            except KafkaError as error:
                _log.warning("leaving the group failed: %s", error)

    def close(self) -> None:
        """Leave the group and close the connections."""
        self._drop_consumer()
        self._database.close()
        if self._own_embedder is not None:
            self._own_embedder.close()


def _document_ids(records: list[Any]) -> list[UUID]:
    """The documents that records name; a record that is not an announcement is skipped."""
    found: dict[UUID, None] = {}
    for record in records:
        try:
            found[UUID(json.loads(record.value)["documentId"])] = None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            _log.warning(
                "record %s/%s of %s is not an announcement: %s",
                record.partition, record.offset, record.topic, error,
            )  # fmt: skip
    return list(found)
