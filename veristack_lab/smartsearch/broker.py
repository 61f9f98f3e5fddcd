"""kafka-python's clients, set up for a broker that may vanish and return.

The timings matter more than the code: a dead worker's partitions move after `SESSION_MS`, a
broker's restart takes three to four seconds, and no constructor may hang for half a minute.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetSpec, TopicPartition
from kafka.errors import KafkaConnectionError, KafkaError, TopicAlreadyExistsError

from veristack_lab.smartsearch.settings import Settings

SESSION_MS = 6000  # the least that a broker's default group.min.session.timeout.ms allows
HEARTBEAT_MS = 1000
METADATA_MS = 5_000
BOOTSTRAP_MS = 3000
CONNECT_TIMEOUT_S = 2.0
RECONNECT_MAX_MS = 500


def _client(settings: Settings) -> dict[str, Any]:
    _require_listening(settings.bootstrap)
    return {
        "bootstrap_servers": settings.bootstrap,
        "bootstrap_timeout_ms": BOOTSTRAP_MS,
        "reconnect_backoff_max_ms": RECONNECT_MAX_MS,
    }


def _require_listening(bootstrap: str) -> None:
    """Fail at once if no broker listens: kafka-python would try for seconds and leak a socket."""
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), CONNECT_TIMEOUT_S).close()
        except (OSError, ValueError):
            continue
        return
    raise KafkaConnectionError(f"no broker at {bootstrap}")


def ensure_topics(settings: Settings) -> None:
    """Make the topics if they do not exist.

    Raises:
        KafkaError: the broker cannot be asked.
    """
    admin = KafkaAdminClient(**_client(settings), request_timeout_ms=10_000)
    try:
        for name, partitions in (
            (settings.documents_topic, settings.partitions),
            (settings.dead_letters_topic, 1),
        ):
            try:
                admin.create_topics(
                    {name: {"num_partitions": partitions, "replication_factor": 1}},
                    wait_for_metadata=True,
                )
            except TopicAlreadyExistsError:
                continue
    finally:
        admin.close()


def producer(settings: Settings) -> KafkaProducer:
    """An idempotent producer that reports success only after all replicas have the record.

    Raises:
        KafkaError: the broker cannot be reached.
    """
    delivery_ms = int(settings.delivery_timeout_s * 1000)
    return KafkaProducer(
        **_client(settings),
        acks="all",
        enable_idempotence=True,
        linger_ms=2,
        request_timeout_ms=min(5000, delivery_ms - 10),
        delivery_timeout_ms=delivery_ms,
        max_block_ms=delivery_ms,
    )


def consumer(settings: Settings) -> KafkaConsumer:
    """A member of the workers' group; offsets are committed by hand.

    Raises:
        KafkaError: the broker cannot be reached.
    """
    return KafkaConsumer(
        settings.documents_topic,
        **_client(settings),
        group_id=settings.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=SESSION_MS,
        heartbeat_interval_ms=HEARTBEAT_MS,
        request_timeout_ms=10_000,
        # A group that joined before a new topic was known to it has no partition: it looks again
        # after this long, and by default only after five minutes.
        metadata_max_age_ms=METADATA_MS,
    )


def lag(settings: Settings) -> int | None:
    """How many records of the documents topic the group has not committed.

    Returns:
        None when the broker cannot be asked or the topic does not exist yet.
    """
    try:
        admin = KafkaAdminClient(**_client(settings), request_timeout_ms=3000)
    except KafkaError:
        return None
    try:
        partitions = [
            TopicPartition(settings.documents_topic, number)
            for number in range(settings.partitions)
        ]
        ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
        committed = admin.list_group_offsets([settings.group])[settings.group]
        return sum(
            int(end.offset)
            - (max(0, int(committed[partition].offset)) if partition in committed else 0)
            for partition, end in ends.items()
        )
    except KafkaError:
        return None
    finally:
        admin.close()


def has_reader(settings: Settings) -> bool:
    """Whether any member of the workers' group has a partition; True if the broker cannot say."""
    try:
        admin = KafkaAdminClient(**_client(settings), request_timeout_ms=3000)
    except KafkaError:
        return True
    try:
        members = admin.describe_groups([settings.group])[settings.group]["members"]
        return any(member["member_assignment"]["assigned_partitions"] for member in members)
    except KafkaError:
        return True
    finally:
        admin.close()


def encode(payload: Mapping[str, Any]) -> bytes:
    """A payload as bytes on the wire."""
    return json.dumps(payload, sort_keys=True).encode()
