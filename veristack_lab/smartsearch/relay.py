"""Outbox -> Kafka, at least once, and the sweeper beside it.

Commit point of one round: the transaction that marks events as sent. It commits only after the
broker has acknowledged each of them with all replicas. If the relay dies in between, the events
are sent again: a duplicate announces work that the database records as done. Events are locked
with SKIP LOCKED, so several relays share the work and a dead one's locks vanish with its
connection.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Self

from kafka import KafkaProducer
from kafka.errors import KafkaError

from veristack_lab.errors import BackendError
from veristack_lab.smartsearch import broker, outbox
from veristack_lab.smartsearch.database import Database
from veristack_lab.smartsearch.settings import Settings
from veristack_lab.smartsearch.sweeper import Swept, sweep

BATCH = 200
IDLE_S = 0.03
PAUSE_AFTER_ERROR_S = 0.5

_log = logging.getLogger(__name__)


class Relay:
    """Sends what the outbox holds. One thread calls `run`; use it as a context manager."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._database = Database(settings.conninfo, settings.schema, max_connections=2)
        self._producer: KafkaProducer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Relay {self.settings.schema} -> {self.settings.documents_topic}>"

    def run(self, stop: threading.Event) -> None:
        """Relay and sweep until told to stop, through outages of either server."""
        next_sweep = time.monotonic()
        while not stop.is_set():
            pause_s = 0.0
            try:
                if time.monotonic() >= next_sweep:
                    self.sweep_once()
                    next_sweep = time.monotonic() + self.settings.sweep_interval_s
                if self.relay_once() == 0:
                    pause_s = IDLE_S
            except (KafkaError, BackendError) as error:
                _log.warning("relay pauses: %s: %s", type(error).__name__, error)
                pause_s = PAUSE_AFTER_ERROR_S
            stop.wait(pause_s)

    def relay_once(self) -> int:
        """Send one batch. Returns how many events were acknowledged.

        Raises:
            KafkaError: the broker did not acknowledge; the events stay unsent.
        """
        with self._database.transaction() as conn:
            events = outbox.take_unsent(conn, BATCH)
            if not events:
                return 0
            try:
                self._send(events)
            except KafkaError:
                # A producer that lost a batch may keep failing: the next round makes a new one.
                self._drop_producer()
                raise
            outbox.mark_sent(conn, [event.id for event in events])
        return len(events)

    def sweep_once(self) -> Swept:
        """One round of the sweeper."""
        return sweep(self._database, self.settings)

    def _send(self, events: list[outbox.Event]) -> None:
        producer = self._connected()
        futures = [
            producer.send(
                self._topic(event.kind),
                key=event.key.encode(),
                value=broker.encode({**event.payload, "eventId": str(event.event_id)}),
            )
            for event in events
        ]
        producer.flush(timeout=self.settings.delivery_timeout_s)
        for future in futures:
            future.get(timeout=self.settings.delivery_timeout_s)

    def _topic(self, kind: outbox.Kind) -> str:
        settings = self.settings
        return settings.documents_topic if kind == "document" else settings.dead_letters_topic

    def _connected(self) -> KafkaProducer:
        if self._producer is None:
            broker.ensure_topics(self.settings)
            self._producer = broker.producer(self.settings)
        return self._producer

    def _drop_producer(self) -> None:
        if self._producer is not None:
            self._producer.close(timeout=0)
            self._producer = None

    def close(self) -> None:
        """Close the connections. Unsent events stay in the outbox."""
        self._drop_producer()
        self._database.close()
